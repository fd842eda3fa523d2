package remote

import (
	"context"
	"errors"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

type quotes struct{ part }

type offersAnswer struct {
	OffChain []offChainAsset `json:"off_chain"`
	Pairs    []pair          `json:"pairs"`
}

type offChainAsset struct {
	Asset               money.Asset      `json:"asset"`
	Decimals            *int             `json:"decimals"`
	CountryCodes        []string         `json:"country_codes"`
	SellDeliveryMethods []deliveryMethod `json:"sell_delivery_methods"`
	BuyDeliveryMethods  []deliveryMethod `json:"buy_delivery_methods"`
}

type deliveryMethod struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type pair struct {
	Sell money.Asset `json:"sell"`
	Buy  money.Asset `json:"buy"`
}

func (q quotes) Offers(ctx context.Context, r anchor.OffersRequest) (anchor.Offers, error) {
	type request struct {
		From *sendingAnchor `json:"from,omitempty"`
		Lang string         `json:"lang,omitempty"`
	}
	const path = "/v1/quotes/offers"
	a, err := ask[offersAnswer](ctx, q.part, path, request{sendingAnchorOf(r.From), r.Lang})
	if err != nil {
		return anchor.Offers{}, err
	}
	offers, err := a.read()
	if err != nil {
		return anchor.Offers{}, nonsense(path, err)
	}
	return offers, nil
}

func (a offersAnswer) read() (anchor.Offers, error) {
	var offers anchor.Offers
	if a.OffChain == nil || a.Pairs == nil {
		return offers, errors.New("off_chain and pairs must be there, if only as []")
	}
	for _, o := range a.OffChain {
		if o.Asset.Scheme != money.SchemeFiat || o.Decimals == nil || *o.Decimals < 0 || *o.Decimals > money.StellarDecimals {
			return offers, errors.New("an asset outside the network is such as iso4217:BRL and has 0 to 7 decimals")
		}
		offers.OffChain = append(offers.OffChain, anchor.OffChainAsset{
			Asset: o.Asset, Decimals: *o.Decimals, CountryCodes: o.CountryCodes,
			SellDeliveryMethods: methodsOf(o.SellDeliveryMethods), BuyDeliveryMethods: methodsOf(o.BuyDeliveryMethods),
		})
	}
	for _, p := range a.Pairs {
		if p.Sell == (money.Asset{}) || p.Buy == (money.Asset{}) {
			return offers, errors.New("a pair must have sell and buy")
		}
		offers.Pairs = append(offers.Pairs, anchor.Pair(p))
	}
	return offers, nil
}

func methodsOf(said []deliveryMethod) []anchor.DeliveryMethod {
	var methods []anchor.DeliveryMethod
	for _, m := range said {
		methods = append(methods, anchor.DeliveryMethod(m))
	}
	return methods
}

type priceRequest struct {
	From               *sendingAnchor `json:"from,omitempty"`
	Sell               money.Asset    `json:"sell"`
	Buy                money.Asset    `json:"buy"`
	SellDecimals       int            `json:"sell_decimals"`
	BuyDecimals        int            `json:"buy_decimals"`
	SellAmount         *money.Amount  `json:"sell_amount,omitempty"`
	BuyAmount          *money.Amount  `json:"buy_amount,omitempty"`
	SellDeliveryMethod string         `json:"sell_delivery_method,omitempty"`
	BuyDeliveryMethod  string         `json:"buy_delivery_method,omitempty"`
	CountryCode        string         `json:"country_code,omitempty"`
	Context            string         `json:"context,omitempty"`
	Lang               string         `json:"lang,omitempty"`
}

func priceRequestOf(r anchor.PriceRequest) priceRequest {
	return priceRequest{
		From: sendingAnchorOf(r.From), Sell: r.Pair.Sell, Buy: r.Pair.Buy, SellDecimals: r.SellDecimals, BuyDecimals: r.BuyDecimals,
		SellAmount: r.SellAmount, BuyAmount: r.BuyAmount, SellDeliveryMethod: r.SellDeliveryMethod, BuyDeliveryMethod: r.BuyDeliveryMethod,
		CountryCode: r.CountryCode, Context: r.Context, Lang: r.Lang,
	}
}

type price struct {
	SellAmount string `json:"sell_amount"`
	BuyAmount  string `json:"buy_amount"`
	Fee        fee    `json:"fee"`
}

// read reads a price in the decimals that were asked for, and holds it against the request.
func (p price) read(r anchor.PriceRequest) (anchor.Price, error) {
	sell, sellErr := amountOf("sell_amount", p.SellAmount, r.SellDecimals)
	buy, buyErr := amountOf("buy_amount", p.BuyAmount, r.BuyDecimals)
	kept, feeErr := p.Fee.read(r.SellDecimals)
	if err := errors.Join(sellErr, buyErr, feeErr); err != nil {
		return anchor.Price{}, err
	}
	said := anchor.Price{SellAmount: sell, BuyAmount: buy, Fee: kept}
	return said, said.Check(r)
}

func (q quotes) Price(ctx context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	const path = "/v1/quotes/price"
	a, err := ask[price](ctx, q.part, path, priceRequestOf(r))
	if err != nil {
		return anchor.Price{}, err
	}
	said, err := a.read(r)
	if err != nil {
		return anchor.Price{}, nonsense(path, err)
	}
	return said, nil
}

func (q quotes) Quote(ctx context.Context, r anchor.QuoteRequest) (anchor.Quote, error) {
	type request struct {
		priceRequest
		ID          string     `json:"id"`
		ExpireAfter *time.Time `json:"expire_after,omitempty"`
	}
	type answer struct {
		price
		ExpiresAt time.Time `json:"expires_at"`
	}
	asked := request{priceRequest: priceRequestOf(r.PriceRequest), ID: r.ID}
	if !r.ExpireAfter.IsZero() {
		utc := r.ExpireAfter.UTC()
		asked.ExpireAfter = &utc
	}
	const path = "/v1/quotes/quote"
	a, err := ask[answer](ctx, q.part, path, asked)
	if err != nil {
		return anchor.Quote{}, err
	}
	said, err := a.read(r.PriceRequest)
	if err == nil && (a.ExpiresAt.IsZero() || a.ExpiresAt.Nanosecond() != 0) {
		err = errors.New("expires_at must be a whole second")
	}
	if err != nil {
		return anchor.Quote{}, nonsense(path, err)
	}
	return anchor.Quote{Price: said, ExpiresAt: a.ExpiresAt.UTC()}, nil
}
