package quotes

import (
	"context"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// Listed is an asset that is exchanged here for another one (SEP-38 "GET Info"). Those of the network have decimals only.
type Listed struct{ anchor.OffChainAsset }

// market is what is exchanged at this moment for one caller.
type market struct {
	listed []Listed // in the order in which clients see them
	pairs  []anchor.Pair
}

// market asks the business what it exchanges, and keeps of it what can be exchanged: pairs of assets that are both known
// here, of which one at least is on the network.
func (s *Service) market(ctx context.Context, who anchor.SendingAnchor, lang string) (market, error) {
	received, err := s.assets.all(ctx)
	if err != nil {
		return market{}, err
	}
	offers, err := s.integration.Offers(ctx, anchor.OffersRequest{From: who, Lang: lang})
	if err != nil {
		return market{}, fmt.Errorf("offers: %w", err)
	}
	if err := checkOffChain(offers.OffChain); err != nil {
		return market{}, fmt.Errorf("offers: %w", err)
	}
	known := knownAssets(received, offers.OffChain)
	var m market
	for _, pair := range offers.Pairs {
		if tradable(pair, known) {
			m.pairs = append(m.pairs, pair)
		}
	}
	for _, asset := range known {
		if m.exchanges(asset.Asset) {
			m.listed = append(m.listed, asset)
		}
	}
	return m, nil
}

// checkOffChain finds what the business must not offer.
func checkOffChain(list []anchor.OffChainAsset) error {
	for _, a := range list {
		if a.Asset.IsStellar() || a.Decimals < 0 || a.Decimals > money.StellarDecimals {
			return fmt.Errorf("%s with %d decimals: it must be off the network, with 0 to %d", a.Asset, a.Decimals, money.StellarDecimals)
		}
	}
	return nil
}

// knownAssets lists assets as clients see them: first those with an issuer, as clients take the first one of the network for
// the one that transactions are made in, then lumens, then those off the network.
func knownAssets(received []Received, offChain []anchor.OffChainAsset) []Listed {
	list := make([]Listed, 0, len(received)+len(offChain))
	var native []Listed
	for _, r := range received {
		asset := Listed{anchor.OffChainAsset{Asset: r.Asset, Decimals: r.Decimals}}
		if r.Asset.IsNative() {
			native = append(native, asset)
			continue
		}
		list = append(list, asset)
	}
	list = append(list, native...)
	for _, asset := range offChain {
		list = append(list, Listed{asset})
	}
	return list
}

func tradable(p anchor.Pair, known []Listed) bool {
	has := func(a money.Asset) bool {
		return slices.ContainsFunc(known, func(l Listed) bool { return l.Asset == a })
	}
	return p.Sell != p.Buy && (p.Sell.IsStellar() || p.Buy.IsStellar()) && has(p.Sell) && has(p.Buy)
}

func (m market) exchanges(asset money.Asset) bool {
	return slices.ContainsFunc(m.pairs, func(p anchor.Pair) bool { return p.Sell == asset || p.Buy == asset })
}

// find looks an asset up as a request names it in the parameter.
func (m market) find(parameter, text string) (Listed, error) {
	if text == "" {
		return Listed{}, anchor.Refusef("%s is missing", parameter)
	}
	asset, err := money.ParseAsset(text)
	if err != nil {
		return Listed{}, anchor.Refusef("%s: %v", parameter, err)
	}
	at := slices.IndexFunc(m.listed, func(l Listed) bool { return l.Asset == asset })
	if at < 0 {
		return Listed{}, anchor.Refusef("%s is not exchanged here; see GET /info", parameter)
	}
	return m.listed[at], nil
}

// must is find for an asset of a pair of the market, which is listed.
func (m market) must(asset money.Asset) Listed {
	at := slices.IndexFunc(m.listed, func(l Listed) bool { return l.Asset == asset })
	return m.listed[at]
}

// Info lists the assets that are exchanged here, those that are received first (SEP-38 "GET Info"). Nobody in particular
// asks with the zero value.
func (s *Service) Info(ctx context.Context, who anchor.SendingAnchor, lang string) ([]Listed, error) {
	m, err := s.market(ctx, who, langOf(lang))
	return m.listed, err
}
