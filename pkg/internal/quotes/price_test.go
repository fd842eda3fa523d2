package quotes_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func nobody() anchor.SendingAnchor { return anchor.SendingAnchor{} }

func TestInfo_lists_what_is_received_first_then_lumens_then_currencies_and_nothing_that_is_not_exchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	list, err := w.service.Info(t.Context(), nobody(), "en")
	require.NoError(t, err)
	var ids []string
	for _, l := range list {
		ids = append(ids, l.Asset.String())
	}
	require.Equal(t, []string{usdcID, "stellar:native", "iso4217:BRL", "iso4217:JPY"}, ids)
	require.Equal(t, w.business.offers.OffChain[0], list[2].OffChainAsset)
}

func TestInfo_reads_the_assets_once_a_second(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for range 3 {
		_, err := w.service.Info(t.Context(), nobody(), "")
		require.NoError(t, err)
	}
	require.Equal(t, 1, w.reads)
	w.now = w.now.Add(time.Second)
	_, err := w.service.Info(t.Context(), nobody(), "")
	require.NoError(t, err)
	require.Equal(t, 2, w.reads)
}

func TestOffersThatCannotBeAreAFaultOfTheBusiness(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]anchor.OffChainAsset{
		"too many decimals":       {Asset: asset(t, "iso4217:BRL"), Decimals: 8},
		"an asset of the network": {Asset: asset(t, usdcID), Decimals: 7},
	} {
		w := newWorld(t, storetest.SQLite(t))
		w.business.offers.OffChain[0] = wrong
		_, err := w.service.Info(t.Context(), nobody(), "")
		require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err), name)
		require.Error(t, err, name)
	}
}

func TestPrice_asks_the_business_for_exactly_what_was_asked_for(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	who := anchor.SendingAnchor{Account: sending}
	p, err := w.service.Price(t.Context(), who, reais(func(r *quotes.Request) { r.Lang = "pt" }))
	require.NoError(t, err)
	require.Equal(t, "0.202020202021", p.TotalPrice, "100 / 495")
	require.Equal(t, "0.2", p.PerUnit, "99 / 495")

	hundred := amount(t, "100", 7)
	require.Equal(t, []anchor.PriceRequest{{
		From: who, Pair: pair(t, usdcID, "iso4217:BRL"), SellDecimals: 7, BuyDecimals: 2, SellAmount: &hundred,
		BuyDeliveryMethod: "PIX", CountryCode: "BR", Context: "sep31", Lang: "pt",
	}}, w.business.asked)
}

func TestPrice_reads_an_amount_in_the_decimals_of_its_own_asset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	bought := reais(func(r *quotes.Request) {
		r.SellAmount, r.BuyAmount, r.BuyAsset, r.BuyDeliveryMethod, r.CountryCode, r.Lang = "", "495", "iso4217:JPY", "", "JP", "not a language"
	})
	_, err := w.service.Price(t.Context(), nobody(), bought)
	require.NoError(t, err)
	require.Nil(t, w.business.asked[0].SellAmount)
	require.Equal(t, amount(t, "495", 0), *w.business.asked[0].BuyAmount)
	require.Equal(t, "ZENGIN", w.business.asked[0].BuyDeliveryMethod, "the only one is meant")
	require.Empty(t, w.business.asked[0].Lang)

	bought.BuyAmount = "495.5"
	_, err = w.service.Price(t.Context(), nobody(), bought)
	require.ErrorContains(t, err, "buy_amount: amount \"495.5\": too many decimals")
}

func TestPrice_does_not_need_a_delivery_method(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	_, err := w.service.Price(t.Context(), nobody(), reais(func(r *quotes.Request) { r.BuyDeliveryMethod, r.CountryCode = "", "" }))
	require.NoError(t, err)
	require.Empty(t, w.business.asked[0].BuyDeliveryMethod)
}

