package store_test

import (
	"context"
	"sync"
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

// involve puts a customer on a side and looks what follows, as SEP-12 does.
func involve(ctx context.Context, w *payoutstest.World, id string, side store.Side, customerID, customerType string) error {
	return w.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		if t, err = tx.Involve(ctx, t, side, customerID, customerType, payoutstest.Actor); err != nil {
			return err
		}
		_, err = tx.Reconsider(ctx, t, payoutstest.Actor, "a customer was named")
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
			require.False(t, w.Transaction(row.ID).Published(), "the receiver is missing")
			public, err := w.Transaction(row.ID).Public()
			require.NoError(t, err)
			require.Empty(t, public.StellarMemo+public.StellarAccountID+public.StellarMemoType)

			require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
			after := w.Transaction(row.ID)
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
		w.Judge(person, payoutstest.SenderType, anchor.CustomerNeedsInfo, nil)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))

		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, person.ID, payoutstest.SenderType))
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, w.Transaction(row.ID).Status)
		w.Judge(person, payoutstest.SenderType, anchor.CustomerProcessing, nil)
		require.Equal(t, anchor.StatusPendingReceiver, w.Transaction(row.ID).Status)
		w.Judge(person, payoutstest.SenderType, anchor.CustomerNeedsInfo, nil)
		w.Judge(person, payoutstest.SenderType, anchor.CustomerAccepted, nil)
		require.Equal(t, anchor.StatusPendingSender, w.Transaction(row.ID).Status)
		w.Judge(person, payoutstest.SenderType, anchor.CustomerRejected, nil)
		require.Equal(t, anchor.StatusPendingSender, w.Transaction(row.ID).Status, "the memo is out: a payment is credited, the payout waits")
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
		after := w.Transaction(row.ID)
		require.Equal(t, anchor.StatusError, after.Status)
		require.Equal(t, "a customer of this transaction was rejected", after.StatusMessage)
		require.False(t, after.Published())
	})
}

func TestNobodyIsPutIntoSomebodysPlaceOnceTheMemoIsOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		row := withheld(t, w, "id")
		other := w.Customer("3", payoutstest.ReceiverType, nil)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, other.ID, payoutstest.ReceiverType))
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType), "still free to change")
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideSender, w.Sender.ID, payoutstest.SenderType))
		require.True(t, w.Transaction(row.ID).Published())

		require.ErrorIs(t, involve(t.Context(), w, row.ID, store.SideReceiver, other.ID, payoutstest.ReceiverType), store.ErrInvolved)
		require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType), "the same again")
		require.Equal(t, w.Receiver.ID, w.Transaction(row.ID).Party(store.SideReceiver))
	})
}

func TestNoVerdictIsMissedThatIsRecordedWhileACustomerIsPutOnASide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		for range 25 {
			row := withheld(t, w, "id")
			require.NoError(t, involve(t.Context(), w, row.ID, store.SideReceiver, w.Receiver.ID, payoutstest.ReceiverType))
			person := w.Customer(row.ID, payoutstest.SenderType, nil)
			w.Judge(person, payoutstest.SenderType, anchor.CustomerProcessing, nil)
			var both sync.WaitGroup
			both.Go(func() { w.Judge(person, payoutstest.SenderType, anchor.CustomerAccepted, nil) })
			var err error
			both.Go(func() { err = involve(t.Context(), w, row.ID, store.SideSender, person.ID, payoutstest.SenderType) })
			both.Wait()
			require.NoError(t, err)
			require.Equal(t, anchor.StatusPendingSender, w.Transaction(row.ID).Status)
		}
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
