package sep38_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrices_list_what_is_sold_for_what_is_bought(t *testing.T) {
	t.Parallel()
	a := newServer(t).get(t, "/prices", map[string]string{"buy_asset": "iso4217:BRL", "buy_amount": "100"})
	list := requireCounters(t, a, "sell_assets")
	require.Len(t, list, 2)
	require.Equal(t, usdcID, list[0].(map[string]any)["asset"])
	require.InDelta(t, 7, list[0].(map[string]any)["decimals"], 0)
}

func TestAQuoteNamesOnlyTheDeliveryMethodsOfItsRequest(t *testing.T) {
	t.Parallel()
	body := with(quoteRequest(), map[string]any{"buy_asset": "iso4217:IDR", "buy_delivery_method": "", "country_code": ""})
	a := newServer(t).post(t, body)
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	require.NotContains(t, a.body, "buy_delivery_method")
	require.NotContains(t, a.body, "sell_delivery_method")
}

func TestWhatTheSEPDoesNotKnowIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{
		"/info?sep=31&wallet=demo&wallet=again&lang=no%20language", "/info?lang=pt&lang=en",
		"/price?" + query(priceRequest()) + "&extra=1&extra=2", "/prices?sell_asset=" + usdcID + "&sell_amount=1&context=nonsense",
	} {
		a := s.ask(t, http.MethodGet, path, "", "")
		require.Equal(t, http.StatusOK, a.status, a.raw)
	}
	a := s.post(t, with(quoteRequest(), map[string]any{"extra": []int{1}, "expire_after": nil, "sell_amount": 100, "buy_amount": nil}))
	require.Equal(t, http.StatusCreated, a.status, "an amount may be a number, and null is nothing: %s", a.raw)
	require.Equal(t, "100", a.body["sell_amount"])
}

func TestATokenThatIsThereCounts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"/info", "/prices?sell_asset=" + usdcID + "&sell_amount=1", "/price?" + query(priceRequest())} {
		for _, account := range []string{"", sending, outsider} {
			require.Equal(t, http.StatusOK, s.ask(t, http.MethodGet, path, account, "").status)
		}
		a := s.ask(t, http.MethodGet, path, badJWT, "")
		require.Equal(t, http.StatusForbidden, a.status)
		require.NotEmpty(t, a.body["error"])
	}
}

func TestFirmQuotesAreRefusedToAccountsWithoutAnAgreementWhateverTheyAskFor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, body := range []string{"", "text", `{"context":"sep31"}`} {
		a := s.ask(t, http.MethodPost, "/quote", outsider, body)
		require.Equal(t, http.StatusForbidden, a.status)
		require.Equal(t, map[string]any{"error": "no agreement"}, a.body)
	}
}

func requireRefused(t *testing.T, name string, a answer, says string) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
	require.Equal(t, []string{"error"}, keysOf(a.body), name)
	require.Contains(t, a.body["error"], says, name)
}

