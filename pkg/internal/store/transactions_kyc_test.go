package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// withheld is a transaction that waits for a sender and a receiver before its memo is given out.
func withheld(t testing.TB, w *payoutstest.World, memoType string) store.Transaction {
	t.Helper()
	var created store.Transaction
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row := w.Agreed()
		row.MemoType = memoType
		if err := row.Want([]string{payoutstest.SenderType}, []string{payoutstest.ReceiverType}); err != nil {
			return err
		}
		var err error
		created, err = tx.CreateTransaction(ctx, row, anchor.Change{Cause: anchor.CauseRequested, Actor: payoutstest.Actor})
		return err
	}))
	return created
}

// involve puts a customer on a side.
func involve(ctx context.Context, w *payoutstest.World, id string, side store.Side, customerID, customerType string) error {
	return w.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		_, err = tx.Involve(ctx, t, side, customerID, customerType, payoutstest.Actor)
		return err
	})
}

// release looks at a transaction, with everybody found to lack what lacks says.
func release(t testing.TB, w *payoutstest.World, id string, lacks ...store.Side) store.Transaction {
	t.Helper()
	require.NoError(t, tryRelease(t.Context(), w, id, 0, lacks...))
	return w.Transaction(id)
}

func tryRelease(ctx context.Context, w *payoutstest.World, id string, older int64, lacks ...store.Side) error {
	return w.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		assessed := map[store.Side]store.Assessed{}
		for _, side := range []store.Side{store.SideSender, store.SideReceiver} {
			if version, err := tx.CustomerVersion(ctx, t.Party(side)); err == nil {
				assessed[side] = store.Assessed{Version: version - older, Lacks: slices.Contains(lacks, side)}
			}
		}
		_, err = tx.Release(ctx, t, assessed, payoutstest.Actor)
		return err
	})
}

func TestTheMemoIsGivenOutOnceBothPeopleAreThereAndAccepted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		for _, memoType := range []string{"id", "hash", "text"} {
			row := withheld(t, w, memoType)
			require.Equal(t, anchor.StatusPendingReceiver, row.Status)

			require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
			require.False(t, release(t, w, row.ID).Published(), "the receiver is missing")
			public, err := w.Transaction(row.ID).Public()
			require.NoError(t, err)
			require.Empty(t, public.StellarMemo+public.StellarAccountID+public.StellarMemoType)

			require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
			require.False(t, w.Transaction(row.ID).Published(), "nobody has looked yet")
			after := release(t, w, row.ID)
			require.Equal(t, anchor.StatusPendingSender, after.Status)
			public, err = after.Public()
			require.NoError(t, err)
			require.NotEmpty(t, public.StellarMemo)
			require.Equal(t, memoType, public.StellarMemoType)
			require.Equal(t, payoutstest.Account, public.StellarAccountID)
		}
	})
}

func TestATransactionWhoseMemoIsWithheldFollowsItsCustomers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		person := w.Customer("3", payoutstest.SenderType, nil)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, person.ID, payoutstest.SenderType))
		for _, step := range []struct {
			status anchor.CustomerStatus
			then   anchor.Status
		}{
			{anchor.CustomerNeedsInfo, anchor.StatusPendingCustomerInfoUpdate},
			{anchor.CustomerProcessing, anchor.StatusPendingReceiver},
			{anchor.CustomerNeedsInfo, anchor.StatusPendingCustomerInfoUpdate},
			{anchor.CustomerAccepted, anchor.StatusPendingSender},
			{anchor.CustomerRejected, anchor.StatusPendingSender}, // the memo is out: a payment is credited, the payout waits
		} {
			w.Judge(person, payoutstest.SenderType, step.status, nil)
			require.Equal(t, step.then, release(t, w, row.ID).Status, step.status)
		}
	})
}

func TestNoMemoIsGivenOutByWhatWasFoundOfACustomerWhoChangedSince(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
		require.ErrorIs(t, tryRelease(t.Context(), w, row.ID, 1), store.ErrOutdated)
		require.False(t, w.Transaction(row.ID).Published())
	})
}

func TestNoMemoIsGivenOutWhileSomebodyLacksWhatTheTransactionDemands(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, release(t, w, row.ID, store.SideReceiver).Status)
		require.Equal(t, anchor.StatusPendingSender, release(t, w, row.ID).Status)
	})
}

