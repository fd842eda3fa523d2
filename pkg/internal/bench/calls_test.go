package bench_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

const (
	steadyEvery = 50 * time.Millisecond // between two payments that arrive evenly
	steady      = 600
	burst       = 500 // payments that arrive at once
)

// measureCalls measures how long after its payment was credited a payout has reached the bank, with the anchor run as it is
// installed, a process per role. It counts from the time at which the crediting transaction began, by the clock of the
// database, to the time at which the bank decided, by its own: both are of this machine.
func measureCalls(b *testing.B, e engine, t *table) {
	url := e.url(b)
	s := newSite(b, url)
	serve := s.start(b, "serve")
	serve.ready(b, s.home+"/.well-known/stellar.toml")
	for _, role := range [][]string{{"watch-transactions"}, {"execute-outgoing", "--loop"}, {"poll-outgoing", "--loop"}} {
		s.start(b, role...)
	}
	l := newLoad(b, s)
	l.agree(b, warmUp+steady+burst)
	raw := openRaw(b, url, 1)
	analyze(b, raw)
	issuer := s.issuer(b)
	p := s.chain.payer(b, issuer, receivingAccount(b, raw), issuer.Address())

	p.pay(b, "1", l.memos[:warmUp])
	requireCompleted(b, raw, warmUp)
	evenly, atOnce := l.memos[warmUp:warmUp+steady], l.memos[warmUp+steady:]
	p.payEvery(b, steadyEvery, evenly)
	requireCompleted(b, raw, warmUp+steady)
	p.pay(b, "1", atOnce)
	requireCompleted(b, raw, warmUp+steady+burst)

	took := s.tookToCall(b, raw)
	for _, f := range []struct {
		what  string
		memos []string
		bar   bar
	}{
		{"from credited to the rail's call, 20 payments/s, 99 of 100", evenly, atMost(100, "ms")},
		{"from credited to the rail's call, 500 payments at once, 99 of 100", atOnce, bar{}},
	} {
		some := make([]float64, len(f.memos))
		for i, memo := range f.memos {
			require.Contains(b, took, memo)
			some[i] = took[memo]
		}
		slices.Sort(some)
		t.add(b, row{
			what: f.what, engine: e.name, measured: some[len(some)*99/100], unit: "ms",
			note: "half of them within " + number(median(some)) + " ms", bar: f.bar,
		})
	}
}

// payEvery pays one unit under each memo, one after the other, and leaves closing ledgers to the network.
func (p *payer) payEvery(b *testing.B, every time.Duration, memos []string) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for _, memo := range memos {
		id, err := strconv.ParseUint(memo, 10, 64)
		require.NoError(b, err)
		p.submit(b, txnbuild.MemoID(id), &txnbuild.Payment{Destination: p.to, Amount: "1", Asset: p.asset})
		<-tick.C
	}
}

// tookToCall tells by memo how many milliseconds passed between the credit and the bank's decision.
func (s *site) tookToCall(b *testing.B, db *sql.DB) map[string]float64 {
	list, err := simulated.Bank(filepath.Join(s.dir, "bank.jsonl")).Payments()
	require.NoError(b, err)
	called := make(map[string]time.Time, len(list))
	for _, payment := range list {
		called[payment.TransactionID] = payment.At
	}
	require.Len(b, called, len(list), "each is paid once")

	rows, err := db.QueryContext(b.Context(), "SELECT t.id, t.memo, p.created_us FROM payouts p JOIN transactions t ON t.id = p.transaction_id")
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	took := make(map[string]float64, len(list))
	for rows.Next() {
		var id, memo string
		var credited int64
		require.NoError(b, rows.Scan(&id, &memo, &credited))
		at, known := called[id]
		require.True(b, known, "the bank was never called for transaction %s", id)
		took[memo] = float64(at.Sub(time.UnixMicro(credited)).Microseconds()) / 1000
	}
	require.NoError(b, rows.Err())
	return took
}
