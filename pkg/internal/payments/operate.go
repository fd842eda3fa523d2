package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// RefundRequest is an operator's wish that a payment go back on the network.
type RefundRequest struct {
	PaymentID   string
	Units       int64  // of the payment, 10^-7; 0: all that is left of it
	FeeUnits    int64  // kept of that
	Destination string // a G… or M… account; empty: who paid
	// Again says that more of a payment is to go back of which something went back, or is about to, already.
	Again         bool
	Actor, Reason string
}

// Refund asks for a refund of a payment that is open, or of what the transaction it was credited to holds. The refund is
// sent by execute-outgoing. What is not there any more is refused (CodeConflict).
func (s *Service) Refund(ctx context.Context, r RefundRequest) (refund store.Refund, err error) {
	if err := explained(r.Actor, r.Reason); err != nil {
		return store.Refund{}, err
	}
	order := store.RefundOrder{Units: r.Units, FeeUnits: r.FeeUnits, Actor: r.Actor, Reason: r.Reason}
	if order.Destination, order.DestinationMuxedID, err = stellar.ParseDestination(r.Destination); err != nil {
		return store.Refund{}, anchor.Refusef("the destination: %s", err)
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		refund, err = r.request(ctx, tx, order)
		return err
	})
	if errors.Is(err, store.ErrNotRefundable) {
		err = conflictf("%s", err)
	}
	if err != nil {
		return store.Refund{}, fmt.Errorf("refund payment %s: %w", r.PaymentID, err)
	}
	return refund, nil
}

func (r RefundRequest) request(ctx context.Context, tx *store.Tx, order store.RefundOrder) (store.Refund, error) {
	p, t, err := tx.LockPaymentAndTransaction(ctx, r.PaymentID)
	if err != nil {
		return store.Refund{}, there("payment", err)
	}
	left, err := r.left(p, t)
	if err != nil {
		return store.Refund{}, err
	}
	if order.Units == 0 {
		order.Units = left
	}
	switch {
	case order.Units > left:
		return store.Refund{}, conflictf("only %s of it can go back", amount(left))
	case order.FeeUnits < 0 || order.FeeUnits >= order.Units:
		return store.Refund{}, anchor.Refusef("the fee leaves nothing of %s", amount(order.Units))
	}
	order.Payment = p
	return tx.RequestRefund(ctx, order)
}

// left is how much of a payment can go back.
func (r RefundRequest) left(p store.Payment, t *store.Transaction) (int64, error) {
	left := p.AmountUnits - p.RefundUnits
	switch {
	case p.AmountUnits == 0:
		return 0, conflictf("its amount is not known")
	case p.State == anchor.PaymentRefunded || p.State == anchor.PaymentIgnored:
		return 0, conflictf("it is %s", p.State)
	case left == 0:
		return 0, conflictf("all of it is on its way back")
	case p.RefundUnits > 0 && !r.Again:
		return 0, conflictf("%s of it went back or is on its way: say that more is to go back", amount(p.RefundUnits))
	case p.State == anchor.PaymentCredited && t != nil && t.Held() == 0:
		return 0, conflictf("it was credited to transaction %s, which holds nothing: its payout has the money", t.ID)
	case p.State == anchor.PaymentCredited && t != nil:
		left = min(left, t.Held())
	}
	return left, nil
}

// IgnoreRequest is an operator's word that nothing is to become of a payment.
type IgnoreRequest struct {
	PaymentID     string
	Undo          bool // have it wait for a decision again
	Actor, Reason string
}

// Ignore takes an open payment from the list of those that wait for a decision: the money stays where it is. Doing it again
// changes nothing. A payment of which anything else has become is refused (CodeConflict).
func (s *Service) Ignore(ctx context.Context, r IgnoreRequest) (p store.Payment, err error) {
	if err := explained(r.Actor, r.Reason); err != nil {
		return store.Payment{}, err
	}
	from, to := anchor.PaymentOpen, anchor.PaymentIgnored
	if r.Undo {
		from, to = to, from
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if p, err = tx.LockPayment(ctx, r.PaymentID); err != nil {
			return there("payment", err)
		}
		switch p.State {
		case to:
			return nil
		case from:
			p.State = to
			p, err = tx.MovePayment(ctx, p, from, noted(r.Actor, r.Reason))
			return err
		default:
			return conflictf("it is %s", p.State)
		}
	})
	if err != nil {
		return store.Payment{}, fmt.Errorf("ignore payment %s: %w", r.PaymentID, err)
	}
	return p, nil
}
