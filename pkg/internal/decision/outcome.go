package decision

import (
	"errors"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Unknown is the word for an outcome that is not known, which package anchor has no word for.
const Unknown anchor.OutcomeKind = "unknown"

// Outcome is what is said of an attempt. Amount (a decimal number) and Asset (SEP-38 asset id) are what it moves, where it moves
// anything.
type Outcome struct {
	Key        anchor.PayoutKey   `json:"key"`
	Outcome    anchor.OutcomeKind `json:"outcome"`
	Amount     string             `json:"amount"`
	Asset      string             `json:"asset"`
	ExternalID string             `json:"external_id"`
	Why        string             `json:"why"`
	Needs      []Need             `json:"needs"`
}

// Need is a datum without which a payout cannot go on.
type Need struct {
	Of          anchor.Party `json:"of"`
	Field       string       `json:"field"`
	Problem     string       `json:"problem"`
	Description string       `json:"description"`
	Choices     []string     `json:"choices"`
	Optional    bool         `json:"optional"`
}

// Moves tells whether the outcome says that money goes, or went, to the recipient.
func (o Outcome) Moves() bool {
	return o.Outcome == anchor.OutcomeDelivered || o.Outcome == anchor.OutcomeAccepted
}

// Read makes an outcome of what was said; amount and asset are for the caller to compare. An error says what is missing.
func (o Outcome) Read() (anchor.Outcome, error) {
	switch o.Outcome {
	case Unknown:
		return anchor.Outcome{}, nil
	case anchor.OutcomeDelivered:
		return anchor.Delivered(o.ExternalID), nil
	case anchor.OutcomeAccepted:
		return anchor.Accepted(o.ExternalID), nil
	case anchor.OutcomeNeedsInfo:
		return o.readNeeds()
	case anchor.OutcomeNotKnown:
		return anchor.NotKnown(), nil
	default:
		return o.readReason()
	}
}

// readReason reads the outcomes that must say why.
func (o Outcome) readReason() (anchor.Outcome, error) {
	says := map[anchor.OutcomeKind]func(string) anchor.Outcome{
		anchor.OutcomeFailed: anchor.Failed, anchor.OutcomeRefund: anchor.Refund,
		anchor.OutcomeNotSent: anchor.NotSent, anchor.OutcomeReturned: anchor.Returned,
	}[o.Outcome]
	switch {
	case says == nil:
		return anchor.Outcome{}, errors.New("the outcome is none that the contract has")
	case o.Why == "":
		return anchor.Outcome{}, errors.New("an outcome that must say why does not")
	}
	return says(o.Why), nil
}

func (o Outcome) readNeeds() (anchor.Outcome, error) {
	needs := make([]anchor.Need, len(o.Needs))
	for i, n := range o.Needs {
		known := n.Of == anchor.PartySender || n.Of == anchor.PartyReceiver || n.Of == anchor.PartyTransaction
		if !known || n.Field == "" {
			return anchor.Outcome{}, errors.New("what is needed must name a field, of sender, receiver or transaction")
		}
		needs[i] = anchor.Need(n)
	}
	if len(needs) == 0 {
		return anchor.Outcome{}, errors.New("needs_info must name what is needed")
	}
	return anchor.NeedsInfo(needs...), nil
}
