package payouts

import (
	"context"
	"time"
)

// moment is how long a database transaction is put off while calls are in flight that may bring it more to do: much less than it
// takes, and it takes as long for one payout as for many.
const moment = time.Millisecond

// collect waits a moment for calls in flight to end, so that one claim takes the slots of all that do. It tells whether soft
// has not ended.
func (p *pass) collect(soft context.Context) bool {
	timer := time.NewTimer(moment)
	defer timer.Stop()
	for p.inFlight() {
		select {
		case <-soft.Done():
			return false
		case <-p.changed:
		case <-timer.C:
			return soft.Err() == nil
		}
	}
	return soft.Err() == nil
}

func (p *pass) inFlight() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calling > 0
}

// gather waits for an answer and takes it with those that come within a moment, as many as one database transaction stores.
// None: there will be no more.
func (p *pass) gather() (group []answer) {
	p.gathering <- struct{}{}
	defer func() { <-p.gathering }()
	first, open := <-p.answers
	if !open {
		return nil
	}
	p.coming.Add(-1)
	group = append(group, first)
	timer := time.NewTimer(moment)
	defer timer.Stop()
	for len(group) < settleMost && p.coming.Load() > 0 {
		select {
		case a := <-p.answers:
			p.coming.Add(-1)
			group = append(group, a)
		case <-timer.C:
			return group
		}
	}
	return group
}
