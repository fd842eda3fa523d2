package remote_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
)

func timeOver(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithDeadline(t.Context(), time.Unix(0, 0))
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// absent is a server of which a proxy says that it is not there, until it is.
func absent(t *testing.T) (s *server, back *atomic.Bool) {
	t.Helper()
	back = &atomic.Bool{}
	s = newServer(t)
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		if !back.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		s.send(w, r, http.StatusOK, map[string]any{"valid": true, "payouts": []any{}})
	}
	return s, back
}

func valid(t *testing.T, b anchor.Business) error {
	t.Helper()
	_, err := b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: "G"})
	return err
}

func TestAServerThatIsAbsent_is_left_alone_and_found_again(t *testing.T) {
	t.Parallel()
	s, back := absent(t)
	var log bytes.Buffer
	time := &clock{now: time.Unix(1_800_000_000, 0)}
	o := options(s.URL, key("k1"))
	o.Now, o.Log = time.Now, slog.New(slog.NewTextHandler(&log, nil))
	b := newBusinessWith(t, o)

	for range 3 { // two tries each, five in all until it is left alone
		require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(valid(t, b)))
	}
	require.Len(t, s.seen(), 5)
	require.Contains(t, log.String(), "left alone")
	for range 10 {
		require.Equal(t, anchor.Problem{Code: anchor.CodeUnavailable}, anchor.ProblemOf(valid(t, b)))
	}
	require.Len(t, s.seen(), 5, "nobody waits for it")

	_, err := b.Rails["bank"].PollOutgoing(t.Context(), nil)
	require.Error(t, err)
	require.Len(t, s.seen(), 6, "another part finds out for itself")

	time.pass(1100 * millisecond)
	require.Error(t, valid(t, b))
	require.Len(t, s.seen(), 7, "one call tries")
	time.pass(1100 * millisecond)
	require.Error(t, valid(t, b))
	require.Len(t, s.seen(), 7, "the second rest is longer")
	time.pass(1100 * millisecond)
	back.Store(true)
	require.NoError(t, valid(t, b))
	require.NoError(t, valid(t, b))
	require.Len(t, s.seen(), 9)
}

const millisecond = time.Millisecond

func TestAServerThatAnswersNowAndThen_is_not_left_alone(t *testing.T) {
	t.Parallel()
	s, back := absent(t)
	rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
	for i := range 20 {
		back.Store(i%5 == 4)
		_, err := rail.PollOutgoing(t.Context(), nil)
		require.Equal(t, i%5 == 4, err == nil)
	}
	require.Len(t, s.seen(), 20)
}

func TestARailThatIsLeftAlone_has_certainly_not_been_sent_a_payout(t *testing.T) {
	t.Parallel()
	s, _ := absent(t)
	o := options(s.URL, key("k1"))
	o.Now = (&clock{now: time.Unix(1_800_000_000, 0)}).Now
	rail := newBusinessWith(t, o).Rails["bank"]
	for range 5 {
		got, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.Error(t, err)
		require.Equal(t, anchor.Outcome{}, got, "somebody in between may have passed it on")
	}
	got, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, got.Kind())
	require.Len(t, s.seen(), 5)
}

func TestOnlyOneCallTriesWhetherTheServerIsBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	arrived, leave := make(chan struct{}), make(chan struct{})
	var silent atomic.Bool
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		if !silent.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		arrived <- struct{}{}
		<-leave
		s.send(w, r, http.StatusOK, map[string]any{"valid": true})
	}
	time := &clock{now: time.Unix(1_800_000_000, 0)}
	o := options(s.URL, key("k1"))
	o.Now = time.Now
	b := newBusinessWith(t, o)
	for range 3 {
		require.Error(t, valid(t, b))
	}
	silent.Store(true)
	time.pass(1100 * millisecond)
	first := make(chan error, 1)
	go func() { first <- valid(t, b) }()
	<-arrived
	require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(valid(t, b)), "while the first one waits")
	close(leave)
	require.NoError(t, <-first)
}

func TestWhatTheServerRefusesOrGetsWrong_never_makes_it_be_left_alone(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"a refusal": 422, "a fault": 500, "a signature it does not like": 401} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.answer = func(string, map[string]any) (int, any) {
				return status, map[string]any{"code": "invalid", "text": "no"}
			}
			rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
			for range 20 {
				_, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
				require.Error(t, err)
			}
			require.Len(t, s.seen(), 20)
		})
	}
}

func TestCallersWhoGiveUp_say_nothing_about_the_server(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	arrived := make(chan struct{})
	s.raw = func(_ http.ResponseWriter, r *http.Request, _ *server) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}
	rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := rail.ExecuteOutgoing(ctx, payoutOf("a"))
			done <- err
		}()
		<-arrived
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
}

func TestAFaultThatMayPass_has_a_check_repeated_once(t *testing.T) {
	t.Parallel()
	for status, tries := range map[int]int{500: 2, 502: 2, 503: 2, 504: 2, 429: 2, 400: 1, 401: 1, 404: 1, 409: 1} {
		s := newServer(t)
		s.raw = func(w http.ResponseWriter, _ *http.Request, _ *server) { w.WriteHeader(status) }
		err := valid(t, newBusiness(t, s.URL, key("k1")))
		want := anchor.CodeUnavailable
		if tries == 1 {
			want = anchor.CodeInternal
		}
		require.Equal(t, want, anchor.CodeOf(err), status)
		sent := s.seen()
		require.Len(t, sent, tries, status)
	}
}

