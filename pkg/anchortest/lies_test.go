package anchortest_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// atFirst lies at random, but not twice on the same occasion, else the test would wait for long. None of the lies leaves a
// payout for an operator to decide about: in the end everybody is paid.
func atFirst(shares map[simulated.Fault]float64) func(simulated.Call) simulated.Fault {
	seeded := simulated.Seeded(1, shares)
	return func(c simulated.Call) simulated.Fault {
		if c.Number > 0 && (c.Method != simulated.MethodPoll || c.Number > 5) {
			return ""
		}
		return seeded(c)
	}
}

// A whole anchor before a bank that lies at random: what counts is the bank's own ledger.
func TestABankThatLies_has_paid_everybody_once_in_the_end(t *testing.T) {
	t.Parallel()
	for name, bank := range map[string]simulated.Options{
		"and knows keys": {Misbehave: atFirst(map[simulated.Fault]float64{
			simulated.FaultNotSent: 0.1, simulated.FaultErrorBefore: 0.1, simulated.FaultErrorAfter: 0.1, simulated.FaultLostBefore: 0.1,
			simulated.FaultLostAfter: 0.1, simulated.FaultNonsense: 0.1, simulated.FaultForgotten: 0.1, simulated.FaultEndless: 0.1,
			simulated.FaultPollError: 0.1, simulated.FaultPollLost: 0.1, simulated.FaultPollStrangers: 0.3,
			simulated.FaultAnswerMissing: 0.1, simulated.FaultAnswerNonsense: 0.1, simulated.FaultAnswerNotKnown: 0.1,
		})},
		// Whatever is sent twice is paid twice: the anchor must wait for news, however often it hears that nothing is known.
		"and knows no keys": {PaysAgain: true, Misbehave: atFirst(map[simulated.Fault]float64{
			simulated.FaultNotSent: 0.1, simulated.FaultErrorAfter: 0.2, simulated.FaultLostAfter: 0.2, simulated.FaultForgotten: 0.2,
			simulated.FaultEndless: 0.1, simulated.FaultAnswerNotKnown: 0.5,
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bank.File, bank.FaultFor = filepath.Join(t.TempDir(), "bank.jsonl"), 2*time.Second
			requireEverybodyPaid(t, bank)
		})
	}
}

func requireEverybodyPaid(t *testing.T, bank simulated.Options) {
	t.Helper()
	a := anchortest.Start(t, anchortest.Options{
		Settings: map[string]string{"ANCHOR_RAIL_TIMEOUT": "1s"},
		Setup: func(context.Context, anchor.Host) (anchor.Business, error) {
			rail, err := simulated.New(bank)
			return anchor.Business{Rails: map[string]anchor.Rail{"simulated": rail}}, err
		},
	})
	s, from, to := sending(t, a)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	const transfers = 40
	var ends [transfers]anchor.Transaction
	var errs [transfers]error
	var underWay sync.WaitGroup
	for i := range transfers {
		underWay.Go(func() {
			ends[i], errs[i] = s.Send(ctx, anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
		})
	}
	underWay.Wait()
	paid := map[string]int{}
	for i, end := range ends {
		require.NoError(t, errs[i])
		require.Equal(t, anchor.StatusCompleted, end.Status)
		paid[end.ID] = 1
	}
	kept, err := simulated.Bank(bank.File).PaidTransactions()
	require.NoError(t, err)
	require.Equal(t, paid, kept)
}
