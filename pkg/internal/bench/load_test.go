package bench_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

const (
	connections = 16
	// patience bounds one pass of the load, so that an anchor that hangs fails instead of hanging the benchmark.
	patience = time.Minute
)

// load is a sending anchor that agrees on transactions over 16 connections which it keeps open.
type load struct {
	host, token, body string
	connections       []net.Conn
	sent              atomic.Int64

	mu    sync.Mutex
	memos []string // of all transactions that were agreed
}

// newLoad logs in by SEP-10, registers two people by SEP-12 and connects.
func newLoad(b *testing.B, s *site) *load {
	seen := &tokenSeen{}
	from, err := sender.New(b.Context(), sender.Options{
		Home: s.home, Horizon: s.chain.url, Passphrase: passphrase, Account: keypair.MustRandom(), AssetCode: assetCode,
		HTTP: &http.Client{Transport: seen, Timeout: patience},
	})
	require.NoError(b, err)
	alice, err := from.Register(b.Context(), sender.Person{Memo: 1, Type: senderType, Fields: map[string]string{
		"first_name": "Ana", "last_name": "Souza",
	}})
	require.NoError(b, err)
	bob, err := from.Register(b.Context(), sender.Person{Memo: 2, Type: receiverType, Fields: map[string]string{
		"first_name": "Bruno", "bank_account_number": "000123456",
	}})
	require.NoError(b, err)
	l := &load{host: strings.TrimPrefix(s.home, "http://"), token: seen.token}
	l.body = fmt.Sprintf(`{"amount":1,"asset_code":%q,"funding_method":%q,"sender_id":%q,"receiver_id":%q}`, assetCode, method, alice, bob)
	for range connections {
		c, err := net.Dial("tcp", l.host)
		require.NoError(b, err)
		b.Cleanup(func() { _ = c.Close() })
		l.connections = append(l.connections, c)
	}
	return l
}

// tokenSeen keeps the Authorization header that the sender shows.
type tokenSeen struct{ token string }

// RoundTrip makes the request as it is.
func (t *tokenSeen) RoundTrip(r *http.Request) (*http.Response, error) {
	if shown := r.Header.Get("Authorization"); shown != "" {
		t.token = shown
	}
	return http.DefaultTransport.RoundTrip(r)
}

// agree makes n requests, each under an idempotency key of its own, as fast as they are answered.
func (l *load) agree(b *testing.B, n int) {
	group, ctx := errgroup.WithContext(b.Context())
	var left atomic.Int64
	left.Store(int64(n))
	deadline := time.Now().Add(patience)
	for _, c := range l.connections {
		require.NoError(b, c.SetDeadline(deadline))
		group.Go(func() error {
			answers, memos := bufio.NewReader(c), []string(nil)
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				memo, err := l.post(c, answers)
				if err != nil {
					return err
				}
				memos = append(memos, memo)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.memos = append(l.memos, memos...)
			return nil
		})
	}
	require.NoError(b, group.Wait())
}

func (l *load) post(c net.Conn, answers *bufio.Reader) (memo string, err error) {
	_, err = fmt.Fprintf(c, "POST /sep31/transactions HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nIdempotency-Key: bench-%d\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", l.host, l.token, l.sent.Add(1), len(l.body), l.body)
	if err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var agreed struct {
		MemoType string `json:"stellar_memo_type"`
		Memo     string `json:"stellar_memo"`
	}
	if answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("answered %d: %s", answer.StatusCode, body)
	}
	if err := json.Unmarshal(body, &agreed); err != nil || agreed.MemoType != "id" || agreed.Memo == "" {
		return "", fmt.Errorf("not an agreement: %s (%w)", body, err)
	}
	return agreed.Memo, nil
}
