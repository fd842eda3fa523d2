package store

import (
	"context"
	"strings"
)

// The statements whose plans are tested.
const (
	DuePayouts = duePayouts
	UnderWay   = underWay

	RailsReady    = railsReady
	RailsUnderWay = railsUnderWay
	CallsInFlight = "SELECT COUNT(*) FROM payouts WHERE rail = $1 AND state = 'sending' AND lease_until_us > $2"
)

// RefusalsText is the statement that counts how often one payout was not sent.
var RefusalsText = refusalsOf().sql(1, 0)

// LockAnsweredText is the statement that locks what n answers are about.
func LockAnsweredText(ctx context.Context, db *DB, n int) (text string, err error) {
	err = db.Tx(ctx, func(_ context.Context, tx *Tx) error {
		text = tx.lockAnswered().sql(n, 0)
		return nil
	})
	return text, err
}

// PlanOf is how the database would run a statement.
func PlanOf(ctx context.Context, db *DB, text string, args ...any) (string, error) {
	explain := "EXPLAIN "
	if db.Engine() == "sqlite" {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.write.QueryContext(ctx, explain+text, args...)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var plan strings.Builder
	for rows.Next() {
		cells := make([]any, len(columns))
		for i := range cells {
			cells[i] = new(any)
		}
		if err := rows.Scan(cells...); err != nil {
			return "", err
		}
		line, _ := (*(cells[len(cells)-1].(*any))).(string)
		plan.WriteString(line + "\n")
	}
	return plan.String(), rows.Err()
}

// Analyze refreshes what the planner knows.
func Analyze(ctx context.Context, db *DB) error {
	_, err := db.write.ExecContext(ctx, "ANALYZE")
	return err
}

// LimitRows is how many rows the limits of rails have come to.
func LimitRows(ctx context.Context, db *DB) (n int, err error) {
	err = db.read.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM rail_pace) + (SELECT COUNT(*) FROM rail_usage)").Scan(&n)
	return n, err
}
