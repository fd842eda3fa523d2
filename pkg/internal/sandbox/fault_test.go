package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// postAsync is POST /transactions_async.
func (l *lab) postAsync(envelope string) answer {
	l.Helper()
	return l.send(http.MethodPost, "/transactions_async", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(form(envelope)))
	})
}

func TestAsynchronous_submission_is_answered_as_by_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, withLimits, func(o *Options) { o.OnePerLedger, o.SubmitTimeout = true, time.Millisecond })
	sender, other := l.account(), l.account()
	first := l.envelope(intent{by: sender, ops: native(other, "1")})
	second := l.envelope(intent{by: sender, sequence: l.sequence(sender) + 2, ops: native(other, "2")})
	for _, step := range []struct{ sample, envelope string }{
		{"post-async-pending-201.txt", first},
		{"post-async-duplicate-409.txt", first},
		{"post-async-try-again-later-503.txt", second},
	} {
		want, got := load(t, step.sample), l.postAsync(step.envelope)
		requireSameHeaders(t, want, got)
		requireSameShape(t, want.body, got.body)
		require.Equal(t, pluckOne(t, want.body, "tx_status"), pluckOne(t, got.body, "tx_status"))
	}
	t.Run("synchronously what has to wait is answered with a timeout, and was never queued", func(t *testing.T) {
		want, got := load(t, "post-try-again-later-becomes-504.txt"), <-l.post(second)
		requireSameHeaders(t, want, got)
		requireSameShape(t, want.body, got.body)
		require.Equal(t, 1, l.net.CloseLedger().Successful)
		require.Zero(t, l.net.CloseLedger().Successful)
	})
	t.Run("one that is not valid is an error with its result", func(t *testing.T) {
		got := l.postAsync(first)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, "ERROR", pluckOne(t, got.body, "tx_status"))
		require.Equal(t, "AAAAAAAAAGT////7AAAAAA==", pluckOne(t, got.body, "error_result_xdr"), "tx_bad_seq")
		malformed := l.postAsync("AAAA")
		require.Equal(t, load(t, "post-malformed-400.txt").body, malformed.body)
	})
}

func TestSubmission_that_is_delayed_lands_when_its_ledger_comes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, other := l.account(), l.account()
	send := map[string]func(string) int{
		"synchronous":  func(e string) int { return (<-l.post(e)).status },
		"asynchronous": func(e string) int { return l.postAsync(e).status },
	}
	want := map[string]int{"synchronous": 504, "asynchronous": 201}
	for name, post := range send {
		l.net.Faults().DelaySubmissions(1, 3)
		tx := l.transaction(intent{by: sender, ops: native(other, "1")})
		hash, err := tx.HashHex(standalone)
		require.NoError(t, err)
		envelope, err := tx.Base64()
		require.NoError(t, err)
		require.Equal(t, want[name], post(envelope), name)
		for range 2 {
			require.Zero(t, l.net.CloseLedger().Successful)
			require.Equal(t, 404, l.get("/transactions/"+hash).status)
		}
		require.Equal(t, 1, l.net.CloseLedger().Successful, name)
		require.Equal(t, 200, l.get("/transactions/"+hash).status)
	}
	t.Run("unless another one has used up its sequence number", func(t *testing.T) {
		l.net.Faults().DelaySubmissions(1, 2)
		sequence := l.sequence(sender) + 1
		require.Equal(t, 201, l.postAsync(l.envelope(intent{by: sender, sequence: sequence, ops: native(other, "1")})).status)
		l.apply(intent{by: sender, sequence: sequence, ops: native(other, "2")})
		require.Zero(t, l.net.CloseLedger().Successful)
		require.Zero(t, l.net.CloseLedger().Successful)
	})
	t.Run("unless its time is up by then", func(t *testing.T) {
		l.net.Faults().DelaySubmissions(1, 1000)
		l.net.Faults().DelaySubmissions(1, 2)
		for range 2 {
			l.postAsync(l.envelope(intent{by: sender, times: txnbuild.NewTimebounds(0, l.second.Load()+5), ops: native(other, "1")}))
		}
		l.net.CloseLedger()
		l.second.Add(6)
		require.Zero(t, l.net.CloseLedger().Successful)
	})
	t.Run("and one that is posted again lands once", func(t *testing.T) {
		l.net.Faults().DelaySubmissions(1, 2)
		envelope := l.envelope(intent{by: sender, ops: native(other, "1")})
		require.Equal(t, 504, (<-l.post(envelope)).status)
		require.Equal(t, 200, l.submit(envelope).status)
		require.Zero(t, l.net.CloseLedger().Successful)
	})
	t.Run("and one that is not valid is refused as ever", func(t *testing.T) {
		l.net.Faults().DelaySubmissions(1, 2)
		require.Equal(t, 400, (<-l.post(l.envelope(intent{by: sender, sequence: 3, ops: native(other, "1")}))).status)
	})
}

