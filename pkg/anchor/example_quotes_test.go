package anchor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// desk exchanges one pair at a rate of its own, less one percent.
type desk struct {
	pair anchor.Pair
	rate func() money.Rate // of the moment: how much one unit of what is sold is worth
	now  func() time.Time
}

func (d desk) Offers(context.Context, anchor.OffersRequest) (anchor.Offers, error) {
	return anchor.Offers{
		OffChain: []anchor.OffChainAsset{{
			Asset: d.pair.Buy, Decimals: 2, CountryCodes: []string{"BR"},
			BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "PIX", Description: "to a PIX key"}},
		}},
		Pairs: []anchor.Pair{d.pair},
	}, nil
}

// Price takes the fee from what is sold: what is left becomes what is bought. Fees are rounded up, what is paid out down.
func (d desk) Price(_ context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	if r.Pair != d.pair || r.SellAmount == nil {
		return anchor.Price{}, anchor.Refuse("name the amount that is sold; only BRL is bought here")
	}
	percent, err := money.ParsePercent("1")
	if err != nil {
		return anchor.Price{}, err
	}
	fee, err := percent.Of(*r.SellAmount, money.Up)
	if err != nil {
		return anchor.Price{}, err
	}
	rest, err := r.SellAmount.Sub(fee)
	if err != nil {
		return anchor.Price{}, err
	}
	buy, err := d.rate().Mul(rest, r.BuyDecimals, money.Down)
	if err != nil {
		return anchor.Price{}, err
	}
	return anchor.Price{SellAmount: *r.SellAmount, BuyAmount: buy, Fee: anchor.Fee{Total: fee}}, nil
}

// Quote is a promise: a business covers itself here, for as long as the quote is good.
func (d desk) Quote(ctx context.Context, r anchor.QuoteRequest) (anchor.Quote, error) {
	price, err := d.Price(ctx, r.PriceRequest)
	return anchor.Quote{Price: price, ExpiresAt: d.now().Add(time.Minute).Truncate(time.Second)}, err
}

// Prices of a business' own. The toolkit keeps the quotes, binds them to who asked and redeems each once.
func ExampleQuoteIntegration() {
	usdc, _ := money.Stellar("USDC", "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5")
	brl, _ := money.Fiat("BRL")
	rate, _ := money.ParseRate("5.4321")
	quotes := desk{
		pair: anchor.Pair{Sell: usdc, Buy: brl}, rate: func() money.Rate { return rate },
		now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}

	sell, _ := money.Parse("100", 7)
	request := anchor.PriceRequest{Pair: quotes.pair, SellAmount: &sell, SellDecimals: 7, BuyDecimals: 2}
	quote, err := quotes.Quote(context.Background(), anchor.QuoteRequest{PriceRequest: request, ID: "q-1"})
	fmt.Println(quote.SellAmount.Short(), "for", quote.BuyAmount, "fee", quote.Fee.Total.Short(), err)
	fmt.Println("good until", quote.ExpiresAt.Format(time.TimeOnly))
	fmt.Println("what the toolkit checks of it:", quote.Check(request))
	// Output:
	// 100 for 537.77 fee 1 <nil>
	// good until 12:01:00
	// what the toolkit checks of it: <nil>
}
