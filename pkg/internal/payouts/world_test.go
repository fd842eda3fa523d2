package payouts_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bank is a rail in memory that remembers what it was told.
type bank struct {
	execute func(ctx context.Context, p anchor.Payout, times int) (anchor.Outcome, error) // nil: delivered
	poll    func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error)       // nil: no news

	mu      sync.Mutex
	calls   map[anchor.PayoutKey]int
	bytes   map[anchor.PayoutKey]string
	order   []anchor.Payout
	changed []anchor.PayoutKey // keys that were resent with other bytes
	asked   []anchor.Payout
}

func (b *bank) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return anchor.Outcome{}, err
	}
	b.mu.Lock()
	if b.calls == nil {
		b.calls, b.bytes = map[anchor.PayoutKey]int{}, map[anchor.PayoutKey]string{}
	}
	if before, sent := b.bytes[p.Key]; sent && before != string(raw) {
		b.changed = append(b.changed, p.Key)
	}
	b.calls[p.Key]++
	b.bytes[p.Key] = string(raw)
	b.order = append(b.order, p)
	times := b.calls[p.Key]
	b.mu.Unlock()
	if b.execute == nil {
		return anchor.Delivered("bank-" + string(p.Key)), nil
	}
	return b.execute(ctx, p, times)
}

func (b *bank) PollOutgoing(_ context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	b.mu.Lock()
	b.asked = append(b.asked, open...)
	b.mu.Unlock()
	if b.poll == nil {
		return nil, nil
	}
	return b.poll(open)
}

func (b *bank) sent() []anchor.Payout {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]anchor.Payout(nil), b.order...)
}

// says answers every question about every payout with one outcome.
func says(o anchor.Outcome) func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
		answers := map[anchor.PayoutKey]anchor.Outcome{}
		for _, p := range open {
			answers[p.Key] = o
		}
		return answers, nil
	}
}

// always gives one outcome for every sending.
func always(o anchor.Outcome) func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
	return func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { return o, nil }
}

var errBank = errors.New("connection reset")

// atOnce is options under which everything that is tried again is due at once.
func atOnce() payouts.Options {
	none := payouts.Backoff{First: time.Nanosecond, Max: time.Nanosecond}
	return payouts.Options{Owner: "test", Concurrency: 4, PollWait: none, RetryWait: none}
}

func service(db *store.DB, b *bank, o payouts.Options) *payouts.Service {
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: b}}, slog.New(slog.DiscardHandler), o)
}

// execute runs one pass of execute-outgoing.
func execute(t *testing.T, s *payouts.Service) bool {
	t.Helper()
	worked, err := s.Execute(t.Context(), t.Context())
	require.NoError(t, err)
	return worked
}

// pollOnce runs one pass of poll-outgoing that asks about each payout once.
func pollOnce(t *testing.T, s *payouts.Service) {
	t.Helper()
	_, err := s.Poll(&once{Context: t.Context()}, t.Context())
	require.NoError(t, err)
}

// once is a soft stop that comes after the first look at it.
type once struct {
	context.Context
	looked atomic.Bool
}

func (o *once) Err() error {
	if o.looked.Swap(true) {
		return context.Canceled
	}
	return nil
}

// dead are the terms of a claim by a process that died with it: the lease is over at once.
func dead() store.ClaimTerms {
	return store.ClaimTerms{
		Owner: "dead", Actor: "dead", Lease: time.Microsecond, Limit: 100, Rail: payoutstest.Rail,
	}
}

// judgeAlone changes the receiver's status without letting its transactions follow.
func judgeAlone(t *testing.T, w *payoutstest.World, status anchor.CustomerStatus) error {
	return w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.LockCustomer(ctx, w.Receiver.ID)
		if err != nil {
			return err
		}
		_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerJudged, Actor: "test",
			Statuses: map[string]store.DecidedStatus{payoutstest.ReceiverType: {Status: status}},
		})
		return err
	})
}
