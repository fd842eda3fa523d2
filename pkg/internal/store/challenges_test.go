package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// use marks one challenge.
func use(ctx context.Context, db *store.DB, hash string, expires time.Time) (first bool, err error) {
	all, err := db.UseChallenges(ctx, map[string]time.Time{hash: expires})
	return all[hash], err
}

func TestAChallengeIsUsedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		expires := time.Now().Add(time.Hour)
		for i, c := range []struct {
			hash  string
			first bool
		}{{"a", true}, {"a", false}, {"b", true}} {
			first, err := use(t.Context(), db, c.hash, expires)
			require.NoError(t, err)
			require.Equal(t, c.first, first, "use %d, of %s", i, c.hash)
		}
	})
}

func TestOfChallengesThatAreUsedTogetherEachIsJudgedByItself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		expires := time.Now().Add(time.Hour)
		before, all := map[string]time.Time{}, map[string]time.Time{}
		for i := range 500 { // more than one statement takes
			hash := fmt.Sprint(i)
			all[hash] = expires
			if i%3 == 0 {
				before[hash] = expires
			}
		}
		first, err := db.UseChallenges(t.Context(), before)
		require.NoError(t, err)
		require.Len(t, first, len(before))
		first, err = db.UseChallenges(t.Context(), all)
		require.NoError(t, err)
		for hash := range all {
			_, used := before[hash]
			require.Equal(t, !used, first[hash], hash)
		}
	})
}

func TestOneOfManyAtOnceUsesAChallenge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var used [3]atomic.Int32
		expires := time.Now().Add(time.Hour)
		same := map[string]time.Time{"0": expires, "1": expires, "2": expires}
		group, ctx := errgroup.WithContext(t.Context())
		for range 16 {
			group.Go(func() error {
				first, err := db.UseChallenges(ctx, same)
				for i := range used {
					if first[fmt.Sprint(i)] {
						used[i].Add(1)
					}
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		for i := range used {
			require.Equal(t, int32(1), used[i].Load(), "challenge %d", i)
		}
	})
}

func TestChallengesArePrunedLongAfterTheyExpired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		for name, age := range map[string]time.Duration{"open": -time.Minute, "just expired": time.Minute, "old": 2 * time.Hour} {
			_, err := use(ctx, db, name, now.Add(-age))
			require.NoError(t, err)
		}

		forgotten, err := db.PruneChallenges(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(1), forgotten)

		for name, want := range map[string]bool{"open": false, "just expired": false, "old": true} {
			first, err := use(ctx, db, name, now)
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
			_, err := use(t.Context(), db, fmt.Sprint(i), long)
			require.NoError(t, err)
		}
		forgotten, err := db.PruneChallenges(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(many), forgotten)
	})
}
