package transactions_test

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// BenchmarkPost agrees on transactions, 16 at a time, each under an idempotency key of its own: without customers, and
// between two customers whose status and values are read for each.
func BenchmarkPost(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *store.DB
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name+"/bare", func(b *testing.B) { newWorld(b, engine.open(b)).postAtOnce(b, hundred()) })
		b.Run(engine.name+"/customers", func(b *testing.B) {
			w, people := withPeople(b, engine.open(b))
			sender := register(b, people, sending, "1", "sep31-sender", "Alice")
			w.postAtOnce(b, between(sender, register(b, people, sending, "2", "sep31-receiver", "Bob")))
		})
	}
}

func (w world) postAtOnce(b *testing.B, request transactions.Request) {
	b.Helper()
	who := w.admit(b, sending)
	var last atomic.Int64
	b.SetParallelism((16 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := request
			r.IdempotencyKey = new(strconv.FormatInt(last.Add(1), 10))
			if _, err := w.service.Create(b.Context(), who, r); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
