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

// scrapedQueries run at every scrape of every process.
func scrapedQueries() []hotQuery {
	return []hotQuery{
		{"payout_figures", "CountReadyPayouts", nil, []string{"payouts_ready_by_rail"}},
		{"payout_figures", "CountPayoutsUnderWay", nil, []string{"payouts_under_way_by_rail"}},
		{"payout_figures", "CountSendingOf", map[string]any{"rail": "bank"}, []string{"payouts_sending_by_rail"}},
		{"payout_figures", "OldestUnknownPayouts", nil, []string{"payouts_under_way_by_rail"}},
		{"payout_figures", "CountWaitingPayouts", nil, []string{"payouts_waiting"}},
		{"payout_figures", "CountUnpaidPayouts", nil, []string{"(payouts_unpaid|transactions_by_status)"}},
		{"payout_figures", "CountContradictions", nil, []string{"transactions_contradicted"}},
		{"callbacks", "CountDeadCallbacks", nil, []string{"callbacks_dead"}},
	}
}

func TestScrapesReadNoWholeTable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, q := range scrapedQueries() {
			text, args := numberedArguments(t, queryText(t, q.file, q.name), q.args)
			requireIndexes(t, db, q.name, plan(t, db, text, args), q.indexes)
		}
	})
}

func TestPayoutFigures_counts_what_is_not_over_and_how_old_the_oldest_is(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.FundedBy(5, func(_ *store.Transaction, p *store.Payout) { p.State = anchor.PayoutDelivered })
		id := w.Funded(3)[0]
		_, err := db.ClaimReady(t.Context(), terms(1, time.Hour))
		require.NoError(t, err)
		stood(w, anchor.PayoutWaiting, anchor.WaitsForKYC)
		stood(w, anchor.PayoutFailed, anchor.WaitsForNothing)
		stood(w, anchor.PayoutDelivered, anchor.WaitsForNothing, func(t *store.Transaction) { t.Conflict = "both" })
		f, err := db.PayoutFigures(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []store.PayoutCount{
			{State: anchor.PayoutReady, Rail: payoutstest.Rail, Number: 2},
			{State: anchor.PayoutSending, Rail: payoutstest.Rail, Number: 1},
			{State: anchor.PayoutWaiting, WaitsFor: anchor.WaitsForKYC, Rail: payoutstest.Rail, Number: 1},
		}, f.Open)
		require.Equal(t, []store.PayoutCount{{Rail: payoutstest.Rail, Number: 1}}, f.Unpaid)
		require.EqualValues(t, 1, f.Contradictions)
		require.Len(t, f.Ready, 1)
		require.Greater(t, f.Ready[0].OldestUs, w.Payout(id).CreatedUs-1)
		require.LessOrEqual(t, f.Ready[0].OldestUs, f.NowUs)
		require.Empty(t, f.Unknown)
		list, err := db.Contradictions(t.Context(), 5)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "both", list[0].Text)
	})
}
