package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// scrapeTimeout bounds what one scrape may ask of the database.
const scrapeTimeout = 5 * time.Second

// figures tells Prometheus what the database says: the same in every process, read when it is asked for.
type figures struct {
	db       *store.DB
	payments *payments.Service
	payouts  *payouts.Service
	log      *slog.Logger
	counts   *payoutCounts

	open, lag, unmatched, abandoned, mislaid, refunds, unexplained *prometheus.Desc
}

func newFigures(a *App) *figures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("anchor_"+name, help, labels, nil)
	}
	return &figures{
		db: a.db, payments: a.payments, payouts: a.payouts, log: a.log, counts: newPayoutCounts(a.db, a.business.Rails, time.Now),
		open:        desc("payments_open", "Payments that wait for a decision, by what they were judged to be.", "judgement"),
		lag:         desc("account_lag_seconds", "Time since the close of the ledger that a receiving account was seen through.", "account"),
		unmatched:   desc("payout_answers_unmatched_total", "Answers of rails about keys that no attempt has, in this process."),
		abandoned:   desc("payout_calls_abandoned", "Calls of rails that go on although their time is over, in this process."),
		mislaid:     desc("payout_answers_mislaid_total", "Answers of rails that could not be stored, in this process."),
		refunds:     desc("refunds", "Refunds that are not over, by state; what is held waits for an operator.", "state"),
		unexplained: desc("movements_unexplained", "Movements out of a receiving account that nothing explains; they stop its refunds.", "account"),
	}
}

// Describe names the figures (prometheus.Collector).
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.open, f.lag, f.unmatched, f.abandoned, f.mislaid, f.refunds, f.unexplained} {
		to <- d
	}
	f.counts.describe(to)
}

// Collect reads the figures; what cannot be read is left out, which is what an alarm on its absence is for.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if err := f.collect(ctx, to); err != nil {
		f.log.Warn("some figures cannot be read", "error", err)
	}
	counts := f.payouts.Counts()
	to <- prometheus.MustNewConstMetric(f.unmatched, prometheus.CounterValue, float64(counts.Unmatched))
	to <- prometheus.MustNewConstMetric(f.abandoned, prometheus.GaugeValue, float64(counts.Abandoned))
	to <- prometheus.MustNewConstMetric(f.mislaid, prometheus.CounterValue, float64(counts.Mislaid))
}

func (f *figures) collect(ctx context.Context, to chan<- prometheus.Metric) error {
	open, err := f.db.OpenPayments(ctx)
	if err != nil {
		return err
	}
	for judgement, n := range open {
		to <- prometheus.MustNewConstMetric(f.open, prometheus.GaugeValue, float64(n), string(judgement))
	}
	lags, err := f.payments.Lag(ctx)
	if err != nil {
		return err
	}
	for _, lag := range lags {
		if !lag.ThroughClosed.IsZero() {
			to <- prometheus.MustNewConstMetric(f.lag, prometheus.GaugeValue, time.Since(lag.ThroughClosed).Seconds(), lag.Account)
		}
	}
	return errors.Join(f.collectRefunds(ctx, to), f.counts.collect(ctx, to))
}

func (f *figures) collectRefunds(ctx context.Context, to chan<- prometheus.Metric) error {
	counts, err := f.db.RefundCounts(ctx)
	if err != nil {
		return err
	}
	for state, n := range counts {
		to <- prometheus.MustNewConstMetric(f.refunds, prometheus.GaugeValue, float64(n), string(state))
	}
	unexplained, err := f.db.UnexplainedCounts(ctx)
	for account, n := range unexplained {
		to <- prometheus.MustNewConstMetric(f.unexplained, prometheus.GaugeValue, float64(n), account)
	}
	return err
}
