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
	also     string            // a type to judge for although it has no status yet; empty: none
	demanded bool              // also was named by somebody who is told if it does not exist
	changed  []string          // what was given just now
	codes    map[string]string // verification codes that only the business can compare, by field
	codesFor []string          // the types in whose roles it is asked about them
}

// judge asks the business about every role of a customer that is due, records what it says, and releases the transactions
// that waited for it. The business is asked outside of any database transaction, so its word counts only if the customer is
// still as it was judged.
func (s *Service) judge(ctx context.Context, id string, j judgement) error {
	for range judgeTries {
		err := s.judgeOnce(ctx, id, j)
		if err == nil {
			return s.releaseOf(ctx, id)
		}
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
	verdicts, err := s.verdicts(ctx, k, j)
	if err != nil {
		return err
	}
	if len(verdicts) > 0 {
		err = s.record(ctx, k, verdicts)
	}
	if err == nil {
		err = checkCodes(j.codes, verdicts)
	}
	return err
}

// verdicts asks about every role that is due.
func (s *Service) verdicts(ctx context.Context, k known, j judgement) (map[string]ruling, error) {
	verdicts := map[string]ruling{}
	for _, name := range due(k, j) {
		verdict, err := s.verdict(ctx, k, name, j)
		if notOffered(err) && (name != j.also || !j.demanded) {
			continue
		}
		if err != nil {
			return nil, err
		}
		verdicts[name] = verdict
	}
	return verdicts, nil
}

// due lists the types for which the customer gave values that nobody has judged, and those in which codes are compared.
func due(k known, j judgement) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(k.statuses)) {
		status := k.statuses[name]
		if unjudged(status) || slices.Contains(j.codesFor, name) && status.Status != anchor.CustomerRejected {
			names = append(names, name)
		}
	}
	if _, judged := k.statuses[j.also]; j.also != "" && !judged {
		names = append(names, j.also)
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
	r, err := s.role(ctx, anchor.CustomerGet{Customer: &person, Type: name})
	if refusedType(err) {
		return ruling{}, errNotOffered{err}
	}
	if err != nil {
		return ruling{}, err
	}
	if !r.complete(k.fields) {
		return ruling{anchor.Verdict{Status: anchor.CustomerNeedsInfo}, r}, nil
	}
	verdict, err := s.integration.Put(ctx, anchor.CustomerPut{Customer: &person, Type: name, Changed: changedFor(k, name, j), Codes: j.codes})
	if err != nil {
		return ruling{}, fmt.Errorf("have customer %s judged as %s: %w", person.ID, name, err)
	}
	if verdict.Status == "" && waits(verdict) {
		verdict.Status = anchor.CustomerNeedsInfo
	}
	if err := check(verdict); err != nil {
		return ruling{}, fmt.Errorf("verdict on customer %s as %s: %w", person.ID, name, err)
	}
	return ruling{verdict, r}, nil
}

// changedFor lists what is new to the business: what was given just now, or, where somebody else gave it and could not have
// it judged, every value that nobody has decided about.
func changedFor(k known, name string, j judgement) []string {
	if len(j.changed) > 0 || !unjudged(k.statuses[name]) {
		return j.changed
	}
	var names []string
	for field, row := range k.fields {
		if row.Given() && row.Status == "" {
			names = append(names, field)
		}
	}
	slices.Sort(names)
	return names
}

// waits tells whether a verdict has a field wait for a code.
func waits(v anchor.Verdict) bool {
	for _, field := range v.Fields {
		if field.Status == anchor.FieldVerificationRequired {
			return true
		}
	}
	return false
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
		if field.Code != "" && (field.Status != anchor.FieldVerificationRequired || len(field.Code) > longestCode || !clean(field.Code)) {
			return fmt.Errorf("field %s: a code needs VERIFICATION_REQUIRED and at most %d bytes of text", name, longestCode)
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
		change := s.changeOf(verdicts)
		change.Cause, change.Actor = store.CustomerJudged, integration
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		return follow(ctx, tx, open, integration, "a customer was judged")
	})
}

// changeOf puts verdicts on several types together. Where they disagree about a field, a rejection counts, then that it is
// to be verified.
func (s *Service) changeOf(verdicts map[string]ruling) store.CustomerChange {
	change := store.CustomerChange{Fields: map[string]store.JudgedField{}, Statuses: map[string]store.DecidedStatus{}}
	for _, customerType := range slices.Sorted(maps.Keys(verdicts)) {
		v := verdicts[customerType]
		change.Statuses[customerType] = store.DecidedStatus{Status: v.Status, Message: v.Message}
		for spelling, field := range v.Fields {
			name := anchor.SEP9Canonical(spelling)
			if graver(change.Fields[name].Status) <= graver(field.Status) {
				change.Fields[name] = s.judged(field, store.AskedField{Type: customerType, Optional: v.in.fields[name].Optional})
			}
		}
	}
	return change
}

// graver orders what verdicts may say of a field by what counts more.
func graver(s anchor.FieldStatus) int {
	return map[anchor.FieldStatus]int{anchor.FieldRejected: 2, anchor.FieldVerificationRequired: 1}[s]
}

func (s *Service) judged(field anchor.FieldVerdict, asked store.AskedField) store.JudgedField {
	judged := store.JudgedField{Status: field.Status}
	if field.Status == anchor.FieldRejected {
		judged.Error, judged.Asked = field.Error, asked
	}
	if field.Code != "" {
		judged.Code = &store.NewCode{Text: field.Code, Tries: codeTries, Lifetime: s.options.codeLifetime}
	}
	return judged
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
