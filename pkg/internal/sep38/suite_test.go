package sep38_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// These are the checks of Stellar's conformance suite that concern these endpoints, by its numbers.

func TestSuite44_info_lists_both_kinds_of_assets_and_those_of_the_network_by_name_only(t *testing.T) {
	t.Parallel()
	a := newServer(t).ask(t, http.MethodGet, "/info", "", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, map[string]any{"assets": []any{
		map[string]any{"asset": usdcID},
		map[string]any{"asset": "stellar:native"},
		map[string]any{
			"asset": "iso4217:BRL", "country_codes": []any{"BR"}, "buy_delivery_methods": []any{
				map[string]any{"name": "PIX", "description": "at once"}, map[string]any{"name": "TED", "description": "tomorrow"},
			},
		},
		map[string]any{"asset": "iso4217:IDR", "buy_delivery_methods": []any{map[string]any{"name": "BI-FAST", "description": ""}}},
	}}, a.body)
}

func requireCounters(t *testing.T, a answer, key string) []any {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Equal(t, []string{key}, keysOf(a.body))
	list, ok := a.body[key].([]any)
	require.True(t, ok, "a list, be it empty: %s", a.raw)
	for _, entry := range list {
		counter := entry.(map[string]any)
		require.Equal(t, []string{"asset", "decimals", "price"}, keysOf(counter))
		require.IsType(t, "", counter["price"])
		require.NotZero(t, number(t, counter["price"]))
		decimals := counter["decimals"].(float64)
		require.InDelta(t, math.Trunc(decimals), decimals, 0)
	}
	return list
}

func number(t *testing.T, text any) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text.(string), 64)
	require.NoError(t, err)
	return n
}

func TestSuite45_prices_of_an_asset_of_the_network(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/prices", map[string]string{"sell_asset": usdcID, "sell_amount": "100"})
	list := requireCounters(t, a, "buy_assets")
	require.Len(t, list, 2)
	require.Equal(t, "iso4217:BRL", list[0].(map[string]any)["asset"], "the first one has delivery methods")
	require.InDelta(t, 2, list[0].(map[string]any)["decimals"], 0)
}

func TestSuite46_prices_of_an_asset_off_the_network_may_be_none(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/prices", map[string]string{"sell_asset": "iso4217:BRL", "sell_amount": "100"})
	require.Empty(t, requireCounters(t, a, "buy_assets"))
}

func TestSuite47_prices_with_both_assets_are_those_of_what_is_sold(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/prices", map[string]string{"sell_asset": usdcID, "sell_amount": "100", "buy_asset": "iso4217:BRL"})
	require.NotEmpty(t, requireCounters(t, a, "buy_assets"))
}

// requireAddsUp checks the formulas of SEP-38 the way that the suite does: in floating point, to the bought asset's decimals.
func requireAddsUp(t *testing.T, body map[string]any, decimals int) {
	t.Helper()
	fee := body["fee"].(map[string]any)
	require.Equal(t, usdcID, fee["asset"], "the fee is in what is sold")
	rounded := func(n float64) float64 { return math.Round(n*math.Pow10(decimals)) / math.Pow10(decimals) }
	sell, buy, total := number(t, body["sell_amount"]), number(t, body["buy_amount"]), number(t, fee["total"])
	require.NotZero(t, total)
	require.InDelta(t, rounded(sell), rounded(number(t, body["total_price"])*buy), 0)
	require.InDelta(t, rounded(sell-total), rounded(number(t, body["price"])*buy), 0)
}

func TestSuite48_and_49_a_price_has_its_five_keys_and_adds_up(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/price", priceRequest())
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Equal(t, []string{"buy_amount", "fee", "price", "sell_amount", "total_price"}, keysOf(a.body))
	require.Equal(t, []string{"asset", "total"}, keysOf(a.body["fee"].(map[string]any)))
	require.Equal(t, "100", a.body["sell_amount"])
	require.Equal(t, "536.16", a.body["buy_amount"], "99 * 5.4321 * 0.997, rounded down")
	require.Equal(t, "1", a.body["fee"].(map[string]any)["total"])
	requireAddsUp(t, a.body, 2)
}

func TestSuite50_a_price_can_be_asked_for_by_what_is_bought(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.get(t, "/price", with(priceRequest(), map[string]string{"sell_amount": "", "buy_amount": "100"}))
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Equal(t, "100", a.body["buy_amount"])
	requireAddsUp(t, a.body, 2)

	rupiahs := map[string]string{"sell_amount": "", "buy_amount": "1600000", "buy_asset": "iso4217:IDR", "buy_delivery_method": "", "country_code": ""}
	a = s.get(t, "/price", with(priceRequest(), rupiahs))
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Equal(t, "1600000", a.body["buy_amount"])
	requireAddsUp(t, a.body, 0)
}

func TestSuite51_a_price_does_not_need_a_delivery_method(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/price", with(priceRequest(), map[string]string{"buy_delivery_method": ""}))
	require.Equal(t, http.StatusOK, a.status, a.raw)
}

func TestSuite52_and_55_firm_quotes_need_a_token(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, body := range []string{"", "text", `{"context":"sep31"}`} {
		a := s.ask(t, http.MethodPost, "/quote", "", body)
		require.Equal(t, http.StatusForbidden, a.status)
		require.NotEmpty(t, a.body["error"])
	}
	a := s.ask(t, http.MethodGet, "/quote/18e413284", "", "")
	require.Equal(t, http.StatusForbidden, a.status)
	require.NotEmpty(t, a.body["error"])
}

func TestSuite53_54_and_56_a_firm_quote_is_made_adds_up_and_is_fetched_as_it_was_made(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServerOn(t, db)
		a := s.post(t, quoteRequest())
		require.Equal(t, http.StatusCreated, a.status, a.raw)
		require.Equal(t, []string{
			"buy_amount", "buy_asset", "buy_delivery_method", "expires_at", "fee", "id", "price", "sell_amount", "sell_asset", "total_price",
		}, keysOf(a.body))
		require.Equal(t, usdcID, a.body["sell_asset"])
		require.Equal(t, "iso4217:BRL", a.body["buy_asset"])
		require.Equal(t, "100", a.body["sell_amount"])
		require.Equal(t, "PIX", a.body["buy_delivery_method"])
		expires, err := time.Parse("2006-01-02T15:04:05Z", a.body["expires_at"].(string))
		require.NoError(t, err, "without fractions, in UTC")
		require.True(t, expires.After(time.Now()))
		requireAddsUp(t, a.body, 2)

		got := s.ask(t, http.MethodGet, "/quote/"+a.body["id"].(string), sending, "")
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, a.raw, got.raw)
	})
}

func TestSuite57_an_id_that_is_none_is_not_found(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.post(t, quoteRequest()).body["id"].(string)
	for name, c := range map[string]struct{ path, account string }{
		"no id":                     {"18e413284", sending},
		"another's":                 {id, stranger},
		"an outsider's look at it":  {id, outsider},
		"in capitals":               {strings.ToUpper(id), sending},
		"with something behind it":  {id + "%20", sending},
		"one that is not there":     {"0199e6a0-0000-7000-8000-000000000000", sending},
		"something that is a query": {"'%20OR%201=1%20--", sending},
	} {
		a := s.ask(t, http.MethodGet, "/quote/"+c.path, c.account, "")
		require.Equal(t, http.StatusNotFound, a.status, "%s: %s", name, a.raw)
		require.Equal(t, map[string]any{"error": "quote not found"}, a.body, name)
	}
}
