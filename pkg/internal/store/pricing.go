package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Unpriced is a payout whose amount follows from a price that is still to be asked for.
type Unpriced struct {
	Payout      Payout
	Transaction Transaction
}

// PayoutsToPrice reads payouts that wait for a price and are due, oldest first.
func (db *DB) PayoutsToPrice(ctx context.Context, limit int) ([]Unpriced, error) {
	var list []Unpriced
	err := db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		rows, err := q.PayoutsToPrice(ctx, sqlgen.PayoutsToPriceParams{NowUs: now, MaxRows: int32(limit)})
		for _, row := range rows {
			list = append(list, Unpriced{Payout{row.Payout}, Transaction{row.Transaction}})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("payouts to price: %w", err)
	}
	return list, nil
}

// Priced is what a price comes to for a transaction.
type Priced struct {
	FeeUnits   int64 // 10^-7 of the received asset
	FeeDetails string
	OutUnits   int64 // 10^-OutDecimals of the asset that is paid out
	Detail     string
}

// SetPrice fixes fee and amount of a payout that waits for its price, once and for good, and lets it go on. It is false if
// somebody else was faster or the payout waits no more.
func (db *DB) SetPrice(ctx context.Context, u Unpriced, p Priced, actor string) (set bool, err error) {
	err = db.unpriced(ctx, u, func(ctx context.Context, tx *Tx, t Transaction, payout Payout) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		err = one(tx.q.PricePayout(ctx, sqlgen.PricePayoutParams{ID: payout.ID, Version: payout.Version, AmountUnits: p.OutUnits, NowUs: now}))
		if err != nil {
			return fmt.Errorf("price payout %s: %w", payout.ID, err)
		}
		change := anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "the price was fixed", Detail: p.Detail}
		if err := tx.event(ctx, SubjectPayout, payout.ID, payout.Version+1, string(payout.State), string(payout.State), change); err != nil {
			return err
		}
		t.Unpriced, t.FeeUnits, t.FeeDetails, t.OutUnits = false, p.FeeUnits, p.FeeDetails, p.OutUnits
		if t, err = tx.Advance(ctx, t, change); err != nil {
			return err
		}
		set = true
		_, err = tx.Reconsider(ctx, t, actor, "the price was fixed")
		return err
	}, &set)
	return set, err
}

// PutOffPricing asks for the price again after a wait.
func (db *DB) PutOffPricing(ctx context.Context, u Unpriced, wait time.Duration, actor, reason string) error {
	return db.withoutPrice(ctx, u, anchor.WaitsForPrice, wait, actor, reason)
}

// GiveUpPricing hands a payout that has no price to an operator.
func (db *DB) GiveUpPricing(ctx context.Context, u Unpriced, actor, reason string) error {
	return db.withoutPrice(ctx, u, anchor.WaitsForOperator, 0, actor, reason)
}

func (db *DB) withoutPrice(ctx context.Context, u Unpriced, waits anchor.WaitsFor, wait time.Duration, actor, reason string) error {
	return db.unpriced(ctx, u, func(ctx context.Context, tx *Tx, _ Transaction, p Payout) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		p.Tries++
		p.WaitsFor, p.NextUs = waits, now+wait.Microseconds()
		_, err = tx.MovePayout(ctx, p, p.State, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason})
		return err
	}, new(bool))
}

// unpriced locks and looks again: f is called only for a payout that still waits for its price.
func (db *DB) unpriced(ctx context.Context, u Unpriced, f func(context.Context, *Tx, Transaction, Payout) error, done *bool) error {
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		*done = false
		t, err := tx.LockTransaction(ctx, u.Transaction.ID)
		if err != nil || !t.Unpriced {
			return err
		}
		p, ok, err := tx.LivePayout(ctx, t.ID)
		if err != nil || !ok || p.ID != u.Payout.ID || p.WaitsFor != anchor.WaitsForPrice {
			return err
		}
		return f(ctx, tx, t, p)
	})
}
