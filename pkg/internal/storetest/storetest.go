// Package storetest opens fresh databases for tests: SQLite in a temporary folder, or Postgres. It promises a migrated schema
// and that nothing is left behind; it must never be imported outside tests.
package storetest

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
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
func SQLite(t testing.TB) *store.DB { return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "anchor.db")) }

// Postgres opens a fresh Postgres database.
func Postgres(t testing.TB) *store.DB { return Open(t, pgtest.URL(t)) }

// Open migrates and opens the database at url; opened twice it is shared, as between two processes.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	options := store.Options{URL: url, Keys: Keys(t), Unsafe: true}
	db, err := store.OpenUnchecked(t.Context(), options)
	require.NoError(t, err)
	_, err = db.MigrateUp(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.Close())
	db, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
