package simulated

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Method is what the bank is doing when something goes wrong.
type Method string

// The methods. A poll is one call; what it answers about each payout is decided apart from it.
const (
	MethodExecute Method = "execute" // ExecuteOutgoing
	MethodPoll    Method = "poll"    // PollOutgoing as a whole
	MethodAnswer  Method = "answer"  // what a poll answers about one payout
)

// Call is an occasion on which something can go wrong.
type Call struct {
	Method Method
	Payout anchor.Payout // zero for MethodPoll
	Number int           // how many such calls, of this payout, there were before at this opened bank
}

// Fault is what goes wrong. Each is possible in one method; in another one it is no fault. The ledger stays true: the
// faults concern what is said, and when.
type Fault string

// Faults of MethodExecute. Where the bank pays, it pays under the key as always: a payout that is in the ledger is not
// paid again.
const (
	FaultRefused     Fault = "refused"      // refuses for good: Failed
	FaultNotSent     Fault = "not_sent"     // pays nothing and says so: NotSent
	FaultErrorBefore Fault = "error_before" // pays nothing: an error
	FaultErrorAfter  Fault = "error_after"  // pays: an error
	FaultLostBefore  Fault = "lost_before"  // pays nothing: no answer until the context ends
	FaultLostAfter   Fault = "lost_after"   // pays: no answer until the context ends
	FaultNonsense    Fault = "nonsense"     // pays: an outcome that says nothing
	FaultForgotten   Fault = "forgotten"    // pays: an error, and it says NotKnown for Options.FaultFor
	FaultReturned    Fault = "returned"     // pays, and the money comes back Options.FaultFor after its delivery
	FaultEndless     Fault = "endless"      // pays: no answer for Options.FaultFor, whatever becomes of the context
)

// Faults of MethodPoll.
const (
	FaultPollError     Fault = "poll_error"     // an error
	FaultPollLost      Fault = "poll_lost"      // no answer until the context ends
	FaultPollEndless   Fault = "poll_endless"   // no answer for Options.FaultFor, whatever becomes of the context
	FaultPollStrangers Fault = "poll_strangers" // besides, answers about a key that nobody has, and about an old payout again
)

// Faults of MethodAnswer.
const (
	FaultAnswerMissing   Fault = "answer_missing"   // says nothing about the payout
	FaultAnswerNonsense  Fault = "answer_nonsense"  // an outcome that says nothing
	FaultAnswerNotKnown  Fault = "answer_not_known" // says that it does not know the payout, also when it has paid
	FaultAnswerOpposite  Fault = "answer_opposite"  // says Failed of what is paid; of the rest the truth
	FaultAnswerDelivered Fault = "answer_delivered" // says Delivered of what is paid, also before it is; of the rest the truth
)

// FaultsOf lists the faults that are possible in a method.
func FaultsOf(m Method) []Fault {
	switch m {
	case MethodExecute:
		return []Fault{
			FaultRefused, FaultNotSent, FaultErrorBefore, FaultErrorAfter, FaultLostBefore, FaultLostAfter, FaultNonsense,
			FaultForgotten, FaultReturned, FaultEndless,
		}
	case MethodPoll:
		return []Fault{FaultPollError, FaultPollLost, FaultPollEndless, FaultPollStrangers}
	case MethodAnswer:
		return []Fault{FaultAnswerMissing, FaultAnswerNonsense, FaultAnswerNotKnown, FaultAnswerOpposite, FaultAnswerDelivered}
	default:
		return nil
	}
}

// Seeded misbehaves at random, each fault in its share (0 to 1) of the calls in which it is possible; where the shares of a
// method add up to more than 1, the last ones in the order of FaultsOf come too short. The same seed and the same call are
// the same fault. The function is for Options.Misbehave, and safe for concurrent use.
func Seeded(seed uint64, shares map[Fault]float64) func(Call) Fault {
	return func(c Call) Fault {
		drawn := c.draw(seed)
		for _, fault := range FaultsOf(c.Method) {
			if drawn -= shares[fault]; drawn < 0 {
				return fault
			}
		}
		return ""
	}
}

// draw is a number from 0 to below 1 that follows from the call.
func (c Call) draw(seed uint64) float64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %d", seed, c.Method, c.Payout.Key, c.Number))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// fault is what goes wrong with a call; what is not possible in its method is nothing.
func (b *bank) fault(m Method, p anchor.Payout) Fault {
	if b.Misbehave == nil {
		return ""
	}
	f := b.Misbehave(Call{Method: m, Payout: p, Number: b.count(m, p.Key)})
	if !slices.Contains(FaultsOf(m), f) {
		return ""
	}
	return f
}

// count is how many such calls there were before this one.
func (b *bank) count(m Method, key anchor.PayoutKey) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := counted{m, key}
	b.calls[of]++
	return b.calls[of] - 1
}

// counted is what calls are counted by.
type counted struct {
	method Method
	key    anchor.PayoutKey
}
