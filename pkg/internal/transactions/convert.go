package transactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// conversion is what a transaction is paid out as (SEP-31 "Asset Conversions").
type conversion struct {
	asset    string // in the asset identification format
	decimals int
	quote    *store.Quote // the firm quote that fixes everything; nil without one
	open     bool         // the price is made when the payment has arrived
}

// convert finds out what is to be paid out: the asset as itself, what a firm quote says, or another asset at the price of the
// moment in which the payment arrives.
func (s *Service) convert(ctx context.Context, a *agreement, amount money.Amount) (conversion, error) {
	r, own := a.request, a.offer.id()
	if r.QuoteID != "" {
		return s.quoted(ctx, a, amount)
	}
	itself := r.DestinationAsset == "" || r.DestinationAsset == own
	if itself && !s.options.QuotesRequired {
		return conversion{asset: own, decimals: money.StellarDecimals}, nil
	}
	offers, err := s.exchanges(ctx, a.offer, a.who, r.Lang)
	if err != nil {
		return conversion{}, err
	}
	if itself && len(offers) == 0 {
		return conversion{asset: own, decimals: money.StellarDecimals}, nil
	}
	if s.options.QuotesRequired && len(offers) > 0 {
		return conversion{}, anchor.Refuse("quote_id is missing: a firm quote is needed, see SEP-38 POST /quote")
	}
	at := slices.IndexFunc(offers, func(o anchor.OffChainAsset) bool { return o.Asset.String() == r.DestinationAsset })
	if at < 0 {
		return conversion{}, anchor.Refusef("destination_asset: %s cannot be exchanged for it here; see SEP-38 GET /prices", a.offer.Code)
	}
	if err := deliverable(offers[at], a.method); err != nil {
		return conversion{}, err
	}
	return conversion{asset: r.DestinationAsset, decimals: offers[at].Decimals, open: true}, nil
}

// deliverable holds the funding method against the ways in which an asset gets to its recipient, where there are any.
func deliverable(o anchor.OffChainAsset, method string) error {
	known := func(m anchor.DeliveryMethod) bool { return m.Name == method }
	if method == "" || len(o.BuyDeliveryMethods) == 0 || slices.ContainsFunc(o.BuyDeliveryMethods, known) {
		return nil
	}
	return anchor.Refusef("funding_method: %s does not deliver %s", method, o.Asset)
}

// exchanges lists what an asset can be exchanged for.
func (s *Service) exchanges(ctx context.Context, o offer, who anchor.SendingAnchor, lang string) ([]anchor.OffChainAsset, error) {
	if s.quotes == nil || !o.Sep38Enabled {
		return nil, nil
	}
	offers, err := s.quotes.Offers(ctx, anchor.OffersRequest{From: who, Lang: lang})
	if err != nil {
		return nil, fmt.Errorf("offers: %w", err)
	}
	var list []anchor.OffChainAsset
	for _, asset := range offers.OffChain {
		if slices.ContainsFunc(offers.Pairs, func(p anchor.Pair) bool { return p.Sell.String() == o.id() && p.Buy == asset.Asset }) {
			list = append(list, asset)
		}
	}
	return list, nil
}

var (
	errNoQuote      = anchor.Refuse("quote_id: you have no quote of this id")
	errQuoteUsed    = anchor.Refuse("quote_id: this quote was used for another transaction")
	errQuoteExpired = anchor.Refuse("quote_id: this quote has expired; ask for a new one")
)

// quoted holds a request against its firm quote. It is redeemed later, with the row.
func (s *Service) quoted(ctx context.Context, a *agreement, amount money.Amount) (conversion, error) {
	if s.quotes == nil {
		return conversion{}, anchor.Refuse("quote_id: quotes are not supported")
	}
	if !wellFormed(a.request.QuoteID) {
		return conversion{}, errNoQuote
	}
	q, err := s.db.QuoteOf(ctx, a.who.Account, a.request.QuoteID)
	if errors.Is(err, store.ErrNotFound) {
		return conversion{}, errNoQuote
	}
	if err != nil {
		return conversion{}, err
	}
	if err := matches(a, amount, q); err != nil {
		return conversion{}, err
	}
	if err := s.delivers(ctx, a, q); err != nil {
		return conversion{}, err
	}
	return conversion{asset: q.BuyAsset, decimals: int(q.BuyDecimals), quote: &q}, nil
}

