package payouts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
)

const now = int64(1_000_000_000_000)

var (
	rules = payouts.Rules{
		Retry: payouts.Backoff{First: time.Second, Max: time.Minute}, Poll: payouts.Backoff{First: 2 * time.Second, Max: time.Minute},
	}
	need = anchor.Need{Of: anchor.PartyReceiver, Field: "bank_account_number"}
)

// standing is a situation in the middle of its spread, so that waits are exact.
func standing(p anchor.PayoutState, a anchor.AttemptState, source payouts.Source, claimed bool) payouts.Situation {
	return payouts.Situation{
		Payout: p, Attempt: a, Present: true, Source: source, Claimed: claimed, Sends: 1, FirstSentUs: now - 60e6,
		EndedUs: now - 60e6, NowUs: now, Spread: 0.5,
	}
}

func TestDecide_on_what_the_sender_itself_got(t *testing.T) {
	t.Parallel()
	s := standing(anchor.PayoutSending, anchor.AttemptSending, payouts.SourceExecute, true)
	for _, c := range []struct {
		name    string
		outcome anchor.Outcome
		want    payouts.Move
	}{
		{"delivered completes", anchor.Delivered("x"), payouts.Move{Used: true, Attempt: anchor.AttemptDelivered, Payout: anchor.PayoutDelivered, Cause: anchor.CausePayoutDelivered, Sends: 1}},
		{"accepted is asked about soon", anchor.Accepted("x"), payouts.Move{Used: true, Attempt: anchor.AttemptAccepted, Payout: anchor.PayoutAccepted, Cause: anchor.CausePayoutAccepted, Sends: 1, Wait: 2 * time.Second}},
		{"failed gives the units back", anchor.Failed("x"), payouts.Move{Used: true, Attempt: anchor.AttemptFailed, Payout: anchor.PayoutFailed, Cause: anchor.CausePayoutFailed, Sends: 1}},
		{"a refund fails and sends back", anchor.Refund("x"), payouts.Move{Used: true, Attempt: anchor.AttemptFailed, Payout: anchor.PayoutFailed, Cause: anchor.CausePayoutFailed, Refund: true, Sends: 1}},
		{"returned at once gives the units back", anchor.Returned("x"), payouts.Move{Used: true, Attempt: anchor.AttemptFailed, Payout: anchor.PayoutReturned, Cause: anchor.CausePayoutFailed, Sends: 1}},
		{"needs info ends the attempt", anchor.NeedsInfo(need), payouts.Move{Used: true, Attempt: anchor.AttemptFailed, NeedsInfo: true, Sends: 1}},
		{"needing nothing in particular is a failure", anchor.NeedsInfo(), payouts.Move{Used: true, Attempt: anchor.AttemptFailed, Payout: anchor.PayoutFailed, Cause: anchor.CausePayoutFailed, Sends: 1}},
		{"not sent is tried again", anchor.NotSent("x"), payouts.Move{Used: true, Attempt: anchor.AttemptNotSent, Payout: anchor.PayoutReady, Sends: 0, Wait: time.Second}},
		{"unknown is unknown", anchor.Outcome{}, payouts.Move{Used: true, Attempt: anchor.AttemptUnknown, Payout: anchor.PayoutUnknown, Sends: 1, Wait: 2 * time.Second}},
		{"not known is no answer to a sending", anchor.NotKnown(), payouts.Move{Used: true, Attempt: anchor.AttemptUnknown, Payout: anchor.PayoutUnknown, Sends: 1, Wait: 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, payouts.Decide(s, c.outcome, rules))
		})
	}
}

func TestDecide_keeps_the_doubt_of_an_earlier_sending_when_a_resend_was_not_sent(t *testing.T) {
	t.Parallel()
	s := standing(anchor.PayoutSending, anchor.AttemptSending, payouts.SourceExecute, true)
	s.Sends = 2
	move := payouts.Decide(s, anchor.NotSent("connection refused"), rules)
	require.Equal(t, anchor.AttemptUnknown, move.Attempt)
	require.Equal(t, int64(1), move.Sends)
}

