package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// crediting is the sum of a transaction as it was locked.
func (b *bench) crediting(ctx context.Context, tx *store.Tx, id, rail string) store.Crediting {
	row, err := tx.LockTransaction(ctx, id)
	require.NoError(b, err)
	return store.Crediting{Funding: store.Funding{Transaction: row, Units: row.ExpectedUnits, StellarHash: "hash", Rail: rail, Change: fundedBecause}}
}

func TestFundOne_is_Fund_for_one_where_nothing_differs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		runs, failing := 0, false
		rapid.Check(t, func(r *rapid.T) {
			if runs++; runs > 25 && !failing {
				return
			}
			passed := false
			defer func() { failing = failing || !passed }()
			w := drawTwin(r)
			senderID, receiverID := b.party(w.sender, "sep31-sender"), b.party(w.receiver, "sep31-receiver")
			one, many := b.twin(w, senderID, receiverID), b.twin(w, senderID, receiverID)
			var after []store.Transaction
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				t, err := tx.FundOne(ctx, b.crediting(ctx, tx, one, w.rail))
				if err != nil {
					return err
				}
				after, err = tx.Fund(ctx, []store.Funding{b.crediting(ctx, tx, many, w.rail).Funding})
				after = append(after, t)
				return err
			})
			require.Equal(r, b.everything(many), b.everything(one), "%+v", w)
			require.Equal(r, b.reload(many), after[0])
			require.Equal(r, b.reload(one), after[1])
			passed = true
		})
	})
}

func TestFundOne_writes_amounts_anew_and_keeps_back_what_is_to_go_back(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		draft.FeeUnits, draft.FeeDetails, draft.OutUnits = 5, `[{"name":"Service","amount":"0.0000005"}]`, 995
		id := b.create(draft).ID
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			c := b.crediting(ctx, tx, id, "bank")
			c.Units, c.Spare, c.Priced = 2000, 800, &store.Priced{FeeUnits: 7, OutUnits: 1193}
			_, err := tx.FundOne(ctx, c)
			return err
		})
		row := b.reload(id)
		require.Equal(t, []int64{2000, 1200, 0, 800}, []int64{row.CreditedUnits, row.PayoutUnits, row.RefundUnits, row.Held()})
		require.Equal(t, []any{int64(7), "", int64(1193)}, []any{row.FeeUnits, row.FeeDetails, row.OutUnits})
		list, err := db.PayoutsOf(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, []int64{1200, 1193}, []int64{list[0].DebitUnits, list[0].AmountUnits})

		for name, spare := range map[string]int64{"all of it": 2000, "more than there is": 2001, "less than nothing": -1} {
			id := b.create(b.draft()).ID
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				c := b.crediting(ctx, tx, id, "bank")
				c.Units, c.Spare = 2000, spare
				_, err := tx.FundOne(ctx, c)
				return err
			})
			require.ErrorIs(t, err, store.ErrUnfit, name)
		}
	})
}

func TestCreditPart_adds_parts_but_never_the_whole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		id := b.create(b.draft()).ID
		part := func(units int64) error {
			return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				f := b.crediting(ctx, tx, id, "").Funding
				f.Units = units
				_, err := tx.CreditPart(ctx, f)
				return err
			})
		}
		require.NoError(t, part(1))
		require.NoError(t, part(999_999_998))
		for _, units := range []int64{1, 0, -1, 1 << 62} {
			require.ErrorIs(t, part(units), store.ErrUnfit)
		}
		row := b.reload(id)
		require.Equal(t, int64(999_999_999), row.CreditedUnits)
		require.Equal(t, []any{anchor.StatusPendingSender, false, "hash"}, []any{row.Status, row.Funded, row.StellarHash})
	})
}

// paid stores payments of the bench's account, all of them open.
func (b *bench) paid(transactionID string, changes ...func(*store.Payment)) []store.Payment {
	b.Helper()
	list := make([]store.Payment, len(changes))
	for i, change := range changes {
		p := &list[i]
		p.Chain, p.Account, p.OperationID, p.Kind = "chain", b.asset.ReceivingAccount, b.memo.Add(1), "payment"
		p.AssetCode, p.AssetIssuer, p.AmountUnits, p.MemoType = b.asset.Code, b.asset.Issuer, 100, "none"
		p.FromAccount, p.Judgement, p.State = "GSENDER", anchor.JudgedUnmatched, anchor.PaymentOpen
		p.BelongsTo(transactionID)
		change(p)
	}
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertPayments(ctx, list)
	})
	return list
}

func asIs(*store.Payment) {}

