package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ClaimCallbacks claims those of the given callbacks that still may be sent, for the time of the lease by the database's
// clock. What somebody else has, or is about to have, is left out. A claim that is not settled in time is due again.
func (db *DB) ClaimCallbacks(ctx context.Context, ids []string, lease time.Duration) (claims []CallbackClaim, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		claims = nil
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(ids, db.engine.rows()) {
			got, err := tx.claimCallbacks(ctx, chunk, now, now+lease.Microseconds())
			if err != nil {
				return err
			}
			claims = append(claims, got...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim %d callbacks: %w", len(ids), err)
	}
	return claims, nil
}

func (tx *Tx) claimCallbacks(ctx context.Context, ids []string, now, until int64) ([]CallbackClaim, error) {
	args := []any{now}
	for _, id := range ids {
		args = append(args, id)
	}
	claims, err := scanRows(ctx, tx.tx, claimableCallbacksText(len(ids))+tx.db.engine.skipLocked(), args, callbackClaimFields)
	if err != nil || len(claims) == 0 {
		return nil, err
	}
	args = []any{until, now}
	for i := range claims {
		args = append(args, claims[i].ID)
		claims[i].LeaseUntilUs, claims[i].NextUs, claims[i].Fence = until, until, claims[i].Fence+1
	}
	result, err := tx.tx.ExecContext(ctx, `UPDATE callbacks SET lease_until_us = $1, next_us = $1, fence = fence + 1, updated_us = $2
		WHERE state = 'pending' AND id IN (`+numbered(3, len(claims))+`)`, args...)
	if err != nil {
		return nil, err
	}
	n, err := result.RowsAffected()
	return claims, exactly(len(claims), n, err)
}

// claimableCallbacksText repeats what DueCallbacks tested, since time has passed. The address is read in a subquery, which
// locks nothing: whoever is changing the subject must not keep its callback from being claimed.
func claimableCallbacksText(n int) string {
	return `SELECT c.id, c.subject_kind, c.subject_id, c.seq, c.subscriber, c.body, c.state, c.attempts, c.next_us,
		c.lease_until_us, c.fence, c.last_answer, c.created_us, c.updated_us, c.topic,
		COALESCE(CASE c.subject_kind
			WHEN 'customer' THEN (SELECT s.url FROM customer_subscriptions s WHERE s.customer_id = c.subject_id)
			ELSE (SELECT t.callback_url FROM transactions t WHERE t.id = c.subject_id) END, '')
	FROM callbacks c
	WHERE c.id IN (` + numbered(2, n) + `) AND c.state = 'pending' AND c.next_us <= $1 AND c.lease_until_us <= $1
		AND NOT EXISTS (
			SELECT 1 FROM callbacks e
			WHERE e.state = 'pending' AND e.subject_kind = c.subject_kind AND e.subject_id = c.subject_id
				AND e.subscriber = c.subscriber AND e.seq < c.seq)
	ORDER BY c.id`
}

func callbackClaimFields(c *CallbackClaim) []any {
	return []any{
		&c.ID, &c.SubjectKind, &c.SubjectID, &c.Seq, &c.Subscriber, &c.Body, &c.State, &c.Attempts, &c.NextUs,
		&c.LeaseUntilUs, &c.Fence, &c.LastAnswer, &c.CreatedUs, &c.UpdatedUs, &c.Topic, &c.URL,
	}
}

// SettleCallbacks records what became of claims, all in one Tx. Those whose lease passed to somebody else are left alone;
// their ids are returned.
func (db *DB) SettleCallbacks(ctx context.Context, results []CallbackResult) (lost []string, err error) {
	results = slices.Clone(results)
	slices.SortFunc(results, func(a, b CallbackResult) int { return strings.Compare(a.Claim.ID, b.Claim.ID) })
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		lost = nil
		for _, r := range results {
			switch err := tx.settleCallback(ctx, r); {
			case errors.Is(err, ErrStale):
				lost = append(lost, r.Claim.ID)
			case err != nil:
				return fmt.Errorf("callback %s: %w", r.Claim.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("settle %d callbacks: %w", len(results), err)
	}
	return lost, nil
}

func (tx *Tx) settleCallback(ctx context.Context, r CallbackResult) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	next := now + r.Wait.Microseconds()
	err = one(tx.q.SettleCallback(ctx, sqlgen.SettleCallbackParams{
		State: r.State, Attempts: r.Attempts, NextUs: next, LastAnswer: r.Answer, NowUs: now, ID: r.Claim.ID, Fence: r.Claim.Fence,
	}))
	if err != nil {
		return err
	}
	if r.State == CallbackPending {
		return tx.q.HoldCallbacksBehind(ctx, sqlgen.HoldCallbacksBehindParams{
			NextUs: next, NowUs: now, SubjectKind: r.Claim.SubjectKind, SubjectID: r.Claim.SubjectID, Subscriber: r.Claim.Subscriber, Seq: r.Claim.Seq,
		})
	}
	return tx.q.FreeCallbacksBehind(ctx, sqlgen.FreeCallbacksBehindParams{
		NowUs: now, SubjectKind: r.Claim.SubjectKind, SubjectID: r.Claim.SubjectID, Subscriber: r.Claim.Subscriber, Seq: r.Claim.Seq,
	})
}
