package bench_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// barePayouts is the database alone: it runs the statements of a payout, as few and as large as the engine likes them, with
// arguments that cost nothing to make. Nothing is decided, sealed, logged or sent.
type barePayouts struct {
	db     *sql.DB
	sqlite bool
	batch  int // payouts in one database transaction, as many as the engine of payouts claims
	rows   int // payouts in one statement, as the store has it
}

func openBarePayouts(b *testing.B, url string, concurrency int) *barePayouts {
	r := &barePayouts{db: openRaw(b, url, 2), sqlite: strings.HasPrefix(url, "sqlite:"), batch: concurrency, rows: perPage}
	if r.sqlite {
		r.rows = 16
	}
	return r
}

func (r *barePayouts) requireAllPaid(b *testing.B) {
	var left int
	require.NoError(b, r.db.QueryRowContext(b.Context(), `SELECT COUNT(*) FROM payouts p JOIN transactions t ON t.id = p.transaction_id
		WHERE p.state <> 'delivered' OR t.status <> 'completed'`).Scan(&left))
	require.Zero(b, left)
}

// claimed is what the second transaction of a payout needs of the first.
type claimed struct {
	payout, transaction, key string
	version                  int64 // of the transaction
}

// pay runs the first transactions and the second ones side by side, as the engine of payouts does.
func (r *barePayouts) pay(b *testing.B) float64 {
	return perSecond(payoutsPerRound, func() {
		sent, failed := make(chan []claimed, 2), make(chan error, 1)
		go func() {
			defer close(sent)
			for {
				some, err := r.claim(b.Context())
				if err != nil {
					failed <- err
				}
				if err != nil || len(some) == 0 {
					return
				}
				sent <- some
			}
		}()
		for some := range sent {
			require.NoError(b, r.settle(b.Context(), some))
		}
		select {
		case err := <-failed:
			require.NoError(b, err)
		default:
		}
	})
}

func (r *barePayouts) tx(ctx context.Context, f func(x *execer)) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	x := &execer{ctx: ctx, tx: tx}
	if f(x); x.err != nil {
		_ = tx.Rollback()
		return x.err
	}
	return tx.Commit()
}

// execer runs statements until one fails.
type execer struct {
	ctx context.Context
	tx  *sql.Tx
	err error
}

func (x *execer) exec(text string, args ...any) {
	if x.err == nil {
		_, x.err = x.tx.ExecContext(x.ctx, text, args...)
	}
}

