package customers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// BenchmarkForTransaction is what every POST of a transaction asks for each of its customers.
func BenchmarkForTransaction(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := newDesk(b, open(b))
			who := plain(account())
			id := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := d.ForTransaction(b.Context(), who.Account, id, receiver)
					require.NoError(b, err)
				}
			})
		})
	}
}
