package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

func TestNetwork_is_by_default_named_like_the_test_network(t *testing.T) {
	t.Parallel()
	n := New(Options{})
	require.Equal(t, network.TestNetworkPassphrase, n.Passphrase())
	require.Equal(t, int64(1), n.Latest().Sequence)
	_, exists := n.Balance(n.Root().Address(), "native")
	require.True(t, exists)
}

func TestLedgers_form_a_chain_of_hashes_over_their_headers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.account()
	l.net.CloseLedger()
	var page struct {
		Embedded struct {
			Records []struct {
				Hash     string `json:"hash"`
				PrevHash string `json:"prev_hash"`
				Header   string `json:"header_xdr"`
				Sequence int    `json:"sequence"`
			} `json:"records"`
		} `json:"_embedded"`
	}
	require.NoError(t, json.Unmarshal([]byte(l.get("/ledgers").body), &page))
	require.Len(t, page.Embedded.Records, 3)
	previous := strings.Repeat("0", 64)
	for i, r := range page.Embedded.Records {
		require.Equal(t, i+1, r.Sequence)
		require.Equal(t, previous, r.PrevHash)
		raw, err := base64.StdEncoding.DecodeString(r.Header)
		require.NoError(t, err)
		hash := sha256.Sum256(raw)
		require.Equal(t, hex.EncodeToString(hash[:]), r.Hash)
		var header xdr.LedgerHeader
		require.NoError(t, xdr.SafeUnmarshal(raw, &header))
		require.Equal(t, r.PrevHash, header.PreviousLedgerHash.HexString())
		previous = r.Hash
	}
	require.Equal(t, 404, l.get("/ledgers/4").status)
	require.Equal(t, 200, l.get("/ledgers/3").status)
	require.Equal(t, 400, l.get("/ledgers/x").status)
}

func TestReset_leaves_nothing_and_begins_another_chain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	kp := l.account()
	before := l.net.Latest()
	waiting := l.post(l.envelope(intent{by: kp, ops: native(kp, "1")}))
	require.NoError(t, l.net.AwaitQueued(l.context(), 1))

	l.net.Reset()
	require.Equal(t, http.StatusGatewayTimeout, (<-waiting).status, "what was queued never lands")
	require.Equal(t, int64(1), l.net.Latest().Sequence)
	require.Empty(t, l.net.Transactions())
	require.Equal(t, 404, l.get("/accounts/"+kp.Address()).status)
	_, err := l.net.Fund(kp.Address())
	require.NoError(t, err)
	after := l.net.CloseLedger()
	require.Equal(t, before.Sequence, after.Sequence)
	require.NotEqual(t, before.Hash, after.Hash)
	require.NotEqual(t, before.PreviousHash, after.PreviousHash)
}

func TestRun_closes_ledgers_until_its_context_ends(t *testing.T) {
	t.Parallel()
	n := New(Options{CloseEvery: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	require.NoError(t, n.awaitState(t.Context(), func() bool { return len(n.ledgers) > 3 }))
	cancel()
	require.NoError(t, <-done)
}

func TestPayments_of_an_account_are_paged_both_ways_without_gap_or_repetition(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	for i := range 7 {
		ops := []txnbuild.Operation{pay(receiver, txnbuild.NativeAsset{}, "1"), pay(receiver, txnbuild.NativeAsset{}, "2")}
		if i == 3 {
			ops = append(ops, pay(receiver, txnbuild.NativeAsset{}, "999999"))
		}
		l.apply(intent{by: sender, ops: ops})
	}
	path := "/accounts/" + receiver.Address() + "/payments?limit=4"
	up := l.follow(path + "&order=asc")
	require.Len(t, up, 1+6*2)
	down := l.follow(path + "&order=desc")
	for i, id := range up {
		require.Equal(t, id, down[len(down)-1-i])
	}
	require.Len(t, l.follow(path+"&include_failed=true"), 1+6*2+3)
	require.Equal(t, up[len(up)-2]+1, up[len(up)-1], "two operations of one transaction are neighbours")
	require.Len(t, l.follow("/transactions?limit=2"), 2+6)
	require.Len(t, l.follow("/accounts/"+receiver.Address()+"/transactions?include_failed=true"), 1+7)
}

// follow reads pages by their next links and returns the paging tokens.
func (l *lab) follow(path string) []int64 {
	l.Helper()
	var tokens []int64
	for {
		var page struct {
			Links struct {
				Next struct {
					Href string `json:"href"`
				} `json:"next"`
			} `json:"_links"`
			Embedded struct {
				Records []struct {
					Token int64 `json:"paging_token,string"`
				} `json:"records"`
			} `json:"_embedded"`
		}
		got := l.get(path)
		require.NoError(l, json.Unmarshal([]byte(got.body), &page), "%s", got.body)
		if len(page.Embedded.Records) == 0 {
			return tokens
		}
		for _, r := range page.Embedded.Records {
			tokens = append(tokens, r.Token)
		}
		path = strings.TrimPrefix(page.Links.Next.Href, l.server.URL)
	}
}

func TestHistory_that_is_no_longer_kept_is_silently_left_out_of_ascending_pages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 4 {
		l.account()
	}
	l.net.Forget(4)
	tokens := l.follow("/payments?cursor=0")
	require.Len(t, tokens, 2)
	require.Equal(t, int64(4), tokens[0]>>32)
	require.Equal(t, 410, l.get("/ledgers/3").status)
	require.Contains(t, l.get("/").body, `"history_elder_ledger": 4`)
}

func TestSeveral_transactions_of_one_account_may_be_in_one_ledger_if_they_chain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	for range 5 {
		_, err := l.net.Submit(l.envelope(intent{by: sender, ops: native(receiver, "1")}))
		require.NoError(t, err)
	}
	require.Equal(t, 5, l.net.CloseLedger().Successful)
}

