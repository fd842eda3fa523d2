package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// numbers is a database with an empty table of numbers.
func numbers(t *testing.T) *DB {
	t.Helper()
	o := Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "anchor.db"), Unsafe: true}
	db, err := OpenUnchecked(t.Context(), o)
	require.NoError(t, err)
	_, err = db.MigrateUp(t.Context())
	require.NoError(t, err)
	_, err = db.write.ExecContext(t.Context(), "CREATE TABLE numbers (n BIGINT PRIMARY KEY)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	db, err = Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// insertNumbers inserts n numbers from one on, and answers how many came to be there.
func (db *DB) insertNumbers(ctx context.Context, from, n int) (inserted int64, err error) {
	s := statement{head: "INSERT INTO numbers (n) VALUES ", row: "(?)"}
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) (err error) {
		inserted, err = tx.setwise(ctx, s, n, nil, func(i int) []any { return []any{from + i} })
		return err
	})
	return inserted, err
}

func TestAStatementOfManyRowsIsParsedOnceOnSQLite(t *testing.T) {
	t.Parallel()
	db := numbers(t)
	text := statement{head: "INSERT INTO numbers (n) VALUES ", row: "(?)"}.sql(16, 0)
	for round := range 3 {
		inserted, err := db.insertNumbers(t.Context(), round*100, 33)
		require.NoError(t, err)
		require.EqualValues(t, 33, inserted)
		require.NotNil(t, db.many.by[text], "after the first transaction")
	}
	require.Len(t, db.many.by, 2, "of 16 rows and of one")
}

func TestACompiledStatementThatFailedWorksAgain(t *testing.T) {
	t.Parallel()
	db := numbers(t)
	for from := range 2 {
		_, err := db.insertNumbers(t.Context(), from*16, 16)
		require.NoError(t, err)
	}
	_, err := db.insertNumbers(t.Context(), 20, 16)
	require.True(t, db.engine.exists(err), "%v", err)
	inserted, err := db.insertNumbers(t.Context(), 100, 16)
	require.NoError(t, err)
	require.EqualValues(t, 16, inserted)
}

func TestNoMoreStatementsAreKeptThanTheBound(t *testing.T) {
	t.Parallel()
	db := numbers(t)
	for i := range mostCompiled + 20 {
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *Tx) error {
			_, err := tx.execMany(ctx, fmt.Sprintf("INSERT INTO numbers VALUES (%d)", i), nil)
			return err
		}))
	}
	require.Len(t, db.many.by, mostCompiled)
}
