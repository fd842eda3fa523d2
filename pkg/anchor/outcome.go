package anchor

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// OutcomeKind is what a rail says became of an attempt.
type OutcomeKind string

// The kinds of outcome. OutcomeUnknown is the zero value on purpose: whatever is not said is not known.
const (
	OutcomeUnknown   OutcomeKind = ""
	OutcomeDelivered OutcomeKind = "delivered"
	OutcomeAccepted  OutcomeKind = "accepted"
	OutcomeFailed    OutcomeKind = "failed"
	OutcomeNeedsInfo OutcomeKind = "needs_info"
	OutcomeNotSent   OutcomeKind = "not_sent"
	OutcomeNotKnown  OutcomeKind = "not_known"
	OutcomeReturned  OutcomeKind = "returned"
	OutcomeRefund    OutcomeKind = "refund"
)

// Outcome is an answer of a rail about one attempt. The zero Outcome is *unknown*: the money may or may not have left.
// Texts in it are shown to operators; they must not hold personal data.
type Outcome struct {
	kind       OutcomeKind
	externalID string
	why        string
	needs      []Need
}

// Need is one datum without which a payout cannot go on.
type Need struct {
	Of          Party  // whose datum it is
	Field       string // SEP-9 name, or name of a transaction field
	Problem     string // what is wrong with the present value, for the sending anchor
	Description string // what is asked for; empty: the description that Info or the customer type gives
	Choices     []string
	Optional    bool
}

// Party is a side of a transaction.
type Party string

// The parties whose data a payout can need; PartyTransaction are the (deprecated) transaction fields of SEP-31.
const (
	PartySender      Party = "sender"
	PartyReceiver    Party = "receiver"
	PartyTransaction Party = "transaction"
)

// Delivered says that the recipient has the money. externalID is the rail's own reference.
func Delivered(externalID string) Outcome {
	return Outcome{kind: OutcomeDelivered, externalID: CleanText(externalID)}
}

// Accepted says that the rail has taken the payout on and will deliver it or say that it failed; it will be polled.
func Accepted(externalID string) Outcome {
	return Outcome{kind: OutcomeAccepted, externalID: CleanText(externalID)}
}

// Failed says that the payout was definitively not made and never will be under this key.
func Failed(why string) Outcome { return Outcome{kind: OutcomeFailed, why: CleanText(why)} }

// Refund says that the payout was definitively not made and cannot be made at all: the money goes back to who paid it.
func Refund(why string) Outcome { return Outcome{kind: OutcomeRefund, why: CleanText(why)} }

// NeedsInfo says that the payout was definitively not made because data are wrong or missing; once they are given it is
// tried again under a new key. Without needs it is the same as Failed.
func NeedsInfo(needs ...Need) Outcome {
	if len(needs) == 0 {
		return Failed("the rail asked for information without naming any")
	}
	needs = slices.Clone(needs)
	for i, n := range needs {
		needs[i].Field, needs[i].Problem, needs[i].Description = CleanText(n.Field), CleanText(n.Problem), CleanText(n.Description)
	}
	return Outcome{kind: OutcomeNeedsInfo, needs: needs}
}

// NotSent says that the attempt certainly never left: it may be sent again, later, under the same key.
func NotSent(why string) Outcome { return Outcome{kind: OutcomeNotSent, why: CleanText(why)} }

// NotKnown answers a poll: the rail knows nothing of this key. It is no outcome; see Rail.NotKnownFinalAfter.
func NotKnown() Outcome { return Outcome{kind: OutcomeNotKnown} }

// Returned says that a payout which had been delivered or accepted came back.
func Returned(why string) Outcome { return Outcome{kind: OutcomeReturned, why: CleanText(why)} }

// Kind is what the outcome says.
func (o Outcome) Kind() OutcomeKind { return o.kind }

// ExternalID is the rail's own reference; may be empty.
func (o Outcome) ExternalID() string { return o.externalID }

// Why is the reason of a failure, for operators.
func (o Outcome) Why() string { return o.why }

// Needs lists what a NeedsInfo outcome asks for.
func (o Outcome) Needs() []Need { return slices.Clone(o.needs) }

// PayoutKey names one attempt towards the rail: the idempotency key under which a bank must recognise a resend.
type PayoutKey string

// NewPayoutKey derives the key of an attempt. The same arguments always give the same key, also in a database that was
// restored from an older copy, so that a repeated payout is the same payout to the bank. It has the form of a UUID.
func NewPayoutKey(transactionID string, payoutNumber, attemptNumber int64) PayoutKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "payout\x00%s\x00%d\x00%d", transactionID, payoutNumber, attemptNumber))
	id, _ := uuid.FromBytes(sum[:16]) // never fails for 16 bytes
	id[6] = id[6]&0x0f | 0x80         // version 8: made of custom data (RFC 9562)
	id[8] = id[8]&0x3f | 0x80
	return PayoutKey(id.String())
}
