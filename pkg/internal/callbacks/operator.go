package callbacks

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Operator is what operators do about callbacks that were given up. It sends nothing: the service does, once they are due.
// It is safe for use from several goroutines.
type Operator struct{ db *store.DB }

// NewOperator makes an operator over a database.
func NewOperator(db *store.DB) *Operator { return &Operator{db} }

// Retry asks for callbacks that were given up to be sent after all.
type Retry struct {
	ID, Account   string // of one callback; or all to this sending anchor (G…)
	Actor, Reason string
}

// Retried is what became of a Retry.
type Retried struct {
	Revived    int // are pending again
	Superseded int // stay as they are: something later about the same was taken meanwhile
	Overtaken  int // something later is being delivered at this moment: they can be tried again
}

// Retry makes callbacks that were given up pending again, with as many tries before them as a new one has. What would reach
// the sending anchor after later news about the same transaction or customer stays given up (invariant I11). For one callback
// that is refused with CodeConflict, an unknown one with CodeNotFound.
func (o *Operator) Retry(ctx context.Context, r Retry) (Retried, error) {
	if r.ID != "" {
		return o.one(ctx, r)
	}
	ids, err := o.db.DeadCallbacksOf(ctx, r.Account)
	if err != nil {
		return Retried{}, err
	}
	var done Retried
	for _, id := range ids {
		how, err := o.revive(ctx, id, r)
		if err != nil {
			return done, err
		}
		switch how {
		case store.Revived:
			done.Revived++
		case store.RevivalLate:
			done.Superseded++
		case store.RevivalOvertaken:
			done.Overtaken++
		case store.RevivalNotDead: // somebody else has revived it meanwhile
		}
	}
	return done, nil
}

func (o *Operator) one(ctx context.Context, r Retry) (Retried, error) {
	how, err := o.revive(ctx, r.ID, r)
	if errors.Is(err, store.ErrNotFound) {
		return Retried{}, anchor.RefuseAs(anchor.CodeNotFound, "no such callback")
	}
	if err != nil {
		return Retried{}, err
	}
	switch how {
	case store.RevivalNotDead:
		return Retried{}, anchor.RefuseAs(anchor.CodeConflict, "it was not given up")
	case store.RevivalLate:
		return Retried{}, anchor.RefuseAs(anchor.CodeConflict, "the sending anchor has taken later news about the same since: this would be told out of order")
	case store.RevivalOvertaken:
		return Retried{}, anchor.RefuseAs(anchor.CodeConflict, "later news about the same are being delivered at this moment: look again in a minute")
	default:
		return Retried{Revived: 1}, nil
	}
}

func (o *Operator) revive(ctx context.Context, id string, r Retry) (how store.Revival, err error) {
	c, err := o.db.CallbackByID(ctx, id)
	if err != nil {
		return "", err
	}
	err = o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		how, err = tx.ReviveCallback(ctx, c, r.Actor, r.Reason)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("retry callback %s: %w", id, err)
	}
	return how, nil
}
