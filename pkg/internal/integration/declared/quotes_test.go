package declared_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
	"github.com/anchorkit/anchor/pkg/money"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 1, time.UTC) // a nanosecond past, so that rounding shows

func amount(t require.TestingT, text string, decimals int) money.Amount {
	a, err := money.Parse(text, decimals)
	require.NoError(t, err)
	return a
}

func percent(t require.TestingT, text string) money.Percent {
	p, err := money.ParsePercent(text)
	require.NoError(t, err)
	return p
}

func fiat(t require.TestingT, code string) money.Asset {
	a, err := money.Fiat(code)
	require.NoError(t, err)
	return a
}

// declaredPair exchanges lumens for a currency.
func declaredPair(t require.TestingT, currency, rate string) declared.DeclaredPair {
	q, err := money.ParseRate(rate)
	require.NoError(t, err)
	return declared.DeclaredPair{Pair: anchor.Pair{Sell: money.Native(), Buy: fiat(t, currency)}, Rate: q}
}

func quotesOf(pairs ...declared.DeclaredPair) anchor.QuoteIntegration {
	return declared.NewQuotes(declared.QuoteOptions{Pairs: pairs, Lifetime: time.Minute, Now: func() time.Time { return noon }})
}

func selling(p declared.DeclaredPair, amount money.Amount, buyDecimals int) anchor.PriceRequest {
	return anchor.PriceRequest{Pair: p.Pair, SellDecimals: amount.Decimals(), BuyDecimals: buyDecimals, SellAmount: &amount}
}

func buying(p declared.DeclaredPair, amount money.Amount, sellDecimals int) anchor.PriceRequest {
	return anchor.PriceRequest{Pair: p.Pair, SellDecimals: sellDecimals, BuyDecimals: amount.Decimals(), BuyAmount: &amount}
}

func TestDeclaredPrices(t *testing.T) {
	t.Parallel()
	brl := declaredPair(t, "BRL", "5")
	brl.FeeFixed, brl.FeePercent, brl.Spread = amount(t, "0.5", 1), percent(t, "1"), percent(t, "2")
	for name, c := range map[string]struct {
		pair           declared.DeclaredPair
		request        func(declared.DeclaredPair) anchor.PriceRequest
		sell, buy, fee string
	}{
		"100 lumens, less 1.5, times 5, less 2 %": {
			brl, func(p declared.DeclaredPair) anchor.PriceRequest { return selling(p, amount(t, "100", 7), 2) },
			"100.0000000", "482.65", "1.5000000",
		},
		"what buys that is what was sold": {
			brl, func(p declared.DeclaredPair) anchor.PriceRequest { return buying(p, amount(t, "482.65", 2), 7) },
			"100.0000000", "482.65", "1.5000000",
		},
		"rupiahs have no decimals": {
			declaredPair(t, "IDR", "16000"), func(p declared.DeclaredPair) anchor.PriceRequest { return selling(p, amount(t, "1.0000999", 7), 0) },
			"1.0000999", "16001", "0.0000000",
		},
		"one rupiah is the least that can be bought": {
			declaredPair(t, "IDR", "16000"), func(p declared.DeclaredPair) anchor.PriceRequest { return buying(p, amount(t, "1", 0), 7) },
			"0.0000625", "1", "0.0000000",
		},
		"yens for an asset of two decimals": {
			declaredPair(t, "JPY", "149.57"), func(p declared.DeclaredPair) anchor.PriceRequest { return buying(p, amount(t, "1000", 0), 2) },
			"6.69", "1000", "0.00",
		},
		"the fee is rounded up": {
			brl, func(p declared.DeclaredPair) anchor.PriceRequest { return selling(p, amount(t, "100.01", 2), 2) },
			"100.01", "482.65", "1.51", // 98.50 * 4.9
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.request(c.pair)
			price, err := quotesOf(c.pair).Price(t.Context(), r)
			require.NoError(t, err)
			require.NoError(t, price.Check(r))
			require.Equal(t, c.sell, price.SellAmount.String())
			require.Equal(t, c.buy, price.BuyAmount.String())
			require.Equal(t, c.fee, price.Fee.Total.String())
		})
	}
}

