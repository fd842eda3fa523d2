package refunds_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// forgetful is a network whose pages leave out what left the account.
type forgetful struct{ *stellar.Horizon }

func (f forgetful) Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error) {
	page, err := f.Horizon.Payments(ctx, account, after, limit)
	page.Outgoing = nil
	return page, err
}

func TestAn_envelope_in_a_ledger_that_was_read_without_it_says_how_to_read_that_ledger_again(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		s := w.start()
		w.execute(s)
		service := payments.New(w.db, nil, payments.Options{Passphrase: passphrase})
		bad := payments.NewWatcher(service, forgetful{w.horizon}, payments.WatchOptions{Owner: "watcher"})
		require.NoError(t, bad.Once(t.Context()))
		w.execute(s)
		r = w.refund(r.ID)
		require.Equal(t, anchor.RefundSending, r.State)
		back := w.back()
		require.Len(t, back, 1)
		ledger := int64(back[0].Ledger)
		require.Contains(t, r.Trouble, fmt.Sprintf("'anchor watch-transactions --from %d --to %d'", ledger, ledger))

		_, err := w.watcher.Replay(t.Context(), payments.Range{First: ledger, Last: ledger})
		require.NoError(t, err)
		w.execute(s)
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Empty(t, w.refund(r.ID).Trouble)
		require.Len(t, w.back(), 1)
	})
}

func TestAn_envelope_that_the_account_was_not_read_far_enough_for_is_nothing_to_tell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		s := w.start()
		w.execute(s)
		w.execute(s)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
		require.Empty(t, w.refund(r.ID).Trouble)
	})
}

// landedDead is a refund whose envelope was given up as dead, is in the ledger after all and was read there.
func (w *world) landedDead() (store.Refund, store.OutgoingMovement) {
	w.Helper()
	r := w.asked(3 * unit)
	w.execute(w.start())
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.EndRefundAttempt(ctx, w.attempts(r.ID)[0], anchor.RefundAttemptDead, "by mistake"); err != nil {
			return err
		}
		now := w.refund(r.ID)
		now.State = anchor.RefundReady
		_, err := tx.MoveRefund(ctx, now, anchor.RefundSending, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	})
	w.read()
	list, err := w.db.MovementsToExplain(w.Context(), 10)
	require.NoError(w, err)
	require.Len(w, list, 1)
	return w.refund(r.ID), list[0]
}

func TestWhat_an_operator_explains_confirms_the_refund_whose_envelope_it_was(t *testing.T) {
	t.Parallel()
	for _, state := range []anchor.RefundState{anchor.RefundReady, anchor.RefundHeld} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.paid(txnbuild.MemoID(2), 9*unit) // so that there is enough to pay twice
				r, m := w.landedDead()
				w.tx(func(ctx context.Context, tx *store.Tx) error {
					r.State, r.Destination = state, w.stranger.Address()
					_, err := tx.MoveRefund(ctx, r, anchor.RefundReady, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
					return err
				})
				word := refunds.Movement{OperationID: m.OperationID, Actor: "operator:test", Reason: "I do not know it"}
				n, err := refunds.NewOperator(w.db).Explain(t.Context(), word)
				require.NoError(t, err)
				require.Equal(t, 1, n)
				n, err = refunds.NewOperator(w.db).Explain(t.Context(), word)
				require.NoError(t, err)
				require.Zero(t, n)

				now := w.refund(r.ID)
				require.Equal(t, anchor.RefundConfirmed, now.State)
				require.Equal(t, m.OuterHash, now.StellarHash)
				require.Equal(t, w.payer.Address(), now.Destination, "where the money is")
				require.Equal(t, anchor.RefundAttemptLanded, w.attempts(r.ID)[0].State)
				payment, err := w.db.PaymentByID(t.Context(), r.PaymentID)
				require.NoError(t, err)
				require.Equal(t, anchor.PaymentRefunded, payment.State)
				w.finish()
				require.Len(t, w.back(), 1)
			})
		})
	}
}

func TestNothing_is_explained_that_is_an_envelope_of_a_refund_of_which_another_one_may_land(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r, m := w.landedDead()
		w.tx(func(ctx context.Context, tx *store.Tx) error {
			a := store.RefundAttempt{}
			a.Account, a.Sequence, a.InnerHash, a.MaxTimeUs, a.Envelope = r.Account, 1, "another", 1, "AAAA"
			_, _, err := tx.BeginRefund(ctx, r, a, "test")
			return err
		})
		_, err := refunds.NewOperator(w.db).Explain(t.Context(), refunds.Movement{OperationID: m.OperationID, Actor: "operator:test", Reason: "by hand"})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
		list, err := w.db.MovementsToExplain(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}
