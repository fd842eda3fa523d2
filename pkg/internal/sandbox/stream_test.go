package sandbox

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// reader follows one stream.
type reader struct {
	*lab
	response *http.Response
	lines    *bufio.Reader
	cancel   func()
}

func (l *lab) open(path string, with ...func(*http.Request)) *reader {
	l.Helper()
	ctx, cancel := context.WithCancel(l.context())
	l.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.server.URL+path, nil)
	require.NoError(l, err)
	asStream(r)
	for _, w := range with {
		w(r)
	}
	response, err := l.server.Client().Do(r)
	require.NoError(l, err)
	l.Cleanup(func() { _ = response.Body.Close() })
	return &reader{lab: l, response: response, lines: bufio.NewReader(response.Body), cancel: cancel}
}

// event reads up to the next blank line.
func (r *reader) event() string {
	r.Helper()
	var event strings.Builder
	for {
		line, err := r.lines.ReadString('\n')
		require.NoError(r, err, "after %q", event.String())
		event.WriteString(line)
		if line == "\n" {
			return event.String()
		}
	}
}

// rest reads to the end of the response, which is orderly if there is no error.
func (r *reader) rest() (string, error) {
	rest, err := io.ReadAll(r.lines)
	return string(rest), err
}

func (r *reader) all() string {
	r.Helper()
	rest, err := r.rest()
	require.NoError(r, err)
	return rest
}

