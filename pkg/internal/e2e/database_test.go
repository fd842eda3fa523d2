package e2e

import (
	"database/sql"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// database looks at what the processes have committed, and changes nothing.
type database struct {
	*testing.T
	pool *sql.DB
}

func openDatabase(t *testing.T, address string) *database {
	t.Helper()
	driver := "pgx"
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver = "sqlite"
		address = (&url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)&_pragma=query_only(1)"}).String()
	}
	pool, err := sql.Open(driver, address)
	require.NoError(t, err)
	pool.SetMaxOpenConns(2)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return &database{t, pool}
}

// number is the one number that a query gives.
func (d *database) number(query string, args ...any) (n int64) {
	d.Helper()
	require.NoError(d, d.pool.QueryRowContext(d.Context(), query, args...).Scan(&n), query)
	return n
}

// each calls read for every row of a query.
func (d *database) each(query string, read func(*sql.Rows) error, args ...any) {
	d.Helper()
	rows, err := d.pool.QueryContext(d.Context(), query, args...)
	require.NoError(d, err, query)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		require.NoError(d, read(rows), query)
	}
	require.NoError(d, rows.Err(), query)
}

// texts are the values of the only column of a query.
func (d *database) texts(query string, args ...any) (list []string) {
	d.Helper()
	d.each(query, func(rows *sql.Rows) error {
		var s string
		err := rows.Scan(&s)
		list = append(list, s)
		return err
	}, args...)
	return list
}

// told are the statuses in the messages about each transaction, in their order.
func (d *database) told() map[string][]string {
	d.Helper()
	told := map[string][]string{}
	d.each("SELECT subject_id, body FROM callbacks WHERE subject_kind = 'transaction' ORDER BY subject_id, seq", func(rows *sql.Rows) error {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		var message struct {
			Transaction struct{ ID, Status string }
		}
		if err := json.Unmarshal([]byte(body), &message); err != nil {
			return err
		}
		require.Equal(d, id, message.Transaction.ID)
		told[id] = append(told[id], message.Transaction.Status)
		return nil
	})
	return told
}
