package sandbox

import (
	"net/http"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// wrapped is a fee bump and what it is around.
type wrapped struct {
	inner, outer         string // envelopes
	innerHash, outerHash string
}

// bump wraps a transaction in a fee bump that bids so many stroops per operation.
func (l *lab) bump(payer *keypair.Full, i intent, bid int64) wrapped {
	l.Helper()
	return l.bumpOf(payer, l.transaction(i), bid)
}

func (l *lab) bumpOf(payer *keypair.Full, inner *txnbuild.Transaction, bid int64) wrapped {
	l.Helper()
	outer, err := txnbuild.NewFeeBumpTransaction(txnbuild.FeeBumpTransactionParams{
		Inner: inner, FeeAccount: payer.Address(), BaseFee: bid,
	})
	require.NoError(l, err)
	outer, err = outer.Sign(l.net.Passphrase(), payer)
	require.NoError(l, err)
	w := wrapped{}
	for _, step := range []struct {
		into *string
		text func() (string, error)
	}{
		{&w.inner, inner.Base64},
		{&w.outer, outer.Base64},
		{&w.innerHash, func() (string, error) { return inner.HashHex(standalone) }},
		{&w.outerHash, func() (string, error) { return outer.HashHex(standalone) }},
	} {
		*step.into, err = step.text()
		require.NoError(l, err)
	}
	return w
}

func TestFee_bump_has_the_records_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payer, sender, receiver := l.account(), l.account(), l.account()
	_, usdc := l.asset("USDC", sender, receiver)
	w := l.bump(payer, intent{by: sender, memo: txnbuild.MemoText("bumped"), ops: []txnbuild.Operation{pay(receiver, usdc, "14")}}, 200)
	posted := l.submit(w.outer)
	require.Equal(t, http.StatusOK, posted.status)
	want := load(t, "transaction-fee-bump.json").body
	requireSameShape(t, want, posted.body)
	requireSameShape(t, want, l.get("/transactions/"+w.outerHash).body)
	record := only(t, l.get("/accounts/"+receiver.Address()+"/payments?join=transactions&order=desc&limit=1"))
	requireSameShape(t, load(t, "record-payment-fee-bump-join.json").body, record)

	t.Run("is found by its inner hash, which is then the hash", func(t *testing.T) {
		byInner := l.get("/transactions/" + w.innerHash).body
		requireSameShape(t, want, byInner)
		require.Contains(t, byInner, `"id": "`+w.innerHash+`"`)
		require.Contains(t, byInner, "\"fee_bump_transaction\": {\n    \"hash\": \""+w.outerHash+`"`)
	})
	t.Run("is answered alike when it, or what is in it, is posted again", func(t *testing.T) {
		for _, envelope := range []string{w.outer, w.inner} {
			again := l.submit(envelope)
			require.Equal(t, http.StatusOK, again.status)
			require.Equal(t, posted.body, again.body)
		}
		requireSameShape(t, load(t, "post-transaction-again-same-200.txt").body, l.submit(l.envelope(intent{
			by: sender, memo: txnbuild.MemoID(1), ops: []txnbuild.Operation{pay(receiver, usdc, "1")},
		})).body)
	})
	t.Run("is paid for by its payer, for one operation more", func(t *testing.T) {
		var got Transaction
		for _, tx := range l.net.Transactions() {
			if tx.InnerHash == w.innerHash {
				got = tx
			}
		}
		require.Equal(t, w.outerHash, got.Hash)
		require.Equal(t, payer.Address(), got.FeeAccount)
		require.Equal(t, int64(200), got.FeeCharged)
		require.Equal(t, int64(DefaultFriendbotBalance-200), l.balance(payer, "native"))
		require.Equal(t, "tx_fee_bump_inner_success", got.TransactionCode)
		require.Equal(t, "tx_success", got.InnerCode)
		require.Len(t, pluck(t, l.get("/accounts/"+payer.Address()+"/transactions").body, "hash"), 2)
	})
}

func TestFee_bump_that_is_not_valid_is_refused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payer, sender := l.account(), l.account()
	good := intent{by: sender, ops: native(payer, "1")}
	stale, late := good, good
	stale.sequence = 5
	late.times = txnbuild.NewTimebounds(0, l.second.Load()-1)
	for name, c := range map[string]struct {
		envelope     string
		code, within string
	}{
		"by a stranger":             {l.bump(keypair.MustRandom(), good, 100).outer, "tx_no_source_account", ""},
		"around a used sequence":    {l.bump(payer, stale, 100).outer, "tx_fee_bump_inner_failed", "tx_bad_seq"},
		"around one that is late":   {l.bump(payer, late, 100).outer, "tx_fee_bump_inner_failed", "tx_too_late"},
		"around an unsigned one":    {l.bump(payer, intent{by: sender, unsigned: true, ops: native(payer, "1")}, 100).outer, "tx_fee_bump_inner_failed", "tx_bad_auth"},
		"bidding more than it owns": {l.bump(payer, good, 60_000_000_000).outer, "tx_insufficient_balance", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.net.Submit(c.envelope)
			refused := refusalOf(t, err)
			require.Equal(t, c.code, refused.TransactionCode)
			require.Equal(t, c.within, refused.InnerCode)
			var result xdr.TransactionResult
			require.NoError(t, xdr.SafeUnmarshalBase64(refused.ResultXDR, &result))
			require.Equal(t, c.within != "", result.Result.InnerResultPair != nil)
		})
	}
	t.Run("and its answer has the code of what is in it", func(t *testing.T) {
		got := l.submit(l.bump(payer, stale, 100).outer)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Contains(t, got.body, `"inner_transaction": "tx_bad_seq"`)
	})
}