func (x *execer) each(text string, args []any, columns int, row func(cells []string)) {
	if x.err != nil {
		return
	}
	var rows *sql.Rows
	if rows, x.err = x.tx.QueryContext(x.ctx, text, args...); x.err != nil {
		return
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		cells, into := make([]string, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		if x.err = rows.Scan(into...); x.err != nil {
			return
		}
		row(cells)
	}
	x.err = rows.Err()
}

// values is "($1,$2),($3,$4)" with casts in the first row.
func values(rows int, types ...string) string {
	var b strings.Builder
	for i := range rows {
		for j, t := range types {
			parameter := fmt.Sprintf("$%d", i*len(types)+j+1)
			if i == 0 {
				parameter = "CAST(" + parameter + " AS " + t + ")"
			}
			switch {
			case j == 0 && i > 0:
				b.WriteString("),(" + parameter)
			case j == 0:
				b.WriteString("(" + parameter)
			default:
				b.WriteString("," + parameter)
			}
		}
	}
	return b.String() + ")"
}

func in(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(list, ",")
}

func (r *barePayouts) lock() string {
	if r.sqlite {
		return ""
	}
	return " FOR UPDATE OF p, t SKIP LOCKED"
}

const sealedRequest = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

func (r *barePayouts) claim(ctx context.Context) (some []claimed, err error) {
	now := time.Now().UnixMicro()
	err = r.tx(ctx, func(x *execer) {
		var people []string
		x.each(`SELECT p.id, t.id, t.version, t.sender_id, t.receiver_id, t.sealed_key, t.sealed_fields
			FROM payouts p CROSS JOIN transactions t
			WHERE t.id = p.transaction_id AND p.state = 'ready' AND p.next_us <= $1 ORDER BY p.next_us, p.id LIMIT $2`+r.lock(),
			[]any{now, r.batch}, 7, func(c []string) {
				var version int64
				_, _ = fmt.Sscan(c[2], &version)
				some = append(some, claimed{c[0], c[1], string(anchor.NewPayoutKey(c[1], 1, 1)), version})
				people = append(people, c[3], c[4])
			})
		if len(some) == 0 {
			return
		}
		slices.Sort(people)
		ids := slices.Compact(people)
		x.each(`SELECT c.id, c.sealed_key, s.type, s.status FROM customers c LEFT JOIN customer_statuses s ON s.customer_id = c.id
			WHERE c.id IN (`+in(len(ids))+")", anys(ids), 4, func([]string) {})
		x.each("SELECT customer_id, name, sealed FROM customer_fields WHERE customer_id IN ("+in(len(ids))+")", anys(ids), 3, func([]string) {})
		for part := range slices.Chunk(some, r.rows) {
			x.claim(part, now)
		}
	})
	return some, err
}

func (x *execer) claim(some []claimed, now int64) {
	n := len(some)
	x.exec(`UPDATE payouts SET version = version + 1, state = 'sending', lease_owner = 'bare', fence = fence + 1,
		lease_until_us = v.column2, next_us = v.column2, updated_us = v.column2
		FROM (VALUES `+values(n, "TEXT", "BIGINT")+") AS v WHERE payouts.id = v.column1",
		per(some, func(c claimed) []any { return []any{c.payout, now} })...)
	x.exec(`INSERT INTO payout_attempts (payout_id, number, key, state, sealed_request, request_hash, sender_version, receiver_version,
		sends, first_sent_us, last_sent_us, created_us, updated_us) VALUES `+
		values(n, "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"),
		per(some, func(c claimed) []any {
			return []any{c.payout, 1, c.key, "sending", sealedRequest, sealedRequest[:64], 1, 1, 1, now, now, now, now}
		})...)
	x.event("payout", some, 2, now)
}

func (r *barePayouts) settle(ctx context.Context, some []claimed) error {
	now := time.Now().UnixMicro()
	lock := " FOR UPDATE OF t, p"
	if r.sqlite {
		lock = ""
	}
	return r.tx(ctx, func(x *execer) {
		for part := range slices.Chunk(some, r.rows) {
			x.settle(part, now, lock)
		}
	})
}

func (x *execer) settle(some []claimed, now int64, lock string) {
	n := len(some)
	keys := make([]string, n)
	for i, c := range some {
		keys[i] = c.key
	}
	x.each(`SELECT a.key, t.id, t.version, t.status, t.callback_url, p.version, p.state FROM payout_attempts a
		JOIN payouts p ON p.id = a.payout_id JOIN transactions t ON t.id = p.transaction_id
		WHERE a.key IN (`+in(n)+") ORDER BY t.id"+lock, anys(keys), 7, func([]string) {})
	x.each("SELECT a.key, a.state, a.sends, a.number FROM payout_attempts a WHERE a.key IN ("+in(n)+")", anys(keys), 4, func([]string) {})
	x.exec(`INSERT INTO attempt_answers (id, payout_id, number, key, source, outcome, external_id, fence, used, at_us) VALUES `+
		values(n, "TEXT", "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "BOOLEAN", "BIGINT"),
		per(some, func(c claimed) []any {
			return []any{c.key, c.payout, 1, c.key, "execute", "delivered", c.key, 1, true, now}
		})...)
	x.exec(`UPDATE payout_attempts SET state = 'delivered', outcome = 'delivered', external_id = v.column2, updated_us = v.column3
		FROM (VALUES `+values(n, "TEXT", "TEXT", "BIGINT")+") AS v WHERE payout_attempts.payout_id = v.column1 AND number = 1",
		per(some, func(c claimed) []any { return []any{c.payout, c.key, now} })...)
	x.exec(`UPDATE payouts SET version = version + 1, state = 'delivered', lease_owner = '', lease_until_us = 0, updated_us = v.column2
		FROM (VALUES `+values(n, "TEXT", "BIGINT")+") AS v WHERE payouts.id = v.column1",
		per(some, func(c claimed) []any { return []any{c.payout, now} })...)
	x.event("payout", some, 3, now)
	x.exec(`UPDATE transactions SET version = transactions.version + 1, status = 'completed', external_id = v.column2, updated_us = v.column3,
		status_us = v.column3, completed_us = v.column3
		FROM (VALUES `+values(n, "TEXT", "TEXT", "BIGINT", "BIGINT")+`) AS v
		WHERE transactions.id = v.column1 AND transactions.version = v.column4`,
		per(some, func(c claimed) []any { return []any{c.transaction, c.key, now, c.version} })...)
	x.event("transaction", some, 3, now)
}

func (x *execer) event(kind string, some []claimed, seq, now int64) {
	x.exec(`INSERT INTO events (subject_kind, subject_id, seq, kind, from_status, to_status, actor, at_us) VALUES `+
		values(len(some), "TEXT", "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT"),
		per(some, func(c claimed) []any {
			id := c.payout
			if kind == "transaction" {
				id = c.transaction
			}
			return []any{kind, id, seq, "noted", "before", "after", "bare", now}
		})...)
}

func per(some []claimed, args func(claimed) []any) []any {
	var all []any
	for _, c := range some {
		all = append(all, args(c)...)
	}
	return all
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
