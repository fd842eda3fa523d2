package bench_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	pastTransactions = 1_000_000
	openTransactions = 1_000
)

// measurePast applies the same pages to a database that has seen a million transactions, and to an empty one, and compares how
// both run the statements of the work.
func measurePast(b *testing.B, e engine, t *table) {
	empty, full := newPast(b, e), newPast(b, e)
	full.live(b, pastTransactions)
	for _, k := range []*past{empty, full} {
		k.agree(b, openTransactions)
		k.apply(b)
		analyze(b, k.raw)
	}
	comparePlans(b, e, t, empty, full)
	r := row{
		what: "crediting beside a million finished transactions", engine: e.name, unit: "/s", besideWhat: "beside none", bar: shareAtLeast(80),
	}
	t.add(b, turns(r, func() float64 { return empty.apply(b) }, func() float64 { return full.apply(b) }))
	require.Equal(b, full.credited+pastTransactions, count(b, full.raw, "SELECT COUNT(*) FROM transactions WHERE funded = TRUE"))
}

// past is an anchor with a history.
type past struct {
	*books
	raw      *sql.DB
	url      string
	at       store.Cursor
	ledger   int64
	credited int // payments, as agreed
}

func newPast(b *testing.B, e engine) *past {
	url := e.url(b)
	k := &past{books: newBooks(b, durable(b, url), addressOf(2), addressOf(1), addressOf(3), passphrase), raw: openRaw(b, url, 1), url: url, ledger: 10}
	require.NoError(b, k.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		k.at, err = tx.OpenCursor(ctx, k.asset.ReceivingAccount, passphrase, 1)
		return err
	}))
	return k
}

// apply answers how many payments per second are credited.
func (k *past) apply(b *testing.B) float64 {
	pages := make([]stellar.Page, pagesPerRound)
	for i := range pages {
		pages[i] = k.page(b, k.ledger)
		k.ledger++
	}
	k.credited += pagesPerRound * perPage
	return perSecond(pagesPerRound*perPage, func() {
		for _, page := range pages {
			var err error
			k.at, err = k.service.Apply(b.Context(), k.at, page, 1)
			require.NoError(b, err)
		}
	})
}

// live makes a past of so many transactions, each paid, paid out and told of, by copies of one that really was.
func (k *past) live(b *testing.B, transactions int) {
	model := k.page(b, 5)
	model.Payments = model.Payments[:1]
	var err error
	k.at, err = k.service.Apply(b.Context(), k.at, model, 1)
	require.NoError(b, err)
	k.credited++
	memo := model.Payments[0].Memo
	k.pay(b, 1)
	var id, payout string
	require.NoError(b, k.raw.QueryRowContext(b.Context(),
		"SELECT t.id, p.id FROM transactions t JOIN payouts p ON p.transaction_id = t.id WHERE t.memo = $1 AND t.status = 'completed'", memo).Scan(&id, &payout))
	// Ids of the past are smaller than those of today, as those that hold the time are.
	own := map[string]string{"id": "'00-tx-' || g", "memo": "CAST(1000000000 + g AS TEXT)", "transaction_id": "'00-tx-' || g"}
	k.copies(b, "transactions", "id = $1", id, transactions, own)
	own["id"], own["operation_id"] = "'00-pay-' || g", "g"
	k.copies(b, "payments", "transaction_id = $1", id, transactions, own)
	own["id"] = "'00-out-' || g"
	k.copies(b, "payouts", "transaction_id = $1", id, transactions, own)
	sent := map[string]string{"id": "'00-said-' || g", "payout_id": "'00-out-' || g", "key": "'00-key-' || g"}
	k.copies(b, "payout_attempts", "payout_id = $1", payout, transactions, sent)
	k.copies(b, "attempt_answers", "payout_id = $1", payout, transactions, sent)
	k.copies(b, "events", "subject_kind = 'transaction' AND subject_id = $1", id, transactions, map[string]string{"subject_id": "'00-tx-' || g"})
}

// copies inserts copies of the rows found, with columns of their own that are made of their number g.
func (k *past) copies(b *testing.B, table, where, id string, n int, own map[string]string) {
	rows, err := k.raw.QueryContext(b.Context(), "SELECT * FROM "+table+" LIMIT 0")
	require.NoError(b, err)
	columns, err := rows.Columns()
	require.NoError(b, err)
	require.NoError(b, rows.Close())
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = "t." + column
		if value, ok := own[column]; ok {
			values[i] = value
		}
	}
	_, err = k.raw.ExecContext(b.Context(), fmt.Sprintf(
		"INSERT INTO %s (%s) WITH RECURSIVE numbers (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM numbers WHERE g < %d) SELECT %s FROM numbers, %s t WHERE %s",
		table, strings.Join(columns, ", "), n, strings.Join(values, ", "), table, where), id)
	require.NoError(b, err, table)
}
