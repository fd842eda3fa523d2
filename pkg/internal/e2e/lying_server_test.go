package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// lie is what a business' server does wrong with one request.
type lie string

// The lies. Those about a payout that is ordered say whether it is paid.
const (
	cutBefore      lie = "cut before it pays"
	cutAfter       lie = "cut after it has paid"
	failsBefore    lie = "500 before it pays"
	failsAfter     lie = "500 after it has paid"
	gatewayAfter   lie = "503 after it has paid"
	refusesAfter   lie = "422 after it has paid"
	forgedAfter    lie = "paid, the answer is signed by nobody"
	otherAmount    lie = "paid, the answer has another amount"
	otherKey       lie = "paid, the answer has another key"
	halfAnAnswer   lie = "paid, half an answer"
	paysTooLate    lie = "pays when nobody listens any more"
	pollCut        lie = "question cut"
	pollFails      lie = "question answered with 500"
	pollForged     lie = "question, the answer is signed by nobody"
	pollTooLate    lie = "question answered when nobody listens any more"
	pollTwice      lie = "question, two answers about each payout"
	pollOtherMoney lie = "question, the answer has another amount"
)

// lieShare is how often the server tells each lie.
const lieShare = 0.02

// lyingServer is the server of a business whose bank lies and that lies itself.
type lyingServer struct {
	lies
	t       *testing.T
	address string
	proof   *business // signs, and knows who else may
	bank    anchor.Rail
	timeout time.Duration // of those who ask

	mu     sync.Mutex
	random *rand.Rand
	server *http.Server
}

func newLyingServer(t *testing.T, l lies, timeout time.Duration) *lyingServer {
	t.Helper()
	bank, err := lyingBank(l, rand.Uint64(), true)
	require.NoError(t, err)
	s := &lyingServer{
		lies: l, t: t, address: freeAddress(t), bank: bank, timeout: timeout,
		proof: &business{secret: []byte(randomKey())[:32]}, random: rand.New(rand.NewPCG(rand.Uint64(), 0)),
	}
	t.Cleanup(s.close)
	return s
}

func (s *lyingServer) settings() []string {
	return []string{
		"ANCHOR_REMOTE_URL=http://" + s.address, "ANCHOR_REMOTE_KEYS=k1:" + base64.StdEncoding.EncodeToString(s.proof.secret),
		"ANCHOR_REMOTE_RAIL_TIMEOUT=" + s.timeout.String(),
	}
}

func (s *lyingServer) open() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.address)
	require.NoError(s.t, err)
	server := &http.Server{Handler: s}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // ends with close
}

// close ends the server while requests are under way.
func (s *lyingServer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = s.server.Close() // waits for nobody
	}
	s.server = nil
}

// lie is one of the lies, or none.
func (s *lyingServer) lie(of ...lie) lie {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draw(s.random.Float64(), lieShare, of...)
}

func (s *lyingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // who asked was killed
	}
	if !s.believes(r.Header, r.Method, r.URL.Path, body) {
		s.t.Errorf("%s: a request that nobody signed", r.URL.Path)
	}
	switch r.URL.Path {
	case "/v1/rails/" + railRemote + "/execute":
		s.pay(w, r, body)
	case "/v1/rails/" + railRemote + "/poll":
		s.tell(w, r, body)
	default:
		s.t.Errorf("asked about %s", r.URL.Path)
	}
}

// believes checks who asks. The clock of this server is a minute and a half ahead.
func (s *lyingServer) believes(h http.Header, method, path string, body []byte) bool {
	seconds, err := strconv.ParseInt(h.Get("Anchor-Timestamp"), 10, 64)
	age := time.Since(time.Unix(seconds, 0)) + clockSkew
	return err == nil && age.Abs() < 5*time.Minute &&
		h.Get("Anchor-Signature") == s.proof.mac(body, "anchor-request-v1", h.Get("Anchor-Timestamp"), h.Get("Anchor-Nonce"), method, path)
}

