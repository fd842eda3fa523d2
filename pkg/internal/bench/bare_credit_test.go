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

// bareCredit runs what crediting has to read and to write, as set-wise as each engine likes it best, and nothing else.
type bareCredit struct {
	db    *sql.DB
	books *books
	rows  int    // per statement
	lock  string // that ends a SELECT
}

func openBareCredit(b *testing.B, url string, k *books) bareCredit {
	w := bareCredit{db: openRaw(b, url, 1), books: k, rows: perPage, lock: " FOR UPDATE"}
	if strings.HasPrefix(url, "sqlite:") {
		w.rows, w.lock = 16, ""
	}
	return w
}

func (w bareCredit) credit(b *testing.B, page stellar.Page) {
	tx, err := w.db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	_, err = tx.ExecContext(b.Context(), "UPDATE cursors SET updated_us = $1 WHERE account = $2", page.Position, page.Payments[0].Account)
	require.NoError(b, err)
	for from := 0; from < len(page.Payments); from += w.rows {
		require.NoError(b, w.some(b.Context(), tx, page.Payments[from:min(from+w.rows, len(page.Payments))]))
	}
	require.NoError(b, tx.Commit())
}

func (w bareCredit) some(ctx context.Context, tx *sql.Tx, list []stellar.Payment) error {
	memos := []any{list[0].Account}
	for _, p := range list {
		memos = append(memos, p.Memo)
	}
	ids, err := texts(ctx, tx, "SELECT id FROM transactions WHERE receiving_account = $1 AND memo_type = 'id' AND memo IN "+
		tuple(2, len(list))+" ORDER BY id"+w.lock, memos)
	if err != nil {
		return err
	}
	if len(ids) != len(list) {
		return fmt.Errorf("%d transactions for %d payments", len(ids), len(list))
	}
	if _, err := texts(ctx, tx, "SELECT customer_id FROM customer_statuses WHERE customer_id IN ($1, $2)",
		[]any{w.books.sender, w.books.receiver}); err != nil {
		return err
	}
	return w.write(ctx, tx, list, ids)
}

func (w bareCredit) write(ctx context.Context, tx *sql.Tx, list []stellar.Payment, ids []string) error {
	var payments, updates, payouts, events []any
	for i, p := range list {
		payments = append(payments, store.NewID(), "bare", p.Account, p.OperationID, 0, p.Kind, p.InnerHash, p.OuterHash, p.Ledger, p.ClosedAt.UnixMicro(), p.From, "", "",
			p.AssetCode, p.AssetIssuer, p.Units, p.MemoType, p.Memo, "credited", "credited", ids[i], "", "", 1, 1, 1)
		updates = append(updates, ids[i])
		payout := store.NewID()
		payouts = append(payouts, payout, ids[i], 1, 1, "ready", "", rail, p.Units, p.Units, 7, p.AssetCode, 1, 1, 1)
		events = append(events, "transaction", ids[i], 2, "funded", "pending_sender", "pending_receiver", actor, "", p.OuterHash, 1,
			"payout", payout, 1, "funded", "", "ready", actor, "", p.OuterHash, 1)
	}
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO payments (id, chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, from_account, from_muxed_id, to_muxed_id,
			asset_code, asset_issuer, amount_units, memo_type, memo, judgement, state, transaction_id, reason, raw, version, created_us, updated_us) VALUES ` + tuples(26, len(list)), payments},
		{fmt.Sprintf(`UPDATE transactions SET version = version + 1, status = 'pending_receiver', funded = TRUE, credited_units = %d,
			payout_units = %d, stellar_hash = '%064x' WHERE id IN `, unit, unit, 1) + tuple(1, len(ids)), updates},
		{`INSERT INTO payouts (id, transaction_id, number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals, amount_asset, next_us, created_us, updated_us) VALUES ` +
			tuples(14, len(list)), payouts},
		{`INSERT INTO events (subject_kind, subject_id, seq, kind, from_status, to_status, actor, reason, detail, at_us) VALUES ` + tuples(10, 2*len(list)), events},
	} {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// texts reads the first column.
func texts(ctx context.Context, tx *sql.Tx, query string, args []any) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// tuples is tuple for so many rows.
func tuples(columns, rows int) string {
	list := make([]string, rows)
	for i := range list {
		list[i] = tuple(1+i*columns, columns)
	}
	return strings.Join(list, ",")
}
