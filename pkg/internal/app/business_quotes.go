package app

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
	"github.com/anchorkit/anchor/pkg/money"
)

// declaredQuotes are the prices that anchor.yaml declares; nil where it declares none.
func declaredQuotes(s config.Settings) (anchor.QuoteIntegration, error) {
	if len(s.ExchangePairs) == 0 {
		return nil, nil
	}
	o := declared.QuoteOptions{Lifetime: s.SEP38.QuoteLifetime}
	var err error
	if o.OffChain, err = offChain(s.OffChainAssets, config.DefaultLanguage); err != nil {
		return nil, err
	}
	for i, pair := range s.ExchangePairs {
		price, err := declaredPair(pair)
		if err != nil {
			return nil, fmt.Errorf("exchange_pairs[%d]: %w", i, err)
		}
		o.Pairs = append(o.Pairs, price)
	}
	return translatedQuotes{declared.NewQuotes(o), s.OffChainAssets}, nil
}

// translatedQuotes describes what is offered in the language that is asked for.
type translatedQuotes struct {
	anchor.QuoteIntegration
	assets []config.OffChainAsset
}

func (q translatedQuotes) Offers(ctx context.Context, r anchor.OffersRequest) (anchor.Offers, error) {
	offers, err := q.QuoteIntegration.Offers(ctx, r)
	if err != nil {
		return anchor.Offers{}, err
	}
	offers.OffChain, err = offChain(q.assets, r.Lang)
	return offers, err
}

func offChain(assets []config.OffChainAsset, lang string) ([]anchor.OffChainAsset, error) {
	list := make([]anchor.OffChainAsset, len(assets))
	for i, a := range assets {
		asset, err := money.ParseAsset(a.Asset)
		if err != nil {
			return nil, fmt.Errorf("offchain_assets[%d]: %w", i, err)
		}
		list[i] = anchor.OffChainAsset{
			Asset: asset, Decimals: a.Decimals, CountryCodes: a.CountryCodes,
			SellDeliveryMethods: deliveryMethods(a.SellDeliveryMethods, lang), BuyDeliveryMethods: deliveryMethods(a.BuyDeliveryMethods, lang),
		}
	}
	return list, nil
}

func deliveryMethods(methods []config.DeliveryMethod, lang string) []anchor.DeliveryMethod {
	var list []anchor.DeliveryMethod
	for _, m := range methods {
		list = append(list, anchor.DeliveryMethod{Name: m.Name, Description: m.Description.In(lang)})
	}
	return list
}

// declaredPair reads the numbers of a pair, which the settings keep as they were written.
func declaredPair(p config.ExchangePair) (declared.DeclaredPair, error) {
	var d declared.DeclaredPair
	for _, number := range []struct {
		key, text string
		read      func(text string) error
	}{
		{"sell", p.Sell, func(text string) (err error) { d.Sell, err = money.ParseAsset(text); return err }},
		{"buy", p.Buy, func(text string) (err error) { d.Buy, err = money.ParseAsset(text); return err }},
		{"rate", p.Rate, func(text string) (err error) { d.Rate, err = money.ParseRate(text); return err }},
		{"spread_percent", p.SpreadPercent, func(text string) (err error) { d.Spread, err = money.ParsePercent(text); return err }},
		{"fee_percent", p.FeePercent, func(text string) (err error) { d.FeePercent, err = money.ParsePercent(text); return err }},
		{"fee_fixed", p.FeeFixed, into(&d.FeeFixed)},
		{"min", p.Min, into(&d.Min)},
		{"max", p.Max, into(&d.Max)},
	} {
		if err := number.read(number.text); err != nil {
			return declared.DeclaredPair{}, fmt.Errorf("%s: %w", number.key, err)
		}
	}
	return d, nil
}

func into(amount *money.Amount) func(text string) error {
	return func(text string) (err error) {
		*amount, err = money.Parse(text, money.StellarDecimals)
		return err
	}
}
