package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func noted(reason string) anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: "test", Reason: reason}
}

// end moves a live payout of a transaction to an end that gives its units back.
func (b *bench) end(id string, state anchor.PayoutState) {
	b.Helper()
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		p, ok, err := tx.LivePayout(ctx, id)
		if err != nil || !ok {
			return err
		}
		before := p.State
		p.State, p.WaitsFor = state, anchor.WaitsForNothing
		if _, err := tx.EndPayout(ctx, &t, p, before, noted("ended")); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, t, noted("ended"))
		return err
	})
}

// pay tries to create another payout of a transaction.
func (b *bench) pay(id string, number, units int64) error {
	return b.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		var p store.Payout
		p.Number, p.State, p.Rail, p.DebitUnits, p.AmountUnits, p.AmountAsset = number, anchor.PayoutReady, "simulated", units, units, "stellar:USDC:GISSUER"
		if _, err := tx.CreatePayout(ctx, &t, p, noted("tried again")); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, t, noted("tried again"))
		return err
	})
}

func TestA_payout_takes_its_units_from_held_and_gives_them_back_when_it_ends_without_paying(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for _, ending := range []anchor.PayoutState{anchor.PayoutFailed, anchor.PayoutCancelled, anchor.PayoutReturned} {
			funded, p := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
			require.Zero(t, funded.Held())
			require.Equal(t, funded.CreditedUnits, funded.PayoutUnits)
			require.ErrorContains(t, b.pay(funded.ID, 2, 1), "exceeds the 0 held")

			b.end(funded.ID, ending)
			ended := b.reload(funded.ID)
			require.Equal(t, ended.CreditedUnits, ended.Held())
			stored, err := db.PayoutByID(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, ending, stored.State)

			require.ErrorContains(t, b.pay(funded.ID, 2, ended.CreditedUnits+1), "exceeds")
			require.NoError(t, b.pay(funded.ID, 2, ended.CreditedUnits-5))
			require.EqualValues(t, 5, b.reload(funded.ID).Held())
			list, err := db.PayoutsOf(t.Context(), funded.ID)
			require.NoError(t, err)
			require.Len(t, list, 2)
			require.EqualValues(t, 1, list[0].Number)
		}
	})
}

func TestA_transaction_has_one_live_payout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		funded, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.end(funded.ID, anchor.PayoutFailed)
		require.NoError(t, b.pay(funded.ID, 2, 10))
		require.Error(t, b.pay(funded.ID, 3, 10), "the second one is not over")
		require.EqualValues(t, 10, b.reload(funded.ID).PayoutUnits, "what was refused took nothing")
	})
}

func TestMovePayout_is_guarded_by_version_and_fence(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		_, p := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		move := func(from store.Payout, to anchor.PayoutState) (moved store.Payout, err error) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err = db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				before := from.State
				next := from
				next.State = to
				moved, err = tx.MovePayout(ctx, next, before, noted("moved"))
				if err != nil {
					cancel() // it would be as stale again
				}
				return err
			})
			return moved, err
		}
		accepted, err := move(p, anchor.PayoutAccepted)
		require.NoError(t, err)
		require.EqualValues(t, 2, accepted.Version)

		_, err = move(p, anchor.PayoutFailed)
		require.ErrorIs(t, err, store.ErrStale, "an old row decides nothing")
		lost := accepted
		lost.Fence--
		_, err = move(lost, anchor.PayoutFailed)
		require.ErrorIs(t, err, store.ErrStale, "nor does a lease that passed on")

		stored, err := db.PayoutByID(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.PayoutAccepted, stored.State)
		history, err := db.History(t.Context(), store.SubjectPayout, p.ID)
		require.NoError(t, err)
		require.Len(t, history, 2)
		require.Equal(t, "ready>accepted", history[1].FromStatus+">"+history[1].ToStatus)
	})
}

func TestA_payout_that_is_not_there_is_not_found(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, err := db.PayoutByID(t.Context(), "nobody")
		require.ErrorIs(t, err, store.ErrNotFound)
		list, err := db.PayoutsOf(t.Context(), "nobody")
		require.NoError(t, err)
		require.Empty(t, list)
	})
}