func TestDeclaredPrices_are_refused(t *testing.T) {
	t.Parallel()
	pair := declaredPair(t, "BRL", "5")
	pair.FeeFixed, pair.FeePercent = amount(t, "1", 0), percent(t, "10")
	pair.Min, pair.Max = amount(t, "2", 0), amount(t, "1000", 0)
	free := declaredPair(t, "IDR", "16000")
	dear := declaredPair(t, "JPY", "1")
	dear.FeePercent = percent(t, "100")
	both := selling(pair, amount(t, "10", 7), 2)
	both.BuyAmount = both.SellAmount
	for name, c := range map[string]struct {
		request anchor.PriceRequest
		says    string
	}{
		"for a pair that is not there":     {selling(declaredPair(t, "EUR", "1"), amount(t, "10", 7), 2), "cannot be exchanged"},
		"in the other direction":           {anchor.PriceRequest{Pair: anchor.Pair{Sell: pair.Buy, Buy: pair.Sell}}, "cannot be exchanged"},
		"for less than the fee":            {selling(pair, amount(t, "1.1111111", 7), 2), "does not cover the fee of 1.1111112"},
		"for as much as the fee":           {selling(pair, amount(t, "1.1", 1), 2), "does not cover the fee"},
		"for less than the minimum":        {selling(pair, amount(t, "1.9999999", 7), 2), "below the minimum of 2"},
		"for more than the maximum":        {selling(pair, amount(t, "1000.0000001", 7), 2), "above the maximum of 1000"},
		"for buying less than the minimum": {buying(pair, amount(t, "0.01", 2), 7), "below the minimum"},
		"for buying more than the maximum": {buying(pair, amount(t, "5000", 2), 7), "above the maximum"},
		"for what buys nothing":            {selling(free, amount(t, "0.0000624", 7), 0), "too small"},
		"for more than can be counted":     {selling(free, amount(t, "922337203685.4775807", 7), 7), "too large"},
		"where all of it is fee":           {selling(dear, amount(t, "5", 0), 0), "does not cover"},
		"for both amounts":                 {both, "exactly one"},
		"for no amount":                    {anchor.PriceRequest{Pair: pair.Pair, SellDecimals: 7, BuyDecimals: 2}, "exactly one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := quotesOf(pair, free, dear).Price(t.Context(), c.request)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
		})
	}
}

func TestDeclaredPrices_of_more_than_can_be_counted_are_refused(t *testing.T) {
	t.Parallel()
	pair := declaredPair(t, "XAF", "0.0000001")
	_, err := quotesOf(pair).Price(t.Context(), buying(pair, amount(t, "9223372036854775807", 0), 7))
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	require.ErrorContains(t, err, "too large")
}

func TestDeclaredQuotes_are_good_for_their_lifetime(t *testing.T) {
	t.Parallel()
	pair := declaredPair(t, "BRL", "5")
	until := time.Date(2026, 1, 2, 12, 1, 1, 0, time.UTC)
	request := anchor.QuoteRequest{PriceRequest: selling(pair, amount(t, "10", 7), 2), ID: "q"}

	quote, err := quotesOf(pair).Quote(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, until, quote.ExpiresAt, "a whole second, at or after the lifetime")
	require.Equal(t, "50.00", quote.BuyAmount.String())

	request.ExpireAfter = until
	_, err = quotesOf(pair).Quote(t.Context(), request)
	require.NoError(t, err)
	request.ExpireAfter = until.Add(1)
	_, err = quotesOf(pair).Quote(t.Context(), request)
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	require.ErrorContains(t, err, "expire_after")
}

func TestDeclaredOffers_are_those_of_the_settings(t *testing.T) {
	t.Parallel()
	pair := declaredPair(t, "BRL", "5")
	off := []anchor.OffChainAsset{{Asset: pair.Buy, Decimals: 2}}
	offers, err := declared.NewQuotes(declared.QuoteOptions{OffChain: off, Pairs: []declared.DeclaredPair{pair}}).Offers(t.Context(), anchor.OffersRequest{})
	require.NoError(t, err)
	require.Equal(t, anchor.Offers{OffChain: off, Pairs: []anchor.Pair{pair.Pair}}, offers)
}

// exchange is a pair with any terms, and the decimals of both sides.
type exchange struct {
	declared.DeclaredPair
	sell, buy int
	worth     *big.Rat // of one unit, the spread taken off
}

func anyExchange(rt *rapid.T) exchange {
	rate := rapid.OneOf(rapid.Just("16000"), rapid.StringMatching(`[1-9][0-9]{0,4}(\.[0-9]{1,8})?|0\.0{0,4}[1-9][0-9]{0,9}`)).Draw(rt, "rate")
	share := rapid.OneOf(rapid.Just("0"), rapid.StringMatching(`[0-9](\.[0-9]{1,10})?|[1-8][0-9](\.[0-9]{1,4})?`))
	e := exchange{
		DeclaredPair: declaredPair(rt, "IDR", rate),
		sell:         rapid.IntRange(0, 7).Draw(rt, "decimals sold"), buy: rapid.IntRange(0, 7).Draw(rt, "decimals bought"),
	}
	spread, fee := share.Draw(rt, "spread"), share.Draw(rt, "fee")
	e.Spread, e.FeePercent = percent(rt, spread), percent(rt, fee)
	var err error
	e.FeeFixed, err = money.New(rapid.Int64Range(0, 30_000_000).Draw(rt, "fixed"), rapid.IntRange(0, 9).Draw(rt, "fixed decimals"))
	require.NoError(rt, err)
	e.worth, _ = new(big.Rat).SetString(rate)
	less, _ := new(big.Rat).SetString(spread)
	e.worth.Mul(e.worth, less.Sub(big.NewRat(1, 1), less.Quo(less, big.NewRat(100, 1))))
	return e
}

