package sep31_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/sep31"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

const (
	issuer    = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	receiving = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	sending   = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
	stranger  = "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ"
	outsider  = "GDQNY3PBOJOKYZSRMK2S7LHHGWZIUISD4QORETLMXEWXBI7KFZZMKTL3"
)

// business has no KYC; it asks for one field and knows every account but outsider's.
type business struct{ fields map[string]anchor.Field }

func (b business) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) {
	return anchor.Info{
		SenderTypes: nil, ReceiverTypes: map[string]anchor.CustomerType{}, Fields: b.fields,
	}, nil
}

func (business) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	return who.Account != outsider, nil
}

func (business) ProcessPostRequest(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	switch p.Lang {
	case "kyc":
		return anchor.Acceptance{}, anchor.CustomerInfoNeeded("sep31-sender")
	case "broken":
		return anchor.Acceptance{}, errors.New("secret detail")
	}
	return anchor.Acceptance{}, nil
}

func (business) ProcessPatchRequest(context.Context, anchor.PatchRequest) error { return nil }

type nobody struct{}

func (nobody) Release(context.Context, string) error { return nil }

func (nobody) ForTransaction(context.Context, string, string, string) (*anchor.Customer, error) {
	return nil, anchor.RefuseAs(anchor.CodeNotFound, "customer not found")
}

// server is the endpoints as clients reach them; a token is the account it names.
type server struct {
	db   *store.DB
	http http.Handler
}

func newServer(t testing.TB, change ...func(*store.Asset)) server {
	return newServerOn(t, storetest.SQLite(t), business{}, change...)
}

func newServerOn(t testing.TB, db *store.DB, b business, change ...func(*store.Asset)) server {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount = "USDC", issuer, 7, receiving
		a.Enabled, a.Sep31Enabled, a.FeePercent = true, true, "0.1"
		a.MinUnits, a.MaxUnits, a.FeeFixedUnits = 1000000, 1_000_000_0000000, 10
		if err := a.SetMethods([]string{"SEPA"}); err != nil {
			return err
		}
		for _, c := range change {
			c(&a)
		}
		if _, err := tx.AddReceivingAccount(ctx, receiving, 1); err != nil {
			return err
		}
		_, err := tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	service := transactions.New(transactions.Deps{DB: db, Receiver: b, Customers: nobody{}, Options: transactions.Options{
		Lifetime: time.Hour, CheckCallbackURL: func(string) error { return nil },
	}})
	front, err := httpserver.New(httpserver.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	caller := func(c echo.Context) anchor.SendingAnchor {
		return anchor.SendingAnchor{Account: strings.TrimPrefix(c.Request().Header.Get("Authorization"), "Bearer ")}
	}
	sep31.New(service, caller).Routes(front.Group("/sep31"), protect)
	return server{db: db, http: openapitest.Checked(t, front)}
}

// protect refuses requests without a token, as the middleware in front does.
func protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Header.Get("Authorization") == "" {
			return anchor.RefuseAs(anchor.CodeForbidden, "a token is needed")
		}
		return next(c)
	}
}

// answer is what came back.
type answer struct {
	status int
	raw    string
	body   map[string]any
}

type option func(*http.Request)

func header(name, value string) option {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func contentType(value string) option {
	return func(r *http.Request) { r.Header.Set("Content-Type", value) }
}

// ask sends a request with the token of an account (none: without) and a JSON body.
func (s server) ask(t testing.TB, method, path, token, body string, options ...option) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/sep31"+path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, o := range options {
		o(r)
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	a := answer{status: w.Code, raw: w.Body.String()}
	if a.raw != "" {
		require.Contains(t, w.Header().Get("Content-Type"), "application/json")
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.body), a.raw)
	}
	return a
}

func (s server) post(t testing.TB, body string, options ...option) answer {
	t.Helper()
	return s.ask(t, http.MethodPost, "/transactions", sending, body, options...)
}

// create makes a transaction and gives its id.
func (s server) create(t testing.TB) string {
	t.Helper()
	a := s.post(t, `{"amount":100,"asset_code":"USDC","funding_method":"SEPA"}`)
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	return a.body["id"].(string)
}

func (s server) count(t testing.TB) int {
	t.Helper()
	list, err := s.db.Transactions(t.Context(), store.TransactionFilter{})
	require.NoError(t, err)
	return len(list)
}
