package store

import (
	"context"
	"fmt"
)

// RailDue is a rail by which something is to be done, now or later. Times are UTC microseconds of the database's clock.
type RailDue struct {
	Rail   string
	NextUs int64 // when its first payout is due
	FreeUs int64 // TopicReady, and only of use where the rail has a limit per second: when it may be claimed for again
}

// RailsDue lists the rails by which payouts are ready (TopicReady) or under way (TopicUnderWay), also those that are not
// configured here, and tells the time. What an operator has paused is not among those that are ready. It reads two rows or so
// for each rail, and writes nothing.
func (db *DB) RailsDue(ctx context.Context, topic Topic) (nowUs int64, rails []RailDue, err error) {
	text, known := map[Topic]string{TopicReady: railsReady, TopicUnderWay: railsUnderWay}[topic]
	if !known {
		return 0, nil, fmt.Errorf("no payouts are due by rail and topic %q", topic)
	}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("rails that are due: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	rails, err = scanRows(ctx, tx, text, nil, func(r *RailDue) []any { return []any{&r.Rail, &r.NextUs, &r.FreeUs} })
	if err != nil {
		return 0, nil, fmt.Errorf("rails that are due: %w", err)
	}
	for i := range rails {
		rails[i].FreeUs -= paceAhead.Microseconds()
	}
	if nowUs, err = db.engine.clock(ctx, tx); err != nil {
		return 0, nil, fmt.Errorf("rails that are due: %w", err)
	}
	return nowUs, rails, nil
}

// The rails are found one after the other in the index, each by the one before it: there are few of them and many payouts.
const (
	railsReady = `WITH RECURSIVE names (rail) AS (
			SELECT (SELECT MIN(p.rail) FROM payouts p WHERE p.state = 'ready')
			UNION ALL
			SELECT (SELECT MIN(p.rail) FROM payouts p WHERE p.state = 'ready' AND p.rail > n.rail) FROM names n WHERE n.rail IS NOT NULL)
		SELECT x.rail, x.next_us, x.free_us FROM (
			SELECT n.rail AS rail, (SELECT p.next_us FROM payouts p WHERE p.rail = n.rail AND p.state = 'ready'
				AND (NOT EXISTS (SELECT 1 FROM switches s WHERE s.kind = 'asset' AND s.paused)
					OR (SELECT t.asset_code || ':' || t.asset_issuer FROM transactions t WHERE t.id = p.transaction_id)
						NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'asset' AND s.paused))
				ORDER BY p.next_us, p.id LIMIT 1) AS next_us,
				COALESCE((SELECT r.next_us FROM rail_pace r WHERE r.rail = n.rail), 0) AS free_us
			FROM names n
			WHERE n.rail IS NOT NULL AND n.rail NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'rail' AND s.paused)) x
		WHERE x.next_us IS NOT NULL`
	railsUnderWay = `WITH RECURSIVE names (rail) AS (
			SELECT (SELECT MIN(p.rail) FROM payouts p WHERE p.state IN ('sending', 'unknown', 'accepted'))
			UNION ALL
			SELECT (SELECT MIN(p.rail) FROM payouts p WHERE p.state IN ('sending', 'unknown', 'accepted') AND p.rail > n.rail)
			FROM names n WHERE n.rail IS NOT NULL)
		SELECT n.rail, (SELECT p.next_us FROM payouts p WHERE p.rail = n.rail AND p.state IN ('sending', 'unknown', 'accepted')
			ORDER BY p.next_us, p.id LIMIT 1), CAST(0 AS BIGINT)
		FROM names n WHERE n.rail IS NOT NULL`
)

// HoldClaims keeps claims from beginning until the end of this Tx, and returns once those have ended that had begun. Whoever
// pauses a rail or an asset calls it before it writes the switch: what is claimed after its commit has seen it, and what was
// claimed before is committed. Nothing else must be written to payouts before it in this Tx.
func (tx *Tx) HoldClaims(ctx context.Context) error {
	if tx.db.engine.forUpdate() == "" {
		return nil // where rows cannot be locked one process writes at a time
	}
	if _, err := tx.tx.ExecContext(ctx, "LOCK TABLE payouts IN EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("hold claims: %w", err)
	}
	return nil
}

// beginClaim has HoldClaims of others wait for this Tx, and waits for theirs; what is asked after it has seen what they wrote. It is
// for claims that lock no row of payouts first.
func (tx *Tx) beginClaim(ctx context.Context) error {
	if tx.db.engine.forUpdate() == "" {
		return nil // one process writes at a time
	}
	if _, err := tx.tx.ExecContext(ctx, "LOCK TABLE payouts IN ROW SHARE MODE"); err != nil {
		return fmt.Errorf("begin a claim: %w", err)
	}
	return nil
}
