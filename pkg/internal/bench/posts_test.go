package bench_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// barePosts runs the statements of POST /transactions, each round trip of them, on connections of its own: it looks for the
// idempotency key and both customers, and writes key, transaction and event in one database transaction. Nothing is
// decided, opened, signed or parsed.
type barePosts struct {
	db                      *sql.DB
	key, transaction, event template
	before                  *sql.Stmt
	owner, sender, receiver any
	made                    atomic.Int64
}

// newBarePosts takes its rows after those of a transaction that was agreed over HTTP.
func newBarePosts(b *testing.B, url string) *barePosts {
	p := &barePosts{db: openRaw(b, url, connections)}
	p.key = readTemplate(b, p.db, "idempotency_keys", "1 = 1")
	p.transaction = readTemplate(b, p.db, "transactions", "1 = 1")
	p.event = readTemplate(b, p.db, "events", "subject_kind = 'transaction'")
	p.owner, p.sender, p.receiver = p.transaction.value("owner_account"), p.transaction.value("sender_id"), p.transaction.value("receiver_id")
	const of = " WHERE c.id IN ($1, $2) AND c.owner_account = $3 AND c.deleted_us = 0"
	p.before = prepared(b, p.db, `SELECT c.id, c.sealed_key, '' FROM customers c`+of+
		` UNION ALL SELECT c.id, s.type, s.status FROM customers c JOIN customer_statuses s ON s.customer_id = c.id`+of+
		` UNION ALL SELECT c.id, f.name, f.sealed FROM customers c JOIN customer_fields f ON f.customer_id = c.id`+of+
		` UNION ALL SELECT '', k.request_hash, k.answer FROM idempotency_keys k WHERE k.owner = $4 AND k.key = $5`)
	return p
}

// agree makes n transactions, as many at once as there are connections.
func (p *barePosts) agree(b *testing.B, n int) {
	group, ctx := errgroup.WithContext(b.Context())
	var left atomic.Int64
	left.Store(int64(n))
	for range connections {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
				if err := p.one(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
}

func (p *barePosts) one(ctx context.Context) error {
	key, id := "bare-"+strconv.FormatInt(p.made.Add(1), 10), store.NewID()
	if err := p.read(ctx, key); err != nil {
		return err
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	for _, insert := range []struct {
		t  template
		as map[string]any
	}{
		{p.key, map[string]any{"key": key}},
		{p.transaction, map[string]any{"id": id, "memo": randomMemo()}},
		{p.event, map[string]any{"subject_id": id}},
	} {
		if _, err := tx.StmtContext(ctx, insert.t.insert).ExecContext(ctx, insert.t.with(insert.as)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (p *barePosts) read(ctx context.Context, key string) error {
	rows, err := p.before.QueryContext(ctx, p.sender, p.receiver, p.owner, p.key.value("owner"), key)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var cells [3]string
	n := 0
	for rows.Next() {
		if err := rows.Scan(&cells[0], &cells[1], &cells[2]); err != nil {
			return err
		}
		n++
	}
	if n < 4 {
		return fmt.Errorf("the customers are not there: %w", rows.Err())
	}
	return rows.Err()
}

func randomMemo() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return strconv.FormatUint(binary.BigEndian.Uint64(raw[:])>>1, 10)
}

// template is a row of a table, to write others like it.
type template struct {
	columns []string
	values  []any
	insert  *sql.Stmt
}

func readTemplate(b *testing.B, db *sql.DB, table, where string) template {
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM "+table+" WHERE "+where+" LIMIT 1")
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	var t template
	t.columns, err = rows.Columns()
	require.NoError(b, err)
	require.True(b, rows.Next(), "%s is empty", table)
	t.values = make([]any, len(t.columns))
	into := make([]any, len(t.columns))
	for i := range into {
		into[i] = &t.values[i]
	}
	require.NoError(b, rows.Scan(into...))
	require.NoError(b, rows.Close()) // SQLite has one connection here
	t.insert = prepared(b, db, "INSERT INTO "+table+" ("+strings.Join(t.columns, ", ")+") VALUES "+tuple(1, len(t.columns)))
	return t
}

func (t template) value(column string) any { return t.values[slices.Index(t.columns, column)] }

// with is the row with other values in some columns.
func (t template) with(others map[string]any) []any {
	values := slices.Clone(t.values)
	for column, value := range others {
		values[slices.Index(t.columns, column)] = value
	}
	return values
}

func prepared(b *testing.B, db *sql.DB, text string) *sql.Stmt {
	s, err := db.PrepareContext(b.Context(), text)
	require.NoError(b, err, text)
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// tuple is "($1,$2)", from the number given.
func tuple(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return "(" + strings.Join(list, ",") + ")"
}
