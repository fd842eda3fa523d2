package payments

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// actor is who changes transactions here, as the history names it.
const actor = "watch-transactions"

// Options say what crediting needs to know of the settings.
type Options struct {
	// Passphrase of the network whose payments the database holds.
	Passphrase string
	// RailOf names the rail of a funding method; empty where there is none: the payout then waits for an operator. nil: none.
	RailOf func(fundingMethod string) string
	// PolicyOf says what becomes of payments in an asset that are not what was agreed; the network's own asset has no issuer.
	// It must be pure and quick: it is asked while a database transaction is open. nil: everything is held.
	PolicyOf func(code, issuer string) Policy
	// Treasury tells of accounts that belong to the business too: what a receiving account sends there needs no explanation. nil: none.
	Treasury func(account string) bool
}

// Service credits payments and expires transactions. It is safe for concurrent use; of two that apply the same page at
// once, one wins.
type Service struct {
	db      *store.DB
	log     *slog.Logger
	options Options
	// crash is set by tests only: it fails the Tx at the point named.
	crash func(point string) error
}

// New makes a service; log may be nil.
func New(db *store.DB, log *slog.Logger, o Options) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: db, log: log, options: o}
}

func (s *Service) railOf(method string) string {
	if s.options.RailOf == nil {
		return ""
	}
	return s.options.RailOf(method)
}

// Open takes the cursor of a receiving account for the holder of a lease, and begins it where nobody has read the account
// yet. It is store.ErrCursorMoved where a younger lease has taken it.
func (s *Service) Open(ctx context.Context, account string, fence int64) (store.Cursor, error) {
	var c store.Cursor
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		c, err = tx.OpenCursor(ctx, account, s.options.Passphrase, fence)
		return err
	})
	return c, err
}

// Apply stores what a page holds, credits it and moves the cursor from where the page was read to its end, all in one
// database transaction. It answers where the cursor stands then: before the page's end where that is inside a Stellar
// transaction (see Whole).
//
// What lies in the data and keeps a page from being stored (store.Unfit) does not stop it: the page is then applied one
// Stellar transaction after the other, and one that cannot be stored even alone is kept as unreadable. Any other error
// leaves everything as it was. *ConflictError, *GapError and *ResetError mean that the watcher must stop;
// store.ErrCursorMoved that somebody else has applied the page or holds a younger lease.
func (s *Service) Apply(ctx context.Context, from store.Cursor, page stellar.Page, fence int64) (store.Cursor, error) {
	page, err := s.fit(from, page)
	if err != nil {
		return from, err
	}
	to, err := s.apply(ctx, from, page, fence)
	if err != nil && store.Unfit(err) {
		s.log.ErrorContext(ctx, "a page cannot be applied as a whole; applying it payment by payment", "account", from.Account, "error", err)
		return s.applySingly(ctx, from, page, fence, 1, store.Unfit)
	}
	return to, err
}

// ApplySingly is Apply one Stellar transaction after the other, for a page that keeps failing for no reason that is known.
// One that fails even alone, for whatever reason but the moment's, is kept as unreadable.
func (s *Service) ApplySingly(ctx context.Context, from store.Cursor, page stellar.Page, fence int64) (store.Cursor, error) {
	page, err := s.fit(from, page)
	if err != nil {
		return from, err
	}
	const tries = 3
	return s.applySingly(ctx, from, page, fence, tries, func(err error) bool { return s.persists(ctx, err) })
}

// fit checks a page against the cursor it was read from and cuts it to whole Stellar transactions.
func (s *Service) fit(from store.Cursor, page stellar.Page) (stellar.Page, error) {
	if err := checkHistory(from, page.Through, page.Elder); err != nil {
		return page, err
	}
	if err := checkOrder(from, page); err != nil {
		return page, err
	}
	if err := checkOutgoing(from, page); err != nil {
		return page, err
	}
	page, whole := Whole(from.Position, page)
	if !whole {
		return page, &PageError{"it ends inside the only Stellar transaction that it holds"}
	}
	return page, nil
}

func (s *Service) apply(ctx context.Context, from store.Cursor, page stellar.Page, fence int64) (store.Cursor, error) {
	to := from
	var v verdict
	var left departures
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if to, err = tx.MoveCursor(ctx, from, advancedBy(from, page), fence); err != nil {
			return err
		}
		if v, err = s.record(ctx, tx, from, page); err != nil {
			return err
		}
		left, err = s.recordOutgoing(ctx, tx, from, to, page)
		return err
	})
	if err != nil {
		return from, fmt.Errorf("apply the payments of %s from %d to %d: %w", from.Account, from.Position, page.Position, err)
	}
	s.tell(ctx, from.Account, v)
	s.tellOutgoing(ctx, from.Account, left)
	return to, nil
}