func TestDecide_believes_nothing_undecided_of_who_lost_the_claim(t *testing.T) {
	t.Parallel()
	undecided := []anchor.Outcome{{}, anchor.NotSent("x"), anchor.NotKnown()}
	for _, source := range []payouts.Source{payouts.SourceExecute, payouts.SourcePoll, payouts.SourceReport, payouts.SourceOperator} {
		for _, state := range []struct {
			p anchor.PayoutState
			a anchor.AttemptState
		}{
			{anchor.PayoutSending, anchor.AttemptSending}, {anchor.PayoutUnknown, anchor.AttemptUnknown},
			{anchor.PayoutReady, anchor.AttemptUnknown}, {anchor.PayoutAccepted, anchor.AttemptAccepted},
		} {
			for _, o := range undecided {
				r := rules
				r.NotKnownFinalAfter, r.SameKeySafeFor = time.Second, time.Hour
				require.Equal(t, payouts.Move{Sends: 1}, payouts.Decide(standing(state.p, state.a, source, false), o, r),
					"%s %s %s", source, state.p, o.Kind())
			}
		}
	}
}

func TestDecide_takes_a_late_definitive_answer_from_anybody(t *testing.T) {
	t.Parallel()
	for _, state := range []struct {
		p anchor.PayoutState
		a anchor.AttemptState
	}{
		{anchor.PayoutSending, anchor.AttemptSending}, {anchor.PayoutUnknown, anchor.AttemptUnknown},
		{anchor.PayoutReady, anchor.AttemptUnknown}, {anchor.PayoutReady, anchor.AttemptNotSent},
		{anchor.PayoutWaiting, anchor.AttemptUnknown}, {anchor.PayoutAccepted, anchor.AttemptAccepted},
	} {
		for _, source := range []payouts.Source{payouts.SourceExecute, payouts.SourcePoll, payouts.SourceReport} {
			s := standing(state.p, state.a, source, false)
			require.Equal(t, anchor.PayoutDelivered, payouts.Decide(s, anchor.Delivered(""), rules).Payout)
			require.Equal(t, anchor.PayoutFailed, payouts.Decide(s, anchor.Failed(""), rules).Payout)
			require.True(t, payouts.Decide(s, anchor.NeedsInfo(need), rules).NeedsInfo)
			accepted := payouts.Decide(s, anchor.Accepted(""), rules)
			require.Equal(t, state.a != anchor.AttemptAccepted, accepted.Used)
		}
	}
}

func TestDecide_on_not_known_permits_a_resend_only_as_the_rail_declared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		final, safe time.Duration
		first, last int64 // seconds ago
		resend      bool
	}{
		{0, 0, 60, 60, false},
		{0, time.Hour, 60, 60, false},
		{time.Minute, 0, 60, 60, false},
		{time.Minute, time.Hour, 60, 60, true},
		{time.Minute, time.Hour, 60, 59, false},
		{time.Minute, time.Hour, 3599, 60, true},
		{time.Minute, time.Hour, 3600, 60, false},
	} {
		t.Run(fmt.Sprintf("final after %v, safe for %v, sent %d and %d s ago", c.final, c.safe, c.first, c.last), func(t *testing.T) {
			t.Parallel()
			r := rules
			r.NotKnownFinalAfter, r.SameKeySafeFor = c.final, c.safe
			s := standing(anchor.PayoutUnknown, anchor.AttemptUnknown, payouts.SourcePoll, true)
			s.FirstSentUs, s.EndedUs, s.Tries = now-c.first*1e6, now-c.last*1e6, 1
			move := payouts.Decide(s, anchor.NotKnown(), r)
			if c.resend {
				require.Equal(t, payouts.Move{Used: true, Payout: anchor.PayoutReady, Sends: 1}, move)
				return
			}
			require.Equal(t, payouts.Move{Sends: 1, Postpone: true, Wait: 8 * time.Second}, move)
		})
	}
}

