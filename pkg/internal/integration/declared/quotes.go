package declared

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// QuoteOptions are the prices that are declared.
type QuoteOptions struct {
	OffChain []anchor.OffChainAsset
	Pairs    []DeclaredPair
	Lifetime time.Duration    // of a firm quote, from now
	Now      func() time.Time // the clock by which quotes expire; nil: this host's
}

// DeclaredPair is an exchange at a declared rate. The fee and the limits are in units of what is sold, with any decimals.
type DeclaredPair struct {
	anchor.Pair
	Rate       money.Rate    // how much of Buy one unit of Sell is worth
	Spread     money.Percent // by how much less of Buy is given
	FeeFixed   money.Amount
	FeePercent money.Percent // of what is sold, the fee included
	Min, Max   money.Amount  // of what is sold; Max zero: none
}

// NewQuotes makes the prices that the options describe (SEP-38). What is sold less the fee, times the rate, less the spread
// is what is bought: the fee is rounded up, what is bought down. Where the bought amount is fixed, the least amount is sold
// that buys it; it is given out exactly. It reserves nothing, as the rate is the same for everybody.
func NewQuotes(o QuoteOptions) anchor.QuoteIntegration {
	if o.Now == nil {
		o.Now = systemClock
	}
	return quotes{o}
}

type quotes struct{ o QuoteOptions }

func (q quotes) Offers(context.Context, anchor.OffersRequest) (anchor.Offers, error) {
	offers := anchor.Offers{OffChain: slices.Clone(q.o.OffChain), Pairs: make([]anchor.Pair, len(q.o.Pairs))}
	for i, p := range q.o.Pairs {
		offers.Pairs[i] = p.Pair
	}
	return offers, nil
}

func (q quotes) Price(_ context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	at := slices.IndexFunc(q.o.Pairs, func(p DeclaredPair) bool { return p.Pair == r.Pair })
	if at < 0 {
		return anchor.Price{}, anchor.Refusef("%s cannot be exchanged for %s here", r.Pair.Sell, r.Pair.Buy)
	}
	price, err := q.o.Pairs[at].price(r)
	if errors.Is(err, money.ErrOverflow) {
		return anchor.Price{}, anchor.Refuse("the amount is too large")
	}
	return price, err
}

// Quote keeps a price for the declared time, and for no longer.
func (q quotes) Quote(ctx context.Context, r anchor.QuoteRequest) (anchor.Quote, error) {
	expires := wholeSecond(q.o.Now().Add(q.o.Lifetime))
	if r.ExpireAfter.After(expires) {
		return anchor.Quote{}, anchor.Refusef("expire_after: a quote is good for %s at most", q.o.Lifetime)
	}
	price, err := q.Price(ctx, r.PriceRequest)
	return anchor.Quote{Price: price, ExpiresAt: expires}, err
}

// wholeSecond is the first whole second that is not before t.
func wholeSecond(t time.Time) time.Time {
	whole := t.UTC().Truncate(time.Second)
	if whole.Before(t) {
		whole = whole.Add(time.Second)
	}
	return whole
}

// price answers a request for this pair.
func (p DeclaredPair) price(r anchor.PriceRequest) (anchor.Price, error) {
	if (r.SellAmount == nil) == (r.BuyAmount == nil) {
		return anchor.Price{}, anchor.Refuse("exactly one of sell_amount and buy_amount must be given")
	}
	fixed, err := p.FeeFixed.Rescale(r.SellDecimals, money.Up)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("fixed fee: %w", err)
	}
	var price anchor.Price
	if r.SellAmount != nil {
		price, err = p.selling(*r.SellAmount, fixed, r)
	} else {
		price, err = p.buying(*r.BuyAmount, fixed, r)
	}
	if err != nil {
		return anchor.Price{}, err
	}
	return price, p.checkLimits(price.SellAmount)
}

// selling is the price where the sold amount is fixed.
func (p DeclaredPair) selling(sell, fixed money.Amount, r anchor.PriceRequest) (anchor.Price, error) {
	fee, err := p.feeOf(sell, fixed)
	if err != nil {
		return anchor.Price{}, err
	}
	if fee.Cmp(sell) >= 0 {
		return anchor.Price{}, anchor.Refusef("the amount %s does not cover the fee of %s", sell.Short(), fee.Short())
	}
	net, err := sell.Sub(fee)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("what is exchanged: %w", err)
	}
	buy, err := p.Rate.MulLess(net, p.Spread, r.BuyDecimals, money.Down)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("what is bought: %w", err)
	}
	if buy.IsZero() {
		return anchor.Price{}, anchor.Refusef("the amount %s is too small to buy anything", sell.Short())
	}
	return anchor.Price{SellAmount: sell, BuyAmount: buy, Fee: anchor.Fee{Total: fee}}, nil
}

// buying is the price where the bought amount is fixed: what has to be exchanged, rounded up, and the least amount that
// leaves that after the fee.
func (p DeclaredPair) buying(buy, fixed money.Amount, r anchor.PriceRequest) (anchor.Price, error) {
	net, err := p.Rate.DivLess(buy, p.Spread, r.SellDecimals, money.Up)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("what is exchanged: %w", err)
	}
	beforePercent, err := net.Add(fixed)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("fee: %w", err)
	}
	sell, err := p.FeePercent.Before(beforePercent, money.Up)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("fee: %w", err)
	}
	fee, err := p.feeOf(sell, fixed)
	return anchor.Price{SellAmount: sell, BuyAmount: buy, Fee: anchor.Fee{Total: fee}}, err
}

func (p DeclaredPair) feeOf(sell, fixed money.Amount) (money.Amount, error) {
	share, err := p.FeePercent.Of(sell, money.Up)
	if err != nil {
		return money.Amount{}, fmt.Errorf("fee: %w", err)
	}
	fee, err := fixed.Add(share)
	if err != nil {
		return money.Amount{}, fmt.Errorf("fee: %w", err)
	}
	return fee, nil
}

func (p DeclaredPair) checkLimits(sell money.Amount) error {
	switch {
	case sell.Cmp(p.Min) < 0:
		return anchor.Refusef("the amount %s of %s is below the minimum of %s", sell.Short(), p.Sell, p.Min.Short())
	case !p.Max.IsZero() && sell.Cmp(p.Max) > 0:
		return anchor.Refusef("the amount %s of %s is above the maximum of %s", sell.Short(), p.Sell, p.Max.Short())
	}
	return nil
}
