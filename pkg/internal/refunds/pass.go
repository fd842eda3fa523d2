package refunds

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Execute is one pass: of every receiving account it settles the envelope in flight by what the watcher has seen, submits it
// again where it may still land, and else sends the next refund that is due, until there is nothing to do but wait. Accounts
// are worked on side by side. When soft ends nothing new is begun; when hard ends calls are cancelled too. It tells whether
// there was anything to do. Any number of passes may run at once, in any number of processes.
func (s *Service) Execute(soft, hard context.Context) (worked bool, err error) {
	p := &pass{Service: s, soft: soft, hard: hard}
	worked, err = p.run()
	if err != nil || s.AwaitHead == 0 {
		return worked, err
	}
	ctx, cancel := context.WithTimeout(soft, s.AwaitHead)
	defer cancel()
	for p.early && p.pause(ctx) {
		p.early = false
		more, err := p.run()
		worked = worked || more
		if err != nil {
			return worked, err
		}
	}
	return worked, nil
}

// pass is one run of Execute.
type pass struct {
	*Service
	soft, hard context.Context

	mu     sync.Mutex
	early  bool // an account has not been read far enough yet
	worked bool
	errs   []error
}

// accountsAtOnce bounds how many receiving accounts are worked on side by side.
const accountsAtOnce = 8

func (p *pass) run() (bool, error) {
	accounts, err := p.db.AccountsWithRefunds(p.soft)
	if p.soft.Err() != nil { // that a look did not come about is no fault
		return p.worked, nil //nolint:nilerr // told to stop
	}
	if err != nil {
		return p.worked, err
	}
	slots := make(chan struct{}, accountsAtOnce)
	var working sync.WaitGroup
	for _, account := range accounts {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			p.account(account)
		})
	}
	working.Wait()
	return p.worked, errors.Join(p.errs...)
}

// pause waits until what was postponed is due again; false when the time is over.
func (p *pass) pause(ctx context.Context) bool {
	timer := time.NewTimer(soon + atMostEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (p *pass) account(account string) {
	for p.soft.Err() == nil {
		moved, err := p.step(account)
		p.note(moved, err)
		if err != nil || !moved {
			return
		}
	}
}

func (p *pass) note(moved bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.worked = p.worked || moved
	if err != nil && p.hard.Err() == nil {
		p.errs = append(p.errs, err)
	}
}

// step does the next thing for an account; false: there is nothing to do now.
func (p *pass) step(account string) (moved bool, err error) {
	a, flying, err := p.db.RefundInFlight(p.hard, account)
	if err != nil {
		return false, err
	}
	if !flying {
		return p.begin(account)
	}
	e, err := p.inquire(a)
	if err != nil {
		return false, err
	}
	settled, err := p.settle(p.hard, a, e)
	if err != nil || settled {
		return settled, err
	}
	return p.submit(a)
}
