package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// row is one figure.
type row struct {
	what, engine string
	measured     float64
	unit         string
	beside       float64 // the same unit; 0: there is nothing to compare with
	share        float64 // of the two, in percent
	besideWhat   string
	note         string // instead of a comparison
	bar          bar
}

// bar is what a figure has to reach; the zero bar asks for nothing.
type bar struct {
	text  string
	holds func(row) bool
}

func atLeast(least float64, unit string) bar {
	return bar{fmt.Sprintf("≥ %s %s", number(least), unit), func(r row) bool { return r.measured >= least }}
}

func atMost(most float64, unit string) bar {
	return bar{fmt.Sprintf("≤ %s %s", number(most), unit), func(r row) bool { return r.measured <= most }}
}

func shareAtLeast(percent float64) bar {
	return bar{fmt.Sprintf("≥ %.0f %%", percent), func(r row) bool { return r.share >= percent }}
}

// table collects figures. One goroutine uses it.
type table struct {
	rows    []row
	remarks []string
}

// remark adds what has to be read besides the figures.
func (t *table) remark(text string) { t.remarks = append(t.remarks, text) }

func (t *table) add(b *testing.B, r row) {
	t.rows = append(t.rows, r)
	name := strings.Map(func(c rune) rune {
		if c == ' ' || c == ',' {
			return '-'
		}
		return c
	}, r.what)
	b.ReportMetric(r.measured, name+":"+strings.ReplaceAll(r.unit, " ", "-"))
	if r.beside > 0 {
		b.ReportMetric(r.share, name+":%")
	}
}

// render writes the table in Markdown; figures of the same kind stand together.
func (t *table) render(heading string) string {
	lines := []string{
		heading, "",
		"| figure | engine | measured | compared with | share | bar | |",
		"| --- | --- | ---: | ---: | ---: | ---: | --- |",
	}
	rows := slices.Clone(t.rows)
	order := map[string]int{}
	for _, r := range rows {
		if _, known := order[r.what]; !known {
			order[r.what] = len(order)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return order[a.what] - order[b.what] })
	for _, r := range rows {
		lines = append(lines, r.line())
	}
	for _, remark := range t.remarks {
		lines = append(lines, "", remark)
	}
	return strings.Join(lines, "\n")
}

func (r row) line() string {
	beside, share, verdict := r.note, "", ""
	if r.beside > 0 {
		beside, share = fmt.Sprintf("%s: %s %s", r.besideWhat, number(r.beside), r.unit), fmt.Sprintf("%.0f %%", r.share)
	}
	if r.bar.holds != nil {
		verdict = "BELOW"
		if r.bar.holds(r) {
			verdict = "PASS"
		}
	}
	return fmt.Sprintf("| %s | %s | %s %s | %s | %s | %s | %s |", r.what, r.engine, number(r.measured), r.unit, beside, share, r.bar.text, verdict)
}

// number has three digits that count and no more.
func number(f float64) string {
	switch {
	case f >= 1000:
		return fmt.Sprintf("%d,%03d", int(f+0.5)/1000, int(f+0.5)%1000)
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0")
}

// machine says on what the figures were made, and how busy it was besides.
func machine() string {
	load := "unknown"
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Fields(string(raw))[0]
	}
	return fmt.Sprintf("%d processors, %s, load of the last minute %s; medians of %d rounds", runtime.NumCPU(), runtime.Version(), load, rounds)
}

// turns makes both passes once per round, turn and turn about, and puts their medians and that of the rounds' shares into r:
// what disturbs the machine for a while disturbs both.
func turns(r row, beside, measured func() float64) row {
	var besides, measureds, shares []float64
	for range rounds {
		besides = append(besides, beside())
		measureds = append(measureds, measured())
		shares = append(shares, 100*measureds[len(measureds)-1]/besides[len(besides)-1])
	}
	r.beside, r.measured, r.share = median(besides), median(measureds), median(shares)
	return r
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// perSecond is the rate at which work does n things.
func perSecond(n int, work func()) float64 {
	began := time.Now()
	work()
	return float64(n) / time.Since(began).Seconds()
}

func TestTheTableSaysWhichBarsHold(t *testing.T) {
	t.Parallel()
	lines := []string{
		row{what: "posts", engine: "postgres", measured: 1499.4, unit: "/s", beside: 3000, share: 49.98, besideWhat: "bare", bar: atLeast(1500, "/s")}.line(),
		row{what: "payouts", engine: "sqlite", measured: 410, unit: "/s", beside: 1000, share: 41, besideWhat: "bare", bar: shareAtLeast(40)}.line(),
		row{what: "payouts", engine: "sqlite", measured: 390, unit: "/s", beside: 1000, share: 39, besideWhat: "bare", bar: shareAtLeast(40)}.line(),
		row{what: "memory", engine: "sqlite", measured: 64.04, unit: "MiB", bar: atMost(64, "MiB")}.line(),
		row{what: "memory", engine: "sqlite", measured: 12, unit: "MiB"}.line(),
	}
	require.Equal(t, []string{
		"| posts | postgres | 1,499 /s | bare: 3,000 /s | 50 % | ≥ 1,500 /s | BELOW |",
		"| payouts | sqlite | 410 /s | bare: 1,000 /s | 41 % | ≥ 40 % | PASS |",
		"| payouts | sqlite | 390 /s | bare: 1,000 /s | 39 % | ≥ 40 % | BELOW |",
		"| memory | sqlite | 64 MiB |  |  | ≤ 64 MiB | BELOW |",
		"| memory | sqlite | 12 MiB |  |  |  |  |",
	}, lines)
}

func TestTheMedianIsTheOneInTheMiddleWhateverTheOrder(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 3.0, median([]float64{9, 1, 3, 2, 8}), 0)
}
