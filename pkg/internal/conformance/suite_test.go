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

func TestAnchor_passes_the_suite_with_other_settings(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"ANCHOR_QUOTES_REQUIRED=1", "ANCHOR_MEMO_TYPE=hash", "ANCHOR_MEMO_TYPE=text", "ANCHOR_KYC_AFTER_POST=0", "ENABLE_SEP_0023=0",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			requirePassed(t, newWorld(t, "sqlite", plan{more: []string{setting}}).suite().Run(t.Context()))
		})
	}
}

func requirePassed(t *testing.T, results []conformance.Result) {
	t.Helper()
	if failed := conformance.Failed(results); len(failed) > 0 {
		require.FailNowf(t, "the anchor does not pass the suite", "%d of %d checks failed:\n%s", len(failed), len(results), conformance.Report(results))
	}
}
