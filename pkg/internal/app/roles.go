package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// Watch credits payments until life ends; with once it reads every account to the present end and returns.
func (a *App) Watch(life worker.Life, once bool) error {
	if once {
		return a.watcher().Once(life.Soft)
	}
	return a.roles(life, a.watch)
}

func (a *App) watch(life worker.Life) error { return a.watcher().Run(life.Soft) }

// watchLease is how long a watcher that died keeps the lease, unless claims are given less. The next one asks for it three
// times in that time, so it is at work within ten seconds.
const watchLease = 6 * time.Second

func (a *App) watcher() *payments.Watcher {
	return payments.NewWatcher(a.payments, a.ledger, payments.WatchOptions{
		Owner: a.owner, Lease: min(watchLease, a.settings.Workers.Lease), Interval: a.settings.Workers.Interval,
	})
}

// Execute pays recipients and sends refunds until life ends; without loop it works off what is ready and returns.
func (a *App) Execute(life worker.Life, loop bool) error {
	if !loop {
		_, unpriced := a.payouts.Price(life.Soft, life.Hard)
		_, unpaid := a.payouts.Execute(life.Soft, life.Hard)
		return errors.Join(unpriced, unpaid, a.refundOnce(life))
	}
	return a.roles(life, a.execute)
}

// execute prices, pays and sends back side by side: a business that is slow to say a price delays no payout that has its
// own, and neither waits for the network.
func (a *App) execute(life worker.Life) error {
	group, soft := errgroup.WithContext(life.Soft)
	life.Soft = soft
	group.Go(func() error {
		return a.loop("price-outgoing", a.payouts.Wakes(life.Soft, store.TopicPrice), life, a.payouts.Price)
	})
	group.Go(func() error {
		return a.loop("execute-outgoing", a.payouts.Wakes(life.Soft, store.TopicReady), life, a.payouts.Execute)
	})
	group.Go(func() error { return a.loop("send-refunds", a.refunds.Wakes(life.Soft), life, a.refunds.Execute) })
	return group.Wait()
}

// Poll asks the rails about payouts under way until life ends; without loop it asks once about those that are due.
func (a *App) Poll(life worker.Life, loop bool) error {
	if !loop {
		_, err := a.payouts.Poll(life.Soft, life.Hard)
		return err
	}
	return a.roles(life, a.poll)
}

func (a *App) poll(life worker.Life) error {
	return a.loop("poll-outgoing", a.payouts.Wakes(life.Soft, store.TopicUnderWay), life, a.payouts.Poll)
}

func (a *App) loop(name string, wake <-chan struct{}, life worker.Life, pass func(soft, hard context.Context) (bool, error)) error {
	l := worker.Loop{Name: name, Interval: a.settings.Workers.Interval, Wake: wake, Log: a.log}
	return l.Run(life.Soft, func(soft context.Context) (bool, error) { return pass(soft, life.Hard) })
}

// Run runs all four roles in this process until life ends, or until one of them cannot go on.
func (a *App) Run(life worker.Life) error { return a.roles(life, a.serve, a.watch, a.execute, a.poll) }

// roles runs roles beside the operator's server. The first that fails ends the others.
func (a *App) roles(life worker.Life, roles ...func(worker.Life) error) error {
	operator, err := httpserver.Operator(
		httpserver.Options{Listen: a.settings.Server.OperatorListen, TrustedProxies: a.settings.Server.TrustedProxies, Log: a.log},
		a.db.Ping, a.checks, a.registry, a.mounted()...)
	if err != nil {
		return err
	}
	if err := operator.Bind(life.Soft); err != nil {
		return fmt.Errorf("operator's address: %w", err)
	}
	group, soft := errgroup.WithContext(life.Soft)
	life.Soft = soft
	group.Go(func() error { return operator.Run(life.Soft, life.Hard) })
	for _, role := range roles {
		group.Go(func() error { return role(life) })
	}
	err = group.Wait()
	if errors.Is(err, context.Canceled) && life.Hard.Err() != nil {
		return nil //nolint:nilerr // ended by a signal
	}
	return err
}

// stale is how far behind the network an account may be seen through before a watcher is not ready any more.
const stale = time.Minute

// checks tell whether this process can do its work: the database answers, and the accounts are read.
func (a *App) checks(ctx context.Context) []httpserver.Check {
	database := httpserver.Check{Name: "database", OK: true}
	if err := a.db.Ping(ctx); err != nil {
		database.OK, database.Detail = false, err.Error()
	}
	list := []httpserver.Check{database, a.restored(ctx)}
	lags, err := a.payments.Lag(ctx)
	if err != nil {
		return append(list, httpserver.Check{Name: "accounts", Detail: err.Error()})
	}
	for _, lag := range lags {
		behind := time.Since(lag.ThroughClosed)
		check := httpserver.Check{Name: "account " + lag.Account, OK: behind < stale, Lag: behind}
		if lag.ThroughClosed.IsZero() {
			check.OK, check.Lag, check.Detail = false, 0, "never read to the present end yet"
		}
		list = append(list, check)
	}
	return list
}

// tidy removes what has run out: idempotency keys, used challenges, unused quotes, erased customers' last traces.
func (a *App) tidy(ctx context.Context) error {
	l := worker.Loop{Name: "tidy", Interval: time.Minute, Log: a.log}
	return l.Run(ctx, func(ctx context.Context) (bool, error) { return false, a.prune(ctx) })
}

// quoteMemory is how long a quote that nobody used can be looked at after it expired.
const quoteMemory = 7 * 24 * time.Hour

func (a *App) prune(ctx context.Context) error {
	_, keys := a.db.PruneIdempotencyKeys(ctx)
	_, challenges := a.db.PruneChallenges(ctx)
	_, quotes := a.db.PruneQuotes(ctx, quoteMemory)
	return errors.Join(keys, challenges, quotes, a.customers.Sweep(ctx))
}
