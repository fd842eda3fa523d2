package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
)

// paid is the honest answer to payoutOf("a"), to be changed.
func paid(change func(answer map[string]any)) map[string]any {
	p := payoutOf("a")
	answer := map[string]any{"key": string(p.Key), "outcome": "delivered", "amount": p.Amount, "asset": p.Asset, "external_id": "E-1"}
	if change != nil {
		change(answer)
	}
	return answer
}

// lies are the ways in which an answer cannot be believed; each makes an honest server lie.
func lies() map[string]func(s *server) {
	list := map[string]func(s *server){
		"is not signed":                          func(s *server) { s.tamper = without("Anchor-Signature") },
		"names no key":                           func(s *server) { s.tamper = without("Anchor-Key") },
		"is signed twice":                        func(s *server) { s.tamper = twice("Anchor-Signature") },
		"names two keys":                         func(s *server) { s.tamper = twice("Anchor-Key") },
		"is signed by a stranger":                func(s *server) { s.tamper = with("Anchor-Key", "k2") },
		"has a signature that is no hexadecimal": func(s *server) { s.tamper = with("Anchor-Signature", "x") },
		"has another signature":                  func(s *server) { s.tamper = with("Anchor-Signature", strings.Repeat("0", 64)) },
		"was changed on its way": func(s *server) {
			s.tamper = func(_ http.Header, body []byte) []byte { return bytes.Replace(body, []byte("E-1"), []byte("E-2"), 1) }
		},
		"is signed as a request":       func(s *server) { s.raw = reflected },
		"was given before":             func(s *server) { s.raw = replayed() },
		"is signed for another status": func(s *server) { s.raw = promoted },
		"is no JSON by its type":       func(s *server) { s.tamper = with("Content-Type", "text/html") },
		"has no type":                  func(s *server) { s.tamper = with("Content-Type", "") },
		"does not end":                 func(s *server) { s.raw = endless },
		"is cut off":                   func(s *server) { s.tamper = with("Content-Length", "100000") },
		"has an endless header":        func(s *server) { s.raw = longHeader },
		"switches the protocol":        func(s *server) { s.raw = switching },
	}
	for _, status := range []int{201, 204, 300, 400, 401, 404, 409, 429, 500, 501, 502, 503, 504, 599} {
		list[fmt.Sprintf("has the status %d, signed", status)] = func(s *server) { s.raw = answering(status) }
	}
	return list
}

func without(name string) func(http.Header, []byte) []byte {
	return func(h http.Header, body []byte) []byte {
		h.Del(name)
		return body
	}
}

func with(name, value string) func(http.Header, []byte) []byte {
	return func(h http.Header, body []byte) []byte {
		h.Set(name, value)
		return body
	}
}

func twice(name string) func(http.Header, []byte) []byte {
	return func(h http.Header, body []byte) []byte {
		h.Add(name, h.Get(name))
		return body
	}
}

// reflected gives the request's own signature back.
func reflected(w http.ResponseWriter, r *http.Request, s *server) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Anchor-Key", r.Header.Get("Anchor-Key"))
	w.Header().Set("Anchor-Signature", r.Header.Get("Anchor-Signature"))
	sent := s.seen()
	_, _ = w.Write(sent[len(sent)-1].body)
}

// replayed gives an answer that was right for another request with the same body.
func replayed() func(http.ResponseWriter, *http.Request, *server) {
	return func(w http.ResponseWriter, r *http.Request, s *server) {
		r.Header.Set("Anchor-Nonce", strings.Repeat("0", 32))
		s.send(w, r, http.StatusOK, paid(nil))
	}
}

// promoted signs for one status and sends another.
func promoted(w http.ResponseWriter, r *http.Request, s *server) {
	signed := httptest.NewRecorder()
	s.send(signed, r, http.StatusUnprocessableEntity, paid(nil))
	for name := range signed.Header() {
		w.Header().Set(name, signed.Header().Get(name))
	}
	_, _ = w.Write(signed.Body.Bytes())
}

func answering(status int) func(http.ResponseWriter, *http.Request, *server) {
	return func(w http.ResponseWriter, r *http.Request, s *server) { s.send(w, r, status, paid(nil)) }
}

func endless(w http.ResponseWriter, _ *http.Request, _ *server) {
	w.Header().Set("Content-Type", "application/json")
	for {
		if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil {
			return
		}
	}
}

func longHeader(w http.ResponseWriter, r *http.Request, s *server) {
	w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
	s.send(w, r, http.StatusOK, paid(nil))
}

func switching(w http.ResponseWriter, _ *http.Request, _ *server) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn)
}

func TestAnAnswerThatCannotBeBelieved_leaves_the_payout_unknown(t *testing.T) {
	t.Parallel()
	for name, lie := range lies() {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.answer = func(string, map[string]any) (int, any) { return http.StatusOK, paid(nil) }
			lie(s)
			rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
			o, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.Error(t, err)
			require.Equal(t, anchor.Outcome{}, o)
			require.Len(t, s.seen(), 1, "it was sent once")
			impersonal(t, err)

			news, err := rail.PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
			require.Error(t, err)
			require.Empty(t, news)
			require.Len(t, s.seen(), 2)
		})
	}
}

