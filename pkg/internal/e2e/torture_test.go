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
		const senders = 4
		size := tortureExtent()
		w := newWorld(t, engine, plan{closeEvery: 250 * time.Millisecond, environment: []string{"ANCHOR_LEASE=4s", "ANCHOR_RAIL_TIMEOUT=1s"}})
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

		var killing sync.WaitGroup
		killing.Go(func() { torturer.run(ctx, size.killsOfEach) })
		all := w.sendAll(ctx, anchors, size.transfersOfEach, func(sender.State) { steps.add() })
		killing.Wait()

		require.Equal(t, size.killsOfEach*len(roles), torturer.kills, "every kill was made while transfers were under way")
		requireCompleted(w, all)
		w.awaitCallbacks(all, true)
		stopAll(roles)
		w.requireInvariants()
		require.EqualValues(t, senders*size.transfersOfEach, w.db.number("SELECT COUNT(*) FROM transactions"))
		require.Zero(t, w.db.number("SELECT COUNT(*) FROM payments WHERE state = 'open'"))
	})
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
