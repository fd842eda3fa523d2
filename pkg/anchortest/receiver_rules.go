package anchortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// languages are those in which is asked: none, a known one, one with a region, and one that is nobody's.
func languages() []string { return []string{"", "en", "pt-BR", "zz"} }

func (c *receiverCheck) infoIsStable(r *report) {
	for _, lang := range languages() {
		first, ok := c.info(r, lang)
		second, again := c.info(r, lang)
		if !ok || !again {
			return
		}
		if !reflect.DeepEqual(first, second) {
			r.broken("Info in the language %q was not the same a second time", lang)
		}
	}
}

func (c *receiverCheck) infoDescribes(r *report) {
	for _, lang := range languages() {
		info, ok := c.info(r, lang)
		if !ok {
			return
		}
		for _, types := range []map[string]anchor.CustomerType{info.SenderTypes, info.ReceiverTypes} {
			for name, t := range types {
				if name == "" || t.Description == "" {
					r.broken("Info in the language %q has a customer type %q without name or description", lang, name)
				}
			}
		}
		for name, field := range info.Fields {
			if name == "" || field.Description == "" {
				r.broken("Info in the language %q has a field %q without name or description", lang, name)
			}
		}
	}
}

func (c *receiverCheck) refusesStrangers(r *report) {
	stranger, err := NewAccount()
	if err != nil {
		r.Errorf("make a stranger: %v", err)
		return
	}
	for _, who := range []anchor.SendingAnchor{{Account: stranger.Address}, {}} {
		admitted, ok := c.admitted(r, who)
		if ok && admitted && !c.o.AdmitsEverybody {
			r.broken("%q is a stranger and was admitted; ReceiverOptions.AdmitsEverybody says that this is meant", who.Account)
		}
	}
}

func (c *receiverCheck) admits(r *report) {
	who := c.o.Admitted
	if who.Account == "" {
		r.Logf("not checked: ReceiverOptions.Admitted names nobody")
		return
	}
	users := []anchor.SendingAnchor{who, who, {Account: who.Account}, {Account: who.Account, MemoType: "id", Memo: "7"}}
	for _, user := range users {
		if admitted, ok := c.admitted(r, user); ok && !admitted {
			r.broken("a user of %s (memo %q) was not admitted; the agreement is with the account", who.Account, user.Memo)
		}
	}
}

func (c *receiverCheck) accepts(r *report) {
	p, sure, ok := c.request(r)
	if !ok {
		return
	}
	first, err := c.post(r.Context(), r, p)
	if err != nil && sure && !errors.Is(err, errNoResult) {
		r.broken("the request of ReceiverOptions.Request was not accepted: %v", err)
	}
	second, again := c.post(r.Context(), r, p)
	if anchor.CodeOf(err) != anchor.CodeOf(again) || (err == nil) != (again == nil) || !reflect.DeepEqual(first, second) {
		r.broken("the same request was decided otherwise the second time (%+v, %v; then %+v, %v)", first, err, second, again)
	}
}

func (c *receiverCheck) acceptsWhatCanBe(r *report) {
	p, _, ok := c.request(r)
	if !ok {
		return
	}
	info, ok := c.info(r, p.Lang)
	if !ok {
		return
	}
	a, err := c.post(r.Context(), r, p)
	if err != nil {
		return
	}
	c.checkRole(r, "SenderType", a.SenderType, info.SenderTypes)
	c.checkRole(r, "ReceiverType", a.ReceiverType, info.ReceiverTypes)
	if a.Fee == nil {
		return
	}
	if err := checkFee(*a.Fee, p.Amount); err != nil {
		r.broken("it accepts with a fee that cannot be: %v", err)
	}
}

func (c *receiverCheck) checkRole(r *report, which, name string, types map[string]anchor.CustomerType) {
	r.Helper()
	if _, known := types[name]; name != "" && !known {
		r.broken("Acceptance.%s is %q, which Info does not name for that side", which, name)
	}
}

// checkFee says why a fee cannot be taken from an amount.
func checkFee(f anchor.Fee, amount money.Amount) error {
	total, err := f.Total.Rescale(money.StellarDecimals, money.Up)
	if err != nil {
		return err
	}
	if in, err := amount.Rescale(money.StellarDecimals, money.Down); err != nil {
		return err
	} else if total.Cmp(in) >= 0 {
		return fmt.Errorf("%s leaves nothing of %s", total.Short(), in.Short())
	}
	if len(f.Details) == 0 {
		return nil
	}
	sum, err := money.New(0, money.StellarDecimals)
	if err != nil {
		return err
	}
	for _, part := range f.Details {
		exact, err := part.Amount.Rescale(money.StellarDecimals, money.Down)
		if err != nil {
			return fmt.Errorf("part %q: %w", part.Name, err)
		}
		if sum, err = sum.Add(exact); err != nil {
			return fmt.Errorf("part %q: %w", part.Name, err)
		}
	}
	if sum != total {
		return fmt.Errorf("its parts add up to %s, not to %s", sum.Short(), total.Short())
	}
	return nil
}

