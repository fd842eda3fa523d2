package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// figuresKept is for how long what was counted of payouts is told again: several servers may scrape, and a backlog takes a
// while to count.
const figuresKept = 10 * time.Second

// payoutCounts tells Prometheus how payouts stand: those that are not over, by state and rail, of which there are few kinds.
type payoutCounts struct {
	db    *store.DB
	rails map[string]anchor.Rail
	now   func() time.Time

	mu   sync.Mutex
	last counted

	open, waiting, unpaid, ready, unknown, contradictions, paused, writing, usedPayouts, usedAmount, dead *prometheus.Desc
}

// counted is what was read at a time.
type counted struct {
	at      time.Time
	figures store.PayoutFigures
	usage   []store.RailUsage
}

func newPayoutCounts(db *store.DB, rails map[string]anchor.Rail, now func() time.Time) *payoutCounts {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("anchor_"+name, help, labels, nil)
	}
	return &payoutCounts{
		db: db, rails: rails, now: now,
		open:           desc("payouts", "Payouts that are not over, by state and rail.", "state", "rail"),
		waiting:        desc("payouts_waiting", "Payouts that wait, by what for and rail.", "waits_for", "rail"),
		unpaid:         desc("payouts_unpaid", "Payouts that failed or came back and that nothing follows, by rail.", "rail"),
		ready:          desc("payout_ready_oldest_seconds", "Time since the oldest payout that is ready became due, by rail.", "rail"),
		unknown:        desc("payout_unknown_oldest_seconds", "Time since the oldest payout of unknown outcome was last sent, by rail.", "rail"),
		contradictions: desc("payout_contradictions", "Transactions with a contradiction, which stops everything automatic for them."),
		paused:         desc("paused", "Rails and assets whose payouts an operator has paused: 1 each.", "kind", "name"),
		writing:        desc("payout_batches_writing", "Batches of which it is not known yet that they were handed over, by rail.", "rail"),
		usedPayouts:    desc("rail_day_payouts", "Payouts that a rail with a limit per day was given today, by its calendar.", "rail", "asset"),
		usedAmount:     desc("rail_day_amount", "Amount that a rail with a limit per day was given today, by its calendar.", "rail", "asset"),
		dead:           desc("callbacks_dead", "Callbacks that were given up and that nothing later has made up for."),
	}
}

// describe names the figures.
func (p *payoutCounts) describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		p.open, p.waiting, p.unpaid, p.ready, p.unknown, p.contradictions, p.paused, p.writing, p.usedPayouts, p.usedAmount, p.dead,
	} {
		to <- d
	}
}

// collect tells the figures, which may be some seconds old.
func (p *payoutCounts) collect(ctx context.Context, to chan<- prometheus.Metric) error {
	c, err := p.count(ctx)
	if err != nil {
		return err
	}
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	f := c.figures
	for _, open := range f.Open {
		if open.State == anchor.PayoutWaiting {
			tell(p.waiting, float64(open.Number), string(open.WaitsFor), open.Rail)
		} else {
			tell(p.open, float64(open.Number), string(open.State), open.Rail)
		}
	}
	for _, unpaid := range f.Unpaid {
		tell(p.unpaid, float64(unpaid.Number), unpaid.Rail)
	}
	for _, age := range f.Ready {
		tell(p.ready, sinceUs(f.NowUs, age.OldestUs), age.Rail)
	}
	for _, age := range f.Unknown {
		tell(p.unknown, sinceUs(f.NowUs, age.OldestUs), age.Rail)
	}
	tell(p.contradictions, float64(f.Contradictions))
	tell(p.dead, float64(f.DeadCallbacks))
	for _, is := range f.Switches {
		if is.Paused {
			tell(p.paused, 1, is.Kind, is.Name)
		}
	}
	for _, b := range f.Writing { // one for each rail at most
		tell(p.writing, 1, b.Rail)
	}
	for _, u := range c.usage {
		if rail, known := p.rails[u.Rail]; known && u.Day == rail.Calendar.Day(store.At(f.NowUs)) {
			tell(p.usedPayouts, float64(u.Payouts), u.Rail, u.Asset)
			tell(p.usedAmount, amountOf(u), u.Rail, u.Asset)
		}
	}
	return nil
}

// count reads the figures, unless they were read just now.
func (p *payoutCounts) count(ctx context.Context) (counted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if age := now.Sub(p.last.at); !p.last.at.IsZero() && age >= 0 && age < figuresKept {
		return p.last, nil
	}
	c := counted{at: now}
	var err error
	if c.figures, err = p.db.PayoutFigures(ctx); err != nil {
		return counted{}, err
	}
	// No place on earth is further behind the database's day than one.
	if c.usage, err = p.db.RailUsageSince(ctx, store.At(c.figures.NowUs).AddDate(0, 0, -1).UTC().Format(time.DateOnly)); err != nil {
		return counted{}, err
	}
	p.last = c
	return c, nil
}

// sinceUs is how many seconds have passed since a time of the database; 0 before it.
func sinceUs(now, then int64) float64 { return max(0, float64(now-then)/1e6) }

// amountOf is the amount as Prometheus takes it: a float.
func amountOf(u store.RailUsage) float64 {
	amount := float64(u.Units)
	for range u.Decimals {
		amount /= 10
	}
	return amount
}
