package stellar_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// several are Horizons a.test, b.test, … in a bubble of time.
type several struct {
	*stellar.Horizon
	mu    sync.Mutex
	hosts map[string]*host
	asked []string // "a/", "b/payments", …
}

// host is a Horizon with an account that has one payment.
type host struct {
	latest, elder, coreAhead int64
	passphrase               string
	sick                     map[string]reply // by the last part of the path; "*" is every path
}

// reply is what is answered in place of the truth; err is of the connection.
type reply struct {
	status int
	header string // Retry-After
	body   string
	err    error
}

const onePayment = "record-payment-credit-memo-id-join.json" // in ledger 25

func newSeveral(t *testing.T, hosts ...*host) *several {
	t.Helper()
	s := &several{hosts: map[string]*host{}}
	var urls []string
	for i, h := range hosts {
		name := string(rune('a'+i)) + ".test"
		s.hosts[name] = h
		urls = append(urls, "http://"+name)
	}
	transport := roundTrip(func(r *http.Request) (*http.Response, error) { return s.answer(t, r) })
	var err error
	s.Horizon, err = stellar.NewHorizon(stellar.Options{URLs: urls, Passphrase: passphrase, HTTP: &http.Client{Transport: transport}})
	require.NoError(t, err)
	return s
}

func at25() *host { return &host{latest: 100, elder: 2, passphrase: passphrase} }

func (h *host) fails(what string, with reply) *host {
	h.sick = map[string]reply{what: with}
	return h
}

func (s *several) answer(t *testing.T, r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	s.asked = append(s.asked, r.URL.Host[:1]+"/"+last)
	h := s.hosts[r.URL.Host]
	for _, what := range []string{last, "*"} {
		sick, ok := h.sick[what]
		switch {
		case !ok:
		case sick.err != nil:
			return nil, sick.err
		default:
			return answered(sick.status, http.Header{"Retry-After": {sick.header}}, sick.body), nil
		}
	}
	switch {
	case r.URL.Path == "/":
		closed := time.Unix(0, 0).Add(time.Duration(h.latest) * 5 * time.Second).UTC().Format(time.RFC3339)
		return answered(200, nil, fmt.Sprintf(`{"history_latest_ledger":%d,"history_latest_ledger_closed_at":%q,"history_elder_ledger":%d,
			"core_latest_ledger":%d,"network_passphrase":%q}`, h.latest, closed, h.elder, h.latest+h.coreAhead, h.passphrase)), nil
	case last == "payments":
		return answered(200, nil, string(pageOf(sample(t, onePayment)))), nil
	}
	return answered(404, nil, "{}"), nil
}

func answered(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// since answers what was asked since the last call, without the ledgers that are asked for their hashes.
func (s *several) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(s.asked, func(what string) bool { return strings.Contains("0123456789", what[len(what)-1:]) })
	s.asked = nil
	return list
}

func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

var (
	down    = reply{status: 503}
	garbled = reply{status: 200}
)

func Test_the_next_Horizon_takes_over(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]*host{
		"that does not answer":              at25().fails("*", reply{err: errors.New("connection refused")}),
		"that is down":                      at25().fails("*", down),
		"that answers what is no JSON":      at25().fails("payments", garbled),
		"that announces, but does not page": at25().fails("payments", down),
		"that is behind what was read":      {latest: 3, elder: 2, passphrase: passphrase},
		"that refuses requests for a while": at25().fails("*", reply{status: 429, header: "100"}),
		"that is far behind its core":       {latest: 90, elder: 2, coreAhead: 20, passphrase: passphrase},
	} {
		inBubble(t, "from one "+name, func(t *testing.T) {
			s := newSeveral(t, first, at25())
			page, err := s.Payments(t.Context(), receiver, 5<<32, 200)
			require.NoError(t, err)
			require.Len(t, page.Payments, 1)
			require.EqualValues(t, 100, page.Through.Sequence)
			asked := s.since()
			require.Equal(t, []string{"b/", "b/payments"}, asked[len(asked)-2:], "the whole page comes from the second")

			_, err = s.Payments(t.Context(), receiver, 5<<32, 200)
			require.NoError(t, err)
			require.Equal(t, []string{"b/", "b/payments"}, s.since(), "the first one rests")

			first.sick, first.latest, first.coreAhead = nil, 101, 0
			<-time.After(101 * time.Second)
			_, err = s.Payments(t.Context(), receiver, 5<<32, 200)
			require.NoError(t, err)
			require.Equal(t, []string{"a/", "a/payments"}, s.since(), "and is tried again")
		})
	}
}

func Test_a_Horizon_that_tells_of_no_new_ledger_is_compared_with_the_others(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck, other := at25(), at25()
		s := newSeveral(t, stuck, other)
		read := func() int64 {
			page, err := s.Payments(t.Context(), receiver, 0, 200)
			require.NoError(t, err)
			return page.Through.Sequence
		}
		require.EqualValues(t, 100, read())
		<-time.After(61 * time.Second)
		require.EqualValues(t, 100, read(), "the network stands still")
		other.latest = 112
		require.EqualValues(t, 112, read(), "only the first one does")
	})
}

