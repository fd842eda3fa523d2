package stellar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// envelope is the one whose acceptance was recorded.
func envelope(t testing.TB) string {
	t.Helper()
	rec := httptest.NewRecorder()
	recorded(t, "post-transaction-ok-200.txt")(rec, nil)
	var body struct {
		Envelope string `json:"envelope_xdr"`
	}
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
	return body.Envelope
}

func submitted(t *testing.T, answer http.HandlerFunc) (stellar.Submitted, error) {
	t.Helper()
	n := newNetwork(t)
	n.Handle("POST /transactions", answer)
	return n.Submit(t.Context(), envelope(t))
}

func Test_an_envelope_that_is_accepted_names_its_ledger(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"post-transaction-ok-200.txt", "post-transaction-again-same-200.txt"} {
		var sent string
		got, err := submitted(t, func(w http.ResponseWriter, r *http.Request) {
			sent = r.PostFormValue("tx")
			recorded(t, name)(w, r)
		})
		require.NoError(t, err)
		require.Equal(t, envelope(t), sent)
		require.Equal(t, stellar.Submitted{
			Hash: "0f94f1b0c7b7afc7582fac0a1a99d43ea2fe0c3537b9732009c591c09cea4dd5", Ledger: 115, ClosedAt: at("04:16:15"),
		}, got)
	}
}

func Test_an_envelope_that_the_network_refuses_names_the_codes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]stellar.FailedError{
		"post-bad-seq-400.txt":            {TransactionCode: "tx_bad_seq", OperationCodes: []string{}},
		"post-insufficient-fee-400.txt":   {TransactionCode: "tx_insufficient_fee", OperationCodes: []string{}},
		"post-transaction-failed-400.txt": {TransactionCode: "tx_failed", OperationCodes: []string{"op_underfunded"}},
	} {
		_, err := submitted(t, recorded(t, name))
		var failed *stellar.FailedError
		require.ErrorAs(t, err, &failed, name)
		require.Equal(t, want, *failed)
		require.NotErrorIs(t, err, stellar.ErrUnknownOutcome)
		require.ErrorContains(t, err, want.TransactionCode)
	}
}

func Test_a_submission_without_a_clear_answer_has_an_unknown_outcome(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"Horizon gave up waiting":   recorded(t, "post-timeout-504.txt"),
		"core said to try later":    recorded(t, "post-try-again-later-becomes-504.txt"),
		"the database is down":      recorded(t, "database-down-500.txt"),
		"a proxy failed":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"the connection was lost":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the answer was cut":        serve([]byte(`{"hash": "0f94`)),
		"another transaction":       serve(sample(t, "transaction-memo-id.json")),
		"it was accepted, no more":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
		"it failed without a code":  problemOf(400, "transaction_failed"),
		"unavailable for no reason": problemOf(503, "service_unavailable"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := submitted(t, answer)
			require.ErrorIs(t, err, stellar.ErrUnknownOutcome)
			var failed *stellar.FailedError
			require.NotErrorAs(t, err, &failed)
		})
	}
}

func Test_a_connection_lost_while_sending_has_an_unknown_outcome(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"read", "write"} {
		reset := roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: op, Net: "tcp", Err: errors.New("connection reset by peer")}
		})
		_, err := newBubbled(t, reset).Submit(t.Context(), envelope(t))
		require.ErrorIs(t, err, stellar.ErrUnknownOutcome)
	}
}

func problemOf(status int, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"type":"https://stellar.org/horizon-errors/` + kind + `"}`))
	}
}

func Test_a_submission_that_was_certainly_not_sent_on_is_no_unknown_outcome(t *testing.T) {
	t.Parallel()
	t.Run("core is not in step", func(t *testing.T) {
		t.Parallel()
		_, err := submitted(t, recorded(t, "post-core-not-synced-503.txt"))
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.NotErrorIs(t, err, stellar.ErrUnknownOutcome)
	})
	t.Run("the rate limit", func(t *testing.T) {
		t.Parallel()
		_, err := submitted(t, recorded(t, "rate-limited-429.txt"))
		var limited *stellar.RateLimitedError
		require.ErrorAs(t, err, &limited)
		require.NotErrorIs(t, err, stellar.ErrUnknownOutcome)
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		refuse := roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		})
		_, err := newBubbled(t, refuse).Submit(t.Context(), envelope(t))
		var unavailable *stellar.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.NotErrorIs(t, err, stellar.ErrUnknownOutcome)
	})
	t.Run("Horizon cannot decode it", func(t *testing.T) {
		t.Parallel()
		_, err := submitted(t, recorded(t, "post-malformed-400.txt"))
		require.ErrorIs(t, err, stellar.ErrMalformedEnvelope)
		require.NotErrorIs(t, err, stellar.ErrUnknownOutcome)
	})
	t.Run("it is no envelope", func(t *testing.T) {
		t.Parallel()
		_, err := newNetwork(t).Submit(t.Context(), "AAAA")
		require.ErrorIs(t, err, stellar.ErrMalformedEnvelope)
	})
}

func Test_a_refused_fee_bump_names_the_code_of_what_it_wraps(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"https://stellar.org/horizon-errors/transaction_failed","status":400,"extras":{"result_codes":
		{"transaction":"tx_fee_bump_inner_failed","inner_transaction":"tx_bad_seq"}}}`)
	_, err := submitted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(bytes.TrimSpace(body))
	})
	var failed *stellar.FailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "tx_bad_seq", failed.InnerCode)
}
