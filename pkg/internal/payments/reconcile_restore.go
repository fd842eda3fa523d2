package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// RestoreReport is what was found and done after the database had been restored from an older copy.
type RestoreReport struct {
	Accounts    []Lag                    // each read to the head
	Adopted     []AdoptedRefund          // refunds that had left already
	Unexplained []store.OutgoingMovement // what else left: the refunds of those accounts stay stopped until an operator says why
	Parked      []store.Payout           // not sent, and of transactions that those may have refunded: they wait for an operator now
	AskAbout    []store.ListedPayout     // payouts that will be asked about before they are sent, or whose outcome is open
	More        bool                     // there are more of them than listed
}

// AdoptedRefund is a refund with the movement that brought it back.
type AdoptedRefund struct {
	RefundID string
	Movement store.OutgoingMovement
}

// MarkRestored marks the database as an older copy than the world: from then on nothing is sent from it.
func (r *Reconciler) MarkRestored(ctx context.Context, actor, reason string) error {
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.MarkRestored(ctx, actor, reason) })
}

// AfterRestore makes a restored copy fit to send again (I14). It marks the database first, so that nobody sends meanwhile; has every
// account read to the network's head by `watch` (Watcher.Once); finds among what left the accounts the refunds that the copy
// believes still to be made; leaves to an operator the payouts, not sent yet, of what may have gone back besides; and ends the mark. From then on a payout of a transaction that was agreed before is not sent before its
// rail was asked, by the key that follows from the transaction, whether it has it. On any error the mark stays.
func (r *Reconciler) AfterRestore(ctx context.Context, watch func(context.Context) error, actor, reason string) (RestoreReport, error) {
	var report RestoreReport
	if err := r.MarkRestored(ctx, actor, reason); err != nil {
		return report, err
	}
	if err := r.quiet(ctx); err != nil {
		return report, err
	}
	if err := r.toHeads(ctx, watch); err != nil {
		return report, err
	}
	err := r.alone(ctx, func(ctx context.Context) error {
		var err error
		if report.Accounts, err = r.atHeads(ctx); err != nil {
			return err
		}
		if err := r.adopt(ctx, &report, actor); err != nil {
			return err
		}
		if err := r.askAbout(ctx, &report); err != nil {
			return err
		}
		return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.ClearRestored(ctx, actor, reason) })
	})
	return report, err
}

// quiet makes sure that nobody who claimed a payout before the mark may still be sending it.
func (r *Reconciler) quiet(ctx context.Context) error {
	n, until, err := r.db.UnderLease(ctx)
	if err != nil || n == 0 {
		return err
	}
	return fmt.Errorf("%d payouts may be on their way to their rails until %s: stop execute-outgoing, wait until then and run this again",
		n, until.UTC().Format(time.RFC3339))
}

func (r *Reconciler) toHeads(ctx context.Context, watch func(context.Context) error) error {
	if err := r.source.CheckNetwork(ctx); err != nil {
		return err
	}
	if err := watch(ctx); err != nil {
		return fmt.Errorf("read every account to the head: %w", err)
	}
	return nil
}

// atHeads makes sure that every account was read to where the network stands now, by this process or by another one.
func (r *Reconciler) atHeads(ctx context.Context) ([]Lag, error) {
	accounts, err := r.db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	root, err := r.source.Root(ctx)
	if err != nil {
		return nil, err
	}
	lags := make([]Lag, len(accounts))
	for i, a := range accounts {
		c, err := r.readThrough(ctx, a.Account, root.Latest.Sequence)
		if err != nil {
			return nil, err
		}
		lags[i] = Lag{Account: a.Account, ThroughLedger: c.ThroughLedger, ThroughClosed: c.ThroughClosed()}
	}
	return lags, nil
}

// behindAtMost is by how many ledgers an account may be behind a network that goes on closing them while this is checked. What left
// it in those is read before a refund is built in any case.
const behindAtMost = 12

