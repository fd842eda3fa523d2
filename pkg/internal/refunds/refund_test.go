package refunds_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// each gives every case a world of its own, on both engines.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db)) })
}

func TestA_refund_of_an_unmatched_payment_goes_back_to_who_paid_once_with_its_memo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.paid(txnbuild.MemoText("nobody's"), 7*unit)
		require.Equal(t, anchor.PaymentOpen, p.State)
		r := w.request(store.RefundOrder{Payment: p, Units: 7 * unit, FeeUnits: unit})
		require.Equal(t, anchor.PaymentRefunding, w.reloaded(p).State)
		s := w.start()
		w.execute(s)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State, "an answer of the network is no proof")
		w.read()
		w.execute(s)

		r = w.refund(r.ID)
		require.Equal(t, anchor.RefundConfirmed, r.State)
		require.Equal(t, anchor.PaymentRefunded, w.reloaded(p).State)
		back := w.back()
		require.Len(t, back, 1)
		require.Equal(t, back[0].Hash, r.StellarHash)
		require.Equal(t, "text", back[0].MemoType)
		require.Equal(t, p.Memo, back[0].Memo)
		require.Equal(t, w.payer.Address(), back[0].Payments[0].To)
		require.Equal(t, 6*unit, back[0].Payments[0].Units)
		w.execute(s)
		require.Len(t, w.back(), 1)
	})
}

func TestA_refund_keeps_the_muxed_number_of_who_paid_and_a_hash_stays_a_hash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		payment := w.payment(w.account.Address(), unit)
		payment.SourceAccount = muxed(t, w.payer.Address(), 42)
		p := w.stored(w.send(w.payer, txnbuild.MemoHash{1, 2, 3}, payment))
		require.Equal(t, "42", p.FromMuxedID)
		w.request(store.RefundOrder{Payment: p, Units: unit})
		w.finish()
		back := w.back()
		require.Len(t, back, 1)
		require.Equal(t, "42", back[0].Payments[0].ToMuxedID)
		require.Equal(t, "hash", back[0].MemoType)
	})
}

func TestA_payment_goes_back_in_parts_and_is_open_again_where_part_of_it_was_given_up(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.paid(txnbuild.MemoID(1), 10*unit)
		w.request(store.RefundOrder{Payment: p, Units: 4 * unit})
		rest := w.request(store.RefundOrder{Payment: p, Units: 6 * unit})
		o := refunds.NewOperator(w.db)
		word := refunds.Decision{RefundID: rest.ID, Actor: "operator:test", Reason: "not yet"}
		require.NoError(t, o.Cancel(t.Context(), word))
		require.NoError(t, o.Cancel(t.Context(), word), "twice is the same")
		w.finish()
		now := w.reloaded(p)
		require.Equal(t, anchor.PaymentOpen, now.State, "somebody has to decide about the rest")
		require.Equal(t, 4*unit, now.RefundUnits)

		w.request(store.RefundOrder{Payment: p, Units: 6 * unit})
		w.finish()
		require.Equal(t, anchor.PaymentRefunded, w.reloaded(p).State)
		require.Len(t, w.back(), 2)
	})
}

// agreed is a transaction of so many units that waits for its payment.
func (w *world) agreed(units int64, change func(*store.Transaction)) store.Transaction {
	w.Helper()
	var t store.Transaction
	t.ID, t.OwnerAccount = store.NewID(), w.payer.Address()
	t.AssetID, t.AssetCode, t.AssetIssuer, t.Decimals = w.asset.ID, w.asset.Code, w.asset.Issuer, w.asset.Decimals
	t.FeePercent, t.ReceivingAccount, t.FundingMethod = "0", w.account.Address(), "SEPA"
	t.ExpectedUnits, t.OutUnits, t.OutDecimals, t.OutAsset = units, units, 7, "stellar:USDC:"+w.asset.Issuer
	t.CallbackUrl = "https://sender.example/callback"
	t.Publish("id", "77")
	if change != nil {
		change(&t)
	}
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CreateTransaction(ctx, t, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	})
	return w.transaction(t.ID)
}

func (w *world) transaction(id string) store.Transaction {
	w.Helper()
	t, err := w.db.TransactionByID(w.Context(), id)
	require.NoError(w, err)
	return t
}

// giveUp has the payout of a funded transaction fail, and everything that it holds go back.
func (w *world) giveUp(id string, fee int64) {
	w.Helper()
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		p, _, err := tx.LivePayout(ctx, id)
		if err != nil {
			return err
		}
		before, change := p.State, anchor.Change{Cause: anchor.CausePayoutFailed, Actor: "test"}
		p.State, p.WaitsFor = anchor.PayoutFailed, anchor.WaitsForNothing
		if _, err := tx.EndPayout(ctx, &t, p, before, change); err != nil {
			return err
		}
		if _, err := tx.Advance(ctx, t, change); err != nil {
			return err
		}
		_, err = tx.RefundCredited(ctx, id, store.RefundOrder{FeeUnits: fee, Automatic: true, Actor: "rail", Reason: "not served"})
		return err
	})
}