// wrongParameters are refused by /price and /quote alike; an empty value leaves a parameter out.
func wrongParameters() map[string]struct {
	change map[string]string
	says   string
} {
	return map[string]struct {
		change map[string]string
		says   string
	}{
		"no sell_asset":              {map[string]string{"sell_asset": ""}, "sell_asset is missing"},
		"no buy_asset":               {map[string]string{"buy_asset": ""}, "buy_asset is missing"},
		"no context":                 {map[string]string{"context": ""}, "context is missing"},
		"another context":            {map[string]string{"context": "sep99"}, "context must be"},
		"neither amount":             {map[string]string{"sell_amount": ""}, "sell_amount or buy_amount is missing"},
		"both amounts":               {map[string]string{"buy_amount": "1"}, "exclude each other"},
		"a negative amount":          {map[string]string{"sell_amount": "-100"}, "sell_amount"},
		"an exponent":                {map[string]string{"sell_amount": "1e2"}, "sell_amount"},
		"a hexadecimal amount":       {map[string]string{"sell_amount": "0x10"}, "sell_amount"},
		"an amount in other figures": {map[string]string{"sell_amount": "١٠٠"}, "sell_amount"},
		"an amount of nothing":       {map[string]string{"sell_amount": "0"}, "must be more than 0"},
		"too many decimals":          {map[string]string{"sell_amount": "0.00000001"}, "too many decimals"},
		"too many decimals bought":   {map[string]string{"sell_amount": "", "buy_amount": "0.001"}, "too many decimals"},
		"a huge amount":              {map[string]string{"sell_amount": "99999999999999999999"}, "too large"},
		"more than the maximum":      {map[string]string{"sell_amount": "1000000.0000001"}, "above the maximum"},
		"what buys nothing":          {map[string]string{"sell_amount": "0.0000002"}, "too small"},
		"no asset":                   {map[string]string{"sell_asset": "USDC:" + issuer}, "sell_asset: asset"},
		"an asset with its checksum": {map[string]string{"sell_asset": "stellar:USDC:" + issuer[:55] + "A"}, "sell_asset: asset"},
		"an unknown asset":           {map[string]string{"buy_asset": "iso4217:XXX"}, "buy_asset is not exchanged"},
		"an asset in small letters":  {map[string]string{"buy_asset": "iso4217:brl"}, "buy_asset: asset"},
		"an exchange not offered":    {map[string]string{"sell_asset": "stellar:native", "buy_asset": "iso4217:IDR"}, "not exchanged for"},
		"a method not offered":       {map[string]string{"buy_delivery_method": "cash"}, "must be one of PIX, TED"},
		"a method of the other side": {map[string]string{"sell_delivery_method": "PIX"}, "none to choose from"},
		"a country not served":       {map[string]string{"country_code": "US"}, "country_code"},
		"a country of three letters": {map[string]string{"country_code": "BRA"}, "country_code must be"},
		"a very long text":           {map[string]string{"buy_delivery_method": strings.Repeat("x", 257)}, "too long"},
		"a very long asset":          {map[string]string{"sell_asset": strings.Repeat("x", 4000)}, "too long"},
		"the character zero":         {map[string]string{"buy_delivery_method": "PIX\x00"}, "U+0000"},
	}
}

func TestPrice_refuses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, c := range wrongParameters() {
		requireRefused(t, name, s.get(t, "/price", with(priceRequest(), c.change)), c.says)
	}
	for name, c := range map[string]struct{ query, says string }{
		"a parameter twice":         {query(priceRequest()) + "&sell_amount=1", "sell_amount must be given once"},
		"the same one twice":        {query(priceRequest()) + "&context=sep31", "context must be given once"},
		"a query that is none":      {"sell_asset=%zz", "query"},
		"bytes that are no text":    {query(with(priceRequest(), map[string]string{"context": ""})) + "&context=%ff", "UTF-8"},
		"nothing":                   {"", "context is missing"},
		"a context of firm quotes":  {query(with(priceRequest(), map[string]string{"context": "sep24"})), "context must be one of sep6, sep31"},
		"an amount that is not one": {query(with(priceRequest(), map[string]string{"sell_amount": "NaN"})), "sell_amount"},
	} {
		requireRefused(t, name, s.ask(t, http.MethodGet, "/price?"+c.query, "", ""), c.says)
	}
}

func TestPrices_refuse(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, c := range map[string]struct{ query, says string }{
		"nothing":                  {"", "sell_asset or buy_asset is missing"},
		"no amount":                {"sell_asset=" + usdcID, "sell_amount is missing"},
		"the other amount":         {"sell_asset=" + usdcID + "&buy_amount=1", "sell_amount is missing"},
		"no amount bought":         {"buy_asset=iso4217:BRL", "buy_amount is missing"},
		"an amount of nothing":     {"buy_asset=iso4217:BRL&buy_amount=1&sell_amount=1", "valid only with sell_asset"},
		"an asset twice":           {"sell_asset=" + usdcID + "&sell_amount=1&sell_asset=x", "sell_asset must be given once"},
		"an unknown asset":         {"sell_asset=iso4217:XXX&sell_amount=1", "not exchanged here"},
		"no asset":                 {"sell_asset=BRL&sell_amount=1", "sell_asset: asset"},
		"a negative amount":        {"sell_asset=" + usdcID + "&sell_amount=-1", "sell_amount"},
		"an exponent":              {"sell_asset=" + usdcID + "&sell_amount=1e1", "sell_amount"},
		"too many decimals":        {"buy_asset=iso4217:IDR&buy_amount=0.5", "too many decimals"},
		"a method nobody offers":   {"sell_asset=" + usdcID + "&sell_amount=1&buy_delivery_method=cash", "buy_delivery_method must be one of"},
		"a country that is none":   {"sell_asset=" + usdcID + "&sell_amount=1&country_code=brazil", "country_code must be"},
		"a very long text":         {"sell_asset=" + strings.Repeat("x", 1000) + "&sell_amount=1", "too long"},
		"bytes that are no text":   {"sell_asset=%ff&sell_amount=1", "UTF-8"},
		"a query that is none":     {"sell_asset=%", "query"},
		"a seed in place of a key": {"sell_asset=stellar:USDC:SBQWY3DNPFWGSZTFNV4WQZLBOQ2TIMRVGQ3DOMBRGIZTINJWG44DSMCQ&sell_amount=1", "sell_asset: asset"},
	} {
		requireRefused(t, name, s.ask(t, http.MethodGet, "/prices?"+c.query, "", ""), c.says)
	}
}