// impersonal tells that an error repeats nothing of a payout.
func impersonal(t *testing.T, err error) {
	t.Helper()
	for _, personal := range []string{"Ada", "Lovelace", "DE7512345", "rent", "E-1"} {
		require.NotContains(t, err.Error(), personal)
	}
}

// nonsense are bodies, rightly signed, that say nothing about payoutOf("a").
func nonsense() map[string]any {
	type object = map[string]any
	key := string(payoutOf("a").Key)
	return map[string]any{
		"nothing":                       "",
		"no JSON":                       "delivered",
		"a list":                        []any{paid(nil)},
		"null":                          nil,
		"an empty object":               object{},
		"two objects":                   fmt.Sprintf(`{"key":%q,"outcome":"delivered","amount":"12.30","asset":"iso4217:BRL"} {}`, key),
		"half an object":                fmt.Sprintf(`{"key":%q,"outcome":"delivered","amount":"12.30","asset":"iso4217:BRL"`, key),
		"what is no UTF-8":              fmt.Sprintf(`{"key":%q,"outcome":"delivered","amount":"12.30","asset":"iso4217:BRL","external_id":"`+"\xff"+`"}`, key),
		"two outcomes":                  fmt.Sprintf(`{"key":%q,"outcome":"failed","why":"x","outcome":"delivered","amount":"12.30","asset":"iso4217:BRL"}`, key),
		"two outcomes, one in capitals": fmt.Sprintf(`{"key":%q,"outcome":"failed","why":"x","OUTCOME":"delivered","amount":"12.30","asset":"iso4217:BRL"}`, key),
		"two outcomes, one with a sign that folds": fmt.Sprintf(`{"key":%q,"asset":"iso4217:EUR","outcome":"delivered","amount":"12.30","aſset":"iso4217:BRL"}`, key),
		"an endless nest":                          strings.Repeat(`{"a":`, 100_000),
		"a nest beside it":                         fmt.Sprintf(`{"key":%q,"outcome":"delivered","amount":"12.30","asset":"iso4217:BRL","x":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+`}`, key),
		"U+0000":                                   paid(func(a map[string]any) { a["external_id"] = "\x00" }),
		"another key":                              paid(func(a map[string]any) { a["key"] = string(payoutOf("b").Key) }),
		"no key":                                   paid(func(a map[string]any) { delete(a, "key") }),
		"another amount":                           paid(func(a map[string]any) { a["amount"] = "12.31" }),
		"an amount that is a number":               paid(func(a map[string]any) { a["amount"] = 12.3 }),
		"no amount":                                paid(func(a map[string]any) { delete(a, "amount") }),
		"another asset":                            paid(func(a map[string]any) { a["asset"] = "iso4217:EUR" }),
		"another amount of an accepted one":        paid(func(a map[string]any) { a["outcome"], a["amount"] = "accepted", "1" }),
		"no outcome":                               paid(func(a map[string]any) { delete(a, "outcome") }),
		"an outcome of its own":                    paid(func(a map[string]any) { a["outcome"] = "done" }),
		"an outcome in capitals":                   paid(func(a map[string]any) { a["outcome"] = "FAILED" }),
		"failed, not why":                          paid(func(a map[string]any) { a["outcome"] = "failed" }),
		"needs, not which":                         paid(func(a map[string]any) { a["outcome"] = "needs_info" }),
		"needs of nobody": paid(func(a map[string]any) {
			a["outcome"], a["needs"] = "needs_info", []object{{"of": "bank", "field": "x"}}
		}),
	}
}

func TestASignedAnswerThatMakesNoSense_leaves_the_payout_unknown(t *testing.T) {
	t.Parallel()
	for name, body := range nonsense() {
		t.Run("that says "+name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.answer = func(string, map[string]any) (int, any) { return http.StatusOK, body }
			o, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.Error(t, err)
			require.Equal(t, anchor.Outcome{}, o)
			impersonal(t, err)
		})
	}
}

func TestExecute_believes_no_outcome_that_only_a_question_can_have(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{"not_known", "returned"} {
		s := newServer(t)
		s.answer = func(string, map[string]any) (int, any) {
			return http.StatusOK, paid(func(a map[string]any) { a["outcome"], a["why"] = outcome, "x" })
		}
		o, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.Error(t, err)
		require.Equal(t, anchor.Outcome{}, o)
	}
}

func TestExecute_takes_a_refusal_for_no_outcome(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(string, map[string]any) (int, any) {
		return http.StatusUnprocessableEntity, map[string]any{"code": "invalid", "text": "no", "key": payoutOf("a").Key, "outcome": "failed", "why": "no"}
	}
	o, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.Error(t, err)
	require.Equal(t, anchor.Outcome{}, o)
}

func TestPoll_believes_what_is_right_beside_what_is_wrong(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newServer(t)
	say := func(id string, more map[string]any) map[string]any {
		p := payoutOf(id)
		said := map[string]any{"key": p.Key, "outcome": "delivered", "amount": p.Amount, "asset": p.Asset, "external_id": "E-1"}
		for name, value := range more {
			said[name] = value
		}
		return said
	}
	s.answer = func(string, map[string]any) (int, any) {
		return http.StatusOK, map[string]any{"payouts": []any{
			say("right", nil), say("twice", nil), say("twice", map[string]any{"outcome": "failed", "why": "no"}), say("twice", nil),
			say("other amount", map[string]any{"amount": "0.01"}), say("other outcome", map[string]any{"outcome": "paid"}),
			say("stranger", nil), say("unsaid", map[string]any{"outcome": "unknown"}),
		}}
	}
	o := options(s.URL, key("k1"))
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	var open []anchor.Payout
	for _, id := range []string{"right", "twice", "other amount", "other outcome", "left out", "unsaid"} {
		open = append(open, payoutOf(id))
	}
	news, err := newBusinessWith(t, o).Rails["bank"].PollOutgoing(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, map[anchor.PayoutKey]anchor.Outcome{
		payoutOf("right").Key: anchor.Delivered("E-1"), payoutOf("stranger").Key: anchor.Delivered("E-1"), payoutOf("unsaid").Key: {},
	}, news, "what is said of a stranger is for the engine to judge")
	for _, id := range []string{"twice", "other amount", "other outcome"} {
		require.Contains(t, log.String(), string(payoutOf(id).Key), "an operator is told of the payout with %s", id)
	}
}

func TestABodyThatIsTooLarge_is_not_believed_whoever_signed_it(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(string, map[string]any) (int, any) {
		return http.StatusOK, paid(func(a map[string]any) { a["more"] = strings.Repeat("x", 1<<20) })
	}
	o, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.ErrorContains(t, err, "larger than")
	require.Equal(t, anchor.Outcome{}, o)
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			elsewhere := newServer(t)
			s := newServer(t)
			s.raw = func(w http.ResponseWriter, r *http.Request, _ *server) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			}
			b := newBusiness(t, s.URL, key("k1"))
			o, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.Error(t, err)
			require.Equal(t, anchor.Outcome{}, o)
			_, err = b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: "G"})
			require.Error(t, err)
			require.Empty(t, elsewhere.seen())
		})
	}
}

func TestAConnectionThatBreaksAfterTheRequestHasArrived_makes_a_payout_unknown_and_sends_it_once(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var breaks atomic.Bool
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) {
		if !breaks.Load() {
			s.send(w, r, http.StatusOK, paid(nil))
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
	_, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a")) // leaves a connection to be used again
	require.NoError(t, err)
	breaks.Store(true)
	o, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.Error(t, err)
	require.Equal(t, anchor.Outcome{}, o)
	require.Len(t, s.seen(), 2)
}

func TestWhereNobodyListens_a_payout_was_certainly_not_sent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	b := newBusiness(t, "http://"+address, key("k1"))
	o, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, o.Kind())
	require.NotEmpty(t, o.Why())
	_, err = b.Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
	require.Error(t, err)
	_, err = b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: "G"})
	require.Equal(t, anchor.Problem{Code: anchor.CodeUnavailable}, anchor.ProblemOf(err))
}

func TestAServerThatDoesNotAnswer_makes_a_payout_unknown_when_its_time_is_over(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"says nothing": "", "begins to speak": `{"key":`} {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.raw = func(w http.ResponseWriter, r *http.Request, _ *server) {
				if begin != "" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, begin)
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			}
			o := options(s.URL, key("k1"))
			o.Timeout, o.RailTimeout = 100*time.Millisecond, 100*time.Millisecond
			b := newBusinessWith(t, o)
			got, err := b.Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
			require.Error(t, err)
			require.Equal(t, anchor.Outcome{}, got)
			_, err = b.Quotes.Offers(t.Context(), anchor.OffersRequest{})
			require.Equal(t, anchor.CodeUnavailable, anchor.CodeOf(err))
		})
	}
}

func TestAPayoutWhoseTimeIsOverBeforeItBegins_was_not_sent(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := timeOver(t)
	defer cancel()
	o, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(ctx, payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, o.Kind())
	require.Empty(t, s.seen())
}

func TestKeys_of_answers_may_be_any_that_are_known_and_requests_are_signed_by_the_first(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.keys["k2"] = key("k2").Secret
	s.raw = func(w http.ResponseWriter, r *http.Request, s *server) { // already prefers the new key
		r.Header.Set("Anchor-Key", "k2")
		s.send(w, r, http.StatusOK, paid(nil))
	}
	for _, keys := range [][]remote.Key{{key("k1"), key("k2")}, {key("k2"), key("k1")}, {key("k2")}} {
		_, err := newBusiness(t, s.URL, keys...).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err)
		sent := s.seen()
		require.Equal(t, keys[0].ID, sent[len(sent)-1].header.Get("Anchor-Key"))
	}
	_, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].ExecuteOutgoing(t.Context(), payoutOf("a"))
	require.ErrorContains(t, err, "not known here")
}
