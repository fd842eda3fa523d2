package anchortest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func (c *railCheck) declares(r *report) {
	safe, final := c.rail.SameKeySafeFor, c.rail.NotKnownFinalAfter
	switch {
	case safe < 0 || final < 0:
		r.broken("NotKnownFinalAfter and SameKeySafeFor are times, and zero for never; they are %v and %v", final, safe)
	case safe > 0 && final >= safe:
		r.broken("NotKnownFinalAfter (%v) is not shorter than SameKeySafeFor (%v): by the time a resend would be allowed it is not safe any more", final, safe)
	}
}

// paid tells how often the bank paid under a key; known is false if nobody can say.
func (c *railCheck) paid(r *report, key anchor.PayoutKey) (times int, known bool) {
	r.Helper()
	if c.o.Paid == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), c.o.Timeout)
	defer cancel()
	times, err := c.o.Paid(ctx, key)
	if err != nil {
		r.Errorf("RailOptions.Paid: %v", err)
		return 0, false
	}
	return times, true
}

// neverTwice reports a key that was paid more than once.
func (c *railCheck) neverTwice(r *report, key anchor.PayoutKey) {
	r.Helper()
	if times, known := c.paid(r, key); known && times > 1 {
		r.broken("key %s was paid %d times", key, times)
	}
}

// made tells whether an outcome says that the payout is made, or will be.
func made(o anchor.Outcome) bool {
	return o.Kind() == anchor.OutcomeDelivered || o.Kind() == anchor.OutcomeAccepted
}

// mustPay makes a payout of those that the rail should pay.
func (c *railCheck) mustPay(r *report) (anchor.Payout, bool) {
	r.Helper()
	p := c.payout()
	o, err := c.execute(r.Context(), r, p)
	switch {
	case errors.Is(err, errNoResult):
		return p, false
	case err != nil:
		r.broken("a payout that should be made ended with an error: %v", err)
		return p, false
	case !made(o):
		r.broken("a payout that should be made was answered %q (%s); RailOptions.Payout makes payouts that your bank pays", o.Kind(), o.Why())
		return p, false
	}
	return p, true
}

func (c *railCheck) paysOnce(r *report) {
	p, ok := c.mustPay(r)
	if !ok {
		return
	}
	c.settle(r, p)
	if times, known := c.paid(r, p.Key); known && c.of(p.Key).delivered && times != 1 {
		r.broken("key %s was delivered, and the bank paid it %d times", p.Key, times)
	}
}

// settle asks about payouts until each has an end, as long as Settle lasts; once at least.
func (c *railCheck) settle(r *report, payouts ...anchor.Payout) {
	r.Helper()
	end := time.Now().Add(c.o.Settle)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var open []anchor.Payout
		if _, err := c.poll(r.Context(), r, payouts...); errors.Is(err, errNoResult) {
			return
		}
		for _, p := range payouts {
			if t := c.of(p.Key); !t.delivered && !t.failed && !t.returned {
				open = append(open, p)
			}
		}
		if len(open) == 0 || c.o.Settle <= 0 {
			return
		}
		if !time.Now().Before(end) {
			r.broken("%d payouts of %d have no end after %v, which is what RailOptions.Settle gives them", len(open), len(payouts), c.o.Settle)
			return
		}
		if pause(r.Context(), wait) != nil {
			return
		}
	}
}

func (c *railCheck) recognises(r *report) {
	if c.rail.SameKeySafeFor <= 0 {
		r.Logf("not checked: it declares that no key may be sent again")
		return
	}
	p, ok := c.mustPay(r)
	if !ok {
		return
	}
	for range 2 {
		if _, err := c.execute(r.Context(), r, p); errors.Is(err, errNoResult) {
			return
		}
	}
	c.settle(r, p)
	c.neverTwice(r, p.Key)
}

// cuts are when calls are cut off: before they begin, and soon after.
func cuts() []time.Duration {
	return []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond}
}

func (c *railCheck) survivesCut(r *report) {
	var left []anchor.Payout
	for _, after := range cuts() {
		resent, never := c.payout(), c.payout()
		if !c.cut(r, resent, after) || !c.cut(r, never, after) {
			return
		}
		left = append(left, never)
		if c.rail.SameKeySafeFor > 0 {
			_, _ = c.execute(r.Context(), r, resent) // what it says is held against what it said before
			c.settle(r, resent)
		}
		c.neverTwice(r, resent.Key)
	}
	c.awaitFinal(r, left)
}

// cut sends a payout and gives the call up after a while; false if it came to nothing.
func (c *railCheck) cut(r *report, p anchor.Payout, after time.Duration) bool {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), after)
	defer cancel()
	_, err := c.execute(ctx, r, p)
	return !errors.Is(err, errNoResult)
}

// awaitFinal asks about payouts when NotKnown is final of them, if that is soon; what is said then is held against what the
// bank has done in the end.
func (c *railCheck) awaitFinal(r *report, payouts []anchor.Payout) {
	r.Helper()
	after := c.rail.NotKnownFinalAfter
	if after > 0 && after <= c.o.Timeout && pause(r.Context(), after) != nil {
		return
	}
	_, _ = c.poll(r.Context(), r, payouts...)
}