func TestDecide_never_resends_what_the_rail_had_accepted(t *testing.T) {
	t.Parallel()
	r := rules
	r.NotKnownFinalAfter, r.SameKeySafeFor = time.Second, time.Hour
	s := standing(anchor.PayoutAccepted, anchor.AttemptAccepted, payouts.SourcePoll, true)
	for _, o := range []anchor.Outcome{{}, anchor.NotKnown(), anchor.NotSent("x"), anchor.Accepted("again")} {
		require.Equal(t, payouts.Move{Sends: 1, Postpone: true, Wait: 4 * time.Second}, payouts.Decide(s, o, r), "%s", o.Kind())
	}
}

func TestDecide_on_what_contradicts_the_books(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p       anchor.PayoutState
		a       anchor.AttemptState
		present bool
		o       anchor.Outcome
		want    payouts.Move
	}{
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.Failed(""), payouts.Move{Used: true, Conflict: "failed after it was delivered", Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.NeedsInfo(need), payouts.Move{Used: true, Conflict: "needs_info after it was delivered", Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.Returned(""), payouts.Move{Used: true, Payout: anchor.PayoutReturned, Cause: anchor.CausePayoutReturned, Conflict: "returned after it was delivered", Sends: 1}},
		{anchor.PayoutFailed, anchor.AttemptFailed, true, anchor.Delivered(""), payouts.Move{Used: true, Conflict: "delivered after it was failed", Sends: 1}},
		{anchor.PayoutSending, anchor.AttemptFailed, false, anchor.Delivered(""), payouts.Move{Used: true, Conflict: "delivered after it was failed", Sends: 1}},
		{anchor.PayoutWaiting, anchor.AttemptFailed, true, anchor.Delivered(""), payouts.Move{Used: true, Conflict: "delivered after it was failed", Sends: 1}},
		{anchor.PayoutReturned, anchor.AttemptFailed, true, anchor.Delivered(""), payouts.Move{Used: true, Conflict: "delivered after it was returned", Sends: 1}},
		{anchor.PayoutCancelled, anchor.AttemptNotSent, true, anchor.Delivered(""), payouts.Move{Used: true, Conflict: "delivered after it was cancelled", Sends: 1}},
		{anchor.PayoutCancelled, anchor.AttemptNotSent, true, anchor.Accepted(""), payouts.Move{Used: true, Conflict: "accepted after it was cancelled", Sends: 1}},
		// what is known already, or was said out of order, changes nothing
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.Delivered(""), payouts.Move{Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.Accepted(""), payouts.Move{Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.NotKnown(), payouts.Move{Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.NotSent(""), payouts.Move{Sends: 1}},
		{anchor.PayoutDelivered, anchor.AttemptDelivered, true, anchor.Outcome{}, payouts.Move{Sends: 1}},
		{anchor.PayoutFailed, anchor.AttemptFailed, true, anchor.Failed(""), payouts.Move{Sends: 1}},
		{anchor.PayoutFailed, anchor.AttemptFailed, true, anchor.Accepted(""), payouts.Move{Sends: 1}},
		{anchor.PayoutFailed, anchor.AttemptFailed, true, anchor.Returned(""), payouts.Move{Sends: 1}},
		{anchor.PayoutReady, anchor.AttemptFailed, true, anchor.NeedsInfo(need), payouts.Move{Sends: 1}},
		{anchor.PayoutReturned, anchor.AttemptDelivered, true, anchor.Delivered(""), payouts.Move{Sends: 1}},
		{anchor.PayoutReturned, anchor.AttemptDelivered, true, anchor.Returned(""), payouts.Move{Sends: 1}},
	} {
		s := standing(c.p, c.a, payouts.SourceReport, false)
		s.Present = c.present
		require.Equal(t, c.want, payouts.Decide(s, c.o, rules), "%s %s %s", c.p, c.a, c.o.Kind())
	}
}

func TestBackoff_doubles_to_its_most_and_spreads(t *testing.T) {
	t.Parallel()
	b := payouts.Backoff{First: time.Second, Max: 10 * time.Second}
	for tries, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		require.Equal(t, want*time.Second, b.After(int64(tries), 0.5))
	}
	require.Equal(t, 10*time.Second, b.After(1<<40, 0.5))
	require.Equal(t, 800*time.Millisecond, b.After(0, 0))
	require.Less(t, b.After(0, 0.999), 1200*time.Millisecond)
}
