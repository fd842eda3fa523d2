package customers

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Quota is what accounts may keep here that the business has no agreement with. Everybody who has a key pair is such an
// account, as often as he likes: hence the bound over all of them. 0 is nothing.
type Quota struct {
	Accounts  int // altogether
	Customers int // of one account
	Bytes     int // of one account: values as they are stored, and files
}

// changesPerCustomer is how often a stranger may change something in a day, for each customer that it may have: every
// change leaves a line in the history, which is never removed.
const changesPerCustomer = 10

// Strangers bounds what accounts without an agreement may keep. admit tells who has one: an error of CodeForbidden is for
// who has none. It is asked at every request that gives something, outside of any database transaction. Without this option
// nobody is bounded.
func Strangers(admit func(context.Context, anchor.SendingAnchor) error, q Quota) Option {
	return func(o *options) { o.admit, o.quota = admit, q }
}

// strangerOf tells what bounds a caller who gives something; nil: it has an agreement. Who has no place and gets none is
// refused before anything is done for it.
func (s *Service) strangerOf(ctx context.Context, caller anchor.SendingAnchor) (*store.Stranger, error) {
	if s.options.admit == nil {
		return nil, nil
	}
	err := s.options.admit(ctx, caller)
	if err == nil {
		return nil, nil
	}
	if anchor.CodeOf(err) != anchor.CodeForbidden {
		return nil, fmt.Errorf("ask whether there is an agreement: %w", err)
	}
	q := s.options.quota
	stranger := &store.Stranger{
		Account: caller.Account, Places: int64(q.Accounts), Changes: int64(q.Customers) * changesPerCustomer, Customers: int64(q.Customers), Bytes: int64(q.Bytes),
	}
	return stranger, s.overQuota(s.db.PlaceFor(ctx, *stranger))
}

// takePlace counts a change of a stranger. Who has an agreement leaves the place that it had before.
func (s *Service) takePlace(ctx context.Context, tx *store.Tx, stranger *store.Stranger, account string, created bool) error {
	switch {
	case stranger != nil:
		return s.overQuota(tx.TakePlace(ctx, *stranger))
	case created && s.options.admit != nil:
		return tx.LeavePlace(ctx, account)
	}
	return nil
}

// checkPlace looks at what a stranger keeps once everything is written.
func (s *Service) checkPlace(ctx context.Context, tx *store.Tx, stranger *store.Stranger) error {
	if stranger == nil {
		return nil
	}
	return s.overQuota(tx.CheckPlace(ctx, *stranger))
}

// overQuota tells a stranger which bound it has reached.
func (s *Service) overQuota(err error) error {
	const without, mend = "this account has no agreement with the business: ", "; ask the business for one"
	q := s.options.quota
	switch {
	case errors.Is(err, store.ErrNoPlace):
		return anchor.RefuseAs(anchor.CodeForbidden, fmt.Sprintf("%sdata of at most %d such accounts are kept, and there is no place left%s", without, q.Accounts, mend))
	case errors.Is(err, store.ErrManyCustomers):
		return anchor.RefuseAs(anchor.CodeForbidden, fmt.Sprintf("%sit may have %d customers%s, or delete some", without, q.Customers, mend))
	case errors.Is(err, store.ErrManyBytes):
		return anchor.RefuseAs(anchor.CodeTooLarge, fmt.Sprintf("%swhat it keeps may have %d bytes altogether, files included%s, or delete some", without, q.Bytes, mend))
	case errors.Is(err, store.ErrManyChanges):
		return anchor.RefuseAs(anchor.CodeForbidden, fmt.Sprintf("%sit may change %d things in a day%s", without, q.Customers*changesPerCustomer, mend))
	}
	return err
}

// sweepPlaces frees the places of strangers who keep nothing any more.
func (s *Service) sweepPlaces(ctx context.Context) error {
	_, err := s.db.PrunePlaces(ctx)
	return err
}
