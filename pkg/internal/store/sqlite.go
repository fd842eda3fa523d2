package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// watchEvery is how often a process looks whether another one has committed, watchAsleep how often after so many looks in vain.
// A look costs about 5 us, to be woken for it up to 300: 1.5 % of a core at 50 a second.
const (
	watchEvery  = 20 * time.Millisecond
	watchAsleep = 50 * time.Millisecond
	inVain      = 50
)

// sqliteEngine is one file shared by any number of processes of one host.
type sqliteEngine struct {
	read *sql.DB
	now  func() time.Time

	// Writers of all processes queue on a lock of a file beside the database: SQLite's own waiting starves them.
	turn  chan struct{}
	queue *os.File
}

func openSQLite(ctx context.Context, db *DB, path string, o Options) error {
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return errors.New("database URL sqlite: lacks the path of its file")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("database path: %w", err)
	}
	if err := ownFile(path); err != nil {
		return err
	}
	queue, err := os.OpenFile(path+".queue", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the database's write queue: %w", err)
	}
	e := &sqliteEngine{now: o.Now, turn: make(chan struct{}, 1), queue: queue}
	db.engine = e
	sync := "FULL"
	if o.Unsafe {
		sync = "OFF"
	}
	db.write, err = openSQLitePool(path, 1, "_txlock=immediate", "_pragma=synchronous("+sync+")",
		"_pragma=secure_delete(fast)") // a key that is destroyed shall not lie about in a free page
	if err == nil {
		err = e.createFile(ctx, db.write)
	}
	if err == nil {
		db.read, err = openSQLitePool(path, 4, "_pragma=query_only(1)")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), queue.Close())
	}
	e.read = db.read
	return nil
}

// ownFile makes the file, where there is none, readable by its owner alone; SQLite itself would let everybody read it.
func ownFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	return f.Close()
}

// createFile makes the database known to be readable and in WAL mode before anyone else opens it.
func (e *sqliteEngine) createFile(ctx context.Context, db *sql.DB) error {
	release, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system gives no write-ahead log (journal mode %q); use a local one", mode)
	}
	return nil
}

func openSQLitePool(path string, size int, params ...string) (*sql.DB, error) {
	params = append(params, "_pragma=busy_timeout(10000)", "_pragma=foreign_keys(1)", "_pragma=temp_store(2)")
	// The URL form keeps paths with a question mark apart from the parameters.
	name := (&url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(params, "&")}).String()
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxLifetime(0)
	return pool, nil
}

func (e *sqliteEngine) name() string { return "sqlite" }

func (e *sqliteEngine) lock(ctx context.Context) (func(), error) {
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := e.flock(ctx); err != nil {
		return nil, err
	}
	return sync.OnceFunc(e.unlock), nil
}

// unlock ends this process' turn and the writer's turn within it.
func (e *sqliteEngine) unlock() {
	_ = unix.Flock(int(e.queue.Fd()), unix.LOCK_UN) // fails only for a file that is closed, and then nothing is locked
	<-e.turn
}

// flock waits in the kernel's queue without keeping a caller whose context ends. The turn of a caller that gives up passes on
// only once its place in the queue is given back: the lock belongs to the file, so unlocking it later would take it from the
// next writer of this process.
func (e *sqliteEngine) flock(ctx context.Context) error {
	if err := unix.Flock(int(e.queue.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		return nil
	} else if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
		<-e.turn
		return err
	}
	got := make(chan error, 1)
	go func() {
		for {
			err := unix.Flock(int(e.queue.Fd()), unix.LOCK_EX)
			if !errors.Is(err, unix.EINTR) {
				got <- err
				return
			}
		}
	}()
	select {
	case err := <-got:
		if err != nil {
			<-e.turn
		}
		return err
	case <-ctx.Done():
		go func() {
			<-got //nolint:errcheck // whether it got the lock or not, the place in the queue ends here
			e.unlock()
		}()
		return ctx.Err()
	}
}

func (e *sqliteEngine) begin(ctx context.Context, db *sql.DB) (begun, error) {
	tx, err := db.BeginTx(ctx, nil)
	return begun{tx: tx, now: e.now().UnixMicro()}, err
}

func (e *sqliteEngine) clock(context.Context, *sql.Tx) (int64, error) {
	return e.now().UnixMicro(), nil
}

func (e *sqliteEngine) retryable(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	primary := failure.Code() & 0xff // extended codes such as BUSY_SNAPSHOT carry more above
	return primary == sqlitelib.SQLITE_BUSY || primary == sqlitelib.SQLITE_LOCKED
}

func (e *sqliteEngine) exists(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && (failure.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || failure.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func (e *sqliteEngine) noTable(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && failure.Code() == sqlitelib.SQLITE_ERROR && strings.Contains(failure.Error(), "no such table")
}

func (e *sqliteEngine) skipLocked() string { return "" }
func (e *sqliteEngine) forUpdate() string  { return "" }

// snapshot: whatever a transaction of SQLite reads is of one moment.
func (e *sqliteEngine) snapshot() *sql.TxOptions { return nil }
func (e *sqliteEngine) rows() int                { return 16 }

func (e *sqliteEngine) watch(ctx context.Context, woken func(Topic)) error {
	conn, err := e.read.Conn(ctx) // data_version is about changes by others than this very connection
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	look, err := conn.PrepareContext(ctx, "PRAGMA data_version")
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }()
	timer := time.NewTimer(watchEvery)
	defer timer.Stop()
	for last, quiet := int64(-1), 0; ; quiet++ {
		var version int64
		if err := look.QueryRowContext(ctx).Scan(&version); err != nil {
			return err
		}
		if version != last {
			last, quiet = version, 0
			woken("")
		}
		wait := watchEvery
		if quiet > inVain {
			wait = watchAsleep
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (e *sqliteEngine) announce([]Topic) {} // others see data_version change

func (e *sqliteEngine) close() error { return e.queue.Close() }
