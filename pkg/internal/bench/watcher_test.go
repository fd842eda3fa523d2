package bench_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	newsPerRun = 300              // ledgers whose payments are waited for
	idleFor    = 20 * time.Second // how long a watcher is watched that has nothing to do
)

// measureNews measures how long after its ledger was announced a payment has become a payout, while a watcher waits for it.
func measureNews(b *testing.B, e engine, t *table) {
	url := e.url(b)
	db := durable(b, url)
	c := newChain(b)
	issuer := c.account(b, "")
	receiving, sending := c.account(b, issuer.Address()).Address(), c.account(b, "").Address()
	k := newBooks(b, db, sending, receiving, issuer.Address(), passphrase)
	payer := c.payer(b, issuer, receiving, issuer.Address())
	raw := openRaw(b, url, 1)
	ready := db.Wake(b.Context(), store.TopicReady)

	ctx, stop := context.WithCancel(context.Background())
	watcher := payments.NewWatcher(k.service, c.source(b), payments.WatchOptions{Owner: actor})
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx) }()
	took := make([]float64, 0, newsPerRun)
	for i := range newsPerRun + 1 {
		require.NoError(b, c.AwaitStreams(b.Context(), 1), "it waits")
		id, err := strconv.ParseUint(k.agree(b, 1)[0], 10, 64)
		require.NoError(b, err)
		payer.submit(b, txnbuild.MemoID(id), &txnbuild.Payment{Destination: receiving, Amount: "1", Asset: payer.asset})
		c.CloseLedger()
		announced := time.Now()
		for count(b, raw, "SELECT COUNT(*) FROM payouts") < i+1 {
			select {
			case <-ready: // a hint: what counts is the row
			case <-time.After(time.Millisecond):
			}
		}
		if i > 0 { // the first one warms up
			took = append(took, float64(time.Since(announced).Microseconds())/1000)
		}
	}
	stop()
	require.NoError(b, <-ended)
	slices.Sort(took)
	t.add(b, row{
		what: "from a closed ledger to its payout, 99 of 100", engine: e.name, measured: took[len(took)*99/100], unit: "ms",
		note: "half of them within " + number(median(took)) + " ms", bar: atMost(200, "ms"),
	})
}

// measureIdle measures what a watcher costs that has nothing to do, as a process of its own.
func measureIdle(b *testing.B, e engine, t *table) {
	s := newSite(b, e.url(b))
	p := s.start(b, "watch-transactions")
	require.NoError(b, s.chain.AwaitStreams(b.Context(), 1), "it waits")
	addIdle(b, e, t, map[string]*process{"processor of an idle watcher": p})
}

// threeRails are settings with more than one rail to look after.
var threeRails = strings.ReplaceAll(settings, "funding_methods:", `  - {name: second, kind: simulated, outcome: accepted, after: 500ms, file: second.jsonl}
  - {name: third, kind: simulated, outcome: accepted, after: 500ms, file: third.jsonl}
funding_methods:
  - {name: SWIFT, rail: second}
  - {name: cash, rail: third}`)

// measureIdleOutgoing measures what paying and asking cost that have nothing to do on any of three rails, each as a process of
// its own.
func measureIdleOutgoing(b *testing.B, e engine, t *table) {
	s := newSiteOf(b, e.url(b), threeRails)
	idle := map[string]*process{}
	for _, role := range []string{"execute-outgoing", "poll-outgoing"} {
		address := freeAddress(b)
		s.environ = append(s.environ, "ANCHOR_OPERATOR_LISTEN="+address) // of equal names the last one counts (os/exec)
		p := s.start(b, role, "--loop")
		p.ready(b, "http://"+address+"/healthz")
		idle["processor of an idle "+role+", 3 rails"] = p
	}
	addIdle(b, e, t, idle)
}

// addIdle watches processes for a while, all at once, and adds what each of them has used meanwhile.
func addIdle(b *testing.B, e engine, t *table, idle map[string]*process) {
	before := make(map[string]time.Duration, len(idle))
	for what, p := range idle {
		before[what] = p.processorTime(b)
	}
	<-time.After(idleFor)
	for _, what := range slices.Sorted(maps.Keys(idle)) {
		spent := idle[what].processorTime(b) - before[what]
		idle[what].stop(b)
		t.add(b, row{
			what: what, engine: e.name, measured: 100 * spent.Seconds() / idleFor.Seconds(), unit: "% of a core", bar: atMost(1, "%"),
		})
	}
}

// processorTime is what the process has used of all processors.
func (p *process) processorTime(b *testing.B) (total time.Duration) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.command.Process.Pid))
	require.NoError(b, err)
	for _, task := range tasks {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", p.command.Process.Pid, task.Name()))
		require.NoError(b, err)
		spent, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		require.NoError(b, err)
		total += time.Duration(spent)
	}
	return total
}
