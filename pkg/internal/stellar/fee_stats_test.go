package stellar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

func Test_fee_statistics(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Handle("GET /fee_stats", serve(sample(t, "fee-stats.json")))
	stats, err := n.FeeStats(t.Context())
	require.NoError(t, err)
	require.Positive(t, stats.LastLedger)
	require.Equal(t, int64(100), stats.BaseFee)
	require.GreaterOrEqual(t, stats.Usual, stats.BaseFee)
}

func Test_fee_statistics_that_are_no_numbers_are_refused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"last_ledger":"5","last_ledger_base_fee":"100"}`, `{"last_ledger":"5","last_ledger_base_fee":"-1","fee_charged":{"p90":"100"}}`} {
		n := newNetwork(t)
		n.Handle("GET /fee_stats", serve([]byte(body)))
		_, err := n.FeeStats(t.Context())
		var unreadable *stellar.AnswerError
		require.ErrorAs(t, err, &unreadable)
	}
}
