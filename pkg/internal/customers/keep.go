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

// entry is what is to be stored of whom.
type entry struct {
	target
	gift
	roles    []role
	sender   store.FileOwner // whose files may be taken over
	stranger *store.Stranger // nil: the account has an agreement
}

// kept is what came of an entry.
type kept struct {
	id      string
	changed []string          // values that are new
	codes   map[string]string // verification codes that only the business can compare
	refusal error             // a code was wrong: its try is counted and nothing else was kept
}

// keep stores what is new, in one database transaction with the statuses that follow from it: whoever gave something and
// has nothing more to give is being processed, so that no payout leaves by values that nobody judged.
func (s *Service) keep(ctx context.Context, e entry) (k kept, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		k = kept{}
		c, created, err := s.findOrCreate(ctx, tx, e)
		if err != nil {
			return err
		}
		k.id = c.ID
		p, err := s.plan(ctx, tx, c, e)
		if err != nil || p.nothing() && !created {
			return err
		}
		if err := s.takePlace(ctx, tx, e.stranger, e.owner.Account, created); err != nil {
			return err
		}
		open, c, err := lock(ctx, tx, c.ID)
		if errors.Is(err, store.ErrNotFound) && !e.named {
			return fmt.Errorf("customer %s was deleted: %w", k.id, store.ErrStale) // and is made anew
		}
		if err != nil {
			return err
		}
		if p, err = s.plan(ctx, tx, c, e); err != nil {
			return err
		}
		k.codes, k.refusal = p.business, p.refusal
		if k.changed, err = carryOut(ctx, tx, open, c, p); err != nil {
			return err
		}
		return s.checkPlace(ctx, tx, e.stranger)
	})
	if err == nil {
		err = k.refusal
	}
	return k, err
}

// carryOut writes what was planned and returns the names of the values that are new.
func carryOut(ctx context.Context, tx *store.Tx, open []store.Transaction, c store.Customer, p plan) ([]string, error) {
	if err := countGuesses(ctx, tx, c.ID, p.guesses); err != nil {
		return nil, err
	}
	if p.change == nil {
		return nil, nil
	}
	if _, err := tx.AdvanceCustomer(ctx, c, *p.change); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(p.change.Values)), follow(ctx, tx, open, sendingAnchor, "a customer gave information")
}

// findOrCreate reads the customer anew: another request may have made or deleted it since.
func (s *Service) findOrCreate(ctx context.Context, tx *store.Tx, e entry) (c store.Customer, created bool, err error) {
	if e.named {
		c, err = tx.CustomerByID(ctx, e.row.ID)
		return c, false, err
	}
	c, err = tx.CustomerByOwner(ctx, e.owner)
	if errors.Is(err, store.ErrNotFound) {
		c, err = tx.CreateCustomer(ctx, e.owner, sendingAnchor)
		return c, true, err
	}
	return c, false, err
}

// plan is what a request changes.
type plan struct {
	change *store.CustomerChange // nil: nothing
	guesses
}

func (p plan) nothing() bool { return p.change == nil && len(p.wrong)+len(p.business) == 0 }

// plan works out what a request changes.
func (s *Service) plan(ctx context.Context, tx *store.Tx, c store.Customer, e entry) (plan, error) {
	fields, err := tx.FieldsOfCustomer(ctx, c.ID)
	if err != nil {
		return plan{}, err
	}
	sent, err := sentCodes(ctx, tx, c, fields)
	if err != nil {
		return plan{}, err
	}
	changed, files, err := s.changes(ctx, tx, c, e, fields, sent)
	if err != nil {
		return plan{}, err
	}
	if err := s.checkCodesSent(ctx, tx, fields, changed); err != nil {
		return plan{}, err
	}
	g, err := guess(e.codes, sent, fields, changed)
	if err != nil {
		return plan{}, err
	}
	statuses, err := tx.StatusesOfCustomer(ctx, c.ID)
	if err != nil {
		return plan{}, err
	}
	if g.failed() {
		return plan{lost(g.over, statuses, e.roles), g}, nil
	}
	if err := s.fill(fields, changed, g.right); err != nil {
		return plan{}, err
	}
	change := store.CustomerChange{
		Cause: store.CustomerGave, Actor: sendingAnchor, Values: changed, Files: files, Fields: verified(g.right),
		Statuses: newStatuses(statuses, fields, e.roles, len(changed)+len(g.right) > 0),
	}
	if len(change.Values)+len(change.Fields)+len(change.Statuses) == 0 {
		return plan{guesses: g}, nil
	}
	return plan{&change, g}, nil
}

// sentCodes reads the codes that fields wait for, if any does.
func sentCodes(ctx context.Context, tx *store.Tx, c store.Customer, fields map[string]store.CustomerField) (map[string]store.SentCode, error) {
	if !waiting(fields) {
		return nil, nil
	}
	return tx.CodesOfCustomer(ctx, c)
}

// waiting tells whether any field waits for a verification code.
func waiting(fields map[string]store.CustomerField) bool {
	for _, field := range fields {
		if field.Status == anchor.FieldVerificationRequired {
			return true
		}
	}
	return false
}

