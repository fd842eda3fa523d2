package e2e

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/sender"
	"github.com/anchorkit/anchor/pkg/money"
)

func TestWhat_goes_back_is_in_the_ledger_in_the_API_and_in_the_status_messages(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		x := newCrashing(t, engine, crashPlan{lifetime: shortLife.String(), cases: func() []*course {
			return slices.Concat(casesInTime(), casesOutOfTime())
		}})
		x.play()
		x.requireTold()
		for _, c := range x.courses {
			if c.agreed == "" {
				continue
			}
			state, err := x.senders[c.asset].State(t.Context(), c.state.ID)
			require.NoError(t, err)
			require.Equal(t, c.ends, state.Status, c.name)
			told := x.senders[c.asset].callbacks.Statuses(c.state.ID)
			require.Equal(t, c.ends, told[len(told)-1], c.name)
			x.requireShown(c, state)
		}
		for _, r := range x.roles {
			x.retire(r)
		}
	})
}

// requireShown compares SEP-31's refunds of a transaction with the network's ledger.
func (x *crashing) requireShown(c *course, state sender.State) {
	x.Helper()
	if !c.shows {
		require.Equal(x, sender.Refunds{}, state.Refunds, c.name)
		return
	}
	var shown []string
	sent, fees := int64(0), int64(0)
	for _, p := range state.Refunds.Payments {
		shown = append(shown, p.Amount)
		require.Equal(x, "0.1", p.Fee, c.name)
		require.Equal(x, units(x, p.Amount), x.ledgerAmount(p.ID), "%s: what is shown and what the ledger has", c.name)
		sent, fees = sent+units(x, p.Amount), fees+units(x, p.Fee)
	}
	require.ElementsMatch(x, c.sends, shown, c.name)
	require.Equal(x, sent, units(x, state.Refunds.Amount), c.name)
	require.Equal(x, fees, units(x, state.Refunds.Fee), c.name)
}

func units(x *crashing, text string) int64 {
	x.Helper()
	a, err := money.Parse(text, money.StellarDecimals)
	require.NoError(x, err)
	return a.Units()
}

// ledgerAmount is what the one payment of a Stellar transaction moved.
func (x *crashing) ledgerAmount(hash string) int64 {
	x.Helper()
	all := x.network.Transactions()
	i := slices.IndexFunc(all, func(t sandbox.Transaction) bool { return t.Hash == hash })
	require.GreaterOrEqual(x, i, 0, "no such Stellar transaction: %s", hash)
	require.Len(x, all[i].Payments, 1)
	return all[i].Payments[0].Units
}
