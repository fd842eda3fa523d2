package operations_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/operations"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

// What the business behind the API has.
const (
	transactionID = "0198c0de-0000-7000-8000-000000000001"
	customerID    = "0198c0de-0000-7000-8000-000000000002"
	payoutKey     = "7d0c74ad-08b5-8a8f-98f3-f52d25d03e80"
	payoutAsset   = "iso4217:BRL"
)

// triesPerMinute is how often an address may show wrong keys.
const triesPerMinute = 5

// books are what operations are recorded in. They know one transaction, one customer and one attempt.
type books struct {
	mu    sync.Mutex
	lines []string
	fails error // what everything answers instead, where it is set
}

func (b *books) note(format string, args ...any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
	return nil
}

func (b *books) written() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.lines...)
}

func (b *books) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = err
}

// by is anchor.Operations for one actor.
type by struct {
	*books
	actor string
}

func (o by) Transaction(_ context.Context, id string) (anchor.Transaction, error) {
	if id != transactionID {
		return anchor.Transaction{}, anchor.RefuseAs(anchor.CodeNotFound, "no such transaction")
	}
	return anchor.Transaction{ID: id, Status: anchor.StatusCompleted, AmountOut: "12.30"}, nil
}

func (o by) SetCustomerStatus(_ context.Context, id string, v anchor.Verdict) error {
	if id != customerID {
		return anchor.RefuseAs(anchor.CodeNotFound, "no such customer")
	}
	return o.note("%s: %s is %s, version %d, fields %v", o.actor, v.Type, v.Status, v.Version, v.Fields)
}

func (o by) ReportPayout(_ context.Context, key anchor.PayoutKey, outcome anchor.Outcome) error {
	if key != payoutKey {
		return anchor.RefuseAs(anchor.CodeNotFound, "no such payout key")
	}
	return o.note("%s: %s %s%s", o.actor, outcome.Kind(), outcome.ExternalID(), outcome.Why())
}

// site is an operator's server with the API on it, asked over HTTP.
type site struct {
	*testing.T
	*books
	url   string
	keys  *apikeys.Service
	clock func(time.Time) // sets it
	time  func() time.Time
	log   *log
}

// log is what the server writes.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// eachSite runs a test on both engines.
func eachSite(t *testing.T, test func(s *site)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(newSite(t, db)) })
}

// aSite is one on SQLite.
func aSite(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	return newSite(t, storetest.SQLite(t))
}

func newSite(t *testing.T, db *store.DB) *site {
	t.Helper()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	s := &site{T: t, books: &books{}, log: &log{}}
	s.time = clock
	s.clock = func(to time.Time) {
		mu.Lock()
		defer mu.Unlock()
		now = to
	}
	s.keys = apikeys.New(db, s.logger(), clock)
	return s.reopened()
}

func (s *site) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// reopened is the same site by a server that was just started, which remembers nobody.
func (s *site) reopened() *site {
	s.Helper()
	amount, err := money.New(1230, 2)
	require.NoError(s, err)
	handler := operations.New(operations.Options{
		Keys: s.keys, Log: s.logger(), By: func(actor string) anchor.Operations { return by{s.books, actor} },
		Moved: func(_ context.Context, key anchor.PayoutKey) (money.Amount, string, error) {
			if key != payoutKey {
				return money.Amount{}, "", anchor.RefuseAs(anchor.CodeNotFound, "no such payout key")
			}
			return amount, payoutAsset, nil
		},
	})
	operator, err := httpserver.Operator(httpserver.Options{Log: s.logger(), Now: s.time}, nil, nil, prometheus.NewRegistry(),
		func(server *httpserver.Server) {
			handler.Routes(server.Plain(operations.Prefix), server.LimitFailures(triesPerMinute))
		})
	require.NoError(s, err)
	server := httptest.NewServer(operator)
	s.Cleanup(server.Close)
	again := *s
	again.url = server.URL
	return &again
}

// key makes a key of all scopes unless some are named.
func (s *site) key(scopes ...apikeys.Scope) (apikeys.Key, string) {
	s.Helper()
	if len(scopes) == 0 {
		scopes = apikeys.Scopes()
	}
	k, token, err := s.keys.Create(s.Context(), apikeys.Order{Name: "test", Scopes: scopes, Actor: "operator"})
	require.NoError(s, err)
	return k, token.Reveal()
}

// request is what is asked of a site; empty parts are left out.
type request struct {
	method, path, token, body string
	header                    http.Header
}

// answer is what comes back.
type answer struct {
	status int
	body   string
	header http.Header
}

func (s *site) ask(r request) answer {
	s.Helper()
	asked, err := http.NewRequestWithContext(s.Context(), r.method, s.url+r.path, strings.NewReader(r.body))
	require.NoError(s, err)
	if r.header != nil {
		asked.Header = r.header.Clone()
	}
	if r.token != "" {
		asked.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.body != "" && asked.Header.Get("Content-Type") == "" {
		asked.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(asked)
	require.NoError(s, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(s, err)
	return answer{response.StatusCode, string(body), response.Header}
}

// The requests of the API.
func look(token string) request {
	return request{method: http.MethodGet, path: "/operations/transactions/" + transactionID, token: token}
}

func judge(token, body string) request {
	return request{method: http.MethodPost, path: "/operations/customers/" + customerID + "/status", token: token, body: body}
}

func report(token, body string) request {
	return request{method: http.MethodPost, path: "/operations/payouts/" + payoutKey + "/outcome", token: token, body: body}
}

// under gives a request an Idempotency-Key.
func under(key string, r request) request {
	r.header = http.Header{"Idempotency-Key": {key}}
	return r
}

// Bodies that are right.
const (
	accepted  = `{"status":"ACCEPTED"}`
	delivered = `{"outcome":"delivered","external_id":"B-1"}`
	returned  = `{"outcome":"returned","why":"the account was closed"}`
)
