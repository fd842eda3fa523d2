package payouts_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func mark(t *testing.T, db *store.DB) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.MarkRestored(ctx, "operator:ada", "backup of last night")
	}))
}

func clearMark(t *testing.T, db *store.DB) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ClearRestored(ctx, "operator:ada", "reconciled")
	}))
}

// restored is a world whose database was marked and reconciled after n payouts had become ready.
func restored(t *testing.T, db *store.DB, n int) (*payoutstest.World, []string) {
	t.Helper()
	w := payoutstest.New(t, db)
	ids := w.Funded(n)
	mark(t, db)
	clearMark(t, db)
	return w, ids
}

// declaring is a service over a rail that is relied on to know its keys.
func declaring(db *store.DB, b *bank, final, safe time.Duration) *payouts.Service {
	rail := anchor.Rail{Rails: b, NotKnownFinalAfter: final, SameKeySafeFor: safe}
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, slog.New(slog.DiscardHandler), atOnce())
}

func TestA_database_that_is_marked_as_restored_sends_nothing_and_says_why(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		mark(t, db)
		b := &bank{}
		_, err := service(db, b, atOnce()).Execute(t.Context(), t.Context())
		var why *store.RestoredError
		require.ErrorAs(t, err, &why)
		require.Contains(t, why.Error(), "backup of last night")
		require.Contains(t, why.Error(), "operator:ada")
		require.Empty(t, b.sent())
		for _, id := range ids {
			require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
			require.Empty(t, w.Attempts(id))
		}
		mark(t, db)
		require.ErrorAs(t, db.Restored(t.Context()), &why, "marked twice is marked once")
	})
}

func TestAfter_a_restore_the_rail_is_asked_before_a_payout_of_the_copy_is_sent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ids := restored(t, db, 3)
		b := &bank{poll: says(anchor.Delivered("seen by the bank"))}
		s := service(db, b, atOnce())
		execute(t, s)
		require.Empty(t, b.sent())
		for _, id := range ids {
			require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
			attempts := w.Attempts(id)
			require.Len(t, attempts, 1)
			require.Equal(t, anchor.AttemptUnknown, attempts[0].State)
			require.Equal(t, string(anchor.NewPayoutKey(id, 1, 1)), attempts[0].Key, "the key that the world used")
			require.LessOrEqual(t, attempts[0].FirstSentUs, w.Transaction(id).CreatedUs)
		}
		pollOnce(t, s)
		execute(t, s)
		require.Empty(t, b.sent(), "the bank had paid them")
		for _, id := range ids {
			require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
			w.RequireBooks(id)
		}
	})
}

func TestAfter_a_restore_what_the_rail_does_not_know_is_sent_once_under_the_same_key_if_that_can_be_relied_on(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ids := restored(t, db, 2)
		b := &bank{poll: says(anchor.NotKnown())}
		careful := service(db, b, atOnce())
		execute(t, careful)
		pollOnce(t, careful)
		execute(t, careful)
		require.Empty(t, b.sent(), "a rail that declares nothing leaves it to an operator")
		require.Equal(t, anchor.PayoutUnknown, w.Payout(ids[0]).State)

		sure := declaring(db, b, time.Microsecond, time.Hour)
		pollOnce(t, sure)
		execute(t, sure)
		require.Len(t, b.sent(), 2)
		for _, p := range b.sent() {
			require.Equal(t, anchor.NewPayoutKey(p.TransactionID, 1, 1), p.Key)
		}
		for _, id := range ids {
			require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
			w.RequireBooks(id)
		}
	})
}

func TestAfter_a_restore_every_further_attempt_of_an_older_transaction_is_asked_about_first(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ids := restored(t, db, 1)
		needs := anchor.NeedsInfo(anchor.Need{Of: anchor.PartyReceiver, Field: "first_name", Problem: "too short"})
		b := &bank{poll: says(needs)}
		s := service(db, b, atOnce())
		execute(t, s)
		pollOnce(t, s)
		require.Equal(t, anchor.AttemptFailed, w.Attempts(ids[0])[0].State)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"first_name": "Alan Mathison"})
		execute(t, s)
		require.Empty(t, b.sent(), "the world may have got that far as well")
		attempts := w.Attempts(ids[0])
		require.Len(t, attempts, 2)
		require.Equal(t, anchor.AttemptUnknown, attempts[1].State)
	})
}

func TestAfter_a_restore_an_attempt_that_the_copy_believes_unsent_is_asked_about_first(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{execute: always(anchor.NotSent("closed on Sundays"))}
		o := atOnce()
		o.RetryWait = payouts.Backoff{First: time.Hour, Max: time.Hour}
		execute(t, service(db, b, o))
		require.Equal(t, anchor.AttemptNotSent, w.Attempts(id)[0].State)
		mark(t, db)
		clearMark(t, db)

		later := &bank{poll: says(anchor.NotSent("never got it"))}
		s := service(db, later, atOnce())
		hasten(t, db, id)
		execute(t, s)
		require.Empty(t, later.sent())
		require.Equal(t, anchor.AttemptUnknown, w.Attempts(id)[0].State)
		pollOnce(t, s)
		execute(t, s)
		require.Len(t, later.sent(), 1, "now the rail itself has said that it has nothing")
		require.Len(t, w.Attempts(id), 1)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}

// hasten makes a payout due now.
func hasten(t *testing.T, db *store.DB, id string) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockTransaction(ctx, id); err != nil {
			return err
		}
		p, _, err := tx.LivePayout(ctx, id)
		if err != nil {
			return err
		}
		p.NextUs = 0
		_, err = tx.MovePayout(ctx, p, p.State, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	}))
}

func TestWhat_was_agreed_after_the_restore_is_sent_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, old := restored(t, db, 1)
		fresh := w.Funded(2)
		b := &bank{}
		execute(t, service(db, b, atOnce()))
		require.Len(t, b.sent(), 2)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(old[0]).State)
		for _, id := range fresh {
			require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		}
	})
}

func TestPayouts_that_somebody_may_be_sending_are_counted_until_their_leases_end(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db).Funded(2)
		terms := dead()
		terms.Lease = time.Hour
		_, err := db.ClaimReady(t.Context(), terms)
		require.NoError(t, err)
		n, until, err := db.UnderLease(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.False(t, until.IsZero())
	})
}
