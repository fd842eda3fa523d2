package bench_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	warmUp        = 1000
	postsPerRound = 2000
	transfers     = 2000
	starts        = 11
)

// measureProcesses has the anchor run as it is installed, a process per role, and measures what it answers, what it holds in
// memory after having carried transfers to their end, and how long it takes to start.
func measureProcesses(b *testing.B, e engine, t *table) {
	url := e.url(b)
	s := newSite(b, url)
	toml := s.home + "/.well-known/stellar.toml"
	serve := s.start(b, "serve")
	serve.ready(b, toml)
	l := newLoad(b, s)
	measurePosts(b, e, t, url, l)

	others := []*process{
		s.start(b, "watch-transactions"), s.start(b, "execute-outgoing", "--loop"), s.start(b, "poll-outgoing", "--loop"),
	}
	raw := openRaw(b, url, 1)
	analyze(b, raw)
	issuer := s.issuer(b)
	s.chain.payer(b, issuer, receivingAccount(b, raw), issuer.Address()).pay(b, "1", l.memos[:transfers])
	requireCompleted(b, raw, transfers)
	for _, p := range append([]*process{serve}, others...) {
		now, most := p.memory(b)
		t.add(b, row{what: "memory of " + p.role, engine: e.name, measured: now, unit: "MiB",
			note: number(most) + " MiB at most", bar: atMost(64, "MiB")})
		p.stop(b)
	}

	took := make([]float64, starts)
	for i := range took {
		p := s.start(b, "serve")
		took[i] = float64(p.ready(b, toml).Microseconds()) / 1000
		p.stop(b)
	}
	t.add(b, row{what: "serve ready after its start", engine: e.name, measured: median(took), unit: "ms", bar: atMost(150, "ms")})
}

func measurePosts(b *testing.B, e engine, t *table, url string, l *load) {
	l.agree(b, warmUp)
	p := newBarePosts(b, url)
	analyze(b, p.db)
	p.agree(b, warmUp)
	required := atLeast(1500, "/s")
	if e.name != "postgres" {
		required = bar{}
	}
	r := row{
		what: fmt.Sprintf("POST /transactions, %d connections", connections), engine: e.name, unit: "/s", besideWhat: "bare statements", bar: required,
	}
	t.add(b, turns(r,
		func() float64 { return perSecond(postsPerRound, func() { p.agree(b, postsPerRound) }) },
		func() float64 { return perSecond(postsPerRound, func() { l.agree(b, postsPerRound) }) },
	))
	asked := 2 * (warmUp + rounds*postsPerRound)
	require.Equal(b, asked, count(b, p.db, "SELECT COUNT(*) FROM transactions WHERE status = 'pending_sender'"))
}

func receivingAccount(b *testing.B, db *sql.DB) (account string) {
	require.NoError(b, db.QueryRowContext(b.Context(), "SELECT account FROM receiving_accounts").Scan(&account))
	return account
}

// requireCompleted waits until so many transfers have reached their end, each with one payout and no attempt too many.
func requireCompleted(b *testing.B, db *sql.DB, n int) {
	require.Eventually(b, func() bool {
		return count(b, db, "SELECT COUNT(*) FROM transactions WHERE status = 'completed'") == n
	}, 3*time.Minute, 50*time.Millisecond)
	require.Equal(b, n, count(b, db, "SELECT COUNT(*) FROM payouts WHERE state = 'delivered'"))
	require.Equal(b, n, count(b, db, "SELECT COUNT(*) FROM payout_attempts"))
}
