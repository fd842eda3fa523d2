package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestRefundHeld_gives_back_what_each_of_many_transactions_holds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		var ids, payments []string
		for range 20 { // more than one statement takes on SQLite
			tr, p := b.credited(nil)
			ids, payments = append(ids, tr.ID), append(payments, p.ID)
		}
		var refunds []store.Refund
		give := func() {
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				var list []store.HeldRefund
				for i, id := range ids {
					tr, err := tx.LockTransaction(ctx, id)
					if err != nil {
						return err
					}
					list = append(list, store.HeldRefund{Transaction: tr, Order: store.RefundOrder{
						FeeUnits: int64(i), Automatic: true, Actor: "rail", Reason: fmt.Sprint("reason ", i),
					}})
				}
				var err error
				refunds, err = tx.RefundHeld(ctx, list)
				return err
			})
		}
		give()
		require.Len(t, refunds, len(ids))
		for i, r := range refunds {
			tr, p := b.reload(ids[i]), b.payment(payments[i])
			require.Zero(t, tr.Held())
			require.Equal(t, r.Units, tr.RefundUnits)
			require.Equal(t, r.Units, p.RefundUnits)
			require.Equal(t, anchor.PaymentCredited, p.State)
			stored, err := db.RefundByID(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, r, stored, "what it gives is what it wrote")
			require.EqualValues(t, i, r.FeeUnits)
			require.Equal(t, fmt.Sprint("reason ", i), r.Reason)
			for kind, is := range map[store.SubjectKind]struct {
				id      string
				version int64
			}{
				store.SubjectTransaction: {ids[i], tr.Version}, store.SubjectPayment: {p.ID, p.Version}, store.SubjectRefund: {r.ID, r.Version},
			} {
				history, err := db.History(t.Context(), kind, is.id)
				require.NoError(t, err)
				last := history[len(history)-1]
				require.Equal(t, is.version, last.Seq, kind)
				require.True(t, strings.HasPrefix(last.Reason, r.Reason), last.Reason)
			}
		}
		give()
		require.Empty(t, refunds, "nothing is held any more")
	})
}

func TestRefundHeld_finds_its_rows_by_their_indexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		indexes := map[string]string{"lockCreditedPayments": "payments_by_transaction", "refundPayments": "(payments_pkey|sqlite_autoindex_payments_1)"}
		for name, s := range store.HeldStatements(db, 3) {
			requireShown(t, db, name, s, indexes[name])
		}
	})
}
