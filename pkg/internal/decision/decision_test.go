package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/decision"
)

func TestAnOutcome_is_read_as_what_it_says(t *testing.T) {
	t.Parallel()
	need := decision.Need{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "closed"}
	for _, c := range []struct {
		said decision.Outcome
		want anchor.Outcome
	}{
		{decision.Outcome{Outcome: anchor.OutcomeDelivered, ExternalID: "B"}, anchor.Delivered("B")},
		{decision.Outcome{Outcome: anchor.OutcomeAccepted, ExternalID: "B"}, anchor.Accepted("B")},
		{decision.Outcome{Outcome: anchor.OutcomeFailed, Why: "no"}, anchor.Failed("no")},
		{decision.Outcome{Outcome: anchor.OutcomeRefund, Why: "no"}, anchor.Refund("no")},
		{decision.Outcome{Outcome: anchor.OutcomeNotSent, Why: "no"}, anchor.NotSent("no")},
		{decision.Outcome{Outcome: anchor.OutcomeReturned, Why: "no"}, anchor.Returned("no")},
		{decision.Outcome{Outcome: anchor.OutcomeNotKnown}, anchor.NotKnown()},
		{decision.Outcome{Outcome: decision.Unknown}, anchor.Outcome{}},
		{decision.Outcome{Outcome: anchor.OutcomeNeedsInfo, Needs: []decision.Need{need}}, anchor.NeedsInfo(anchor.Need(need))},
	} {
		got, err := c.said.Read()
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, got.Kind() == anchor.OutcomeDelivered || got.Kind() == anchor.OutcomeAccepted, c.said.Moves())
	}
}

func TestAnOutcomeThatIsShortOfWhatItMustSay_is_none(t *testing.T) {
	t.Parallel()
	for _, said := range []decision.Outcome{
		{}, {Outcome: "Delivered"}, {Outcome: anchor.OutcomeFailed}, {Outcome: anchor.OutcomeRefund}, {Outcome: anchor.OutcomeNotSent},
		{Outcome: anchor.OutcomeReturned}, {Outcome: anchor.OutcomeNeedsInfo},
		{Outcome: anchor.OutcomeNeedsInfo, Needs: []decision.Need{{Of: "bank", Field: "a"}}}, {Outcome: anchor.OutcomeNeedsInfo, Needs: []decision.Need{{Of: anchor.PartySender}}},
	} {
		got, err := said.Read()
		require.Error(t, err, said)
		require.Equal(t, anchor.OutcomeUnknown, got.Kind())
	}
}

func TestAVerdict_is_read_whole_or_not_at_all(t *testing.T) {
	t.Parallel()
	version := int64(7)
	got, err := decision.Verdict{
		Type: "t", Version: &version, Status: anchor.CustomerRejected, Message: "on\na list", Fields: map[string]decision.FieldVerdict{"a": {Status: anchor.FieldVerificationRequired, Code: "1"}},
	}.Read()
	require.NoError(t, err)
	require.Equal(t, anchor.Verdict{
		Type: "t", Version: 7, Status: anchor.CustomerRejected, Message: "on a list", Fields: map[string]anchor.FieldVerdict{"a": {Status: anchor.FieldVerificationRequired, Code: "1"}},
	}, got)
	for _, said := range []decision.Verdict{
		{}, {Status: "accepted"}, {Status: anchor.CustomerRejected}, {Status: anchor.CustomerAccepted, Fields: map[string]decision.FieldVerdict{"a": {}}},
	} {
		_, err := said.Read()
		require.Error(t, err, said)
	}
}
