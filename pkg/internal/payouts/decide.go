package payouts

import (
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Source is who gave an answer about an attempt.
type Source string

// The sources of answers. Only the executor and the poller hold claims.
const (
	SourceExecute  Source = "execute"  // what the call of ExecuteOutgoing returned
	SourcePoll     Source = "poll"     // what PollOutgoing returned
	SourceReport   Source = "report"   // what the business reported by itself
	SourceOperator Source = "operator" // what an operator found out
)

// Situation is everything that Decide looks at besides the outcome itself.
type Situation struct {
	Payout  anchor.PayoutState
	Attempt anchor.AttemptState
	Present bool // the payout has no later attempt
	Source  Source
	Claimed bool  // the answer comes under a claim that still holds: same fence
	Batched bool  // the attempt is in a batch: only what the bank says of it for good is news, for it is never sent again
	Sends   int64 // how often the attempt may have left
	// FirstSentUs is when it first did. EndedUs is when it was recorded that its outcome is unknown: the last call had ended by
	// then, or could not be made any more. NowUs is the database's clock.
	FirstSentUs, EndedUs, NowUs int64
	Tries                       int64   // how often it was tried again, or asked about, without news
	Spread                      float64 // random, from 0 to below 1: so that retries do not come together
}

// Rules are what may be relied on about a rail, and how long to wait.
type Rules struct {
	NotKnownFinalAfter, SameKeySafeFor time.Duration // as in anchor.Rail
	Retry, Poll                        Backoff
}

// Move is what an answer changes. Its zero value changes nothing.
type Move struct {
	// Used tells that the answer had a say; those that came too late, or say what is known already, have none.
	Used    bool
	Attempt anchor.AttemptState // what it becomes; empty: it stays
	Payout  anchor.PayoutState  // what it becomes; empty: it stays. A payout that failed or was returned gives its units back
	Cause   anchor.Cause        // what happens to the transaction; empty: nothing
	// NeedsInfo means that the attempt has failed for want of data: what the payout becomes follows from whose they are.
	NeedsInfo bool
	// TooEarly means that the answer is kept and cannot count yet: it has to be given again.
	TooEarly bool
	// Refund means that what the transaction holds after that goes back to who paid it.
	Refund bool
	// Conflict is what contradicts what was recorded before; the transaction is left to an operator.
	Conflict string
	// Sends is how often the attempt may have left after this answer.
	Sends int64
	// Wait is how long to wait before it is tried or asked about again. Postpone: nothing else changes.
	Wait     time.Duration
	Postpone bool
}

// Decide says what an outcome changes. It is pure; all of invariants I5 and I6 that follow an answer is here.
func Decide(s Situation, o anchor.Outcome, r Rules) Move {
	switch {
	case s.open():
		return s.decideOpen(o, r)
	case s.Attempt == anchor.AttemptDelivered && s.Payout == anchor.PayoutDelivered:
		return s.decideDelivered(o)
	default:
		return s.decideOver(o)
	}
}

// open tells whether the outcome of the attempt is not known for good.
func (s Situation) open() bool {
	if !s.Present || s.Attempt == anchor.AttemptFailed || s.Attempt == anchor.AttemptDelivered {
		return false
	}
	switch s.Payout {
	case anchor.PayoutWaiting, anchor.PayoutReady, anchor.PayoutSending, anchor.PayoutUnknown, anchor.PayoutAccepted:
		return true
	default:
		return false
	}
}

func (s Situation) decideOpen(o anchor.Outcome, r Rules) Move {
	if s.comesAgain() && endsIt(o) {
		return Move{TooEarly: true, Sends: s.Sends}
	}
	switch o.Kind() {
	case anchor.OutcomeDelivered:
		return s.definitive(anchor.AttemptDelivered, anchor.PayoutDelivered, anchor.CausePayoutDelivered)
	case anchor.OutcomeFailed:
		return s.definitive(anchor.AttemptFailed, anchor.PayoutFailed, anchor.CausePayoutFailed)
	case anchor.OutcomeRefund:
		move := s.definitive(anchor.AttemptFailed, anchor.PayoutFailed, anchor.CausePayoutFailed)
		move.Refund = true
		return move
	case anchor.OutcomeReturned: // it came back before anybody had heard that it was delivered
		return s.definitive(anchor.AttemptFailed, anchor.PayoutReturned, anchor.CausePayoutFailed)
	case anchor.OutcomeNeedsInfo:
		return Move{Used: true, Attempt: anchor.AttemptFailed, NeedsInfo: true, Sends: s.Sends}
	case anchor.OutcomeAccepted:
		return s.accepted(r)
	case anchor.OutcomeNotSent:
		return s.notSent(r)
	case anchor.OutcomeNotKnown:
		return s.notKnown(r)
	default:
		return s.unknown(r)
	}
}

// comesAgain tells whether the attempt is in a batch that is being handed over: until that is done it may come again, so
// nothing that is said of it meanwhile makes it safe to pay under another key, or to send the money back.
func (s Situation) comesAgain() bool {
	return s.Batched && s.Payout == anchor.PayoutSending && s.Source != SourceExecute
}

// endsIt tells whether an outcome says that the attempt did not pay and never will.
func endsIt(o anchor.Outcome) bool {
	return slices.Contains([]anchor.OutcomeKind{
		anchor.OutcomeFailed, anchor.OutcomeRefund, anchor.OutcomeReturned, anchor.OutcomeNeedsInfo,
	}, o.Kind())
}

func (s Situation) definitive(a anchor.AttemptState, p anchor.PayoutState, c anchor.Cause) Move {
	return Move{Used: true, Attempt: a, Payout: p, Cause: c, Sends: s.Sends}
}

func (s Situation) accepted(r Rules) Move {
	if s.Attempt == anchor.AttemptAccepted {
		return s.noNews(r)
	}
	return Move{
		Used: true, Attempt: anchor.AttemptAccepted, Payout: anchor.PayoutAccepted, Cause: anchor.CausePayoutAccepted,
		Sends: s.Sends, Wait: r.Poll.After(0, s.Spread),
	}
}

// notSent concerns one sending if the executor says it, and the attempt as a whole if the poller does. It is believed only
// of whoever holds the claim: somebody else's news are of an earlier sending.
func (s Situation) notSent(r Rules) Move {
	again := Move{
		Used: true, Attempt: anchor.AttemptNotSent, Payout: anchor.PayoutReady, Wait: r.Retry.After(s.Tries, s.Spread),
	}
	switch {
	case s.Batched:
	case s.Source == SourceExecute && s.sending():
		again.Sends = max(0, s.Sends-1)
		if again.Sends > 0 { // an earlier sending may have left
			again.Attempt = anchor.AttemptUnknown
		}
		return again
	case s.Source == SourcePoll && s.Claimed && s.Attempt == anchor.AttemptUnknown:
		return again
	}
	return s.noNews(r)
}

// notKnown permits a resend under the same key where the rail declared that it can be relied on, and decides nothing else.
func (s Situation) notKnown(r Rules) Move {
	if s.Source == SourceExecute {
		return s.unknown(r)
	}
	final := r.NotKnownFinalAfter > 0 && s.EndedUs+r.NotKnownFinalAfter.Microseconds() <= s.NowUs
	recognised := r.SameKeySafeFor > 0 && s.FirstSentUs+r.SameKeySafeFor.Microseconds() > s.NowUs
	asked := s.Source == SourcePoll && s.Claimed && s.Attempt == anchor.AttemptUnknown && s.Payout == anchor.PayoutUnknown
	if final && recognised && asked && !s.Batched {
		return Move{Used: true, Payout: anchor.PayoutReady, Sends: s.Sends}
	}
	return s.noNews(r)
}

func (s Situation) unknown(r Rules) Move {
	if s.Source == SourceExecute && s.sending() {
		return Move{
			Used: true, Attempt: anchor.AttemptUnknown, Payout: anchor.PayoutUnknown, Sends: s.Sends, Wait: r.Poll.After(0, s.Spread),
		}
	}
	return s.noNews(r)
}

// sending tells whether the claim under which the rail was called still holds.
func (s Situation) sending() bool {
	return s.Claimed && s.Payout == anchor.PayoutSending && s.Attempt == anchor.AttemptSending
}

// noNews leaves everything as it is; a poller that holds the claim gives it back until the next time.
func (s Situation) noNews(r Rules) Move {
	underWay := s.Payout == anchor.PayoutUnknown || s.Payout == anchor.PayoutAccepted
	if s.Source != SourcePoll || !s.Claimed || !underWay {
		return Move{Sends: s.Sends}
	}
	return Move{Sends: s.Sends, Postpone: true, Wait: r.Poll.After(s.Tries+1, s.Spread)}
}

// decideDelivered: only a contradiction, or the money coming back, is news.
func (s Situation) decideDelivered(o anchor.Outcome) Move {
	switch o.Kind() {
	case anchor.OutcomeReturned:
		return Move{
			Used: true, Payout: anchor.PayoutReturned, Cause: anchor.CausePayoutReturned, Sends: s.Sends,
			Conflict: "returned after it was delivered",
		}
	case anchor.OutcomeFailed, anchor.OutcomeRefund, anchor.OutcomeNeedsInfo:
		return s.contradiction(o, "delivered")
	default:
		return Move{Sends: s.Sends}
	}
}

// decideOver is about attempts that have failed, or whose payout has ended: only money that went out after all is news.
func (s Situation) decideOver(o anchor.Outcome) Move {
	switch {
	case o.Kind() == anchor.OutcomeDelivered && s.Attempt != anchor.AttemptDelivered:
		return s.contradiction(o, s.end())
	case o.Kind() == anchor.OutcomeAccepted && s.Payout == anchor.PayoutCancelled:
		return s.contradiction(o, s.end())
	default:
		return Move{Sends: s.Sends}
	}
}

func (s Situation) end() string {
	if s.Payout == anchor.PayoutCancelled || s.Payout == anchor.PayoutReturned {
		return string(s.Payout)
	}
	return string(anchor.AttemptFailed)
}

func (s Situation) contradiction(o anchor.Outcome, before string) Move {
	return Move{Used: true, Sends: s.Sends, Conflict: fmt.Sprintf("%s after it was %s", o.Kind(), before)}
}

// Backoff is a wait that doubles with every try, from First to Max.
type Backoff struct{ First, Max time.Duration }

// After is the wait after so many tries, a fifth longer or shorter as spread (from 0 to below 1) says.
func (b Backoff) After(tries int64, spread float64) time.Duration {
	wait := b.First
	for range min(tries, 32) {
		if wait >= b.Max {
			break
		}
		wait *= 2
	}
	wait = min(wait, b.Max)
	return time.Duration(float64(wait) * (0.8 + 0.4*spread))
}
