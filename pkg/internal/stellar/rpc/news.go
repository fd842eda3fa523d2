package rpc

import (
	"context"
	"sync"
	"time"
)

// news lets any number wait for the newest ledger with one question at a time, asked by one of them.
type news struct {
	every time.Duration

	mu      sync.Mutex
	current *round
}

// round is one pause and one question. The fields besides done are set before it is closed.
type round struct {
	done      chan struct{}
	latest    int64
	err       error
	abandoned bool // the one who would have asked has left
}

// next answers the sequence of the newest ledger after a pause.
func (n *news) next(ctx context.Context, ask func(context.Context) (int64, error)) (int64, error) {
	for {
		r, leads := n.join()
		if leads {
			n.lead(ctx, r, ask)
			return r.latest, r.err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-r.done:
		}
		if !r.abandoned {
			return r.latest, r.err
		}
	}
}

func (n *news) join() (r *round, leads bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current != nil {
		return n.current, false
	}
	n.current = &round{done: make(chan struct{})}
	return n.current, true
}

func (n *news) lead(ctx context.Context, r *round, ask func(context.Context) (int64, error)) {
	pause := time.NewTimer(n.every)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		r.err = ctx.Err()
	case <-pause.C:
		r.latest, r.err = ask(ctx)
	}
	r.abandoned = ctx.Err() != nil
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = nil
	close(r.done)
}
