package callbacks

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// Signer signs with the key that stellar.toml names as SIGNING_KEY: Ed25519 over the bytes themselves.
type Signer interface {
	Sign(message []byte) (signature []byte, err error)
}

// Poster calls addresses that somebody else chose; outbound.Client is one.
type Poster interface {
	Post(ctx context.Context, url string, header http.Header, body []byte) (outbound.Answer, error)
}

// Options of the delivery. Whatever is zero gets a default, in brackets.
type Options struct {
	// Timeout bounds one delivery; the poster may have a shorter one of its own. [10 s]
	Timeout time.Duration
	// MaxAttempts is how often a message is tried before it is given up. [24, which with the waits below takes three days]
	MaxAttempts int
	// FirstWait is the pause after the first failure; it doubles with each further one up to MaxWait. [5 s, 6 h]
	FirstWait, MaxWait time.Duration
	// Concurrency is how many messages are under way at once in this process. [64]
	Concurrency int
	// PerReceiver is how many of them go to one host at once. [an eighth of Concurrency, at least 1]
	PerReceiver int
	// SlowAfter is the time of an answer above which a receiver is treated like a broken one: one message at a time. [1 s]
	SlowAfter time.Duration
	// Interval is the longest time between two looks at the tables. [30 s]
	Interval time.Duration
	// Overlap is how far each look goes back: what is committed late carries an earlier time. [10 s]
	Overlap time.Duration
	// Now is the clock of signatures and deadlines. [this machine's]
	Now func() time.Time
	// CustomerBody says where a customer stands in the role of a type: the answer of SEP-12 "GET Customer". An error of
	// CodeNotFound or CodeInvalid means that there is nothing to tell any more. [customers' callbacks are not delivered]
	CustomerBody func(ctx context.Context, customerID, customerType string) ([]byte, error)
	// Spread varies a pause, so that what failed together is not tried together. [by up to a fifth, at random]
	Spread func(time.Duration) time.Duration
}

func (o Options) withDefaults() Options {
	o.Timeout = either(o.Timeout, 10*time.Second)
	o.MaxAttempts = either(o.MaxAttempts, 24)
	o.FirstWait = either(o.FirstWait, 5*time.Second)
	o.MaxWait = either(o.MaxWait, 6*time.Hour)
	o.Concurrency = either(o.Concurrency, 64)
	o.PerReceiver = min(either(o.PerReceiver, max(1, o.Concurrency/8)), o.Concurrency)
	o.SlowAfter = either(o.SlowAfter, time.Second)
	o.Interval = either(o.Interval, 30*time.Second)
	o.Overlap = either(o.Overlap, 10*time.Second)
	o.Now = o.clock()
	if o.Spread == nil {
		o.Spread = func(d time.Duration) time.Duration { return d - d/5 + rand.N(2*d/5+1) }
	}
	return o
}

func either[T int | time.Duration](given, otherwise T) T {
	if given > 0 {
		return given
	}
	return otherwise
}

// lease is how long a claim holds: a delivery, and time enough to record what came of it.
func (o Options) lease() time.Duration { return 2*o.Timeout + 30*time.Second }

// Service delivers callbacks. Its methods may be called from several goroutines, but only one Run at a time makes sense.
type Service struct {
	db      *store.DB
	signer  Signer
	poster  Poster
	log     *slog.Logger
	options Options

	passing  sync.Mutex // one pass at a time
	scan     scan
	gate     *gate
	settler  *settler
	underWay sync.WaitGroup
	woken    chan struct{}
	alarm    *time.Timer
}

// New makes the service; it starts nothing. The log may be nil.
func New(db *store.DB, signer Signer, poster Poster, log *slog.Logger, options Options) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	options = options.withDefaults()
	s := &Service{
		db: db, signer: signer, poster: poster, log: log, options: options,
		gate: newGate(options.Concurrency, options.PerReceiver), settler: &settler{db: db, log: log},
		woken: make(chan struct{}, 1),
	}
	s.alarm = time.AfterFunc(options.Interval, s.wake)
	s.alarm.Stop()
	return s
}

// Run delivers until life ends softly and then waits for what is under way, which life.Hard ends at the latest.
func (s *Service) Run(life worker.Life) error {
	defer s.Wait()
	loop := worker.Loop{Name: "callbacks", Interval: s.options.Interval, Wake: s.Wake(life.Soft), Log: s.log}
	return loop.Run(life.Soft, func(ctx context.Context) (bool, error) { return s.Deliver(ctx, life.Hard) })
}

// Wake is what a worker.Loop around Deliver waits on: it gets a value when there is a new callback, when one may be tried
// again, and when a delivery has ended. It ends with ctx.
func (s *Service) Wake(ctx context.Context) <-chan struct{} {
	committed := s.db.Wake(ctx, store.TopicCallbacks)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-committed:
				s.wake()
			}
		}
	}()
	return s.woken
}

func (s *Service) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // the loop has not looked since the last one
	}
}

// Wait returns when no delivery is under way any more.
func (s *Service) Wait() {
	s.alarm.Stop()
	s.underWay.Wait()
}