func TestEnvelope_that_is_posted_twice_at_once_lands_once_and_both_are_told(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	envelope := l.envelope(intent{by: sender, ops: native(sender, "1")})
	first := l.post(envelope)
	require.NoError(t, l.net.AwaitQueued(l.context(), 1))
	_, err := l.net.Submit(envelope)
	require.NoError(t, err, "it waits already")
	require.Equal(t, 1, l.net.CloseLedger().Successful)
	require.Equal(t, 200, (<-first).status)
}

func TestQueued_transaction_that_runs_out_is_answered_and_leaves_no_trace(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	soon := txnbuild.NewTimebounds(0, l.second.Load())
	first := l.post(l.envelope(intent{by: sender, times: soon, ops: native(sender, "1")}))
	require.NoError(t, l.net.AwaitQueued(l.context(), 1))
	second := l.post(l.envelope(intent{by: sender, ops: native(sender, "1")}))
	require.NoError(t, l.net.AwaitQueued(l.context(), 2))
	l.second.Add(1)
	l.net.CloseLedger()
	require.Contains(t, (<-first).body, "tx_too_late")
	require.Contains(t, (<-second).body, "tx_bad_seq")
	require.Len(t, l.net.Transactions(), 1)
}

func TestSigners_weigh_against_the_threshold_of_each_operation(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	owner, a, b := l.account(), keypair.MustRandom(), keypair.MustRandom()
	weigh := func(kp *keypair.Full, weight txnbuild.Threshold) *txnbuild.SetOptions {
		return &txnbuild.SetOptions{Signer: &txnbuild.Signer{Address: kp.Address(), Weight: weight}}
	}
	l.do(owner, weigh(a, 1), weigh(b, 2), &txnbuild.SetOptions{
		LowThreshold: txnbuild.NewThreshold(1), MediumThreshold: txnbuild.NewThreshold(2), HighThreshold: txnbuild.NewThreshold(3),
	})
	payment := native(owner, "1")
	options := []txnbuild.Operation{weigh(a, 1)}
	for name, c := range map[string]struct {
		ops     []txnbuild.Operation
		signers []*keypair.Full
		code    string
	}{
		"enough for a payment":            {payment, []*keypair.Full{b}, ""},
		"together enough for a payment":   {payment, []*keypair.Full{a, owner}, ""},
		"too light for a payment":         {payment, []*keypair.Full{a}, "op_bad_auth"},
		"too light for the signers":       {options, []*keypair.Full{b}, "op_bad_auth"},
		"together enough for signers":     {options, []*keypair.Full{b, a}, ""},
		"more signatures than are needed": {payment, []*keypair.Full{owner, a, b}, "tx_bad_auth_extra"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.net.Submit(l.envelope(intent{by: owner, signers: c.signers, ops: c.ops}))
			l.net.CloseLedger()
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			refused := refusalOf(t, err)
			require.Contains(t, append(refused.OperationCodes, refused.TransactionCode), c.code)
		})
	}
	t.Run("a master key without weight signs nothing", func(t *testing.T) {
		_, err := l.net.Submit(l.envelope(intent{by: owner, signers: []*keypair.Full{a, b}, ops: []txnbuild.Operation{
			&txnbuild.SetOptions{MasterWeight: txnbuild.NewThreshold(0)},
		}}))
		require.NoError(t, err)
		l.net.CloseLedger()
		_, err = l.net.Submit(l.envelope(intent{by: owner, ops: payment}))
		require.Equal(t, "tx_bad_auth", refusalOf(t, err).TransactionCode)
	})
}

