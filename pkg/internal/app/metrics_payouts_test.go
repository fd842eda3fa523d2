package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

// taker accepts whatever it is sent.
type taker struct{}

func (taker) ExecuteOutgoing(context.Context, anchor.Payout) (anchor.Outcome, error) {
	return anchor.Accepted("x"), nil
}

func (taker) PollOutgoing(context.Context, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return nil, nil
}

// scraped is what a scrape tells, one figure a line; ages are left out.
func scraped(t *testing.T, p *payoutCounts) string {
	t.Helper()
	to := make(chan prometheus.Metric, 100)
	require.NoError(t, p.collect(t.Context(), to))
	close(to)
	registry := prometheus.NewRegistry()
	registry.MustRegister(told{p, slices.Collect(func(yield func(prometheus.Metric) bool) {
		for m := range to {
			if !yield(m) {
				return
			}
		}
	})})
	families, err := registry.Gather()
	require.NoError(t, err)
	var text []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			if !strings.HasSuffix(family.GetName(), "_seconds") {
				text = append(text, fmt.Sprintf("%s{%s} %g", strings.TrimPrefix(family.GetName(), "anchor_"), strings.Join(labels, ","), m.GetGauge().GetValue()))
			}
		}
	}
	return strings.Join(text, "\n")
}

// told is a collector of what was collected before.
type told struct {
	p    *payoutCounts
	list []prometheus.Metric
}

func (c told) Describe(to chan<- *prometheus.Desc) { c.p.describe(to) }

func (c told) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.list {
		to <- m
	}
}

func TestA_scrape_tells_how_payouts_stand_and_counts_no_more_often_than_it_must(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		limit, err := money.Parse("1000", 2)
		require.NoError(t, err)
		rails := map[string]anchor.Rail{payoutstest.Rail: {Rails: taker{}, Limits: anchor.Limits{PerDay: map[string]money.Amount{"iso4217:USD": limit}}}}
		var now time.Time
		counts := newPayoutCounts(db, rails, func() time.Time { return now })
		now = now.AddDate(2000, 0, 0)
		require.Equal(t, "callbacks_dead{} 0\npayout_contradictions{} 0", scraped(t, counts))

		s := payouts.New(db, rails, nil, payouts.Options{Owner: "test"})
		w.Funded(2)
		_, err = s.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		_, err = s.Switch(t.Context(), payouts.SwitchRequest{Kind: store.SwitchRail, Name: payoutstest.Rail, Paused: true, Actor: "test", Reason: "x"})
		require.NoError(t, err)
		w.Funded(3)
		w.FundedBy(1, func(row *store.Transaction, p *store.Payout) {
			row.Conflict, p.State, p.WaitsFor = "both", anchor.PayoutWaiting, anchor.WaitsForOperator
		})
		w.FundedBy(4, func(_ *store.Transaction, p *store.Payout) { p.State = anchor.PayoutFailed })
		require.NotContains(t, scraped(t, counts), "ready", "it was counted just now")

		now = now.Add(figuresKept)
		require.Equal(t, strings.Join([]string{
			"callbacks_dead{} 0",
			"paused{kind=rail,name=bank} 1",
			"payout_contradictions{} 1",
			"payouts{rail=bank,state=accepted} 2",
			"payouts{rail=bank,state=ready} 3",
			"payouts_unpaid{rail=bank} 4",
			"payouts_waiting{rail=bank,waits_for=operator} 1",
			"rail_day_amount{asset=iso4217:USD,rail=bank} 198",
			"rail_day_payouts{asset=iso4217:USD,rail=bank} 2",
		}, "\n"), scraped(t, counts))
	})
}
