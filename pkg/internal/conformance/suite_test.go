package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/conformance"
)

func TestAnchor_passes_all_60_checks_of_the_conformance_suite(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		results := w.suite().Run(t.Context())
		require.Len(t, results, 60)
		for i, r := range results {
			require.Equal(t, i+1, r.Number, "each number once, in order")
			require.NotEmpty(t, r.Name)
		}
		requirePassed(t, results)
	})
}

func requirePassed(t *testing.T, results []conformance.Result) {
	t.Helper()
	if failed := conformance.Failed(results); len(failed) > 0 {
		require.FailNowf(t, "the anchor does not pass the suite", "%d of %d checks failed:\n%s", len(failed), len(results), conformance.Report(results))
	}
}
