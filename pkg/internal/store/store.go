// Package store keeps everything the anchor knows: every line of SQL, for SQLite and Postgres alike, the migrations, and the
// sealing of personal data and seeds.
//
// It promises that what belongs together is committed together (a change, its event, its callbacks), that a change decided on
// a row that somebody else has changed meanwhile is decided anew, and that nothing personal is written unsealed. It must
// never call anybody while a transaction is open, and never decide what may happen to a transaction: package anchor does.
// The nouns (assets, customers, transactions, payments, payouts, callbacks) call it; handlers never see it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Errors that callers tell apart. Everything else is a fault of the database.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	// ErrStale means that a row changed between reading and writing it; DB.Tx then runs its closure again.
	ErrStale = errors.New("changed meanwhile")
)

// Options say which database to open, and how.
type Options struct {
	// URL is "sqlite:PATH" or "postgres://…".
	URL string
	// ListenURL is a direct connection for LISTEN where a pooler stands before the database; empty: URL.
	ListenURL string
	// Keys seal personal data and seeds; may be empty where neither is touched.
	Keys Keyring
	// Log gets what the database does by itself (reconnects); nil: discarded.
	Log *slog.Logger
	// Now is the clock of this host, used on SQLite only, where all processes share it; nil: time.Now.
	Now func() time.Time
	// Unsafe turns off waiting for the disk; for tests only.
	Unsafe bool
	// AtCommit is called right before each commit and, with done, right after it, by whoever commits; for tests only, which end
	// the process there. nil: nothing.
	AtCommit func(done bool)
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine engine
	write  *sql.DB // one connection on SQLite
	read   *sql.DB
	q      *sqlgen.Queries // on read
	wq     *sqlgen.Queries // prepared for write; nil on Postgres, where pgx prepares by itself
	many   *compiled       // likewise
	keys   Keyring
	log    *slog.Logger
	now    func() time.Time
	hub    *hub
	// atCommit is never nil.
	atCommit func(done bool)
}

// engine is what differs between the two databases, all of it.
type engine interface {
	name() string
	// lock waits for this process' turn to write; release must be called after the transaction.
	lock(ctx context.Context) (release func(), err error)
	// begin begins a transaction that writes.
	begin(ctx context.Context, db *sql.DB) (begun, error)
	// clock reads the time by which leases run, inside tx, as UTC microseconds.
	clock(ctx context.Context, tx *sql.Tx) (int64, error)
	retryable(err error) bool
	exists(err error) bool
	// noTable tells that a statement failed because its table is not there.
	noTable(err error) bool
	// skipLocked ends a SELECT that claims rows.
	skipLocked() string
	// forUpdate ends a SELECT that locks rows.
	forUpdate() string
	// snapshot begins a transaction that only reads, all of it as of one moment.
	snapshot() *sql.TxOptions
	// rows is how many rows a set-wise statement may have at most.
	rows() int
	// watch calls woken (with "" for "anything") whenever another connection may have committed, until ctx ends.
	watch(ctx context.Context, woken func(topic Topic)) error
	// announce tells other processes, after a commit.
	announce(topics []Topic)
	close() error
}

// begun is a transaction that has just begun.
type begun struct {
	tx    *sql.Tx
	now   int64       // by the clock that leases run by, UTC microseconds
	later sqlgen.DBTX // for writes that may wait for the commit; nil where that gains nothing
}

// Open opens the database and checks that this program may work on its schema.
func Open(ctx context.Context, o Options) (*DB, error) {
	db, err := OpenUnchecked(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.CheckSchema(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// OpenUnchecked opens the database whatever its schema is, for migrations.
func OpenUnchecked(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AtCommit == nil {
		o.AtCommit = func(bool) {}
	}
	db := &DB{keys: o.Keys, log: o.Log, now: o.Now, atCommit: o.AtCommit}
	var err error
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		err = openSQLite(ctx, db, rest, o)
	case "postgres", "postgresql":
		err = openPostgres(ctx, db, o)
	default:
		err = fmt.Errorf("database URL must start with sqlite: or postgres://, not %q", scheme)
	}
	if err != nil {
		return nil, err
	}
	db.hub = newHub(db.engine, o.Log)
	db.q = sqlgen.New(db.read)
	return db, nil
}

// prepare compiles every statement once where the driver does not do so by itself.
func (db *DB) prepare(ctx context.Context) error {
	if db.read == db.write {
		return nil
	}
	q, err := sqlgen.Prepare(ctx, db.read)
	if err != nil {
		return fmt.Errorf("prepare for reading: %w", err)
	}
	wq, err := sqlgen.Prepare(ctx, db.write)
	if err != nil {
		return errors.Join(fmt.Errorf("prepare for writing: %w", err), q.Close())
	}
	db.q, db.wq, db.many = q, wq, newCompiled(db.write)
	return nil
}

// Engine names the database: "sqlite" or "postgres".
func (db *DB) Engine() string { return db.engine.name() }

// Close ends the wake-ups, tells other processes what is still to be told and closes all connections.
func (db *DB) Close() error {
	db.hub.close()
	var errs []error
	for _, q := range []*sqlgen.Queries{db.q, db.wq} {
		if q != nil {
			errs = append(errs, q.Close())
		}
	}
	errs = append(errs, db.many.close(), db.engine.close(), db.read.Close())
	if db.write != db.read {
		errs = append(errs, db.write.Close())
	}
	return errors.Join(errs...)
}

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// found turns "no rows" into ErrNotFound and names what was looked for.
func found[T any](row T, err error, what string, args ...any) (T, error) {
	var none T
	if errors.Is(err, sql.ErrNoRows) {
		return none, fmt.Errorf(what+": %w", append(args, ErrNotFound)...)
	}
	if err != nil {
		return none, fmt.Errorf(what+": %w", append(args, err)...)
	}
	return row, nil
}