// fill makes the fields as they will be, within what is kept of a customer.
func (s *Service) fill(fields map[string]store.CustomerField, changed map[string]store.CustomerValue, right []string) error {
	if len(changed) > 0 && weight(fields, changed) > s.mostBytes() {
		return anchor.RefuseAs(anchor.CodeTooLarge, fmt.Sprintf("the customer's values are too large together; at most %d bytes are kept of one", s.mostBytes()))
	}
	for name, value := range changed {
		field := store.CustomerField{}
		field.Sealed, field.ContentType = "given", value.ContentType
		fields[name] = field
	}
	for _, name := range right {
		field := fields[name]
		field.Status = anchor.FieldAccepted
		fields[name] = field
	}
	if len(fields) > mostKept {
		return anchor.Refusef("at most %d values are kept of a customer", mostKept)
	}
	return nil
}

// changes keeps what is not stored already, and opens the files that fields take over.
func (s *Service) changes(
	ctx context.Context, tx *store.Tx, c store.Customer, e entry, fields map[string]store.CustomerField, sent map[string]store.SentCode,
) (changed map[string]store.CustomerValue, files map[string]string, err error) {
	if changed, err = changedValues(tx, c, fields, sent, e.values); err != nil {
		return nil, nil, err
	}
	files = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(e.fileIDs)) {
		value, isNew, err := fileFor(ctx, tx, c, e, name, fields[name])
		if err != nil {
			return nil, nil, err
		}
		if isNew {
			changed[name], files[name] = value, e.fileIDs[name]
		}
	}
	return changed, files, nil
}

// fileFor opens the file that a field takes over; isNew is false if it has done so already.
func fileFor(ctx context.Context, tx *store.Tx, c store.Customer, e entry, name string, field store.CustomerField) (v store.CustomerValue, isNew bool, err error) {
	f, err := tx.FileOf(ctx, e.sender, e.fileIDs[name])
	switch {
	case errors.Is(err, store.ErrNotFound):
		return v, false, anchor.Refusef("'%s%s': there is no such file", name, fileID)
	case err != nil:
		return v, false, err
	case f.CustomerID == c.ID && f.Field == name && field.Status == anchor.FieldRejected:
		return v, false, anchor.Refusef("'%s%s': this file was not accepted; send another one", name, fileID)
	case f.CustomerID == c.ID && f.Field == name:
		return v, false, nil
	case f.CustomerID != "":
		return v, false, anchor.Refusef("'%s%s': this file belongs to another field already", name, fileID)
	}
	if err := checkKind(name, f.ContentType); err != nil {
		return v, false, err
	}
	v, err = tx.FileContent(ctx, f)
	return v, true, err
}

// changedValues keeps what is not stored already. What was rejected or asked for, or was to be verified in a time that is
// over, counts as new even if it is the same: whoever sends it again stands by it.
func changedValues(
	tx *store.Tx, c store.Customer, fields map[string]store.CustomerField, sent map[string]store.SentCode, values map[string]store.CustomerValue,
) (map[string]store.CustomerValue, error) {
	before := map[string]store.CustomerField{}
	for name := range values {
		if field, ok := fields[name]; ok && field.Status != anchor.FieldRejected && !sent[name].Over {
			before[name] = field
		}
	}
	stored, err := tx.OpenCustomerFields(c, before)
	if err != nil {
		return nil, err
	}
	changed := map[string]store.CustomerValue{}
	for name, value := range values {
		if old, ok := stored[name]; !ok || !same(old, value) {
			changed[name] = value
		}
	}
	return changed, nil
}

// newStatuses says where each type stands once the fields are as given, before anybody judges. A rejection is final for a
// sending anchor: only the business or an operator takes it back. Where nothing changed, only new types get a status, and
// those in which there is nothing to give although something was needed: a transaction that demanded it may be gone.
func newStatuses(before map[string]store.CustomerStatus, fields map[string]store.CustomerField, roles []role, changed bool) map[string]store.DecidedStatus {
	after := map[string]store.DecidedStatus{}
	for name, status := range before {
		if changed && status.Status != anchor.CustomerRejected {
			after[name] = store.DecidedStatus{Status: anchor.CustomerProcessing}
		}
	}
	for _, r := range roles {
		status, judged := before[r.name]
		stuck := status.Status == anchor.CustomerNeedsInfo && r.complete(fields) && !waiting(fields)
		if judged && (!changed && !stuck || status.Status == anchor.CustomerRejected) {
			continue
		}
		after[r.name] = r.unjudged(status, fields)
	}
	return after
}

// unjudged is where a customer stands in a role before anybody has judged what it gave. While it owes a code nobody is asked
// again: the answer would be another code.
func (r role) unjudged(before store.CustomerStatus, fields map[string]store.CustomerField) store.DecidedStatus {
	switch {
	case !r.complete(fields):
		return store.DecidedStatus{Status: anchor.CustomerNeedsInfo}
	case before.Status == anchor.CustomerNeedsInfo && r.awaits(fields):
		return store.DecidedStatus{Status: anchor.CustomerNeedsInfo, Message: before.Message}
	}
	return store.DecidedStatus{Status: anchor.CustomerProcessing}
}
