// Package storetest opens fresh databases for tests: SQLite in a temporary folder, or Postgres. It promises a migrated schema
// and that nothing is left behind; it must never be imported outside tests.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Keys is a keyring with one fixed master key.
func Keys(t testing.TB) store.Keyring {
	keys, err := store.Keyring{}.Add("test", bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	return keys
}

// Each runs a test on every engine, each time with a fresh database.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}

// SQLite opens a fresh SQLite database.
func SQLite(t testing.TB) *store.DB {
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "anchor.db"))
}

// Postgres opens a fresh Postgres database.
func Postgres(t testing.TB) *store.DB { return open(t, PostgresURL(t)) }

// PostgresURL is a fresh Postgres database that is migrated already.
func PostgresURL(t testing.TB) string {
	return pgtest.Copy(t, "anchor_template_"+sqlgen.InputsHash[:16], func(url string) error {
		return migrate(context.Background(), store.Options{URL: url, Unsafe: true})
	})
}

// Open migrates and opens the database at url; opened twice it is shared, as between two processes.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	require.NoError(t, migrate(t.Context(), store.Options{URL: url, Unsafe: true}))
	return open(t, url)
}

func migrate(ctx context.Context, o store.Options) error {
	db, err := store.OpenUnchecked(ctx, o)
	if err != nil {
		return err
	}
	_, err = db.MigrateUp(ctx)
	return errors.Join(err, db.Close())
}

func open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url, Keys: Keys(t), Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