func TestSigner_by_hash_and_by_transaction_count_too(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	owner := l.account()
	secret := []byte("a secret")
	hash := xdr.Uint256(sha256.Sum256(secret))
	key := xdr.SignerKey{Type: xdr.SignerKeyTypeSignerKeyTypeHashX, HashX: &hash}
	l.do(owner, &txnbuild.SetOptions{Signer: &txnbuild.Signer{Address: key.Address(), Weight: 1}})
	tx := l.transaction(intent{by: owner, unsigned: true, ops: native(owner, "1")})
	tx, err := tx.SignHashX(secret)
	require.NoError(t, err)
	envelope, err := tx.Base64()
	require.NoError(t, err)
	_, err = l.net.Submit(envelope)
	require.NoError(t, err)
	l.net.CloseLedger()

	tx = l.transaction(intent{by: owner, unsigned: true, sequence: l.sequence(owner) + 2, ops: native(owner, "1")})
	raw, err := tx.Hash(standalone)
	require.NoError(t, err)
	pre := xdr.Uint256(raw)
	key = xdr.SignerKey{Type: xdr.SignerKeyTypeSignerKeyTypePreAuthTx, PreAuthTx: &pre}
	l.do(owner, &txnbuild.SetOptions{Signer: &txnbuild.Signer{Address: key.Address(), Weight: 1}})
	envelope, err = tx.Base64()
	require.NoError(t, err)
	_, err = l.net.Submit(envelope)
	require.NoError(t, err)
	l.net.CloseLedger()
	require.NotContains(t, l.get("/accounts/"+owner.Address()).body, "preauth_tx", "it is used up")
}

func TestAccount_shows_its_options_and_data(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	owner := l.account()
	l.do(owner, &txnbuild.ManageData{Name: "config.memo_required", Value: []byte("1")}, &txnbuild.SetOptions{
		HomeDomain: txnbuild.NewHomeDomain("anchor.example"), SetFlags: []txnbuild.AccountFlag{txnbuild.AuthRevocable},
	})
	got := l.get("/accounts/" + owner.Address()).body
	require.Contains(t, got, `"config.memo_required": "MQ=="`)
	require.Contains(t, got, `"home_domain": "anchor.example"`)
	require.Contains(t, got, `"auth_revocable": true`)
	require.Contains(t, got, `"subentry_count": 1`)
}

func TestIssuer_mints_by_paying_and_burns_by_being_paid(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder := l.account()
	issuer, usdc := l.asset("USDC", holder)
	l.do(holder, pay(issuer, usdc, "999999"))
	left, _ := l.net.Balance(holder.Address(), "USDC:"+issuer.Address())
	require.Equal(t, int64(10_000_000), left)
	l.do(holder, pay(issuer, usdc, "1"), &txnbuild.ChangeTrust{Line: usdc.MustToChangeTrustAsset(), Limit: "0"})
	_, exists := l.net.Balance(holder.Address(), "USDC:"+issuer.Address())
	require.False(t, exists)
}

func TestFriendbot_funds_an_account_once(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.CloseEvery = time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = l.net.Run(ctx) }()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		path := "/friendbot?addr=" + keypair.MustRandom().Address()
		require.Equal(t, 200, l.send(method, path).status)
		again := l.send(method, path)
		require.Equal(t, 400, again.status)
		require.Contains(t, again.body, "account already funded")
	}
	require.Equal(t, 400, l.get("/friendbot?addr=nobody").status)
}

func TestRequest_that_is_not_one_is_a_problem_and_nothing_worse(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for path, status := range map[string]int{
		"/nothing": 404, "/payments?limit=0": 400, "/payments?limit=x": 400, "/payments?order=up": 400,
		"/payments?join=all": 400, "/payments?include_failed=1": 400, "/transactions/xyz": 400, "/ledgers/99999999999": 400,
		"/accounts/G": 400,
	} {
		got := l.get(path)
		require.Equal(t, status, got.status, path)
		require.Equal(t, "application/problem+json; charset=utf-8", got.header.Get("Content-Type"))
	}
	for _, path := range []string{"/", "/payments", "/fee_stats"} {
		require.Equal(t, 405, l.send(http.MethodHead, path).status, path)
	}
	require.Equal(t, 413, (<-l.post(strings.Repeat("A", maxBody))).status)
}

