package inspect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func lines(found []Finding) string {
	var text []string
	for _, f := range found {
		mark := "ok "
		if !f.OK {
			mark = "!! "
		}
		text = append(text, strings.TrimSuffix(mark+f.Check+": "+f.Text+" => "+f.Mend, " => "))
	}
	return strings.Join(text, "\n")
}

func TestDoctor_names_each_kind_of_payout_that_needs_somebody_with_its_mend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		figures store.PayoutFigures
		want    string
	}{
		"nothing": {store.PayoutFigures{
			Open:    []store.PayoutCount{{State: anchor.PayoutUnknown, Rail: "bank", Number: 3}, {State: anchor.PayoutWaiting, WaitsFor: anchor.WaitsForKYC, Number: 1}},
			Unknown: []store.RailAge{{Rail: "bank", OldestUs: us(10 * time.Minute)}},
			Writing: []store.Batch{batch()}, Switches: []store.Switch{{}},
		}, "ok payouts: none needs anybody"},
		"a contradiction": {store.PayoutFigures{Contradictions: 2},
			"!! payouts: 2 transactions have a contradiction, such as T: nothing goes on by itself" +
				" => ask the bank: 'anchor payouts list' has them first, 'anchor explain T' says what there is to do"},
		"one that nobody knows of": {store.PayoutFigures{Unknown: []store.RailAge{{Rail: "bank", OldestUs: us(2 * time.Hour)}}},
			"!! payouts: what became of a payout by the rail bank is not known for 2 h" +
				" => ask the bank: 'anchor payouts list --state unknown --rail bank' names them, 'anchor payouts resolve' records the answer"},
		"one that waits for an operator": {store.PayoutFigures{Open: []store.PayoutCount{{State: anchor.PayoutWaiting, WaitsFor: anchor.WaitsForOperator, Rail: "bank", Number: 1}}},
			"!! payouts: 1 by the rail bank waits for an operator => 'anchor payouts list --waits-for operator' names them, 'anchor explain ID' says why"},
		"one that failed": {store.PayoutFigures{Unpaid: []store.PayoutCount{{Rail: "bank", Number: 4}}},
			"!! payouts: 4 by the rail bank failed or came back, and what was paid for them is held" +
				" => 'anchor payouts list' names them: pay again with 'anchor payouts retry', or send back with 'anchor payments refund'"},
		"a batch that the rail does not take": {store.PayoutFigures{Writing: []store.Batch{batch(func(b *store.Batch) { b.Payouts, b.Tries, b.LastError = 1, 1, "no space left" })}},
			"!! batches: the batch bank-3-01234567 of 1 payout has not been handed over for 10 min, after 1 try: no space left" +
				" => look at the rail bank: it gets the same batch until it takes it, and no other before"},
		"a batch that nobody hands over": {store.PayoutFigures{Writing: []store.Batch{batch(func(b *store.Batch) { b.Payouts, b.NextUs = 2, us(5*time.Minute) })}},
			"!! batches: the batch bank-3-01234567 of 2 payouts has not been handed over for 10 min" +
				" => is 'anchor execute-outgoing --loop' running? If it is, its log says what keeps it"},
		"a pause": {store.PayoutFigures{Switches: []store.Switch{turnedOff(store.SwitchRail, "bank")}},
			"ok payouts: none needs anybody\n!! pauses: the rail bank is paused since 2026-05-03 11:00:00 by operator:ann: the bank is down" +
				" => when that is over: anchor payouts resume --rail bank --reason TEXT"},
		"callbacks that were given up": {store.PayoutFigures{DeadCallbacks: 3},
			"ok payouts: none needs anybody\n!! callbacks: 3 were given up" +
				" => 'anchor callbacks list --dead' says to whom and why, 'anchor callbacks retry' sends them after all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.figures.NowUs = us(0)
			contradicted := ""
			if c.figures.Contradictions > 0 {
				contradicted = "T"
			}
			require.Equal(t, c.want, lines(payoutFindings(c.figures, contradicted)))
		})
	}
}

func TestDoctor_expects_nothing_of_a_rail_that_is_closed_or_collects_a_batch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(2)
		backlog, err := db.BacklogOf(t.Context(), -time.Hour)
		require.NoError(t, err)
		now, err := db.Clock(t.Context())
		require.NoError(t, err)
		for name, c := range map[string]struct {
			terms RailTerms
			late  bool
		}{
			"open":       {RailTerms{}, true},
			"closed":     {RailTerms{Calendar: anchor.Calendar{Holidays: []string{now.Add(-patience).UTC().Format(time.DateOnly)}}}, false},
			"collecting": {RailTerms{Batches: true, BatchMost: 10, BatchEvery: time.Hour}, false},
		} {
			x := &examination{plan: Plan{Terms: map[string]RailTerms{payoutstest.Rail: c.terms}}}
			found, err := x.overdueByRail(t.Context(), books{db: db, now: now}, backlog)
			require.NoError(t, err, name)
			require.Equal(t, c.late, len(found) > 0, name)
		}
		x := &examination{plan: Plan{Terms: map[string]RailTerms{payoutstest.Rail: {Limits: anchor.Limits{InFlight: 3}}}}}
		found, err := x.overdueByRail(t.Context(), books{db: db, now: now}, backlog)
		require.NoError(t, err)
		require.Equal(t, "payouts are ready and not sent by the rail bank, which takes at most 3 at once", found[0].what)
		require.Contains(t, lines(x.payouts(t.Context(), books{db: db, now: now})), "ok payouts: none needs anybody")
	})
}
