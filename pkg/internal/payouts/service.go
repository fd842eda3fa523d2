package payouts

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Who speaks in the history of payouts.
const (
	actorExecute = "execute-outgoing"
	actorPoll    = "poll-outgoing"
	actorReport  = "business"
	actorRail    = "rail" // of refunds: it says that a payout cannot be made at all
)

// Options say how payouts are made. Zero values take the defaults named here.
type Options struct {
	// Owner names this process; it is shown beside the payouts that it works on.
	Owner string
	// Lease is how long a claim holds; 2 min. A rail is never called for longer than half of it.
	Lease time.Duration
	// RailTimeout bounds one call of a rail; 30 s.
	RailTimeout time.Duration
	// BatchTimeout bounds one call of a rail that is handed a batch; 5 min. The batch is held for twice as long.
	BatchTimeout time.Duration
	// Concurrency is how many payouts are sent at once by each rail; 8. The rail's own limit may make it fewer.
	Concurrency int
	// PollBatch is how many payouts a rail is asked about at once; 100.
	PollBatch int
	// PollWait is when to ask about a payout under way: 1 s after it was sent, then ever more rarely, up to 5 min.
	PollWait Backoff
	// RetryWait is when to try again what was certainly not sent: from 1 s up to 5 min.
	RetryWait Backoff
	// MaxTries is how often in a row a rail may say that a payout was not sent, and how often its price may not be got, until
	// it waits for an operator; 20.
	MaxTries int
	// RefundFee is what is kept, in 10^-7 of the received asset, when a rail says that a payout cannot be made at all and the
	// money goes back; nil: nothing.
	RefundFee func(code, issuer string) int64
	// Quotes prices what was paid for without a firm quote; nil: that waits for an operator.
	Quotes anchor.QuoteIntegration
}

func (o Options) withDefaults() Options {
	setDefault(&o.Owner, "unnamed")
	setDefault(&o.Lease, 2*time.Minute)
	setDefault(&o.RailTimeout, 30*time.Second)
	setDefault(&o.BatchTimeout, 5*time.Minute)
	setDefault(&o.Concurrency, 8)
	setDefault(&o.PollBatch, 100)
	setDefault(&o.MaxTries, 20)
	setDefault(&o.PollWait.First, time.Second)
	setDefault(&o.PollWait.Max, max(5*time.Minute, o.PollWait.First))
	setDefault(&o.RetryWait.First, time.Second)
	setDefault(&o.RetryWait.Max, max(5*time.Minute, o.RetryWait.First))
	return o
}

func setDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Service makes payouts. It is safe for concurrent use.
type Service struct {
	db    *store.DB
	rails map[string]anchor.Rail
	log   *slog.Logger
	Options

	ears ears

	unmatched atomic.Int64 // answers about keys of no attempt
	mislaid   atomic.Int64 // answers that could not be stored
	left      leftBehind
}

// New makes the service; rails are those that payouts may name.
func New(db *store.DB, rails map[string]anchor.Rail, log *slog.Logger, o Options) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	usable := maps.Clone(rails)
	maps.DeleteFunc(usable, func(_ string, rail anchor.Rail) bool { return rail.Rails == nil })
	return &Service{db: db, rails: usable, log: log, Options: o.withDefaults()}
}

// Counts are what has gone wrong outside since the start of the process, for metrics.
type Counts struct {
	Unmatched int64 // answers about keys that no attempt has
	Abandoned int64 // calls of rails that have not ended although their context has, now
	Mislaid   int64 // answers that could not be stored; the poller finds them out again
}

// Counts reads the counters.
func (s *Service) Counts() Counts {
	return Counts{Unmatched: s.unmatched.Load(), Abandoned: s.left.all(), Mislaid: s.mislaid.Load()}
}

func (s *Service) terms(actor, rail string, limit int) store.ClaimTerms {
	r := s.rails[rail] // the zero rail permits nothing
	return store.ClaimTerms{
		Owner: s.Owner, Actor: actor, Lease: s.Lease, Limit: limit, Rail: rail, SameKeySafeFor: r.SameKeySafeFor,
		Limits: r.Limits, Calendar: r.Calendar, MaxTries: int64(s.MaxTries),
	}
}

func (s *Service) rules(rail string) Rules {
	r := s.rails[rail] // the zero rail permits nothing
	return Rules{NotKnownFinalAfter: r.NotKnownFinalAfter, SameKeySafeFor: r.SameKeySafeFor, Retry: s.RetryWait, Poll: s.PollWait}
}

func (s *Service) refundFee(code, issuer string) int64 {
	if s.RefundFee == nil {
		return 0
	}
	return max(s.RefundFee(code, issuer), 0)
}

func spread() float64 { return rand.Float64() }

// parked logs what turned out not to be payable; that a rail is missing is a mistake of the settings.
func (s *Service) parked(ctx context.Context, list []store.Parked) {
	for _, p := range list {
		level := slog.LevelInfo
		if p.WaitsFor == anchor.WaitsForOperator {
			level = slog.LevelError
		}
		s.log.Log(ctx, level, "payout not sent", "payout", p.PayoutID, "transaction", p.TransactionID,
			"state", p.State, "waits_for", p.WaitsFor, "reason", p.Reason)
	}
}

// Wakes gives a channel that gets a value when there may be work for Execute (store.TopicReady), Price (store.TopicPrice) or
// Poll (store.TopicUnderWay):
// soon after somebody has committed some, and when the time of a retry or of the next question has come. It ends with ctx.
func (s *Service) Wakes(ctx context.Context, topic store.Topic) <-chan struct{} {
	woken := make(chan struct{}, 1)
	go s.wake(ctx, topic, woken)
	return woken
}

// atMostEvery is how often Wakes tells of work that is due and not taken.
const atMostEvery = 250 * time.Millisecond

func (s *Service) wake(ctx context.Context, topic store.Topic, woken chan<- struct{}) {
	committed := s.db.Wake(ctx, topic)
	for {
		due := s.untilDue(ctx, topic)
		timer := time.NewTimer(max(due, atMostEvery))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-committed:
		case <-timer.C:
			if due > maxLook {
				continue
			}
		}
		timer.Stop()
		select {
		case woken <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

// maxLook is how rarely Wakes looks for itself when nothing is known to be due.
const maxLook = time.Minute

func (s *Service) untilDue(ctx context.Context, topic store.Topic) time.Duration {
	wait, err := s.nextDue(ctx, topic)
	if err == nil {
		return wait
	}
	if ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot tell when the next payout is due; work is still found at each interval", "error", err)
	}
	return maxLook + 1
}

// nextDue is at most maxLook, and more than that where nothing is known to come.
func (s *Service) nextDue(ctx context.Context, topic store.Topic) (time.Duration, error) {
	if topic != store.TopicPrice {
		due, wait, err := s.dueRails(ctx, topic)
		if len(due) > 0 {
			wait = 0
		}
		return wait, err
	}
	wait, ok, err := s.db.PriceDueIn(ctx)
	if !ok {
		return maxLook + 1, err
	}
	return min(wait, maxLook), err
}

// errNothingThere is what an operation about a key or an id of nothing answers.
func errNothingThere(what string) error {
	return anchor.RefuseAs(anchor.CodeNotFound, fmt.Sprintf("no such %s", what))
}
