package transactions

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// catalogAge is how long a change of an asset may go unnoticed. Assets change rarely; a query for each request would not pay.
const catalogAge = time.Second

// offer is an asset that is received by SEP-31 at present, with its terms read once.
type offer struct {
	store.Asset
	terms anchor.Terms
	info  anchor.AssetInfo
}

// id is the asset in the asset identification format.
func (o offer) id() string { return money.SchemeStellar + ":" + o.Code + ":" + o.Issuer }

// catalog keeps the assets that are received, for a moment. load lists them in the order in which they were registered.
type catalog struct {
	load func(context.Context) ([]store.Asset, error)
	now  func() time.Time

	mu     sync.Mutex
	read   time.Time
	offers []offer
}

func newCatalog(load func(context.Context) ([]store.Asset, error), now func() time.Time) *catalog {
	return &catalog{load: load, now: now}
}

// all lists what is received, the oldest first. The caller must not change it.
func (c *catalog) all(ctx context.Context) ([]offer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.read.IsZero() && now.Sub(c.read) < catalogAge {
		return c.offers, nil
	}
	assets, err := c.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the assets: %w", err)
	}
	offers, err := offersOf(assets)
	if err != nil {
		return nil, err
	}
	c.offers, c.read = offers, now
	return offers, nil
}

func offersOf(assets []store.Asset) ([]offer, error) {
	var offers []offer
	for _, a := range assets {
		if !a.Receivable() {
			continue
		}
		o, err := offerOf(a)
		if err != nil {
			return nil, fmt.Errorf("asset %s:%s: %w", a.Code, a.Issuer, err)
		}
		offers = append(offers, o)
	}
	return offers, nil
}

func offerOf(a store.Asset) (offer, error) {
	percent, err := money.ParsePercent(a.FeePercent)
	if err != nil {
		return offer{}, err
	}
	var amounts [3]money.Amount
	for i, units := range []int64{a.FeeFixedUnits, a.MinUnits, a.MaxUnits} {
		if amounts[i], err = money.New(units, money.StellarDecimals); err != nil {
			return offer{}, err
		}
	}
	methods, err := a.Methods()
	if err != nil {
		return offer{}, err
	}
	return offer{
		Asset: a,
		terms: anchor.Terms{
			Decimals: int(a.Decimals), FeeFixed: amounts[0], FeePercent: percent, Min: amounts[1], Max: amounts[2],
		},
		info: anchor.AssetInfo{Code: a.Code, Issuer: a.Issuer, Decimals: int(a.Decimals), FundingMethods: methods},
	}, nil
}

// find looks an asset up as a request names it. Without an issuer the first one registered under the code is meant. Codes
// are case-sensitive, as on the network.
func (c *catalog) find(ctx context.Context, code, issuer string) (offer, error) {
	if code == "" {
		return offer{}, anchor.Refuse("asset_code is missing")
	}
	offers, err := c.all(ctx)
	if err != nil {
		return offer{}, err
	}
	at := slices.IndexFunc(offers, func(o offer) bool { return o.Code == code && (issuer == "" || o.Issuer == issuer) })
	if at < 0 {
		return offer{}, anchor.Refuse("asset_code and asset_issuer do not name an asset that is received here; see /info")
	}
	return offers[at], nil
}
