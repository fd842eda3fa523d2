package payments_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain is a network in memory: what is paid is on the next page, and wakes whoever waits.
type chain struct {
	mu       sync.Mutex
	payments map[string][]stellar.Payment
	latest   stellar.Ledger
	elder    int64
	network  error                       // of CheckNetwork
	failures map[string][]error          // of the next reads of an account
	ledgers  map[int64]string            // hashes that differ from the usual ones
	later    chan struct{}               // closed at every change
	reads    map[string]int              // by account
	onRead   func(account string, n int) // called before each page is answered
}

func newChain() *chain {
	return &chain{
		payments: map[string][]stellar.Payment{}, latest: ledger(12), elder: 1, failures: map[string][]error{}, ledgers: map[int64]string{},
		later: make(chan struct{}), reads: map[string]int{},
	}
}

// change alters the network and wakes those who wait.
func (c *chain) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.later)
	c.later = make(chan struct{})
}

func (c *chain) pay(list ...stellar.Payment) {
	c.change(func() {
		for _, p := range list {
			c.payments[p.Account] = append(c.payments[p.Account], p)
			if p.Ledger > c.latest.Sequence {
				c.latest = ledger(p.Ledger)
			}
		}
	})
}

func (c *chain) CheckNetwork(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.network
}

func (c *chain) Root(context.Context) (stellar.Root, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return stellar.Root{Latest: c.latest, Elder: c.elder}, nil
}

func (c *chain) Ledger(_ context.Context, sequence int64) (stellar.Ledger, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sequence > c.latest.Sequence {
		return stellar.Ledger{}, stellar.ErrNotFound
	}
	l := ledger(sequence)
	if hash, differs := c.ledgers[sequence]; differs {
		l.Hash = hash
	}
	return l, nil
}

func (c *chain) Payments(_ context.Context, account string, after int64, limit int) (stellar.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[account]++
	if c.onRead != nil {
		c.onRead(account, c.reads[account])
	}
	if waiting := c.failures[account]; len(waiting) > 0 {
		c.failures[account] = waiting[1:]
		return stellar.Page{}, waiting[0]
	}
	p := network{history: c.payments[account]}.page(after, limit)
	p.Through, p.Elder = c.latest, c.elder
	return p, nil
}

func (c *chain) Wait(ctx context.Context, account string, after int64) error {
	for {
		c.mu.Lock()
		list, later := c.payments[account], c.later
		c.mu.Unlock()
		if n := len(list); n > 0 && list[n-1].OperationID > after {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-later:
		}
	}
}

func quick(owner string) payments.WatchOptions {
	return payments.WatchOptions{
		Owner: owner, Lease: 600 * time.Millisecond, Interval: 20 * time.Millisecond, FirstBackoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond,
	}
}

// watching runs a watcher until the test ends; the channel gets its error once.
func (b *books) watching(t *testing.T, c *chain, o payments.WatchOptions) (ended <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { result <- payments.NewWatcher(b.service, c, o).Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return result, stop
}

func (b *books) eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	require.Eventually(t, happened, 30*time.Second, 5*time.Millisecond, what)
}

func (b *books) isFunded(id string) func() bool {
	return func() bool {
		row, err := b.db.TransactionByID(context.Background(), id)
		return err == nil && row.Funded
	}
}

func TestTheWatcherCreditsWhatComesAndExpiresWhatDoesNot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("1", unit), id("2", unit), terms{memoType: "id", memo: "3", units: unit, expires: closedAt(30)})
		c := newChain()
		c.pay(b.pays(position(10, 1, 1), "1", unit))
		ended, stop := b.watching(t, c, quick("a"))
		b.eventually(t, "what was there", b.isFunded(agreed[0].ID))
		c.pay(b.pays(position(20, 1, 1), "2", unit))
		b.eventually(t, "what comes later", b.isFunded(agreed[1].ID))
		c.change(func() { c.latest = ledger(33) })
		b.eventually(t, "what ran out", func() bool { return b.transaction(t, agreed[2].ID).Status == anchor.StatusExpired })
		stop()
		require.NoError(t, <-ended)
	})
}

