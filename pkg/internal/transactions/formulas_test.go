package transactions_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
	"github.com/anchorkit/anchor/pkg/money"
)

// exactly reads an amount of the wire with the most decimals that any has.
func exactly(t require.TestingT, text string) money.Amount {
	a, err := money.Parse(text, money.StellarDecimals)
	require.NoError(t, err)
	return a
}

// TestAmountsOfATransactionFollowFromEachOther states the formulas of SEP-31: amount_out = amount_in - amount_fee for one
// asset; and the parts of the fee add up to it, for one asset and for a conversion.
func TestAmountsOfATransactionFollowFromEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), exchanging, func(d *transactions.Deps) { d.Options.QuotesRequired = false })
	who := w.admit(t, sending)
	rapid.Check(t, func(r *rapid.T) {
		units := rapid.Int64Range(1_0000000, 10_000_0000000).Draw(r, "units")
		amount, err := money.New(units, money.StellarDecimals)
		require.NoError(r, err)
		request := hundred()
		request.Amount = amount.Short()
		fee := int64(0)
		converted := rapid.Bool().Draw(r, "converted")
		out := rapid.Int64Range(1, 1<<40).Draw(r, "out")
		if converted {
			fee = rapid.Int64Range(0, units-1).Draw(r, "fee")
			whole, err := money.New(fee, money.StellarDecimals)
			require.NoError(r, err)
			request.QuoteID = w.quote(t, func(q *store.Quote) {
				q.SellUnits, q.FeeUnits, q.BuyUnits = units, fee, out
				q.FeeDetails = `[{"name":"Service fee","amount":"` + whole.Short() + `"}]`
			})
		}
		created, err := w.service.Create(t.Context(), who, request)
		require.NoError(r, err)
		got, err := w.service.Get(t.Context(), who, created.ID)
		require.NoError(r, err)
		require.Equal(r, amount, exactly(r, got.AmountIn))
		require.Equal(r, got.AmountFee, got.FeeDetails.Total)
		requireParts(r, got)
		if converted {
			bought, err := money.New(out, 2)
			require.NoError(r, err)
			require.Equal(r, bought.Short(), got.AmountOut)
			require.Equal(r, fee, exactly(r, got.AmountFee).Units())
			return
		}
		sum, err := exactly(r, got.AmountOut).Add(exactly(r, got.AmountFee))
		require.NoError(r, err)
		require.Equal(r, amount, sum)
	})
}

func requireParts(t require.TestingT, got anchor.Transaction) {
	if len(got.FeeDetails.Details) == 0 {
		return
	}
	sum := exactly(t, "0")
	for _, part := range got.FeeDetails.Details {
		var err error
		sum, err = sum.Add(exactly(t, part.Amount))
		require.NoError(t, err)
	}
	require.Equal(t, exactly(t, got.FeeDetails.Total), sum)
}
