package payouts

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	settlers   = 2               // how many database transactions record answers at once
	settleMost = 64              // answers that one of them records
	lookAgain  = time.Second     // while calls are in flight and there was nothing to claim
	lastWords  = 5 * time.Second // for recording answers after the hard end
)

// Execute is one pass of execute-outgoing: it claims payouts that are ready, oldest first, and sends them, never more than
// Concurrency at once and always as many as there are slots for, until none is left. When soft ends it claims no more,
// lets calls in flight finish and gives back what it did not start; when hard ends the calls are cancelled too. It tells
// whether there was anything to do. Any number of passes may run at once, in any number of processes.
func (s *Service) Execute(soft, hard context.Context) (worked bool, err error) {
	p := newPass(s, hard)
	for soft.Err() == nil && err == nil {
		free := p.free()
		if free <= 0 {
			if p.idle() { // too many calls were left behind
				break
			}
			p.await(soft, nil)
			continue
		}
		var touched int
		if touched, err = p.claim(soft, free); touched > 0 {
			worked = true
			continue
		}
		if err != nil || p.idle() {
			break
		}
		p.await(soft, p.woken())
	}
	p.finish()
	if hard.Err() != nil { // told to stop at once: that a claim did not come about is no fault
		err = nil
	}
	return worked, err
}

// pass is one run of Execute.
type pass struct {
	*Service
	hard    context.Context
	record  context.Context // for storing answers; outlives hard a little
	end     context.CancelFunc
	answers chan answer
	changed chan struct{} // a slot became free or an answer was stored

	mu        sync.Mutex
	calling   int // calls in flight
	unsettled int // answers that are not stored yet

	calls, settling sync.WaitGroup
	wake            <-chan struct{}
}

func newPass(s *Service, hard context.Context) *pass {
	p := &pass{Service: s, hard: hard, changed: make(chan struct{}, 1), answers: make(chan answer, 4*s.Concurrency)}
	p.record, p.end = outliving(hard, lastWords)
	for range settlers {
		p.settling.Go(p.settleAll)
	}
	return p
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

// free is how many payouts may be claimed now: no more than there are slots, none while many answers wait to be stored or
// rails have left too many calls behind.
func (p *pass) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.abandoned.Load() >= int64(p.Concurrency) {
		return 0
	}
	return min(p.Concurrency-p.calling, 2*p.Concurrency-p.calling-p.unsettled)
}

// idle tells whether nothing is in flight and everything is stored.
func (p *pass) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calling == 0 && p.unsettled == 0
}

func (p *pass) count(calling, unsettled int) {
	p.mu.Lock()
	p.calling += calling
	p.unsettled += unsettled
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default: // it has not looked since the last one
	}
}

// await waits until something may have changed.
func (p *pass) await(soft context.Context, woken <-chan struct{}) {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-soft.Done():
	case <-p.changed:
	case <-woken:
	case <-timer.C:
	}
}

// woken is only subscribed to once a pass has to wait with slots free.
func (p *pass) woken() <-chan struct{} {
	if p.wake == nil {
		p.wake = p.db.Wake(p.record, store.TopicReady)
	}
	return p.wake
}

// claim claims and starts; it returns how many payouts it touched. The deadline of the calls counts from before the lease.
func (p *pass) claim(soft context.Context, limit int) (touched int, err error) {
	window, cancel := context.WithTimeout(p.hard, p.Lease/2)
	defer cancel()
	deadline, _ := window.Deadline()
	claims, parked, err := p.db.ClaimReady(window, p.terms(actorExecute, limit))
	if err != nil {
		return 0, err
	}
	p.parked(p.hard, parked)
	for i, c := range claims {
		if soft.Err() != nil {
			p.giveBack(claims[i:])
			break
		}
		p.count(1, 0)
		p.calls.Go(func() { p.send(c, deadline) })
	}
	return len(claims) + len(parked), nil
}

func (p *pass) giveBack(claims []store.Claim) {
	if err := p.db.ReleaseClaims(p.record, claims, actorExecute); err != nil {
		p.log.ErrorContext(p.hard, "claims could not be given back; they end with their leases", "payouts", len(claims), "error", err)
	}
}

// send makes one call and hands over what came of it.
func (p *pass) send(c store.Claim, deadline time.Time) {
	a := askRail(p.Service, p.hard, deadline, func(ctx context.Context) answer {
		return p.execute(ctx, c)
	}, p.late, answer{key: c.Key(), source: SourceExecute, fence: c.Payout.Fence, actor: actorExecute, why: "the rail did not answer in time"})
	p.answers <- a // there is room for as many as may be claimed
	p.count(-1, 1)
}

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

// settleAll stores answers, as many at once as there are.
func (p *pass) settleAll() {
	for first := range p.answers {
		group := []answer{first}
		for more := true; more && len(group) < settleMost; {
			select {
			case a, open := <-p.answers:
				if more = open; open {
					group = append(group, a)
				}
			default:
				more = false
			}
		}
		p.store(group)
		p.count(0, -len(group))
	}
}

// store settles a group, and each alone if that does not work, so that one cannot keep the others from being stored.
func (p *pass) store(group []answer) {
	err := p.settle(p.record, group...)
	if err == nil || errors.Is(err, errUnknownKey) {
		return
	}
	if len(group) > 1 {
		p.log.WarnContext(p.hard, "answers are stored one by one", "error", err)
	}
	for _, a := range group {
		p.keep(p.record, a)
	}
}

// keep stores one answer, trying again while its lease may last.
func (s *Service) keep(ctx context.Context, a answer) {
	ctx, cancel := context.WithTimeout(ctx, s.Lease)
	defer cancel()
	wait := Backoff{First: 50 * time.Millisecond, Max: 5 * time.Second}
	for try := int64(0); ; try++ {
		err := s.settle(ctx, a)
		if err == nil || errors.Is(err, errUnknownKey) {
			return
		}
		timer := time.NewTimer(wait.After(try, spread()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			s.mislaid.Add(1)
			s.log.ErrorContext(ctx, "an answer of a rail could not be stored; it will have to be asked again",
				"key", printable(a.key), "outcome", kindOf(a.outcome), "error", err)
			return
		}
	}
}

// finish waits until every call has ended, or was given up, and everything is stored.
func (p *pass) finish() {
	p.calls.Wait()
	close(p.answers)
	p.settling.Wait()
	p.end()
}
