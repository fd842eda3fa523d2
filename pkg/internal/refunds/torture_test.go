package refunds_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

var errCrash = errors.New("the process ended here")

// torture makes refunds while everything goes wrong that can.
type torture struct {
	*world
	random *rand.Rand
	mu     sync.Mutex
	orders map[string]store.Refund
}

func (x *torture) intn(n int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.random.IntN(n)
}

// process is an engine that ends at a random point, now and then.
func (x *torture) process() *refunds.Service {
	s := x.start(func(o *refunds.Options) { o.Owner = fmt.Sprint("process ", x.intn(1000)) })
	s.CrashAt(func(string) error {
		if x.intn(12) == 0 {
			return errCrash
		}
		return nil
	})
	return s
}

// mishap is something that a network does to those who use it.
func (x *torture) mishap() {
	f := x.net.Faults()
	switch x.intn(12) {
	case 0:
		f.TimeOutSubmissions(1, false)
	case 1:
		f.DelaySubmissions(1, 1+x.intn(4))
	case 2:
		f.DelaySubmissions(1, 15) // longer than an envelope may land
	case 3:
		f.LoseAnswers(1, "/transactions")
	case 4:
		f.Answer(503, 1, "/transactions")
	case 5:
		f.CutAnswers(1, "/transactions", x.intn(2) == 0)
	case 6:
		x.net.SetSurge(int64(1000 * (1 + x.intn(20))))
	case 7:
		x.net.SetSurge(0)
	case 8:
		f.DropConnections(1)
	case 9: // somebody else uses the account: what was built has a wrong sequence number
		x.elsewhere()
	case 10:
		x.outlive()
	case 11:
		f.Limit(0, 1, "/accounts")
	}
}

// elsewhere uses up a sequence number of the account by something that moves no money.
func (x *torture) elsewhere() {
	a, err := x.horizon.Account(x.Context(), x.account.Address())
	if err != nil {
		return
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: a.ID, Sequence: a.Sequence + 1}, BaseFee: 100_000,
		Operations:    []txnbuild.Operation{&txnbuild.ManageData{Name: "n", Value: []byte(fmt.Sprint(x.intn(1000)))}},
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(x, err)
	tx, err = tx.Sign(passphrase, x.account)
	require.NoError(x, err)
	envelope, err := tx.Base64()
	require.NoError(x, err)
	if _, err := x.net.Submit(envelope); err == nil {
		x.tick(1)
	}
}

// round is one pass of two processes at once, after something went wrong; then the watcher reads.
func (x *torture) round() {
	x.mishap()
	var both sync.WaitGroup
	for range 2 {
		s := x.process()
		both.Go(func() {
			for range 3 {
				if _, err := s.Execute(x.Context(), x.Context()); errors.Is(err, errCrash) {
					return
				}
			}
		})
	}
	x.tick(x.intn(3))
	both.Wait()
	if x.intn(3) > 0 {
		_ = x.watcher.Once(x.Context()) // a network that fails is no fault of the watcher
	}
	x.requireAtMostOnce()
}

// requireAtMostOnce counts on the network's own books, not in ours.
func (x *torture) requireAtMostOnce() map[string]sandbox.Transaction {
	found := map[string]sandbox.Transaction{}
	for _, t := range x.back() {
		require.Len(x, t.Payments, 1)
		_, twice := found[t.Memo]
		require.False(x, twice, "sent twice: memo %s", t.Memo)
		found[t.Memo] = t
		r, asked := x.orders[t.Memo]
		require.True(x, asked, "nobody asked for this")
		require.Equal(x, r.SentUnits(), t.Payments[0].Units)
		require.Equal(x, r.Destination, t.Payments[0].To)
	}
	return found
}

// calm ends all faults and lets an engine that does not crash finish.
func (x *torture) calm() {
	x.net.Faults().Clear()
	x.net.SetSurge(0)
	s := x.start()
	for range 200 {
		x.tick(1)
		x.read()
		x.execute(s)
		counts, err := x.db.RefundCounts(x.Context())
		require.NoError(x, err)
		if counts[anchor.RefundReady]+counts[anchor.RefundSending] == 0 {
			return
		}
		if counts[anchor.RefundSending] > 0 && x.intn(10) == 0 {
			x.outlive()
		}
	}
	require.Fail(x, "refunds do not come to an end")
}

func TestTorture_refunds_are_sent_once_whatever_crashes_and_whatever_the_network_does(t *testing.T) {
	t.Parallel()
	seeds, rounds := uint64(3), 40
	if os.Getenv("ANCHOR_TORTURE") == "full" {
		seeds, rounds = 30, 80
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				x := &torture{world: newWorld(t, db), random: rand.New(rand.NewPCG(seed, 7)), orders: map[string]store.Refund{}}
				x.paid(txnbuild.MemoID(1), 100*unit) // so that there is enough to pay twice
				for i := range 6 {
					units := int64(i+1) * unit
					p := x.paid(txnbuild.MemoID(1000+uint64(i)), units)
					r := x.request(store.RefundOrder{Payment: p, Units: units})
					x.orders[r.Memo] = r
				}
				for range rounds {
					x.round()
				}
				x.calm()
				require.Len(t, x.requireAtMostOnce(), len(x.orders), "in the end each went back")
				for _, r := range x.orders {
					now := x.refund(r.ID)
					require.Equal(t, anchor.RefundConfirmed, now.State, now.Trouble)
				}
			})
		})
	}
}
