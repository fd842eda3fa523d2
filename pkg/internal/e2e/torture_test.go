package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sender"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// extent is how much of a crash test is done.
type extent struct{ killsOfEach, transfersOfEach int }

func tortureExtent() extent {
	if os.Getenv("ANCHOR_TORTURE") == "full" {
		return extent{killsOfEach: 20, transfersOfEach: 75}
	}
	return extent{killsOfEach: 2, transfersOfEach: 15}
}

func TestTortureKilledRoles_lose_no_payment_and_pay_nobody_twice(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		for name, bank := range map[string]plan{
			"with a bank that answers later":  {outcome: simulated.OutcomeAccepted, after: 300 * time.Millisecond},
			"with a bank that answers slowly": {outcome: simulated.OutcomeDelivered, after: 150 * time.Millisecond},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				torture(t, engine, bank, tortureExtent())
			})
		}
	})
}

func torture(t *testing.T, engine string, p plan, size extent) {
	const senders = 4
	p.closeEvery = 250 * time.Millisecond
	p.environment = []string{"ANCHOR_LEASE=2s", "ANCHOR_RAIL_TIMEOUT=1s"}
	w := newWorld(t, engine, p)
	roles := w.startAll()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(size.killsOfEach)*patience)
	defer cancel()
	anchors := w.sendingAnchors(ctx, senders)
	seed := rand.Uint64()
	t.Logf("seed of the kills: %d", seed)
	steps := newProgress()
	torturer := &torturer{
		random: rand.New(rand.NewPCG(seed, 0)), roles: roles, steps: steps,
		// Every transfer is seen agreed and completed, and most are seen in between.
		last: 2 * senders * size.transfersOfEach * 9 / 10,
	}

	underWay := send(ctx, anchors, load{each: size.transfersOfEach, atOnce: 5, tell: func(sender.State) { steps.add() }})
	torturer.run(underWay.ctx, size.killsOfEach)
	seen := steps.seen()
	all := underWay.completed(w)

	require.Equal(t, size.killsOfEach*len(roles), torturer.kills)
	require.Less(t, seen, steps.seen(), "the last kill came while transfers were under way")
	w.awaitCallbacks(all, true)
	stopAll(roles)
	w.requireInvariants()
	require.EqualValues(t, senders*size.transfersOfEach, w.db.number("SELECT COUNT(*) FROM transactions"))
	require.Zero(t, w.db.number("SELECT COUNT(*) FROM payments WHERE state = 'open'"))
	w.tellWounds(torturer.kills, len(all))
}

// tellWounds logs what the kills did: a run in which they did nothing proves nothing.
func (w *world) tellWounds(kills, transfers int) {
	w.Helper()
	w.Logf("%d kills during %d transfers: %d payouts lost their sender, %d were sent again, %d messages were late or repeated, the watcher's lease changed hands %d times",
		kills, transfers,
		w.db.number("SELECT COUNT(*) FROM events WHERE subject_kind = 'payout' AND to_status = 'unknown'"),
		w.db.number("SELECT COUNT(*) FROM payout_attempts WHERE sends > 1"),
		w.db.number("SELECT COUNT(*) FROM callbacks WHERE attempts > 1 OR fence > 1"),
		w.db.number("SELECT fence FROM leases WHERE name = 'watch-transactions'"))
}

// torturer kills roles at random moments of a run and starts them again at once.
type torturer struct {
	random *rand.Rand
	roles  []*role
	steps  *progress
	last   int // step of the run before which every kill happens
	kills  int
}

// run kills each role so many times, in a random order.
func (k *torturer) run(ctx context.Context, times int) {
	var victims []*role
	for _, r := range k.roles {
		victims = append(victims, slices.Repeat([]*role{r}, times)...)
	}
	k.random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for i, victim := range victims {
		if k.steps.reach(ctx, k.last*i/len(victims)) != nil {
			return
		}
		// What is under way at a step is to be hit anywhere, not at its beginning only.
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(k.random.IntN(200)) * time.Millisecond):
		}
		victim.kill()
		victim.restart()
		k.kills++
	}
}

// progress counts the steps of a run and lets somebody wait for one.
type progress struct {
	mu      sync.Mutex
	count   int
	changed chan struct{} // closed and replaced at each step
}

func newProgress() *progress { return &progress{changed: make(chan struct{})} }

func (p *progress) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// reach returns when there were so many steps, or with the error of ctx.
func (p *progress) reach(ctx context.Context, count int) error {
	for {
		p.mu.Lock()
		reached, changed := p.count >= count, p.changed
		p.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
