package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Range is a stretch of ledgers, its ends included.
type Range struct {
	First, Last int64 // a Last of 0: as far as each account has been seen through
}

// Replayed is what reading a stretch of ledgers again came to for one account.
type Replayed struct {
	Account          string
	Watched          Range // what the watcher has passed
	Range            Range // what of the range asked for was read: that within Watched. Empty where Last < First
	Payments         int   // on the network in these ledgers
	Outgoing         int   // likewise, movements out
	MissingPayments  int   // of those, not stored before; they are now
	MissingOutgoing  int
	TransactionsPaid int  // funded by what was missing
	NeverRead        bool // no watcher has begun with the account yet
}

// Replay reads ledgers again that have been read before and stores what is missing of them, for the accounts given, or for
// all. It goes through the same decisions as the first reading. What is stored stays as it is, so that doing it twice changes
// nothing, and no cursor moves. It keeps to what each account has been read through: ledgers before the one from which an
// account is watched are not ours, later ones are left to the watcher, which may work meanwhile.
//
// *ConflictError: what is stored is not what the source shows. *GapError: the source does not keep the ledgers any more.
// It answers what was done for accounts before one that failed, too.
func (w *Watcher) Replay(ctx context.Context, over Range, accounts ...string) ([]Replayed, error) {
	if over.First < 1 || over.Last != 0 && over.Last < over.First {
		return nil, fmt.Errorf("ledgers %d to %d are no range", over.First, over.Last)
	}
	if len(accounts) == 0 {
		all, err := w.db.ReceivingAccounts(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			accounts = append(accounts, a.Account)
		}
	}
	var done []Replayed
	for _, account := range accounts {
		r, err := w.replay(ctx, account, over)
		if err != nil {
			return done, fmt.Errorf("replay %s: %w", account, err)
		}
		done = append(done, r)
	}
	return done, nil
}

func (w *Watcher) replay(ctx context.Context, account string, over Range) (Replayed, error) {
	if _, err := w.db.ReceivingAccount(ctx, account); err != nil {
		return Replayed{}, err
	}
	c, err := w.db.CursorOf(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return Replayed{Account: account, NeverRead: true, Range: Range{First: over.First}}, nil
	}
	if err != nil {
		return Replayed{}, err
	}
	watched := passedBy(c)
	r := Replayed{Account: account, Watched: watched, Range: over.within(watched)}
	if r.Range.Last < r.Range.First {
		return r, nil
	}
	if err := verify(ctx, w.source, c); err != nil {
		return r, err
	}
	return r, w.readAgain(ctx, beforeLedger(c, r.Range.First), &r)
}

// passedBy is what an account has been read through. The position's own ledger may have been read in part.
func passedBy(c store.Cursor) Range {
	return Range{First: c.StartedLedger, Last: max(c.ThroughLedger, (c.Position+1)>>ledgerShift-1)}
}

func (r Range) within(other Range) Range {
	if r.Last == 0 {
		r.Last = other.Last
	}
	return Range{First: max(r.First, other.First), Last: min(r.Last, other.Last)}
}

// beforeLedger is a cursor as it stood before a ledger was read. It is never written.
func beforeLedger(c store.Cursor, ledger int64) store.Cursor {
	c.Position, c.ThroughLedger, c.ThroughClosedUs, c.LedgerHash = ledger<<ledgerShift-1, ledger-1, 0, ""
	return c
}

// readAgain reads page after page up to the end of the range.
func (w *Watcher) readAgain(ctx context.Context, at store.Cursor, r *Replayed) error {
	from := reader{source: w.source, limit: w.options.Limit, from: at}
	end := (r.Range.Last+1)<<ledgerShift - 1
	for at.Position < end {
		page, err := from.page(ctx, at.Position)
		switch {
		case err != nil:
			return err
		case page.Full && page.Position <= at.Position:
			return &PageError{fmt.Sprintf("it is full, but brings nothing behind the position %d", at.Position)}
		case !page.Full && page.Through.Sequence < r.Range.Last:
			return &PageError{fmt.Sprintf("the network is shown to ledger %d only: try again", page.Through.Sequence)}
		}
		page = upTo(page, end)
		if err := w.service.applyAgain(ctx, at, page, r); err != nil {
			return err
		}
		at.Position = page.Position
	}
	return nil
}

// upTo cuts a page at a position. One that reaches it, or behind which there is nothing more, ends there.
func upTo(page stellar.Page, end int64) stellar.Page {
	if page.Full && page.Position < end {
		return page
	}
	page.Payments, page.Outgoing = between(page.Payments, 0, end), between(page.Outgoing, 0, end)
	page.Position, page.Full = end, false
	return page
}

// applyAgain is Apply without the cursor.
func (s *Service) applyAgain(ctx context.Context, from store.Cursor, page stellar.Page, r *Replayed) error {
	page, err := s.fit(from, page)
	if err != nil {
		return err
	}
	to := from
	to.Position = page.Position
	var v verdict
	var left departures
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if v, err = s.record(ctx, tx, from, page); err != nil {
			return err
		}
		left, err = s.recordOutgoing(ctx, tx, from, to, page)
		return err
	})
	if err != nil {
		return fmt.Errorf("apply the payments from %d to %d again: %w", from.Position, page.Position, err)
	}
	s.tell(ctx, from.Account, v)
	s.tellOutgoing(ctx, from.Account, left)
	r.Payments += len(page.Payments)
	r.Outgoing += len(page.Outgoing)
	r.MissingPayments += len(v.rows)
	r.MissingOutgoing += left.stored
	r.TransactionsPaid += v.funded()
	return nil
}