func TestFaults_act_as_often_as_asked_on_the_paths_asked(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	faults := l.net.Faults()
	t.Run("answers", func(t *testing.T) {
		faults.Answer(429, 2, "/payments")
		require.Equal(t, 200, l.get("/fee_stats").status)
		limited := l.get("/payments")
		require.Equal(t, 429, limited.status)
		require.Equal(t, "1", limited.header.Get("Retry-After"))
		require.Equal(t, 429, l.get("/payments").status)
		require.Equal(t, 200, l.get("/payments").status)
	})
	t.Run("always, until cleared", func(t *testing.T) {
		faults.Answer(500, Always, "/")
		for range 3 {
			require.Equal(t, 500, l.get("/payments").status)
		}
		faults.Clear()
		require.Equal(t, 200, l.get("/payments").status)
	})
	t.Run("dropped connections", func(t *testing.T) {
		faults.DropConnections(1)
		r, err := http.NewRequestWithContext(l.context(), http.MethodPost, l.server.URL+"/payments", strings.NewReader("x"))
		require.NoError(t, err)
		response, err := l.server.Client().Do(r)
		if err == nil {
			_ = response.Body.Close()
		}
		require.Error(t, err)
		require.Equal(t, 200, l.get("/payments").status)
	})
	t.Run("a submission that times out may land, or may not", func(t *testing.T) {
		kp := l.account()
		for _, lands := range []bool{false, true} {
			faults.TimeOutSubmissions(1, lands)
			require.Equal(t, 504, (<-l.post(l.envelope(intent{by: kp, ops: native(kp, "1")}))).status)
			require.Equal(t, lands, l.net.CloseLedger().Successful == 1)
		}
	})
}

func TestRate_limit_is_a_bucket_that_fills_with_time(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits)
	for i := range bucket {
		require.Equal(t, number(int64(bucket-1-i)), l.get("/health").header.Get("X-Ratelimit-Remaining"))
	}
	got, want := l.get("/health"), load(t, "rate-limited-429.txt")
	require.Equal(t, want.body, got.body)
	requireSameHeaders(t, want, got)
	require.Equal(t, "1", got.header.Get("Retry-After"))
	require.Equal(t, "101", got.header.Get("X-Ratelimit-Reset"))
	l.second.Add(1)
	require.Equal(t, 200, l.get("/health").status)
	require.Equal(t, 429, l.get("/health").status)
}

func TestNetwork_under_many_hands_keeps_its_books(t *testing.T) {
	t.Parallel()
	const senders, each = 6, 15
	l := newLab(t)
	receiver := l.account()
	accounts := make([]*keypair.Full, senders)
	for i := range accounts {
		accounts[i] = l.account()
	}
	envelopes := make([][]string, senders)
	for i, kp := range accounts {
		for k := range each {
			envelopes[i] = append(envelopes[i], l.envelope(intent{
				by: kp, sequence: l.sequence(kp) + int64(k) + 1, ops: native(receiver, "1"),
			}))
		}
	}
	path := "/accounts/" + receiver.Address() + "/payments?join=transactions&order=desc"
	var working sync.WaitGroup
	for _, mine := range envelopes {
		working.Go(func() {
			for _, envelope := range mine {
				_, err := l.net.Submit(envelope)
				if err != nil {
					t.Error(err)
				}
			}
		})
		working.Go(func() {
			for range each {
				w := httptest.NewRecorder()
				l.net.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				if w.Code != http.StatusOK {
					t.Error(w.Code)
				}
				l.net.CloseLedger()
			}
		})
	}
	working.Wait()
	l.net.CloseLedger()
	got, _ := l.net.Balance(receiver.Address(), "native")
	require.Equal(t, int64(DefaultFriendbotBalance+senders*each*one), got)
	require.Len(t, l.follow("/accounts/"+receiver.Address()+"/payments?limit=50"), 1+senders*each)
	var sum int64
	for _, a := range l.net.accounts {
		sum += a.balance
	}
	require.Equal(t, int64(totalCoins), sum+l.net.feePool, "no lumen is made or lost")
}
