package stellar_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// waited runs Wait in a bubble of time against a server that sends the body given and then leaves the stream as it is, or
// ends it. It answers how long Wait took.
func waited(t *testing.T, body string, ends bool) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			return streamOf(newSlowBody(r.Context(), body, ends)), nil
		})
		h := newBubbled(t, transport)
		start := time.Now()
		err = h.Wait(t.Context(), receiver, 5)
		took = time.Since(start)
	})
	return took, err
}

func newBubbled(t *testing.T, transport http.RoundTripper) *stellar.Horizon {
	t.Helper()
	h, err := stellar.NewHorizon(stellar.Options{
		URL: "http://horizon.test", Passphrase: passphrase, HTTP: &http.Client{Transport: transport}, SilenceAfter: 100 * time.Second,
	})
	require.NoError(t, err)
	return h
}

// slowBody gives its text and then nothing until the request is cancelled, unless it ends.
type slowBody struct {
	io.Reader
	ctx  context.Context
	ends bool
}

func newSlowBody(ctx context.Context, text string, ends bool) io.ReadCloser {
	return slowBody{strings.NewReader(text), ctx, ends}
}

func (b slowBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if !errors.Is(err, io.EOF) || b.ends {
		return n, err
	}
	<-b.ctx.Done()
	return n, b.ctx.Err()
}

func (b slowBody) Close() error { return nil }

func Test_a_record_on_the_stream_wakes_at_once(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"sse-across-core-restart.txt", "sse-cursor-now-on-just-started-horizon-replays-history.txt", "sse-cursor-now-until-55s-close.txt",
		"sse-default-limit-10-byebye.txt", "sse-headers-and-hello.txt", "sse-last-event-id.txt", "sse-limit-3-byebye.txt",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			took, err := waited(t, string(streamed(t, name)), false)
			require.NoError(t, err)
			require.Zero(t, took)
		})
	}
}

func Test_a_stream_that_ends_wakes_but_not_sooner_than_in_a_second(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sse-closed-by-server-after-5s.txt", "sse-horizon-graceful-stop.txt", "sse-horizon-killed.txt"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			took, err := waited(t, string(streamed(t, name)), true)
			require.NoError(t, err)
			require.Equal(t, time.Second, took)
		})
	}
	t.Run("byebye is heard while the connection stays", func(t *testing.T) {
		t.Parallel()
		took, err := waited(t, string(streamed(t, "sse-closed-by-server-after-5s.txt")), false)
		require.NoError(t, err)
		require.Equal(t, time.Second, took)
	})
}

func Test_a_stream_that_has_gone_silent_wakes_after_its_time(t *testing.T) {
	t.Parallel()
	hello, _, found := bytes.Cut(streamed(t, "sse-headers-and-hello.txt"), []byte("id:"))
	require.True(t, found)
	for name, body := range map[string]string{
		"hello and nothing more":    string(hello),
		"half a record":             string(hello) + "id: 5\ndata: {\"id\":",
		"comments and empty events": string(hello) + ": alive\n\nretry: 5\n\nevent: weather\ndata: fine\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			took, err := waited(t, body, false)
			require.NoError(t, err)
			require.GreaterOrEqual(t, took, 90*time.Second)
			require.LessOrEqual(t, took, 110*time.Second)
		})
	}
}

func Test_a_stream_tells_why_it_could_not_go_on(t *testing.T) {
	t.Parallel()
	_, err := waited(t, string(streamed(t, "sse-rate-limited-midstream.txt")), true)
	var limited *stellar.RateLimitedError
	require.ErrorAs(t, err, &limited)

	_, err = waited(t, strings.TrimSpace(string(streamed(t, "sse-database-down.txt"))), true)
	var unavailable *stellar.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.ErrorContains(t, err, "Unexpected stream error")
}

func Test_a_stream_that_does_not_open_is_an_error(t *testing.T) {
	t.Parallel()
	t.Run("an account never seen", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, refusedStream(t, recorded(t, "sse-account-not-found-404.txt")), stellar.ErrNotFound)
	})
	t.Run("the rate limit", func(t *testing.T) {
		t.Parallel()
		var limited *stellar.RateLimitedError
		require.ErrorAs(t, refusedStream(t, recorded(t, "sse-rate-limited-at-start-429.txt")), &limited)
		require.Zero(t, limited.RetryAfter, "Horizon does not say")
	})
	t.Run("a cursor that Horizon does not like", func(t *testing.T) {
		t.Parallel()
		var refused *stellar.RequestError
		require.ErrorAs(t, refusedStream(t, recorded(t, "sse-cursor-invalid-400.txt")), &refused)
		require.Equal(t, "cursor", refused.Field)
	})
	t.Run("an answer that is no stream", func(t *testing.T) {
		t.Parallel()
		var unreadable *stellar.AnswerError
		require.ErrorAs(t, refusedStream(t, serve(sample(t, "payments-page.json"))), &unreadable)
	})
	t.Run("a server that accepts and says nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := newBubbled(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			err := h.Wait(t.Context(), receiver, 5)
			var unavailable *stellar.UnavailableError
			require.ErrorAs(t, err, &unavailable)
			require.NotErrorIs(t, err, context.Canceled, "the caller did not cancel")
		})
	})
}

func refusedStream(t *testing.T, answer http.HandlerFunc) error {
	t.Helper()
	n := newNetwork(t)
	n.Handle("GET /accounts/"+receiver+"/payments", answer)
	return n.Wait(t.Context(), receiver, 5)
}

func Test_waiting_ends_with_its_context(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends  bool
		after time.Duration
	}{
		"as it opens":                           {false, time.Millisecond},
		"while silent":                          {false, 30 * time.Second},
		"while holding back after an early end": {true, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newBubbled(t, roundTrip(func(r *http.Request) (*http.Response, error) {
					return streamOf(newSlowBody(r.Context(), "retry: 1000\nevent: open\ndata: \"hello\"\n\n", c.ends)), nil
				}))
				ctx, cancel := context.WithTimeout(t.Context(), c.after)
				defer cancel()
				require.ErrorIs(t, h.Wait(ctx, receiver, 5), context.DeadlineExceeded)
			})
		})
	}
}

func Test_a_stream_is_asked_for_one_record_behind_the_position(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	var query, accept string
	n.HandleFunc("GET /accounts/"+receiver+"/payments", func(w http.ResponseWriter, r *http.Request) {
		query, accept = r.URL.RawQuery, r.Header.Get("Accept")
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = w.Write(streamed(t, "sse-limit-3-byebye.txt"))
	})
	require.NoError(t, n.Wait(t.Context(), receiver, 123))
	require.Equal(t, "cursor=123&limit=1&order=asc", query)
	require.Equal(t, "text/event-stream", accept)
}
