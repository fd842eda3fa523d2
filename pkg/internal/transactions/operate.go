package transactions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// readWithin is how recently an account must have been read to the network's end before an operator may say that nothing
// was paid to it.
const readWithin = time.Minute

// Operator is what a person may do with transactions besides the engines. It is safe for use from several goroutines.
type Operator struct{ db *store.DB }

// NewOperator makes an operator's hand on a database.
func NewOperator(db *store.DB) *Operator { return &Operator{db} }

// Expiry is an operator's wish that a transaction end unpaid. Reason stays in the history and is told to the sending anchor.
type Expiry struct{ TransactionID, Actor, Reason string }

// Expire ends a transaction for which nothing was paid, before it runs out by itself; what arrives afterwards is late. It is
// refused (CodeConflict) when it was paid in whole or in part or is over, and, once its memo was given out, unless its account has
// just been read: a payment that nobody has seen yet may be on its way. Asked again for the same, it changes nothing.
func (o *Operator) Expire(ctx context.Context, e Expiry) error {
	err := o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, e.TransactionID)
		if err != nil {
			return err
		}
		if t.Status == anchor.StatusExpired {
			return nil
		}
		if err := expirable(ctx, tx, t); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseExpired, Actor: e.Actor, Reason: e.Reason, Message: &e.Reason})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return anchor.RefuseAs(anchor.CodeNotFound, "there is no transaction "+e.TransactionID)
	}
	if err != nil {
		return fmt.Errorf("expire transaction %s: %w", e.TransactionID, err)
	}
	return nil
}

func expirable(ctx context.Context, tx *store.Tx, t store.Transaction) error {
	switch _, err := anchor.Next(t.Status, t.Funded, anchor.CauseExpired); {
	case t.Funded:
		return anchor.RefuseAs(anchor.CodeConflict, "it has been paid for")
	case t.CreditedUnits > 0:
		return anchor.RefuseAs(anchor.CodeConflict, "it has been paid in part: what came has to go back first")
	case err != nil:
		return anchor.RefuseAs(anchor.CodeConflict, "it is "+string(t.Status))
	case !t.Published():
		return nil
	}
	return justRead(ctx, tx, t.ReceivingAccount)
}

func justRead(ctx context.Context, tx *store.Tx, account string) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	c, err := tx.CursorOf(ctx, account)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.ThroughClosedUs == 0 {
		return anchor.RefuseAs(anchor.CodeConflict, "its account was never read to the present end: a payment may be there already; run 'anchor watch-transactions'")
	}
	if err != nil {
		return err
	}
	if lag := store.At(now).Sub(c.ThroughClosed()); lag > readWithin {
		return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf(
			"its account was last read %s ago: a payment may be there already; run 'anchor watch-transactions'", lag.Truncate(time.Second)))
	}
	return nil
}
