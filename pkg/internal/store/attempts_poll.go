package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// ClaimUnderWay takes payouts by a rail whose outcome is open and that are due to be asked about: accepted and unknown ones, and
// those whose sender lost its lease, which are unknown from here on. The order is by when they were due. Of the terms, those
// that say what may be sent have no say here.
func (db *DB) ClaimUnderWay(ctx context.Context, terms ClaimTerms) (claims []Claim, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		claims, err = tx.claimUnderWay(ctx, terms)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim payouts under way: %w", err)
	}
	return claims, nil
}

const underWay = `SELECT p.*
	FROM payouts p
	WHERE p.state IN ('sending', 'unknown', 'accepted') AND p.rail = $2 AND p.next_us <= $1 AND p.lease_until_us <= $1
	ORDER BY p.next_us, p.id LIMIT $3`

func (tx *Tx) claimUnderWay(ctx context.Context, terms ClaimTerms) ([]Claim, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := scanRows(ctx, tx.tx, underWay+tx.db.engine.skipLocked(), []any{now, terms.Rail, terms.Limit}, func(p *Payout) []any {
		return columnsOf(&p.Payout)
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	attempts, err := tx.latestAttempts(ctx, ids)
	if err != nil {
		return nil, err
	}
	keys, err := tx.dataKeysOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	w := watching{tx: tx, terms: terms, now: now}
	if w.askBeforeUs, err = tx.askBefore(ctx); err != nil {
		return nil, err
	}
	for _, p := range rows {
		if err := w.claim(p, attempts[p.ID], keys[p.TransactionID]); err != nil {
			return nil, err
		}
	}
	if err := tx.MovePayouts(ctx, w.lost); err != nil {
		return nil, err
	}
	if err := tx.lease(ctx, w.kept); err != nil {
		return nil, err
	}
	return w.claims, tx.MoveAttempts(ctx, w.attempts)
}

// watching is one run of the closure of ClaimUnderWay.
type watching struct {
	tx     *Tx
	terms  ClaimTerms
	now    int64
	claims []Claim

	askBeforeUs int64 // of meta; 0 where these books were never restored

	lost     []PayoutMove // sent by somebody who lost the lease
	kept     []PayoutMove // only the lease changes
	attempts []AttemptMove
}

func (w *watching) claim(p Payout, a Attempt, sealed Transaction) error {
	after := p
	after.LeaseOwner, after.Fence = w.terms.Owner, p.Fence+1
	after.LeaseUntilUs = w.now + w.terms.Lease.Microseconds()
	after.NextUs = after.LeaseUntilUs
	if p.State == anchor.PayoutSending {
		after.State, after.Tries = anchor.PayoutUnknown, 0
		w.lost = append(w.lost, PayoutMove{p, after, anchor.Change{
			Cause: anchor.CauseNoted, Actor: w.terms.Actor, Reason: "whoever sent it did not say what became of it",
		}})
		after.Version, after.UpdatedUs = p.Version+1, w.now
	} else {
		w.kept = append(w.kept, PayoutMove{Before: p, After: after})
	}
	if a.State == anchor.AttemptSending {
		unknown := a
		unknown.State = anchor.AttemptUnknown
		w.attempts = append(w.attempts, AttemptMove{a, unknown})
		a = unknown
	}
	request, err := w.tx.db.openRequest(sealed, a)
	if errors.Is(err, ErrNoKey) {
		return fmt.Errorf("payout %s: %w", p.ID, err)
	}
	if err != nil { // the others must not wait for it; it comes again when the lease ends
		w.tx.db.log.Error("a payout under way cannot be asked about", "payout", p.ID, "error", err)
		return nil
	}
	w.claims = append(w.claims, Claim{
		Payout: after, Attempt: a, Request: request, Older: sealed.CreatedUs <= w.askBeforeUs, nextUs: p.NextUs,
	})
	return nil
}

// openRequest opens the frozen request of an attempt; t needs its id and its data key only.
func (db *DB) openRequest(t Transaction, a Attempt) (anchor.Payout, error) {
	key, err := db.keys.openDataKey(t.KeyID, t.SealedKey, transactionBound(t.ID))
	if err != nil {
		return anchor.Payout{}, err
	}
	return thaw(key, a)
}

// dataKeysOf reads the sealed data keys of the payouts' transactions, by transaction.
func (tx *Tx) dataKeysOf(ctx context.Context, payouts []Payout) (map[string]Transaction, error) {
	ids := make([]string, len(payouts))
	for i, p := range payouts {
		ids[i] = p.TransactionID
	}
	rows, err := readByIDs(ctx, tx, statement{
		head: "SELECT t.id, t.key_id, t.sealed_key, t.created_us FROM transactions t WHERE t.id IN (", row: "?", tail: ")",
	}, ids, func(t *Transaction) []any { return []any{&t.ID, &t.KeyID, &t.SealedKey, &t.CreatedUs} })
	if err != nil {
		return nil, fmt.Errorf("data keys of %d transactions: %w", len(ids), err)
	}
	keys := make(map[string]Transaction, len(rows))
	for _, t := range rows {
		keys[t.ID] = t
	}
	return keys, nil
}

// lease writes leases, fences and due times alone: asking a rail once more is not a change of the payout, so it has neither
// a new version nor an event.
func (tx *Tx) lease(ctx context.Context, moves []PayoutMove) error {
	n, err := tx.setwise(ctx, statement{
		head: `UPDATE payouts SET lease_owner = v.column4, lease_until_us = v.column5, next_us = v.column6, fence = v.column7
			FROM (VALUES `,
		row: "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))",
		tail: `) AS v
			WHERE payouts.id = v.column1 AND payouts.version = v.column2 AND payouts.fence = v.column3`,
	}, len(moves), nil, func(i int) []any {
		m := moves[i]
		return []any{
			m.Before.ID, m.Before.Version, m.Before.Fence, m.After.LeaseOwner, m.After.LeaseUntilUs, m.After.NextUs, m.After.Fence,
		}
	})
	if err := exactly(len(moves), n, err); err != nil {
		return fmt.Errorf("lease %d payouts: %w", len(moves), err)
	}
	return nil
}

// Postponed is a claim of ClaimUnderWay that brought no news. NextUs is when to ask again.
type Postponed struct {
	PayoutID       string
	Version, Fence int64
	NextUs         int64
}

// PostponePayouts ends claims that brought no news. One that was lost meanwhile, or whose payout moved, is left alone.
func (tx *Tx) PostponePayouts(ctx context.Context, list []Postponed) error {
	_, err := tx.setwise(ctx, statement{
		head: `UPDATE payouts SET lease_owner = '', lease_until_us = 0, next_us = v.column4, tries = payouts.tries + 1
			FROM (VALUES `,
		row:  "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))",
		tail: ") AS v WHERE payouts.id = v.column1 AND payouts.version = v.column2 AND payouts.fence = v.column3",
	}, len(list), nil, func(i int) []any {
		return []any{list[i].PayoutID, list[i].Version, list[i].Fence, list[i].NextUs}
	})
	if err != nil {
		return fmt.Errorf("postpone %d payouts: %w", len(list), err)
	}
	return nil
}

// PriceDueIn tells how long it is until the next payout that is to be priced is due, by the database's clock; zero or less for
// one that is due now, ok is false if there is none.
func (db *DB) PriceDueIn(ctx context.Context) (wait time.Duration, ok bool, err error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return 0, false, fmt.Errorf("when the next price is due: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var next int64
	err = tx.QueryRowContext(ctx, nextToPrice).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	now, clockErr := db.engine.clock(ctx, tx)
	if err := errors.Join(err, clockErr); err != nil {
		return 0, false, fmt.Errorf("when the next price is due: %w", err)
	}
	return time.Duration(next-now) * time.Microsecond, true, nil
}

const nextToPrice = "SELECT next_us FROM payouts WHERE state = 'waiting' AND waits_for = 'price' ORDER BY next_us, id LIMIT 1"
