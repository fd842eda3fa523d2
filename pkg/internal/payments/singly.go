package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// applySingly applies the Stellar transactions of a page one after the other, each in a Tx of its own. One that fails as
// often as it is tried, for a reason that is hopeless, is kept as unreadable.
func (s *Service) applySingly(
	ctx context.Context, from store.Cursor, page stellar.Page, fence int64, tries int, hopeless func(error) bool,
) (store.Cursor, error) {
	at := from
	for _, part := range transactionsOf(page) {
		next, err := s.apply(ctx, at, part, fence)
		for try := 1; try < tries && err != nil && hopeless(err); try++ {
			next, err = s.apply(ctx, at, part, fence)
		}
		if err != nil && hopeless(err) {
			next, err = s.keep(ctx, at, part, fence, err)
		}
		if err != nil {
			return at, err
		}
		at = next
	}
	return at, nil
}

// persists tells whether err is none of the moment: not the end of the context, not somebody else's write, not a database
// that is away.
func (s *Service) persists(ctx context.Context, err error) bool {
	if ctx.Err() != nil || stops(err) || errors.Is(err, store.ErrCursorMoved) || errors.Is(err, store.ErrStale) {
		return false
	}
	return s.db.Ping(ctx) == nil
}

// keep stores payments that cannot be applied as unreadable: nobody is credited, nothing is lost, an operator sees them.
func (s *Service) keep(ctx context.Context, from store.Cursor, page stellar.Page, fence int64, why error) (store.Cursor, error) {
	s.log.ErrorContext(ctx, "payments cannot be applied and are kept as unreadable; see 'anchor payments list --open'",
		"account", from.Account, "position", page.Position, "error", why)
	to := from
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if to, err = tx.MoveCursor(ctx, from, advancedBy(from, page), fence); err != nil {
			return err
		}
		fresh, err := s.unseen(ctx, tx, from, page)
		if err != nil {
			return err
		}
		rows := make([]store.Payment, len(fresh))
		for i := range fresh {
			rows[i] = unreadableRow(from.Chain, &fresh[i], why)
		}
		if err := tx.InsertPayments(ctx, rows); err != nil {
			return err
		}
		_, err = s.recordOutgoing(ctx, tx, from, to, page)
		return err
	})
	if err != nil {
		return from, fmt.Errorf("keep unreadable payments of %s: %w", from.Account, err)
	}
	return to, nil
}
