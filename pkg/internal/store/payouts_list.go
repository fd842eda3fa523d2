package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// PayoutFilter says which payouts an operator wants to see; what is empty does not matter.
type PayoutFilter struct {
	State         anchor.PayoutState
	WaitsFor      anchor.WaitsFor
	Rail          string
	TransactionID string
}

// ListedPayout is a payout as an operator sees it in a list.
type ListedPayout struct {
	Payout            Payout
	TransactionStatus anchor.Status
	Conflict          string // what contradicts what; empty for nothing
	AttemptKey        string // of the present attempt; empty if there was none
	AttemptNumber     int64
	ExternalID        string // the rail's reference of the present attempt
}

// listedMost is how many rows a list of an operator has at most, whatever was asked for.
const listedMost = 10_000

// Payouts lists payouts for operators, those first that need somebody: with a contradiction, of unknown outcome, waiting for an
// operator, ended unpaid with nothing to follow; then all others. Each group has the newest first. limit is at most 10 000;
// 0: 100.
func (db *DB) Payouts(ctx context.Context, f PayoutFilter, limit int) ([]ListedPayout, error) {
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, listedMost)
	raw, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list payouts: %w", err)
	}
	defer func() { _ = raw.Rollback() }() // it wrote nothing
	var list []ListedPayout
	listed := map[string]bool{} // what moves on meanwhile would come again in another group
	for _, group := range payoutGroups() {
		args := []any{string(f.State), string(f.WaitsFor), f.Rail, f.TransactionID, limit - len(list)}
		rows, err := scanRows(ctx, raw, listPayoutsText(group), args, listedPayoutFields)
		if err != nil {
			return nil, fmt.Errorf("list payouts: %w", err)
		}
		for _, row := range rows {
			if !listed[row.Payout.ID] {
				listed[row.Payout.ID] = true
				list = append(list, row)
			}
		}
		if len(list) >= limit {
			break
		}
	}
	return list, nil
}

// The groups of payouts that need somebody. A payout is in the first one that it fits; each but the last has an index.
const (
	payoutContradicted = "t.conflict <> ''"
	payoutUnknown      = "t.conflict = '' AND p.state = 'unknown'"
	payoutAsking       = "t.conflict = '' AND p.state = 'waiting' AND p.waits_for = 'operator'"
	payoutUnpaid       = "t.conflict = '' AND p.state IN ('failed', 'returned') AND " + payoutOpenEnd
	payoutOther        = `t.conflict = '' AND p.state <> 'unknown' AND NOT (p.state = 'waiting' AND p.waits_for = 'operator')
	AND NOT (p.state IN ('failed', 'returned') AND ` + payoutOpenEnd + ")"

	// payoutOpenEnd is true of a payout that was the last, although its transaction is to be paid out.
	payoutOpenEnd = `t.status = 'pending_receiver'
	AND NOT EXISTS (SELECT 1 FROM payouts n WHERE n.transaction_id = p.transaction_id AND n.number > p.number)`
)

func payoutGroups() []string {
	return []string{payoutContradicted, payoutUnknown, payoutAsking, payoutUnpaid, payoutOther}
}

// listPayoutsText lists one group. The constants of the group let both engines use partial indexes; CROSS JOIN has SQLite begin with
// the table that has the index.
func listPayoutsText(group string) string {
	tables := "payouts p CROSS JOIN transactions t"
	if group == payoutContradicted {
		tables = "transactions t CROSS JOIN payouts p"
	}
	return `SELECT p.*, t.status, t.conflict, COALESCE(a.key, ''), COALESCE(a.number, 0), COALESCE(a.external_id, '')
FROM ` + tables + `
	LEFT JOIN payout_attempts a ON a.payout_id = p.id
		AND a.number = (SELECT MAX(b.number) FROM payout_attempts b WHERE b.payout_id = p.id)
WHERE t.id = p.transaction_id AND ` + group + `
	AND (CAST($1 AS TEXT) = '' OR p.state = CAST($1 AS TEXT)) AND (CAST($2 AS TEXT) = '' OR p.waits_for = CAST($2 AS TEXT))
	AND (CAST($3 AS TEXT) = '' OR p.rail = CAST($3 AS TEXT)) AND (CAST($4 AS TEXT) = '' OR p.transaction_id = CAST($4 AS TEXT))
ORDER BY p.id DESC LIMIT $5`
}

func listedPayoutFields(l *ListedPayout) []any {
	return slices.Concat(columnsOf(&l.Payout.Payout), []any{&l.TransactionStatus, &l.Conflict, &l.AttemptKey, &l.AttemptNumber, &l.ExternalID})
}
