package payments

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// leaseName is the role of which one process at a time holds the lease.
const leaseName = "watch-transactions"

// WatchOptions say how to watch. Only Owner must be set.
type WatchOptions struct {
	Owner    string        // unique to this process and start
	Lease    time.Duration // how long a watcher that died keeps others waiting; 0: 30 s
	Interval time.Duration // longest time between two looks at an account, and until a new account is noticed; 0: 30 s
	// FirstLook is the longest time between two looks at an account that was never read to the network's present end, which a new
	// one is once the next ledger has closed; 0: 1 s.
	FirstLook time.Duration
	// FirstBackoff and MaxBackoff bound the growing wait after an error of an account; 0: 500 ms and 30 s.
	FirstBackoff, MaxBackoff time.Duration
	Limit                    int // payments per page; 0: 200
}

func (o WatchOptions) orDefaults() WatchOptions {
	const usual = 30 * time.Second
	if o.Lease <= 0 {
		o.Lease = usual
	}
	if o.Interval <= 0 {
		o.Interval = usual
	}
	if o.FirstLook <= 0 {
		o.FirstLook = time.Second
	}
	if o.FirstBackoff <= 0 {
		o.FirstBackoff = 500 * time.Millisecond
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = usual
	}
	if o.Limit <= 0 {
		o.Limit = stellar.MaxLimit
	}
	return o
}

// Watcher reads all receiving accounts of the database and applies what it reads. Of any number of watchers over one
// database one works and the others stand by.
type Watcher struct {
	service *Service
	source  Source
	db      *store.DB
	log     *slog.Logger
	options WatchOptions
}

// NewWatcher makes a watcher that applies by the service given what it reads from source.
func NewWatcher(s *Service, source Source, o WatchOptions) *Watcher {
	return &Watcher{service: s, source: source, db: s.db, log: s.log, options: o.orDefaults()}
}

// Run watches until ctx ends (nil). The trouble of one account does not stop the others; what means that payments could be
// missed or mistaken (a gap, a reset or another network, contradicting history) ends it with a worker.Fatal.
func (w *Watcher) Run(ctx context.Context) error {
	return worker.Hold(ctx, w.db, leaseName, w.options.Owner, w.options.Lease, w.log, w.watch)
}

// Once reads every account to the network's head once and returns the errors of those where that failed. Where another
// watcher is at work it leaves the accounts to it, after having waited long enough for the lease of one that died.
func (w *Watcher) Once(ctx context.Context) error {
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	patience := time.AfterFunc(w.options.Lease*3/2, giveUp)
	defer patience.Stop()
	var got atomic.Bool
	err := worker.Hold(waiting, w.db, leaseName, w.options.Owner, w.options.Lease, w.log, func(ctx context.Context, fence int64) error {
		if !got.Load() && !patience.Stop() {
			return nil
		}
		got.Store(true)
		return w.pass(ctx, fence)
	})
	if err == nil && !got.Load() && ctx.Err() == nil {
		w.log.InfoContext(ctx, "another process watches the accounts; nothing to do")
	}
	return err
}

// pass reads every account to the head, some at a time.
func (w *Watcher) pass(ctx context.Context, fence int64) error {
	accounts, err := w.db.ReceivingAccounts(ctx)
	if err != nil {
		return err
	}
	const atOnce = 8
	failures := make([]error, len(accounts))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, a := range accounts {
		group.Go(func() error {
			failures[i] = w.reading(a.Account, fence).toHead(ctx)
			return nil
		})
	}
	_ = group.Wait() // the failures tell more than the first of them
	return errors.Join(failures...)
}

// watch keeps a goroutine for each account under one term of the lease.
func (w *Watcher) watch(ctx context.Context, fence int64) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		watched := map[string]bool{}
		for {
			accounts, err := w.db.ReceivingAccounts(ctx)
			if err != nil && ctx.Err() == nil {
				w.log.ErrorContext(ctx, "the receiving accounts cannot be listed; trying again", "error", err, "next_in", w.options.Interval)
			}
			for _, a := range accounts {
				if !watched[a.Account] {
					watched[a.Account] = true
					group.Go(func() error { return w.reading(a.Account, fence).run(ctx) })
				}
			}
			if !worker.Sleep(ctx, w.options.Interval) {
				return nil
			}
		}
	})
	return group.Wait()
}