func TestAPriceThatDoesNotFitIsAFaultOfTheBusiness(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(*anchor.Price){
		"another amount than was fixed": func(p *anchor.Price) { p.SellAmount = amount(t, "99", 7) },
		"other decimals":                func(p *anchor.Price) { p.BuyAmount = amount(t, "495", 7) },
		"nothing bought":                func(p *anchor.Price) { p.BuyAmount = amount(t, "0", 2) },
		"all of it fee":                 func(p *anchor.Price) { p.Fee = anchor.Fee{Total: p.SellAmount} },
		"parts that do not add up":      func(p *anchor.Price) { p.Fee.Total = amount(t, "2", 7) },
	} {
		w := newWorld(t, storetest.SQLite(t))
		w.business.price = func(r anchor.PriceRequest) (anchor.Price, error) {
			p, err := w.business.fiveForOne(r)
			wrong(&p)
			return p, err
		}
		_, err := w.service.Price(t.Context(), nobody(), reais())
		require.ErrorContains(t, err, "of the business", name)
		require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err), name)
		_, err = w.service.Quote(t.Context(), w.admit(t, sending), reais())
		require.ErrorContains(t, err, "of the business", name)
		require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err), name)
	}
}

func TestWhatTheBusinessRefusesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	_, err := w.service.Price(t.Context(), nobody(), reais(func(r *quotes.Request) { r.SellAmount = "99" }))
	require.Equal(t, anchor.Problem{Code: anchor.CodeInvalid, Text: "only 100 at a time"}, anchor.ProblemOf(err))
}

// refusals are what is wrong with a request for one exchange, whether for a price or a firm quote.
func refusals() map[string]struct {
	change func(*quotes.Request)
	says   string
} {
	return map[string]struct {
		change func(*quotes.Request)
		says   string
	}{
		"no sell_asset":                      {func(r *quotes.Request) { r.SellAsset = "" }, "sell_asset is missing"},
		"no buy_asset":                       {func(r *quotes.Request) { r.BuyAsset = "" }, "buy_asset is missing"},
		"no amount":                          {func(r *quotes.Request) { r.SellAmount = "" }, "sell_amount or buy_amount is missing"},
		"both amounts":                       {func(r *quotes.Request) { r.BuyAmount = "5" }, "exclude each other"},
		"a sell_asset that is none":          {func(r *quotes.Request) { r.SellAsset = "USDC" }, "sell_asset: asset \"USDC\""},
		"a buy_asset that is none":           {func(r *quotes.Request) { r.BuyAsset = "iso4217:real" }, "buy_asset: asset"},
		"a sell_asset of another issuer":     {func(r *quotes.Request) { r.SellAsset = "stellar:USDC:" + stranger }, "sell_asset is not exchanged here"},
		"an asset that nothing is paid for":  {func(r *quotes.Request) { r.SellAsset = "stellar:IDLE:" + issuer }, "sell_asset is not exchanged here"},
		"an unknown buy_asset":               {func(r *quotes.Request) { r.BuyAsset = "iso4217:USD" }, "buy_asset is not exchanged here"},
		"the other way round":                {func(r *quotes.Request) { r.SellAsset, r.BuyAsset = r.BuyAsset, r.SellAsset }, "not exchanged for"},
		"lumens for yens":                    {func(r *quotes.Request) { r.SellAsset, r.BuyAsset = "stellar:native", "iso4217:JPY" }, "not exchanged for"},
		"an asset for itself":                {func(r *quotes.Request) { r.BuyAsset = usdcID }, "not exchanged for"},
		"a negative amount":                  {func(r *quotes.Request) { r.SellAmount = "-1" }, "sell_amount: amount \"-1\""},
		"an amount with an exponent":         {func(r *quotes.Request) { r.SellAmount = "1e2" }, "sell_amount"},
		"an amount that is no number":        {func(r *quotes.Request) { r.SellAmount = "NaN" }, "sell_amount"},
		"an amount with a comma":             {func(r *quotes.Request) { r.SellAmount = "1,5" }, "sell_amount"},
		"an amount of too many decimals":     {func(r *quotes.Request) { r.SellAmount = "1.00000001" }, "too many decimals"},
		"a bought amount with more decimals": {func(r *quotes.Request) { r.SellAmount, r.BuyAmount = "", "1.001" }, "buy_amount: amount \"1.001\": too many decimals"},
		"an amount of nothing":               {func(r *quotes.Request) { r.SellAmount = "0.0" }, "sell_amount must be more than 0"},
		"an amount beyond what counts":       {func(r *quotes.Request) { r.SellAmount = "922337203686" }, "too large"},
		"an amount that is very long":        {func(r *quotes.Request) { r.SellAmount = strings.Repeat("9", 100) }, "longer than 64"},
		"a delivery method that is not":      {func(r *quotes.Request) { r.BuyDeliveryMethod = "cash" }, "buy_delivery_method must be one of PIX, TED"},
		"one in other letters":               {func(r *quotes.Request) { r.BuyDeliveryMethod = "pix" }, "buy_delivery_method must be one of PIX, TED"},
		"both delivery methods":              {func(r *quotes.Request) { r.SellDeliveryMethod = "PIX" }, "sell_delivery_method: " + usdcID + " has none"},
		"a country that is none":             {func(r *quotes.Request) { r.CountryCode = "Brazil" }, "country_code must be"},
		"a country where it is not":          {func(r *quotes.Request) { r.CountryCode = "AR" }, "country_code is none of those"},
		"no context":                         {func(r *quotes.Request) { r.Context = "" }, "context is missing"},
		"a context that is none":             {func(r *quotes.Request) { r.Context = "sep38" }, "context must be one of sep6"},
	}
}