// framing is a stream without what its records hold.
func framing(stream string) string {
	stream = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} \| `).ReplaceAllString(stream, "")
	stream = regexp.MustCompile(`(?m)^id: \d+$`).ReplaceAllString(stream, "id: ID")
	stream = regexp.MustCompile(`(?m)^curl exit: .*\n`).ReplaceAllString(stream, "")
	return regexp.MustCompile(`(?m)^data: \{.*\}$`).ReplaceAllString(stream, "data: RECORD")
}

func dataOf(event string) string {
	_, data, _ := strings.Cut(event, "data: ")
	return strings.TrimSpace(data)
}

func TestStream_is_framed_as_by_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	_, usdc := l.asset("USDC", receiver, sender)

	stream := l.open("/accounts/" + receiver.Address() + "/payments?cursor=now")
	want := load(t, "sse-headers-and-hello.txt")
	requireSameHeaders(t, want, answer{status: stream.response.StatusCode, header: stream.response.Header})
	require.Equal(t, "text/event-stream; charset=utf-8", stream.response.Header.Get("Content-Type"))
	got := stream.event()
	require.NoError(t, l.net.AwaitStreams(l.context(), 1))
	l.do(sender, pay(receiver, usdc, "1.25"))
	record := stream.event()
	require.Equal(t, strings.TrimSpace(framing(want.body)), strings.TrimSpace(framing(got+record)))
	_, wanted, _ := strings.Cut(want.body, "id: ")
	requireSameShape(t, dataOf(wanted), dataOf(record))
}

func TestStream_says_byebye_after_as_many_records_as_asked_for(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	for range 12 {
		l.do(sender, pay(receiver, txnbuild.NativeAsset{}, "1"))
	}
	path := "/accounts/" + receiver.Address() + "/payments"
	require.Equal(t, strings.TrimSpace(framing(load(t, "sse-limit-3-byebye.txt").body)),
		strings.TrimSpace(framing(l.open(path+"?limit=3").all())))
	require.Equal(t, 10, strings.Count(l.open(path).all(), "id: "), "ten by default")
}

func TestStream_says_byebye_when_its_time_is_up(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.StreamTimeout = time.Millisecond })
	require.Equal(t, strings.TrimSpace(load(t, "sse-closed-by-server-after-5s.txt").body),
		strings.TrimSpace(l.open("/payments?cursor=now").all()))
}

func TestStream_goes_on_after_the_last_event_id_whatever_the_cursor_says(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	for range 3 {
		l.do(sender, pay(receiver, txnbuild.NativeAsset{}, "1"))
	}
	all := l.net.Transactions()
	last := func(r *http.Request) { r.Header.Set("Last-Event-ID", number(all[len(all)-2].Payments[0].ID)) }
	stream := l.open("/payments?cursor=now&limit=1", last)
	stream.event()
	require.True(t, strings.HasPrefix(stream.event(), "id: "+number(all[len(all)-1].Payments[0].ID)+"\n"))
}

func TestStream_that_cannot_begin_is_answered_with_a_plain_problem(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for name, path := range map[string]string{
		"sse-account-not-found-404.txt": "/accounts/" + keypair.MustRandom().Address() + "/payments",
		"sse-cursor-invalid-400.txt":    "/payments?cursor=abc",
	} {
		want, got := load(t, name), l.get(path, asStream)
		require.Equal(t, want.body, got.body, name)
		requireSameHeaders(t, want, got)
	}
	l.net.Faults().Answer(429, 1, "/payments")
	want, got := load(t, "sse-rate-limited-at-start-429.txt"), l.get("/payments", asStream)
	require.Equal(t, want.body, got.body)
	requireSameHeaders(t, want, got)
	require.Equal(t, http.StatusNotAcceptable, l.get("/fee_stats", asStream).status)
}

func TestStream_ends_with_an_error_event_when_the_rate_limit_is_used_up(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.RateLimit = 1 })
	stream := l.open("/payments?cursor=now")
	got := stream.event()
	require.NoError(t, l.net.AwaitStreams(l.context(), 1))
	for range bucket {
		l.net.CloseLedger()
	}
	got += stream.all()
	require.Equal(t, strings.TrimSpace(load(t, "sse-rate-limited-midstream.txt").body), strings.TrimSpace(got))
}

func TestStream_that_loses_its_database_ends_with_an_error_event(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	stream := l.open("/payments?cursor=now")
	got := stream.event()
	l.net.Faults().FailStreams()
	got += stream.all()
	require.Equal(t, strings.TrimSpace(framing(load(t, "sse-database-down.txt").body)), strings.TrimSpace(got))
}

func TestStream_that_is_cut_ends_without_byebye_in_a_broken_response(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*Network){
		"by a fault": func(n *Network) { n.Faults().CutStreams() },
		"by a reset": (*Network).Reset,
		"by the end of Run": func(n *Network) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = n.Run(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			stream := l.open("/payments?cursor=now")
			require.Equal(t, hello, stream.event())
			cut(l.net)
			rest, err := stream.rest()
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Empty(t, rest)
		})
	}
}

func TestStream_that_is_silent_delivers_what_it_held_back_once_it_speaks_again(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.StreamTimeout = time.Millisecond })
	sender := l.account()
	l.net.Faults().SilenceStreams(true)
	stream := l.open("/payments?cursor=now")
	require.Equal(t, hello, stream.event())
	require.NoError(t, l.net.AwaitStreams(l.context(), 1))
	l.do(sender, pay(sender, txnbuild.NativeAsset{}, "1"))
	l.do(sender, pay(sender, txnbuild.NativeAsset{}, "1"))
	soon, cancel := context.WithTimeout(l.context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.net.AwaitStreams(soon, 0), context.DeadlineExceeded, "its time is long up, yet it is open")
	l.net.Faults().SilenceStreams(false)
	require.Equal(t, 2, strings.Count(stream.all(), "data: {"))
}

func TestStreams_all_wake_when_a_ledger_closes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	streams := make([]*reader, 20)
	for i := range streams {
		streams[i] = l.open("/payments?cursor=now")
		require.Equal(t, hello, streams[i].event())
	}
	l.do(sender, pay(sender, txnbuild.NativeAsset{}, "1"))
	for _, s := range streams {
		require.Contains(t, s.event(), "data: {")
	}
	for _, s := range streams {
		s.cancel()
	}
	require.NoError(t, l.net.AwaitStreams(l.context(), 0))
}
