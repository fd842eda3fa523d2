package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// dies has a callback be given up at its first try.
func (w callbackWorld) dies(t testing.TB, id string) {
	t.Helper()
	claims := w.claim(t, id)
	require.Len(t, claims, 1)
	w.settle(t, claims[0], store.CallbackDead, 0)
}

func (w callbackWorld) revive(t testing.TB, id string) (how store.Revival) {
	t.Helper()
	c, err := w.db.CallbackByID(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		how, err = tx.ReviveCallback(ctx, c, "operator:ann", "their server is up")
		return err
	}))
	return how
}

func (w callbackWorld) dead(t testing.TB) (ids []string, superseded []bool, counted int64) {
	t.Helper()
	list, err := w.db.DeadCallbacks(t.Context(), 0)
	require.NoError(t, err)
	for _, c := range list {
		require.Equal(t, w.asset.Issuer, c.OwnerAccount)
		ids, superseded = append(ids, c.ID), append(superseded, c.Superseded)
	}
	figures, err := w.db.PayoutFigures(t.Context())
	require.NoError(t, err)
	return ids, superseded, figures.DeadCallbacks
}

func TestACallbackThatWasGivenUpGoesOutBeforeThoseBehindItOnceItIsRevived(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		ids := w.ids(t, w.told(t, "https://a.example/", 3))
		w.dies(t, ids[0])
		w.dies(t, ids[1])
		dead, superseded, counted := w.dead(t)
		require.Equal(t, []string{ids[1], ids[0]}, dead, "the last first")
		require.Equal(t, []bool{false, false}, superseded)
		require.EqualValues(t, 2, counted)

		woken := db.Wake(t.Context(), store.TopicCallbacks)
		require.Equal(t, store.Revived, w.revive(t, ids[0]))
		<-woken
		require.Equal(t, store.RevivalNotDead, w.revive(t, ids[0]))
		require.Equal(t, ids[:1], w.due(t), "what is behind it waits")
		require.Equal(t, store.Revived, w.revive(t, ids[1]))
		require.Equal(t, ids[:1], w.due(t))
		claims := w.claim(t, ids...)
		require.Len(t, claims, 1)
		require.Equal(t, ids[0], claims[0].ID)
		require.Zero(t, claims[0].Attempts)
		w.settle(t, claims[0], store.CallbackDelivered, 0)
		require.Equal(t, ids[1:2], w.due(t))

		history, err := db.History(t.Context(), store.SubjectCallback, ids[0])
		require.NoError(t, err)
		require.Len(t, history, 1)
		require.Equal(t, "dead>pending operator:ann their server is up",
			history[0].FromStatus+">"+history[0].ToStatus+" "+history[0].Actor+" "+history[0].Reason)
	})
}

func TestACallbackThatWasGivenUpStaysSoOnceLaterNewsWereTaken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		ids := w.ids(t, w.told(t, "https://a.example/", 3))
		w.dies(t, ids[0])
		later := w.claim(t, ids[1])[0]
		require.Equal(t, store.RevivalOvertaken, w.revive(t, ids[0]), "nobody knows yet whether it is taken")
		w.settle(t, later, store.CallbackPending, time.Hour)
		require.Equal(t, store.Revived, w.revive(t, ids[0]), "it was not")
		w.dies(t, ids[0])
		again := w.claim(t, ids[1])[0]
		w.settle(t, again, store.CallbackDelivered, 0)
		require.Equal(t, store.RevivalLate, w.revive(t, ids[0]))
		_, superseded, counted := w.dead(t)
		require.Equal(t, []bool{true}, superseded)
		require.Zero(t, counted, "there is nothing left to say")
	})
}

func TestRevivingACallbackConcernsItsOwnSubjectOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newCallbackWorld(t, db)
		one, other := w.ids(t, w.told(t, "https://a.example/", 1)), w.ids(t, w.told(t, "https://a.example/", 1))
		w.dies(t, one[0])
		w.settle(t, w.claim(t, other[0])[0], store.CallbackDelivered, 0)
		require.Equal(t, store.Revived, w.revive(t, one[0]))
		pending, err := db.PendingCallbacks(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, one[0], pending[0].ID)
		require.Equal(t, w.asset.Issuer, pending[0].OwnerAccount)
		ids, err := db.DeadCallbacksOf(t.Context(), w.asset.Issuer)
		require.NoError(t, err)
		require.Empty(t, ids)
	})
}
