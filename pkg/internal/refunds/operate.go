package refunds

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Operator is what people decide about refunds. Its methods may be repeated; who and why are in the history.
type Operator struct{ db *store.DB }

// NewOperator makes it; it needs no network.
func NewOperator(db *store.DB) *Operator { return &Operator{db} }

// Decision is an operator's word about a refund.
type Decision struct {
	RefundID, Actor, Reason string
	// To is another destination (G… or M…), for Release only; empty: as it is.
	To string
}

func (d Decision) change() anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: d.Actor, Reason: d.Reason}
}

// Release lets a held refund be sent after all: guards of refunds that are made by themselves do not count any more. It is
// refused (CodeConflict) unless the refund is held.
func (o *Operator) Release(ctx context.Context, d Decision) (r store.Refund, err error) {
	account, muxedID, err := stellar.ParseDestination(d.To)
	if err != nil {
		return store.Refund{}, anchor.Refusef("the destination: %s", err)
	}
	err = o.change(ctx, d.RefundID, func(ctx context.Context, tx *store.Tx, l store.LockedRefund) error {
		if l.Refund.State != anchor.RefundHeld {
			return conflict("refund %s is %s: only a held one can be released", d.RefundID, l.Refund.State)
		}
		if account != "" {
			l.Refund.Destination, l.Refund.DestinationMuxedID = account, muxedID
		}
		r, err = tx.ReleaseRefund(ctx, l.Refund, d.change())
		return err
	})
	return r, err
}

// Cancel gives a refund up: its payment waits for a decision again, or its transaction holds the money again. It is refused
// (CodeConflict) while an envelope of it may land, and after it did.
func (o *Operator) Cancel(ctx context.Context, d Decision) error {
	return o.change(ctx, d.RefundID, func(ctx context.Context, tx *store.Tx, l store.LockedRefund) error {
		switch l.Refund.State {
		case anchor.RefundReady, anchor.RefundHeld:
			return tx.CancelRefund(ctx, l, d.change())
		case anchor.RefundCancelled:
			return nil
		case anchor.RefundSending:
			return conflict("refund %s is being sent: it cannot be cancelled while its envelope may land", d.RefundID)
		default:
			return conflict("refund %s is %s", d.RefundID, l.Refund.State)
		}
	})
}

func (o *Operator) change(ctx context.Context, id string, f func(context.Context, *store.Tx, store.LockedRefund) error) error {
	err := o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := tx.LockRefund(ctx, id)
		if err != nil {
			return err
		}
		return f(ctx, tx, l)
	})
	if errors.Is(err, store.ErrNotFound) {
		return anchor.RefuseAs(anchor.CodeNotFound, "no such refund")
	}
	return err
}

// Movement names money that left a receiving account, with why it did.
type Movement struct {
	OperationID   int64
	Account       string // needed only where the operation moved money of several
	Actor, Reason string
}

// Explain records why money left an account; the refunds of the account go on when nothing else is unexplained. What turns out to be
// an envelope of a refund that is still to be sent confirms that refund, whatever was said: it would be paid twice else. It is
// refused (CodeConflict) while another envelope of such a refund may land. It answers how many movements were explained now: none,
// if all were explained before.
func (o *Operator) Explain(ctx context.Context, m Movement) (explained int, err error) {
	list, err := o.db.MovementsOfOperation(ctx, m.OperationID)
	if err != nil {
		return 0, err
	}
	list, err = ofAccount(list, m.Account)
	if err != nil {
		return 0, err
	}
	err = o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		explained = 0
		for _, movement := range list {
			changed, err := explain(ctx, tx, movement, anchor.Change{Cause: anchor.CauseNoted, Actor: m.Actor, Reason: m.Reason})
			if err != nil {
				return err
			}
			if changed {
				explained++
			}
		}
		return nil
	})
	return explained, err
}

func explain(ctx context.Context, tx *store.Tx, m store.OutgoingMovement, c anchor.Change) (changed bool, err error) {
	adopted, err := tx.AdoptEnvelope(ctx, m, c)
	if err != nil || adopted != "" {
		return adopted != "", err
	}
	return tx.ExplainMovement(ctx, m, c)
}

func ofAccount(list []store.OutgoingMovement, account string) ([]store.OutgoingMovement, error) {
	var found []store.OutgoingMovement
	for _, m := range list {
		if account == "" && m.Account != list[0].Account {
			return nil, anchor.Refuse("the operation moved money of several accounts: name one")
		}
		if account == "" || m.Account == account {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return nil, anchor.RefuseAs(anchor.CodeNotFound, "no movement out by this operation is known")
	}
	return found, nil
}

func conflict(format string, args ...any) error {
	return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf(format, args...))
}
