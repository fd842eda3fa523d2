package rpc_test

import (
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

func Test_every_form_of_a_ledger_reads_the_same(t *testing.T) {
	t.Parallel()
	c := newCast()
	first, second := paying(c.them, c.us, c.usd, 5), paying(c.us, c.them, xdr.MustNewNativeAsset(), 6)
	want, err := rpc.Read(rawLedger(t, ledgerOf(t, first, second)), passphrase, c.us)
	require.NoError(t, err)
	require.Len(t, want.Payments, 1)
	require.Equal(t, int64(madeSequence<<32|1<<12|1), want.Payments[0].OperationID)
	require.Equal(t, time.Unix(madeSecond, 0).UTC(), want.Payments[0].ClosedAt)
	require.Equal(t, int64(madeSequence<<32|2<<12|1), want.Outgoing[0].OperationID)

	envelopes := []xdr.TransactionEnvelope{second.envelope, first.envelope}
	processing := []xdr.TransactionResultMeta{
		{Result: first.pair(t), TxApplyProcessing: first.meta}, {Result: second.pair(t), TxApplyProcessing: second.meta},
	}
	parallel := xdr.GeneralizedTransactionSet{V: 1, V1TxSet: &xdr.TransactionSetV1{Phases: []xdr.TransactionPhase{
		{V: 0, V0Components: &[]xdr.TxSetComponent{{TxsMaybeDiscountedFee: &xdr.TxSetComponentTxsMaybeDiscountedFee{Txs: envelopes[:1]}}}},
		{V: 1, ParallelTxsComponent: &xdr.ParallelTxsComponent{ExecutionStages: []xdr.ParallelTxExecutionStage{
			{{}}, {xdr.DependentTxCluster(envelopes[1:])},
		}}},
	}}}
	for name, meta := range map[string]xdr.LedgerCloseMeta{
		"before generalized sets": {V: 0, V0: &xdr.LedgerCloseMetaV0{
			LedgerHeader: madeHeader(), TxSet: xdr.TransactionSet{Txs: envelopes}, TxProcessing: processing,
		}},
		"with parallel phases": {V: 1, V1: &xdr.LedgerCloseMetaV1{LedgerHeader: madeHeader(), TxSet: parallel, TxProcessing: processing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rpc.Read(rawLedger(t, meta), passphrase, c.us)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func Test_metas_without_events_do_for_classic_operations(t *testing.T) {
	t.Parallel()
	c := newCast()
	for version, meta := range []xdr.TransactionMeta{
		1: {V: 1, V1: &xdr.TransactionMetaV1{Operations: []xdr.OperationMeta{{}}}},
		2: {V: 2, V2: &xdr.TransactionMetaV2{Operations: []xdr.OperationMeta{{}}}},
		3: {V: 3, V3: &xdr.TransactionMetaV3{Operations: []xdr.OperationMeta{{}}}},
	} {
		old := paying(c.them, c.us, c.usd, 5)
		if version > 0 {
			old.meta = meta
		}
		page, err := rpc.Read(rawLedger(t, ledgerOf(t, old)), passphrase, c.us)
		require.NoError(t, err)
		require.Len(t, page.Payments, 1)
	}
}

func Test_an_envelope_of_the_oldest_form_is_read(t *testing.T) {
	t.Parallel()
	c := newCast()
	old := paying(c.them, c.us, c.usd, 5)
	v1 := old.envelope.V1.Tx
	old.envelope = xdr.TransactionEnvelope{Type: xdr.EnvelopeTypeEnvelopeTypeTxV0, V0: &xdr.TransactionV0Envelope{Tx: xdr.TransactionV0{
		SourceAccountEd25519: *v1.SourceAccount.Ed25519, Fee: v1.Fee, SeqNum: v1.SeqNum, Memo: v1.Memo, Operations: v1.Operations,
	}}}
	page, err := rpc.Read(rawLedger(t, ledgerOf(t, old)), passphrase, c.us)
	require.NoError(t, err)
	require.Equal(t, c.them, page.Payments[0].From)
	require.Equal(t, "bWFkZQ==", page.Payments[0].Memo)
}

func Test_what_failed_moved_nothing_whatever_its_parts_say(t *testing.T) {
	t.Parallel()
	c := newCast()
	event := said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), addressVal(c.us))
	failed := func(m made) made {
		m.result.Result.Code = xdr.TransactionResultCodeTxFailed
		return m
	}
	bump := func(code, inner xdr.TransactionResultCode) made {
		m := paying(c.them, c.us, c.usd, 5)
		results := m.result.Result.Results
		m.envelope = xdr.TransactionEnvelope{Type: xdr.EnvelopeTypeEnvelopeTypeTxFeeBump, FeeBump: &xdr.FeeBumpTransactionEnvelope{
			Tx: xdr.FeeBumpTransaction{FeeSource: accountXDR(c.issuer), Fee: 400, InnerTx: xdr.FeeBumpTransactionInnerTx{
				Type: xdr.EnvelopeTypeEnvelopeTypeTx, V1: m.envelope.V1,
			}},
		}}
		m.result.Result = xdr.TransactionResultResult{Code: code, InnerResultPair: &xdr.InnerTransactionResultPair{
			TransactionHash: xdr.Hash{5}, Result: xdr.InnerTransactionResult{Result: xdr.InnerTransactionResultResult{Code: inner, Results: results}},
		}}
		return m
	}
	for name, m := range map[string]made{
		"a payment":                   failed(paying(c.them, c.us, c.usd, 5)),
		"a contract call":             failed(calling(c.them, 4, event)),
		"a contract call, as it was":  failed(calling(c.them, 3, event)),
		"a transaction in a fee bump": bump(xdr.TransactionResultCodeTxFeeBumpInnerFailed, xdr.TransactionResultCodeTxFailed),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := bump(xdr.TransactionResultCodeTxFeeBumpInnerSuccess, xdr.TransactionResultCodeTxSuccess)
			good.envelope.FeeBump.Tx.Fee++ // so that the two are not one
			page, err := rpc.Read(rawLedger(t, ledgerOf(t, m, good)), passphrase, c.us)
			require.NoError(t, err)
			require.Len(t, page.Payments, 1)
			require.Equal(t, int64(2), page.Payments[0].OperationID>>12&0xfffff, "the one that failed is counted all the same")
			require.Equal(t, "0500000000000000000000000000000000000000000000000000000000000000", page.Payments[0].InnerHash)
			require.NotEqual(t, page.Payments[0].InnerHash, page.Payments[0].OuterHash)
		})
	}
}

func Test_a_ledger_that_contradicts_itself_is_refused_as_a_whole(t *testing.T) {
	t.Parallel()
	c := newCast()
	good := paying(c.them, c.us, c.usd, 5)
	changed := func(change func(m *xdr.LedgerCloseMetaV2)) []byte {
		meta := ledgerOf(t, good)
		change(meta.V2)
		return rawLedger(t, meta)
	}
	noResult := withOps(c.them, []xdr.OperationResultTr{{
		Type: xdr.OperationTypeAccountMerge, AccountMergeResult: &xdr.AccountMergeResult{Code: xdr.AccountMergeResultCodeAccountMergeNoAccount},
	}}, xdr.OperationBody{Type: xdr.OperationTypeAccountMerge, Destination: pointer(accountXDR(c.us))})
	placeless := calling(c.them, 4)
	placeless.meta.V4.Operations = nil
	for name, test := range map[string]struct {
		raw  []byte
		want string
	}{
		"a header that was changed": {changed(func(m *xdr.LedgerCloseMetaV2) { m.LedgerHeader.Header.FeePool++ }), "another hash than it claims"},
		"a time out of bounds": {changed(func(m *xdr.LedgerCloseMetaV2) {
			m.LedgerHeader.Header.ScpValue.CloseTime = 1 << 63
			m.LedgerHeader = rpc.Sealed(m.LedgerHeader.Header)
		}), "out of bounds"},
		"a result without its envelope": {changed(func(m *xdr.LedgerCloseMetaV2) { *m.TxSet.V1TxSet.Phases[0].V0Components = nil }), "not in the transaction set"},
		"fewer results than operations": {changed(func(m *xdr.LedgerCloseMetaV2) {
			m.TxProcessing[0].Result.Result.Result.Results = &[]xdr.OperationResult{}
		}), "1 operations and 0 results"},
		"a success without its result":   {rawLedger(t, ledgerOf(t, noResult)), "without a result"},
		"a contract call without events": {rawLedger(t, ledgerOf(t, calling(c.them, 2))), "no place for its events"},
		"a meta without operations":      {rawLedger(t, ledgerOf(t, placeless)), "no place for its events"},
		"a ledger that is cut":           {changed(func(*xdr.LedgerCloseMetaV2) {})[:500], "cannot be decoded"},
		"a ledger with more behind it":   {append(changed(func(*xdr.LedgerCloseMetaV2) {}), 0, 0, 0, 0), "cannot be decoded"},
		"a form of the future":           {append([]byte{0, 0, 0, 9}, changed(func(*xdr.LedgerCloseMetaV2) {})[4:]...), "newer protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rpc.Read(test.raw, passphrase, c.us)
			var unreadable *rpc.AnswerError
			require.ErrorAs(t, err, &unreadable)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func Test_an_asset_whose_code_no_ledger_accepts_is_unreadable(t *testing.T) {
	t.Parallel()
	c := newCast()
	odd := c.usd
	odd.AlphaNum4 = &xdr.AlphaNum4{AssetCode: xdr.AssetCode4{'U', 0, 'D', 0}, Issuer: c.usd.AlphaNum4.Issuer}
	page, err := rpc.Read(rawLedger(t, ledgerOf(t, paying(c.them, c.us, odd, 5))), passphrase, c.us)
	require.NoError(t, err)
	require.Len(t, page.Payments, 1)
	require.NotEmpty(t, page.Payments[0].Unreadable)
	require.Zero(t, page.Payments[0].Units)
	require.Contains(t, string(page.Payments[0].Raw), `"operation"`)
}

func pointer[T any](v T) *T { return &v }

func FuzzLedger(f *testing.F) {
	c := newCast()
	event := said(c.usd, mapVal(5, numberVal(7)), symbolVal("transfer"), addressVal(c.them), addressVal(c.us))
	f.Add(rawLedger(f, ledgerOf(f, paying(c.them, c.us, c.usd, 5), calling(c.us, 4, event), calling(c.us, 3, event))))
	f.Add(rawLedger(f, xdr.LedgerCloseMeta{V: 0, V0: &xdr.LedgerCloseMetaV0{LedgerHeader: madeHeader()}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		page, err := rpc.Read(resealed(raw), passphrase, c.us)
		if err != nil {
			return
		}
		for _, account := range append(rpc.Accounts(resealed(raw), passphrase), c.us) {
			page, err = rpc.Read(resealed(raw), passphrase, account)
			require.NoError(t, err)
			for _, p := range append(page.Payments, page.Outgoing...) {
				require.Equal(t, p.Unreadable == "", p.Units > 0)
				require.Equal(t, account, p.Account)
				require.True(t, p.OperationID > 0 && p.OperationID < page.Position)
			}
		}
	})
}

// resealed lets changed headers and envelopes past the checks of their hashes, so that what lies behind is reached.
func resealed(raw []byte) []byte {
	var meta xdr.LedgerCloseMeta
	if err := xdr.SafeUnmarshal(raw, &meta); err != nil || meta.V != 2 {
		return raw
	}
	meta.V2.LedgerHeader = rpc.Sealed(meta.V2.LedgerHeader.Header)
	envelopes := meta.TransactionEnvelopes()
	for i := range min(len(envelopes), len(meta.V2.TxProcessing)) {
		hash, err := network.HashTransactionInEnvelope(envelopes[len(envelopes)-1-i], passphrase)
		if err != nil {
			return raw
		}
		meta.V2.TxProcessing[i].Result.TransactionHash = hash
	}
	changed, err := meta.MarshalBinary()
	if err != nil {
		return raw
	}
	return changed
}
