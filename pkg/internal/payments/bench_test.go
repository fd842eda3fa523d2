package payments_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const perPage = 200

// BenchmarkCredit applies full pages from memory, all exact and each for a transaction of its own, beside the bare
// statements of the same step on the same database. Payments per second are reported for both, and the share.
func BenchmarkCredit(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "anchor.db") },
		"postgres": pgtest.URL,
	} {
		b.Run(engine, func(b *testing.B) { benchmarkCredit(b, url(b)) })
	}
}

func benchmarkCredit(b *testing.B, url string) {
	db := storetest.Open(b, url)
	books := newBooks(b, db)
	bare := openBare(b, url)
	pages := make([]stellar.Page, b.N)
	funded := make([]stellar.Page, b.N)
	for i := range b.N {
		pages[i] = books.fullPage(b, int64(2*i)+10)
		funded[i] = books.fullPage(b, int64(2*i)+11)
	}
	at := books.open(b, 1)
	b.ResetTimer()
	b.StopTimer()
	var apply, statements float64
	for i := range b.N {
		began := b.Elapsed()
		b.StartTimer()
		next, err := books.service.Apply(b.Context(), at, pages[i], 1)
		b.StopTimer()
		require.NoError(b, err)
		at = next
		apply += (b.Elapsed() - began).Seconds()

		began = b.Elapsed()
		b.StartTimer()
		bare.credit(b, funded[i])
		b.StopTimer()
		statements += (b.Elapsed() - began).Seconds()
	}
	count := float64(b.N * perPage)
	b.ReportMetric(count/apply, "payments/s")
	b.ReportMetric(count/statements, "bare/s")
	b.ReportMetric(100*statements/apply, "%")
	b.ReportMetric(0, "ns/op")
}

// fullPage agrees on 200 transactions and pays them in one ledger.
func (b *books) fullPage(t testing.TB, ledger int64) stellar.Page {
	due := make([]terms, perPage)
	list := make([]stellar.Payment, perPage)
	for i := range due {
		memo := fmt.Sprint(ledger*1000 + int64(i))
		due[i] = id(memo, unit)
		list[i] = b.pays(position(ledger, int64(i)+1, 1), memo, unit)
	}
	b.agree(t, due...)
	return page(ledger, list...)
}

// bare runs what crediting has to write, as set-wise as each engine likes it best, and nothing else.
type bare struct {
	db   *sql.DB
	rows int
}

func openBare(b *testing.B, url string) bare {
	driver, name, rows := "pgx", url, perPage
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name, rows = "sqlite", "file:"+path+"?_txlock=immediate&_pragma=synchronous(OFF)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)", 16
	} else {
		name += "&synchronous_commit=off"
	}
	db, err := sql.Open(driver, name)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1)
	return bare{db, rows}
}

func (w bare) credit(b *testing.B, page stellar.Page) {
	ctx := context.Background()
	tx, err := w.db.BeginTx(ctx, nil)
	require.NoError(b, err)
	_, err = tx.ExecContext(ctx, "UPDATE cursors SET updated_us = $1 WHERE account = $2", page.Position, page.Payments[0].Account)
	require.NoError(b, err)
	for from := 0; from < len(page.Payments); from += w.rows {
		w.some(b, tx, page.Payments[from:min(from+w.rows, len(page.Payments))])
	}
	require.NoError(b, tx.Commit())
}

func (w bare) some(b *testing.B, tx *sql.Tx, list []stellar.Payment) {
	ctx := context.Background()
	var memos, payments, updates, payouts, events []any
	for _, p := range list {
		memos = append(memos, p.Memo)
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT id FROM transactions WHERE receiving_account = '%s' AND memo_type = 'id' AND memo IN %s", list[0].Account, values(1, len(memos))), memos...)
	require.NoError(b, err)
	var ids []string
	for rows.Next() {
		var id string
		require.NoError(b, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(b, rows.Err())
	require.NoError(b, rows.Close())
	require.Len(b, ids, len(list))
	for i, p := range list {
		payments = append(payments, store.NewID(), "bare", p.Account, p.OperationID, 0, p.Kind, p.InnerHash, p.OuterHash, p.Ledger, p.ClosedAt.UnixMicro(), p.From, "", "",
			p.AssetCode, p.AssetIssuer, p.Units, p.MemoType, p.Memo, "credited", "credited", ids[i], "", "", 1, 1, 1)
		updates = append(updates, ids[i])
		payout := store.NewID()
		payouts = append(payouts, payout, ids[i], 1, 1, "ready", "", rail, p.Units, p.Units, 7, p.AssetCode, 1, 1, 1)
		events = append(events, "transaction", ids[i], 2, "funded", "pending_sender", "pending_receiver", actorName, "the whole sum arrived", p.OuterHash, 1,
			"payout", payout, 1, "funded", "", "ready", actorName, "the whole sum arrived", p.OuterHash, 1)
	}
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO payments (id, chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, from_account, from_muxed_id, to_muxed_id,
			asset_code, asset_issuer, amount_units, memo_type, memo, judgement, state, transaction_id, reason, raw, version, created_us, updated_us) VALUES ` + tuplesOf(26, len(list)), payments},
		{fmt.Sprintf(`UPDATE transactions SET version = version + 1, status = 'pending_receiver', funded = TRUE, credited_units = %d, payout_units = %d, stellar_hash = 'h' WHERE id IN %s`,
			unit, unit, values(1, len(ids))), updates},
		{`INSERT INTO payouts (id, transaction_id, number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals, amount_asset, next_us, created_us, updated_us) VALUES ` +
			tuplesOf(14, len(list)), payouts},
		{`INSERT INTO events (subject_kind, subject_id, seq, kind, from_status, to_status, actor, reason, detail, at_us) VALUES ` + tuplesOf(10, 2*len(list)), events},
	} {
		_, err := tx.ExecContext(ctx, s.text, s.args...)
		require.NoError(b, err)
	}
}

const actorName = "watch-transactions"

func values(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("$", first+i)
	}
	return "(" + strings.Join(list, ",") + ")"
}

func tuplesOf(columns, rows int) string {
	list := make([]string, rows)
	for i := range list {
		list[i] = values(1+i*columns, columns)
	}
	return strings.Join(list, ",")
}