// delivers holds the funding method against what delivers the asset of a quote that names none. An asset that is not offered
// any more is delivered all the same: the quote binds.
func (s *Service) delivers(ctx context.Context, a *agreement, q store.Quote) error {
	if q.BuyDeliveryMethod != "" {
		return nil
	}
	offers, err := s.exchanges(ctx, a.offer, a.who, a.request.Lang)
	if err != nil {
		return err
	}
	for _, o := range offers {
		if o.Asset.String() == q.BuyAsset {
			return deliverable(o, a.method)
		}
	}
	return nil
}

// matches wants everything that request and quote both say to be the same (SEP-31 "quote_id").
func matches(a *agreement, amount money.Amount, q store.Quote) error {
	r := a.request
	sold, err := money.New(q.SellUnits, int(q.SellDecimals))
	if err != nil {
		return fmt.Errorf("quote %s: %w", q.ID, err)
	}
	switch {
	case q.Context != "sep31":
		return anchor.Refusef("quote_id: this quote was made for %s", q.Context)
	case q.SellAsset != a.offer.id():
		return anchor.Refusef("quote_id: the quote sells %s, not %s", q.SellAsset, a.offer.id())
	case r.DestinationAsset != "" && r.DestinationAsset != q.BuyAsset:
		return anchor.Refusef("destination_asset: the quote is for %s", q.BuyAsset)
	case q.BuyDeliveryMethod != "" && a.method != q.BuyDeliveryMethod:
		return anchor.Refusef("funding_method: the quote is for %s", q.BuyDeliveryMethod)
	}
	if exact, err := sold.Rescale(money.StellarDecimals, money.Down); err != nil || exact != amount {
		return anchor.Refusef("amount: the quote sells %s", sold.Short())
	}
	return nil
}

// pricedBy is what a conversion makes of an amount; without a price the fee and what goes out are not known yet.
func (c conversion) pricedBy(amount money.Amount) (priced, error) {
	zero, err := money.New(0, money.StellarDecimals)
	if err != nil {
		return priced{}, err
	}
	if c.open {
		out, err := money.New(0, c.decimals)
		return priced{Breakdown: anchor.Breakdown{In: amount, Fee: zero, Out: out}}, err
	}
	fee, err := money.New(c.quote.FeeUnits, int(c.quote.SellDecimals))
	if err != nil {
		return priced{}, fmt.Errorf("fee of the quote: %w", err)
	}
	if fee, err = fee.Rescale(money.StellarDecimals, money.Up); err != nil {
		return priced{}, fmt.Errorf("fee of the quote: %w", err)
	}
	out, err := money.New(c.quote.BuyUnits, c.decimals)
	if err != nil {
		return priced{}, fmt.Errorf("amount of the quote: %w", err)
	}
	p := priced{Breakdown: anchor.Breakdown{In: amount, Fee: fee, Out: out}}
	p.parts, err = partsOfQuote(c.quote.FeeDetails)
	return p, err
}

// partsOfQuote reads the parts of a fee as they are stored, which is as SEP-38 shows them.
func partsOfQuote(stored string) ([]anchor.FeePart, error) {
	if stored == "" {
		return nil, nil
	}
	var details []anchor.FeeDetail
	if err := json.Unmarshal([]byte(stored), &details); err != nil {
		return nil, fmt.Errorf("fee of the quote: %w", err)
	}
	parts := make([]anchor.FeePart, len(details))
	for i, d := range details {
		amount, err := money.Parse(d.Amount, money.StellarDecimals)
		if err != nil {
			return nil, fmt.Errorf("fee of the quote: %w", err)
		}
		parts[i] = anchor.FeePart{Name: d.Name, Description: d.Description, Amount: amount}
	}
	return parts, nil
}

// price is what a firm quote agreed on, for the business to see; nil without one.
func (c conversion) price(p priced) *anchor.Price {
	if c.quote == nil {
		return nil
	}
	return &anchor.Price{SellAmount: p.In, BuyAmount: p.Out, Fee: p.fee()}
}

// redeem uses a transaction's quote up in the Tx that stores it (I10), and has the transaction expire with it.
func redeem(ctx context.Context, tx *store.Tx, t *store.Transaction) error {
	if t.QuoteID == "" {
		return nil
	}
	q, err := tx.RedeemQuote(ctx, t.OwnerAccount, t.QuoteID, t.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errNoQuote
	case errors.Is(err, store.ErrQuoteRedeemed):
		return errQuoteUsed
	case errors.Is(err, store.ErrQuoteExpired):
		return errQuoteExpired
	case err != nil:
		return err
	}
	t.ExpiresUs = q.ExpiresUs
	return nil
}
