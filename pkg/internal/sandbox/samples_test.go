package sandbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

func withLimits(o *Options) { o.RateLimit = 3600 }

func muxed(t *testing.T, kp *keypair.Full, id uint64) string {
	t.Helper()
	m, err := xdr.MuxedAccountFromAccountId(kp.Address(), id)
	require.NoError(t, err)
	return m.Address()
}

func TestRecord_has_the_fields_and_formats_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	_, usdc := l.asset("USDC", sender, receiver)
	t.Run("record-create-account.json", func(t *testing.T) {
		record := only(t, l.get("/accounts/"+receiver.Address()+"/payments?limit=1"))
		requireSameShape(t, load(t, "record-create-account.json").body, record)
	})
	credit := []txnbuild.Operation{pay(receiver, usdc, "10.5")}
	muxedPay := pay(receiver, usdc, "13")
	muxedPay.Destination = muxed(t, receiver, 420)
	hash := [32]byte{1, 2, 3}
	for name, i := range map[string]intent{
		"record-payment-native.json":                         {ops: []txnbuild.Operation{pay(receiver, txnbuild.NativeAsset{}, "1.5")}},
		"record-payment-credit-no-join.json":                 {ops: credit},
		"record-payment-muxed-destination.json":              {ops: []txnbuild.Operation{muxedPay}},
		"record-payment-muxed-source.json":                   {ops: credit, source: muxed(t, sender, 7)},
		"record-payment-credit-memo-id-join.json":            {ops: credit, memo: txnbuild.MemoID(18446744073709551615)},
		"record-payment-credit-memo-hash-join.json":          {ops: credit, memo: txnbuild.MemoHash(hash)},
		"record-payment-credit-memo-return-join.json":        {ops: credit, memo: txnbuild.MemoReturn(hash)},
		"record-payment-credit-memo-text-join.json":          {ops: credit, memo: txnbuild.MemoText("żółw 123")},
		"record-payment-credit-memo-text-empty-join.json":    {ops: credit, memo: txnbuild.MemoText("")},
		"record-payment-credit-memo-text-not-utf8-join.json": {ops: credit, memo: txnbuild.MemoText("a\xd1\x00b")},
		"record-payment-failed-tx-join.json":                 {ops: []txnbuild.Operation{pay(receiver, usdc, "99999999")}, memo: txnbuild.MemoID(99)},
	} {
		i.by = sender
		before := l.net.Latest().Sequence + 1
		l.apply(i)
		query := "?include_failed=true&limit=1&cursor=" + number(before<<32)
		if !strings.Contains(name, "-no-join") && strings.Contains(name, "-join") {
			query += "&join=transactions"
		}
		record := only(t, l.get("/accounts/"+receiver.Address()+"/payments"+query))
		t.Run(name, func(t *testing.T) { requireSameShape(t, load(t, name).body, record) })
	}
}

func TestTransaction_resource_has_the_fields_and_formats_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	_, usdc := l.asset("USDC", sender, receiver)
	for name, c := range map[string]struct {
		memo   txnbuild.Memo
		amount string
	}{
		"transaction-memo-id.json":            {txnbuild.MemoID(1), "1"},
		"transaction-memo-hash.json":          {txnbuild.MemoHash{9}, "1"},
		"transaction-memo-return.json":        {txnbuild.MemoReturn{9}, "1"},
		"transaction-memo-text.json":          {txnbuild.MemoText("żółw 123"), "1"},
		"transaction-memo-text-not-utf8.json": {txnbuild.MemoText("a\xd1\x00b"), "1"},
		"transaction-failed.json":             {txnbuild.MemoID(99), "99999999"},
	} {
		hash := l.apply(intent{by: sender, memo: c.memo, ops: []txnbuild.Operation{pay(receiver, usdc, c.amount)}}).Hash
		got := l.get("/transactions/" + hash)
		t.Run(name, func(t *testing.T) { requireSameShape(t, load(t, name).body, got.body) })
	}
}

func TestText_memo_that_is_not_UTF8_is_mangled_and_exact_in_its_bytes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	hash := l.apply(intent{by: sender, memo: txnbuild.MemoText("a\xd1\x00b"), ops: []txnbuild.Operation{
		pay(sender, txnbuild.NativeAsset{}, "1"),
	}}).Hash
	require.Contains(t, l.get("/transactions/"+hash).body, "\"memo\": \"a\ufffdb\",\n  \"memo_bytes\": \"YdEAYg==\"")
}

func TestState_endpoint_has_the_fields_and_formats_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder := l.account()
	l.asset("EURLONG12", holder)
	l.asset("USDC", holder)
	for range 8 {
		l.net.CloseLedger()
	}
	for name, path := range map[string]string{
		"root.json":           "/",
		"account-detail.json": "/accounts/" + holder.Address(),
		"ledger.json":         "/ledgers?limit=1&order=desc",
		"fee-stats.json":      "/fee_stats",
	} {
		t.Run(name, func(t *testing.T) {
			requireSameShape(t, load(t, name).body, l.get(path).body, "._links.friendbot.href")
		})
	}
}

func TestPage_is_framed_as_by_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	receiver := l.account()
	issuer := l.account()
	usdc := txnbuild.CreditAsset{Code: "USDC", Issuer: issuer.Address()}
	l.do(receiver, trust(usdc))
	l.do(issuer, pay(receiver, usdc, "100000"))
	l.do(issuer, pay(receiver, txnbuild.NativeAsset{}, "1.5"))
	path := "/accounts/" + receiver.Address() + "/payments"

	full := l.get(path + "?limit=3")
	requireSameShape(t, load(t, "payments-page.json").body, full.body)
	requireSameShape(t, load(t, "payments-page-empty-at-head.json").body, l.get(path+"?cursor=now").body)
	want := load(t, "payments-with-headers.txt")
	got := l.get(path + "?limit=1")
	requireSameHeaders(t, want, got)
	requireSameShape(t, want.body, got.body)
	require.Equal(t, strings.Count(want.body, "\n"), strings.Count(got.body, "\n"), "indented alike")
	require.Equal(t, want.body[:20], got.body[:20])
}

