package rpc

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// ledger is what matters of one closed ledger: every movement in it, whoever took part. It never changes once it is made.
type ledger struct {
	sequence       int64
	closedAt       time.Time
	hash, previous xdr.Hash
	transactions   []transaction // those that moved something
}

func (l *ledger) public() stellar.Ledger {
	return stellar.Ledger{Sequence: l.sequence, ClosedAt: l.closedAt, Hash: hex.EncodeToString(l.hash[:])}
}

// contents is a LedgerCloseMeta of any version.
type contents struct {
	header    xdr.LedgerHeaderHistoryEntry
	envelopes []xdr.TransactionEnvelope // in the order of the transaction set
	applied   []applied                 // in the order in which they were applied
}

type applied struct {
	result xdr.TransactionResultPair
	meta   xdr.TransactionMeta
}

// decode reads one ledger whole or not at all: a part that is not understood may hold payments.
func decode(text, passphrase string) (*ledger, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, &AnswerError{"the ledger is no base64"}
	}
	meta, err := unmarshal(raw)
	if err != nil {
		return nil, &AnswerError{"the ledger's XDR cannot be decoded; it may be of a newer protocol than this program knows"}
	}
	l, err := digest(meta, passphrase)
	if err != nil {
		return nil, &AnswerError{fmt.Sprintf("ledger %d: %v", sequenceOf(meta), err)}
	}
	return l, nil
}

// unmarshal bounds what a few bytes may make of themselves in memory; ledgers of the public network need some 20 MB.
func unmarshal(raw []byte) (xdr.LedgerCloseMeta, error) {
	const (
		deepest = 1500
		most    = 1 << 30
	)
	var meta xdr.LedgerCloseMeta
	n, err := xdr.UnmarshalWithOptions(bytes.NewReader(raw), &meta, xdr.DecodeOptions{MaxDepth: deepest, MaxMemoryBytes: most})
	if err == nil && n != len(raw) {
		err = errors.New("there is more behind its end")
	}
	return meta, err
}

func sequenceOf(meta xdr.LedgerCloseMeta) int64 {
	c, err := contentsOf(meta)
	if err != nil {
		return 0
	}
	return int64(c.header.Header.LedgerSeq)
}

func digest(meta xdr.LedgerCloseMeta, passphrase string) (*ledger, error) {
	c, err := contentsOf(meta)
	if err != nil {
		return nil, err
	}
	l, err := headOf(c.header)
	if err != nil {
		return nil, err
	}
	envelopes, err := byHash(c.envelopes, passphrase)
	if err != nil {
		return nil, err
	}
	r := reader{passphrase: passphrase}
	for i := range c.applied {
		a := &c.applied[i]
		if !a.result.Successful() {
			continue
		}
		envelope, known := envelopes[a.result.TransactionHash]
		if !known {
			return nil, fmt.Errorf("transaction %d is not in the transaction set, or is of another network", i+1)
		}
		t, err := r.transaction(envelope, a)
		if err != nil {
			return nil, fmt.Errorf("transaction %s: %w", hex.EncodeToString(a.result.TransactionHash[:]), err)
		}
		if len(t.operations) > 0 {
			t.id = l.sequence<<ledgerShift | int64(i+1)<<transactionShift
			l.transactions = append(l.transactions, t)
		}
	}
	return l, nil
}

// headOf takes the hash of the header itself: that which the meta tells is only compared with it.
func headOf(entry xdr.LedgerHeaderHistoryEntry) (*ledger, error) {
	hash, err := hashOf(entry.Header)
	if err != nil {
		return nil, err
	}
	if hash != entry.Hash {
		return nil, errors.New("its header has another hash than it claims")
	}
	closed := uint64(entry.Header.ScpValue.CloseTime)
	const latest = 1 << 40 // seconds: beyond it times are no longer written with four digits of a year
	if entry.Header.LedgerSeq == 0 || entry.Header.LedgerSeq > 1<<31-1 || closed >= latest {
		return nil, errors.New("its number or its close time is out of bounds")
	}
	return &ledger{
		sequence: int64(entry.Header.LedgerSeq), closedAt: time.Unix(int64(closed), 0).UTC(),
		hash: entry.Hash, previous: entry.Header.PreviousLedgerHash,
	}, nil
}

func hashOf(header xdr.LedgerHeader) (xdr.Hash, error) {
	raw, err := header.MarshalBinary()
	return sha256.Sum256(raw), err
}

// byHash finds envelopes by the hash under which their results are told: that of the fee bump where there is one.
func byHash(envelopes []xdr.TransactionEnvelope, passphrase string) (map[xdr.Hash]*xdr.TransactionEnvelope, error) {
	found := make(map[xdr.Hash]*xdr.TransactionEnvelope, len(envelopes))
	for i := range envelopes {
		hash, err := network.HashTransactionInEnvelope(envelopes[i], passphrase)
		if err != nil {
			return nil, fmt.Errorf("envelope %d of the transaction set: %w", i+1, err)
		}
		found[hash] = &envelopes[i]
	}
	return found, nil
}

func contentsOf(meta xdr.LedgerCloseMeta) (contents, error) {
	switch {
	case meta.V == 0 && meta.V0 != nil:
		m := meta.V0
		return contents{m.LedgerHeader, m.TxSet.Txs, appliedOf(m.TxProcessing)}, nil
	case meta.V == 1 && meta.V1 != nil:
		m := meta.V1
		return generalized(m.LedgerHeader, m.TxSet, appliedOf(m.TxProcessing))
	case meta.V == 2 && meta.V2 != nil:
		m := meta.V2
		return generalized(m.LedgerHeader, m.TxSet, appliedOfV1(m.TxProcessing))
	}
	return contents{}, fmt.Errorf("the version %d of its meta is not known", meta.V)
}

func appliedOf(processing []xdr.TransactionResultMeta) []applied {
	all := make([]applied, len(processing))
	for i := range processing {
		all[i] = applied{processing[i].Result, processing[i].TxApplyProcessing}
	}
	return all
}

func appliedOfV1(processing []xdr.TransactionResultMetaV1) []applied {
	all := make([]applied, len(processing))
	for i := range processing {
		all[i] = applied{processing[i].Result, processing[i].TxApplyProcessing}
	}
	return all
}

func generalized(header xdr.LedgerHeaderHistoryEntry, set xdr.GeneralizedTransactionSet, all []applied) (contents, error) {
	if set.V1TxSet == nil {
		return contents{}, fmt.Errorf("the version %d of its transaction set is not known", set.V)
	}
	c := contents{header: header, applied: all}
	for _, phase := range set.V1TxSet.Phases {
		switch {
		case phase.V0Components != nil:
			for _, component := range *phase.V0Components {
				if component.TxsMaybeDiscountedFee != nil {
					c.envelopes = append(c.envelopes, component.TxsMaybeDiscountedFee.Txs...)
				}
			}
		case phase.ParallelTxsComponent != nil:
			for _, stage := range phase.ParallelTxsComponent.ExecutionStages {
				for _, cluster := range stage {
					c.envelopes = append(c.envelopes, cluster...)
				}
			}
		default:
			return contents{}, fmt.Errorf("the version %d of a phase of its transaction set is not known", phase.V)
		}
	}
	return c, nil
}
