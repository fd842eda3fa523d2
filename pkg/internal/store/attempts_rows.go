package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"reflect"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// columnsOf are where the columns of a generated row are scanned to, in the order of its table: SELECT x.*.
func columnsOf(row any) []any {
	v := reflect.ValueOf(row).Elem()
	columns := make([]any, v.NumField())
	for i := range columns {
		columns[i] = v.Field(i).Addr().Interface()
	}
	return columns
}

// readByIDs scans what a statement over a list of ids finds.
func readByIDs[T any](ctx context.Context, tx *Tx, s statement, ids []string, columns func(*T) []any) (all []T, err error) {
	err = tx.query(ctx, s, len(ids), nil, func(i int) []any { return []any{ids[i]} }, into(&all, columns))
	return all, err
}

// scanRows scans what a statement of fixed shape finds.
func scanRows[T any](ctx context.Context, tx *sql.Tx, text string, args []any, columns func(*T) []any) (all []T, err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what matters is rows.Err
	scan := into(&all, columns)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

// numbered is "$first, …" for n parameters.
func numbered(first, n int) string {
	return statement{row: "?"}.sql(n, first-1)
}

// hashOf is the hex SHA-256 of raw.
func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func into[T any](all *[]T, columns func(*T) []any) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return err
		}
		*all = append(*all, row)
		return nil
	}
}

// PayoutMove is a change of a payout: After is the row as it was read by this Tx with State, WaitsFor, Tries, NextUs, the
// lease and the fence changed. It is guarded by the version, the state and the fence it was decided on.
type PayoutMove struct {
	Before, After Payout
	Change        anchor.Change
}

// MovePayouts is MovePayout for many payouts at once. Like that, it gives no units back.
func (tx *Tx) MovePayouts(ctx context.Context, moves []PayoutMove) error {
	if len(moves) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	n, err := tx.setwise(ctx, movePayouts(), len(moves), []any{now}, func(i int) []any {
		m := moves[i]
		return []any{
			m.Before.ID, m.Before.Version, string(m.Before.State), m.Before.Fence, string(m.After.State), string(m.After.WaitsFor),
			m.After.Tries, m.After.NextUs, m.After.LeaseOwner, m.After.LeaseUntilUs, m.After.Fence,
		}
	})
	if err := exactly(len(moves), n, err); err != nil {
		return fmt.Errorf("move %d payouts: %w", len(moves), err)
	}
	events := make([]eventOf, len(moves))
	for i, m := range moves {
		events[i] = eventOf{SubjectPayout, m.Before.ID, m.Before.Version + 1, string(m.Before.State), string(m.After.State), m.Change}
		tx.wakeFor(m.After.State)
	}
	return tx.events(ctx, events)
}

func (tx *Tx) wakeFor(state anchor.PayoutState) {
	switch state {
	case anchor.PayoutReady:
		tx.Wake(TopicReady)
	case anchor.PayoutUnknown, anchor.PayoutAccepted:
		tx.Wake(TopicUnderWay)
	default: // nobody waits for it
	}
}

func movePayouts() statement {
	return statement{
		head: `UPDATE payouts SET version = v.column2 + 1, state = v.column5, waits_for = v.column6, tries = v.column7,
				next_us = v.column8, lease_owner = v.column9, lease_until_us = v.column10, fence = v.column11, updated_us = $1
			FROM (VALUES `,
		row: `(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT),
			CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))`,
		tail: `) AS v
			WHERE payouts.id = v.column1 AND payouts.version = v.column2 AND payouts.state = v.column3 AND payouts.fence = v.column4`,
	}
}

// insertAttempts stores attempts that were just made.
func (tx *Tx) insertAttempts(ctx context.Context, attempts []Attempt) error {
	_, err := tx.setwise(ctx, statement{
		head: `INSERT INTO payout_attempts (payout_id, number, key, state, sealed_request, request_hash, sender_version,
			receiver_version, sends, first_sent_us, last_sent_us, created_us, updated_us) VALUES `,
		row: "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	}, len(attempts), nil, func(i int) []any {
		a := attempts[i]
		return []any{
			a.PayoutID, a.Number, a.Key, string(a.State), a.SealedRequest, a.RequestHash, a.SenderVersion,
			a.ReceiverVersion, a.Sends, a.FirstSentUs, a.LastSentUs, a.CreatedUs, a.UpdatedUs,
		}
	})
	if err != nil {
		return fmt.Errorf("insert %d attempts: %w", len(attempts), err)
	}
	return nil
}

// AttemptMove is a change of an attempt: After is the row as it was read by this Tx, under the lock of its payout, with
// State, Sends, FirstSentUs, LastSentUs, Outcome and ExternalID changed.
type AttemptMove struct{ Before, After Attempt }

// MoveAttempts writes attempts, guarded by the states and sends they were decided on.
func (tx *Tx) MoveAttempts(ctx context.Context, moves []AttemptMove) error {
	if len(moves) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	n, err := tx.setwise(ctx, moveAttempts(), len(moves), []any{now}, func(i int) []any {
		m := moves[i]
		return []any{
			m.Before.PayoutID, m.Before.Number, string(m.Before.State), m.Before.Sends, string(m.After.State), m.After.Sends,
			m.After.FirstSentUs, m.After.LastSentUs, string(m.After.Outcome), m.After.ExternalID,
		}
	})
	if err := exactly(len(moves), n, err); err != nil {
		return fmt.Errorf("move %d attempts: %w", len(moves), err)
	}
	return nil
}

func moveAttempts() statement {
	return statement{
		head: `UPDATE payout_attempts SET state = v.column5, sends = v.column6, first_sent_us = v.column7, last_sent_us = v.column8,
				outcome = v.column9, external_id = v.column10, updated_us = $1
			FROM (VALUES `,
		row: `(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT),
			CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT))`,
		tail: `) AS v
			WHERE payout_attempts.payout_id = v.column1 AND payout_attempts.number = v.column2
				AND payout_attempts.state = v.column3 AND payout_attempts.sends = v.column4`,
	}
}
