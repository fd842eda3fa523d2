// Package bench_test measures what the anchor must reach, each figure beside the bare statements of the same step on the same
// database in the same run, so that a slow machine or disk is not mistaken for slow code.
//
// It promises that the databases wait for the disk as in production, that every pass is repeated, turn and turn about with
// what it is compared to, and that the books are looked at afterwards: what was not done does not count. It must never ship
// code: there is none but tests. `make bench` calls it.
package bench_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// rounds is how often each pass is made; figures are medians.
const rounds = 7

// engine is a database to measure on.
type engine struct {
	name string
	url  func(b *testing.B) string // of a fresh database
}

func engines() []engine {
	return []engine{
		{"postgres", func(b *testing.B) string { return pgtest.URL(b) }},
		{"sqlite", func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "anchor.db") }},
	}
}

// BenchmarkFigures measures every figure that has a bar and prints them as one table.
func BenchmarkFigures(b *testing.B) {
	var t table
	for _, e := range engines() {
		for _, step := range []struct {
			name string
			run  func(b *testing.B, e engine, t *table)
		}{
			{"processes", measureProcesses},
			{"logins", measureLogins},
			{"gets", measureGets},
			{"credit-from-source", measureCreditFromSource},
			{"credit-from-memory", measureCreditFromMemory},
			{"credit-beside-the-past", measurePast},
			{"news", measureNews},
			{"calls", measureCalls},
			{"idle", measureIdle},
			{"idle-outgoing", measureIdleOutgoing},
			{"payouts", measurePayouts},
			{"remote-payouts", measureRemotePayouts},
		} {
			b.Run(step.name+"/"+e.name, func(b *testing.B) {
				b.ReportMetric(0, "ns/op")
				step.run(b, e, &t)
			})
		}
	}
	fmt.Printf("\n%s\n", t.render(machine()))
}

// durable opens a fresh database that waits for the disk, as in production.
func durable(b *testing.B, url string) *store.DB {
	migrate(b, url)
	db, err := store.Open(b.Context(), store.Options{URL: url, Keys: storetest.Keys(b)})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	return db
}

func migrate(b *testing.B, url string) {
	db, err := store.OpenUnchecked(b.Context(), store.Options{URL: url})
	require.NoError(b, err)
	_, err = db.MigrateUp(b.Context())
	require.NoError(b, err)
	require.NoError(b, db.Close())
}
