package quotes

import (
	"context"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// Priced is an exchange with what it costs (SEP-38 "Price Formulas"): SellAmount = TotalPrice * BuyAmount, and SellAmount
// less the fee = PerUnit * BuyAmount, both to the decimals of either asset.
type Priced struct {
	anchor.Pair
	anchor.Price
	PerUnit, TotalPrice string // what one unit of the bought asset costs, without the fee and with it
}

func pricedOf(pair anchor.Pair, p anchor.Price) (Priced, error) {
	net, err := p.SellAmount.Sub(p.Fee.Total)
	if err != nil {
		return Priced{}, fmt.Errorf("price without the fee: %w", err)
	}
	perUnit, err := money.UnitPrice(net, p.BuyAmount)
	if err != nil {
		return Priced{}, fmt.Errorf("price: %w", err)
	}
	total, err := money.UnitPrice(p.SellAmount, p.BuyAmount)
	if err != nil {
		return Priced{}, fmt.Errorf("total price: %w", err)
	}
	return Priced{Pair: pair, Price: p, PerUnit: perUnit, TotalPrice: total}, nil
}

// Price says what an exchange costs at this moment (SEP-38 "GET Price"). Nobody in particular asks with the zero value.
func (s *Service) Price(ctx context.Context, who anchor.SendingAnchor, r Request) (Priced, error) {
	if err := r.checkContext(contextSEP6, contextSEP31); err != nil {
		return Priced{}, err
	}
	asked, err := s.judge(ctx, who, r, false)
	if err != nil {
		return Priced{}, err
	}
	price, err := s.ask(ctx, asked)
	if err != nil {
		return Priced{}, err
	}
	return pricedOf(asked.Pair, price)
}

// ask asks the business, and checks what it says.
func (s *Service) ask(ctx context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	price, err := s.integration.Price(ctx, r)
	if err != nil {
		return anchor.Price{}, fmt.Errorf("price: %w", err)
	}
	if err := price.Check(r); err != nil {
		return anchor.Price{}, fmt.Errorf("price of the business: %w", err)
	}
	return price, nil
}

// judge makes what the business is asked of what was sent. A firm quote needs a delivery method where there is a choice; a
// price does not.
func (s *Service) judge(ctx context.Context, who anchor.SendingAnchor, r Request, firm bool) (anchor.PriceRequest, error) {
	asked := anchor.PriceRequest{From: who, CountryCode: r.CountryCode, Context: r.Context, Lang: langOf(r.Lang)}
	m, err := s.market(ctx, who, asked.Lang)
	if err != nil {
		return asked, err
	}
	sell, buy, err := m.sides(r)
	if err != nil {
		return asked, err
	}
	asked.Pair = anchor.Pair{Sell: sell.Asset, Buy: buy.Asset}
	asked.SellDecimals, asked.BuyDecimals = sell.Decimals, buy.Decimals
	if err := r.oneAmount(&asked, sell, buy); err != nil {
		return asked, err
	}
	if asked.SellDeliveryMethod, err = r.selling(sell).method(firm); err != nil {
		return asked, err
	}
	if asked.BuyDeliveryMethod, err = r.buying(buy).method(firm); err != nil {
		return asked, err
	}
	return asked, r.checkServed(sell, buy)
}

// sides finds both assets of an exchange that is offered.
func (m market) sides(r Request) (sell, buy Listed, err error) {
	if sell, err = m.find("sell_asset", r.SellAsset); err != nil {
		return sell, buy, err
	}
	if buy, err = m.find("buy_asset", r.BuyAsset); err != nil {
		return sell, buy, err
	}
	if !slices.Contains(m.pairs, anchor.Pair{Sell: sell.Asset, Buy: buy.Asset}) {
		return sell, buy, anchor.Refuse("sell_asset is not exchanged for buy_asset here; see GET /prices")
	}
	return sell, buy, nil
}

func (r Request) checkServed(sell, buy Listed) error {
	if err := r.checkCountry(); err != nil {
		return err
	}
	if !sell.serves(r.CountryCode) || !buy.serves(r.CountryCode) {
		return anchor.Refuse("country_code is none of those in which the asset is exchanged; see GET /info")
	}
	return nil
}