func TestTheWatcherReadsManyPagesAndStellarTransactionsLongerThanAPage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		c := newChain()
		var list []stellar.Payment
		var due []terms
		for i := range int64(40) {
			due = append(due, id(position2memo(i), 9))
			for operation := range 1 + i%9 {
				list = append(list, b.pays(position(10+i, 1, operation+1), position2memo(i), 9/(1+i%9)))
			}
		}
		agreed := b.agree(t, due...)
		c.pay(list...)
		o := quick("a")
		o.Limit = 4
		require.NoError(t, payments.NewWatcher(b.service, c, o).Once(t.Context()))
		require.Len(t, b.payments(t), len(list))
		for i, a := range agreed {
			exact := 9%(1+i%9) == 0
			require.Equal(t, exact, b.transaction(t, a.ID).Funded, i)
		}
	})
}

func position2memo(i int64) string { return "1" + string(rune('0'+i/10)) + string(rune('0'+i%10)) }

func TestAnAccountThatIsAddedIsReadWithoutARestart(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	c := newChain()
	b.watching(t, c, quick("a"))
	late := b.another(t, 5)
	agreed := late.agree(t, id("1", unit))
	c.pay(late.pays(position(4, 1, 1), "1", unit), late.pays(position(10, 1, 1), "1", unit))
	b.eventually(t, "the payment behind its first ledger", b.isFunded(agreed[0].ID))
	require.Equal(t, "credited", judgements(late.payments(t)), "what lies before is not ours")
}

func TestANewAccountIsReadToThePresentEndSoonAlthoughNothingHappensOnIt(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	late := b.another(t, 13)
	c := newChain() // its last ledger is the one before
	looked := make(chan struct{})
	c.onRead = func(account string, n int) {
		if account == late.account && n == 1 {
			close(looked)
		}
	}
	o := quick("a")
	o.Interval, o.FirstLook = time.Hour, 5*time.Millisecond
	b.watching(t, c, o)
	<-looked
	c.change(func() { c.latest = ledger(14) }) // of which no payment tells
	b.eventually(t, "the account is read through the new ledger", func() bool {
		cursor, err := b.db.CursorOf(context.Background(), late.account)
		return err == nil && cursor.ThroughLedger == 14 && cursor.ThroughClosedUs > 0
	})
}

func TestTheTroubleOfOneAccountDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	sick := b.another(t, 2)
	agreed, waiting := b.agree(t, id("1", unit)), sick.agree(t, id("1", unit))
	c := newChain()
	c.failures[sick.account] = []error{
		&stellar.UnavailableError{Status: 503}, &stellar.RateLimitedError{RetryAfter: 30 * time.Millisecond}, stellar.ErrNotFound, errors.New("strange"),
	}
	c.pay(b.pays(position(10, 1, 1), "1", unit), sick.pays(position(10, 1, 1), "1", unit))
	b.watching(t, c, quick("a"))
	b.eventually(t, "the healthy account", b.isFunded(agreed[0].ID))
	b.eventually(t, "the other once it is well", b.isFunded(waiting[0].ID))
}

func TestTheWatcherStopsWhereGoingOnCouldMissPayments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		befalls func(c *chain)
		want    any
	}{
		"a gap": {func(c *chain) { c.latest, c.elder = ledger(1000), 900 }, new(*payments.GapError)},
		"a history that begins too late": {func(c *chain) {
			for account := range c.payments {
				c.failures[account] = []error{stellar.ErrBeforeHistory, stellar.ErrBeforeHistory}
			}
		}, new(*payments.GapError)},
		"a reset network": {func(c *chain) {
			c.latest = stellar.Ledger{Sequence: 2, ClosedAt: closedAt(5000)}
		}, new(*payments.ResetError)},
		"a network reset long ago": {func(c *chain) { c.latest, c.ledgers[12] = ledger(50), "another" }, new(*payments.ResetError)},
		"another network":          {func(c *chain) { c.network = &stellar.WrongNetworkError{Want: "a", Got: "b"} }, new(*stellar.WrongNetworkError)},
		"contradicting history": {func(c *chain) {
			for account := range c.payments {
				c.payments[account][0].Units++
			}
		}, new(*payments.ConflictError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t, storetest.SQLite(t))
			network := newChain()
			network.pay(b.pays(position(10, 1, 1), "1", unit))
			require.NoError(t, payments.NewWatcher(b.service, network, quick("once")).Once(t.Context()))
			if name == "contradicting history" {
				b.rewind(t, 2)
			}
			network.change(func() { c.befalls(network) })
			before, err := b.db.CursorOf(t.Context(), b.account)
			require.NoError(t, err)

			ended, _ := b.watching(t, network, quick("a"))
			err = <-ended
			var fatal worker.Fatal
			require.ErrorAs(t, err, &fatal)
			require.ErrorAs(t, err, c.want)
			after, lookup := b.db.CursorOf(t.Context(), b.account)
			require.NoError(t, lookup)
			require.Equal(t, before.Position, after.Position, "nothing was passed")
			require.ErrorAs(t, payments.NewWatcher(b.service, network, quick("again")).Once(t.Context()), c.want)
		})
	}
}