func (c *railCheck) endsWithContext(r *report) {
	p := c.payout()
	over, cancel := context.WithCancel(r.Context())
	cancel()
	if _, err := c.execute(over, r, p); errors.Is(err, errNoResult) {
		return
	}
	_, _ = c.poll(over, r, p) // that it returns is what matters
}

func (c *railCheck) answersByKey(r *report) {
	first, ok := c.mustPay(r)
	second, both := c.mustPay(r)
	if !ok || !both {
		return
	}
	never := c.payout()
	for _, open := range [][]anchor.Payout{
		{first, never, second}, {second, first, never}, {never, second}, {never}, {second}, {never, never, first},
	} {
		answers, err := c.poll(r.Context(), r, open...)
		if errors.Is(err, errNoResult) {
			return
		}
		if o := answers[never.Key]; made(o) || ended(o) {
			r.broken("a key that was never sent was answered %q when asked about together with others: match answers by key, not by position", o.Kind())
			return
		}
	}
}

// ended tells whether an outcome says that the payout is over without being made.
func ended(o anchor.Outcome) bool {
	switch o.Kind() {
	case anchor.OutcomeFailed, anchor.OutcomeRefund, anchor.OutcomeNeedsInfo, anchor.OutcomeReturned, anchor.OutcomeNotSent:
		return true
	default:
		return false
	}
}

// many is how many unknown keys are asked about at once.
const many = 25

func (c *railCheck) inventsNothing(r *report) {
	unknown := make([]anchor.Payout, many)
	for i := range unknown {
		unknown[i] = c.payout()
	}
	answers, err := c.poll(r.Context(), r, unknown...)
	switch {
	case errors.Is(err, errNoResult):
		return
	case err != nil:
		r.broken("asking about keys that were never sent ended with an error: %v", err)
		return
	}
	for _, p := range unknown {
		o, said := answers[p.Key]
		switch {
		case made(o) || ended(o):
			r.broken("a key that was never sent was answered %q; NotKnown, or nothing, is the truth", o.Kind())
			return
		case c.rail.NotKnownFinalAfter > 0 && (!said || o.Kind() != anchor.OutcomeNotKnown):
			r.broken("it declares that NotKnown is final, and does not say NotKnown of a key that was never sent: its payouts would stay unknown")
			return
		}
		if times, known := c.paid(r, p.Key); known && times > 0 {
			r.broken("asking about a key paid it")
			return
		}
	}
}

func (c *railCheck) bearsNothing(r *report) {
	answers, err := c.poll(r.Context(), r)
	switch {
	case errors.Is(err, errNoResult):
	case err != nil:
		r.broken("PollOutgoing of no payouts ended with an error: %v", err)
	case len(answers) > 0:
		r.broken("PollOutgoing of no payouts answered about %d", len(answers))
	}
}

func (c *railCheck) bearsSeveral(r *report) {
	payouts := make([]anchor.Payout, c.o.AtOnce)
	for i := range payouts {
		payouts[i] = c.payout()
	}
	var calls sync.WaitGroup
	for _, p := range payouts {
		calls.Go(func() {
			o, err := c.execute(r.Context(), r, p)
			if err == nil && !made(o) {
				r.broken("one of several payouts at once was answered %q (%s)", o.Kind(), o.Why())
			}
			_, _ = c.poll(r.Context(), r, p) // while others are being made
		})
	}
	calls.Wait()
	c.settle(r, payouts...)
	for _, p := range payouts {
		c.neverTwice(r, p.Key)
	}
}

func (c *railCheck) keepsWord(r *report) {
	c.mu.Lock()
	var all []anchor.Payout
	for _, key := range c.keys {
		if t := c.said[key]; t.sends > 0 {
			all = append(all, t.payout)
		}
	}
	c.mu.Unlock()
	for range 2 {
		if _, err := c.poll(r.Context(), r, all...); errors.Is(err, errNoResult) {
			return
		}
	}
}

// audits asks the bank about every key of the whole check.
func (c *railCheck) audits(r *report) {
	for _, key := range c.keys {
		times, known := c.paid(r, key)
		if !known {
			return
		}
		t := c.of(key)
		switch {
		case times > 1:
			r.broken("key %s was paid %d times", key, times)
		case times == 0 && t.delivered:
			r.broken("key %s was said to be delivered, and was never paid", key)
		case times > 0 && t.sends == 0:
			r.broken("key %s was paid and never sent", key)
		case times > 0 && t.failed:
			r.broken("key %s was paid, and said to have failed for good: it would be paid again under another key", key)
		case times > 0 && t.notSent:
			r.broken("key %s was paid, and said never to have been sent", key)
		case times > 0 && t.nowhere:
			r.broken("key %s was paid, and not known when that was final by its NotKnownFinalAfter", key)
		}
	}
}
