package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// LockedRefund is a refund with what it changes, all locked by this Tx.
type LockedRefund struct {
	Refund      Refund
	Payment     Payment
	Transaction *Transaction // nil where the payment names none
}

// LockRefund locks a refund, its payment and its transaction, in that order from behind.
func (tx *Tx) LockRefund(ctx context.Context, id string) (LockedRefund, error) {
	r, err := tx.refundByID(ctx, id)
	if err != nil {
		return LockedRefund{}, err
	}
	var l LockedRefund
	if l.Payment, l.Transaction, err = tx.lockPaymentOfRefund(ctx, r.PaymentID); err != nil {
		return LockedRefund{}, err
	}
	if err := tx.lockRow(ctx, "refunds", id); err != nil {
		return LockedRefund{}, err
	}
	l.Refund, err = tx.refundByID(ctx, id)
	return l, err
}

func (tx *Tx) refundByID(ctx context.Context, id string) (Refund, error) {
	row, err := tx.q.RefundByID(ctx, id)
	return found(Refund{row}, err, "refund %s", id)
}

// MoveRefund writes a refund with its event. r is the row as read by this Tx with state, trouble, destination, tries, next
// time, hash and times changed; before is the state it was read with. It gives no units back: see CancelRefund.
func (tx *Tx) MoveRefund(ctx context.Context, r Refund, before anchor.RefundState, c anchor.Change) (Refund, error) {
	err := one(tx.q.UpdateRefund(ctx, sqlgen.UpdateRefundParams{
		State: r.State, Trouble: r.Trouble, Destination: r.Destination, DestinationMuxedID: r.DestinationMuxedID, Tries: r.Tries,
		NextUs: r.NextUs, StellarHash: r.StellarHash, ConfirmedUs: r.ConfirmedUs, SentUs: r.SentUs, Automatic: r.Automatic, NowUs: tx.now, ID: r.ID,
		Version: r.Version, StateBefore: before,
	}))
	if err != nil {
		return Refund{}, fmt.Errorf("move refund %s to %s: %w", r.ID, r.State, err)
	}
	r.Version, r.UpdatedUs = r.Version+1, tx.now
	if r.State == anchor.RefundReady {
		tx.Wake(TopicRefunds)
	}
	return r, tx.event(ctx, SubjectRefund, r.ID, r.Version, string(before), string(r.State), c)
}

// HoldRefund leaves a ready refund, or one whose envelope is dead, to an operator.
func (tx *Tx) HoldRefund(ctx context.Context, r Refund, actor, why string) (Refund, error) {
	before := r.State
	r.State, r.Trouble = anchor.RefundHeld, why
	return tx.MoveRefund(ctx, r, before, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: why})
}

// ReleaseRefund lets a held refund be sent after all, perhaps to another account. It is not automatic any more: somebody has
// decided about it.
func (tx *Tx) ReleaseRefund(ctx context.Context, r Refund, c anchor.Change) (Refund, error) {
	if why := unaddressable(r); why != "" {
		return Refund{}, anchor.RefuseAs(anchor.CodeConflict, why)
	}
	r.State, r.Trouble, r.Tries, r.NextUs, r.Automatic = anchor.RefundReady, "", 0, tx.now, false
	return tx.MoveRefund(ctx, r, anchor.RefundHeld, c)
}

// CancelRefund gives a refund up, none of whose envelopes can land any more, and gives its units back to its payment and,
// where they were credited, to what the transaction holds.
func (tx *Tx) CancelRefund(ctx context.Context, l LockedRefund, c anchor.Change) error {
	r, before := l.Refund, l.Refund.State
	if before != anchor.RefundReady && before != anchor.RefundHeld {
		return fmt.Errorf("cancel refund %s: it is %s", r.ID, before)
	}
	r.State = anchor.RefundCancelled
	r, err := tx.MoveRefund(ctx, r, before, c)
	if err != nil {
		return err
	}
	l.Payment.RefundUnits -= r.Units
	if err := tx.settlePayment(ctx, l.Payment, c); err != nil {
		return err
	}
	if !r.FromHeld {
		return nil
	}
	l.Transaction.RefundUnits -= r.Units
	_, err = tx.Advance(ctx, *l.Transaction, c)
	return err
}

// settlePayment writes a payment after one of its refunds has ended: refunded when all of it is back, open again when nothing
// of it is on its way and it is not credited.
func (tx *Tx) settlePayment(ctx context.Context, p Payment, c anchor.Change) error {
	rows, err := tx.q.RefundsOfPayment(ctx, p.ID)
	if err != nil {
		return fmt.Errorf("refunds of payment %s: %w", p.ID, err)
	}
	var confirmed int64
	underWay := false
	for _, r := range rows {
		switch r.State {
		case anchor.RefundConfirmed:
			confirmed += r.Units // bounded by the payment's amount
		case anchor.RefundCancelled:
		default:
			underWay = true
		}
	}
	before := p.State
	switch {
	case confirmed == p.AmountUnits:
		p.State = anchor.PaymentRefunded
	case before == anchor.PaymentRefunding && !underWay:
		p.State = anchor.PaymentOpen
	}
	return tx.movePaymentRefunds(ctx, p, before, c)
}

// PostponeRefund says why a ready refund is not sent yet, and how long to wait before looking again. It is no change of the
// refund and no event; a refund that has changed meanwhile is left alone.
func (db *DB) PostponeRefund(ctx context.Context, r Refund, why string, wait time.Duration) error {
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		next := tx.now + wait.Microseconds()
		_, err := tx.q.PostponeRefund(ctx, sqlgen.PostponeRefundParams{Trouble: why, NextUs: next, NowUs: tx.now, ID: r.ID, Version: r.Version})
		if err != nil {
			return fmt.Errorf("postpone refund %s: %w", r.ID, err)
		}
		return nil
	})
}
