package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestA_pause_keeps_payouts_from_being_sent_until_it_is_lifted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.Funded(1)[0]
	require.Contains(t, d.done("payouts", "pause", "--rail", "bank", "--reason", "the bank is down"), "rail bank is paused")
	require.Contains(t, d.done("payouts", "pause", "--rail", "bank", "--reason", "again"), "was paused already, nothing has changed")
	d.execute(anchor.Delivered("x"))
	require.Equal(t, anchor.PayoutReady, d.Payout(id).State)
	list := d.done("payouts", "list")
	require.Regexp(t, `^paused: rail bank, since .* by operator.*: the bank is down\n`, list)
	pauses := read[[]shownSwitch](d, "payouts", "pauses")
	require.Len(t, pauses, 1)
	require.Equal(t, "the bank is down", pauses[0].Reason)

	resumed := read[changedSwitch](d, "payouts", "resume", "--rail", "bank", "--reason", "it is up")
	require.True(t, resumed.Changed)
	require.False(t, resumed.Paused)
	require.Contains(t, d.done("payouts", "resume", "--rail", "bank", "--reason", "it is up"), "is not paused, nothing has changed")
	d.execute(anchor.Delivered("x"))
	require.Equal(t, anchor.PayoutDelivered, d.Payout(id).State)
	require.NotContains(t, d.done("payouts", "list"), "paused")
	require.Contains(t, d.done("payouts", "pauses", "--all"), "it is up")
}

func TestAn_asset_that_is_paused_holds_up_what_was_paid_in_it(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.Funded(1)[0]
	name := "USDC:" + payoutstest.Issuer
	for i, way := range []string{"USDC", name, "stellar:" + name} {
		changed := read[changedSwitch](d, "payouts", "pause", "--asset", way, "--reason", "the issuer is in trouble")
		require.Equal(t, i == 0, changed.Changed, "all are the same asset")
		require.Equal(t, name, changed.Name)
	}
	d.execute(anchor.Delivered("x"))
	require.Equal(t, anchor.PayoutReady, d.Payout(id).State)
	d.done("payouts", "resume", "--asset", "USDC", "--reason", "all is well")
	d.execute(anchor.Delivered("x"))
	require.Equal(t, anchor.PayoutDelivered, d.Payout(id).State)
}

func TestA_name_that_nobody_has_heard_of_is_not_paused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.refused(ExitUsage, `there is no rail "bnak"; known are: bank, pix`, "payouts", "pause", "--rail", "bnak", "--reason", "x")
	d.refused(ExitUsage, "registered are: USDC:"+payoutstest.Issuer, "payouts", "pause", "--asset", "EURC", "--reason", "x")
	d.refused(ExitUsage, "--reason is needed", "payouts", "pause", "--rail", "bank")
	d.refused(ExitUsage, "--rail NAME or --asset", "payouts", "pause", "--reason", "x")
	d.refused(ExitUsage, "--rail NAME or --asset", "payouts", "pause", "--rail", "bank", "--asset", "USDC", "--reason", "x")
	require.Empty(t, read[[]shownSwitch](d, "payouts", "pauses", "--all"))

	d.done("payouts", "pause", "--rail", "ours", "--unseen", "--reason", "x")
	require.Contains(t, d.stderr, "not among those known here")
	d.setup = func(context.Context, anchor.Host) (anchor.Business, error) { return anchor.Business{}, nil }
	d.refused(ExitUsage, "add --unseen", "payouts", "pause", "--rail", "theirs", "--reason", "x")
	d.done("payouts", "pause", "--rail", "theirs", "--unseen", "--reason", "x")
	require.Contains(t, d.stderr, "taken for one that your own program brings")
	require.Len(t, read[[]shownSwitch](d, "payouts", "pauses"), 2)
}

