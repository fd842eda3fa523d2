package sep38_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/internal/sep38"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

const (
	issuer   = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	sending  = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
	stranger = "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ"
	outsider = "GDQNY3PBOJOKYZSRMK2S7LHHGWZIUISD4QORETLMXEWXBI7KFZZMKTL3"

	usdcID = "stellar:USDC:" + issuer
	badJWT = "bad"
)

func asset(t testing.TB, id string) money.Asset {
	t.Helper()
	a, err := money.ParseAsset(id)
	require.NoError(t, err)
	return a
}

// declaredQuotes exchange USDC for reais and rupiahs, and lumens for reais.
func declaredQuotes(t testing.TB) anchor.QuoteIntegration {
	t.Helper()
	pair := func(sell, buy, rate string) declared.DeclaredPair {
		q, err := money.ParseRate(rate)
		require.NoError(t, err)
		p := declared.DeclaredPair{Pair: anchor.Pair{Sell: asset(t, sell), Buy: asset(t, buy)}, Rate: q}
		p.FeePercent, err = money.ParsePercent("1")
		require.NoError(t, err)
		p.Spread, err = money.ParsePercent("0.3")
		require.NoError(t, err)
		p.Max, err = money.Parse("1000000", 7)
		require.NoError(t, err)
		return p
	}
	return declared.NewQuotes(declared.QuoteOptions{
		Lifetime: 10 * time.Minute,
		OffChain: []anchor.OffChainAsset{
			{
				Asset: asset(t, "iso4217:BRL"), Decimals: 2, CountryCodes: []string{"BR"},
				BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "PIX", Description: "at once"}, {Name: "TED", Description: "tomorrow"}},
			},
			{Asset: asset(t, "iso4217:IDR"), Decimals: 0, BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "BI-FAST"}}},
		},
		Pairs: []declared.DeclaredPair{
			pair(usdcID, "iso4217:BRL", "5.4321"), pair(usdcID, "iso4217:IDR", "16000"), pair("stellar:native", "iso4217:BRL", "0.55"),
		},
	})
}

// server is the endpoints as clients reach them; a token is the account it names.
type server struct {
	db   *store.DB
	http http.Handler
}

func newServer(t testing.TB) server { return newServerOn(t, storetest.SQLite(t)) }

func newServerOn(t testing.TB, db *store.DB) server {
	t.Helper()
	service := quotes.New(quotes.Deps{
		DB: db, Integration: declaredQuotes(t),
		Assets: func(context.Context) ([]quotes.Received, error) {
			return []quotes.Received{{Asset: asset(t, "stellar:native"), Decimals: 7}, {Asset: asset(t, usdcID), Decimals: 7}}, nil
		},
		Admit: func(_ context.Context, who anchor.SendingAnchor) error {
			if who.Account == outsider {
				return anchor.RefuseAs(anchor.CodeForbidden, "no agreement")
			}
			return nil
		},
	})
	front, err := httpserver.New(httpserver.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	sep38.New(service, caller).Routes(front.Group("/sep38"), required, optional)
	return server{db: db, http: openapitest.Checked(t, front)}
}

func token(c echo.Context) string {
	return strings.TrimPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
}

func caller(c echo.Context) anchor.SendingAnchor { return anchor.SendingAnchor{Account: token(c)} }

// required and optional do what the middlewares in front do.
func required(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if token(c) == "" {
			return anchor.RefuseAs(anchor.CodeForbidden, "a token is needed")
		}
		return optional(next)(c)
	}
}

func optional(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if token(c) == badJWT {
			return anchor.RefuseAs(anchor.CodeForbidden, "the token is not valid")
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

func (s server) ask(t testing.TB, method, path, token, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/sep38"+path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	a := answer{status: w.Code, raw: w.Body.String()}
	require.Contains(t, w.Header().Get("Content-Type"), "application/json")
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.body), a.raw)
	return a
}

// get asks without a token.
func (s server) get(t testing.TB, path string, parameters map[string]string) answer {
	t.Helper()
	return s.ask(t, http.MethodGet, path+"?"+query(parameters), "", "")
}

func (s server) post(t testing.TB, body map[string]any) answer {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	return s.ask(t, http.MethodPost, "/quote", sending, string(raw))
}

func query(parameters map[string]string) string {
	values := url.Values{}
	for name, value := range parameters {
		values.Set(name, value)
	}
	return values.Encode()
}

// with is a copy of the parameters with others set; an empty value leaves one out.
func with[V string | any](parameters map[string]V, changes map[string]V) map[string]V {
	changed := maps.Clone(parameters)
	for name, value := range changes {
		if any(value) == any("") {
			delete(changed, name)
			continue
		}
		changed[name] = value
	}
	return changed
}

// priceRequest asks what 100 USDC are in reais.
func priceRequest() map[string]string {
	return map[string]string{
		"sell_asset": usdcID, "buy_asset": "iso4217:BRL", "sell_amount": "100", "buy_delivery_method": "PIX",
		"country_code": "BR", "context": "sep31",
	}
}

func quoteRequest() map[string]any {
	body := map[string]any{}
	for name, value := range priceRequest() {
		body[name] = value
	}
	return body
}

func keysOf(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
