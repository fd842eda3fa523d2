package anchortest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// railCheck calls a rail and remembers what it said, so that its answers can be held against each other.
type railCheck struct {
	rail anchor.Rail
	o    RailOptions

	mu   sync.Mutex
	made int // payouts that Payout was asked for
	said map[anchor.PayoutKey]*testimony
	keys []anchor.PayoutKey // of said, in order
}

// testimony is what a rail said of a key.
type testimony struct {
	payout     anchor.Payout
	sends      int
	lastSent   time.Time
	accepted   bool
	delivered  bool
	returned   bool
	failed     bool // failed, refund or needs_info: never to be paid under this key
	notSent    bool // no sending ever left
	nowhere    bool // not known after NotKnownFinalAfter: never to be made
	externalID string
}

func newRailCheck(rail anchor.Rail, o RailOptions) *railCheck {
	return &railCheck{rail: rail, o: o, said: map[anchor.PayoutKey]*testimony{}}
}

// payout makes the next payout, under a key that no bank has seen.
func (c *railCheck) payout() anchor.Payout {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.o.Payout(c.made)
	c.made++
	p.TransactionID = uuid.NewString()
	p.Key = anchor.NewPayoutKey(p.TransactionID, 1, 1)
	c.said[p.Key] = &testimony{payout: p}
	c.keys = append(c.keys, p.Key)
	return p
}

// execute sends a payout. An error is the rail's own, or errNoResult where that is reported already.
func (c *railCheck) execute(ctx context.Context, r *report, p anchor.Payout) (anchor.Outcome, error) {
	r.Helper()
	c.sending(p)
	given := copyOf(p)
	outcome, err := attempt(ctx, r, c.o.Timeout, "ExecuteOutgoing", func(ctx context.Context) (anchor.Outcome, error) {
		return c.rail.ExecuteOutgoing(ctx, given)
	})
	if errors.Is(err, errNoResult) {
		return anchor.Outcome{}, err
	}
	if !reflect.DeepEqual(given, p) {
		r.broken("ExecuteOutgoing changed the payout that it was given; copy what you change")
	}
	c.checkTexts(r, err, outcome, p)
	if err != nil {
		return anchor.Outcome{}, err
	}
	c.hear(r, p.Key, outcome, false)
	return outcome, nil
}

func (c *railCheck) sending(p anchor.Payout) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.said[p.Key]
	t.payout = p
	t.sends, t.lastSent = t.sends+1, time.Now()
	t.nowhere, t.notSent = false, false
}

// poll asks about payouts.
func (c *railCheck) poll(ctx context.Context, r *report, open ...anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	r.Helper()
	asked := make([]anchor.Payout, len(open))
	for i, p := range open {
		asked[i] = copyOf(p)
		asked[i].ExternalID = c.of(p.Key).externalID
	}
	before := slices.Clone(asked)
	for i := range before {
		before[i] = copyOf(before[i])
	}
	answers, err := attempt(ctx, r, c.o.Timeout, "PollOutgoing", func(ctx context.Context) (map[anchor.PayoutKey]anchor.Outcome, error) {
		return c.rail.PollOutgoing(ctx, asked)
	})
	if errors.Is(err, errNoResult) {
		return nil, err
	}
	if !reflect.DeepEqual(asked, before) {
		r.broken("PollOutgoing changed the payouts that it was given; copy what you change")
	}
	c.checkTexts(r, err, anchor.Outcome{}, open...)
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		if outcome, said := answers[p.Key]; said {
			c.checkTexts(r, nil, outcome, p)
			c.hear(r, p.Key, outcome, true)
		}
	}
	for key := range answers {
		if !slices.ContainsFunc(open, func(p anchor.Payout) bool { return p.Key == key }) {
			r.broken("PollOutgoing answered about key %s, which it was not asked about", key)
		}
	}
	return answers, nil
}

// of is a copy of what was said of a key.
func (c *railCheck) of(key anchor.PayoutKey) testimony {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.said[key]
}

