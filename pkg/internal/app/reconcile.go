package app

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// Reconciler compares the books with the ledger; since leaves older transactions out where it is not 0.
func (a *App) Reconciler(since time.Duration) *payments.Reconciler {
	return payments.NewReconciler(a.db, a.horizon, a.log, payments.ReconcileOptions{
		Owner: a.owner, Lease: min(watchLease, a.settings.Workers.Lease), Since: since,
	})
}

// Reconcile compares the books with the ledger at each interval until life ends.
func (a *App) Reconcile(life worker.Life, interval, since time.Duration) error {
	return a.roles(life, func(life worker.Life) error {
		l := worker.Loop{Name: "reconcile", Interval: interval, Log: a.log}
		return l.Run(life.Soft, a.Reconciler(since).Pass)
	})
}

// AfterRestore makes a database that was restored from an older copy fit to send again.
func (a *App) AfterRestore(ctx context.Context, actor, reason string) (payments.RestoreReport, error) {
	return a.Reconciler(0).AfterRestore(ctx, a.watcher().Once, actor, reason)
}

// restored is a check that fails while the database is marked as an older copy: it sends nothing then.
func (a *App) restored(ctx context.Context) httpserver.Check {
	check := httpserver.Check{Name: "sending", OK: true}
	var mark *store.RestoredError
	if err := a.db.Restored(ctx); errors.As(err, &mark) {
		check.OK, check.Detail = false, mark.Error()
	}
	return check
}

// reconciled tells Prometheus what books and ledger do not agree about, and when they were last compared.
type reconciled struct {
	db                              *store.DB
	drift, findings, passed, marked *prometheus.Desc
}

func newReconciled(db *store.DB) *reconciled {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("anchor_"+name, help, labels, nil)
	}
	return &reconciled{
		db: db,
		drift: desc("reconcile_drift", "By how much books and ledger differ, in units of the asset: the sum over everything that is open.",
			"account", "asset"),
		findings: desc("reconcile_findings", "What books and ledger, or the books among themselves, do not agree about and nobody has accepted.", "kind"),
		passed:   desc("reconcile_success_timestamp_seconds", "When an account was last compared to the end.", "account"),
		marked:   desc("database_restored", "1 while the database is marked as an older copy, from which nothing is sent."),
	}
}

// Describe names the figures (prometheus.Collector).
func (r *reconciled) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{r.drift, r.findings, r.passed, r.marked} {
		to <- d
	}
}

// Collect reads the figures; what cannot be read is left out, which is what an alarm on its absence is for.
func (r *reconciled) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	r.collectDrift(ctx, to)
	if list, err := r.db.Reconciliations(ctx); err == nil {
		for _, c := range list {
			const micro = 1e6
			to <- prometheus.MustNewConstMetric(r.passed, prometheus.GaugeValue, float64(c.PassedUs)/micro, c.Account)
		}
	}
	var mark *store.RestoredError
	switch err := r.db.Restored(ctx); {
	case errors.As(err, &mark):
		to <- prometheus.MustNewConstMetric(r.marked, prometheus.GaugeValue, 1)
	case err == nil:
		to <- prometheus.MustNewConstMetric(r.marked, prometheus.GaugeValue, 0)
	}
}

func (r *reconciled) collectDrift(ctx context.Context, to chan<- prometheus.Metric) {
	open, err := r.db.OpenDrift(ctx)
	if err != nil {
		return
	}
	const whole = 1e7
	drift, kinds := map[store.Place]float64{}, map[store.FindingKind]float64{}
	for _, d := range open {
		drift[store.Place{Account: d.Account, Asset: d.Asset}] += d.Units / whole
		kinds[d.Kind] += float64(d.Number)
	}
	for place, units := range drift {
		to <- prometheus.MustNewConstMetric(r.drift, prometheus.GaugeValue, units, place.Account, place.Asset.String())
	}
	for kind, n := range kinds {
		to <- prometheus.MustNewConstMetric(r.findings, prometheus.GaugeValue, n, string(kind))
	}
}