func TestHealth_answers_word_for_word(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	want, got := load(t, "health-ok.txt"), l.get("/health")
	require.Equal(t, want.body, got.body)
	requireSameHeaders(t, want, got)
}

func TestProblem_has_the_words_and_headers_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	known := l.account().Address()
	unknown := keypair.MustRandom().Address()
	muxedKnown, err := xdr.MuxedAccountFromAccountId(known, 1)
	require.NoError(t, err)
	l.net.CloseLedger()
	l.net.Forget(3)
	for name, path := range map[string]string{
		"account-id-malformed-400.txt":       "/accounts/" + muxedKnown.Address(),
		"account-not-found-404.txt":          "/accounts/" + unknown,
		"account-not-found-payments-404.txt": "/accounts/" + unknown + "/payments",
		"before-history-410.txt":             "/payments?order=desc&cursor=12884901887",
		"cursor-invalid-400.txt":             "/payments?cursor=abc",
		"cursor-negative-400.txt":            "/payments?cursor=-1",
		"limit-over-200-400.txt":             "/payments?limit=201",
		"transaction-not-found-404.txt":      "/transactions/" + strings.Repeat("ab", 32),
	} {
		got := l.get(path)
		t.Run(name, func(t *testing.T) {
			want := load(t, name)
			require.Equal(t, want.body, got.body)
			requireSameHeaders(t, want, got)
		})
	}
	t.Run("an M… address is refused wherever an account is asked for", func(t *testing.T) {
		require.Equal(t, 400, l.get("/accounts/"+muxedKnown.Address()+"/payments").status)
	})
}

func TestSubmission_is_answered_in_the_shape_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	sender, receiver := l.account(), l.account()
	_, usdc := l.asset("USDC", sender, receiver)
	payment := intent{by: sender, memo: txnbuild.MemoID(4242), ops: []txnbuild.Operation{pay(receiver, usdc, "0.5")}}

	t.Run("200, and the same once more for the same envelope", func(t *testing.T) {
		envelope := l.envelope(payment)
		first := l.submit(envelope)
		want := load(t, "post-transaction-ok-200.txt")
		requireSameHeaders(t, want, first)
		requireSameShape(t, want.body, first.body)
		again := l.submit(envelope)
		require.Equal(t, first.status, again.status)
		require.Equal(t, first.body, again.body)
	})
	for name, change := range map[string]func(*intent){
		"post-bad-seq-400.txt":            func(i *intent) { i.sequence = l.sequence(sender) + 5 },
		"post-transaction-failed-400.txt": func(i *intent) { i.ops = []txnbuild.Operation{pay(receiver, usdc, "9999999")} },
	} {
		t.Run(name, func(t *testing.T) {
			i := payment
			change(&i)
			want, got := load(t, name), l.submit(l.envelope(i))
			requireSameHeaders(t, want, got)
			requireSameShape(t, want.body, got.body)
			require.Equal(t, detail(want.body), detail(got.body))
		})
	}
	t.Run("post-malformed-400.txt", func(t *testing.T) {
		want, got := load(t, "post-malformed-400.txt"), l.submit("AAAA")
		require.Equal(t, want.body, got.body)
		requireSameHeaders(t, want, got)
	})
}

func TestSubmission_below_the_base_fee_is_answered_as_by_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits, func(o *Options) { o.BaseFee = 200 })
	sender := l.account()
	want := load(t, "post-insufficient-fee-400.txt")
	got := l.submit(l.envelope(intent{by: sender, ops: []txnbuild.Operation{pay(sender, txnbuild.NativeAsset{}, "1")}}))
	requireSameHeaders(t, want, got)
	requireSameShape(t, want.body, got.body)
	require.Contains(t, got.body, `"result_xdr": "AAAAAAAAAMj////3AAAAAA=="`, "the fee that would have been enough")
}

func TestFault_is_answered_in_the_words_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	for name, status := range map[string]int{
		"rate-limited-429.txt": 429, "database-down-500.txt": 500, "post-core-not-synced-503.txt": 503,
	} {
		l.net.Faults().Answer(status, 1, "/payments")
		want, got := load(t, name), l.get("/payments")
		require.Equal(t, want.body, got.body, name)
		requireSameHeaders(t, want, got)
		require.Equal(t, http.StatusOK, l.get("/payments").status, "the fault was for one request")
	}
}

// detail is the part of a problem that does not depend on the transaction.
func detail(body string) string {
	head, _, _ := strings.Cut(body, `"extras"`)
	return head
}

func TestSubmission_that_times_out_is_answered_as_by_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits, func(o *Options) { o.SubmitTimeout = 1 })
	sender := l.account()
	payment := intent{by: sender, ops: []txnbuild.Operation{pay(sender, txnbuild.NativeAsset{}, "1")}}
	tx := l.transaction(payment)
	hash, err := tx.HashHex(standalone)
	require.NoError(t, err)
	envelope, err := tx.Base64()
	require.NoError(t, err)

	want, got := load(t, "post-timeout-504.txt"), <-l.post(envelope)
	requireSameHeaders(t, want, got)
	requireSameShape(t, want.body, got.body)
	require.Equal(t, detail(want.body), detail(got.body))
	require.Contains(t, got.body, hash)

	l.net.CloseLedger()
	require.Equal(t, http.StatusOK, l.get("/transactions/"+hash).status, "it landed later")
}
