package payments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// patience is how often a page may fail, for whatever reason, before it is applied payment by payment.
const patience = 5

// reading is the reading of one account under one term of the lease. One goroutine uses it.
type reading struct {
	*Watcher
	account string
	fence   int64
	backoff *backoff.ExponentialBackOff

	cursor   store.Cursor
	current  bool // the cursor is known and the source was verified against it
	failures int  // in a row, of any kind
	stuck    struct {
		position int64
		times    int // that the page behind the position could not be applied
	}
}

func (w *Watcher) reading(account string, fence int64) *reading {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.RandomizationFactor = w.options.FirstBackoff, 2, 0.5
	b.MaxInterval = w.options.MaxBackoff * 2 / 3 // the random part comes on top
	return &reading{Watcher: w, account: account, fence: fence, backoff: b}
}

// run reads and waits until ctx ends; only what must stop the watcher is an error.
func (r *reading) run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.toHead(ctx)
		if err == nil {
			err = r.wait(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err == nil:
			r.recovered(ctx)
		case stops(err):
			return worker.Fatal{Err: fmt.Errorf("watching has stopped: %w", err)}
		default:
			r.failed(ctx, err)
		}
	}
	return nil
}

// toHead reads the account to the network's head, applies what there is and expires what ran out.
func (r *reading) toHead(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		r.current = false
		return err
	}
	_, err := r.service.Expire(ctx, r.account)
	return err
}

// begin takes the cursor and verifies the source, at the start and after every error.
func (r *reading) begin(ctx context.Context) error {
	if r.current {
		return nil
	}
	c, err := r.service.Open(ctx, r.account, r.fence)
	if err != nil {
		return err
	}
	if err := verify(ctx, r.source, c); err != nil {
		return fmt.Errorf("account %s: %w", r.account, err)
	}
	r.cursor, r.current = c, true
	return nil
}

// ahead is how many pages wait, read, for the one that is being committed: a commit that takes long then holds no reader up.
const ahead = 2

// catchUp applies page after page; while one is being committed the next ones are read.
func (r *reading) catchUp(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	pages := make(chan fetched, ahead)
	from := reader{source: r.source, limit: r.options.Limit, from: r.cursor}
	reading.Go(func() { from.read(ctx, pages) })
	for next := range pages {
		if next.err != nil {
			return r.readFault(next.err)
		}
		if err := r.apply(ctx, next.page); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readFault tells a history that begins too late from trouble of the moment.
func (r *reading) readFault(err error) error {
	if errors.Is(err, stellar.ErrBeforeHistory) {
		first := firstUnseen(r.cursor)
		return &GapError{Account: r.account, First: first, Last: first}
	}
	return fmt.Errorf("read the payments of %s: %w", r.account, err)
}

func (r *reading) apply(ctx context.Context, page stellar.Page) error {
	apply := r.service.Apply
	if r.stuck.times >= patience && r.stuck.position == r.cursor.Position {
		apply = r.service.ApplySingly
	}
	to, err := apply(ctx, r.cursor, page, r.fence)
	if err != nil {
		r.noteStuck(ctx, err)
		return err
	}
	r.cursor = to
	r.stuck.times = 0
	return nil
}

func (r *reading) noteStuck(ctx context.Context, err error) {
	if !r.service.persists(ctx, err) {
		return
	}
	if r.stuck.position != r.cursor.Position {
		r.stuck.position, r.stuck.times = r.cursor.Position, 0
	}
	r.stuck.times++
}

// wait waits for the source to tell of more, but at most for the interval: a stream may be silent for ever. A new account is
// looked at again soon: until it was read to the present end, nobody can rely on what was not seen on it.
func (r *reading) wait(ctx context.Context) error {
	interval := r.options.Interval
	if r.cursor.ThroughClosedUs == 0 {
		interval = min(interval, r.options.FirstLook)
	}
	bounded, cancel := context.WithTimeout(ctx, interval)
	defer cancel()
	err := r.source.Wait(bounded, r.account, r.cursor.Position)
	if bounded.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for payments of %s: %w", r.account, err)
	}
	return nil
}

func (r *reading) recovered(ctx context.Context) {
	if r.failures > 0 {
		r.log.InfoContext(ctx, "the account is read to the head again", "account", r.account, "failures", r.failures)
	}
	r.failures = 0
	r.backoff.Reset()
}

// failed waits before the next try, at least as long as the source asked for.
func (r *reading) failed(ctx context.Context, err error) {
	r.failures++
	r.current = false
	wait := max(r.backoff.NextBackOff(), retryAfter(err))
	r.log.ErrorContext(ctx, "an account cannot be read to the head; trying again",
		"account", r.account, "error", err, "failures", r.failures, "next_in", wait.Round(time.Millisecond))
	worker.Sleep(ctx, wait)
}

func retryAfter(err error) time.Duration {
	if limited, ok := errors.AsType[*stellar.RateLimitedError](err); ok {
		return limited.RetryAfter
	}
	if away, ok := errors.AsType[*stellar.UnavailableError](err); ok {
		return away.RetryAfter
	}
	return 0
}
