package remote_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestAServerThatTrickles_makes_a_payout_unknown_when_its_time_is_over(t *testing.T) {
	t.Parallel()
	for name, trickle := range map[string]func(w http.ResponseWriter, r *http.Request, _ *server){
		"its body": func(w http.ResponseWriter, r *http.Request, _ *server) {
			w.Header().Set("Content-Type", "application/json")
			drip(r, func() error {
				_, err := io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				return err
			})
		},
		"its header": func(w http.ResponseWriter, r *http.Request, _ *server) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer connection.Close()
			if _, err := io.WriteString(connection, "HTTP/1.1 200 OK\r\nX-Slow: "); err != nil {
				return
			}
			drip(nil, func() error {
				_, err := io.WriteString(connection, "x")
				return err
			})
		},
	} {
		t.Run("with "+name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.raw = trickle
			o := options(s.URL, key("k1"))
			o.RailTimeout = 300 * time.Millisecond
			began := time.Now()
			got, err := newBusinessWith(t, o).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.Error(t, err)
			require.Equal(t, anchor.Outcome{}, got)
			require.Less(t, time.Since(began), 20*time.Second, "each byte would have kept it waiting")
			require.Len(t, s.seen(), 1)
		})
	}
}

// drip goes on until nobody listens any more.
func drip(r *http.Request, drop func() error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var gone <-chan struct{}
	if r != nil {
		gone = r.Context().Done()
	}
	for drop() == nil {
		select {
		case <-tick.C:
		case <-gone:
			return
		}
	}
}

// strict is a server that believes no request whose timestamp is minutes away from its own time.
func strict(s *server, now time.Time) {
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		seconds, err := strconv.ParseInt(r.Header.Get("Anchor-Timestamp"), 10, 64)
		if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
			s.send(w, r, http.StatusUnauthorized, map[string]any{"error": "the timestamp is too far from this server's clock"})
			return
		}
		status, answer := http.StatusOK, any(paid(nil))
		if r.URL.Path == "/v1/rails/bank/poll" {
			answer = map[string]any{"payouts": []any{paid(nil)}}
		}
		s.send(w, r, status, answer)
	}
}

func TestAClockThatIsTenMinutesOff_makes_payouts_unknown_until_it_is_mended(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_800_000_000, 0)
			host := &clock{now: now.Add(off)}
			s := newServer(t)
			strict(s, now)
			o := options(s.URL, key("k1"))
			o.Now = host.Now
			b := newBusinessWith(t, o)
			for range 10 {
				got, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
				require.Error(t, err)
				require.Equal(t, anchor.Outcome{}, got, "a refusal of the request says nothing about the payout")
				news, err := b.Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
				require.Error(t, err)
				require.Empty(t, news)
			}
			_, err := b.Receiver.ValidSendingAnchor(t.Context(), friend)
			require.Error(t, err)

			host.pass(-off)
			got, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.NoError(t, err)
			require.Equal(t, anchor.OutcomeDelivered, got.Kind())
			news, err := b.Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
			require.NoError(t, err)
			require.Len(t, news, 1)
		})
	}
}

func TestAnswersThatChangePlaces_are_believed_by_neither_of_two_payouts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var both sync.WaitGroup
	both.Add(2)
	var mu sync.Mutex
	var answers []*httptest.ResponseRecorder
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		mu.Lock()
		mine := len(answers)
		answer := httptest.NewRecorder()
		s.send(answer, r, http.StatusOK, paid(nil)) // of the same payout: only the signature tells them apart
		answers = append(answers, answer)
		mu.Unlock()
		both.Done()
		both.Wait()
		other := answers[1-mine]
		for name := range other.Header() {
			w.Header().Set(name, other.Header().Get(name))
		}
		_, _ = w.Write(other.Body.Bytes())
	}
	rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
	var calls sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		calls.Go(func() { _, errs[i] = rail.ExecuteOutgoing(t.Context(), payoutOf("a")) })
	}
	calls.Wait()
	for _, err := range errs {
		require.ErrorContains(t, err, "not believed")
	}
}

func TestAKeyIsChanged_without_a_payout_that_nobody_can_judge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	pays := func(when string, b anchor.Business) {
		got, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err, when)
		require.Equal(t, anchor.OutcomeDelivered, got.Kind(), when)
	}
	old := newBusiness(t, s.URL, key("k1"))
	pays("before", old)
	s.keys["k2"] = key("k2").Secret
	pays("the server has both, the anchor the old one", old)
	both := newBusiness(t, s.URL, key("k2"), key("k1"))
	pays("the first of the anchor's processes has both", both)
	pays("while another one still has the old one", old)
	delete(s.keys, "k1")
	pays("the old one is taken away", both)
	pays("on both sides", newBusiness(t, s.URL, key("k2")))

	got, err := old.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.Error(t, err, "a process that was forgotten")
	require.Equal(t, anchor.Outcome{}, got)
}