func (c *receiverCheck) bearsAbsence(r *report) {
	changes := map[string]func(*anchor.PostRequest){
		"no sender":                       func(p *anchor.PostRequest) { p.Sender = nil },
		"no receiver":                     func(p *anchor.PostRequest) { p.Receiver = nil },
		"neither sender nor receiver":     func(p *anchor.PostRequest) { p.Sender, p.Receiver = nil, nil },
		"people of whom nothing is known": func(p *anchor.PostRequest) { p.Sender, p.Receiver = &anchor.Customer{}, &anchor.Customer{} },
		"no fields":                       func(p *anchor.PostRequest) { p.Fields = nil },
		"no funding method":               func(p *anchor.PostRequest) { p.FundingMethod = "" },
		"a destination asset":             func(p *anchor.PostRequest) { p.DestinationAsset = "iso4217:BRL" },
		"an unknown language":             func(p *anchor.PostRequest) { p.Lang = "zz" },
		"a user with a memo":              func(p *anchor.PostRequest) { p.From.MemoType, p.From.Memo = "id", "18446744073709551615" },
		"a sender who is rejected":        func(p *anchor.PostRequest) { p.Sender = judgedAs(p.Sender, anchor.CustomerRejected) },
		"a receiver who is looked at":     func(p *anchor.PostRequest) { p.Receiver = judgedAs(p.Receiver, anchor.CustomerProcessing) },
		"fields that are unheard of":      func(p *anchor.PostRequest) { p.Fields = map[string]string{"unheard_of": "something"} },
	}
	c.bears(r, changes)
	c.patch(r.Context(), r, nil)
	c.patch(r.Context(), r, map[string]string{})
	c.patch(r.Context(), r, map[string]string{"unheard_of": "something"})
}

func judgedAs(of *anchor.Customer, status anchor.CustomerStatus) *anchor.Customer {
	changed := copyOfCustomer(of)
	if changed != nil {
		changed.Statuses = map[string]anchor.CustomerStatus{changed.Type: status}
	}
	return changed
}

// bears posts requests that differ from a good one; accepting and refusing are both right.
func (c *receiverCheck) bears(r *report, changes map[string]func(*anchor.PostRequest)) {
	r.Helper()
	for name, change := range changes {
		p, _, ok := c.request(r)
		if !ok {
			return
		}
		p = copyOfRequest(p) // it may be the same value each time
		change(&p)
		before := r.Failed()
		if _, err := c.post(r.Context(), r, p); errors.Is(err, errNoResult) || r.Failed() && !before {
			r.Logf("that was a request with %s", name)
		}
	}
}

func (c *receiverCheck) bearsOddValues(r *report) {
	changes := map[string]func(*anchor.PostRequest){}
	for name, text := range oddTexts() {
		changes[name] = func(p *anchor.PostRequest) {
			p.Sender, p.Receiver = withValues(p.Sender, text), withValues(p.Receiver, text)
			for field := range p.Fields {
				p.Fields[field] = text
			}
		}
		p, _, ok := c.request(r)
		if !ok {
			return
		}
		fields := maps.Clone(p.Fields)
		for field := range fields {
			fields[field] = text
		}
		c.patch(r.Context(), r, fields)
	}
	c.bears(r, changes)
}

func (c *receiverCheck) bearsSeveral(r *report) {
	p, _, ok := c.request(r)
	if !ok {
		return
	}
	alone, refused := c.post(r.Context(), r, p)
	if errors.Is(refused, errNoResult) {
		return
	}
	var calls sync.WaitGroup
	for range c.o.AtOnce {
		calls.Go(func() {
			c.patch(r.Context(), r, p.Fields)
			got, err := c.post(r.Context(), r, p)
			if anchor.CodeOf(err) != anchor.CodeOf(refused) || !reflect.DeepEqual(alone, got) {
				r.broken("one of several at once was decided otherwise than alone (%+v, %v; alone %+v, %v)", got, err, alone, refused)
			}
		})
	}
	calls.Wait()
}

func (c *receiverCheck) endsWithContext(r *report) {
	p, _, ok := c.request(r)
	if !ok {
		return
	}
	over, cancel := context.WithCancel(r.Context())
	cancel()
	_, _ = c.post(over, r, p) // that it returns is what matters
	c.patch(over, r, p.Fields)
}
