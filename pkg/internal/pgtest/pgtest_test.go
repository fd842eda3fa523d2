package pgtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func TestURL_gives_each_caller_an_empty_database_of_its_own(t *testing.T) {
	t.Parallel()
	first, second := URL(t), URL(t)
	require.NotEqual(t, first, second)

	_, err := connect(t, first).Exec(t.Context(), `CREATE TABLE things (id TEXT PRIMARY KEY)`)
	require.NoError(t, err)

	var tables int
	err = connect(t, second).QueryRow(t.Context(),
		`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	require.NoError(t, err)
	require.Zero(t, tables)
}

func TestURL_may_be_called_by_many_tests_at_once(t *testing.T) {
	t.Parallel()
	var asked sync.WaitGroup
	urls := make([]string, 8)
	for i := range urls {
		asked.Go(func() { urls[i] = URL(t) })
	}
	asked.Wait()

	seen := map[string]bool{}
	for _, url := range urls {
		require.NotEmpty(t, url)
		require.False(t, seen[url], "%s was given twice", url)
		seen[url] = true
	}
}

func TestURL_drops_the_database_after_the_test_even_when_somebody_is_still_connected(t *testing.T) {
	t.Parallel()
	server := connect(t, os.Getenv(Variable))
	var name string

	t.Run("a test that forgets its connection", func(t *testing.T) {
		forgotten, err := pgx.Connect(context.Background(), URL(t))
		require.NoError(t, err)
		require.NoError(t, forgotten.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name))
	})

	var exists bool
	err := server.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	require.NoError(t, err)
	require.False(t, exists)
}

// failing is a test that records why it failed.
type failing struct {
	testing.TB
	why string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, arguments ...any) {
	f.why = fmt.Sprintf(format, arguments...)
	runtime.Goexit()
}

func TestURL_fails_with_the_mend_when_there_is_no_server(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ server, why string }{
		"the variable is not set": {"", "TEST_DATABASE_URL is not set: run `make test`"},
		"a SQLite URL":            {"sqlite:anchor.db", "TEST_DATABASE_URL is not a postgres:// URL"},
		"not a URL":               {"postgres://u:secret@%zz/", "TEST_DATABASE_URL is not a postgres:// URL"},
		"nobody answers":          {"postgres://u:secret@127.0.0.1:1/db?connect_timeout=5", "connect to the server of TEST_DATABASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{TB: t}
			var ended sync.WaitGroup
			ended.Go(func() { create(f, tc.server) })
			ended.Wait()
			require.Contains(t, f.why, tc.why)
			require.NotContains(t, f.why, "secret")
		})
	}
}
