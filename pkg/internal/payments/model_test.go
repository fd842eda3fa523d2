package payments_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// movements is how many the histories have.
func movements() int {
	if os.Getenv("ANCHOR_TORTURE") == "full" {
		return 10_000
	}
	return 1_000
}

// TestTortureAnyHistory_ends_in_the_same_rows_whatever_befalls_the_watcher lets watchers live through a random history with
// everything that goes wrong, and compares what they leave behind with the network's own ledger and with one another.
func TestTortureAnyHistory_ends_in_the_same_rows_whatever_befalls_the_watcher(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed: %d", seed)
	m := newModelNetwork(t, seed)
	m.agree(movements() / 8)
	victims := []*victim{
		m.victim("horizon on sqlite", storetest.SQLite(t), seed, horizonSource),
		m.victim("horizon on postgres", storetest.Postgres(t), seed, horizonSource, failoverSource),
		m.victim("rpc on sqlite", storetest.SQLite(t), seed, rpcSource),
		m.victim("either on postgres", storetest.Postgres(t), seed, horizonSource, rpcSource, failoverSource),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	over := make(chan struct{})
	var living sync.WaitGroup
	for _, v := range victims {
		living.Go(func() { v.live(ctx, over) })
	}
	for m.made < movements() && ctx.Err() == nil {
		m.happens()
		if m.random.IntN(3) == 0 {
			m.misbehaves()
		}
		for _, v := range victims { // nobody falls far behind, or most would happen after the end
			v.reaches(ctx, m.network.Latest().Sequence-10)
		}
	}
	m.network.Faults().Clear()
	m.close()
	close(over)
	living.Wait()
	require.NoError(t, ctx.Err())

	calm := m.victim("a calm watcher", storetest.SQLite(t), seed, horizonSource)
	require.NoError(t, payments.NewWatcher(calm.books.service, horizonSource(t, m), quick("calm")).Once(t.Context()))
	want := calm.told()
	for _, v := range append(victims, calm) {
		v.finish()
		t.Logf("%s: %d lives, %d crashes", v.name, v.lives, v.crashes)
		require.Equal(t, want, v.told(), v.name)
		v.audit()
	}
}

// victim is an anchor whose watcher is not left in peace.
type victim struct {
	*testing.T
	name    string
	m       *modelNetwork
	random  *rand.Rand
	books   *books // of our first account
	sources []func(*testing.T, *modelNetwork) payments.Source
	agreed  []store.Transaction

	lives, crashes int
}

func horizonSource(t *testing.T, m *modelNetwork) payments.Source {
	h, err := stellar.NewHorizon(stellar.Options{URL: m.server.URL, Passphrase: passphrase, HTTP: m.server.Client()})
	require.NoError(t, err)
	return h
}

func failoverSource(t *testing.T, m *modelNetwork) payments.Source {
	h, err := stellar.NewHorizon(stellar.Options{URLs: []string{m.server.URL, m.server.URL, m.server.URL}, Passphrase: passphrase, HTTP: m.server.Client()})
	require.NoError(t, err)
	return h
}

func rpcSource(t *testing.T, m *modelNetwork) payments.Source {
	s, err := rpc.New(rpc.Options{URL: m.server.URL + "/rpc", Passphrase: passphrase, HTTP: m.server.Client(), PollEvery: 20 * time.Millisecond, Batch: 3})
	require.NoError(t, err)
	return s
}

func (m *modelNetwork) victim(name string, db *store.DB, seed uint64, sources ...func(*testing.T, *modelNetwork) payments.Source) *victim {
	m.Helper()
	v := &victim{T: m.T, name: name, m: m, random: rand.New(rand.NewPCG(seed, uint64(len(name)))), sources: sources}
	v.books = &books{db: db, account: m.ours[0].Address()}
	require.NoError(m, db.Tx(m.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, our := range m.ours {
			if _, err := tx.AddReceivingAccount(ctx, our.Address(), m.began.Sequence+1); err != nil {
				return err
			}
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.FeePercent = code, m.issuer.Address(), 7, v.books.account, "0"
		a.Enabled, a.Sep31Enabled = true, true
		var err error
		v.books.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	for _, a := range m.agreed {
		next := *v.books
		next.account = m.ours[a.account].Address()
		a.terms.change = func(row *store.Transaction) {
			row.AssetCode, row.AssetIssuer = m.assets[a.asset].Code, m.issuer.Address()
		}
		v.agreed = append(v.agreed, next.agree(m.T, a.terms)...)
	}
	v.books.service = v.service(nil)
	return v
}

func (v *victim) service(crash func(string) error) *payments.Service {
	s := payments.New(v.books.db, nil, payments.Options{Passphrase: passphrase, RailOf: railOf, PolicyOf: modelPolicy})
	s.CrashAt(crash)
	return s
}

// modelPolicy has each asset treated differently: one is held, one is collected and sent back wherever that is possible.
func modelPolicy(assetCode, _ string) payments.Policy {
	if assetCode != code {
		return payments.Policy{}
	}
	return payments.Policy{
		Underpaid: payments.Accumulate, Overpaid: payments.RefundExcess, Late: payments.Refund, Duplicate: payments.Refund,
		WrongAsset: payments.Refund, Unmatched: payments.Refund, RefundFee: 3,
	}
}

// live watches life after life until all is over and one life has read everything.
func (v *victim) live(ctx context.Context, over <-chan struct{}) {
	for ctx.Err() == nil {
		life, die := context.WithCancel(ctx)
		stop := context.AfterFunc(ended(life, over), die)
		v.lives++
		left := v.random.IntN(60)
		var mu sync.Mutex
		service := v.service(func(string) error {
			mu.Lock()
			defer mu.Unlock()
			if left--; left >= 0 {
				return nil
			}
			v.crashes++
			die() // what is open is lost, and nothing more is written
			return errCrash
		})
		v.watch(life, service)
		stop()
		die()
		select {
		case <-over:
			return
		default:
		}
	}
}

// ended is a context that ends with the channel.
func ended(ctx context.Context, over <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-over:
		case <-ctx.Done():
		}
	}()
	return ctx
}

// watch is one life, or two at once of which one stands by.
func (v *victim) watch(life context.Context, service *payments.Service) {
	var watchers sync.WaitGroup
	for i := range 1 + v.random.IntN(2) {
		o := quick(fmt.Sprint(v.name, v.lives, i))
		o.Limit = 1 + v.random.IntN(1+v.random.IntN(200))
		source := v.sources[v.random.IntN(len(v.sources))](v.T, v.m)
		watchers.Go(func() {
			if err := payments.NewWatcher(service, source, o).Run(life); err != nil && life.Err() == nil {
				v.Errorf("%s: %v", v.name, err)
			}
		})
	}
	if v.random.IntN(4) == 0 { // an operator reads some of it again meanwhile
		over := payments.Range{First: v.m.began.Sequence + 1 + v.random.Int64N(50)}
		source := v.sources[v.random.IntN(len(v.sources))](v.T, v.m)
		watchers.Go(func() {
			o := quick("operator")
			o.Limit = 7
			_, err := payments.NewWatcher(service, source, o).Replay(life, over)
			if conflict := new(payments.ConflictError); errors.As(err, &conflict) {
				v.Errorf("%s: %v", v.name, err)
			}
		})
	}
	watchers.Wait()
}

// reaches waits until our accounts were seen through a ledger.
func (v *victim) reaches(ctx context.Context, ledger int64) {
	v.Helper()
	require.Eventually(v, func() bool {
		lags, err := v.books.service.Lag(ctx)
		return ctx.Err() != nil || err == nil && !slices.ContainsFunc(lags, func(l payments.Lag) bool { return l.ThroughLedger < ledger })
	}, 2*time.Minute, 2*time.Millisecond, "%s reads up to ledger %d", v.name, ledger)
}

// finish reads what is left in peace.
func (v *victim) finish() {
	v.Helper()
	require.NoError(v, payments.NewWatcher(v.service(nil), v.sources[0](v.T, v.m), quick("last of "+v.name)).Once(v.Context()))
}

// told is all that the books say, without ids and times of their own.
func (v *victim) told() (told []string) {
	v.Helper()
	memos := map[string]string{}
	for _, a := range v.agreed {
		row := v.books.transaction(v.T, a.ID)
		memos[a.ID] = row.ReceivingAccount + row.MemoType + row.Memo.String
		told = append(told, fmt.Sprint("transaction ", memos[a.ID], row.Status, row.Funded, row.CreditedUnits, row.PayoutUnits, row.RefundUnits, row.StellarHash))
	}
	for _, our := range v.m.ours {
		books := *v.books
		books.account = our.Address()
		for _, p := range books.payments(v.T) {
			p.CreatedUs, p.UpdatedUs, p.ID, p.TransactionID.String = 0, 0, "", memos[p.TransactionID.String]
			told = append(told, fmt.Sprintf("payment %+v", p.Payment))
		}
		list, err := books.db.OutgoingMovements(v.Context(), our.Address(), store.PaymentKey{}, 10_000)
		require.NoError(v, err)
		for _, o := range list {
			o.CreatedUs, o.UpdatedUs = 0, 0
			told = append(told, fmt.Sprintf("sent %+v", o.OutgoingMovement))
		}
	}
	slices.Sort(told)
	return told
}

// audit compares the books with the network's own (I1), and with themselves (I3, I4).
func (v *victim) audit() {
	v.Helper()
	credited := map[string]int64{}
	for _, our := range v.m.ours {
		books := *v.books
		books.account = our.Address()
		list := books.payments(v.T)
		require.Equal(v, v.m.arrivals(our.Address()), arrivalsOf(list), "I1: every payment is exactly one row")
		balance := v.balances(books, list)
		for i, asset := range v.m.assetNames() {
			have, _ := v.m.network.Balance(our.Address(), asset)
			require.Equal(v, have, balance[i], "%s: what came and went of %s is what is there", v.name, asset)
		}
		for _, p := range list {
			if p.State == anchor.PaymentCredited {
				credited[p.TransactionID.String] += p.AmountUnits
			}
		}
	}
	for _, a := range v.agreed {
		row := v.books.transaction(v.T, a.ID)
		require.Equal(v, credited[a.ID], row.CreditedUnits, "I3: a payment is credited once")
		require.GreaterOrEqual(v, row.Held(), int64(0), "I4")
		payouts, err := v.books.db.PayoutsOf(v.Context(), a.ID)
		require.NoError(v, err)
		require.Equal(v, row.Funded && row.PayoutUnits > 0, len(payouts) == 1, "I4")
		for _, p := range payouts {
			require.Equal(v, row.PayoutUnits, p.DebitUnits, "I4")
		}
	}
}

// balances is what an account must hold by the books, of each asset; fees are known to the network only.
func (v *victim) balances(b books, list []store.Payment) []int64 {
	sum := map[string]int64{}
	for _, p := range list {
		sum[assetOf(p.AssetCode, p.AssetIssuer)] += p.AmountUnits
	}
	sent, err := b.db.OutgoingMovements(v.Context(), b.account, store.PaymentKey{}, 10_000)
	require.NoError(v, err)
	for _, o := range sent {
		sum[assetOf(o.AssetCode, o.AssetIssuer)] -= o.AmountUnits
	}
	for _, tx := range v.m.network.Transactions() {
		if tx.Ledger > v.m.began.Sequence && tx.FeeAccount == b.account {
			sum["native"] -= tx.FeeCharged
		}
	}
	var balances []int64
	for _, asset := range v.m.assetNames() {
		balances = append(balances, v.m.at[b.account+asset]+sum[asset])
	}
	return balances
}

func assetOf(code, issuer string) string { return strings.TrimSuffix(code+":"+issuer, ":") }

// arrivals is what came to an account by the network's own books, as "operation: asset".
func (m *modelNetwork) arrivals(account string) (list []string) {
	for _, tx := range m.network.Transactions() {
		if tx.Ledger <= m.began.Sequence || !tx.Successful {
			continue
		}
		for _, p := range tx.Payments {
			if len(p.Changes) == 0 {
				p.Changes = []sandbox.AssetChange{{Kind: p.Kind, From: p.From, To: p.To, Asset: p.Asset, Units: p.Units}}
			}
			for _, c := range p.Changes {
				if c.To == account && c.From != account && c.Kind != "forged" {
					list = append(list, fmt.Sprintf("%d: %d of %s", p.ID, c.Units, c.Asset))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

func arrivalsOf(list []store.Payment) (told []string) {
	for _, p := range list {
		told = append(told, fmt.Sprintf("%d: %d of %s", p.OperationID, p.AmountUnits, assetOf(p.AssetCode, p.AssetIssuer)))
	}
	slices.Sort(told)
	return told
}
