package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func setSwitch(ctx context.Context, db *store.DB, kind store.SwitchKind, name string, paused bool) error {
	return db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := tx.SetSwitch(ctx, kind, name, paused, "operator:ann", "the bank has trouble")
		return err
	})
}

// by is a say in a payout before it is written: its rail.
func by(rail string) func(*store.Transaction, *store.Payout) {
	return func(_ *store.Transaction, p *store.Payout) { p.Rail = rail }
}

func TestA_rail_that_is_paused_is_claimed_for_by_nobody_and_the_others_go_on(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(2)
		w.FundedBy(1, by("other"))
		require.NoError(t, setSwitch(t.Context(), db, store.SwitchRail, payoutstest.Rail, true))
		require.NoError(t, setSwitch(t.Context(), db, store.SwitchAsset, "other", true), "the name of an asset is none of a rail")
		require.Empty(t, claim(t, db, terms(5, time.Hour)))
		require.Equal(t, []string{"other"}, railsDue(t, db, store.TopicReady))
		other := terms(5, time.Hour)
		other.Rail = "other"
		require.Len(t, claim(t, db, other).Claims, 1)
		require.NoError(t, setSwitch(t.Context(), db, store.SwitchRail, payoutstest.Rail, false))
		require.Equal(t, []string{payoutstest.Rail}, railsDue(t, db, store.TopicReady))
		require.Len(t, claim(t, db, terms(5, time.Hour)).Claims, 2)
		require.Equal(t, []string{payoutstest.Rail, "other"}, railsDue(t, db, store.TopicUnderWay))
	})
}

func railsDue(t *testing.T, db *store.DB, topic store.Topic) (names []string) {
	_, due, err := db.RailsDue(t.Context(), topic)
	require.NoError(t, err)
	for _, r := range due {
		names = append(names, r.Rail)
	}
	return names
}

func TestWhat_was_paid_in_an_asset_that_is_paused_is_left_out(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(2)
		eurc := w.FundedBy(1, func(tr *store.Transaction, _ *store.Payout) { tr.AssetCode = "EURC" })[0]
		require.NoError(t, setSwitch(t.Context(), db, store.SwitchAsset, "USDC:"+payoutstest.Issuer, true))
		claimed := claim(t, db, terms(5, time.Hour))
		require.Len(t, claimed.Claims, 1)
		require.Equal(t, eurc, claimed.Claims[0].Payout.TransactionID)
		require.Empty(t, railsDue(t, db, store.TopicReady), "nobody is woken for the others")
		require.NoError(t, setSwitch(t.Context(), db, store.SwitchAsset, "USDC:"+payoutstest.Issuer, false))
		require.Equal(t, []string{payoutstest.Rail}, railsDue(t, db, store.TopicReady))
		require.Len(t, claim(t, db, terms(5, time.Hour)).Claims, 2)
	})
}

func TestRails_are_found_with_all_that_is_due_by_them(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		require.Empty(t, railsDue(t, db, store.TopicReady))
		require.Empty(t, railsDue(t, db, store.TopicUnderWay))
		w := payoutstest.New(t, db)
		first := w.Funded(2)[0]
		w.FundedBy(3, by("other"))
		w.FundedBy(1, by("a third"))
		_, due, err := db.RailsDue(t.Context(), store.TopicReady)
		require.NoError(t, err)
		require.Len(t, due, 3)
		require.Equal(t, payoutstest.Rail, due[1].Rail)
		require.Equal(t, w.Payout(first).NextUs, due[1].NextUs)
		_, _, err = db.RailsDue(t.Context(), store.TopicRefunds)
		require.ErrorContains(t, err, "refunds")
	})
}

// said stores that each of these payouts was not sent, so many times.
func said(t *testing.T, db *store.DB, ids []string, times int) {
	var answers []store.AttemptAnswer
	for _, id := range ids {
		list, err := db.PayoutsOf(t.Context(), id)
		require.NoError(t, err)
		var a store.AttemptAnswer
		a.PayoutID, a.Number, a.Outcome, a.Used = list[0].ID, 1, anchor.OutcomeNotSent, true
		answers = append(answers, slices.Repeat([]store.AttemptAnswer{a}, times)...)
	}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertAnswers(ctx, answers) }))
}

func TestClaims_by_rail_find_their_rows_by_their_indexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.FundedBy(1500, func(_ *store.Transaction, p *store.Payout) { p.State = anchor.PayoutDelivered })
		w.Funded(200)
		w.FundedBy(100, by("other"))
		said(t, db, w.Funded(50), 100)
		for range 2 {
			claim(t, db, limited(60, anchor.Limits{CallsPerSecond: 1e6, PerDay: inUSD(t, "1000000.00")}))
		}
		require.NoError(t, store.Analyze(t.Context(), db))
		for _, c := range []struct {
			text  string
			args  []any
			index []string
		}{
			{store.RailsReady, nil, []string{"payouts_ready_by_rail"}},
			{store.RailsUnderWay, nil, []string{"payouts_under_way_by_rail"}},
			{store.CallsInFlight, []any{payoutstest.Rail, int64(1)}, []string{"payouts_sending_by_rail"}},
			{store.RefusalsText, []any{"a"}, []string{"attempt_answers_by_attempt"}},
		} {
			plan, err := store.PlanOf(t.Context(), db, c.text, c.args...)
			require.NoError(t, err)
			for _, index := range c.index {
				require.Contains(t, plan, index, c.text)
			}
			require.NotContains(t, plan, "Seq Scan on payouts", c.text)
			require.NotContains(t, plan, "Seq Scan on transactions", c.text)
			require.NotContains(t, plan, "Seq Scan on attempt_answers", c.text)
			require.NotRegexp(t, `SCAN (p|t|a|l|e)\n`, plan, c.text) // a scan of an index names it
		}
	})
}
