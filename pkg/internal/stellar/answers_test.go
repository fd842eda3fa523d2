package stellar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

func Test_Horizon_tells_its_network_and_how_far_it_has_read(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	root, err := n.Root(t.Context())
	require.NoError(t, err)
	require.Equal(t, passphrase, root.Passphrase)
	require.Equal(t, stellar.Ledger{Sequence: 113, ClosedAt: at("04:16:13")}, root.Latest)
	require.Equal(t, int64(8), root.Elder)
	require.Equal(t, int64(113), root.CoreLatest)
	require.Equal(t, "28.0.0-2abda012", root.HorizonVersion)
	require.Equal(t, 25, root.ProtocolVersion)
	require.NoError(t, n.CheckNetwork(t.Context()))
}

func Test_another_network_is_named_beside_the_one_expected(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, func(o *stellar.Options) { o.Passphrase = "Public" })
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	err := n.CheckNetwork(t.Context())
	require.ErrorContains(t, err, `"Public"`)
	require.ErrorContains(t, err, `"Standalone Network ; February 2017"`)
}

func Test_a_server_that_is_no_Horizon_is_recognised(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"a page of HTML": "<html>", "other JSON": "{}", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			n.Handle("GET /{$}", serve([]byte(body)))
			var unreadable *stellar.AnswerError
			require.ErrorAs(t, n.CheckNetwork(t.Context()), &unreadable)
		})
	}
}

func Test_ledgers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Handle("GET /ledgers", serve(sample(t, "ledger.json")))
	n.Handle("GET /ledgers/114", serve(ledgerNumbered(t, 114)))
	n.Handle("GET /ledgers/115", serve(ledgerNumbered(t, 114)))
	n.Handle("GET /ledgers/116", recorded(t, "account-not-found-404.txt"))
	want := stellar.Ledger{Sequence: 114, ClosedAt: at("04:16:14"), Hash: "9c2261f5fbd7733dd41669d067146856c110b6f40fb77456cace7003dae6fa11"}

	latest, err := n.LatestLedger(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, latest)
	one, err := n.Ledger(t.Context(), 114)
	require.NoError(t, err)
	require.Equal(t, want, one)
	_, err = n.Ledger(t.Context(), 115)
	require.ErrorContains(t, err, "it tells of ledger 114")
	_, err = n.Ledger(t.Context(), 116)
	require.ErrorIs(t, err, stellar.ErrNotFound)
}

func Test_an_account_has_its_signers_thresholds_and_balances(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := members(t, sample(t, "account-detail.json"))
	m["signers"] = append(m["signers"].([]any), map[string]any{"weight": 0, "key": sender, "type": "ed25519_public_key"})
	m["balances"] = append(m["balances"].([]any), map[string]any{"balance": "1.0000000", "asset_type": "liquidity_pool_shares"})
	n.Handle("GET /accounts/"+receiver, serve(mustJSON(t, m)))
	a, err := n.Account(t.Context(), receiver)
	require.NoError(t, err)
	require.Equal(t, stellar.Account{
		ID: receiver, Sequence: 51539607556, LastModifiedLedger: 46, Subentries: 2, Sponsoring: 4, Data: map[string]string{},
		Signers: []stellar.Signer{{Key: receiver, Type: stellar.SignerEd25519, Weight: 1}},
		Balances: []stellar.Balance{
			{AssetCode: "EURLONG12", AssetIssuer: issuer, Units: 20000000, Limit: 1<<63 - 1, Authorized: true},
			{AssetCode: "USDC", AssetIssuer: issuer, Units: 1002689456790, Limit: 1<<63 - 1, Authorized: true},
			{AssetCode: stellar.NativeCode, Units: 100374999100, Authorized: true},
		},
	}, a)
	usdc, ok := a.Balance("USDC", issuer)
	require.True(t, ok)
	require.Equal(t, int64(1<<63-1-1002689456790), usdc.Room())
	_, ok = a.Balance("USDC", sender)
	require.False(t, ok)
}

func Test_an_account_that_cannot_be_read_is_an_error(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		why    string
	}{
		"not there":              {recorded(t, "account-not-found-404.txt"), "not found"},
		"another one":            {serve(changed(t, "account-detail.json", map[string]any{"account_id": sender})), "another account"},
		"no sequence":            {serve(changed(t, "account-detail.json", map[string]any{"sequence": nil})), "lacks its id, sequence"},
		"no thresholds":          {serve(changed(t, "account-detail.json", map[string]any{"thresholds": nil})), "thresholds"},
		"a balance of no number": {serve(changed(t, "account-detail.json", map[string]any{"balances": []any{map[string]any{"balance": "x", "asset_type": "native"}}})), "no amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			n.Handle("GET /accounts/"+receiver, c.answer)
			_, err := n.Account(t.Context(), receiver)
			require.ErrorContains(t, err, c.why)
			require.ErrorContains(t, err, "GET /accounts/"+receiver)
		})
	}
}

