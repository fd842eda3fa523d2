package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// Statements is where the network's own account of an account is read: *stellar.Horizon is one.
type Statements interface {
	Source
	// AccountAt is an account with the ledger of which its balances are; stellar.ErrMoved where that cannot be told just now.
	AccountAt(ctx context.Context, account string) (stellar.Account, int64, error)
	// Effects is the page of an account's effects behind a position.
	Effects(ctx context.Context, account string, after stellar.EffectPosition, limit int) (stellar.EffectsPage, error)
	// Fees is what an account paid for envelopes behind a position.
	Fees(ctx context.Context, account string, after int64, limit int) (stellar.FeesPage, error)
}

// reconcileLease is the role of which one process at a time holds the lease.
const reconcileLease = "reconcile"

// ReconcileOptions say how to reconcile. Only Owner must be set.
type ReconcileOptions struct {
	Owner string        // unique to this process and start
	Lease time.Duration // how long one that died keeps others waiting; 0: 30 s
	Limit int           // records per page of the network's; 0: 200
	Batch int           // transactions per page of the books; 0: 1,000
	// Since leaves out transactions that were agreed longer ago, from the comparison of the books with themselves; 0: all.
	Since time.Duration
}

func (o ReconcileOptions) orDefaults() ReconcileOptions {
	const usual, batch = 30 * time.Second, 1000
	if o.Lease <= 0 {
		o.Lease = usual
	}
	if o.Limit <= 0 || o.Limit > stellar.MaxLimit {
		o.Limit = stellar.MaxLimit
	}
	if o.Batch <= 0 {
		o.Batch = batch
	}
	return o
}

// Reconciler compares the books with the ledger and with themselves. It changes nothing but what it has found and how far it got. It
// is safe for concurrent use; of several over one database one works at a time.
type Reconciler struct {
	db      *store.DB
	source  Statements
	log     *slog.Logger
	options ReconcileOptions
}

// NewReconciler makes a reconciler; log may be nil.
func NewReconciler(db *store.DB, source Statements, log *slog.Logger, o ReconcileOptions) *Reconciler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Reconciler{db: db, source: source, log: log, options: o.orDefaults()}
}

// ErrReconciling means that another process is comparing the books right now.
var ErrReconciling = errors.New("another process is reconciling; nothing was compared")

// Report is what one comparison came to.
type Report struct {
	Accounts []AccountReport
	Books    BooksReport
	Findings []store.Finding // everything that is open now, whenever it was found
	More     bool            // there are more findings than listed
}

// Agrees tells whether books and ledger agree: nothing is open.
func (r Report) Agrees() bool { return len(r.Findings) == 0 }

// mostFindings is how many findings a report lists.
const mostFindings = 1000

// Once compares every receiving account with the network, as far as a watcher has read it, and all transactions with their
// payments, payouts and refunds. What does not agree is stored and in the report; an error means that something could not be
// compared, and the report is of what could be. ErrReconciling: somebody else is at it.
func (r *Reconciler) Once(ctx context.Context) (report Report, err error) {
	err = r.alone(ctx, func(ctx context.Context) error {
		accounts, accountsErr := r.accounts(ctx)
		books, booksErr := r.books(ctx)
		report = Report{Accounts: accounts, Books: books}
		return errors.Join(accountsErr, booksErr, r.recognise(ctx))
	})
	open, listErr := r.db.OpenFindings(ctx, store.Finding{}, mostFindings+1)
	report.More = len(open) > mostFindings
	report.Findings = open[:min(len(open), mostFindings)]
	return report, errors.Join(err, listErr)
}

// Pass is Once for a loop (worker.Pass): what was found is logged; that another process reconciles is no error.
func (r *Reconciler) Pass(ctx context.Context) (worked bool, err error) {
	report, err := r.Once(ctx)
	if errors.Is(err, ErrReconciling) {
		return false, nil
	}
	if !report.Agrees() {
		r.log.ErrorContext(ctx, "books and ledger do not agree; see 'anchor reconcile'", "findings", len(report.Findings), "more", report.More)
	}
	return false, err
}

// alone runs f under the lease of the role.
func (r *Reconciler) alone(ctx context.Context, f func(context.Context) error) error {
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	patience := time.AfterFunc(r.options.Lease*3/2, giveUp)
	defer patience.Stop()
	var got atomic.Bool
	err := worker.Hold(waiting, r.db, reconcileLease, r.options.Owner, r.options.Lease, r.log, func(ctx context.Context, _ int64) error {
		if !got.Load() && !patience.Stop() {
			return nil
		}
		got.Store(true)
		return f(ctx)
	})
	if err == nil && ctx.Err() == nil && !got.Load() {
		return ErrReconciling
	}
	return errors.Join(err, ctx.Err())
}

// accounts compares each account; the trouble of one does not keep the others from being compared.
func (r *Reconciler) accounts(ctx context.Context) ([]AccountReport, error) {
	list, err := r.db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	reports, failures := make([]AccountReport, len(list)), make([]error, len(list))
	for i, a := range list {
		reports[i], failures[i] = r.account(ctx, a.Account)
		if failures[i] != nil {
			reports[i].Failure = failures[i].Error()
			failures[i] = fmt.Errorf("account %s: %w", a.Account, failures[i])
		}
	}
	return reports, errors.Join(failures...)
}

// Rebase has an account compared anew from the ledger that it has been seen through, with what it then holds as what it held
// before. It is for where the network's history is not kept any more; what lies in between is never compared.
func (r *Reconciler) Rebase(ctx context.Context, account, actor, reason string) error {
	return r.alone(ctx, func(ctx context.Context) error {
		return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.CursorOf(ctx, account)
			if err != nil {
				return err
			}
			if err := tx.ForgetReconciliation(ctx, account); err != nil {
				return err
			}
			_, err = tx.BeginReconciliation(ctx, account, c.Chain, c.ThroughLedger+1)
			return errors.Join(err, tx.NoteRebase(ctx, account, actor, reason))
		})
	})
}

// Accept closes an open finding by an operator's word.
func (r *Reconciler) Accept(ctx context.Context, id, actor, reason string) (f store.Finding, err error) {
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err = tx.AcceptFinding(ctx, id, actor, reason)
		return err
	})
	return f, err
}
