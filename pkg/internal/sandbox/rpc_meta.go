package sandbox

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// closeMeta is all that a ledger holds, as the core of a real network tells it. It names no ledger entries.
func (l *closedLedger) closeMeta() (xdr.LedgerCloseMeta, error) {
	m := xdr.LedgerCloseMetaV2{LedgerHeader: xdr.LedgerHeaderHistoryEntry{Hash: l.hash}}
	if err := xdr.SafeUnmarshalBase64(l.header, &m.LedgerHeader.Header); err != nil {
		return xdr.LedgerCloseMeta{}, fmt.Errorf("the header of ledger %d: %w", l.sequence, err)
	}
	set, err := l.transactionSet()
	if err != nil {
		return xdr.LedgerCloseMeta{}, err
	}
	m.TxSet = set
	for _, t := range l.transactions {
		done, err := t.applied()
		if err != nil {
			return xdr.LedgerCloseMeta{}, err
		}
		m.TxProcessing = append(m.TxProcessing, done)
	}
	return xdr.LedgerCloseMeta{V: 2, V2: &m}, nil
}

// transactionSet holds the envelopes by their hashes: in another order, mostly, than that in which they were applied.
func (l *closedLedger) transactionSet() (xdr.GeneralizedTransactionSet, error) {
	sorted := slices.Clone(l.transactions)
	slices.SortFunc(sorted, func(a, b *transaction) int { return bytes.Compare(a.rawHash[:], b.rawHash[:]) })
	part := xdr.TxSetComponentTxsMaybeDiscountedFee{}
	for _, t := range sorted {
		var envelope xdr.TransactionEnvelope
		if err := xdr.SafeUnmarshalBase64(t.envelope, &envelope); err != nil {
			return xdr.GeneralizedTransactionSet{}, fmt.Errorf("the envelope of %s: %w", t.hash, err)
		}
		part.Txs = append(part.Txs, envelope)
	}
	components := []xdr.TxSetComponent{{
		Type: xdr.TxSetComponentTypeTxsetCompTxsMaybeDiscountedFee, TxsMaybeDiscountedFee: &part,
	}}
	return xdr.GeneralizedTransactionSet{V: 1, V1TxSet: &xdr.TransactionSetV1{
		PreviousLedgerHash: l.previous,
		Phases: []xdr.TransactionPhase{
			{V: 0, V0Components: &components}, {V: 1, ParallelTxsComponent: &xdr.ParallelTxsComponent{}},
		},
	}}, nil
}

func (t *transaction) applied() (xdr.TransactionResultMetaV1, error) {
	m := xdr.TransactionResultMetaV1{Result: xdr.TransactionResultPair{TransactionHash: t.rawHash}}
	if err := xdr.SafeUnmarshalBase64(t.result, &m.Result.Result); err != nil {
		return m, fmt.Errorf("the result of %s: %w", t.hash, err)
	}
	if err := xdr.SafeUnmarshalBase64(t.meta, &m.TxApplyProcessing); err != nil {
		return m, fmt.Errorf("the meta of %s: %w", t.hash, err)
	}
	return m, nil
}
