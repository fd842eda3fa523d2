package payouts_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// instant is a rail that costs nothing.
type instant struct{}

func (instant) ExecuteOutgoing(_ context.Context, p anchor.Payout) (anchor.Outcome, error) {
	return anchor.Delivered(string(p.Key)), nil
}

func (instant) PollOutgoing(context.Context, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return nil, nil
}

// durable opens a fresh database that waits for the disk, as in production.
func durable(b *testing.B, url string) *store.DB {
	storetest.Open(b, url)
	db, err := store.Open(b.Context(), store.Options{URL: url, Keys: storetest.Keys(b)})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	return db
}

// perPass is how many payouts one measured pass makes.
const perPass = 1000

// BenchmarkPayouts makes payouts by a rail that answers at once, and in the same run the bare statements of the same steps
// on the same engine, medians of alternating passes: payouts/s, bare/s and the share of the first in the second.
func BenchmarkPayouts(b *testing.B) {
	for _, engine := range []struct {
		name string
		url  func(b *testing.B) string
	}{
		{"sqlite", func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "anchor.db") }},
		{"postgres", func(b *testing.B) string { return pgtest.URL(b) }},
	} {
		for _, concurrency := range []int{8, 64} {
			b.Run(fmt.Sprintf("%s/concurrency=%d", engine.name, concurrency), func(b *testing.B) {
				url := engine.url(b)
				db := durable(b, url)
				w := payoutstest.New(b, db)
				raw := openBare(b, url, concurrency)
				s := payoutsWith(db, concurrency)
				var made, bare []float64
				for b.Loop() {
					b.StopTimer()
					w.Funded(perPass)
					raw.analyze(b)
					bare = append(bare, raw.pay(b))
					w.Funded(perPass)
					raw.analyze(b)
					b.StartTimer()
					made = append(made, rate(b, func() {
						_, err := s.Execute(b.Context(), b.Context())
						require.NoError(b, err)
					}))
				}
				raw.requireAllPaid(b)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(made), "payouts/s")
				b.ReportMetric(median(bare), "bare/s")
				b.ReportMetric(100*median(made)/median(bare), "%share")
			})
		}
	}
}
