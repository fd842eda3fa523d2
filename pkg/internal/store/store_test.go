package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestLeases(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		first, ok, err := db.AcquireLease(ctx, "watch", "a", time.Hour)
		require.NoError(t, err)
		require.True(t, ok)

		_, ok, err = db.AcquireLease(ctx, "watch", "b", time.Hour)
		require.NoError(t, err)
		require.False(t, ok, "a lease that is held is given to nobody else")

		again, ok, err := db.AcquireLease(ctx, "watch", "a", time.Hour)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, first, again, "renewing keeps the fence")

		require.NoError(t, db.ReleaseLease(ctx, "watch", "a", first))
		next, ok, err := db.AcquireLease(ctx, "watch", "b", time.Hour)
		require.NoError(t, err)
		require.True(t, ok)
		require.Greater(t, next, first, "a new holder gets a higher fence")
	})
}

func TestOneOfManyGetsALease(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var got atomic.Int32
		group, ctx := errgroup.WithContext(t.Context())
		for _, owner := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			group.Go(func() error {
				_, ok, err := db.AcquireLease(ctx, "watch", owner, time.Hour)
				if ok {
					got.Add(1)
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		require.Equal(t, int32(1), got.Load())
	})
}

func TestACommitWakesThoseWhoWaitForItsTopic(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		woken := db.Wake(ctx, store.TopicReady)
		require.NoError(t, db.Tx(ctx, func(_ context.Context, tx *store.Tx) error {
			tx.Wake(store.TopicReady)
			return nil
		}))
		select {
		case <-woken:
		case <-ctx.Done():
			t.Fatal("not woken")
		}
	})
}