func TestMovePayment_writes_state_and_event_of_the_row_as_it_was_read(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		to := b.create(b.draft()).ID
		p := b.paid("", asIs)[0]
		move := func(before anchor.PaymentState, change func(*store.Payment)) error {
			tries := 0
			return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if tries++; tries > 1 {
					return sql.ErrTxDone
				}
				row, err := tx.LockPayment(ctx, p.ID)
				if err != nil {
					return err
				}
				change(&row)
				_, err = tx.MovePayment(ctx, row, before, anchor.Change{Cause: anchor.CauseNoted, Actor: "jane", Reason: "so"})
				return err
			})
		}
		require.NoError(t, move(anchor.PaymentOpen, func(p *store.Payment) { p.State = anchor.PaymentCredited; p.BelongsTo(to) }))
		require.Error(t, move(anchor.PaymentOpen, func(p *store.Payment) { p.State = anchor.PaymentIgnored }), "it is credited meanwhile")
		require.Error(t, move(anchor.PaymentCredited, func(p *store.Payment) { p.Version-- }), "it has changed since")
		row, err := db.PaymentByID(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, []any{int64(2), anchor.PaymentCredited, to}, []any{row.Version, row.State, row.TransactionID.String})
		history, err := db.History(t.Context(), store.SubjectPayment, p.ID)
		require.NoError(t, err)
		require.Len(t, history, 1)
		require.Equal(t, []string{"open", "credited", "jane", "so"}, []string{history[0].FromStatus, history[0].ToStatus, history[0].Actor, history[0].Reason})

		b.tx(func(ctx context.Context, tx *store.Tx) error {
			_, named, err := tx.LockPaymentAndTransaction(ctx, p.ID)
			require.Equal(t, to, named.ID)
			return err
		})
		_, err = db.PaymentByID(t.Context(), "nothing")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestPayments_are_listed_by_what_an_operator_looks_for(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		euros := func(p *store.Payment) { p.AssetCode, p.AssetIssuer, p.AmountUnits = "EURC", "GOTHER", 1 }
		ignored := func(p *store.Payment) { p.State, p.AmountUnits = anchor.PaymentIgnored, 2 }
		b.paid("", asIs, euros, ignored)
		for name, c := range map[string]struct {
			filter store.PaymentFilter
			want   []int64 // amounts
		}{
			"all, newest first":        {store.PaymentFilter{}, []int64{2, 1, 100}},
			"open, oldest first":       {store.PaymentFilter{Open: true}, []int64{100, 1}},
			"of a state":               {store.PaymentFilter{State: anchor.PaymentIgnored}, []int64{2}},
			"in an asset":              {store.PaymentFilter{AssetCode: "EURC"}, []int64{1}},
			"of an issuer":             {store.PaymentFilter{AssetCode: "EURC", AssetIssuer: "GISSUER"}, nil},
			"open ones in an asset":    {store.PaymentFilter{Open: true, AssetCode: "EURC", AssetIssuer: "GOTHER"}, []int64{1}},
			"to an account":            {store.PaymentFilter{Account: b.asset.ReceivingAccount, Limit: 1}, []int64{2}},
			"to another account":       {store.PaymentFilter{Account: "G"}, nil},
			"open ones to another one": {store.PaymentFilter{Open: true, Account: "G"}, nil},
		} {
			list, err := db.Payments(t.Context(), c.filter)
			require.NoError(t, err)
			var amounts []int64
			for _, p := range list {
				amounts = append(amounts, p.AmountUnits)
			}
			require.Equal(t, c.want, amounts, name)
		}
	})
}

func TestPartsThatRanOut_are_found_until_a_refund_of_each_was_asked_for(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		draft.ExpiresUs = 5
		id := b.create(draft).ID
		b.happens(id, anchor.CausePartPaid, func(t *store.Transaction) { t.CreditedUnits = 200 })
		credited := func(p *store.Payment) { p.State, p.Judgement = anchor.PaymentCredited, anchor.JudgedCredited }
		parts := b.paid(id, credited, credited, asIs)
		for i, left := range []int{2, 1, 0} {
			ids, err := db.ExpiredTransactions(t.Context(), b.asset.ReceivingAccount, 6, 10)
			require.NoError(t, err)
			require.Len(t, ids, min(left, 1), fmt.Sprint(i, " were asked for"))
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				list, err := tx.PaymentsToSendBack(ctx, id)
				require.Len(t, list, left)
				if left == 0 || err != nil {
					return err
				}
				_, err = tx.RequestRefund(ctx, store.RefundOrder{Payment: parts[i], Units: 100, Actor: "jane", Reason: "so"})
				return err
			})
		}
	})
}
