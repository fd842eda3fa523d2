package anchortest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// BatchOptions tell CheckBatchRails what it has to know of a rail. The zero value is for rails that take whatever they are given.
type BatchOptions struct {
	// Payout makes the n-th payout of a check, counted from 0: one that the rail takes. Its key and transaction are filled in by
	// the check, anew each time. nil: 12.34 of iso4217:USD for a made-up sender and receiver.
	Payout func(n int) anchor.Payout
	// HandedOver asks the bank itself, not the rail, how often it was given a key: in how many files, or how often in one. nil:
	// what is handed over twice is then only seen where the rail's answers betray it.
	HandedOver func(ctx context.Context, key anchor.PayoutKey) (int, error)
	// Timeout is how long one call may take; zero: 10 seconds.
	Timeout time.Duration
	// Size is how many payouts are in a batch; zero: 3.
	Size int
}

// CheckBatchRails holds a rail that takes batches against what the payout engine relies on (anchor.BatchRails, anchor.Rail). It
// hands over some twenty batches, so it is for a bank's test system, or for a fake of it. Each rule is a subtest of its own where
// t is a *testing.T:
//
//   - what it declares makes sense
//   - a batch is handed over once, every payout of it
//   - the same batch again has no other effect
//   - a batch whose call was cut off, and that comes again, is handed over once
//   - the same batch from two processes at once is handed over once
//   - a call ends when its context does
//   - answers are by key, whatever the order, and nothing is invented about keys that were never handed over
//   - to be asked about nothing is no error
//   - odd values, absent people and empty texts make neither panic nor error: a batch that ends with an error comes again for ever,
//     and no other before it
//   - what was said stays; of what was handed over it never says NotSent, nor NotKnown when that is final
//   - nothing is handed over twice
//
// During all of it, whatever the rule, a rail must not panic, not change the batch that it is given, and repeat no personal value
// in errors and reasons.
func CheckBatchRails(t testing.TB, rail anchor.Rail, o BatchOptions) {
	t.Helper()
	if rail.Batch == nil || rail.Rails == nil {
		t.Fatalf("CheckBatchRails: the rail takes no batches, or cannot be asked about payouts")
		return
	}
	if o.HandedOver == nil {
		t.Logf("CheckBatchRails: without BatchOptions.HandedOver nobody can ask the bank what it was given how often; say how if you can")
	}
	c := newBatchCheck(rail, o)
	follow(t, []rule{
		{"what it declares makes sense", c.declaresBatches},
		{"a batch is handed over once", c.handsOverOnce},
		{"the same batch again has no other effect", c.bearsTheSame},
		{"a batch whose call was cut off is handed over once", c.survivesCutBatch},
		{"the same batch from two at once is handed over once", c.bearsTwoAtOnce},
		{"a call ends when its context does", c.batchEndsWithContext},
		{"answers are by key", c.answersOfMembers},
		{"it invents nothing about keys that were never sent", c.inventsNothing},
		{"to be asked about nothing is no error", c.bearsNothing},
		{"odd values do no harm", c.bearsOddMembers},
		{"what was said stays", c.keepsWord},
		{"nothing is handed over twice", c.auditsBatches},
	})
}

// batchCheck hands batches over and remembers what was said of their members.
type batchCheck struct {
	*railCheck
	size int
	name string // of the made-up rail, so that a bank which remembers names can be checked again
	next int64
}

func newBatchCheck(rail anchor.Rail, o BatchOptions) *batchCheck {
	if o.Size <= 0 {
		o.Size = 3
	}
	c := newRailCheck(rail, RailOptions{Payout: o.Payout, Paid: o.HandedOver, Timeout: o.Timeout}.withDefaults())
	return &batchCheck{railCheck: c, size: o.Size, name: "check" + uuid.NewString()[:8]}
}

// batch makes the next batch.
func (c *batchCheck) batch(payouts ...anchor.Payout) anchor.Batch {
	for len(payouts) < c.size {
		payouts = append(payouts, c.payout())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return anchor.Batch{
		Name: fmt.Sprintf("%s-%d-%.8s", c.name, c.next, payouts[0].Key), Rail: c.name, Number: c.next,
		CutOff: time.Now().UTC().Truncate(time.Microsecond), Payouts: payouts,
	}
}

// hand hands a batch over; an error is the rail's own, or errNoResult where that is reported already.
func (c *batchCheck) hand(ctx context.Context, r *report, b anchor.Batch) error {
	r.Helper()
	for _, p := range b.Payouts {
		c.sending(p)
	}
	given := copyOfBatch(b)
	_, err := attempt(ctx, r, c.o.Timeout, "ExecuteBatch", func(ctx context.Context) (anchor.BatchTaken, error) {
		return c.rail.Batch.ExecuteBatch(ctx, given)
	})
	if errors.Is(err, errNoResult) {
		return err
	}
	if !reflect.DeepEqual(given, b) {
		r.broken("ExecuteBatch changed the batch that it was given; copy what you change")
	}
	c.checkTexts(r, err, anchor.Outcome{}, b.Payouts...)
	if err == nil {
		c.accept(b)
	}
	return err
}

// accept remembers what the engine makes of a batch that was handed over.
func (c *batchCheck) accept(b anchor.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range b.Payouts {
		c.said[p.Key].accepted = true
	}
}

// mustHand hands over a batch that the rail should take.
func (c *batchCheck) mustHand(r *report, b anchor.Batch) bool {
	r.Helper()
	err := c.hand(r.Context(), r, b)
	if err != nil && !errors.Is(err, errNoResult) {
		r.broken("a batch that should be handed over ended with an error: %v", err)
	}
	return err == nil
}

// once reports members that were not handed over exactly once.
func (c *batchCheck) once(r *report, b anchor.Batch) {
	r.Helper()
	for _, p := range b.Payouts {
		if times, known := c.paid(r, p.Key); known && times != 1 {
			r.broken("key %s of batch %s was handed over %d times", p.Key, b.Name, times)
		}
	}
}

// atMostOnce reports members that were handed over more than once.
func (c *batchCheck) atMostOnce(r *report, b anchor.Batch) {
	r.Helper()
	for _, p := range b.Payouts {
		if times, known := c.paid(r, p.Key); known && times > 1 {
			r.broken("key %s of batch %s was handed over %d times", p.Key, b.Name, times)
		}
	}
}

func copyOfBatch(b anchor.Batch) anchor.Batch {
	b.Payouts = slices.Clone(b.Payouts)
	for i, p := range b.Payouts {
		b.Payouts[i] = copyOf(p)
	}
	return b
}

// oddBatches are batches of payouts that do no harm to a rail that keeps the rules, by what is odd about them.
func (c *batchCheck) oddBatches() map[string]anchor.Batch {
	list := map[string]anchor.Batch{}
	for name, p := range c.odd() {
		list[name] = c.batch(c.payout(), p)
	}
	one := c.payout()
	size := c.size
	c.size = 1
	list["only one payout"] = c.batch(one)
	c.size = size
	return list
}
