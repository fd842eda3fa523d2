package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// stood makes a funded transaction whose payout stands as given.
func stood(w *payoutstest.World, state anchor.PayoutState, waits anchor.WaitsFor, more ...func(*store.Transaction)) (transactionID string) {
	return w.FundedBy(1, func(t *store.Transaction, p *store.Payout) {
		p.State, p.WaitsFor = state, waits
		for _, change := range more {
			change(t)
		}
	})[0]
}

func listed(t *testing.T, db *store.DB, f store.PayoutFilter, limit int) (transactions []string) {
	t.Helper()
	list, err := db.Payouts(t.Context(), f, limit)
	require.NoError(t, err)
	for _, row := range list {
		transactions = append(transactions, row.Payout.TransactionID)
	}
	return transactions
}

func TestPayouts_lists_first_what_needs_somebody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		w := payoutstest.New(t, db)
		contradicted := stood(w, anchor.PayoutDelivered, anchor.WaitsForNothing, func(t *store.Transaction) { t.Conflict = "both" })
		failed, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.end(failed.ID, anchor.PayoutFailed)
		paidAfterAll, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.end(paidAfterAll.ID, anchor.PayoutFailed)
		require.NoError(t, b.pay(paidAfterAll.ID, 2, 10))
		unknown := stood(w, anchor.PayoutUnknown, anchor.WaitsForNothing)
		asking := stood(w, anchor.PayoutWaiting, anchor.WaitsForOperator)
		delivered := stood(w, anchor.PayoutDelivered, anchor.WaitsForNothing)
		kyc := stood(w, anchor.PayoutWaiting, anchor.WaitsForKYC)
		unknownToo := stood(w, anchor.PayoutUnknown, anchor.WaitsForNothing)

		all := []string{contradicted, unknownToo, unknown, asking, failed.ID, kyc, delivered, paidAfterAll.ID, paidAfterAll.ID}
		require.Equal(t, all, listed(t, db, store.PayoutFilter{}, 0))
		for n := range all {
			require.Equal(t, all[:n+1], listed(t, db, store.PayoutFilter{}, n+1))
		}
		require.Equal(t, []string{unknownToo, unknown}, listed(t, db, store.PayoutFilter{State: anchor.PayoutUnknown}, 0))
		require.Equal(t, []string{kyc}, listed(t, db, store.PayoutFilter{WaitsFor: anchor.WaitsForKYC}, 0))
		require.Equal(t, []string{paidAfterAll.ID, paidAfterAll.ID}, listed(t, db, store.PayoutFilter{TransactionID: paidAfterAll.ID}, 0))
		require.NotContains(t, listed(t, db, store.PayoutFilter{Rail: payoutstest.Rail}, 0), failed.ID, "which went by another rail")
		require.Empty(t, listed(t, db, store.PayoutFilter{Rail: "nobody's"}, 0))
	})
}

func TestListing_payouts_that_need_somebody_reads_no_whole_table(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.FundedBy(1500, func(_ *store.Transaction, p *store.Payout) { p.State = anchor.PayoutDelivered })
		stood(w, anchor.PayoutUnknown, anchor.WaitsForNothing)
		stood(w, anchor.PayoutWaiting, anchor.WaitsForOperator)
		stood(w, anchor.PayoutFailed, anchor.WaitsForNothing)
		require.NoError(t, store.Analyze(t.Context(), db))
		for _, text := range store.UrgentPayouts() {
			plan, err := store.PlanOf(t.Context(), db, text, "", "", "", "", 10)
			require.NoError(t, err)
			for _, whole := range []string{"Seq Scan on payouts", "Seq Scan on transactions"} {
				require.NotContains(t, plan, whole, "%s\n%s", text, plan)
			}
			require.NotRegexp(t, `SCAN (p|t|a)\n`, plan, text) // a scan of an index names it
		}
	})
}

func TestPayouts_tells_of_each_the_present_attempt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		claimed, err := db.ClaimReady(t.Context(), terms(1, time.Hour))
		require.NoError(t, err)
		list, err := db.Payouts(t.Context(), store.PayoutFilter{}, 1)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, id, list[0].Payout.TransactionID)
		require.Equal(t, string(claimed.Claims[0].Key()), list[0].AttemptKey)
		require.EqualValues(t, 1, list[0].AttemptNumber)
		require.Equal(t, anchor.StatusPendingReceiver, list[0].TransactionStatus)
		require.Equal(t, w.Payout(id), list[0].Payout)
	})
}
