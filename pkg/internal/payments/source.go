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
	// Payments reads the page behind a position; its Through was announced before it was read, and nothing behind Elder was
	// dropped until it had been. All of it comes from one server.
	Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error)
	// Wait returns when there may be something behind a position. It is a hint only.
	Wait(ctx context.Context, account string, after int64) error
}

// turner is a Source that may have several servers which do not all keep the same ledgers: *stellar.Horizon is one.
type turner interface {
	// TurnTo has those rest that do not keep a ledger, and tells whether another one does.
	TurnTo(ctx context.Context, ledger int64) bool
}

// beginner is a Source that reads ledger after ledger, where others pass at once over what does not concern an account.
type beginner interface {
	// Begin is the position behind which to begin with an account whose payments end at a position, and which was seen
	// through a ledger.
	Begin(position, throughLedger int64) int64
}

// reader reads one account page by page, always ahead of whoever applies them.
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
	if s, ok := r.source.(beginner); ok {
		at = s.Begin(at, r.from.ThroughLedger)
	}
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
	if err == nil && r.turns(ctx, at, page) {
		page, err = r.source.Payments(ctx, r.from.Account, at, r.limit)
	}
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
	return cut, nil
}

// turns tells whether a page that begins too late may be had whole from another server of the source.
func (r reader) turns(ctx context.Context, at int64, page stellar.Page) bool {
	c := r.from
	c.Position = at
	missing := firstUnseen(c)
	several, ok := r.source.(turner)
	return ok && page.Elder > missing && several.TurnTo(ctx, missing)
}

func joined(page, more stellar.Page) stellar.Page {
	all := append(page.Payments[:len(page.Payments):len(page.Payments)], more.Payments...)
	outgoing := append(page.Outgoing[:len(page.Outgoing):len(page.Outgoing)], more.Outgoing...)
	return stellar.Page{
		Records: page.Records + more.Records, Payments: all, Outgoing: outgoing, Position: more.Position, Full: more.Full, Through: more.Through,
		Elder: max(page.Elder, more.Elder),
	}
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
	if err := checkChain(c, root.Latest); err != nil { // whether there is a gap is told by the first page
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
