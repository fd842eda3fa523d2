package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestAChallengeIsUsedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		expires := time.Now().Add(time.Hour)
		first, err := db.UseChallenge(t.Context(), "a", expires)
		require.NoError(t, err)
		require.True(t, first)

		first, err = db.UseChallenge(t.Context(), "a", expires)
		require.NoError(t, err)
		require.False(t, first)

		first, err = db.UseChallenge(t.Context(), "b", expires)
		require.NoError(t, err)
		require.True(t, first, "another challenge is another matter")
	})
}

func TestOneOfManyAtOnceUsesAChallenge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var used atomic.Int32
		expires := time.Now().Add(time.Hour)
		group, ctx := errgroup.WithContext(t.Context())
		for range 16 {
			group.Go(func() error {
				first, err := db.UseChallenge(ctx, "same", expires)
				if first {
					used.Add(1)
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		require.Equal(t, int32(1), used.Load())
	})
}

func TestChallengesArePrunedLongAfterTheyExpired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		for name, age := range map[string]time.Duration{"open": -time.Minute, "just expired": time.Minute, "old": 2 * time.Hour} {
			_, err := db.UseChallenge(ctx, name, now.Add(-age))
			require.NoError(t, err)
		}

		forgotten, err := db.PruneChallenges(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(1), forgotten)

		for name, want := range map[string]bool{"open": false, "just expired": false, "old": true} {
			first, err := db.UseChallenge(ctx, name, now)
			require.NoError(t, err)
			require.Equal(t, want, first, name)
		}
	})
}

func TestMoreChallengesThanOneStatementTakesArePruned(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const many = 1001
		long := time.Now().Add(-24 * time.Hour)
		for i := range many {
			_, err := db.UseChallenge(t.Context(), fmt.Sprint(i), long)
			require.NoError(t, err)
		}
		forgotten, err := db.PruneChallenges(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(many), forgotten)
	})
}