func Test_all_refusing_is_told_without_asking_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t, at25().fails("*", reply{status: 429, header: "30"}), at25().fails("*", reply{status: 429, header: "20"}))
		var limited *stellar.RateLimitedError
		_, err := s.Root(t.Context())
		require.ErrorAs(t, err, &limited)
		require.Len(t, s.since(), 2)
		_, err = s.Root(t.Context())
		require.ErrorAs(t, err, &limited)
		require.Equal(t, 20*time.Second, limited.RetryAfter)
		require.Empty(t, s.since())
	})
}

func Test_all_down_are_all_asked_each_time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t, at25().fails("*", down), at25().fails("*", down))
		for range 2 {
			_, err := s.Root(t.Context())
			var away *stellar.UnavailableError
			require.ErrorAs(t, err, &away)
			require.ErrorContains(t, err, "none of 2 Horizons")
			require.Len(t, s.since(), 2)
		}
	})
}

func Test_the_network_of_every_Horizon_is_compared(t *testing.T) {
	t.Parallel()
	foreign := func() *host { return &host{latest: 100, elder: 2, passphrase: "another"} }
	inBubble(t, "one of another network is an error although the first is right", func(t *testing.T) {
		var wrong *stellar.WrongNetworkError
		require.ErrorAs(t, newSeveral(t, at25(), foreign()).CheckNetwork(t.Context()), &wrong)
		require.Equal(t, 2, wrong.Endpoint)
	})
	inBubble(t, "one that is down is let off until it answers", func(t *testing.T) {
		second := foreign().fails("*", down)
		s := newSeveral(t, at25(), second)
		require.NoError(t, s.CheckNetwork(t.Context()))
		second.sick = nil
		s.hosts["a.test"].fails("*", down)
		var wrong *stellar.WrongNetworkError
		_, err := s.Payments(t.Context(), receiver, 0, 200)
		require.ErrorAs(t, err, &wrong)
	})
	inBubble(t, "none that answers is an error", func(t *testing.T) {
		require.Error(t, newSeveral(t, at25().fails("*", down), at25().fails("*", down)).CheckNetwork(t.Context()))
	})
}

func Test_a_Horizon_that_keeps_a_ledger_is_turned_to(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short, whole := at25(), at25()
		short.elder = 50
		s := newSeveral(t, short, whole)
		page, err := s.Payments(t.Context(), receiver, 5<<32, 200)
		require.NoError(t, err)
		require.EqualValues(t, 50, page.Elder)
		require.True(t, s.TurnTo(t.Context(), 10))
		page, err = s.Payments(t.Context(), receiver, 5<<32, 200)
		require.NoError(t, err)
		require.EqualValues(t, 2, page.Elder)
		require.False(t, s.TurnTo(t.Context(), 1), "nobody keeps it")
	})
}

func Test_a_page_tells_of_ledgers_that_were_dropped_while_it_was_read(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := at25()
		h.elder = 3
		s := newSeveral(t, h)
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/payments") {
				h.elder = 20
			}
			return s.answer(t, r)
		})
		horizon, err := stellar.NewHorizon(stellar.Options{URL: "http://a.test", Passphrase: passphrase, HTTP: &http.Client{Transport: transport}})
		require.NoError(t, err)
		page, err := horizon.Payments(t.Context(), receiver, 5<<32, 200)
		require.NoError(t, err)
		require.EqualValues(t, 20, page.Elder)
	})
}

func Test_the_same_envelope_goes_to_the_next_Horizon_only_where_that_is_harmless(t *testing.T) {
	t.Parallel()
	refused := reply{status: 400, body: `{"extras":{"result_codes":{"transaction":"tx_bad_seq"}}}`}
	for name, c := range map[string]struct {
		first, second reply
		asked         int
		unknown       bool
	}{
		"was not sent on, and the next is away too": {reply{status: 429, header: "1"}, down, 2, true},
		"may have been sent on, then refused":       {reply{err: io.ErrUnexpectedEOF}, refused, 2, true},
		"was waited for in vain":                    {reply{status: 504}, refused, 1, true},
		"was refused":                               {refused, down, 1, false},
	} {
		inBubble(t, "one that "+name, func(t *testing.T) {
			s := newSeveral(t, at25().fails("*", c.first), at25().fails("*", c.second))
			_, err := s.Submit(t.Context(), envelope(t))
			require.Error(t, err)
			require.Equal(t, c.unknown, errors.Is(err, stellar.ErrUnknownOutcome), err)
			require.Len(t, s.since(), c.asked)
		})
	}
}

func Test_a_list_without_an_address_is_refused(t *testing.T) {
	t.Parallel()
	_, err := stellar.NewHorizon(stellar.Options{Passphrase: passphrase})
	require.ErrorContains(t, err, "no address")
	_, err = stellar.NewHorizon(stellar.Options{URLs: []string{"https://a.test", "ftp://secret@b.test"}, Passphrase: passphrase})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}