func TestShow_tells_all_that_is_known_of_a_payout_and_nothing_of_people(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.Funded(1)[0]
	d.execute(anchor.Failed("closed account of Alan"))
	d.done("payouts", "retry", id, "--reason", "they gave another")
	d.execute(anchor.Accepted("BANK-7"))
	all := read[[]shownPayout](d, "payouts", "show", id)
	require.Len(t, all, 2)
	first, second := all[0], all[1]
	require.Equal(t, []string{"failed", "accepted"}, []string{first.State, second.State})
	require.Equal(t, "failed", first.Answers[0].Outcome)
	require.Equal(t, "BANK-7", second.Attempts[0].ExternalID)
	require.EqualValues(t, 1, second.Attempts[0].Sends)
	require.Equal(t, "they gave another", second.History[0].Reason)

	for _, name := range []string{second.ID, second.Key} {
		one := read[[]shownPayout](d, "payouts", "show", name)
		require.Len(t, one, 1)
		require.Equal(t, second.ID, one[0].ID)
	}
	text := d.done("payouts", "show", id) + d.done("payouts", "show", id, "--json")
	for _, word := range []string{"BANK-7", second.Key, "they gave another"} {
		require.Contains(t, text, word)
	}
	for _, personal := range []string{"Alan", "Lovelace", "0042", "021000021"} {
		require.NotContains(t, text, personal)
	}
	d.refused(ExitFailed, "no such payout", "payouts", "show", "nobody")
}

func TestList_narrows_and_refuses_words_that_it_does_not_know(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	waiting := d.FundedBy(1, func(_ *store.Transaction, p *store.Payout) {
		p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForOperator
	})[0]
	d.Funded(2)
	require.Len(t, read[[]listedPayout](d, "payouts", "list"), 3)
	require.Equal(t, waiting, read[[]listedPayout](d, "payouts", "list", "--limit", "1")[0].TransactionID, "who needs somebody comes first")
	require.Len(t, read[[]listedPayout](d, "payouts", "list", "--state", "ready"), 2)
	require.Len(t, read[[]listedPayout](d, "payouts", "list", "--waits-for", "operator"), 1)
	require.Empty(t, read[[]listedPayout](d, "payouts", "list", "--rail", "pix"))
	require.Empty(t, read[[]listedBatch](d, "payouts", "batches"))
	d.refused(ExitUsage, `"redy" is none of waiting, ready`, "payouts", "list", "--state", "redy")
	d.refused(ExitUsage, "is none of kyc, info", "payouts", "list", "--waits-for", "rain")
}

func TestResolve_takes_the_key_of_an_attempt_and_needs_a_reason(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.Funded(1)[0]
	d.execute(anchor.Accepted("BANK-7"))
	key := d.Attempts(id)[0].Key
	d.refused(ExitUsage, "--reason", "payouts", "resolve", key, "--as", "delivered")
	d.refused(ExitUsage, "delivered or failed", "payouts", "resolve", key, "--as", "gone", "--reason", "x")
	resolved := read[listedPayout](d, "payouts", "resolve", key, "--as", "delivered", "--reason", "statement of 3 May")
	require.Equal(t, "delivered", resolved.State)
	require.Equal(t, anchor.StatusCompleted, d.Transaction(id).Status)
	d.refused(ExitFailed, "nothing to resolve", "payouts", "resolve", key, "--as", "failed", "--reason", "x")
}

func TestCallbacks_that_were_given_up_are_listed_and_made_due_again(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ids := d.dead(3)
	dead := read[[]listedCallback](d, "callbacks", "list", "--dead")
	require.Len(t, dead, 3)
	require.Equal(t, payoutstest.Sending, dead[0].SendingAnchor)
	require.Equal(t, "HTTP 503", dead[0].LastAnswer)
	require.Contains(t, d.done("callbacks", "list"), ids[0])

	d.refused(ExitUsage, "--reason", "callbacks", "retry", ids[0])
	d.refused(ExitUsage, "or --subscriber", "callbacks", "retry", "--reason", "x")
	require.Equal(t, "1 is due again\n", d.done("callbacks", "retry", ids[0], "--reason", "it is up"))
	d.refused(ExitFailed, "not given up", "callbacks", "retry", ids[0], "--reason", "it is up")
	d.refused(ExitFailed, "no such callback", "callbacks", "retry", "nobody", "--reason", "it is up")
	require.Equal(t, "2 are due again\n", d.done("callbacks", "retry", "--subscriber", payoutstest.Sending, "--reason", "it is up"))
	require.Equal(t, "0 are due again\n", d.done("callbacks", "retry", "--subscriber", payoutstest.Issuer, "--reason", "it is up"))
	all := read[[]listedCallback](d, "callbacks", "list")
	require.True(t, strings.Contains(all[0].State, "pending") && all[0].NextAt != nil)
	require.Empty(t, read[[]listedCallback](d, "callbacks", "list", "--dead"))
}
