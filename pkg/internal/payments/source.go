package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Source is where payments are read from: *stellar.Horizon is one.
type Source interface {
	// CheckNetwork is a *stellar.WrongNetworkError where another network is served than the settings name.
	CheckNetwork(ctx context.Context) error
	Root(ctx context.Context) (stellar.Root, error)
	Ledger(ctx context.Context, sequence int64) (stellar.Ledger, error)
	// Payments reads the page behind a position; its Through and Elder were announced before it was read.
	Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error)
	// Wait returns when there may be something behind a position. It is a hint only.
	Wait(ctx context.Context, account string, after int64) error
}

// retention is the number of ledgers of about a day. A source that keeps at least so many before the first one that is
// still to be read will not drop that one while a page is being read.
const retention = 24 * 3600 / 5

// reader reads one account page by page, always one page ahead of whoever applies them.
type reader struct {
	source Source
	limit  int
	from   store.Cursor // where it begins
}

type fetched struct {
	page stellar.Page
	err  error
}

// read sends pages, of whole Stellar transactions, until one is not full, an error or the end of ctx; then it closes.
func (r reader) read(ctx context.Context, pages chan<- fetched) {
	defer close(pages)
	at := r.from.Position
	for {
		page, err := r.page(ctx, at)
		if err == nil && page.Full && page.Position <= at {
			err = &PageError{fmt.Sprintf("it is full, but brings nothing behind the position %d", at)}
		}
		select {
		case <-ctx.Done():
			return
		case pages <- fetched{page, err}:
		}
		if err != nil || !page.Full {
			return
		}
		at = page.Position
	}
}

// page reads the page behind a position, and more where it ends inside its only Stellar transaction.
func (r reader) page(ctx context.Context, at int64) (stellar.Page, error) {
	page, err := r.source.Payments(ctx, r.from.Account, at, r.limit)
	if err != nil {
		return stellar.Page{}, err
	}
	cut, whole := Whole(at, page)
	for !whole {
		more, err := r.source.Payments(ctx, r.from.Account, page.Position, r.limit)
		if err != nil {
			return stellar.Page{}, err
		}
		if more.Full && more.Position <= page.Position {
			return stellar.Page{}, &PageError{fmt.Sprintf("it is full, but brings nothing behind the position %d", page.Position)}
		}
		page = joined(page, more)
		cut, whole = Whole(at, page)
	}
	return r.keptUntilNow(ctx, at, cut)
}

func joined(page, more stellar.Page) stellar.Page {
	all := append(page.Payments[:len(page.Payments):len(page.Payments)], more.Payments...)
	return stellar.Page{
		Records: page.Records + more.Records, Payments: all, Position: more.Position, Full: more.Full, Through: more.Through,
		Elder: max(page.Elder, more.Elder),
	}
}

// keptUntilNow asks once more which ledgers the source keeps, where it may have dropped some while the page was read: a
// Horizon begins such a page silently with the oldest ledger that it still has.
func (r reader) keptUntilNow(ctx context.Context, at int64, page stellar.Page) (stellar.Page, error) {
	c := r.from
	c.Position = at
	if page.Elder <= 2 || firstUnseen(c)-page.Elder > retention {
		return page, nil
	}
	root, err := r.source.Root(ctx)
	if err != nil {
		return stellar.Page{}, err
	}
	page.Elder = max(page.Elder, root.Elder)
	return page, nil
}

// verify makes sure that the source shows the network and the history that the cursor was moved along.
func verify(ctx context.Context, source Source, c store.Cursor) error {
	if err := source.CheckNetwork(ctx); err != nil {
		return err
	}
	root, err := source.Root(ctx)
	if err != nil {
		return err
	}
	if err := checkHistory(c, root.Latest, root.Elder); err != nil {
		return err
	}
	if c.LedgerHash == "" || root.Latest.Sequence < c.ThroughLedger || root.Elder > c.ThroughLedger {
		return nil
	}
	same, err := source.Ledger(ctx, c.ThroughLedger)
	if errors.Is(err, stellar.ErrBeforeHistory) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the ledger seen through: %w", err)
	}
	return checkHash(c, same)
}