func TestACheckThatGoesWellTheSecondTime_goes_well(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var calls atomic.Int32
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.send(w, r, http.StatusOK, map[string]any{"valid": true})
	}
	require.NoError(t, valid(t, newBusiness(t, s.URL, key("k1"))))
	sent := s.seen()
	require.Len(t, sent, 2)
	require.NotEqual(t, sent[0].header.Get("Anchor-Nonce"), sent[1].header.Get("Anchor-Nonce"))
}

// tlsServer has a certificate that nobody trusts but who is given it.
func tlsServer(t *testing.T) (s *server, ca []byte) {
	t.Helper()
	s = unstarted(t)
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func TestTLS_is_verified_by_the_own_authority_and_no_payout_leaves_without(t *testing.T) {
	t.Parallel()
	s, ca := tlsServer(t)
	o := options(s.URL, key("k1"))
	got, err := newBusinessWith(t, o).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, got.Kind())
	require.Contains(t, got.Why(), "certificate")
	require.Empty(t, s.seen())

	o.CA = ca
	got, err = newBusinessWith(t, o).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, got.Kind())
}

func TestNew_sets_only_the_parts_that_are_named(t *testing.T) {
	t.Parallel()
	terms := remote.RailTerms{NotKnownFinalAfter: time.Minute, SameKeySafeFor: time.Hour}
	for name, c := range map[string]struct {
		parts remote.Parts
		want  []bool
	}{
		"receiver":  {remote.Parts{Receiver: true}, []bool{true, false, false, false}},
		"customers": {remote.Parts{Customers: true}, []bool{false, true, false, false}},
		"quotes":    {remote.Parts{Quotes: true}, []bool{false, false, true, false}},
		"fee":       {remote.Parts{Fee: true}, []bool{false, false, false, true}},
		"rails":     {remote.Parts{Rails: map[string]remote.RailTerms{"bank": terms}}, []bool{false, false, false, false}},
	} {
		o := options("https://example.com", key("k1"))
		o.Parts = c.parts
		b := newBusinessWith(t, o)
		has := []bool{b.Receiver != nil, b.Customers != nil, b.Quotes != nil, b.Fee != nil}
		require.Equal(t, c.want, has, name)
		require.Len(t, b.Rails, len(c.parts.Rails))
		require.Equal(t, c.parts.Rails["bank"].NotKnownFinalAfter, b.Rails["bank"].NotKnownFinalAfter)
		require.Equal(t, c.parts.Rails["bank"].SameKeySafeFor, b.Rails["bank"].SameKeySafeFor)
	}
}

func TestNew_refuses_options_that_cannot_be_right(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(o *remote.Options)
		want   string
	}{
		"no address":                  {func(o *remote.Options) { o.URL = "" }, "must be a url"},
		"a path":                      {func(o *remote.Options) { o.URL = "/anchor" }, "must be a url"},
		"another scheme":              {func(o *remote.Options) { o.URL = "ftp://example.com" }, "https://"},
		"http over the network":       {func(o *remote.Options) { o.URL = "http://example.com" }, "https:// unless"},
		"a user in the address":       {func(o *remote.Options) { o.URL = "https://user:pass@example.com" }, "no user"},
		"a query":                     {func(o *remote.Options) { o.URL = "https://example.com?token=1" }, "no user, query"},
		"no key":                      {func(o *remote.Options) { o.Keys = nil }, "a key is needed"},
		"a short secret":              {func(o *remote.Options) { o.Keys[0].Secret = []byte("short") }, "key k1 is too short"},
		"two keys of one name":        {func(o *remote.Options) { o.Keys = append(o.Keys, o.Keys[0]) }, "two keys named k1"},
		"a name that breaks a header": {func(o *remote.Options) { o.Keys[0].ID = "k\r\n1" }, "name of a key"},
		"a rail that leaves its path": {func(o *remote.Options) { o.Parts.Rails = map[string]remote.RailTerms{"..": {}} }, `rail ".."`},
		"a negative time":             {func(o *remote.Options) { o.Parts.Rails["bank"] = remote.RailTerms{SameKeySafeFor: -1} }, "negative"},
		"an authority without PEM":    {func(o *remote.Options) { o.CA = []byte("x") }, "no certificate in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options("https://example.com", key("k1"))
			c.change(&o)
			_, err := remote.New(o)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "pass")
		})
	}
	_, err := remote.New(remote.Options{URL: "ftp://x", CA: []byte("x")})
	for _, fault := range []string{"https://", "PEM", "a key is needed"} {
		require.ErrorContains(t, err, fault, "all faults at once")
	}
}

func TestNew_allows_http_on_this_machine_and_where_it_is_said_so(t *testing.T) {
	t.Parallel()
	for url, everywhere := range map[string]bool{"http://127.0.0.1:1": false, "http://localhost:1": false, "http://[::1]:1": false, "http://example.com": true} {
		o := options(url, key("k1"))
		o.AllowHTTP = everywhere
		newBusinessWith(t, o)
	}
}

func TestAnAddressWithAPath_is_put_before_the_paths_of_the_contract_and_signed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(path string, _ map[string]any) (int, any) {
		require.Equal(t, "/anchor/v1/sending-anchor", path)
		return http.StatusOK, map[string]any{"valid": true}
	}
	require.NoError(t, valid(t, newBusiness(t, s.URL+"/anchor/", key("k1"))))
}
