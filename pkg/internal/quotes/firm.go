package quotes

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Firm is a quote that the business keeps to until it expires. It is the same whenever it is read.
type Firm struct {
	Priced
	ID        string
	ExpiresAt time.Time // UTC, whole seconds
	// SellDeliveryMethod and BuyDeliveryMethod are those that the request named; empty where it named none.
	SellDeliveryMethod, BuyDeliveryMethod string
}

func firmOf(q store.Quote) (Firm, error) {
	pair, err := q.Pair()
	if err != nil {
		return Firm{}, err
	}
	price, err := q.Price()
	if err != nil {
		return Firm{}, err
	}
	priced, err := pricedOf(pair, price)
	if err != nil {
		return Firm{}, fmt.Errorf("quote %s: %w", q.ID, err)
	}
	return Firm{
		Priced: priced, ID: q.ID, ExpiresAt: q.ExpiresAt(),
		SellDeliveryMethod: q.SellDeliveryMethod, BuyDeliveryMethod: q.BuyDeliveryMethod,
	}, nil
}

// Quote has the business bind itself to a price (SEP-38 "POST Quote"), for the base account of whoever asks. A time that the
// business cannot keep the price until is refused.
func (s *Service) Quote(ctx context.Context, by Admitted, r Request) (Firm, error) {
	if by.who.Account == "" {
		return Firm{}, errNotAdmitted()
	}
	if err := r.checkContext(contextSEP6, contextSEP24, contextSEP31); err != nil {
		return Firm{}, err
	}
	after, err := r.expireAfter()
	if err != nil {
		return Firm{}, err
	}
	asked, err := s.judge(ctx, by.who, r, true)
	if err != nil {
		return Firm{}, err
	}
	row, err := s.bind(ctx, anchor.QuoteRequest{PriceRequest: asked, ID: store.NewID(), ExpireAfter: after})
	if err != nil {
		return Firm{}, err
	}
	row.SellDeliveryMethod, row.BuyDeliveryMethod = r.SellDeliveryMethod, r.BuyDeliveryMethod
	if err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.InsertQuote(ctx, row) }); err != nil {
		return Firm{}, err
	}
	return firmOf(row)
}

// bind asks the business and makes a row of what it answers. No database transaction is open.
func (s *Service) bind(ctx context.Context, r anchor.QuoteRequest) (row store.Quote, err error) {
	quote, err := s.integration.Quote(ctx, r)
	if err != nil {
		return row, fmt.Errorf("quote: %w", err)
	}
	if err := s.check(quote, r); err != nil {
		return row, err
	}
	row.ID, row.OwnerAccount, row.Context, row.CountryCode = r.ID, r.From.Account, r.Context, r.CountryCode
	row.ExpiresUs = quote.ExpiresAt.UnixMicro()
	return row, row.SetPrice(r.Pair, quote.Price)
}

// check tells a time that was too much to ask from faults of the business.
func (s *Service) check(quote anchor.Quote, r anchor.QuoteRequest) error {
	if err := quote.Check(r.PriceRequest); err != nil {
		return fmt.Errorf("quote of the business: %w", err)
	}
	switch {
	case quote.ExpiresAt.Nanosecond() != 0 || quote.ExpiresAt.UTC().Year() > 9999:
		return fmt.Errorf("quote of the business: it expires at %s, which must be a whole second of four-digit years", quote.ExpiresAt)
	case !quote.ExpiresAt.After(s.now()):
		return fmt.Errorf("quote of the business: it expires at %s, which is not in the future", quote.ExpiresAt)
	case quote.ExpiresAt.Before(r.ExpireAfter):
		return anchor.Refuse("expire_after: no quote can be given for that long")
	}
	return nil
}