func TestNoMemoIsGivenOutOfATransactionThatHasRunOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			late, err := tx.LockTransaction(ctx, row.ID)
			if err != nil {
				return err
			}
			late.ExpiresUs = late.CreatedUs
			_, err = tx.Advance(ctx, late, anchor.Change{Cause: anchor.CauseNoted, Actor: payoutstest.Actor})
			return err
		}))
		require.False(t, release(t, w, row.ID).Published())
	})
}

func TestARejectedCustomerEndsATransactionWhoseMemoIsWithheld(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		person := w.Customer("3", payoutstest.SenderType, nil)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, person.ID, payoutstest.SenderType))
		w.Judge(person, payoutstest.SenderType, anchor.CustomerRejected, nil)
		after := release(t, w, row.ID)
		require.Equal(t, anchor.StatusError, after.Status)
		require.Equal(t, "a customer of this transaction was rejected", after.StatusMessage)
		require.False(t, after.Published())
	})
}

func TestNobodyTakesThePlaceOfSomebodyWhoIsThere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		other := w.Customer("3", payoutstest.ReceiverType, nil)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		require.ErrorIs(t, involve(t.Context(), w, row.ID, store.SideReceiver, other.ID, payoutstest.ReceiverType), store.ErrInvolved)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType), "the same again")
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.LockCustomer(ctx, w.Receiver.ID)
			if err != nil {
				return err
			}
			_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{Cause: store.CustomerDeleted, Actor: payoutstest.Actor, Delete: true})
			return err
		}))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, other.ID, payoutstest.ReceiverType), "who was deleted has no place")
		require.Equal(t, other.ID, w.Transaction(row.ID).Party(store.SideReceiver))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
		require.True(t, release(t, w, row.ID).Published())
		require.ErrorIs(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Sender.ID, payoutstest.ReceiverType), store.ErrInvolved)
	})
}

func TestWhatCouldNotBeReleasedIsFoundByASweep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row, alone := withheld(t, w, "id"), withheld(t, w, "id")
		person := w.Customer("3", payoutstest.SenderType, nil)
		w.Judge(person, payoutstest.SenderType, anchor.CustomerProcessing, nil)
		for _, id := range []string{row.ID, alone.ID} {
			require.NoError(t, involve(t.Context(), w, id, store.SideSender, person.ID, payoutstest.SenderType))
		}
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
		found := func() []string {
			ids, err := db.Releasable(t.Context(), "", 10)
			require.NoError(t, err)
			return ids
		}
		require.Empty(t, found(), "the sender is being looked at")
		w.Judge(person, payoutstest.SenderType, anchor.CustomerAccepted, nil)
		require.Equal(t, []string{row.ID}, found(), "the other one has no receiver")
		w.Judge(person, payoutstest.SenderType, anchor.CustomerRejected, nil)
		require.Equal(t, []string{row.ID, alone.ID}, found())
		of, err := db.WithheldOf(t.Context(), person.ID, 10)
		require.NoError(t, err)
		require.Equal(t, []string{alone.ID, row.ID}, of)
		release(t, w, row.ID)
		release(t, w, alone.ID)
		require.Empty(t, found())
	})
}

func TestTheSideOfACustomerTypeIsWhereItStandsOrIsWanted(t *testing.T) {
	t.Parallel()
	var row store.Transaction
	require.NoError(t, row.Want([]string{"person", "company"}, []string{"person"}))
	side, ok := row.SideOf("person")
	require.True(t, ok)
	require.Equal(t, store.SideSender, side)
	_, ok = row.SideOf("stranger")
	require.False(t, ok)
	_, ok = row.SideOf("")
	require.False(t, ok)
	row.TakePart("1", "company", "2", "person")
	side, _ = row.SideOf("person")
	require.Equal(t, store.SideReceiver, side)
	require.Equal(t, "2", row.Party(side))
}

func TestThePersonOfASideIsAnotherForEachSideAndTransaction(t *testing.T) {
	t.Parallel()
	one := store.PartyOwner("G", "1", store.SideSender)
	require.Equal(t, one, store.PartyOwner("G", "1", store.SideSender))
	require.NotEqual(t, one, store.PartyOwner("G", "1", store.SideReceiver))
	require.NotEqual(t, one, store.PartyOwner("G", "2", store.SideSender))
	require.Len(t, one.Memo, 64)
}
