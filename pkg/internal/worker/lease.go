package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrLeaseLost is the cause (context.Cause) of the end of a context whose lease was lost.
var ErrLeaseLost = errors.New("lease lost")

// Leaser keeps leases; the store is one. Its clock is the database's. Its methods return soon after their context ends.
type Leaser interface {
	// AcquireLease takes the lease of that name for ttl if it is free or has run out, with a fence higher than any
	// before. If owner holds it already, it is extended and keeps its fence. ok is false when somebody else holds it.
	AcquireLease(ctx context.Context, name, owner string, ttl time.Duration) (fence int64, ok bool, err error)
	// ReleaseLease frees the lease if owner still holds it with that fence; else it does nothing.
	ReleaseLease(ctx context.Context, name, owner string, fence int64) error
}

// Hold stands by until owner gets the lease, then calls run with a context that ends with the lease and the fence that
// every write of run has to repeat. The lease is renewed at a third of ttl; if it turns out to be somebody else's, or
// could not be renewed before two thirds of ttl have passed, run's context ends with the cause ErrLeaseLost, and Hold
// stands by again once run has returned.
//
// Hold returns when ctx ends (nil, unless run failed for another reason than that) or when run returns while the lease
// is held (run's error), and gives the lease back. The lease is kept until run has returned: run may finish what it
// does, as long as it respects its context. Owner must be unique to this process and start.
func Hold(
	ctx context.Context, l Leaser, name, owner string, ttl time.Duration, log *slog.Logger,
	run func(ctx context.Context, fence int64) error,
) error {
	h := holder{
		leaser: l, name: name, owner: owner, ttl: ttl, run: run,
		log: orSilent(log).With("lease", name, "owner", owner),
	}
	for {
		t, ok := h.standBy(ctx)
		if !ok {
			return nil
		}
		again, err := h.work(ctx, t)
		if !again {
			return err
		}
	}
}

// holder is one wish to hold one lease.
type holder struct {
	leaser      Leaser
	name, owner string
	ttl         time.Duration
	log         *slog.Logger
	run         func(ctx context.Context, fence int64) error
}

// term is the time from getting a lease to losing it or giving it back. Its watchdog was started before the lease was
// asked for, so that it can only bark too early.
type term struct {
	fence    int64
	ctx      context.Context
	cancel   context.CancelCauseFunc
	loss     error // the cause of its end when it was lost: its own, for terms may be nested
	watchdog *time.Timer
}

// standBy asks for the lease until it is given; false when ctx ended first.
func (h *holder) standBy(ctx context.Context) (*term, bool) {
	retry, standingBy := newBackoff(), false
	for ctx.Err() == nil {
		t, err := h.acquire(ctx)
		wait := jitter(h.ttl / 3)
		switch {
		case t != nil:
			h.log.InfoContext(ctx, "lease taken", "fence", t.fence)
			return t, true
		case ctx.Err() != nil:
			return nil, false
		case err != nil:
			wait = retry.NextBackOff()
			h.log.ErrorContext(ctx, "asking for the lease failed", "error", err, "next_in", wait.Round(time.Millisecond))
		case !standingBy:
			standingBy = true
			h.log.InfoContext(ctx, "standing by: another process holds the lease")
		}
		Sleep(ctx, wait)
	}
	return nil, false
}

// acquire gives nil when somebody else holds the lease.
func (h *holder) acquire(ctx context.Context) (*term, error) {
	t := &term{loss: fmt.Errorf("%w: %s", ErrLeaseLost, h.name)}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	t.watchdog = h.watch(t)
	fence, ok, err := h.ask(ctx)
	if err != nil || !ok {
		t.end()
		return nil, err
	}
	t.fence = fence
	return t, nil
}

// watch ends the term when two thirds of the lease have passed from now.
func (h *holder) watch(t *term) *time.Timer {
	return time.AfterFunc(h.ttl*2/3, t.lose)
}

func (t *term) end() {
	t.watchdog.Stop()
	t.cancel(nil)
}

func (t *term) lose() { t.cancel(t.loss) }

func (t *term) lost() bool { return errors.Is(context.Cause(t.ctx), t.loss) }

// ask is bounded so that several tries fit before the watchdog.
func (h *holder) ask(ctx context.Context) (int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, h.ttl/6)
	defer cancel()
	return h.leaser.AcquireLease(ctx, h.name, h.owner, h.ttl)
}

// work runs during one term; again tells that the lease was lost and Hold should stand by for the next.
func (h *holder) work(ctx context.Context, t *term) (again bool, err error) {
	if t.ctx.Err() == nil { // else the end came together with the lease
		err = h.runKept(ctx, t)
	}
	lost := t.lost()
	t.end()
	switch {
	case lost && ctx.Err() == nil && !isFatal(err):
		h.log.WarnContext(ctx, "the lease ended before its work", "error", err)
		return true, nil
	case !lost:
		h.release(ctx, t.fence)
	}
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(t.ctx))) {
		return false, nil
	}
	return false, err
}

// runKept runs while the lease is being renewed, and renews it until run has returned, also after ctx has ended.
func (h *holder) runKept(ctx context.Context, t *term) error {
	running, returned := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { h.keep(running, t) })
	defer keeping.Wait()
	defer returned()
	return h.run(t.ctx, t.fence)
}

// keep renews the lease while running is alive and the lease is ours.
func (h *holder) keep(running context.Context, t *term) {
	wait := h.ttl / 3
	for Sleep(running, wait) && !t.lost() {
		renewed, err := h.renew(running, t)
		switch {
		case renewed:
			wait = h.ttl / 3
		case err == nil:
			h.log.WarnContext(running, "lease lost: another process holds it")
			t.lose()
			return
		case running.Err() == nil:
			wait = h.ttl / 12
			h.log.WarnContext(running, "renewing the lease failed", "error", err)
		}
	}
}

// renew gives false without an error when the lease is no longer ours.
func (h *holder) renew(ctx context.Context, t *term) (bool, error) {
	next := h.watch(t)
	fence, ok, err := h.ask(ctx)
	if err != nil || !ok || fence != t.fence {
		next.Stop()
		return false, err
	}
	t.watchdog.Stop()
	t.watchdog = next
	return true, nil
}

// release gives the lease back although ctx may have ended; if that fails, it runs out by itself.
func (h *holder) release(ctx context.Context, fence int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.ttl/6)
	defer cancel()
	if err := h.leaser.ReleaseLease(ctx, h.name, h.owner, fence); err != nil {
		h.log.WarnContext(ctx, "giving the lease back failed, it runs out by itself", "error", err, "after", h.ttl)
	}
}

// Sleep waits and tells whether ctx is still alive.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