func TestA_transaction_is_refunded_when_the_ledger_shows_that_all_of_it_went_back(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tr := w.agreed(50*unit, func(t *store.Transaction) { t.RefundMemoType, t.RefundMemo = "id", "4711" })
		p := w.paid(txnbuild.MemoID(77), 50*unit)
		require.Equal(t, anchor.PaymentCredited, p.State)
		w.giveUp(tr.ID, 2*unit)
		now := w.transaction(tr.ID)
		require.Equal(t, anchor.StatusPendingReceiver, now.Status)
		require.Zero(t, now.Held())
		require.Equal(t, anchor.PaymentCredited, w.reloaded(p).State, "until it is back")
		w.finish()

		now = w.transaction(tr.ID)
		require.Equal(t, anchor.StatusRefunded, now.Status)
		require.Equal(t, now.CreditedUnits, now.PayoutUnits+now.RefundUnits+now.Held())
		require.Equal(t, anchor.PaymentRefunded, w.reloaded(p).State)
		shown, err := now.Public()
		require.NoError(t, err)
		require.True(t, shown.Refunded)
		require.Equal(t, "50", shown.AmountIn)
		require.Equal(t, "0", shown.AmountOut)
		require.NotNil(t, shown.CompletedAt)
		back := w.back()
		require.Equal(t, &anchor.Refunds{AmountRefunded: "48", AmountFee: "2", Payments: []anchor.RefundPayment{
			{ID: back[0].Hash, Amount: "48", Fee: "2"},
		}}, shown.Refunds)
		require.Equal(t, "4711", back[0].Memo, "the memo that the sending anchor asked for")
		require.Equal(t, 48*unit, back[0].Payments[0].Units)

		callbacks, err := w.db.CallbacksOf(t.Context(), store.SubjectTransaction, tr.ID)
		require.NoError(t, err)
		require.Contains(t, callbacks[len(callbacks)-1].Body, `"refunds":{"amount_refunded":"48"`)
	})
}

func TestA_transaction_that_is_paid_out_in_part_is_not_refunded_by_the_return_of_the_rest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tr := w.agreed(50*unit, nil)
		p := w.paid(txnbuild.MemoID(77), 50*unit)
		w.tx(func(ctx context.Context, tx *store.Tx) error { // as if 10 more had come and been credited
			locked, err := tx.LockTransaction(ctx, tr.ID)
			if err != nil {
				return err
			}
			locked.CreditedUnits += 10 * unit
			_, err = tx.Advance(ctx, locked, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
			return err
		})
		w.request(store.RefundOrder{Payment: p, Units: 10 * unit})
		w.finish()
		now := w.transaction(tr.ID)
		require.Equal(t, anchor.StatusPendingReceiver, now.Status)
		require.Equal(t, anchor.PaymentCredited, w.reloaded(p).State)
		shown, err := now.Public()
		require.NoError(t, err)
		require.False(t, shown.Refunded)
		require.Equal(t, "10", shown.Refunds.AmountRefunded)
	})
}

func TestWhat_came_too_late_makes_its_transaction_refunded_and_a_second_payment_does_not(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tr := w.agreed(5*unit, nil)
		require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			locked, err := tx.LockTransaction(ctx, tr.ID)
			if err != nil {
				return err
			}
			_, err = tx.Advance(ctx, locked, anchor.Change{Cause: anchor.CauseExpired, Actor: "test"})
			return err
		}))
		p := w.paid(txnbuild.MemoID(77), 5*unit)
		require.Equal(t, anchor.JudgedLate, p.Judgement)
		w.request(store.RefundOrder{Payment: p, Units: 5 * unit})
		w.finish()
		require.Equal(t, anchor.StatusRefunded, w.transaction(tr.ID).Status)

		paid := w.agreed(6*unit, func(t *store.Transaction) { t.Publish("id", "78") })
		w.paid(txnbuild.MemoID(78), 6*unit)
		again := w.paid(txnbuild.MemoID(78), 6*unit)
		require.Equal(t, anchor.JudgedDuplicate, again.Judgement)
		w.request(store.RefundOrder{Payment: again, Units: 6 * unit})
		w.finish()
		now := w.transaction(paid.ID)
		require.Equal(t, anchor.StatusPendingReceiver, now.Status)
		require.Equal(t, anchor.PaymentRefunded, w.reloaded(again).State)
		require.Equal(t, 6*unit, now.PayoutUnits, "what was credited is paid out")
		require.Empty(t, now.Refunds, "amount_in does not tell of it either")
	})
}

// finish lets an engine work until nothing is left that it can do.
func (w *world) finish(with ...func(*refunds.Options)) {
	w.Helper()
	s := w.start(with...)
	w.execute(s)
	for range 20 {
		w.read()
		w.execute(s)
		counts, err := w.db.RefundCounts(w.Context())
		require.NoError(w, err)
		if counts[anchor.RefundSending]+counts[anchor.RefundReady] == 0 {
			return
		}
	}
	require.Fail(w, fmt.Sprint("refunds do not come to an end: ", w.troubles()))
}

func (w *world) troubles() (list []string) {
	rows, err := w.db.Refunds(w.Context(), store.RefundFilter{})
	require.NoError(w, err)
	for _, r := range rows {
		list = append(list, string(r.State)+": "+r.Trouble)
	}
	return list
}
