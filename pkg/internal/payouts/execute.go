package payouts

import (
	"context"
	"errors"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Execute is one pass of execute-outgoing: it claims payouts that are ready, oldest first, and sends them, until none is left
// that its rail takes now: one that is closed, paused or at a limit ends nothing and is waited for by nobody. The rails are
// worked for side by side, each with Concurrency slots of its own and always as many calls as there are slots for, so that one
// that hangs delays no other. When soft ends it claims no more, lets calls in flight finish and gives back what it did not
// start; when hard ends the calls are cancelled too. It tells whether there was anything to do. Any number of passes may run at
// once, in any number of processes.
func (s *Service) Execute(soft, hard context.Context) (worked bool, err error) {
	worked, err = s.eachRail(soft, hard, store.TopicReady, func(rail string, nudge <-chan struct{}) (bool, error) {
		if _, usable := s.rails[rail]; !usable {
			return s.parkForeign(soft, hard, rail)
		}
		if s.rails[rail].Batch != nil {
			return s.passBatches(soft, hard, rail)
		}
		return newPass(s, hard, rail).run(soft, nudge)
	})
	if hard.Err() != nil {
		return worked, nil //nolint:nilerr // told to stop at once: that a claim did not come about is no fault
	}
	if !worked && err == nil {
		err = s.db.Restored(hard)
	}
	return worked, err
}

// parkForeign hands payouts to an operator whose rail is not configured here.
func (s *Service) parkForeign(soft, hard context.Context, rail string) (worked bool, err error) {
	for soft.Err() == nil {
		terms := s.terms(actorExecute, rail, foreignAtOnce)
		terms.NotConfigured = true
		claimed, err := s.db.ClaimReady(hard, terms)
		if err != nil || len(claimed.Parked) == 0 {
			return worked, err
		}
		worked = true
		s.parked(hard, claimed.Parked)
	}
	return worked, nil
}

// foreignAtOnce is how many payouts are parked in one database transaction.
const foreignAtOnce = 50

// execute calls the rail; whatever goes wrong, the outcome is unknown.
func (s *Service) execute(ctx context.Context, c store.Claim) (a answer) {
	a = answer{key: c.Key(), source: SourceExecute, fence: c.Payout.Fence, actor: actorExecute}
	defer func() {
		if value := recover(); value != nil {
			s.panicked(ctx, c.Payout.Rail, value)
			a.outcome, a.why = anchor.Outcome{}, "the rail panicked"
		}
	}()
	if over(ctx) { // the process was stopped for a while: somebody else may have the payout by now, or an operator may have ended it
		a.outcome = anchor.NotSent("the time for calling the rail was over before it began")
		return a
	}
	outcome, err := s.rails[c.Payout.Rail].ExecuteOutgoing(ctx, c.Request)
	if err != nil {
		said := withoutPeople(err.Error(), c.Request)
		a.why = "the rail failed: " + said
		s.log.WarnContext(ctx, "a rail failed; what became of the payout is unknown", "rail", c.Payout.Rail, "payout", c.Payout.ID, "key", c.Key(), "error", said)
		return a
	}
	a.outcome, a.why = outcome, withoutPeople(outcome.Why(), c.Request)
	return a
}

// over tells whether the time of a call has ended, also where nobody has had the time yet to end its context.
func over(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && time.Until(deadline) <= 0
}

// late stores the answer of a call that was given up: it may still be the truth about the attempt.
func (s *Service) late(a answer) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Lease)
	defer cancel()
	s.keep(ctx, a)
}

// keep stores one answer, trying again while its lease may last.
func (s *Service) keep(ctx context.Context, a answer) {
	ctx, cancel := context.WithTimeout(ctx, s.Lease)
	defer cancel()
	wait := Backoff{First: 50 * time.Millisecond, Max: 5 * time.Second}
	var cause error
	for try := int64(0); ; try++ {
		err := s.settle(ctx, a)
		if err == nil || errors.Is(err, errUnknownKey) {
			return
		}
		if cause == nil || ctx.Err() == nil { // that the time is over explains nothing
			cause = err
		}
		timer := time.NewTimer(wait.After(try, spread()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			s.mislaid.Add(1)
			s.log.ErrorContext(ctx, "an answer of a rail could not be stored; it will have to be asked again",
				"key", printable(a.key), "outcome", kindOf(a.outcome), "error", cause)
			return
		}
	}
}

// outliving is a context that ends some time after ctx.
func outliving(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-longer.Done():
		}
		cancel()
	})
	return longer, func() {
		stop()
		cancel()
	}
}