func TestAPageFromASourceThatDroppedLedgersMeanwhileIsAGap(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	c := newChain()
	c.elder = 3
	c.latest = ledger(400)
	late := b.another(t, 10)
	c.pay(late.pays(position(350, 1, 1), "1", unit))
	c.onRead = func(account string, n int) { c.elder = 300 } // dropped before the page is answered
	err := payments.NewWatcher(b.service, c, quick("once")).Once(t.Context())
	var gap *payments.GapError
	require.ErrorAs(t, err, &gap)
	require.Empty(t, late.payments(t))
}

func TestOfTwoWatchersOneWorksAndTheOtherTakesOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("1", unit), id("2", unit))
		c := newChain()
		_, stop := b.watching(t, c, quick("a"))
		c.pay(b.pays(position(10, 1, 1), "1", unit))
		b.eventually(t, "the first works", b.isFunded(agreed[0].ID))
		b.watching(t, c, quick("b"))
		stop()
		c.pay(b.pays(position(11, 1, 1), "2", unit))
		b.eventually(t, "the second has taken over", b.isFunded(agreed[1].ID))
		require.Equal(t, "credited credited", judgements(b.payments(t)))
	})
}

func TestOnceLeavesTheAccountsToAWatcherThatIsAtWork(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	c := newChain()
	b.watching(t, c, quick("a"))
	b.eventually(t, "it works", func() bool {
		cursor, err := b.db.CursorOf(context.Background(), b.account)
		return err == nil && cursor.ThroughLedger == 12
	})
	require.NoError(t, payments.NewWatcher(b.service, c, quick("b")).Once(t.Context()))
}

func TestOnceReadsEveryAccountToTheHeadAndNamesThoseItCouldNot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		sick := b.another(t, 2)
		agreed := b.agree(t, id("1", unit))
		c := newChain()
		c.failures[sick.account] = []error{stellar.ErrNotFound}
		c.pay(b.pays(position(10, 1, 1), "1", unit))
		patient := quick("a")
		patient.Lease = time.Minute // one that is lost on a busy machine has everything read once more
		err := payments.NewWatcher(b.service, c, patient).Once(t.Context())
		require.ErrorIs(t, err, stellar.ErrNotFound)
		require.ErrorContains(t, err, sick.account)
		require.True(t, b.transaction(t, agreed[0].ID).Funded)
		require.NoError(t, payments.NewWatcher(b.service, c, quick("b")).Once(t.Context()))
		lags, err := b.service.Lag(t.Context())
		require.NoError(t, err)
		require.False(t, slices.ContainsFunc(lags, func(l payments.Lag) bool { return l.ThroughLedger != 12 }))
	})
}

func TestAPageThatFailsForNoKnownReasonIsInTheEndAppliedPaymentByPayment(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	agreed := b.agree(t, id("1", unit), id("2", unit))
	c := newChain()
	c.pay(b.pays(position(10, 1, 1), "1", unit), b.pays(position(10, 2, 1), "2", unit))
	var mu sync.Mutex
	applied := 0
	b.service.CrashAt(func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		applied++
		if point == "stored" && applied <= 5 {
			return errors.New("strange")
		}
		return nil
	})
	b.watching(t, c, quick("a"))
	b.eventually(t, "one", b.isFunded(agreed[0].ID))
	b.eventually(t, "and the other", b.isFunded(agreed[1].ID))
	require.Equal(t, "credited credited", judgements(b.payments(t)))
}
