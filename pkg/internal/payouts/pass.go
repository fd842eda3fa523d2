package payouts

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	settlers   = 2               // how many database transactions record answers of a rail at once
	settleMost = 64              // answers that one of them records
	lookAgain  = time.Second     // while calls are in flight and there was nothing to claim
	lastWords  = 5 * time.Second // for recording answers after the hard end
)

// pass is one run of Execute for one rail.
type pass struct {
	*Service
	rail    string
	hard    context.Context
	record  context.Context // for storing answers; outlives hard a little
	end     context.CancelFunc
	answers chan answer
	changed chan struct{} // a slot became free or an answer was stored

	coming    atomic.Int64  // answers that no settler has taken yet, those of calls in flight among them
	gathering chan struct{} // full while a settler takes answers: two would share what one can store at once

	mu        sync.Mutex
	calling   int // calls in flight
	unsettled int // answers that are not stored yet

	calls, settling sync.WaitGroup
}

func newPass(s *Service, hard context.Context, rail string) *pass {
	p := &pass{
		Service: s, rail: rail, hard: hard, changed: make(chan struct{}, 1),
		answers: make(chan answer, 4*s.Concurrency), gathering: make(chan struct{}, 1),
	}
	p.record, p.end = outliving(hard, lastWords)
	for range settlers {
		p.settling.Go(p.settleAll)
	}
	return p
}

// run claims and sends until nothing is left that the rail takes now and everything is stored. It looks again when it is nudged.
func (p *pass) run(soft context.Context, nudge <-chan struct{}) (worked bool, err error) {
	defer p.finish()
	for more := true; more && err == nil && p.collect(soft); {
		var touched bool
		touched, more, err = p.step(soft, nudge)
		worked = worked || touched
	}
	return worked, err
}

// step claims and sends, or waits until that may bring something; more is false when there is nothing to wait for.
func (p *pass) step(soft context.Context, nudge <-chan struct{}) (touched, more bool, err error) {
	idle := p.idle() // before the rest: what was in flight then may have been what kept it from claiming, and be over by now
	free := p.free()
	if free <= 0 {
		if idle { // too many calls were left behind
			return false, false, nil
		}
		p.await(soft, nil)
		return false, true, nil
	}
	got, err := p.claim(soft, free)
	switch {
	case err != nil || got.touched > 0:
		return got.touched > 0, true, err
	case got.wait > 0 && got.wait <= lookAgain:
		p.rest(soft, got.wait)
	case idle:
		return false, false, nil
	default:
		p.await(soft, nudge)
	}
	return false, true, nil
}

// free is how many payouts may be claimed now: no more than there are slots, of which a call that the rail has left behind keeps
// its own, and none while many answers wait to be stored.
func (p *pass) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(p.Concurrency-p.calling-int(p.left.by(p.rail)), 2*p.Concurrency-p.calling-p.unsettled)
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

// rest waits for the rail's next turn.
func (p *pass) rest(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// claimed is what a claim came to: how many payouts it touched and, with none, how long the rail takes nothing.
type claimed struct {
	touched int
	wait    time.Duration
}

// claim claims and starts. The deadline of the calls counts from before the lease.
func (p *pass) claim(soft context.Context, limit int) (claimed, error) {
	window, cancel := context.WithTimeout(p.hard, p.Lease/2)
	defer cancel()
	deadline, _ := window.Deadline()
	got, err := p.db.ClaimReady(window, p.terms(actorExecute, p.rail, limit))
	if err != nil {
		return claimed{}, err
	}
	p.parked(p.hard, got.Parked)
	for i, c := range got.Claims {
		if soft.Err() != nil {
			p.giveBack(got.Claims[i:])
			break
		}
		p.count(1, 0)
		p.coming.Add(1)
		p.calls.Go(func() { p.send(c, deadline) })
	}
	return claimed{len(got.Claims) + len(got.Parked), got.Wait}, nil
}

func (p *pass) giveBack(claims []store.Claim) {
	if err := p.db.ReleaseClaims(p.record, claims, actorExecute); err != nil {
		p.log.ErrorContext(p.hard, "claims could not be given back; they end with their leases", "payouts", len(claims), "error", err)
	}
}

// send makes one call, when it is its turn, and hands over what came of it.
func (p *pass) send(c store.Claim, deadline time.Time) {
	p.rest(p.hard, c.Wait)
	a := askRail(p.Service, p.hard, p.rail, deadline, func(ctx context.Context) answer {
		return p.execute(ctx, c)
	}, p.late, answer{key: c.Key(), source: SourceExecute, fence: c.Payout.Fence, actor: actorExecute, why: "the rail did not answer in time"})
	p.answers <- a // there is room for as many as may be claimed
	p.count(-1, 1)
}

// settleAll stores answers until there will be no more.
func (p *pass) settleAll() {
	for group := p.gather(); len(group) > 0; group = p.gather() {
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
	for _, a := range group { // at once: while one is refused over and over, the others are stored
		p.count(0, 1)
		p.settling.Go(func() {
			defer p.count(0, -1)
			p.keep(p.record, a)
		})
	}
}

// finish waits until every call has ended, or was given up, and everything is stored.
func (p *pass) finish() {
	p.calls.Wait()
	close(p.answers)
	p.settling.Wait()
	p.end()
}
