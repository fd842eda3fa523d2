package transactions_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// unpaid stores a transaction that waits for its payment.
func unpaid(t *testing.T, w *payoutstest.World, change func(*store.Transaction)) string {
	t.Helper()
	row := w.Agreed()
	row.CallbackUrl = "https://sending.example/callback"
	row.Publish("id", "77")
	change(&row)
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CreateTransaction(ctx, row, anchor.Change{Cause: anchor.CauseCreated, Actor: payoutstest.Actor})
		return err
	}))
	return row.ID
}

// readTo has the receiving account read up to so long ago.
func readTo(t *testing.T, w *payoutstest.World, ago time.Duration) {
	t.Helper()
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		from, err := tx.OpenCursor(ctx, payoutstest.Account, "net", 1)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		to := from
		to.Position, to.ThroughLedger, to.ThroughClosedUs = from.Position+1<<32, from.ThroughLedger+1, now-ago.Microseconds()
		_, err = tx.MoveCursor(ctx, from, to, 1)
		return err
	}))
}

func TestOperator_expires_what_was_not_paid_and_tells_the_sending_anchor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := unpaid(t, w, func(*store.Transaction) {})
		readTo(t, w, time.Second)
		wish := transactions.Expiry{TransactionID: id, Actor: "operator:ann", Reason: "called off"}
		require.NoError(t, transactions.NewOperator(db).Expire(t.Context(), wish))

		row := w.Transaction(id)
		require.Equal(t, anchor.StatusExpired, row.Status)
		require.Equal(t, "called off", row.StatusMessage)
		history, err := db.History(t.Context(), store.SubjectTransaction, id)
		require.NoError(t, err)
		last := history[len(history)-1]
		require.Equal(t, "expired operator:ann called off", last.Kind+" "+last.Actor+" "+last.Reason)
		callbacks, err := db.CallbacksOf(t.Context(), store.SubjectTransaction, id)
		require.NoError(t, err)
		require.Len(t, callbacks, 1)

		require.NoError(t, transactions.NewOperator(db).Expire(t.Context(), wish), "asked again it changes nothing")
		require.Equal(t, row.Version, w.Transaction(id).Version)
	})
}

func TestOperator_expires_nothing_for_which_money_came_or_may_have_come(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := unpaid(t, w, func(*store.Transaction) {})
		funded := w.Funded(1)[0]
		refuses := func(id, why string) {
			t.Helper()
			err := transactions.NewOperator(db).Expire(t.Context(), transactions.Expiry{TransactionID: id, Actor: "operator:ann", Reason: "called off"})
			require.ErrorContains(t, err, why)
			require.Equal(t, anchor.CodeConflict, anchor.ProblemOf(err).Code)
		}
		refuses(id, "never read to the present end")
		readTo(t, w, 5*time.Minute)
		refuses(id, "last read 5m0s ago")
		refuses(funded, "it has been paid for")
		require.Equal(t, anchor.StatusPendingSender, w.Transaction(id).Status)

		inPart := unpaid(t, w, func(row *store.Transaction) { row.Publish("id", "78") })
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.LockTransaction(ctx, inPart)
			if err != nil {
				return err
			}
			row.CreditedUnits = 1
			_, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CausePartPaid, Actor: payoutstest.Actor})
			return err
		}))
		readTo(t, w, time.Second)
		refuses(inPart, "it has been paid in part")

		withheld := unpaid(t, w, func(row *store.Transaction) { row.Memo.Valid = false })
		require.NoError(t, transactions.NewOperator(db).Expire(t.Context(), transactions.Expiry{TransactionID: withheld, Actor: "operator:ann", Reason: "called off"}),
			"nobody can have paid without a memo")

		err := transactions.NewOperator(db).Expire(t.Context(), transactions.Expiry{TransactionID: "none", Reason: "called off"})
		require.Equal(t, anchor.CodeNotFound, anchor.ProblemOf(err).Code)
	})
}