func TestPrice_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for name, c := range refusals() {
		_, err := w.service.Price(t.Context(), nobody(), reais(c.change))
		require.ErrorContains(t, err, c.says, name)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), name)
	}
	_, err := w.service.Price(t.Context(), nobody(), reais(func(r *quotes.Request) { r.Context = "sep24" }))
	require.ErrorContains(t, err, "context must be one of sep6, sep31")
	require.Empty(t, w.business.asked, "the business is not asked for any of it")
}

func TestCountries_are_matched_with_their_parts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for code, served := range map[string]bool{"": true, "BR": true, "BR-SP": true, "AR": false, "B": false, "BR-": false} {
		_, err := w.service.Price(t.Context(), nobody(), reais(func(r *quotes.Request) { r.CountryCode = code }))
		require.Equal(t, served, err == nil, "%s: %v", code, err)
	}
	for code, served := range map[string]bool{"JP": true, "JP-13": true, "JP-14": false} {
		_, err := w.service.Price(t.Context(), nobody(), reais(func(r *quotes.Request) {
			r.BuyAsset, r.BuyDeliveryMethod, r.CountryCode = "iso4217:JPY", "", code
		}))
		require.Equal(t, served, err == nil, "%s: %v", code, err)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	const brl, jpy = "iso4217:BRL", "iso4217:JPY"
	for name, c := range map[string]struct {
		request quotes.Request
		selling bool
		want    []string
	}{
		"of what is sold are for all that it buys":         {quotes.Request{SellAsset: usdcID, SellAmount: "100"}, true, []string{brl, jpy}},
		"of what is bought are for all that buys it":       {quotes.Request{BuyAsset: brl, BuyAmount: "495"}, false, []string{usdcID, "stellar:native"}},
		"pass over a bought asset beside a sold one":       {quotes.Request{SellAsset: usdcID, SellAmount: "100", BuyAsset: jpy}, true, []string{brl, jpy}},
		"even one that is wrong":                           {quotes.Request{SellAsset: usdcID, SellAmount: "100", BuyAsset: "?", BuyAmount: "?"}, true, []string{brl, jpy}},
		"of a currency that is not taken are none":         {quotes.Request{SellAsset: brl, SellAmount: "100"}, true, nil},
		"by a delivery method are for those that have it":  {quotes.Request{SellAsset: usdcID, SellAmount: "100", BuyDeliveryMethod: "TED"}, true, []string{brl}},
		"in a country are for what is exchanged there":     {quotes.Request{SellAsset: usdcID, SellAmount: "100", CountryCode: "JP"}, true, []string{jpy}},
		"in a country where nothing is exchanged are none": {quotes.Request{SellAsset: usdcID, SellAmount: "100", CountryCode: "AR"}, true, nil},
		"in another country than the method's are none":    {quotes.Request{SellAsset: usdcID, SellAmount: "100", CountryCode: "JP", BuyDeliveryMethod: "TED"}, true, nil},
		"leave out what the business refuses":              {quotes.Request{SellAsset: usdcID, SellAmount: "7"}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.SQLite(t))
			prices, err := w.service.Prices(t.Context(), nobody(), c.request)
			require.NoError(t, err)
			require.Equal(t, c.selling, prices.Selling)
			var ids []string
			for _, counter := range prices.List {
				ids = append(ids, counter.Asset.String())
				require.Equal(t, "0.202020202021", counter.Price, "the fee included")
			}
			require.Equal(t, c.want, ids)
		})
	}
}

