package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	getsPerRound = 10_000
	shown        = 1000 // transactions that are asked for in turn
)

// measureGets asks for transactions, one by one.
func measureGets(b *testing.B, e engine, t *table) {
	url := e.url(b)
	s := newSite(b, url)
	s.start(b, "serve").ready(b, s.home+"/.well-known/stellar.toml")
	l := newLoad(b, s)
	l.agree(b, shown)
	raw := openRaw(b, url, connections)
	analyze(b, raw)
	ids := transactionIDs(b, url)
	host := strings.TrimPrefix(s.home, "http://")
	lines := newLines(b, host)
	get := func(n int) {
		share(b, lines, n, func(on *line, i int) error { return on.get(host, l.token, ids[i%len(ids)]) })
	}
	read := prepared(b, raw, "SELECT id, status, version, owner_account, memo, expected_units FROM transactions WHERE id = $1")
	readBare := func(n int) {
		bare(b, n, func(ctx context.Context, i int) error {
			var id, status, owner, memo string
			var version, expected int64
			return read.QueryRowContext(ctx, ids[i%len(ids)]).Scan(&id, &status, &version, &owner, &memo, &expected)
		})
	}
	get(warmUp)
	readBare(warmUp)
	r := row{
		what: fmt.Sprintf("GET /transactions/:id, %d connections", connections), engine: e.name, unit: "/s", besideWhat: "bare statements",
		bar: atLeast(5000, "/s"),
	}
	t.add(b, turns(r,
		func() float64 { return perSecond(getsPerRound, func() { readBare(getsPerRound) }) },
		func() float64 { return perSecond(getsPerRound, func() { get(getsPerRound) }) },
	))
}

func transactionIDs(b *testing.B, url string) []string {
	rows, err := openRaw(b, url, 1).QueryContext(b.Context(), "SELECT id FROM transactions ORDER BY id")
	require.NoError(b, err)
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		require.NoError(b, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(b, rows.Err())
	return ids
}

func (l *line) get(host, token, id string) error {
	status, body, err := l.ask("GET /sep31/transactions/" + id + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: " + token + "\r\n\r\n")
	var answer struct {
		Transaction struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"transaction"`
	}
	if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || answer.Transaction.ID != id || answer.Transaction.Status == "" {
		return fmt.Errorf("no transaction %s: %d %s (%w)", id, status, body, err)
	}
	return nil
}
