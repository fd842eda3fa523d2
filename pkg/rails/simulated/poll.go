package simulated

import (
	"context"
	"os"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// mostNews is of how many payouts a poll tells that they came back without being asked about them.
const mostNews = 10

// PollOutgoing answers every key, those that the bank does not know included, unless it is to misbehave. Of money that came
// back it tells once without being asked.
func (b *bank) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	fault := b.fault(MethodPoll, anchor.Payout{})
	switch fault {
	case FaultPollError:
		return nil, errInternal
	case FaultPollLost:
		<-ctx.Done()
		return nil, errNoAnswer
	case FaultPollEndless:
		pass(context.WithoutCancel(ctx), b.FaultFor)
	default:
	}
	faults := make([]Fault, len(open)) // drawn before the ledger is locked: whoever decides may look into it
	for i, p := range open {
		faults[i] = b.fault(MethodAnswer, p)
	}
	answers := make(map[anchor.PayoutKey]anchor.Outcome, len(open))
	err := b.ledger.with(ctx, func(*os.File) error {
		for i, p := range open {
			if outcome, said := b.answer(p, faults[i]); said {
				answers[p.Key] = outcome
			}
		}
		b.tellReturns(answers)
		if fault == FaultPollStrangers {
			b.addStrangers(answers)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// answer says what became of a payout, or something else, or nothing; the ledger is locked.
func (b *bank) answer(p anchor.Payout, fault Fault) (o anchor.Outcome, said bool) {
	line, known := b.ledger.find(p.Key)
	paid := known && !line.Refused
	known = known && !line.KnownAt.After(b.Now())
	switch {
	case fault == FaultAnswerMissing:
		return anchor.Outcome{}, false
	case fault == FaultAnswerNonsense:
		return anchor.Outcome{}, true
	case fault == FaultAnswerNotKnown, !known:
		return anchor.NotKnown(), true
	case fault == FaultAnswerOpposite && paid:
		return anchor.Failed("the simulated bank contradicts its ledger"), true
	case fault == FaultAnswerDelivered && paid:
		return anchor.Delivered(line.ExternalID), true
	}
	return b.outcome(line), true
}

// tellReturns adds what came back and was not asked about; the ledger is locked.
func (b *bank) tellReturns(answers map[anchor.PayoutKey]anchor.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, news := b.Now(), 0
	for _, i := range b.ledger.coming {
		if news == mostNews {
			return
		}
		line := b.ledger.payments[i]
		if _, asked := answers[line.Key]; asked || b.told[line.Key] || !line.returned(now) {
			continue
		}
		answers[line.Key], b.told[line.Key] = b.outcome(line), true
		news++
	}
}

// addStrangers adds an answer about a payout that nobody made, and repeats one about the oldest that was not asked about;
// the ledger is locked.
func (b *bank) addStrangers(answers map[anchor.PayoutKey]anchor.Outcome) {
	answers[anchor.NewPayoutKey("nobody's transaction", 1, 1)] = anchor.Delivered("SIM-NOBODY")
	old := slices.IndexFunc(b.ledger.payments, func(p Payment) bool {
		_, asked := answers[p.Key]
		return !asked
	})
	if old >= 0 {
		answers[b.ledger.payments[old].Key] = b.outcome(b.ledger.payments[old])
	}
}
