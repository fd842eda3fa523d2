package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

func testSettings(t *testing.T) bankSettings {
	t.Helper()
	return bankSettings{
		Ledger: filepath.Join(t.TempDir(), "bank.jsonl"), RoutingNumbers: []string{known}, ClosedAccounts: []string{closed},
	}
}

func testBank(t *testing.T) bank {
	t.Helper()
	b, err := openBank(testSettings(t))
	require.NoError(t, err)
	return b
}

// transfer is the n-th attempt of a payout.
func transfer(n int64, routing, account string) anchor.Payout {
	return anchor.Payout{
		Key: anchor.NewPayoutKey("transaction", 1, n), TransactionID: "transaction", Amount: "99.00", Asset: "iso4217:USD",
		Fields: map[string]string{routingNumber: routing, accountNumber: account},
	}
}

func paidBy(t *testing.T, ledger string) []simulated.Payment {
	t.Helper()
	payments, err := simulated.Bank(ledger).Payments()
	require.NoError(t, err)
	return payments
}

func execute(t *testing.T, b bank, p anchor.Payout) anchor.Outcome {
	t.Helper()
	outcome, err := b.rail().ExecuteOutgoing(t.Context(), p)
	require.NoError(t, err)
	return outcome
}

func TestBank_delivers_to_an_account_that_exists(t *testing.T) {
	t.Parallel()
	outcome := execute(t, testBank(t), transfer(1, known, open))
	require.Equal(t, anchor.OutcomeDelivered, outcome.Kind())
	require.NotEmpty(t, outcome.ExternalID())
}

func TestBank_that_takes_its_time_tells_so_and_is_asked_again(t *testing.T) {
	t.Parallel()
	s := testSettings(t)
	s.DeliversAfter = time.Hour
	b, err := openBank(s)
	require.NoError(t, err)
	p := transfer(1, known, open)
	require.Equal(t, anchor.OutcomeAccepted, execute(t, b, p).Kind())
	answers, err := b.rail().PollOutgoing(t.Context(), []anchor.Payout{p})
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeAccepted, answers[p.Key].Kind())
}

func TestBank_pays_a_key_once_however_often_it_is_sent(t *testing.T) {
	t.Parallel()
	b := testBank(t)
	first := execute(t, b, transfer(1, known, open))
	require.Equal(t, first.ExternalID(), execute(t, b, transfer(1, known, open)).ExternalID())
	require.Len(t, paidBy(t, b.settings.Ledger), 1)
}

func TestBank_pays_nothing_to_a_wrong_account_and_asks_for_the_field_that_is_wrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		routing, account string
		needed           []string
	}{
		"a closed account": {known, closed, []string{"account_number"}},
		"an unknown bank":  {unknown, open, []string{"routing_number"}},
		"both":             {unknown, closed, []string{"routing_number", "account_number"}},
		"no fields at all": {"", "", []string{"routing_number"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := testBank(t)
			outcome := execute(t, b, transfer(1, test.routing, test.account))
			require.Equal(t, anchor.OutcomeNeedsInfo, outcome.Kind())
			var needed []string
			for _, need := range outcome.Needs() {
				require.Equal(t, anchor.PartyTransaction, need.Of)
				require.NotEmpty(t, need.Problem)
				require.NotEmpty(t, need.Description)
				needed = append(needed, need.Field)
			}
			require.Equal(t, test.needed, needed)
			require.Empty(t, paidBy(t, b.settings.Ledger))
		})
	}
}

func TestBank_pays_under_the_next_key_once_the_account_was_put_right(t *testing.T) {
	t.Parallel()
	b := testBank(t)
	require.Equal(t, anchor.OutcomeNeedsInfo, execute(t, b, transfer(1, known, closed)).Kind())
	require.Equal(t, anchor.OutcomeDelivered, execute(t, b, transfer(2, known, open)).Kind())
	require.Len(t, paidBy(t, b.settings.Ledger), 1)
}

// A second key would pay twice: the answer to the first sending may have been lost on its way.
func TestBank_does_not_ask_for_another_account_after_a_key_was_paid(t *testing.T) {
	t.Parallel()
	s := testSettings(t)
	before, err := openBank(s)
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, execute(t, before, transfer(1, known, open)).Kind())

	s.ClosedAccounts, s.RoutingNumbers = []string{open}, nil
	after, err := openBank(s)
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, execute(t, after, transfer(1, known, open)).Kind())
	require.Len(t, paidBy(t, s.Ledger), 1)
}

func TestBank_says_what_may_be_relied_on(t *testing.T) {
	t.Parallel()
	rail := testBank(t).rail()
	require.Positive(t, rail.NotKnownFinalAfter)
	require.Positive(t, rail.SameKeySafeFor)
}

func TestBank_without_a_ledger_is_refused_with_what_to_do(t *testing.T) {
	t.Parallel()
	_, err := openBank(bankSettings{})
	require.ErrorContains(t, err, "business.bank.ledger")
}

func TestBank_repeats_no_account_in_what_it_says(t *testing.T) {
	t.Parallel()
	outcome := execute(t, testBank(t), transfer(1, unknown, closed))
	require.NotContains(t, fmt.Sprintf("%+v", outcome), closed)
	require.NotContains(t, fmt.Sprintf("%+v", outcome), unknown)
}
