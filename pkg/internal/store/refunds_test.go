package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const payerAccount = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"

// arrived stores a payment of 100 units that nobody has decided about, changed as told.
func (b *bench) arrived(change func(*store.Payment)) store.Payment {
	b.Helper()
	var p store.Payment
	p.Chain, p.Account, p.OperationID, p.Kind = "test/1", "GRECEIVING", 1000+b.memo.Add(1), "payment"
	p.FromAccount, p.FromMuxedID, p.AssetCode, p.AssetIssuer, p.AmountUnits = payerAccount, "7", "USDC", "GISSUER", 100
	p.MemoType, p.Memo, p.Judgement, p.State = "text", "aGVsbG8=", anchor.JudgedUnmatched, anchor.PaymentOpen
	if change != nil {
		change(&p)
	}
	b.tx(func(ctx context.Context, tx *store.Tx) error { return tx.InsertPayments(ctx, []store.Payment{p}) })
	list, err := b.db.Payments(b.Context(), store.PaymentFilter{Limit: 1})
	require.NoError(b, err)
	require.Equal(b, p.OperationID, list[0].OperationID)
	return list[0]
}

func (b *bench) ask(o store.RefundOrder) (r store.Refund, err error) {
	o.Actor, o.Reason = "operator:test", "asked for"
	err = b.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		r, err = tx.RequestRefund(ctx, o)
		return err
	})
	return r, err
}

func (b *bench) payment(id string) store.Payment {
	b.Helper()
	p, err := b.db.PaymentByID(b.Context(), id)
	require.NoError(b, err)
	return p
}

// credited is a transaction of 100 units whose payout has failed, so that it holds them, with the payment that brought them.
func (b *bench) credited(change func(*store.Transaction)) (store.Transaction, store.Payment) {
	b.Helper()
	draft := b.draft()
	draft.ExpectedUnits, draft.OutUnits = 100, 100
	if change != nil {
		change(&draft)
	}
	t, payout := b.funded(draft, anchor.PayoutReady, anchor.WaitsForNothing)
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		locked, err := tx.LockTransaction(ctx, t.ID)
		if err != nil {
			return err
		}
		payout.State = anchor.PayoutFailed
		failed := anchor.Change{Cause: anchor.CausePayoutFailed, Actor: "test"}
		if _, err := tx.EndPayout(ctx, &locked, payout, anchor.PayoutReady, failed); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, locked, failed)
		return err
	})
	p := b.arrived(func(p *store.Payment) {
		p.Judgement, p.State = anchor.JudgedCredited, anchor.PaymentCredited
		p.BelongsTo(t.ID)
	})
	return b.reload(t.ID), p
}

func TestRequestRefund_takes_the_units_of_a_payment_that_was_never_credited(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		p := b.arrived(nil)
		r, err := b.ask(store.RefundOrder{Payment: p, Units: 60, FeeUnits: 5, Automatic: true})
		require.NoError(t, err)
		stored, err := db.RefundByID(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r, stored)
		require.Equal(t, int64(55), r.SentUnits())
		require.Equal(t, anchor.RefundReady, r.State)
		require.False(t, r.FromHeld)
		require.Equal(t, []string{payerAccount, "7", "text", "aGVsbG8="}, []string{r.Destination, r.DestinationMuxedID, r.MemoType, r.Memo})
		now := b.payment(p.ID)
		require.Equal(t, anchor.PaymentRefunding, now.State)
		require.Equal(t, int64(60), now.RefundUnits)

		second, err := b.ask(store.RefundOrder{Payment: p, Units: 40, Destination: "GDQP2KPQGKIHYJGXNUIYOMHARUARCA7DJT5FO2FFOOKY3B2WSQHG4W37"})
		require.NoError(t, err)
		require.Equal(t, int64(2), second.Number)
		require.Empty(t, second.DestinationMuxedID, "the number is of the account that paid")
		events, err := db.History(t.Context(), store.SubjectPayment, p.ID)
		require.NoError(t, err)
		require.Len(t, events, 2)
	})
}

