package anchor_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestAn_outcome_that_says_nothing_is_unknown(t *testing.T) {
	t.Parallel()
	var o anchor.Outcome
	require.Equal(t, anchor.OutcomeUnknown, o.Kind())
	answers := map[anchor.PayoutKey]anchor.Outcome{}
	require.Equal(t, anchor.OutcomeUnknown, answers["never asked"].Kind())
}

func TestOutcomes_say_what_they_were_made_to_say(t *testing.T) {
	t.Parallel()
	need := anchor.Need{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "closed"}
	for _, c := range []struct {
		made             anchor.Outcome
		kind             anchor.OutcomeKind
		externalID, why  string
		needsInformation int
	}{
		{anchor.Delivered("b-1"), anchor.OutcomeDelivered, "b-1", "", 0},
		{anchor.Accepted("b-2"), anchor.OutcomeAccepted, "b-2", "", 0},
		{anchor.Failed("closed"), anchor.OutcomeFailed, "", "closed", 0},
		{anchor.NeedsInfo(need), anchor.OutcomeNeedsInfo, "", "", 1},
		{anchor.NotSent("no line"), anchor.OutcomeNotSent, "", "no line", 0},
		{anchor.NotKnown(), anchor.OutcomeNotKnown, "", "", 0},
		{anchor.Returned("wrong name"), anchor.OutcomeReturned, "", "wrong name", 0},
		{anchor.NeedsInfo(), anchor.OutcomeFailed, "", "the rail asked for information without naming any", 0},
	} {
		require.Equal(t, c.kind, c.made.Kind())
		require.Equal(t, c.externalID, c.made.ExternalID())
		require.Equal(t, c.why, c.made.Why())
		require.Len(t, c.made.Needs(), c.needsInformation)
	}
}

func TestWhat_an_outcome_needs_cannot_be_changed_from_outside(t *testing.T) {
	t.Parallel()
	given := []anchor.Need{{Field: "a"}}
	o := anchor.NeedsInfo(given...)
	given[0].Field = "b"
	o.Needs()[0].Field = "c"
	require.Equal(t, "a", o.Needs()[0].Field)
}

func TestPayout_keys_follow_from_what_they_name(t *testing.T) {
	t.Parallel()
	// Banks know payouts by these keys: they must never change.
	require.Equal(t, anchor.PayoutKey("7d0c74ad-08b5-8a8f-98f3-f52d25d03e80"), anchor.NewPayoutKey("0198c0de-0000-7000-8000-000000000001", 1, 1))

	seen := map[anchor.PayoutKey]string{}
	for _, transaction := range []string{"", "1", "11", "1\x001", uuid.NewString(), uuid.NewString()} {
		for payout := range int64(12) {
			for attempt := range int64(12) {
				name := fmt.Sprintf("%q %d %d", transaction, payout, attempt)
				k := anchor.NewPayoutKey(transaction, payout, attempt)
				require.Equal(t, k, anchor.NewPayoutKey(transaction, payout, attempt))
				require.Emptyf(t, seen[k], "%s has the key of %s", name, seen[k])
				seen[k] = name
			}
		}
	}
}

func TestPayout_keys_have_the_form_of_a_UUID_of_custom_data(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := anchor.NewPayoutKey(rapid.String().Draw(t, "transaction"), rapid.Int64().Draw(t, "payout"), rapid.Int64().Draw(t, "attempt"))
		id, err := uuid.Parse(string(k))
		require.NoError(t, err)
		require.Equal(t, uuid.Version(8), id.Version())
		require.Equal(t, uuid.RFC4122, id.Variant())
	})
}