func anyUnits(rt *rapid.T, decimals int) money.Amount {
	units := rapid.OneOf(rapid.Int64Range(1, 1000), rapid.Int64Range(1, 1_000_000_000_000_000)).Draw(rt, "units")
	a, err := money.New(units, decimals)
	require.NoError(rt, err)
	return a
}

func value(a money.Amount) *big.Rat {
	r, _ := new(big.Rat).SetString(a.String())
	return r
}

// requirePriced checks what must hold of every price, whichever side was fixed.
func requirePriced(rt *rapid.T, e exchange, r anchor.PriceRequest, p anchor.Price) {
	require.NoError(rt, p.Check(r))
	net, err := p.SellAmount.Sub(p.Fee.Total)
	require.NoError(rt, err)
	allowed := new(big.Rat).Mul(value(net), e.worth)
	require.LessOrEqual(rt, value(p.BuyAmount).Cmp(allowed), 0, "never more than the rate allows")

	share, _ := new(big.Rat).SetString(e.FeePercent.String())
	fee := share.Quo(share.Mul(share, value(p.SellAmount)), big.NewRat(100, 1))
	require.GreaterOrEqual(rt, value(p.Fee.Total).Cmp(fee.Add(fee, value(e.FeeFixed))), 0, "never less than the fee")

	for _, formula := range []struct{ paid money.Amount }{{p.SellAmount}, {net}} {
		text, err := money.UnitPrice(formula.paid, p.BuyAmount)
		require.NoError(rt, err)
		price, ok := new(big.Rat).SetString(text)
		require.True(rt, ok)
		again := price.Mul(price, value(p.BuyAmount))
		for _, decimals := range []int{e.sell, e.buy} {
			require.Equal(rt, value(formula.paid).FloatString(decimals), again.FloatString(decimals), "price %s", text)
		}
	}
}

func TestSellingNeverGivesMoreThanTheRateAllowsNorMuchLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := anyExchange(rt)
		r := selling(e.DeclaredPair, anyUnits(rt, e.sell), e.buy)
		p, err := quotesOf(e.DeclaredPair).Price(t.Context(), r)
		if err != nil {
			require.Equal(rt, anchor.CodeInvalid, anchor.CodeOf(err), "%v", err)
			return
		}
		requirePriced(rt, e, r, p)
		require.Equal(rt, *r.SellAmount, p.SellAmount)
		more, err := money.New(p.BuyAmount.Units()+1, e.buy)
		require.NoError(rt, err)
		net, err := p.SellAmount.Sub(p.Fee.Total)
		require.NoError(rt, err)
		allowed := new(big.Rat).Mul(value(net), e.worth)
		require.Positive(rt, value(more).Cmp(allowed), "one unit more would be too much")
	})
}

func TestBuyingIsTheInverseOfSelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := anyExchange(rt)
		r := buying(e.DeclaredPair, anyUnits(rt, e.buy), e.sell)
		p, err := quotesOf(e.DeclaredPair).Price(t.Context(), r)
		if err != nil {
			require.Equal(rt, anchor.CodeInvalid, anchor.CodeOf(err), "%v", err)
			return
		}
		requirePriced(rt, e, r, p)
		require.Equal(rt, *r.BuyAmount, p.BuyAmount, "exactly what was asked for")

		back, err := quotesOf(e.DeclaredPair).Price(t.Context(), selling(e.DeclaredPair, p.SellAmount, e.buy))
		if err != nil { // what it buys may not fit, as one more unit sold may buy much
			require.ErrorContains(rt, err, "too large")
			return
		}
		require.GreaterOrEqual(rt, back.BuyAmount.Cmp(p.BuyAmount), 0, "selling it buys as much")
		require.Equal(rt, p.Fee.Total, back.Fee.Total)
		less, err := money.New(p.SellAmount.Units()-1, e.sell)
		require.NoError(rt, err)
		fewer, err := quotesOf(e.DeclaredPair).Price(t.Context(), selling(e.DeclaredPair, less, e.buy))
		require.True(rt, err != nil || fewer.BuyAmount.Cmp(p.BuyAmount) < 0, "selling less does not")
	})
}
