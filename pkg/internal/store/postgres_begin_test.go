package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

func openForBegin(t *testing.T) *DB {
	t.Helper()
	db, err := OpenUnchecked(t.Context(), Options{URL: pgtest.URL(t)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.write.ExecContext(t.Context(), "CREATE TABLE things (id BIGINT PRIMARY KEY)")
	require.NoError(t, err)
	return db
}

func things(t *testing.T, db *DB) (n int) {
	t.Helper()
	require.NoError(t, db.read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM things").Scan(&n))
	return n
}

func TestATransactionBeginsWithTheTimeOfPostgres(t *testing.T) {
	t.Parallel()
	db := openForBegin(t)
	clock := func() (us int64) {
		require.NoError(t, db.read.QueryRowContext(t.Context(), readClock).Scan(&us))
		return us
	}
	before := clock()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *Tx) error {
		now, err := tx.Now(ctx)
		require.NoError(t, err)
		require.GreaterOrEqual(t, now, before)
		require.LessOrEqual(t, now, clock())
		_, err = tx.tx.ExecContext(ctx, "INSERT INTO things VALUES (1)")
		require.NoError(t, err)
		require.Zero(t, things(t, db), "nobody else sees what is not committed")
		return err
	}))
	require.Equal(t, 1, things(t, db))
}

func TestACommitThatPostgresTurnsIntoARollbackIsAnError(t *testing.T) {
	t.Parallel()
	db := openForBegin(t)
	err := db.Tx(t.Context(), func(ctx context.Context, tx *Tx) error {
		_, err := tx.tx.ExecContext(ctx, "INSERT INTO things VALUES (1)")
		require.NoError(t, err)
		_, err = tx.tx.ExecContext(ctx, "SELECT no_such_thing")
		require.Error(t, err)
		return nil // as if the error had been overlooked
	})
	require.ErrorIs(t, err, pgx.ErrTxCommitRollback)
	require.Zero(t, things(t, db))
}

func TestNoConnectionKeepsATransactionThatWasGivenUp(t *testing.T) {
	t.Parallel()
	db := openForBegin(t)
	db.write.SetMaxOpenConns(1)
	for name, giveUp := range map[string]func(ctx context.Context, cancel context.CancelFunc) error{
		"by an error":          func(context.Context, context.CancelFunc) error { return errors.New("no") },
		"by its context":       func(ctx context.Context, cancel context.CancelFunc) error { cancel(); return ctx.Err() },
		"before its commit":    func(_ context.Context, cancel context.CancelFunc) error { cancel(); return nil },
		"by a lost connection": func(ctx context.Context, _ context.CancelFunc) error { return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.tx.ExecContext(ctx, "INSERT INTO things VALUES (1)")
			require.NoError(t, err, name)
			if name == "by a lost connection" {
				_, err = tx.tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
				require.Error(t, err)
			}
			return giveUp(ctx, cancel)
		})
		cancel()
		require.Error(t, err, name)
		require.Zero(t, things(t, db), name)
	}
}

func TestTheWaitForAConnectionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := openForBegin(t)
	db.write.SetMaxOpenConns(1)
	taken, err := db.write.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err = db.Tx(ctx, func(context.Context, *Tx) error { return sql.ErrNoRows })
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestWhatWaitsForTheCommitIsCommittedOrNothingIs(t *testing.T) {
	t.Parallel()
	db := openForBegin(t)
	insert := func(ctx context.Context, l sqlgen.DBTX, id int) {
		_, err := l.ExecContext(ctx, "INSERT INTO things VALUES ($1)", id)
		require.NoError(t, err)
	}
	put := func(now int, waiting ...int) error {
		b, err := db.engine.begin(t.Context(), db.write)
		require.NoError(t, err)
		insert(t.Context(), b.tx, now)
		for _, id := range waiting {
			insert(t.Context(), b.later, id)
		}
		return b.tx.Commit()
	}
	require.NoError(t, put(1, 2, 3))
	require.Equal(t, 3, things(t, db))
	for name, waiting := range map[string][]int{"the first": {3, 5}, "the last": {5, 3}} {
		require.True(t, db.engine.exists(put(4, waiting...)), name)
		require.Equal(t, 3, things(t, db), name)
	}
	require.NoError(t, put(4, 5))
	require.Equal(t, 5, things(t, db))
}