func (s *lyingServer) pay(w http.ResponseWriter, r *http.Request, body []byte) {
	var p anchor.Payout
	if err := json.Unmarshal(body, &p); err != nil || string(p.Key) != r.Header.Get("Idempotency-Key") {
		s.t.Errorf("no payout, or its key is not that of the header: %v", err)
	}
	told := s.lie(cutBefore, cutAfter, failsBefore, failsAfter, gatewayAfter, refusesAfter, forgedAfter, otherAmount, otherKey,
		halfAnAnswer, paysTooLate)
	switch told {
	case cutBefore:
		panic(http.ErrAbortHandler)
	case failsBefore:
		s.send(w, r, http.StatusInternalServerError, object{}, told)
		return
	case paysTooLate:
		wait(context.Background(), 2*s.timeout)
	default:
	}
	// What the bank has begun it ends, whoever has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.timeout)
	defer cancel()
	outcome, err := s.bank.ExecuteOutgoing(ctx, p)
	if err != nil {
		s.send(w, r, http.StatusInternalServerError, object{}, told)
		return
	}
	s.answer(w, r, said(p, outcome), told)
}

// answer answers an order that was carried out, or lies about it.
func (s *lyingServer) answer(w http.ResponseWriter, r *http.Request, answer object, told lie) {
	status := http.StatusOK
	switch told {
	case cutAfter:
		panic(http.ErrAbortHandler)
	case failsAfter:
		status = http.StatusInternalServerError
	case gatewayAfter:
		status = http.StatusServiceUnavailable
	case refusesAfter:
		status, answer = http.StatusUnprocessableEntity, object{"code": "invalid", "text": "no"}
	case otherAmount:
		answer["amount"] = "1.00"
	case otherKey:
		answer["key"] = anchor.NewPayoutKey("somebody else's", 1, 1)
	default:
	}
	s.send(w, r, status, answer, told)
}

// tell says what became of payouts.
func (s *lyingServer) tell(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct{ Payouts []anchor.Payout }
	if err := json.Unmarshal(body, &asked); err != nil {
		s.t.Errorf("no question: %v", err)
	}
	told := s.lie(pollCut, pollFails, pollForged, pollTooLate, pollTwice, pollOtherMoney)
	switch told {
	case pollCut:
		panic(http.ErrAbortHandler)
	case pollTooLate:
		wait(r.Context(), 2*s.timeout)
	default:
	}
	news, err := s.bank.PollOutgoing(r.Context(), asked.Payouts)
	if err != nil || told == pollFails {
		s.send(w, r, http.StatusInternalServerError, object{}, told)
		return
	}
	s.send(w, r, http.StatusOK, object{"payouts": list(asked.Payouts, news, told)}, told)
}

// list has the news about what was asked about, and then what the bank says besides.
func list(asked []anchor.Payout, news map[anchor.PayoutKey]anchor.Outcome, told lie) []object {
	all := []object{}
	for _, p := range asked {
		outcome, ok := news[p.Key]
		if !ok {
			continue
		}
		delete(news, p.Key)
		one := said(p, outcome)
		if told == pollOtherMoney {
			one["amount"] = "1.00"
		}
		all = append(all, one)
		if told == pollTwice {
			all = append(all, said(p, anchor.Failed("or did it not?")))
		}
	}
	for key, outcome := range news {
		all = append(all, said(anchor.Payout{Key: key}, outcome))
	}
	return all
}

// send signs an answer and sends it.
func (s *lyingServer) send(w http.ResponseWriter, r *http.Request, status int, answer object, told lie) {
	body, err := json.Marshal(answer)
	if err != nil {
		s.t.Errorf("%s: %v", r.URL.Path, err)
	}
	signature := s.proof.mac(body, "anchor-answer-v1", r.Header.Get("Anchor-Nonce"), strconv.Itoa(status))
	if told == forgedAfter || told == pollForged {
		signature = strings.Repeat("0", len(signature))
	}
	if told == halfAnAnswer {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Anchor-Key", "k1")
	w.Header().Set("Anchor-Signature", signature)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil && errors.Is(err, http.ErrBodyNotAllowed) {
		s.t.Errorf("%s: %v", r.URL.Path, err)
	}
}

// wait passes some time, or ends with ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
