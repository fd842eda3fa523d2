package anchortest

import (
	"context"
	"errors"
	"sync"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func (c *batchCheck) declaresBatches(r *report) {
	c.declares(r)
	if c.rail.BatchMost < 0 || c.rail.BatchEvery < 0 {
		r.broken("BatchMost and BatchEvery are zero, or more; they are %d and %v", c.rail.BatchMost, c.rail.BatchEvery)
	}
	if _, ever := c.rail.Calendar.CutOff(c.batch().CutOff); len(c.rail.Calendar.CutOffs) > 0 && !ever {
		r.broken("its calendar has cut-offs, and no day on which there is one: nothing would ever be handed over")
	}
}

func (c *batchCheck) handsOverOnce(r *report) {
	first, second := c.batch(), c.batch()
	for _, b := range []anchor.Batch{first, second} {
		if !c.mustHand(r, b) {
			return
		}
	}
	c.once(r, first)
	c.once(r, second)
	_, _ = c.poll(r.Context(), r, append(first.Payouts, second.Payouts...)...) // what it says is held against what it said
}

func (c *batchCheck) bearsTheSame(r *report) {
	b, other := c.batch(), c.batch()
	for _, next := range []anchor.Batch{b, b, other, b} {
		if !c.mustHand(r, next) {
			return
		}
	}
	c.once(r, b)
	c.once(r, other)
}

func (c *batchCheck) survivesCutBatch(r *report) {
	for _, after := range cuts() {
		b := c.batch()
		ctx, cancel := context.WithTimeout(r.Context(), after)
		err := c.hand(ctx, r, b)
		cancel()
		if errors.Is(err, errNoResult) {
			return
		}
		c.atMostOnce(r, b)
		if !c.mustHand(r, b) {
			return
		}
		c.once(r, b)
	}
}

func (c *batchCheck) bearsTwoAtOnce(r *report) {
	b := c.batch()
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() { _ = c.hand(r.Context(), r, b) }) // one of them may fail: it comes again
	}
	calls.Wait()
	c.atMostOnce(r, b)
	if c.mustHand(r, b) {
		c.once(r, b)
	}
}

func (c *batchCheck) batchEndsWithContext(r *report) {
	b := c.batch()
	over, cancel := context.WithCancel(r.Context())
	cancel()
	if err := c.hand(over, r, b); errors.Is(err, errNoResult) {
		return
	}
	_, _ = c.poll(over, r, b.Payouts...) // that it returns is what matters
	if c.mustHand(r, b) {
		c.once(r, b)
	}
}

func (c *batchCheck) answersOfMembers(r *report) {
	b := c.batch()
	if !c.mustHand(r, b) {
		return
	}
	never := c.payout()
	first, last := b.Payouts[0], b.Payouts[len(b.Payouts)-1]
	for _, open := range [][]anchor.Payout{{first, never, last}, {last, first, never}, {never, last}, {never}, {never, never, first}} {
		answers, err := c.poll(r.Context(), r, open...)
		if errors.Is(err, errNoResult) {
			return
		}
		if o := answers[never.Key]; made(o) || ended(o) {
			r.broken("a key that was never handed over was answered %q when asked about together with others: match answers by key, not by position", o.Kind())
			return
		}
	}
}

func (c *batchCheck) bearsOddMembers(r *report) {
	for name, b := range c.oddBatches() {
		err := c.hand(r.Context(), r, b)
		switch {
		case errors.Is(err, errNoResult):
			r.Logf("that was a batch with %s", name)
			return
		case err != nil:
			r.broken("a batch with %s ended with an error, and would come again for ever: %v", name, err)
			return
		}
		c.once(r, b)
	}
}

// auditsBatches asks the bank about every key of the whole check.
func (c *batchCheck) auditsBatches(r *report) {
	for _, key := range c.keys {
		times, known := c.paid(r, key)
		if !known {
			return
		}
		t := c.of(key)
		switch {
		case times > 1:
			r.broken("key %s was handed over %d times", key, times)
		case times == 0 && (t.accepted || t.delivered):
			r.broken("key %s was taken, and never handed over", key)
		case times > 0 && t.sends == 0:
			r.broken("key %s was handed over and in no batch", key)
		}
	}
}