func TestRequestRefund_takes_what_was_credited_from_what_the_transaction_holds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		tr, p := b.credited(func(t *store.Transaction) { t.RefundMemoType, t.RefundMemo = "hash", "ab" })
		require.Equal(t, int64(100), tr.Held())
		r, err := b.ask(store.RefundOrder{Payment: p, Units: 70})
		require.NoError(t, err)
		require.True(t, r.FromHeld)
		require.Equal(t, tr.ID, r.TransactionID.String)
		require.Equal(t, []string{"hash", "ab"}, []string{r.MemoType, r.Memo}, "the memo that the sending anchor asked for")
		now := b.reload(tr.ID)
		require.Equal(t, int64(30), now.Held())
		require.Equal(t, tr.Status, now.Status)
		require.Equal(t, anchor.PaymentCredited, b.payment(p.ID).State)
		events, err := db.History(t.Context(), store.SubjectTransaction, tr.ID)
		require.NoError(t, err)
		require.Contains(t, events[len(events)-1].Detail, r.ID)
	})
}

func TestRequestRefund_refuses_more_than_there_is(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		open := b.arrived(nil)
		ignored := b.arrived(func(p *store.Payment) { p.State = anchor.PaymentIgnored })
		unreadable := b.arrived(func(p *store.Payment) { p.AmountUnits, p.Judgement = 0, anchor.JudgedUnreadable })
		tr, credited := b.credited(nil)
		b.must("UPDATE transactions SET payout_units = 50 WHERE id = $1", tr.ID)
		for name, o := range map[string]store.RefundOrder{
			"more than came":                  {Payment: open, Units: 101},
			"nothing":                         {Payment: open, Units: 0},
			"less than nothing":               {Payment: open, Units: -1},
			"a fee that leaves nothing":       {Payment: open, Units: 10, FeeUnits: 10},
			"a fee below nothing":             {Payment: open, Units: 10, FeeUnits: -1},
			"a muxed number of nobody":        {Payment: open, Units: 10, DestinationMuxedID: "1"},
			"what was ignored":                {Payment: ignored, Units: 10},
			"what could not be read":          {Payment: unreadable, Units: 1},
			"more than the transaction holds": {Payment: credited, Units: 51},
		} {
			_, err := b.ask(o)
			require.ErrorIs(t, err, store.ErrNotRefundable, name)
			require.True(t, store.Unfit(err), name)
		}
		_, err := b.ask(store.RefundOrder{Units: 1})
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Zero(t, b.count("SELECT COUNT(*) FROM refunds"))
		require.Equal(t, anchor.PaymentOpen, b.payment(open.ID).State)
	})
}

func TestRequestRefund_holds_what_has_nowhere_to_go(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for want, from := range map[string]string{"nobody": "", "contract": "C" + payerAccount[1:], "itself": "GRECEIVING"} {
			r, err := b.ask(store.RefundOrder{Payment: b.arrived(func(p *store.Payment) { p.FromAccount, p.FromMuxedID = from, "" }), Units: 1})
			require.NoError(t, err)
			require.Equal(t, anchor.RefundHeld, r.State)
			require.Contains(t, r.Trouble, want)
		}
	})
}

func TestRequestRefund_gives_out_the_same_money_once_to_those_who_ask_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		tr, p := b.credited(nil)
		errs := make([]error, 8)
		var asking sync.WaitGroup
		for i := range errs {
			asking.Go(func() { _, errs[i] = b.ask(store.RefundOrder{Payment: p, Units: 60}) })
		}
		asking.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, store.ErrNotRefundable)
		}
		require.Equal(t, 1, won)
		require.Equal(t, int64(40), b.reload(tr.ID).Held())
	})
}

func TestCancelRefund_gives_the_units_back(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		tr, credited := b.credited(nil)
		open := b.arrived(nil)
		for _, p := range []store.Payment{credited, open} {
			r, err := b.ask(store.RefundOrder{Payment: p, Units: 100})
			require.NoError(t, err)
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				l, err := tx.LockRefund(ctx, r.ID)
				if err != nil {
					return err
				}
				return tx.CancelRefund(ctx, l, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
			})
			require.Equal(t, p.State, b.payment(p.ID).State)
			require.Zero(t, b.payment(p.ID).RefundUnits)
		}
		require.Equal(t, int64(100), b.reload(tr.ID).Held())
	})
}