func (r *Reconciler) readThrough(ctx context.Context, account string, latest int64) (store.Cursor, error) {
	c, err := r.db.CursorOf(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return store.Cursor{}, fmt.Errorf("account %s has not been read: is another watcher in charge that cannot read it? See its log", account)
	}
	if err == nil && (c.ThroughClosedUs == 0 || c.ThroughLedger < latest-behindAtMost) {
		err = fmt.Errorf("account %s is read through ledger %d only, the network is at %d: another watcher is in charge and behind; run this "+
			"again when it has caught up", account, c.ThroughLedger, latest)
	}
	return c, err
}

// adopt finds the refunds that had left before the copy was restored.
func (r *Reconciler) adopt(ctx context.Context, report *RestoreReport, actor string) error {
	const most = 10_000
	list, err := r.db.MovementsToExplain(ctx, most)
	if err != nil {
		return err
	}
	for _, m := range list {
		id, err := r.adoptOne(ctx, m, actor)
		if err != nil {
			return err
		}
		if id == "" {
			report.Unexplained = append(report.Unexplained, m)
			if err := r.park(ctx, report, m, actor); err != nil {
				return err
			}
			continue
		}
		report.Adopted = append(report.Adopted, AdoptedRefund{id, m})
	}
	return nil
}

// adoptOne answers the refund that a movement was; none where nothing fits.
func (r *Reconciler) adoptOne(ctx context.Context, m store.OutgoingMovement, actor string) (refundID string, err error) {
	candidates, err := r.db.RefundsLike(ctx, m)
	if err != nil {
		return "", err
	}
	change := anchor.Change{
		Cause: anchor.CauseNoted, Actor: actor,
		Reason: "it had left in transaction " + m.OuterHash + ", before the database was restored from an older copy",
	}
	for _, candidate := range candidates {
		adopted := false
		err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			adopted, err = tx.AdoptMovement(ctx, candidate.ID, m, change)
			return err
		})
		if errors.Is(err, store.ErrExists) { // its envelope brought another refund back already
			return "", nil
		}
		if err != nil || adopted {
			return candidate.ID, err
		}
	}
	return "", nil
}

// park keeps from being paid out what a movement that nothing explains may have refunded: of a refund that was asked for after the copy
// was taken, and left, the copy has nothing but the payment.
func (r *Reconciler) park(ctx context.Context, report *RestoreReport, m store.OutgoingMovement, actor string) error {
	parked, err := r.db.ParkUnsentLike(ctx, m, anchor.Change{
		Cause: anchor.CauseNoted, Actor: actor,
		Reason: "money went back to who paid in transaction " + m.OuterHash + ", and this database, restored from an older copy, does not know why: " +
			"it may be the refund of this; look before it is paid out",
	})
	report.Parked = append(report.Parked, parked...)
	return err
}

// askAbout lists the payouts whose rails will be asked.
func (r *Reconciler) askAbout(ctx context.Context, report *RestoreReport) error {
	const most = 1000
	for _, state := range []anchor.PayoutState{anchor.PayoutReady, anchor.PayoutSending, anchor.PayoutUnknown, anchor.PayoutAccepted} {
		list, err := r.db.Payouts(ctx, store.PayoutFilter{State: state}, most+1)
		if err != nil {
			return err
		}
		report.More = report.More || len(list) > most
		report.AskAbout = append(report.AskAbout, list[:min(len(list), most)]...)
	}
	return nil
}

// recognise marks the database as restored where the network shows what only an older copy does not know: a refund that is still to be
// made here, and has left already by an envelope that was never built here.
func (r *Reconciler) recognise(ctx context.Context) error {
	const most = 100
	list, err := r.db.MovementsToExplain(ctx, most)
	if err != nil {
		return err
	}
	for _, m := range list {
		candidates, err := r.db.RefundsLike(ctx, m)
		if err != nil {
			return err
		}
		for _, c := range candidates {
			if c.State != anchor.RefundReady {
				continue
			}
			r.log.ErrorContext(ctx, "a refund that is still to be made here has left already: this database is an older copy; nothing is sent "+
				"from it until 'anchor reconcile --after-restore' has run", "refund", c.ID, "account", m.Account, "stellar_hash", m.OuterHash)
			return r.MarkRestored(ctx, reconcileLease, "refund "+c.ID+" has left already in transaction "+m.OuterHash)
		}
	}
	return nil
}
