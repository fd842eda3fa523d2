package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// callbackWorld is an anchor whose transactions change so that callbacks come about.
type callbackWorld struct {
	db    *store.DB
	asset store.Asset
}

func newCallbackWorld(t testing.TB, db *store.DB) callbackWorld {
	t.Helper()
	const account = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	w := callbackWorld{db: db}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount = "USDC", account, 7, account
		a.Enabled, a.Sep31Enabled, a.FeePercent, a.FundingMethods = true, true, "0", "[]"
		if _, err := tx.AddReceivingAccount(ctx, account, 1); err != nil {
			return err
		}
		var err error
		w.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	return w
}

// told makes a transaction with so many callbacks about it.
func (w callbackWorld) told(t testing.TB, url string, times int) (transactionID string) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var n store.Transaction
		n.ID, n.OwnerAccount, n.AssetID, n.AssetCode, n.AssetIssuer = store.NewID(), w.asset.Issuer, w.asset.ID, "USDC", w.asset.Issuer
		n.Decimals, n.FeePercent, n.ReceivingAccount, n.MemoType = 7, "0", w.asset.ReceivingAccount, "id"
		n.ExpectedUnits, n.OutUnits, n.OutDecimals, n.OutAsset, n.CallbackUrl = 100, 100, 7, "stellar:USDC:"+w.asset.Issuer, url
		row, err := tx.CreateTransaction(ctx, n, anchor.Change{Cause: anchor.CauseRequested, Actor: "test"})
		row.Funded = true
		for i := 0; i < times && err == nil; i++ {
			cause := []anchor.Cause{anchor.CausePayoutAccepted, anchor.CausePayoutFailed}[i%2]
			row, err = tx.Advance(ctx, row, anchor.Change{Cause: cause, Actor: "test"})
		}
		transactionID = row.ID
		return err
	}))
	return transactionID
}

func (w callbackWorld) due(t testing.TB) (ids []string) {
	t.Helper()
	list, _, err := w.db.DueCallbacks(t.Context(), store.CallbackPlace{}, 1000)
	require.NoError(t, err)
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

func (w callbackWorld) ids(t testing.TB, transactionID string) (ids []string) {
	t.Helper()
	rows, err := w.db.CallbacksOf(t.Context(), store.SubjectTransaction, transactionID)
	require.NoError(t, err)
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

func (w callbackWorld) claim(t testing.TB, ids ...string) []store.CallbackClaim {
	t.Helper()
	claims, err := w.db.ClaimCallbacks(t.Context(), ids, time.Hour)
	require.NoError(t, err)
	return claims
}

func (w callbackWorld) settle(t testing.TB, c store.CallbackClaim, state string, wait time.Duration) {
	t.Helper()
	lost, err := w.db.SettleCallbacks(t.Context(), []store.CallbackResult{{Claim: c, State: state, Attempts: c.Attempts + 1, Wait: wait}})
	require.NoError(t, err)
	require.Empty(t, lost)
}

func TestOnlyTheOldestCallbackOfASubjectCanBeClaimed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		ids := w.ids(t, w.told(t, "https://a.example/", 3))
		require.Equal(t, ids[:1], w.due(t))
		claims := w.claim(t, ids...)
		require.Len(t, claims, 1)
		require.Equal(t, ids[0], claims[0].ID)
		require.Equal(t, "https://a.example/", claims[0].URL)
		require.Empty(t, w.due(t), "while it is under way nothing else of its subject is")
		require.Empty(t, w.claim(t, ids...))

		w.settle(t, claims[0], store.CallbackPending, time.Hour)
		require.Empty(t, w.due(t), "those behind it wait with it")
		_, looked, err := db.DueCallbacks(t.Context(), store.CallbackPlace{}, 1)
		require.NoError(t, err)
		wait, ok, err := db.NextCallback(t.Context(), looked)
		require.NoError(t, err)
		require.True(t, ok)
		require.InDelta(t, time.Hour, wait, float64(time.Minute))

		wait, ok, err = db.NextCallback(t.Context(), looked-time.Hour.Microseconds())
		require.NoError(t, err)
		require.True(t, ok)
		require.Positive(t, wait, "what was done before is not asked for again")
	})
}

func TestACallbackThatIsDoneFreesTheOneBehindItAsANewOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		for _, state := range []string{store.CallbackDelivered, store.CallbackDead} {
			ids := w.ids(t, w.told(t, "https://a.example/", 2))
			claim := w.claim(t, ids[0])[0]
			_, before, err := db.DueCallbacks(t.Context(), store.CallbackPlace{}, 1)
			require.NoError(t, err)
			w.settle(t, claim, state, 0)
			list, _, err := db.DueCallbacks(t.Context(), store.CallbackPlace{}, 10)
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, ids[1], list[0].ID)
			require.GreaterOrEqual(t, list[0].NextUs, before, "whoever has looked up to then finds it")
			w.settle(t, w.claim(t, ids[1])[0], store.CallbackDelivered, 0)
		}
	})
}

func TestACallbackWhoseLeaseRanOutIsDueAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		ids := w.ids(t, w.told(t, "https://a.example/", 1))
		first, err := db.ClaimCallbacks(t.Context(), ids, -time.Second)
		require.NoError(t, err)
		require.Len(t, first, 1)
		second := w.claim(t, ids...)
		require.Len(t, second, 1)
		require.Greater(t, second[0].Fence, first[0].Fence)

		lost, err := db.SettleCallbacks(t.Context(), []store.CallbackResult{{Claim: first[0], State: store.CallbackDelivered, Attempts: 1}})
		require.NoError(t, err)
		require.Equal(t, ids, lost, "its first holder settles nothing")
		w.settle(t, second[0], store.CallbackDelivered, 0)
	})
}

func TestDueCallbacksCanBeReadPageByPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		var want, got []string
		for range 25 {
			want = append(want, w.ids(t, w.told(t, "https://a.example/", 2))[0])
		}
		var place store.CallbackPlace
		for {
			list, _, err := db.DueCallbacks(t.Context(), place, 10)
			require.NoError(t, err)
			if len(list) == 0 {
				break
			}
			for _, c := range list {
				require.True(t, place.Before(c.CallbackPlace))
				place = c.CallbackPlace
				got = append(got, c.ID)
			}
		}
		require.Equal(t, want, got)
	})
}

func TestEveryCallbackIsClaimedByOneOfMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		var all, claimed []string
		for range 40 {
			all = append(all, w.ids(t, w.told(t, "https://a.example/", 1))...)
		}
		var mu sync.Mutex
		group, ctx := errgroup.WithContext(t.Context())
		for range 8 {
			group.Go(func() error {
				for range 4 { // a row that somebody else is just looking at is left out
					claims, err := db.ClaimCallbacks(ctx, all, time.Hour)
					if err != nil {
						return err
					}
					mu.Lock()
					for _, c := range claims {
						claimed = append(claimed, c.ID)
					}
					mu.Unlock()
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		slices.Sort(all)
		slices.Sort(claimed)
		require.Equal(t, all, claimed)
	})
}
