package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	defaultInterval = 30 * time.Second
	firstBackoff    = 500 * time.Millisecond
	maxBackoff      = 30 * time.Second
	jitterShare     = 10 // one part in ten, either way
)

// Fatal is an error that ends a loop: going on would do harm or could never succeed.
type Fatal struct {
	Err error
}

// Error is the text of the wrapped error.
func (f Fatal) Error() string { return f.Err.Error() }

// Unwrap gives the wrapped error.
func (f Fatal) Unwrap() error { return f.Err }

// Pass does some of what is due and tells whether it got anything done, in which case there may be more. Its error
// means that the pass as a whole could not work (the database is away, say); what befalls a single piece of work is
// recorded with that piece. A pass ends soon after ctx does.
type Pass func(ctx context.Context) (worked bool, err error)

// Loop runs a pass again and again. The zero value is usable. A Loop is not changed by running and may be copied.
type Loop struct {
	Name     string                               // for the log
	Interval time.Duration                        // longest wait after a pass that found nothing; 0: 30 s
	Wake     <-chan struct{}                      // a hint that there may be work; nil or closed: none come
	Log      *slog.Logger                         // nil: silent
	After    func(time.Duration) <-chan time.Time // nil: time.After
}

// Run runs the pass again at once while it gets something done, and else waits for Wake or the interval, which is
// spread by a tenth either way so that many processes do not move in step. An error of the pass is logged here and
// nowhere else; the next pass comes after a growing wait of at most 30 s that no wake-up shortens. Run returns nil when
// ctx ends, and an error only if it is Fatal.
func (l Loop) Run(ctx context.Context, pass Pass) error {
	r := l.running()
	for ctx.Err() == nil {
		worked, err := pass(ctx)
		switch {
		case err != nil:
			if r.failed(ctx, err) {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
		case worked:
			r.succeeded(ctx)
		default:
			r.succeeded(ctx)
			r.idle(ctx)
		}
	}
	return nil
}

// Once runs the pass until it gets nothing done: one run of a command without --loop. It returns the first error of the
// pass, and nil when ctx ends.
func Once(ctx context.Context, pass Pass) error {
	for ctx.Err() == nil {
		worked, err := pass(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if !worked {
			return nil
		}
	}
	return nil
}

// running is a loop with what it remembers between passes.
type running struct {
	Loop
	backoff  *backoff.ExponentialBackOff
	failures int
}

func (l Loop) running() *running {
	if l.Interval <= 0 {
		l.Interval = defaultInterval
	}
	if l.After == nil {
		l.After = time.After
	}
	l.Log = orSilent(l.Log).With("loop", l.Name)
	return &running{Loop: l, backoff: newBackoff()}
}

// failed tells whether the error ends the loop, and else waits before the next pass.
func (r *running) failed(ctx context.Context, err error) bool {
	if isFatal(err) {
		return true
	}
	if ctx.Err() != nil { // a pass that was told to stop may well say so
		return false
	}
	r.failures++
	wait := r.backoff.NextBackOff()
	r.Log.ErrorContext(ctx, "pass failed",
		"error", err, "failures", r.failures, "next_in", wait.Round(time.Millisecond))
	select {
	case <-ctx.Done():
	case <-r.After(wait):
	}
	return false
}

func (r *running) succeeded(ctx context.Context) {
	if r.failures == 0 {
		return
	}
	r.Log.InfoContext(ctx, "pass works again", "failures", r.failures)
	r.failures = 0
	r.backoff.Reset()
}

func (r *running) idle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case _, open := <-r.Wake:
		if !open {
			r.Wake = nil // it would be ready for ever
		}
	case <-r.After(jitter(r.Interval)):
	}
}

func isFatal(err error) bool {
	var fatal Fatal
	return errors.As(err, &fatal)
}

func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.RandomizationFactor = firstBackoff, 2, 0.5
	b.MaxInterval = maxBackoff * 2 / 3 // the random part comes on top
	return b
}

func jitter(d time.Duration) time.Duration {
	spread := d / jitterShare
	if spread <= 0 {
		return d
	}
	return d - spread + rand.N(2*spread+1)
}

func orSilent(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