func TestFee_bump_whose_operations_fail_uses_up_the_sequence_number_of_the_inner_source(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payer, sender := l.account(), l.account()
	before := l.sequence(sender)
	w := l.bump(payer, intent{by: sender, ops: native(payer, "99999")}, 100)
	got := l.submit(w.outer)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, `"transaction": "tx_fee_bump_inner_failed"`)
	require.Contains(t, got.body, `"op_underfunded"`)
	require.Equal(t, before+1, l.sequence(sender))
	require.Contains(t, l.get("/transactions/"+w.innerHash).body, `"successful": false`)
	require.Equal(t, int64(DefaultFriendbotBalance), l.balance(sender, "native"))
}

func TestSurge_refuses_low_bids_and_shows_in_the_fee_statistics(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	l.net.SetSurge(1000)
	low := l.envelope(intent{by: sender, ops: native(sender, "1")})
	got := l.submit(low)
	require.Contains(t, got.body, `"transaction": "tx_insufficient_fee"`)
	require.Contains(t, got.body, `"result_xdr": "AAAAAAAAA+j////3AAAAAA=="`, "the fee that would have been enough")
	stats := l.get("/fee_stats").body
	requireSameShape(t, load(t, "fee-stats.json").body, stats)
	require.Contains(t, stats, `"last_ledger_base_fee": "100"`)
	require.Contains(t, stats, `"ledger_capacity_usage": "1"`)
	require.Contains(t, stats, `"p50": "1000"`)
	require.NotContains(t, stats, `"p10": "100"`)

	paid := l.apply(intent{by: sender, fee: 5000, ops: native(sender, "1")})
	require.Equal(t, int64(1000), paid.FeeCharged, "not more than all pay")
	l.net.SetSurge(0)
	require.Equal(t, "tx_success", l.apply(intent{by: sender, ops: native(sender, "1")}).TransactionCode)
}

func TestQueued_transaction_waits_in_a_surge_until_a_fee_bump_takes_its_place(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payer, sender := l.account(), l.account()
	inner := l.transaction(intent{by: sender, ops: native(payer, "1")})
	low, err := inner.Base64()
	require.NoError(t, err)
	waiting := l.post(low)
	require.NoError(t, l.net.AwaitQueued(l.context(), 1))
	l.net.SetSurge(500)
	require.Zero(t, l.net.CloseLedger().Successful)
	require.NoError(t, l.net.AwaitQueued(l.context(), 1), "it is queued still")

	_, err = l.net.Submit(l.bumpOf(payer, inner, 999).outer)
	require.Equal(t, "tx_insufficient_fee", refusalOf(t, err).TransactionCode, "less than ten times the first bid")
	w := l.bumpOf(payer, inner, 1000)
	_, err = l.net.Submit(w.outer)
	require.NoError(t, err)
	require.Equal(t, http.StatusGatewayTimeout, (<-waiting).status, "of the one that was replaced nothing is heard again")
	require.Equal(t, 1, l.net.CloseLedger().Successful)
	require.Equal(t, http.StatusOK, l.get("/transactions/"+w.innerHash).status)
	requireSoundBooks(t, l.net)
}

func TestQueue_of_an_account_keeps_its_order_through_a_surge(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	first := l.sequence(sender) + 1
	for i, fee := range []int64{100, 5000, 100} {
		_, err := l.net.Submit(l.envelope(intent{by: sender, sequence: first + int64(i), fee: fee, ops: native(sender, "1")}))
		require.NoError(t, err)
	}
	l.net.SetSurge(1000)
	require.Zero(t, l.net.CloseLedger().Successful)
	l.net.SetSurge(0)
	require.Equal(t, 3, l.net.CloseLedger().Successful)
}

func TestFee_bump_uses_up_the_signer_that_was_its_inner_transaction(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payer, sender := l.account(), l.account()
	inner := l.transaction(intent{by: sender, sequence: l.sequence(sender) + 2, unsigned: true, ops: native(payer, "1")})
	hash, err := inner.Hash(standalone)
	require.NoError(t, err)
	address, err := strkey.Encode(strkey.VersionByteHashTx, hash[:])
	require.NoError(t, err)
	l.do(sender, &txnbuild.SetOptions{Signer: &txnbuild.Signer{Address: address, Weight: 1}})
	require.Contains(t, l.get("/accounts/"+sender.Address()).body, "preauth_tx")
	require.Equal(t, http.StatusOK, l.submit(l.bumpOf(payer, inner, 100).outer).status)
	require.NotContains(t, l.get("/accounts/"+sender.Address()).body, "preauth_tx")
}
