package anchor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/money"
)

// QuoteIntegration prices conversions (SEP-38): Polaris' QuoteIntegration. The toolkit keeps the quotes, binds them to their
// owner and redeems them once. No method runs while a database transaction is open.
type QuoteIntegration interface {
	// Offers lists what is exchanged here: the off-chain assets, and what each received asset can become.
	Offers(context.Context, OffersRequest) (Offers, error)
	// Price says what an exchange costs at this moment; it binds nobody. It is asked for GET /prices and GET /price, and
	// for a transaction without a firm quote when its payment has arrived. Refuse what cannot be exchanged so.
	Price(context.Context, PriceRequest) (Price, error)
	// Quote says what an exchange costs until a time, and from its return on the business is bound by it. The id is final,
	// but the row may never come: what it does must be safe to have been for nothing.
	Quote(context.Context, QuoteRequest) (Quote, error)
}

// OffersRequest asks for what is exchanged here.
type OffersRequest struct {
	From SendingAnchor // the zero value for somebody without a token
	Lang string        // ISO 639-1; empty: en
}

// Offers is what is exchanged here.
type Offers struct {
	OffChain []OffChainAsset
	Pairs    []Pair
}

// OffChainAsset is an asset outside the network, such as iso4217:BRL (SEP-38 "GET Info").
type OffChainAsset struct {
	Asset               money.Asset
	Decimals            int      // of its amounts, 0 to 7
	CountryCodes        []string // ISO 3166-1 alpha-2 or 3166-2; none: anywhere
	SellDeliveryMethods []DeliveryMethod
	BuyDeliveryMethods  []DeliveryMethod // how recipients get it; for SEP-31 the funding methods
}

// DeliveryMethod is a way in which an off-chain asset changes hands.
type DeliveryMethod struct{ Name, Description string }

// Pair is an exchange that can be asked for.
type Pair struct{ Sell, Buy money.Asset }

// PriceRequest asks for a price. Exactly one of the amounts is set, in the decimals of its asset.
type PriceRequest struct {
	From               SendingAnchor // the zero value for somebody without a token
	Pair               Pair
	SellDecimals       int
	BuyDecimals        int
	SellAmount         *money.Amount
	BuyAmount          *money.Amount
	SellDeliveryMethod string
	BuyDeliveryMethod  string
	CountryCode        string
	Context            string // sep6, sep24, sep31; empty for GET /prices
	Lang               string // ISO 639-1; empty: en
}

// Price is an exchange with its fee: SellAmount is given, Fee of it is kept, what is left becomes BuyAmount. The fee is in
// the asset that is sold: SEP-31's amounts follow from each other only so.
type Price struct {
	SellAmount money.Amount // with SellDecimals
	BuyAmount  money.Amount // with BuyDecimals
	Fee        Fee          // with SellDecimals
}

// Check tells whether a price answers a request: the decimals are those asked for, the amount that was fixed is the one that
// was asked for, something is left after the fee, and the parts of the fee add up. An error is a fault of the business.
func (p Price) Check(r PriceRequest) error {
	switch {
	case p.SellAmount.Decimals() != r.SellDecimals || p.Fee.Total.Decimals() != r.SellDecimals:
		return fmt.Errorf("the sold amount and the fee must have %d decimals", r.SellDecimals)
	case p.BuyAmount.Decimals() != r.BuyDecimals:
		return fmt.Errorf("the bought amount must have %d decimals", r.BuyDecimals)
	case p.SellAmount.IsZero() || p.BuyAmount.IsZero():
		return errors.New("an amount is zero")
	case r.SellAmount != nil && p.SellAmount != *r.SellAmount:
		return fmt.Errorf("the sold amount is %s, %s was asked for", p.SellAmount, r.SellAmount)
	case r.BuyAmount != nil && p.BuyAmount.Cmp(*r.BuyAmount) < 0:
		return fmt.Errorf("the bought amount is %s, %s was asked for", p.BuyAmount, r.BuyAmount)
	case p.Fee.Total.Cmp(p.SellAmount) >= 0:
		return fmt.Errorf("the fee of %s leaves nothing of %s", p.Fee.Total, p.SellAmount)
	}
	return p.Fee.check()
}

// check tells whether the parts, where there are any, add up to the total.
func (f Fee) check() error {
	if len(f.Details) == 0 {
		return nil
	}
	sum, err := money.New(0, f.Total.Decimals())
	if err != nil {
		return err
	}
	for _, part := range f.Details {
		exact, err := part.Amount.Rescale(f.Total.Decimals(), money.Down)
		if err != nil {
			return fmt.Errorf("fee %q: %w", part.Name, err)
		}
		if sum, err = sum.Add(exact); err != nil {
			return fmt.Errorf("fee %q: %w", part.Name, err)
		}
	}
	if sum != f.Total {
		return fmt.Errorf("the parts of the fee add up to %s, not to %s", sum, f.Total)
	}
	return nil
}

// QuoteRequest asks for a firm quote.
type QuoteRequest struct {
	PriceRequest
	ID          string
	ExpireAfter time.Time // the quote must be good until then at least; zero: whatever the business gives
}

// Quote is a price that the business keeps to until a time.
type Quote struct {
	Price
	ExpiresAt time.Time // whole seconds
}
