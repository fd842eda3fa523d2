package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// late is a payment that the network shows only now, in a ledger that was passed already.
func (c *chain) insert(account string, list ...stellar.Payment) {
	c.change(func() { c.payments[account] = append(list, c.payments[account]...) })
}

func TestAReplayStoresWhatIsMissingAndDoesItOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		agreed := b.agree(t, id("1", unit), id("2", unit))
		c := newChain()
		c.pay(b.pays(position(11, 1, 1), "2", unit))
		watcher := payments.NewWatcher(b.service, c, quick("a"))
		require.NoError(t, watcher.Once(t.Context()))
		c.insert(b.account, b.pays(position(9, 1, 1), "1", unit), b.pays(position(9, 1, 2), "", unit))
		require.NoError(t, watcher.Once(t.Context()))
		before, err := b.db.CursorOf(t.Context(), b.account)
		require.NoError(t, err)
		require.Len(t, b.payments(t), 1, "the watcher never looks back")

		for _, want := range []payments.Replayed{
			{Account: b.account, Watched: payments.Range{First: 2, Last: 12}, Range: payments.Range{First: 2, Last: 12}, Payments: 3, MissingPayments: 2, TransactionsPaid: 1},
			{Account: b.account, Watched: payments.Range{First: 2, Last: 12}, Range: payments.Range{First: 2, Last: 12}, Payments: 3},
		} {
			told, err := watcher.Replay(t.Context(), payments.Range{First: 1, Last: 4000})
			require.NoError(t, err)
			require.Equal(t, []payments.Replayed{want}, told)
		}
		require.True(t, b.transaction(t, agreed[0].ID).Funded)
		require.Len(t, b.payments(t), 3)
		after, err := b.db.CursorOf(t.Context(), b.account)
		require.NoError(t, err)
		require.Equal(t, before, after, "no cursor moves")
	})
}

func TestAReplayKeepsToTheLedgersAskedForAndToThoseThatWerePassed(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	c := newChain()
	watcher := payments.NewWatcher(b.service, c, quick("a"))
	told, err := watcher.Replay(t.Context(), payments.Range{First: 1})
	require.NoError(t, err)
	require.True(t, told[0].NeverRead)

	require.NoError(t, watcher.Once(t.Context()))
	var list []stellar.Payment
	for ledger := range int64(12) {
		for operation := range int64(7) { // more than a page in one Stellar transaction
			list = append(list, b.pays(position(ledger+1, 1, operation+1), "", 1))
		}
	}
	c.insert(b.account, list...)
	c.change(func() { c.latest = ledger(20) })
	o := quick("a")
	o.Limit = 3
	watcher = payments.NewWatcher(b.service, c, o)
	told, err = watcher.Replay(t.Context(), payments.Range{First: 5, Last: 6}, b.account)
	require.NoError(t, err)
	require.Equal(t, 14, told[0].MissingPayments)
	told, err = watcher.Replay(t.Context(), payments.Range{First: 13, Last: 14})
	require.NoError(t, err)
	require.Less(t, told[0].Range.Last, told[0].Range.First, "not read yet")
	told, err = watcher.Replay(t.Context(), payments.Range{First: 1})
	require.NoError(t, err)
	require.Equal(t, payments.Range{First: 2, Last: 12}, told[0].Range, "the first ledger is not the account's")
	require.Equal(t, 77-14, told[0].MissingPayments)

	_, err = watcher.Replay(t.Context(), payments.Range{First: 9, Last: 8})
	require.Error(t, err)
}

func TestAReplayStopsAtAnotherHistoryAndAtAGap(t *testing.T) {
	t.Parallel()
	b := newBooks(t, storetest.SQLite(t))
	c := newChain()
	c.pay(b.pays(position(10, 1, 1), "1", unit))
	watcher := payments.NewWatcher(b.service, c, quick("a"))
	require.NoError(t, watcher.Once(t.Context()))
	c.change(func() { c.payments[b.account][0].Units++ })
	_, err := watcher.Replay(t.Context(), payments.Range{First: 2})
	var conflict *payments.ConflictError
	require.ErrorAs(t, err, &conflict)

	c.change(func() { c.elder = 9 })
	_, err = watcher.Replay(t.Context(), payments.Range{First: 2})
	var gap *payments.GapError
	require.ErrorAs(t, err, &gap)
	require.EqualValues(t, 8, gap.Last)
}
