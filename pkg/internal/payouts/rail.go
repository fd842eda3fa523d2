package payouts

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// leftBehind counts calls that go on after their context has ended, by rail. It is safe for concurrent use.
type leftBehind struct {
	mu    sync.Mutex
	calls map[string]int64
}

func (l *leftBehind) add(rail string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls == nil {
		l.calls = map[string]int64{}
	}
	l.calls[rail] += n
}

func (l *leftBehind) by(rail string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[rail]
}

func (l *leftBehind) all() (sum int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.calls {
		sum += n
	}
	return sum
}

// grace is how long a call may go on after its context has ended before it is given up.
const grace = 500 * time.Millisecond

// askRail makes a call that ends by the deadline, or RailTimeout, or with hard, whichever comes first. A rail that does not
// heed its context is left behind, with otherwise as the answer; what it says in the end goes to late.
func askRail[T any](
	s *Service, hard context.Context, rail string, deadline time.Time, call func(context.Context) T, late func(T), otherwise T,
) T {
	ctx, cancel := context.WithTimeout(hard, s.RailTimeout)
	defer cancel()
	return askUntil(s, ctx, rail, deadline, call, late, otherwise)
}

// askUntil is askRail without RailTimeout.
func askUntil[T any](
	s *Service, hard context.Context, rail string, deadline time.Time, call func(context.Context) T, late func(T), otherwise T,
) T {
	ctx, cancel := context.WithDeadline(hard, deadline)
	defer cancel()
	answered := make(chan T, 1)
	go func() { answered <- call(ctx) }()
	select {
	case a := <-answered:
		return a
	case <-ctx.Done():
	}
	timer := time.NewTimer(min(grace, s.Lease/8))
	defer timer.Stop()
	select {
	case a := <-answered:
		return a
	case <-timer.C:
	}
	s.left.add(rail, 1)
	s.log.ErrorContext(hard, "a rail did not heed the end of its context; the call is left behind", "rail", rail, "left_behind", s.left.by(rail))
	go func() {
		late(<-answered)
		s.left.add(rail, -1)
	}()
	return otherwise
}

// panicked logs where a rail panicked. What it said is not logged unless the runtime said it: it could be personal data.
func (s *Service) panicked(ctx context.Context, rail string, value any) {
	text := "not shown: it may hold personal data"
	if failure, ok := value.(runtime.Error); ok {
		text = failure.Error()
	}
	s.log.ErrorContext(ctx, "a rail panicked", "rail", rail, "panic", text, "stack", string(debug.Stack()))
}
