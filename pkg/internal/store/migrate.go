package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/pressly/goose/v3"
)

// programVersion is compared with the schema's oldest_program: raised when a migration makes older programs wrong.
const programVersion = 4

//go:embed migrations/*.sql
var migrations embed.FS

// ErrSchema means that the schema and this program do not fit together; its text says what to do.
var ErrSchema = errors.New("the database schema does not fit this program")

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

func (db *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if db.Engine() == "postgres" {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, db.write, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// MigrateUp brings the schema to this program's version and returns how many steps that took. Two at once wait for each other.
func (db *DB) MigrateUp(ctx context.Context) (int, error) {
	var steps int
	err := db.migrating(ctx, func(p *goose.Provider) error {
		done, err := p.Up(ctx)
		steps = len(done)
		return err
	})
	return steps, err
}

// MigrateDown undoes the newest step. What the step's tables held is lost.
func (db *DB) MigrateDown(ctx context.Context) error {
	return db.migrating(ctx, func(p *goose.Provider) error {
		_, err := p.Down(ctx)
		return err
	})
}

func (db *DB) migrating(ctx context.Context, f func(*goose.Provider) error) error {
	release, err := db.migrationLock(ctx)
	if err != nil {
		return fmt.Errorf("wait for the schema: %w", err)
	}
	defer release()
	p, err := db.provider()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := f(p); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// migrationLock keeps two migrations apart: by the write queue on SQLite, by an advisory lock on Postgres.
func (db *DB) migrationLock(ctx context.Context) (func(), error) {
	if db.Engine() == "sqlite" {
		return db.engine.lock(ctx)
	}
	const key = 0x616e63686f72 // "anchor"
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key) // closing it unlocks as well
		_ = conn.Close()
	}, nil
}

// Migrations lists all steps and whether they were applied.
func (db *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := db.provider()
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	list := make([]Migration, 0, len(status))
	for _, s := range status {
		list = append(list, Migration{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	return list, nil
}

// CheckSchema returns ErrSchema unless this program may work on the schema. A schema that is newer is fine as long as it
// says so: migrations expand first and contract one release later.
func (db *DB) CheckSchema(ctx context.Context) error {
	var version int64
	err := db.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied = TRUE").Scan(&version)
	if err != nil && !db.engine.noTable(err) {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version == 0 {
		return fmt.Errorf("%w: it is empty; run 'anchor migrate'", ErrSchema)
	}
	p, err := db.provider()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; version < newest {
		return fmt.Errorf("%w: it is at version %d, this program needs %d; run 'anchor migrate'", ErrSchema, version, newest)
	}
	oldest, err := db.Meta(ctx, "oldest_program")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(oldest); err != nil || n > programVersion {
		return fmt.Errorf("%w: it needs programs of version %s or later, this one is %d; install the newer release", ErrSchema, oldest, programVersion)
	}
	return nil
}

// Meta reads one value that describes the database as a whole; empty if it was never set.
func (db *DB) Meta(ctx context.Context, name string) (string, error) {
	var value string
	err := db.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(value), '') FROM meta WHERE name = $1", name).Scan(&value)
	if err != nil {
		return "", fmt.Errorf("read meta %s: %w", name, err)
	}
	return value, nil
}