func Test_each_error_of_Horizon_has_its_type(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, answer http.HandlerFunc) error {
		n := newNetwork(t)
		n.Handle("GET /{$}", serve(sample(t, "root.json")))
		n.Handle("GET /accounts/"+receiver+"/payments", answer)
		_, err := n.Payments(t.Context(), receiver, 5, 200)
		return err
	}
	t.Run("400", func(t *testing.T) {
		t.Parallel()
		for name, field := range map[string]string{"cursor-invalid-400.txt": "cursor", "cursor-negative-400.txt": "cursor", "limit-over-200-400.txt": "limit", "account-id-malformed-400.txt": "account_id"} {
			var refused *stellar.RequestError
			require.ErrorAs(t, ask(t, recorded(t, name)), &refused)
			require.Equal(t, 400, refused.Status)
			require.Equal(t, field, refused.Field)
			require.NotEmpty(t, refused.Reason)
		}
	})
	t.Run("404", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, ask(t, recorded(t, "account-not-found-payments-404.txt")), stellar.ErrNotFound)
	})
	t.Run("410", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, ask(t, recorded(t, "before-history-410.txt")), stellar.ErrBeforeHistory)
	})
	t.Run("429", func(t *testing.T) {
		t.Parallel()
		var limited *stellar.RateLimitedError
		require.ErrorAs(t, ask(t, recorded(t, "rate-limited-429.txt")), &limited)
		require.Equal(t, time.Second, limited.RetryAfter)
	})
	t.Run("500", func(t *testing.T) {
		t.Parallel()
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, ask(t, recorded(t, "database-down-500.txt")), &unavailable)
		require.Equal(t, 500, unavailable.Status)
		require.Equal(t, "Internal Server Error", unavailable.Title)
	})
	t.Run("an answer of a proxy", func(t *testing.T) {
		t.Parallel()
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(bytes.Repeat([]byte("<h1>"), 1<<20))
		}), &unavailable)
		require.Equal(t, 502, unavailable.Status)
	})
	t.Run("a redirection", func(t *testing.T) {
		t.Parallel()
		var refused *stellar.RequestError
		require.ErrorAs(t, ask(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusMovedPermanently)
		}), &refused)
		require.Contains(t, refused.Error(), "points to another address")
	})
	t.Run("a connection that is cut", func(t *testing.T) {
		t.Parallel()
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"_embedded":`))
			panic(http.ErrAbortHandler)
		}), &unavailable)
	})
}

func Test_when_to_come_back_is_read_as_seconds_and_as_a_date(t *testing.T) {
	t.Parallel()
	const now = "Mon, 23 Nov 2026 04:16:15 GMT"
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"999999999":                     time.Hour,
		"Mon, 23 Nov 2026 04:16:45 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 04:16:05 GMT": 0,
		"Tue, 23 Nov 2027 04:16:05 GMT": time.Hour,
	} {
		n := newNetwork(t)
		n.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", now)
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		_, err := n.Root(t.Context())
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.Equal(t, want, unavailable.RetryAfter, value)
	}
}

func Test_keys_go_to_Horizon_alone_and_never_into_errors_or_logs(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	var log bytes.Buffer
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(other.Close)
	h, err := stellar.NewHorizon(stellar.Options{
		URL: server.URL + "/" + secret + "/?key=" + secret, Passphrase: passphrase,
		Header: http.Header{"X-Api-Key": {secret}},
		Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	checked := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Api-Key") != secret || r.URL.Query().Get("key") != secret {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			answer(w, r)
		}
	}
	root := strings.ReplaceAll(string(sample(t, "root.json")), "http://127.0.0.1:11626/", other.URL+"/")
	mux.Handle("GET /"+secret+"/{$}", checked(serve([]byte(root))))
	mux.Handle("GET /"+secret+"/accounts/"+receiver+"/payments", checked(serve(sample(t, "payments-page-empty-at-head.json"))))

	_, err = h.Payments(t.Context(), receiver, 1, 200)
	require.NoError(t, err, "the ledger's hash cannot be had and is logged")
	require.NotEmpty(t, log.String())
	require.NoError(t, h.Friendbot(t.Context(), receiver))

	_, err = h.Account(t.Context(), receiver)
	require.ErrorIs(t, err, stellar.ErrNotFound)
	require.NotContains(t, err.Error(), secret)
	server.Close()
	for _, fail := range []func() error{
		func() error { return h.CheckNetwork(t.Context()) },
		func() error { return h.Wait(t.Context(), receiver, 5) },
		func() error { _, err := h.Submit(t.Context(), envelope(t)); return err },
	} {
		err := fail()
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.NotContains(t, err.Error(), secret)
	}
	require.NotContains(t, log.String(), secret)
}

func Test_settings_that_cannot_work_are_refused_without_repeating_them(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "s3cr3t", "ftp://s3cr3t", "http://", "http://s3cr3t\x7f"} {
		_, err := stellar.NewHorizon(stellar.Options{URL: address, Passphrase: passphrase})
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
	_, err := stellar.NewHorizon(stellar.Options{URL: "http://x"})
	require.ErrorContains(t, err, "passphrase")
}

func Test_a_request_without_an_answer_ends_by_its_own_bound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newBubbled(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		err := h.CheckNetwork(t.Context())
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.ErrorContains(t, err, "no answer within 45s")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = h.CheckNetwork(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorAs(t, err, &unavailable, "it was the caller who gave up")
	})
}

func Test_transactions_have_canonical_memos_and_both_hashes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"transaction-memo-hash.json":          {"hash", "1f0887801b76b9223b3c73a60205b647f2652bb64d2d37630c30b4f39f907bc7"},
		"transaction-memo-id.json":            {"id", "18446744073709551615"},
		"transaction-memo-return.json":        {"return", "92afb464e471ed6b58c1fbe0ae16853d1b05f325c125d8cc0451b607fbe1e21b"},
		"transaction-memo-text.json":          {"text", "xbzDs8WCdyAxMjM="},
		"transaction-memo-text-not-utf8.json": {"text", "YdEAYg=="},
		"transaction-failed.json":             {"id", "99"},
		"transaction-fee-bump.json":           {"text", "YnVtcGVk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			n.Handle("GET /transactions/{hash}", serve(sample(t, name)))
			hash, ok := members(t, sample(t, name))["hash"].(string)
			require.True(t, ok)
			got, err := n.Transaction(t.Context(), hash)
			require.NoError(t, err)
			require.Equal(t, want, [2]string{got.MemoType, got.Memo})
			require.Equal(t, hash, got.OuterHash)
			require.Equal(t, name != "transaction-failed.json", got.Successful)
			require.Equal(t, name == "transaction-fee-bump.json", got.InnerHash != got.OuterHash)
			require.NotEmpty(t, got.ResultXDR)
			require.Positive(t, got.Sequence)
			_, err = n.Transaction(t.Context(), strings.Repeat("0", 64))
			require.ErrorContains(t, err, "another transaction")
		})
	}
	n := newNetwork(t)
	n.Handle("GET /transactions/{hash}", recorded(t, "transaction-not-found-404.txt"))
	_, err := n.Transaction(t.Context(), strings.Repeat("0", 64))
	require.ErrorIs(t, err, stellar.ErrNotFound)
	_, err = n.Transaction(t.Context(), "../accounts")
	require.ErrorContains(t, err, "not the hash")
}

func Test_friendbot(t *testing.T) {
	t.Parallel()
	withLink := func(t *testing.T, n network, link string) {
		m := members(t, sample(t, "root.json"))
		links, ok := m["_links"].(map[string]any)
		require.True(t, ok)
		delete(links, "friendbot")
		if link != "" {
			links["friendbot"] = map[string]any{"href": link, "templated": true}
		}
		n.Handle("GET /{$}", serve(mustJSON(t, m)))
	}
	t.Run("is asked at Horizon where no link is given", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t)
		withLink(t, n, "")
		var addr string
		n.HandleFunc("GET /friendbot", func(_ http.ResponseWriter, r *http.Request) { addr = r.URL.Query().Get("addr") })
		require.NoError(t, n.Friendbot(t.Context(), receiver))
		require.Equal(t, receiver, addr)
	})
	t.Run("does not exist on this network", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t)
		withLink(t, n, "")
		require.ErrorIs(t, n.Friendbot(t.Context(), receiver), stellar.ErrNoFriendbot)
	})
	t.Run("refuses an account that exists, which is no error", func(t *testing.T) {
		t.Parallel()
		for _, body := range []any{
			map[string]any{"detail": "account already funded to starting balance", "status": 400},
			map[string]any{"extras": map[string]any{"result_codes": map[string]any{"transaction": "tx_failed", "operations": []string{"op_already_exists"}}}},
		} {
			n := newNetwork(t)
			withLink(t, n, "")
			n.HandleFunc("GET /friendbot", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(body)
			})
			require.NoError(t, n.Friendbot(t.Context(), receiver))
		}
	})
	t.Run("has a link that leads nowhere", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t)
		withLink(t, n, "file:///etc/passwd")
		require.ErrorContains(t, n.Friendbot(t.Context(), receiver), "no address")
	})
}
