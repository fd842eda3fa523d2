package stellar

import (
	"context"
	"strconv"
)

// FeeStats is what the last ledgers cost, in stroops for each operation.
type FeeStats struct {
	LastLedger int64
	BaseFee    int64 // least that the last ledger took
	Usual      int64 // what nine of ten transactions of the last ledgers were charged at most
}

// FeeStats asks what the network costs at present.
func (h *Horizon) FeeStats(ctx context.Context) (FeeStats, error) {
	return via(ctx, h, func(e *endpoint) (FeeStats, error) { return e.feeStats(ctx) })
}

func (e *endpoint) feeStats(ctx context.Context) (FeeStats, error) {
	const path = "/fee_stats"
	var answer struct {
		LastLedger string `json:"last_ledger"`
		BaseFee    string `json:"last_ledger_base_fee"`
		Charged    struct {
			P90 string `json:"p90"`
		} `json:"fee_charged"`
	}
	if err := e.get(ctx, path, nil, &answer); err != nil {
		return FeeStats{}, err
	}
	var stats FeeStats
	for _, number := range []struct {
		text string
		into *int64
	}{{answer.LastLedger, &stats.LastLedger}, {answer.BaseFee, &stats.BaseFee}, {answer.Charged.P90, &stats.Usual}} {
		n, err := strconv.ParseInt(number.text, 10, 64)
		if err != nil || n < 0 {
			return FeeStats{}, named("GET "+path, &AnswerError{Reason: "the fees are no numbers"})
		}
		*number.into = n
	}
	return stats, nil
}
