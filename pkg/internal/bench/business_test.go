package bench_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	sharedKey = "k1"
	tolerance = 5 * time.Minute // between the clocks of the anchor and of the business
)

// business is the server of a business as docs/remote-integration.md has it, as fast as one can be: it believes nobody who has
// not signed, keeps in memory what it paid, and signs what it answers.
type business struct {
	*httptest.Server
	secret []byte

	mu     sync.Mutex
	nonces map[string]bool
	paid   map[anchor.PayoutKey]int // how often each key was asked to be paid
}

func newBusiness(b *testing.B) *business {
	s := &business{secret: []byte(secret()), nonces: map[string]bool{}, paid: map[anchor.PayoutKey]int{}}
	s.Server = httptest.NewServer(s)
	b.Cleanup(s.Close)
	return s
}

// ServeHTTP answers payouts.
func (s *business) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !s.believes(r, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var asked struct {
		Key    anchor.PayoutKey `json:"key"`
		Amount string           `json:"amount"`
		Asset  string           `json:"asset"`
	}
	known := strings.HasSuffix(r.URL.Path, "/v1/rails/"+rail+"/execute")
	if !known || json.Unmarshal(body, &asked) != nil || r.Header.Get("Idempotency-Key") != string(asked.Key) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.paid[asked.Key]++
	s.mu.Unlock()
	s.answer(w, r, map[string]any{
		"key": asked.Key, "outcome": anchor.OutcomeDelivered, "amount": asked.Amount, "asset": asked.Asset, "external_id": "B-" + asked.Key,
	})
}

// believes checks key, signature, timestamp and nonce, in that order.
func (s *business) believes(r *http.Request, body []byte) bool {
	stamp, nonce := r.Header.Get("Anchor-Timestamp"), r.Header.Get("Anchor-Nonce")
	given, err := hex.DecodeString(r.Header.Get("Anchor-Signature"))
	if err != nil || r.Header.Get("Anchor-Key") != sharedKey ||
		!hmac.Equal(given, s.mac(body, "anchor-request-v1", stamp, nonce, r.Method, r.URL.EscapedPath())) {
		return false
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.nonces[nonce]
	s.nonces[nonce] = true
	return !seen
}

func (s *business) answer(w http.ResponseWriter, r *http.Request, said any) {
	body, err := json.Marshal(said)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Anchor-Key", sharedKey)
	w.Header().Set("Anchor-Signature", hex.EncodeToString(s.mac(body, "anchor-answer-v1", r.Header.Get("Anchor-Nonce"), "200")))
	_, _ = w.Write(body) // whoever does not get it asks again
}

func (s *business) mac(body []byte, lines ...string) []byte {
	h := hmac.New(sha256.New, s.secret)
	for _, line := range lines {
		_, _ = io.WriteString(h, line+"\n")
	}
	h.Write(body)
	return h.Sum(nil)
}

// requirePaid demands that so many keys came, each once.
func (s *business) requirePaid(b *testing.B, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(b, s.paid, keys)
	for key, times := range s.paid {
		require.Equal(b, 1, times, key)
	}
}

// nodeExample starts the example server written in Node, which flushes its ledger to the disk before it answers; without Node
// on this machine there is none.
func nodeExample(b *testing.B) (url string, secret []byte, ok bool) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", nil, false
	}
	script, err := filepath.Abs("../../../examples/node-server/server.mjs")
	require.NoError(b, err)
	secret = []byte(strings.Repeat("bench secret of ours", 2))
	command := exec.CommandContext(context.Background(), node, script)
	command.Dir = b.TempDir()
	command.Env = append(os.Environ(), "PORT=0", "ANCHOR_KEYS="+sharedKey+":"+base64.StdEncoding.EncodeToString(secret))
	said, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		require.NoError(b, command.Process.Signal(syscall.SIGTERM))
		require.NoError(b, command.Wait())
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimPrefix(strings.TrimSpace(line), "listening on "), secret, true
}
