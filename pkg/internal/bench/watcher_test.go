package bench_test

import (
	"context"
	"fmt"
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
	before := p.processorTime(b)
	<-time.After(idleFor)
	spent := p.processorTime(b) - before
	p.stop(b)
	t.add(b, row{
		what: "processor of an idle watcher", engine: e.name, measured: 100 * spent.Seconds() / idleFor.Seconds(), unit: "% of a core",
		bar: atMost(1, "%"),
	})
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
