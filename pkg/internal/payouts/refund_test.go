package payouts_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// arrived stores the payments by which a transaction was funded.
func arrived(t *testing.T, db *store.DB, id string, units ...int64) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list := make([]store.Payment, len(units))
		for i, u := range units {
			p := &list[i]
			p.Chain, p.Account, p.OperationID, p.Kind = "test/1", payoutstest.Account, int64(100+i), "payment"
			p.FromAccount, p.AssetCode, p.AssetIssuer, p.AmountUnits = payoutstest.Sending, "USDC", payoutstest.Issuer, u
			p.MemoType, p.Memo, p.Judgement, p.State = "id", "1", anchor.JudgedCredited, anchor.PaymentCredited
			p.BelongsTo(id)
		}
		return tx.InsertPayments(ctx, list)
	}))
}

func TestA_rail_that_says_refund_sends_back_every_payment_of_the_transaction_with_its_fee_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b := payoutstest.New(t, db), &bank{execute: always(anchor.Refund("the recipient is not served"))}
		id := w.Funded(1)[0]
		arrived(t, db, id, payoutstest.Credited-7, 7)
		o := atOnce()
		o.RefundFee = func(code, issuer string) int64 {
			require.Equal(t, "USDC", code)
			require.Equal(t, payoutstest.Issuer, issuer)
			return 100
		}
		s := service(db, b, o)
		require.True(t, execute(t, s))
		require.Equal(t, anchor.PayoutFailed, w.Payout(id).State)
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusPendingReceiver, tr.Status, "it is refunded once the ledger shows it")
		require.Contains(t, tr.StatusMessage, "goes back")
		require.Zero(t, tr.Held())
		require.Equal(t, int64(payoutstest.Credited), tr.RefundUnits)
		w.RequireBooks(id)

		refunds, err := db.RefundsOf(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, refunds, 2)
		for i, want := range []struct{ units, fee int64 }{{payoutstest.Credited - 7, 100}, {7, 0}} {
			require.Equal(t, want.units, refunds[i].Units)
			require.Equal(t, want.fee, refunds[i].FeeUnits)
			require.True(t, refunds[i].FromHeld)
			require.True(t, refunds[i].Automatic)
			require.Equal(t, payoutstest.Sending, refunds[i].Destination)
			require.Contains(t, refunds[i].Reason, "not served")
		}
		_, err = s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator", Reason: "again"})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "what goes back is not paid out as well")

		require.NoError(t, s.Report(t.Context(), anchor.PayoutKey(w.Attempts(id)[0].Key), anchor.Refund("again"), ""))
		again, err := db.RefundsOf(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, again, 2, "said twice is the same")
	})
}

func TestA_rail_that_says_refund_after_delivery_contradicts_itself_and_nothing_goes_back(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, _ *bank, s *payouts.Service) {
		arrived(t, w.DB, id, payoutstest.Credited)
		execute(t, s)
		require.NoError(t, s.Report(t.Context(), anchor.PayoutKey(w.Attempts(id)[0].Key), anchor.Refund("no such account"), ""))
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusCompleted, tr.Status)
		require.Contains(t, tr.Conflict, "refund after it was delivered")
		refunds, err := w.DB.RefundsOf(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, refunds)
		w.RequireBooks(id)
	})
}