func TestPrices_refuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request quotes.Request
		says    string
	}{
		"no asset":                                   {quotes.Request{SellAmount: "1"}, "sell_asset or buy_asset is missing"},
		"no amount of what is sold":                  {quotes.Request{SellAsset: usdcID, BuyAmount: "1"}, "sell_amount is missing"},
		"no amount of what is bought":                {quotes.Request{BuyAsset: "iso4217:BRL"}, "buy_amount is missing"},
		"an amount of nothing sold":                  {quotes.Request{BuyAsset: "iso4217:BRL", BuyAmount: "1", SellAmount: "1"}, "sell_amount is valid only with sell_asset"},
		"an unknown asset":                           {quotes.Request{SellAsset: "iso4217:USD", SellAmount: "1"}, "sell_asset is not exchanged here"},
		"an asset that is none":                      {quotes.Request{BuyAsset: "BRL", BuyAmount: "1"}, "buy_asset: asset"},
		"too many decimals":                          {quotes.Request{BuyAsset: "iso4217:JPY", BuyAmount: "1.5"}, "too many decimals"},
		"an amount of nothing":                       {quotes.Request{SellAsset: usdcID, SellAmount: "0"}, "must be more than 0"},
		"a method that nothing has":                  {quotes.Request{SellAsset: usdcID, SellAmount: "1", BuyDeliveryMethod: "cash"}, "buy_delivery_method must be one of"},
		"a method that what is bought does not have": {quotes.Request{BuyAsset: "iso4217:BRL", BuyAmount: "1", BuyDeliveryMethod: "ZENGIN"}, "buy_delivery_method must be one of PIX, TED"},
		"a method of selling on the network":         {quotes.Request{SellAsset: usdcID, SellAmount: "1", SellDeliveryMethod: "PIX"}, "has none to choose from"},
		"a country that is none":                     {quotes.Request{SellAsset: usdcID, SellAmount: "1", CountryCode: "br"}, "country_code must be"},
		"a country where what is bought is not":      {quotes.Request{BuyAsset: "iso4217:BRL", BuyAmount: "1", CountryCode: "AR"}, "country_code is none of those"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.SQLite(t))
			_, err := w.service.Prices(t.Context(), nobody(), c.request)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
		})
	}
}

func TestPrices_fail_where_the_business_fails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.business.price = func(anchor.PriceRequest) (anchor.Price, error) { return anchor.Price{}, errors.New("no feed") }
	_, err := w.service.Prices(t.Context(), nobody(), quotes.Request{SellAsset: usdcID, SellAmount: "100"})
	require.ErrorContains(t, err, "no feed")
	require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err))
}