func TestQuote_refuses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, c := range wrongParameters() {
		change := map[string]any{}
		for key, value := range c.change {
			change[key] = value
		}
		requireRefused(t, name, s.post(t, with(quoteRequest(), change)), c.says)
	}
	for name, c := range map[string]struct {
		change map[string]any
		says   string
	}{
		"no method where there is a choice":     {map[string]any{"buy_delivery_method": ""}, "buy_delivery_method is missing; it is one of PIX, TED"},
		"a time that cannot be met":             {map[string]any{"expire_after": "2126-01-02T03:04:05Z"}, "expire_after"},
		"a time that is none":                   {map[string]any{"expire_after": "soon"}, "expire_after must be"},
		"a time that is a number":               {map[string]any{"expire_after": 1767323045}, "expire_after must be a string"},
		"an asset that is a number":             {map[string]any{"sell_asset": 1}, "sell_asset must be a string"},
		"an asset that is an object":            {map[string]any{"buy_asset": map[string]any{}}, "buy_asset must be a string"},
		"an amount that is a truth":             {map[string]any{"sell_amount": true}, "sell_amount must be a string"},
		"an amount that is a list":              {map[string]any{"sell_amount": []string{"100"}}, "sell_amount must be a string"},
		"a number with an exponent":             {map[string]any{"sell_amount": 1e30}, "sell_amount"},
		"a negative number":                     {map[string]any{"sell_amount": -1}, "sell_amount"},
		"a context that is a list":              {map[string]any{"context": []string{"sep31"}}, "context must be a string"},
		"a method that is an object":            {map[string]any{"buy_delivery_method": map[string]any{"name": "PIX"}}, "buy_delivery_method must be a string"},
		"a country that is a number, or a list": {map[string]any{"country_code": []string{"BR"}}, "country_code must be a string"},
	} {
		requireRefused(t, name, s.post(t, with(quoteRequest(), c.change)), c.says)
	}
	for name, c := range map[string]struct{ body, says string }{
		"nothing":                {"", "JSON object"},
		"a list":                 {"[]", "JSON object"},
		"null":                   {"null", "JSON object"},
		"something cut off":      {`{"sell_asset":`, "not valid JSON"},
		"two objects":            {"{}{}", "not valid JSON"},
		"an empty object":        {"{}", "context is missing"},
		"bytes that are no text": {"{\"context\":\"\xff\"}", "UTF-8"},
	} {
		requireRefused(t, name, s.ask(t, http.MethodPost, "/quote", sending, c.body), c.says)
	}
	a := s.ask(t, http.MethodPost, "/quote", sending, "sell_asset=x", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, a.status)
	a = s.ask(t, http.MethodPost, "/quote", sending, `{"x":"`+strings.Repeat("x", 70_000)+`"}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	require.NotEmpty(t, a.body["error"])
}

func TestASeedInPlaceOfAnAssetIsNotRepeated(t *testing.T) {
	t.Parallel()
	const seed = "SDJHRQF4GCMIIKAAAQ6IHY42X73FQFLHUULAPSKKD4DFDM7UXWWCRHBE"
	a := newServer(t).get(t, "/prices", map[string]string{"sell_asset": "stellar:USDC:" + seed, "sell_amount": "1"})
	require.Equal(t, http.StatusBadRequest, a.status)
	require.NotContains(t, a.raw, seed)
}
