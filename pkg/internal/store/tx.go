package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// tries bounds how often a closure is run again; waits grow from 2 ms, so the last try comes after about four seconds.
const tries = 12

// Tx is one open database transaction. It must not be used after its closure has returned, nor by two goroutines at once.
type Tx struct {
	db     *DB
	tx     *sql.Tx
	q      *sqlgen.Queries
	later  *sqlgen.Queries // for what is written once everything is decided, and not read again: it may wait for the commit
	many   sqlgen.DBTX     // likewise, for statements of many rows; nil: nothing is gained by waiting
	now    int64
	topics []Topic
}

// Tx runs f in one database transaction and commits what it did, or nothing. A serialization failure, a deadlock, a busy
// database or a row that changed meanwhile (ErrStale) runs the whole closure again: f must not touch anything else.
func (db *DB) Tx(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	wait := 2 * time.Millisecond
	for try := 1; ; try++ {
		err := db.once(ctx, f)
		again := errors.Is(err, ErrStale) || db.engine.retryable(err)
		if err == nil || !again || try == tries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, time.Second)
	}
}

func (db *DB) once(ctx context.Context, f func(ctx context.Context, tx *Tx) error) (err error) {
	release, err := db.engine.lock(ctx)
	if err != nil {
		return fmt.Errorf("wait to write: %w", err)
	}
	defer release()
	begun, err := db.engine.begin(ctx, db.write)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	raw := begun.tx
	tx := db.opened(begun)
	committed := false
	defer func() {
		if committed {
			return
		}
		if rollback := raw.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, fmt.Errorf("roll back: %w", rollback))
		}
	}()
	if err := f(ctx, tx); err != nil {
		return err
	}
	db.atCommit(false)
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	db.atCommit(true)
	db.many.catchUp(ctx)
	db.hub.committed(tx.topics)
	return nil
}

// opened is a transaction with its statements.
func (db *DB) opened(b begun) *Tx {
	tx := &Tx{db: db, tx: b.tx, now: b.now}
	if db.wq != nil {
		tx.q = db.wq.WithTx(b.tx)
	} else {
		tx.q = sqlgen.New(b.tx)
	}
	tx.later = tx.q
	if b.later != nil {
		tx.later, tx.many = sqlgen.New(b.later), b.later
	}
	return tx
}

// setwiseLater is setwise for rows that nothing in this Tx reads or decides on: they may wait for the commit, which then fails if
// one of them cannot be written.
func (tx *Tx) setwiseLater(ctx context.Context, s statement, n int, fixed []any, row func(i int) []any) error {
	if tx.many == nil {
		_, err := tx.setwise(ctx, s, n, fixed, row)
		return err
	}
	return tx.chunks(n, func(from, to int) error {
		_, err := tx.many.ExecContext(ctx, s.sql(to-from, len(fixed)), parameters(fixed, from, to, row)...)
		return err
	})
}

// Now is the time at which this transaction began by the database's clock, as UTC microseconds. Leases run by it.
func (tx *Tx) Now(context.Context) (int64, error) { return tx.now, nil }

// Wake tells whoever waits for the topic, in this process and in others, once the transaction is committed.
func (tx *Tx) Wake(t Topic) {
	if !slices.Contains(tx.topics, t) {
		tx.topics = append(tx.topics, t)
	}
}

// one checks that a guarded update met exactly the row it was decided on.
func one(n int64, err error) error { return exactly(1, n, err) }

func exactly(want int, n int64, err error) error {
	if err != nil {
		return err
	}
	if n != int64(want) {
		return fmt.Errorf("%d of %d rows: %w", n, want, ErrStale)
	}
	return nil
}