// beginning is an envelope of an account, as the engine makes one.
func beginning(hash string) store.RefundAttempt {
	var a store.RefundAttempt
	a.Account, a.Sequence, a.InnerHash, a.MaxTimeUs, a.FeeStroops, a.Envelope = "GRECEIVING", 1, hash, 1, 100, "AAAA"
	return a
}

func (b *bench) begin(r store.Refund, a store.RefundAttempt) (err error) {
	return b.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, _, err = tx.BeginRefund(ctx, r, a, "test")
		return err
	})
}

func TestBeginRefund_lets_one_envelope_of_an_account_fly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		one, err := b.ask(store.RefundOrder{Payment: b.arrived(nil), Units: 100})
		require.NoError(t, err)
		two, err := b.ask(store.RefundOrder{Payment: b.arrived(nil), Units: 100})
		require.NoError(t, err)
		errs := make([]error, 6)
		var beginners sync.WaitGroup
		for i := range errs {
			r := []store.Refund{one, two}[i%2]
			beginners.Go(func() { errs[i] = b.begin(r, beginning(store.NewID())) })
		}
		beginners.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			require.True(t, errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrStale), err)
		}
		require.Equal(t, 1, won)
		require.Equal(t, int64(1), b.count("SELECT COUNT(*) FROM refund_attempts"))
		a, flying, err := db.RefundInFlight(t.Context(), "GRECEIVING")
		require.NoError(t, err)
		require.True(t, flying)
		require.Equal(t, "AAAA", a.Newest())

		claimed, ok, err := db.ClaimSubmission(t.Context(), a, "one", 60e9)
		require.NoError(t, err)
		require.True(t, ok)
		_, ok, err = db.ClaimSubmission(t.Context(), a, "two", 60e9)
		require.NoError(t, err)
		require.False(t, ok, "the claim of the first holds")
		stale := claimed
		stale.Fence--
		require.ErrorIs(t, db.BumpSubmission(t.Context(), stale), store.ErrClaimLost)
		claimed.OuterHash, claimed.OuterEnvelope, claimed.FeeStroops = "outer", "BBBB", 1000
		require.NoError(t, db.BumpSubmission(t.Context(), claimed))
		require.NoError(t, db.AnswerSubmission(t.Context(), claimed, "said", 0))
		a, _, err = db.RefundInFlight(t.Context(), "GRECEIVING")
		require.NoError(t, err)
		require.Equal(t, "BBBB", a.Newest())
		require.Equal(t, "said", a.Result)
		require.Equal(t, int64(1), a.Submits)
	})
}

func TestRefunds_are_listed_newest_first_by_what_is_sought(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		tr, credited := b.credited(nil)
		one, err := b.ask(store.RefundOrder{Payment: credited, Units: 10})
		require.NoError(t, err)
		two, err := b.ask(store.RefundOrder{Payment: b.arrived(func(p *store.Payment) { p.FromAccount = "" }), Units: 10})
		require.NoError(t, err)
		for _, c := range []struct {
			f    store.RefundFilter
			want []string
		}{
			{store.RefundFilter{}, []string{two.ID, one.ID}}, {store.RefundFilter{Limit: 1}, []string{two.ID}},
			{store.RefundFilter{Before: two.ID}, []string{one.ID}}, {store.RefundFilter{State: anchor.RefundHeld}, []string{two.ID}},
			{store.RefundFilter{TransactionID: tr.ID}, []string{one.ID}}, {store.RefundFilter{PaymentID: two.PaymentID}, []string{two.ID}},
		} {
			rows, err := db.Refunds(t.Context(), c.f)
			require.NoError(t, err)
			var got []string
			for _, r := range rows {
				got = append(got, r.ID)
			}
			require.Equal(t, c.want, got)
		}
		counts, err := db.RefundCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[anchor.RefundState]int64{anchor.RefundReady: 1, anchor.RefundHeld: 1}, counts)
		_, ok, err := db.RefundDueIn(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		accounts, err := db.AccountsWithRefunds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"GRECEIVING"}, accounts)
	})
}