func TestSubmission_that_shall_try_again_later_was_not_queued(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.SubmitTimeout = time.Millisecond })
	sender := l.account()
	envelope := l.envelope(intent{by: sender, ops: native(sender, "1")})
	l.net.Faults().TryAgainLater(2)
	require.Equal(t, "TRY_AGAIN_LATER", pluckOne(t, l.postAsync(envelope).body, "tx_status"))
	require.Equal(t, 504, (<-l.post(envelope)).status)
	require.Zero(t, l.net.CloseLedger().Successful)
	require.Equal(t, "PENDING", pluckOne(t, l.postAsync(envelope).body, "tx_status"))
}

func TestAnswer_that_is_lost_was_still_worked_for(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	l.net.Faults().LoseAnswers(1, "/transactions_async")
	require.Equal(t, 200, l.get("/payments").status)
	r, err := http.NewRequestWithContext(l.context(), http.MethodPost, l.server.URL+"/transactions_async",
		strings.NewReader(form(l.envelope(intent{by: sender, ops: native(sender, "1")}))))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := l.server.Client().Do(r)
	if err == nil {
		_ = response.Body.Close()
	}
	require.Error(t, err)
	require.Equal(t, 1, l.net.CloseLedger().Successful)
}

func TestAnswer_that_is_cut_ends_in_the_middle(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.account()
	whole := l.get("/payments")
	for smooth, want := range map[bool]error{true: nil, false: io.ErrUnexpectedEOF} {
		l.net.Faults().CutAnswers(1, "/payments", smooth)
		r, err := http.NewRequestWithContext(l.context(), http.MethodGet, l.server.URL+"/payments", nil)
		require.NoError(t, err)
		response, err := l.server.Client().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, response.Body.Close())
		require.ErrorIs(t, err, want)
		require.Equal(t, whole.body[:len(whole.body)/2], string(body))
	}
	require.Equal(t, whole.body, l.get("/payments").body)
}

func TestLimit_is_answered_with_the_wait_that_was_asked_for(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.net.Faults().Limit(7*time.Second, 1, "/")
	got := l.get("/payments")
	require.Equal(t, 429, got.status)
	require.Equal(t, "7", got.header.Get("Retry-After"))
}

func TestNow_is_the_beginning_at_a_Horizon_that_has_just_started(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	receiver := l.account()
	l.do(receiver, native(receiver, "1")...)
	path := "/accounts/" + receiver.Address() + "/payments?cursor=now&limit=2"
	l.net.Faults().ForgetNow(true)
	want := load(t, "sse-cursor-now-on-just-started-horizon-replays-history.txt")
	stream := l.open(path)
	requireSameHeaders(t, want, answer{status: stream.response.StatusCode, header: stream.response.Header})
	require.Equal(t, 2, strings.Count(stream.all(), "\nid: "))
	l.net.Faults().Clear()
	require.Empty(t, pluck(t, l.get(path).body, "id"))
}

func TestHistory_is_kept_for_as_many_ledgers_as_asked(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.KeepLedgers = 3 })
	accounts := []*keypair.Full{l.account(), l.account(), l.account(), l.account()}
	require.Contains(t, l.get("/").body, `"history_elder_ledger": 3`)
	require.Len(t, l.follow("/payments?cursor=0"), 3)
	require.Len(t, pluck(t, l.get("/effects?cursor=1-1").body, "id"), 9)
	require.Empty(t, pluck(t, l.get("/accounts/"+accounts[0].Address()+"/effects").body, "id"))
	for _, path := range []string{"/payments?order=desc&cursor=8589934592", "/effects?order=desc&cursor=8589934592-1"} {
		require.Equal(t, load(t, "before-history-410.txt").body, l.get(path).body)
	}
}
