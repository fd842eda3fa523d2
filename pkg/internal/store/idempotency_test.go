package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func remember(ctx context.Context, db *store.DB, owner, key, text string, lifetime time.Duration) error {
	return db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RememberAnswer(ctx, owner, key, store.Remembered{RequestHash: "hash of " + text, Text: text}, lifetime)
	})
}

func TestAnAnswerIsRememberedOncePerOwnerAndKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		_, err := db.RememberedAnswer(ctx, "a", "k")
		require.ErrorIs(t, err, store.ErrNotFound)
		require.NoError(t, remember(ctx, db, "a", "k", "first", time.Hour))
		require.ErrorIs(t, remember(ctx, db, "a", "k", "second", time.Hour), store.ErrExists)
		require.NoError(t, remember(ctx, db, "b", "k", "another's", time.Hour))
		require.NoError(t, remember(ctx, db, "a", "K", "another key", time.Hour))

		got, err := db.RememberedAnswer(ctx, "a", "k")
		require.NoError(t, err)
		require.Equal(t, store.Remembered{RequestHash: "hash of first", Text: "first"}, got)
	})
}

func TestOneOfManyAnswersAtOnceIsRemembered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		results := make([]error, 16)
		var group errgroup.Group
		for i := range results {
			group.Go(func() error {
				results[i] = remember(t.Context(), db, "a", "k", fmt.Sprint(i), time.Hour)
				return nil
			})
		}
		require.NoError(t, group.Wait())
		got, err := db.RememberedAnswer(t.Context(), "a", "k")
		require.NoError(t, err)
		for i, err := range results {
			if got.Text == fmt.Sprint(i) {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, store.ErrExists)
		}
	})
}

func TestOnlyKeysWhoseLifetimeIsOverArePruned(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, remember(ctx, db, "a", "fresh", "x", time.Hour))
		require.NoError(t, db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i := range 1200 { // more than go at once
				answer := store.Remembered{RequestHash: "h", Text: "x"}
				if err := tx.RememberAnswer(ctx, "a", fmt.Sprint(i), answer, -time.Second); err != nil {
					return err
				}
			}
			return nil
		}))
		n, err := db.PruneIdempotencyKeys(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(1200), n)
		_, err = db.RememberedAnswer(ctx, "a", "fresh")
		require.NoError(t, err)
		n, err = db.PruneIdempotencyKeys(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}