// checkTexts: what a rail says in errors and reasons is logged and shown to operators.
func (c *railCheck) checkTexts(r *report, err error, o anchor.Outcome, payouts ...anchor.Payout) {
	r.Helper()
	texts := []string{o.Why()}
	if err != nil {
		texts = append(texts, err.Error())
	}
	for _, need := range o.Needs() {
		texts = append(texts, need.Problem, need.Description)
	}
	for _, p := range payouts {
		for _, text := range texts {
			if _, found := repeats(text, peopleOf(p)); found {
				r.broken("an error or a reason repeats a personal value of the payout: such texts are logged")
				return
			}
		}
	}
}

// peopleOf are the values of a payout that are personal.
func peopleOf(p anchor.Payout) []string {
	var list []string
	for _, values := range []map[string]string{p.Fields, valuesOf(p.Sender), valuesOf(p.Receiver)} {
		for _, value := range values {
			list = append(list, value)
		}
	}
	return list
}

func valuesOf(c *anchor.Customer) map[string]string {
	if c == nil {
		return nil
	}
	return c.Values
}

// hear holds what is said against what was said before, and remembers it.
func (c *railCheck) hear(r *report, key anchor.PayoutKey, o anchor.Outcome, asked bool) {
	r.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.said[key]
	if before, bad := t.contradiction(o, asked, c.final(t)); bad {
		r.broken("key %s: said %q after it had said %s", key, o.Kind(), before)
	}
	if id := o.ExternalID(); id != "" {
		if t.externalID != "" && t.externalID != id {
			r.broken("key %s: has two references of the bank, %q and %q: that looks like two payments", key, t.externalID, id)
		}
		t.externalID = id
	}
	t.remember(o, asked, c.final(t))
}

// final tells whether NotKnown may be relied on for a key now.
func (c *railCheck) final(t *testimony) bool {
	return c.rail.NotKnownFinalAfter > 0 && t.sends > 0 && time.Since(t.lastSent) >= c.rail.NotKnownFinalAfter
}

// contradiction tells what was said before that does not go together with an outcome.
func (t *testimony) contradiction(o anchor.Outcome, asked, final bool) (before string, bad bool) {
	switch o.Kind() {
	case anchor.OutcomeDelivered, anchor.OutcomeAccepted:
		switch {
		case t.failed:
			return "that the payout failed for good", true
		case t.nowhere:
			return "NotKnown when that was final by its NotKnownFinalAfter, and nothing was sent since", true
		}
	case anchor.OutcomeFailed, anchor.OutcomeRefund, anchor.OutcomeNeedsInfo:
		if t.delivered && !t.returned {
			return "that it was delivered; money that comes back is Returned", true
		}
	case anchor.OutcomeNotSent:
		if asked && (t.delivered || t.accepted) {
			return "that it was accepted or delivered", true
		}
	case anchor.OutcomeNotKnown:
		if asked && final && (t.delivered || t.accepted) {
			return "that it was accepted or delivered", true
		}
	default:
	}
	return "", false
}

func (t *testimony) remember(o anchor.Outcome, asked, final bool) {
	switch o.Kind() {
	case anchor.OutcomeDelivered:
		t.delivered = true
	case anchor.OutcomeAccepted:
		t.accepted = true
	case anchor.OutcomeReturned:
		t.returned = true
	case anchor.OutcomeFailed, anchor.OutcomeRefund, anchor.OutcomeNeedsInfo:
		t.failed = true
	case anchor.OutcomeNotSent:
		t.notSent = asked || t.sends == 1
	case anchor.OutcomeNotKnown:
		t.nowhere = t.nowhere || asked && final
	default:
	}
}

// copyOf is a payout that shares nothing with another.
func copyOf(p anchor.Payout) anchor.Payout {
	p.Sender, p.Receiver, p.Fields = copyOfCustomer(p.Sender), copyOfCustomer(p.Receiver), maps.Clone(p.Fields)
	return p
}

func copyOfCustomer(c *anchor.Customer) *anchor.Customer {
	if c == nil {
		return nil
	}
	copied := *c
	copied.Statuses, copied.Values = maps.Clone(c.Statuses), maps.Clone(c.Values)
	return &copied
}
