package quotes

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// Prices are what one asset costs in others, or others in it.
type Prices struct {
	Selling bool // the asset asked for is sold: the list are those that it buys; else those that buy it
	List    []Counter
}

// Counter is the other asset of an exchange, with what one unit of the bought asset costs, the fee included.
type Counter struct {
	Listed
	Price string
}

// Prices says what an amount of one asset costs or buys at this moment, in every asset that it is exchanged for (SEP-38 "GET
// Prices"); an exchange that the business refuses, for that amount or otherwise, is left out. Where both assets are named,
// the sold one counts: the SEP forbids that, and clients do it. Nobody in particular asks with the zero value.
func (s *Service) Prices(ctx context.Context, who anchor.SendingAnchor, r Request) (Prices, error) {
	lang := langOf(r.Lang)
	m, err := s.market(ctx, who, lang)
	if err != nil {
		return Prices{}, err
	}
	asked, own, err := m.one(r)
	if err != nil {
		return Prices{}, err
	}
	asked.From, asked.CountryCode, asked.Lang = who, r.CountryCode, lang
	answer := Prices{Selling: asked.SellAmount != nil}
	candidates, err := m.candidates(r, own, answer.Selling)
	if err != nil {
		return Prices{}, err
	}
	for _, c := range candidates {
		price, err := s.indicative(ctx, asked, c)
		if anchor.CodeOf(err) == anchor.CodeInvalid {
			continue
		}
		if err != nil {
			return Prices{}, fmt.Errorf("%s for %s: %w", c.sell.Asset, c.buy.Asset, err)
		}
		answer.List = append(answer.List, Counter{Listed: c.counter(answer.Selling), Price: price})
	}
	return answer, nil
}

// indicative is what one unit of the bought asset costs in an exchange, the fee included.
func (s *Service) indicative(ctx context.Context, asked anchor.PriceRequest, c candidate) (string, error) {
	asked.Pair = anchor.Pair{Sell: c.sell.Asset, Buy: c.buy.Asset}
	asked.SellDecimals, asked.BuyDecimals = c.sell.Decimals, c.buy.Decimals
	asked.SellDeliveryMethod, asked.BuyDeliveryMethod = c.sellMethod, c.buyMethod
	price, err := s.ask(ctx, asked)
	if err != nil {
		return "", err
	}
	return money.UnitPrice(price.SellAmount, price.BuyAmount)
}

// one finds the asset and the amount that the request is about.
func (m market) one(r Request) (asked anchor.PriceRequest, own Listed, err error) {
	switch {
	case r.SellAsset != "":
		if own, err = m.find("sell_asset", r.SellAsset); err != nil {
			return asked, own, err
		}
		asked.SellAmount, err = amountOf("sell_amount", r.SellAmount, own)
	case r.BuyAsset == "":
		err = anchor.Refuse("sell_asset or buy_asset is missing")
	case r.SellAmount != "":
		err = anchor.Refuse("sell_amount is valid only with sell_asset")
	default:
		if own, err = m.find("buy_asset", r.BuyAsset); err != nil {
			return asked, own, err
		}
		asked.BuyAmount, err = amountOf("buy_amount", r.BuyAmount, own)
	}
	return asked, own, err
}

// candidate is an exchange whose price is asked for.
type candidate struct {
	sell, buy             Listed
	sellMethod, buyMethod string
}

// counter is the other side of what is sold, or bought.
func (c candidate) counter(selling bool) Listed {
	if selling {
		return c.buy
	}
	return c.sell
}

// candidates are the exchanges of an asset that the delivery methods and the country of a request leave. A delivery method
// is wrong where the asset itself does not have it, or none of its counterparts.
func (m market) candidates(r Request, own Listed, selling bool) ([]candidate, error) {
	if err := r.checkServed(own, own); err != nil {
		return nil, err
	}
	if _, err := r.sideOf(own, selling).method(false); err != nil {
		return nil, err
	}
	var list []candidate
	var delivered bool
	var refusal error
	for _, pair := range m.pairsOf(own.Asset, selling) {
		c, err := m.candidate(r, pair)
		if err != nil {
			refusal = err
			continue
		}
		delivered = true
		if c.counter(selling).serves(r.CountryCode) {
			list = append(list, c)
		}
	}
	if !delivered && refusal != nil {
		return nil, refusal
	}
	return list, nil
}

func (m market) pairsOf(asset money.Asset, selling bool) []anchor.Pair {
	var pairs []anchor.Pair
	for _, pair := range m.pairs {
		if selling && pair.Sell == asset || !selling && pair.Buy == asset {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

func (r Request) sideOf(asset Listed, selling bool) side {
	if selling {
		return r.selling(asset)
	}
	return r.buying(asset)
}

func (m market) candidate(r Request, pair anchor.Pair) (c candidate, err error) {
	c.sell, c.buy = m.must(pair.Sell), m.must(pair.Buy)
	if c.sellMethod, err = r.selling(c.sell).method(false); err != nil {
		return c, err
	}
	c.buyMethod, err = r.buying(c.buy).method(false)
	return c, err
}