// record stores what is new on the page and what follows from it.
func (s *Service) record(ctx context.Context, tx *store.Tx, from store.Cursor, page stellar.Page) (verdict, error) {
	fresh, err := s.unseen(ctx, tx, from, page)
	if err != nil || len(fresh) == 0 {
		return verdict{}, err
	}
	by, err := tx.LockByMemo(ctx, from.Account, allMemos(fresh))
	if err != nil {
		return verdict{}, err
	}
	v := s.judgeAll(from.Chain, fresh, by)
	if err := tx.InsertPayments(ctx, v.rows); err != nil {
		return verdict{}, err
	}
	if err := s.point("stored"); err != nil {
		return verdict{}, err
	}
	if _, err := tx.Fund(ctx, v.fundings); err != nil {
		return verdict{}, err
	}
	if err := s.applyAll(ctx, tx, v); err != nil {
		return verdict{}, err
	}
	return v, s.point("credited")
}

// unseen leaves out payments that are stored already: whatever became of them since, they are not decided about again.
func (s *Service) unseen(ctx context.Context, tx *store.Tx, from store.Cursor, page stellar.Page) ([]stellar.Payment, error) {
	if len(page.Payments) == 0 {
		return nil, nil
	}
	seen, err := tx.SeenPayments(ctx, from.Chain, from.Account, from.Position, page.Position)
	if err != nil || len(seen) == 0 {
		return page.Payments, err
	}
	fresh := make([]stellar.Payment, 0, len(page.Payments))
	for i := range page.Payments {
		p := &page.Payments[i]
		stored, known := seen[keyOf(p)]
		if !known {
			fresh = append(fresh, *p)
			continue
		}
		if !samePayment(stored, p) {
			return nil, &ConflictError{
				Account: from.Account, OperationID: p.OperationID, Index: p.Index, StoredHash: stored.OuterHash, ReadHash: p.OuterHash,
				StoredU: stored.Units, ReadU: p.Units,
			}
		}
	}
	return fresh, nil
}

// samePayment tells whether what was read is what is stored. One that could not be read in one of the two cases is known by
// its hash alone, as far as even that could be read.
func samePayment(stored store.SeenPayment, p *stellar.Payment) bool {
	unreadable := stored.Judgement == anchor.JudgedUnreadable || p.Unreadable != ""
	if unreadable && (stored.InnerHash == "" || p.InnerHash == "") {
		return true
	}
	return stored.InnerHash == p.InnerHash && (unreadable || stored.Units == p.Units)
}

// advancedBy is where the cursor stands after a page. Only a page that is not full shows that an account was seen through.
func advancedBy(from store.Cursor, page stellar.Page) store.Cursor {
	to := from
	to.Position = page.Position
	if !page.Full && page.Through.Sequence > from.ThroughLedger {
		to.ThroughLedger, to.ThroughClosedUs, to.LedgerHash = page.Through.Sequence, micros(page.Through.ClosedAt), page.Through.Hash
	}
	return to
}

func (s *Service) point(name string) error {
	if s.crash == nil {
		return nil
	}
	return s.crash(name)
}

// tell logs what a page came to. It names neither memos nor payers.
func (s *Service) tell(ctx context.Context, account string, v verdict) {
	if len(v.rows) == 0 {
		return
	}
	open := map[anchor.Judgement]int{}
	back := v.sentBack()
	for i, row := range v.rows {
		if row.State == anchor.PaymentOpen && !back[i] {
			open[row.Judgement]++
		}
	}
	s.log.InfoContext(ctx, "payments stored", "account", account, "payments", len(v.rows), "transactions_funded", v.funded())
	for judgement, n := range open {
		s.log.WarnContext(ctx, "payments are held open; see 'anchor payments list --open'", "account", account, "judgement", judgement, "payments", n)
	}
}

// Lag is how far behind the network an account is known.
type Lag struct {
	Account       string
	ThroughLedger int64
	ThroughClosed time.Time // everything that closed until then is credited; the zero time before it was ever seen through
}

// Lag tells for each receiving account up to when it has been seen through.
func (s *Service) Lag(ctx context.Context) ([]Lag, error) {
	accounts, err := s.db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	cursors, err := s.db.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	read := make(map[string]store.Cursor, len(cursors))
	for _, c := range cursors {
		read[c.Account] = c
	}
	lags := make([]Lag, len(accounts))
	for i, a := range accounts {
		c := read[a.Account] // its zero value: no watcher has begun with it
		lags[i] = Lag{Account: a.Account, ThroughLedger: c.ThroughLedger, ThroughClosed: c.ThroughClosed()}
	}
	return lags, nil
}
