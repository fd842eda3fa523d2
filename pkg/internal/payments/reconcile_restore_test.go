package payments_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// refund asks for a payment of so many lumens to go back; memo is the payment's, and so the refund's.
func (a *audited) refund(memo uint64, amount string) store.Refund {
	a.Helper()
	a.pay(a.payer, txnbuild.MemoID(memo), lumens(a.account, amount))
	a.watch()
	list := a.payments(a.T)
	p := list[len(list)-1]
	var r store.Refund
	require.NoError(a, a.db.Tx(a.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		r, err = tx.RequestRefund(ctx, store.RefundOrder{Payment: p, Units: p.AmountUnits, Actor: "operator:ada", Reason: "nobody knows it"})
		return err
	}))
	require.Equal(a, anchor.RefundReady, r.State)
	return r
}

// worldRefunds sends a refund as the world did of which this database is an older copy: by an envelope that it does not know.
func (a *audited) worldRefunds(memo uint64, amount string) {
	a.Helper()
	a.pay(a.own, txnbuild.MemoID(memo), lumens(a.payer.Address(), amount))
}

func (a *audited) watching(context.Context) error {
	a.watch()
	return nil
}

func (a *audited) stateOf(refundID string) store.Refund {
	a.Helper()
	r, err := a.db.RefundByID(a.Context(), refundID)
	require.NoError(a, err)
	return r
}

func TestAfter_a_restore_refunds_that_had_left_are_found_on_the_ledger_and_not_sent_again(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		gone, twin, open := a.refund(7, "2"), a.refund(7, "2"), a.refund(8, "3")
		a.worldRefunds(7, "2")
		a.worldRefunds(9, "4") // which no refund here explains

		report, err := a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "backup of last night")
		require.NoError(t, err)
		require.Len(t, report.Adopted, 1)
		require.Equal(t, gone.ID, report.Adopted[0].RefundID, "the older of two that look alike")
		require.Equal(t, 2*unit, report.Adopted[0].Movement.AmountUnits)
		require.Len(t, report.Unexplained, 1)
		require.Equal(t, 4*unit, report.Unexplained[0].AmountUnits)

		confirmed := a.stateOf(gone.ID)
		require.Equal(t, anchor.RefundConfirmed, confirmed.State)
		require.Equal(t, report.Adopted[0].Movement.OuterHash, confirmed.StellarHash)
		payment, err := a.db.PaymentByID(t.Context(), gone.PaymentID)
		require.NoError(t, err)
		require.Equal(t, anchor.PaymentRefunded, payment.State)
		require.Equal(t, anchor.RefundReady, a.stateOf(twin.ID).State)
		require.Equal(t, anchor.RefundReady, a.stateOf(open.ID).State)
		require.NoError(t, a.db.Restored(t.Context()), "it sends again")

		a.compare()
		require.Empty(t, a.found(), "what left is in the books whether it is explained or not")
		history, err := a.db.History(t.Context(), store.SubjectDatabase, "database")
		require.NoError(t, err)
		require.Len(t, history, 2, "marked and ended")
	})
}

func TestA_database_stays_marked_as_restored_until_every_account_is_read_to_the_head(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		away := errors.New("the network is away")
		_, err := a.reconciler().AfterRestore(t.Context(), func(context.Context) error { return away }, "operator:ada", "backup")
		require.ErrorIs(t, err, away)
		var marked *store.RestoredError
		require.ErrorAs(t, a.db.Restored(t.Context()), &marked, "it was marked by the attempt itself")

		_, err = a.reconciler().AfterRestore(t.Context(), func(context.Context) error { return nil }, "operator:ada", "backup")
		require.ErrorContains(t, err, "has not been read")
		require.ErrorAs(t, a.db.Restored(t.Context()), &marked)

		_, err = a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "backup")
		require.NoError(t, err)
		require.NoError(t, a.db.Restored(t.Context()))
	})
}

func TestAn_older_copy_is_recognised_by_a_refund_that_has_left_without_it(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		a.refund(7, "2")
		a.worldRefunds(9, "4")
		a.audit()
		require.NoError(t, a.db.Restored(t.Context()), "money that left for another reason says nothing about the database")
		a.worldRefunds(7, "2")
		a.audit()
		var marked *store.RestoredError
		require.ErrorAs(t, a.db.Restored(t.Context()), &marked)
		require.Contains(t, marked.Error(), "has left already")
	})
}

func TestAfter_a_restore_what_the_world_may_have_refunded_is_not_paid_out_before_an_operator_has_looked(t *testing.T) {
	t.Parallel()
	eachAudited(t, func(t *testing.T, a *audited) {
		native := func(row *store.Transaction) { row.AssetCode, row.AssetIssuer = stellar.NativeCode, "" }
		named := func(row *store.Transaction) {
			native(row)
			row.RefundMemoType, row.RefundMemo = "id", "99"
		}
		agreed := a.agree(a.T, terms{memoType: "id", memo: "7", units: 20 * unit, change: native},
			terms{memoType: "id", memo: "8", units: 20 * unit, change: named}, terms{memoType: "id", memo: "9", units: 20 * unit, change: native},
			terms{memoType: "id", memo: "10", units: 20 * unit, change: native})
		for memo := range uint64(3) {
			a.pay(a.payer, txnbuild.MemoID(7+memo), lumens(a.account, "20"))
		}
		a.pay(a.maker, txnbuild.MemoID(10), lumens(a.account, "20"))
		a.watch()
		states := func() (list []string) {
			for _, t := range agreed {
				p := a.payouts(a.T, t.ID)[0]
				list = append(list, string(p.State)+" "+string(p.WaitsFor))
			}
			return list
		}
		before := states()
		require.NotContains(t, before, "waiting operator")
		a.worldRefunds(7, "19") // a fee was kept
		a.worldRefunds(99, "20")
		a.worldRefunds(10, "20") // to somebody else than who paid with it

		report, err := a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "backup of last night")
		require.NoError(t, err)
		require.Len(t, report.Unexplained, 3)
		require.Len(t, report.Parked, 2)
		require.Equal(t, []string{"waiting operator", "waiting operator", before[2], before[3]}, states())
		history, err := a.db.History(t.Context(), store.SubjectPayout, report.Parked[0].ID)
		require.NoError(t, err)
		require.Contains(t, history[len(history)-1].Reason, "may be the refund of this")

		report, err = a.reconciler().AfterRestore(t.Context(), a.watching, "operator:ada", "once more")
		require.NoError(t, err)
		require.Empty(t, report.Parked)
	})
}
