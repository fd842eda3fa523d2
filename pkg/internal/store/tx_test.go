package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

var errOdd = errors.New("odd")

func TestTx_commits_all_or_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add := func(account string, then error) error {
			return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.AddReceivingAccount(ctx, account, 1); err != nil {
					return err
				}
				return then
			})
		}
		require.NoError(t, add("GKEPT", nil))
		require.ErrorIs(t, add("GLOST", errOdd), errOdd)
		require.PanicsWithValue(t, "bug", func() {
			_ = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, _ = tx.AddReceivingAccount(ctx, "GPANIC", 1)
				panic("bug")
			})
		})
		require.NoError(t, add("GAFTER", nil), "a panic leaves no lock behind")
		list, err := db.ReceivingAccounts(t.Context())
		require.NoError(t, err)
		var names []string
		for _, a := range list {
			names = append(names, a.Account)
		}
		require.ElementsMatch(t, []string{"GKEPT", "GAFTER"}, names)
	})
}

func TestTx_runs_the_closure_again_while_what_it_read_is_stale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			runs++
			if _, err := tx.AddReceivingAccount(ctx, fmt.Sprintf("G%d", runs), 1); err != nil {
				return err
			}
			if runs < 4 {
				return fmt.Errorf("decided on an old row: %w", store.ErrStale)
			}
			return nil
		}))
		require.Equal(t, 4, runs)
		list, err := db.ReceivingAccounts(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1, "of the runs before nothing is left")
		require.Equal(t, "G4", list[0].Account)
	})
}

func TestTx_runs_once_what_fails_for_another_reason(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		require.ErrorIs(t, db.Tx(t.Context(), func(context.Context, *store.Tx) error { runs++; return errOdd }), errOdd)
		require.Equal(t, 1, runs)
	})
}

func TestTx_gives_up_on_a_row_that_is_always_stale(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	runs := 0
	err := db.Tx(t.Context(), func(context.Context, *store.Tx) error { runs++; return store.ErrStale })
	require.ErrorIs(t, err, store.ErrStale)
	require.Equal(t, 12, runs)
}

func TestTx_stops_when_its_context_ends(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		err := db.Tx(ctx, func(context.Context, *store.Tx) error {
			runs++
			cancel()
			return store.ErrStale
		})
		require.Error(t, err)
		require.Equal(t, 1, runs)

		err = db.Tx(ctx, func(context.Context, *store.Tx) error { runs++; return nil })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, runs, "what begins after the end does not run")
		require.NoError(t, db.Tx(t.Context(), func(context.Context, *store.Tx) error { return nil }), "others go on")
	})
}

func TestTx_undoes_what_was_written_when_its_context_ends_before_the_commit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddReceivingAccount(ctx, "GLOST", 1)
			cancel()
			return err
		})
		require.Error(t, err)
		list, err := db.ReceivingAccounts(t.Context())
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

func TestTx_tells_one_time_from_its_beginning_to_its_end(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var before int64
		for range 3 {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				first, err := tx.Now(ctx)
				require.NoError(t, err)
				second, err := tx.Now(ctx)
				require.NoError(t, err)
				require.Equal(t, first, second)
				require.Greater(t, first, before)
				before = first
				return nil
			}))
		}
	})
}

func TestTx_loses_no_change_of_many_made_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		id := b.create(b.draft()).ID
		group, ctx := errgroup.WithContext(t.Context())
		for range 16 {
			group.Go(func() error {
				return db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
					t, err := tx.LockTransaction(ctx, id)
					if err != nil {
						return err
					}
					t.CreditedUnits += 7
					_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CausePartPaid, Actor: "test"})
					return err
				})
			})
		}
		require.NoError(t, group.Wait())
		require.EqualValues(t, 16*7, b.reload(id).CreditedUnits)
	})
}

func TestTx_runs_again_what_ended_in_a_deadlock(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	b := newBench(t, db)
	one, two := b.create(b.draft()).ID, b.create(b.draft()).ID
	gotFirst := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	runs := [2]int{}
	crossing := func(me int, first, second string) error {
		return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			runs[me]++
			if _, err := tx.LockTransaction(ctx, first); err != nil {
				return err
			}
			if runs[me] == 1 { // each waits until the other holds its first row: the second cannot be had
				close(gotFirst[me])
				<-gotFirst[1-me]
			}
			t, err := tx.LockTransaction(ctx, second)
			if err != nil {
				return err
			}
			_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
			return err
		})
	}
	var group errgroup.Group
	group.Go(func() error { return crossing(0, one, two) })
	group.Go(func() error { return crossing(1, two, one) })
	require.NoError(t, group.Wait())
	require.Equal(t, 3, runs[0]+runs[1], "one of the two ran again")
	require.EqualValues(t, 2, b.reload(one).Version)
	require.EqualValues(t, 2, b.reload(two).Version)
}
