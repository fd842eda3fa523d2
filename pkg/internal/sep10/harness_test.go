package sep10_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const (
	homeDomain  = "anchor.example:8443"
	otherDomain = "pay.example"
	authDomain  = "auth.anchor.example:8443"
	issuer      = "https://auth.anchor.example:8443/auth"
	passphrase  = network.TestNetworkPassphrase
	lifetime    = 15 * time.Minute
)

func jwtKey() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// accounts are those that exist; every other one does not.
type accounts struct {
	mu    sync.Mutex
	known map[string]stellar.Account
	asked int
	err   error
}

func (a *accounts) Account(_ context.Context, id string) (stellar.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if a.err != nil {
		return stellar.Account{}, a.err
	}
	account, ok := a.known[id]
	if !ok {
		return stellar.Account{}, stellar.ErrNotFound
	}
	return account, nil
}

// create has an account exist with these signers, by address.
func (a *accounts) create(id string, medium int, weights map[string]int) {
	account := stellar.Account{ID: id, Thresholds: stellar.Thresholds{Medium: medium}}
	for key, weight := range weights {
		account.Signers = append(account.Signers, stellar.Signer{Key: key, Type: stellar.SignerEd25519, Weight: weight})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[id] = account
}

type usedChallenges struct {
	mu   sync.Mutex
	used map[string]time.Time
	err  error
}

func (u *usedChallenges) UseChallenges(_ context.Context, expires map[string]time.Time) (map[string]bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return nil, u.err
	}
	first := map[string]bool{}
	for hash, until := range expires {
		if _, ok := u.used[hash]; !ok {
			u.used[hash], first[hash] = until, true
		}
	}
	return first, nil
}

type bundle struct {
	t          testing.TB
	deps       sep10.Deps
	accounts   *accounts
	challenges *usedChallenges
	signing    *keypair.Full
	server     *httpserver.Server
	checked    http.Handler // the server, held to the document
	log        *syncBuffer
	ahead      time.Duration // of the real clock
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// setup serves SEP-10 with everything real but the network and the database. /who/401 and /who/403 tell whom a token names.
func setup(t testing.TB, change ...func(*sep10.Deps)) *bundle {
	t.Helper()
	b := &bundle{
		t: t, accounts: &accounts{known: map[string]stellar.Account{}}, challenges: &usedChallenges{used: map[string]time.Time{}},
		signing: keypair.MustRandom(), log: &syncBuffer{},
	}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.deps = sep10.Deps{
		Challenges: b.challenges, Accounts: b.accounts, Signing: b.signing, Passphrase: passphrase,
		HomeDomains: []string{homeDomain, otherDomain}, WebAuthDomain: authDomain, Issuer: issuer,
		JWTKeys: [][]byte{jwtKey()}, TokenLifetime: time.Hour, ChallengeLifetime: lifetime, MuxedAllowed: true,
		Log: log, Now: func() time.Time { return time.Now().Add(b.ahead) },
	}
	for _, f := range change {
		f(&b.deps)
	}
	b.signing = b.deps.Signing
	handler, err := sep10.New(b.deps)
	require.NoError(t, err)
	b.server, err = httpserver.New(httpserver.Options{Log: b.deps.Log})
	require.NoError(t, err)
	handler.Routes(b.server.Group("/auth"))
	who := b.server.Group("/who")
	tell := func(c echo.Context) error { return c.JSON(http.StatusOK, sep10.Caller(c)) }
	who.POST("/401", tell, handler.Require(anchor.CodeUnauthenticated))
	who.POST("/403", tell, handler.Require(anchor.CodeForbidden))
	who.POST("/optional", tell, handler.Optional(anchor.CodeForbidden))
	who.GET("/nobody", tell)
	b.checked = openapitest.Checked(t, b.server, openapitest.Except("/who"))
	return b
}

// answer is an answer that was checked to be JSON that browsers may read.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

func (a answer) error() string {
	text, _ := a.body["error"].(string)
	return text
}

func (b *bundle) send(method, target, contentType string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, target, body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.checked.ServeHTTP(w, r)
	require.Equal(b.t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(b.t, "application/json", w.Header().Get("Content-Type"))
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	require.NoError(b.t, json.Unmarshal(a.raw, &a.body), w.Body.String())
	return a
}

func (b *bundle) ask(query string) answer {
	b.t.Helper()
	return b.send(http.MethodGet, "/auth?"+query, "", nil)
}

// challenge is a fresh one for a query such as "account=G…".
func (b *bundle) challenge(query string) *txnbuild.Transaction {
	b.t.Helper()
	a := b.ask(query)
	require.Equal(b.t, http.StatusOK, a.status, a.error())
	return b.parse(a.body["transaction"].(string))
}

func (b *bundle) parse(envelope string) *txnbuild.Transaction {
	b.t.Helper()
	generic, err := txnbuild.TransactionFromXDR(envelope)
	require.NoError(b.t, err)
	tx, ok := generic.Transaction()
	require.True(b.t, ok)
	return tx
}

func (b *bundle) sign(tx *txnbuild.Transaction, keys ...*keypair.Full) string {
	b.t.Helper()
	tx, err := tx.Sign(passphrase, keys...)
	require.NoError(b.t, err)
	return b.encode(tx)
}

func (b *bundle) encode(tx *txnbuild.Transaction) string {
	b.t.Helper()
	envelope, err := tx.Base64()
	require.NoError(b.t, err)
	return envelope
}

func (b *bundle) post(envelope string) answer {
	b.t.Helper()
	body, err := json.Marshal(map[string]string{"transaction": envelope})
	require.NoError(b.t, err)
	return b.send(http.MethodPost, "/auth", "application/json", bytes.NewReader(body))
}

func (b *bundle) postForm(envelope string) answer {
	b.t.Helper()
	form := url.Values{"transaction": {envelope}}.Encode()
	return b.send(http.MethodPost, "/auth", "application/x-www-form-urlencoded", strings.NewReader(form))
}

// login gets a token, signed for by these keys.
func (b *bundle) login(query string, keys ...*keypair.Full) string {
	b.t.Helper()
	a := b.post(b.sign(b.challenge(query), keys...))
	require.Equal(b.t, http.StatusOK, a.status, a.error())
	return a.body["token"].(string)
}

// who tells whom a token names.
func (b *bundle) who(token string) anchor.SendingAnchor {
	b.t.Helper()
	a := b.send(http.MethodPost, "/who/403", "", nil, "Authorization", "Bearer "+token)
	require.Equal(b.t, http.StatusOK, a.status, a.error())
	var who anchor.SendingAnchor
	require.NoError(b.t, json.Unmarshal(a.raw, &who))
	return who
}

func requireRefused(t testing.TB, status int, part string, a answer) {
	t.Helper()
	require.Equal(t, status, a.status, a.error())
	require.Contains(t, a.error(), part)
	require.Len(t, a.body, 1, "an error has no key but error")
}

// contextOf ends with the test, or before.
func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// nobody is a request that went through no middleware.
func nobody() echo.Context {
	return echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
}
