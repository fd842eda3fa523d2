package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// business is the server of a business that decides and pays, as docs/remote-integration.md has it. Its bank's books are on the
// disk: they outlive the server, which can be closed, opened again and be deaf.
type business struct {
	t       *testing.T
	address string
	secret  []byte
	bank    anchor.Rail
	sells   string // the asset that it exchanges

	mu     sync.Mutex
	server *http.Server
	deaf   chan struct{} // closed when it listens again; nil: it listens
	barred map[string]bool
	asked  map[string]int // how often, by path
	keys   []anchor.PayoutKey
	fates  []fate
}

// fate is what happens to the server while it makes one payout.
type fate string

const (
	survives         fate = ""
	diesBeforePaying fate = "dies before it pays"
	diesAfterPaying  fate = "dies after it has paid"
)

func newBusiness(t *testing.T, books string) *business {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	bank, err := simulated.New(simulated.Options{File: books, Outcome: simulated.OutcomeAccepted, After: 300 * time.Millisecond})
	require.NoError(t, err)
	b := &business{
		t: t, address: freeAddress(t), secret: secret, bank: bank, barred: map[string]bool{}, asked: map[string]int{},
	}
	t.Cleanup(b.close)
	return b
}

// settings are the anchor's, by which it asks this server about everything.
func (b *business) settings() []string {
	return []string{
		"ANCHOR_REMOTE_URL=http://" + b.address + "/business", "ANCHOR_REMOTE_KEYS=k1:" + base64.StdEncoding.EncodeToString(b.secret),
		"ANCHOR_REMOTE_PARTS=receiver,customers,quotes,fee", "ANCHOR_REMOTE_TIMEOUT=" + askedFor.String(), "ANCHOR_REMOTE_RAIL_TIMEOUT=1s",
	}
}

// askedFor is how long serve waits for an answer.
const askedFor = time.Second

// open has the server listen, at the same address each time.
func (b *business) open() {
	b.t.Helper()
	listener, err := net.Listen("tcp", b.address)
	require.NoError(b.t, err)
	server := &http.Server{Handler: b}
	b.mu.Lock()
	b.server = server
	b.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // ends with close
}

// close is the server's sudden end: whoever waits for an answer gets none.
func (b *business) close() {
	b.listen()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		_ = b.server.Close() // waits for nobody
	}
	b.server = nil
}

// hasDied tells whether the server that took a request is gone.
func (b *business) hasDied(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.Context().Value(http.ServerContextKey) != b.server
}

// deafen has the server take every request and answer none, until it is to listen again.
func (b *business) deafen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf = make(chan struct{})
}

func (b *business) listen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deaf != nil {
		close(b.deaf)
	}
	b.deaf = nil
}

// bar has the server admit an account no longer.
func (b *business) bar(account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.barred[account] = true
}

func (b *business) bars(account string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.barred[account]
}

// meet says what happens during the next payouts, one each.
func (b *business) meet(fates ...fate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fates = fates
}

// toMeet is how many fates lie ahead.
func (b *business) toMeet() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.fates)
}

// times tells how often a path was asked.
func (b *business) times(path string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[path]
}

// ordered are the keys of the payouts that were ordered, in their order, repetitions included.
func (b *business) ordered() []anchor.PayoutKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]anchor.PayoutKey(nil), b.keys...)
}

func (b *business) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !b.hears(r.Context()) {
		panic(http.ErrAbortHandler)
	}
	if fault := b.unbelievable(r, body); fault != "" {
		b.t.Errorf("%s: %s", r.URL.Path, fault)
		http.Error(w, fault, http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/business")
	b.mu.Lock()
	b.asked[path]++
	b.mu.Unlock()
	answer, err := b.decide(r, path, body)
	if errors.Is(err, errDied) {
		panic(http.ErrAbortHandler)
	}
	b.send(w, r, answer, err)
}

// hears waits while the server is deaf; false if who asked has gone meanwhile.
func (b *business) hears(ctx context.Context) bool {
	b.mu.Lock()
	deaf := b.deaf
	b.mu.Unlock()
	if deaf == nil {
		return true
	}
	select {
	case <-deaf:
	case <-ctx.Done():
	}
	return false
}

// unbelievable says what is wrong with the proof of who asks.
func (b *business) unbelievable(r *http.Request, body []byte) string {
	h := r.Header
	seconds, err := strconv.ParseInt(h.Get("Anchor-Timestamp"), 10, 64)
	switch age := time.Since(time.Unix(seconds, 0)); {
	case err != nil || age.Abs() > 5*time.Minute:
		return "the timestamp is too old or none"
	case h.Get("Anchor-Key") != "k1":
		return "the key is not known"
	case h.Get("Anchor-Signature") != b.mac(body, "anchor-request-v1", h.Get("Anchor-Timestamp"), h.Get("Anchor-Nonce"), r.Method, r.URL.Path):
		return "the signature is wrong"
	}
	return ""
}

func (b *business) mac(body []byte, lines ...string) string {
	h := hmac.New(sha256.New, b.secret)
	for _, line := range lines {
		_, _ = fmt.Fprintln(h, line)
	}
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// refused is an answer for the sending anchor.
type refused string

func (r refused) Error() string { return string(r) }

// errDied ends a request without an answer.
var errDied = errors.New("the server has died")

// send signs an answer and sends it.
func (b *business) send(w http.ResponseWriter, r *http.Request, answer any, err error) {
	status := http.StatusOK
	if text, ok := errors.AsType[refused](err); ok {
		status, answer = http.StatusUnprocessableEntity, object{"code": "invalid", "text": string(text)}
	} else if err != nil {
		b.t.Errorf("%s: %v", r.URL.Path, err)
		status, answer = http.StatusInternalServerError, object{}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		b.t.Errorf("%s: %v", r.URL.Path, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Anchor-Key", "k1")
	w.Header().Set("Anchor-Signature", b.mac(body, "anchor-answer-v1", r.Header.Get("Anchor-Nonce"), strconv.Itoa(status)))
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body)) // whoever asked may have gone
}
