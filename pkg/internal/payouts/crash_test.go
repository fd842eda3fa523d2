package payouts_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// vault is a bank that pays whatever it is sent, as often as it is sent it: a resend that must not be made pays twice. What
// it answers to the sender is anything; what it answers to questions is true.
type vault struct {
	mu      sync.Mutex
	draw    func(n int) int
	paid    map[anchor.PayoutKey]int
	refused map[anchor.PayoutKey]bool
	of      map[anchor.PayoutKey]string // transaction
	honest  bool
	called  func() // nil: nothing
}

func (v *vault) ExecuteOutgoing(_ context.Context, p anchor.Payout) (anchor.Outcome, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[p.Key] = p.TransactionID
	if v.called != nil {
		v.called()
	}
	mood := 0
	if !v.honest {
		mood = v.draw(8)
	}
	switch mood {
	case 1:
		return anchor.Outcome{}, errBank
	case 2:
		return anchor.NotSent("closed"), nil
	case 3:
		v.refused[p.Key] = true
		return anchor.Failed("no"), nil
	case 4:
		v.refused[p.Key] = true
		return anchor.Outcome{}, errBank
	}
	v.paid[p.Key]++
	switch mood {
	case 5:
		return anchor.Outcome{}, errBank
	case 6:
		return anchor.Accepted("x"), nil
	case 7:
		panic("the line went dead")
	}
	return anchor.Delivered("x"), nil
}

func (v *vault) PollOutgoing(_ context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.honest && v.draw(4) == 0 {
		return nil, errBank
	}
	answers := map[anchor.PayoutKey]anchor.Outcome{}
	for _, p := range open {
		answers[p.Key] = v.truth(p.Key)
	}
	return answers, nil
}

func (v *vault) truth(key anchor.PayoutKey) anchor.Outcome {
	switch {
	case v.paid[key] > 0:
		return anchor.Delivered("x")
	case v.refused[key]:
		return anchor.Failed("no")
	default:
		return anchor.NotKnown()
	}
}

// run is one history of processes that die at the worst moments.
type run struct {
	t     *testing.T
	w     *payoutstest.World
	v     *vault
	s     *payouts.Service
	draw  func(n int) int
	ids   []string
	held  []store.Claim // of a process that died before it sent them
	fates map[anchor.PayoutKey]anchor.Outcome
}

func newRun(t *testing.T, w *payoutstest.World, draw func(n int) int) *run {
	v := &vault{draw: draw, paid: map[anchor.PayoutKey]int{}, refused: map[anchor.PayoutKey]bool{}, of: map[anchor.PayoutKey]string{}}
	rails := map[string]anchor.Rail{payoutstest.Rail: {Rails: v, NotKnownFinalAfter: time.Microsecond, SameKeySafeFor: time.Hour}}
	o := atOnce()
	o.Concurrency = 1 // so that the draws of a history always fall on the same calls
	return &run{t: t, w: w, v: v, s: payouts.New(w.DB, rails, nil, o), draw: draw, ids: w.Funded(1 + draw(3)), fates: map[anchor.PayoutKey]anchor.Outcome{}}
}

func (r *run) step() {
	ctx := r.t.Context()
	terms := dead()
	terms.SameKeySafeFor = time.Hour
	switch r.draw(9) {
	case 0:
		execute(r.t, r.s)
	case 1:
		pollOnce(r.t, r.s)
	case 2: // dies between the claim and the rail
		claimed, err := r.w.DB.ClaimReady(ctx, terms)
		require.NoError(r.t, err)
		r.held = append(r.held, claimed.Claims...)
	case 3: // dies between the rail and the record
		claimed, err := r.w.DB.ClaimReady(ctx, terms)
		require.NoError(r.t, err)
		for _, c := range claimed.Claims {
			r.sendAndDie(c)
		}
	case 4: // dies while it asks
		_, err := r.w.DB.ClaimUnderWay(ctx, terms)
		require.NoError(r.t, err)
	case 5: // what was thought dead gives back what it claimed and did not send
		require.NoError(r.t, r.w.DB.ReleaseClaims(ctx, r.held, "dead"))
		r.held = nil
	case 6: // what a bank told somebody who died comes by another way
		for key, o := range r.fates {
			require.NoError(r.t, r.s.Report(ctx, key, o, ""))
		}
	case 7: // an operator tries again
		for _, id := range r.ids {
			_, err := r.s.Retry(ctx, payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
			if err != nil {
				require.Equal(r.t, anchor.CodeConflict, anchor.CodeOf(err))
			}
		}
	case 8: // told to stop at once in the middle of a call
		cut, cancel := context.WithCancel(ctx)
		r.v.called = cancel
		_, err := r.s.Execute(ctx, cut)
		cancel()
		require.NoError(r.t, err)
		r.v.called = nil
	}
	for _, id := range r.ids {
		r.w.RequireBooks(id)
	}
}

func (r *run) sendAndDie(c store.Claim) {
	defer func() { _ = recover() }() // dead anyway
	o, err := r.v.ExecuteOutgoing(r.t.Context(), c.Request)
	if err == nil {
		r.fates[c.Key()] = o
	}
}

// end lets everything come to rest with a bank in a good mood, and looks who was paid how often.
func (r *run) end() {
	r.v.honest = true
	for range 6 {
		pollOnce(r.t, r.s)
		execute(r.t, r.s)
	}
	paid := map[string]int{}
	for key, times := range r.v.paid {
		paid[r.v.of[key]] += times
	}
	for _, id := range r.ids {
		tr := r.w.Transaction(id)
		r.w.RequireBooks(id)
		require.Empty(r.t, tr.Conflict)
		switch tr.Status {
		case anchor.StatusCompleted:
			require.Equal(r.t, 1, paid[id], "completed transaction %s", id)
		case anchor.StatusPendingReceiver:
			require.Equal(r.t, anchor.PayoutFailed, r.w.Payout(id).State)
			require.Zero(r.t, paid[id], "failed transaction %s", id)
		default:
			require.Fail(r.t, fmt.Sprintf("transaction %s ended as %s", id, tr.Status))
		}
	}
}

func TestWhatever_dies_when_nobody_is_paid_twice_or_forgotten(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		w := payoutstest.New(t, storetest.SQLite(t))
		rapid.Check(t, func(rt *rapid.T) {
			r := newRun(t, w, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") })
			for range rapid.IntRange(1, 15).Draw(rt, "steps") {
				r.step()
			}
			r.end()
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		w := payoutstest.New(t, storetest.Postgres(t))
		for seed := range uint64(15) {
			r := newRun(t, w, rand.New(rand.NewPCG(seed, 7)).IntN)
			for range 15 {
				r.step()
			}
			r.end()
		}
	})
}
