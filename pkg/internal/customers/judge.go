package customers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// judgeTries bounds how often a customer is judged again because it changed meanwhile. Whoever changed it judges it as well.
const judgeTries = 5

// errOutdated means that a customer changed between being judged and the verdict being recorded.
var errOutdated = errors.New("the customer changed while it was judged")

// judgement is an occasion to judge a customer.
type judgement struct {
	also     string   // a type to judge for although it has no status yet; empty: none
	demanded bool     // also was named by somebody who is told if it does not exist
	changed  []string // what was given just now
}

// judge asks the business about every role of a customer that is due, and records what it says. The business is asked
// outside of any database transaction, so its word counts only if the customer is still as it was judged.
func (s *Service) judge(ctx context.Context, id string, j judgement) error {
	for range judgeTries {
		err := s.judgeOnce(ctx, id, j)
		if !errors.Is(err, errOutdated) {
			return err
		}
	}
	return anchor.RefuseAs(anchor.CodeConflict, "the customer is being changed by other requests; try again")
}

func (s *Service) judgeOnce(ctx context.Context, id string, j judgement) error {
	row, err := s.db.CustomerByID(ctx, id)
	var k known
	if err == nil {
		k, err = s.load(ctx, row, true)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile: nothing is left to judge
	}
	if err != nil {
		return err
	}
	verdicts := map[string]ruling{}
	for _, name := range due(k, j.also) {
		verdict, err := s.verdict(ctx, k, name, j)
		if notOffered(err) && (name != j.also || !j.demanded) {
			continue
		}
		if err != nil {
			return err
		}
		verdicts[name] = verdict
	}
	if len(verdicts) == 0 {
		return nil
	}
	return s.record(ctx, k, verdicts)
}

// due lists the types for which the customer gave values that nobody has judged.
func due(k known, also string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(k.statuses)) {
		if unjudged(k.statuses[name]) {
			names = append(names, name)
		}
	}
	if _, judged := k.statuses[also]; also != "" && !judged {
		names = append(names, also)
	}
	return names
}

func unjudged(status store.CustomerStatus) bool {
	return status.Status == anchor.CustomerProcessing && status.Actor == sendingAnchor
}

// errNotOffered marks a type that the business knows no more.
type errNotOffered struct{ error }

func (e errNotOffered) Unwrap() error { return e.error }

func notOffered(err error) bool {
	_, is := errors.AsType[errNotOffered](err)
	return is
}

// ruling is a verdict and what the role demanded when it was made.
type ruling struct {
	anchor.Verdict
	in role
}

// verdict is what is decided about a customer in one role. A customer who has still to give something needs information,
// whoever else might think otherwise; a complete one is for the business to judge.
func (s *Service) verdict(ctx context.Context, k known, name string, j judgement) (ruling, error) {
	person := *k.person
	person.Type = name
	r, err := s.role(ctx, &person, name, "")
	if refusedType(err) {
		return ruling{}, errNotOffered{err}
	}
	if err != nil {
		return ruling{}, err
	}
	if !r.complete(k.fields) {
		return ruling{anchor.Verdict{Status: anchor.CustomerNeedsInfo}, r}, nil
	}
	verdict, err := s.integration.Put(ctx, anchor.CustomerPut{Customer: &person, Type: name, Changed: j.changed})
	if err != nil {
		return ruling{}, fmt.Errorf("have customer %s judged as %s: %w", person.ID, name, err)
	}
	if err := check(verdict); err != nil {
		return ruling{}, fmt.Errorf("verdict on customer %s as %s: %w", person.ID, name, err)
	}
	return ruling{verdict, r}, nil
}

// check holds a verdict against what SEP-12 lets a client be told.
func check(v anchor.Verdict) error {
	switch v.Status {
	case anchor.CustomerAccepted, anchor.CustomerProcessing, anchor.CustomerNeedsInfo:
	case anchor.CustomerRejected:
		if v.Message == "" {
			return errors.New("REJECTED needs a message for the sending anchor")
		}
	default:
		return fmt.Errorf("%q is no status of a customer", v.Status)
	}
	for name, field := range v.Fields {
		switch field.Status {
		case "", anchor.FieldAccepted, anchor.FieldProcessing, anchor.FieldVerificationRequired:
		case anchor.FieldRejected:
			if field.Error == "" {
				return fmt.Errorf("field %s: REJECTED needs an error for the sending anchor", name)
			}
		default:
			return fmt.Errorf("field %s: %q is no status of a field", name, field.Status)
		}
	}
	return nil
}

// record writes verdicts if the customer is still the one that was judged, and lets its transactions follow.
func (s *Service) record(ctx context.Context, k known, verdicts map[string]ruling) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		open, c, err := lock(ctx, tx, k.row.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.Version != k.row.Version {
			return errOutdated
		}
		change := changeOf(verdicts)
		change.Cause, change.Actor = store.CustomerJudged, integration
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		return follow(ctx, tx, open, integration, "a customer was judged")
	})
}

// changeOf puts verdicts on several types together. Where they disagree about a field, a rejection counts.
func changeOf(verdicts map[string]ruling) store.CustomerChange {
	change := store.CustomerChange{Fields: map[string]store.JudgedField{}, Statuses: map[string]store.DecidedStatus{}}
	for _, customerType := range slices.Sorted(maps.Keys(verdicts)) {
		v := verdicts[customerType]
		change.Statuses[customerType] = store.DecidedStatus{Status: v.Status, Message: v.Message}
		for spelling, field := range v.Fields {
			name := anchor.SEP9Canonical(spelling)
			if change.Fields[name].Status == anchor.FieldRejected {
				continue
			}
			judged := store.JudgedField{Status: field.Status}
			if field.Status == anchor.FieldRejected {
				judged.Error = field.Error
				judged.Asked = store.AskedField{Type: customerType, Optional: v.in.fields[name].Optional}
			}
			change.Fields[name] = judged
		}
	}
	return change
}

// lock locks a customer's open transactions and then the customer, and reads them.
func lock(ctx context.Context, tx *store.Tx, id string) ([]store.Transaction, store.Customer, error) {
	open, err := tx.LockOpenTransactionsOf(ctx, id)
	if err != nil {
		return nil, store.Customer{}, err
	}
	c, err := tx.LockCustomerAfter(ctx, open, id)
	return open, c, err
}

// follow moves the payouts of transactions after a customer of theirs has changed.
func follow(ctx context.Context, tx *store.Tx, open []store.Transaction, actor, reason string) error {
	for _, t := range open {
		if _, err := tx.Reconsider(ctx, t, actor, reason); err != nil {
			return err
		}
	}
	return nil
}
