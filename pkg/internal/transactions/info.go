package transactions

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// AssetTerms is what a sending anchor may know of an asset before it opens a transaction (SEP-31 "GET Info").
type AssetTerms struct {
	Asset anchor.AssetInfo
	// FeeFixed and FeePercent are nil where the business names each fee itself, so that they cannot be told beforehand.
	FeeFixed   *money.Amount
	FeePercent *money.Percent
	Min, Max   money.Amount // Max zero: none
	// QuotesSupported: the asset can be exchanged; QuotesRequired: it cannot be sent without a firm quote.
	QuotesSupported, QuotesRequired bool
	anchor.Info
}

// Info lists the assets that are received, one for each code: of several issuers of one code the one registered first, which
// is also what a request without an issuer means.
func (s *Service) Info(ctx context.Context, lang string) ([]AssetTerms, error) {
	if err := checkLang(lang); err != nil {
		return nil, err
	}
	offers, err := s.catalog.all(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]AssetTerms, 0, len(offers))
	seen := map[string]bool{}
	for _, o := range offers {
		if seen[o.Code] {
			continue
		}
		seen[o.Code] = true
		terms, err := s.termsOf(ctx, o, lang)
		if err != nil {
			return nil, err
		}
		list = append(list, terms)
	}
	return list, nil
}

func (s *Service) termsOf(ctx context.Context, o offer, lang string) (AssetTerms, error) {
	info, err := s.receiver.Info(ctx, anchor.InfoRequest{Asset: o.info, Lang: lang})
	if err != nil {
		return AssetTerms{}, fmt.Errorf("info of %s: %w", o.Code, err)
	}
	terms := AssetTerms{Asset: o.info, Min: o.terms.Min, Max: o.terms.Max, Info: info}
	exchanges, err := s.exchanges(ctx, o, anchor.SendingAnchor{}, lang)
	if err != nil {
		return AssetTerms{}, err
	}
	terms.QuotesSupported = len(exchanges) > 0
	terms.QuotesRequired = terms.QuotesSupported && s.options.QuotesRequired
	if s.fee == nil {
		terms.FeeFixed, terms.FeePercent = &o.terms.FeeFixed, &o.terms.FeePercent
	}
	return terms, nil
}
