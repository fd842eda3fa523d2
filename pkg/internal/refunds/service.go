package refunds

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// actor is who changes refunds here, as the history names it.
const actor = "execute-outgoing"

// Network is the Stellar network as this package needs it; *stellar.Horizon is one.
type Network interface {
	LatestLedger(ctx context.Context) (stellar.Ledger, error)
	Account(ctx context.Context, id string) (stellar.Account, error)
	FeeStats(ctx context.Context) (stellar.FeeStats, error)
	Transaction(ctx context.Context, hash string) (stellar.Transaction, error)
	Submit(ctx context.Context, envelopeXDR string) (stellar.Submitted, error)
}

// Policy is what bounds refunds of an asset that are made by themselves, in 10^-7.
type Policy struct {
	Floor    int64 // least amount of a refund
	DailyCap int64 // most in all per receiving account and day (UTC); 0: no limit
}

// Options say how refunds are sent. Zero values take the defaults named here.
type Options struct {
	// Owner names this process; it is shown beside the envelopes that it submits.
	Owner string
	// Passphrase of the network.
	Passphrase string
	// TimeBound is how long an envelope may land; 5 min. Another one is made only after that, by the ledger's clock.
	TimeBound time.Duration
	// MaxFeeStroops is the most that one envelope may cost; 0: what the network asks, up to 0.1 XLM.
	MaxFeeStroops int64
	// Excluded are accounts to which nothing goes back by itself.
	Excluded []string
	// Policy gives the bounds of an asset; nil: none.
	Policy func(code, issuer string) Policy
	// Behind is how far behind the network an account may be seen through for a refund to be made; 2 min.
	Behind time.Duration
	// AwaitHead is how long one pass waits for accounts to be read to the network's head; 0: not at all, a later pass looks.
	AwaitHead time.Duration
	// CallTimeout bounds one request to the network or the signer, 60 s for submissions and 20 s for others. Lease is how long
	// a process has an envelope for itself to submit it; twice that.
	SubmitTimeout, CallTimeout, Lease time.Duration
	// RetryWait is the first wait after an envelope died unused, doubled each time up to RetryMax; 5 s, 10 min.
	RetryWait, RetryMax time.Duration
}

// defaultMaxFee is what an envelope may cost where the settings leave it to the network.
const defaultMaxFee = 1_000_000

func (o Options) withDefaults() Options {
	setDefault(&o.Owner, "unnamed")
	setDefault(&o.TimeBound, 5*time.Minute)
	setDefault(&o.MaxFeeStroops, defaultMaxFee)
	setDefault(&o.Behind, 2*time.Minute)
	setDefault(&o.SubmitTimeout, time.Minute)
	setDefault(&o.CallTimeout, 20*time.Second)
	setDefault(&o.Lease, 2*(o.SubmitTimeout+o.CallTimeout))
	setDefault(&o.RetryWait, 5*time.Second)
	setDefault(&o.RetryMax, max(10*time.Minute, o.RetryWait))
	if o.Policy == nil {
		o.Policy = func(string, string) Policy { return Policy{} }
	}
	return o
}

func setDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Service sends refunds. It is safe for concurrent use, and any number of processes may run it.
type Service struct {
	db      *store.DB
	net     Network
	custody anchor.Custody
	log     *slog.Logger
	Options
	excluded map[string]bool
	// crash is set by tests only: it ends the work at the point named as the end of the process would.
	crash func(point string) error
	// pace is set by tests only: how long to wait instead. nil: as long.
	pace func(time.Duration) time.Duration

	mu    sync.Mutex
	first *stellar.Ledger   // the network's head when this process first looked
	told  map[string]string // what was last logged of an account
}

// New makes the service; log may be nil.
func New(db *store.DB, network Network, custody anchor.Custody, log *slog.Logger, o Options) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		db: db, net: network, custody: custody, log: log, Options: o.withDefaults(), excluded: map[string]bool{}, told: map[string]string{},
	}
	for _, account := range o.Excluded {
		s.excluded[account] = true
	}
	return s
}

// head is the network's newest ledger when this process first asked. Until an account has been read through it, nobody knows
// what an earlier life of this process, or of the database, may have sent.
func (s *Service) head(ctx context.Context) (stellar.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil {
		return *s.first, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.CallTimeout)
	defer cancel()
	latest, err := s.net.LatestLedger(ctx)
	if err != nil {
		return stellar.Ledger{}, err
	}
	s.first = &latest
	return latest, nil
}

func (s *Service) point(name string) error {
	if s.crash == nil {
		return nil
	}
	return s.crash(name)
}

func (s *Service) paced(d time.Duration) time.Duration {
	if s.pace == nil {
		return d
	}
	return s.pace(d)
}

// tell logs what keeps an account's refunds, once until it changes; an empty text says that nothing does. What the watcher
// ends by reading on is no reason to worry.
func (s *Service) tell(ctx context.Context, account, why string, passes bool) {
	s.mu.Lock()
	before := s.told[account]
	s.told[account] = why
	s.mu.Unlock()
	if why == before {
		return
	}
	if why == "" {
		s.log.InfoContext(ctx, "refunds go on", "account", account)
		return
	}
	level := slog.LevelWarn
	if passes {
		level = slog.LevelInfo
	}
	s.log.Log(ctx, level, "refunds wait", "account", account, "reason", why)
}

// Wakes gives a channel that gets a value when there may be work for Execute: soon after somebody has committed some, when
// the watcher has news of an envelope, and when the time of a retry has come. It ends with ctx.
func (s *Service) Wakes(ctx context.Context) <-chan struct{} {
	woken := make(chan struct{}, 1)
	go s.wake(ctx, woken)
	return woken
}

const (
	atMostEvery = 250 * time.Millisecond // how often Wakes tells of work that is due and not taken
	maxLook     = time.Minute            // how rarely it looks for itself when nothing is known to be due
)

func (s *Service) wake(ctx context.Context, woken chan<- struct{}) {
	committed := s.db.Wake(ctx, store.TopicRefunds)
	for {
		due := s.untilDue(ctx)
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

func (s *Service) untilDue(ctx context.Context) time.Duration {
	wait, ok, err := s.db.RefundDueIn(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot tell when the next refund is due; work is still found at each interval", "error", err)
	}
	if err != nil || !ok {
		return maxLook + 1
	}
	return min(wait, maxLook)
}
