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

// Put gives values of a customer, who is registered with the first ones (SEP-12 "PUT Customer").
type Put struct {
	Who
	Type          string // empty: the types that the customer is known for, else the business' default
	TransactionID string
	Values        map[string]string // by SEP-9 or the business' own name
	Files         map[string]File   // binary fields, likewise
}

// Put stores values, merged with those that were given before, has the customer judged and returns its id: always the same
// for one user of one account. Once an id or an error that names the business is returned, the values are stored; if the
// business could not be asked, repeating the request asks it again.
func (s *Service) Put(ctx context.Context, caller anchor.SendingAnchor, p Put) (id string, err error) {
	sc, err := s.scopeOf(caller, p.Who)
	if err != nil {
		return "", err
	}
	if err := s.checkTransaction(ctx, caller, p.TransactionID, p.Type); err != nil {
		return "", err
	}
	values, err := given(p)
	if err != nil {
		return "", err
	}
	id, roles, err := s.rolesFor(ctx, sc, p)
	if err != nil {
		return "", err
	}
	if err := checkValues(values, roles); err != nil {
		return "", err
	}
	id, changed, err := s.keep(ctx, sc, entry{id: id, named: p.ID != "", values: values, roles: roles})
	if err != nil {
		return "", refused(err)
	}
	return id, s.judge(ctx, id, judgement{changed: changed})
}

// rolesFor finds the customer of a request, where there is one, and the roles in which its values count: the type that is
// named and those that it is known for, else the default.
func (s *Service) rolesFor(ctx context.Context, sc scope, p Put) (id string, roles []role, err error) {
	row, err := s.find(ctx, sc, p.ID)
	if p.ID == "" && notFound(err) {
		r, err := s.role(ctx, nil, p.Type, "")
		return "", []role{r}, err
	}
	if err != nil {
		return "", nil, err
	}
	k, err := s.load(ctx, row, false)
	if err != nil {
		return "", nil, refused(err)
	}
	first, err := s.roleOf(ctx, k, p.Type, "")
	if err != nil {
		return "", nil, err
	}
	roles = []role{first}
	for _, name := range slices.Sorted(maps.Keys(k.statuses)) {
		if name == first.name {
			continue
		}
		r, err := s.role(ctx, k.person, name, "")
		if refusedType(err) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		roles = append(roles, r)
	}
	return row.ID, roles, nil
}

// refusedType tells that the business does not know a type; a customer may be known for one that was dropped since.
func refusedType(err error) bool { return err != nil && anchor.CodeOf(err) == anchor.CodeInvalid }

// entry is what is to be stored.
type entry struct {
	id     string // empty: the customer did not exist yet when this was prepared
	named  bool   // by id: it must not be made anew
	values map[string]store.CustomerValue
	roles  []role
}

// keep stores what is new, in one database transaction with the statuses that follow from it: whoever gave something and
// has nothing more to give is being processed, so that no payout leaves by values that nobody judged.
func (s *Service) keep(ctx context.Context, sc scope, e entry) (id string, changed []string, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err := s.findOrCreate(ctx, tx, sc, e)
		if err != nil {
			return err
		}
		id = c.ID
		change, err := s.plan(ctx, tx, c, e)
		if err != nil || change == nil {
			changed = nil
			return err
		}
		open, c, err := lock(ctx, tx, c.ID)
		if errors.Is(err, store.ErrNotFound) && !e.named {
			return fmt.Errorf("customer %s was deleted: %w", id, store.ErrStale) // and is made anew
		}
		if err != nil {
			return err
		}
		if change, err = s.plan(ctx, tx, c, e); err != nil || change == nil {
			changed = nil
			return err
		}
		changed = slices.Sorted(maps.Keys(change.Values))
		if _, err := tx.AdvanceCustomer(ctx, c, *change); err != nil {
			return err
		}
		return follow(ctx, tx, open, sendingAnchor, "a customer gave information")
	})
	return id, changed, err
}

// findOrCreate reads the customer anew: another request may have made or deleted it since.
func (s *Service) findOrCreate(ctx context.Context, tx *store.Tx, sc scope, e entry) (store.Customer, error) {
	if e.named {
		return tx.CustomerByID(ctx, e.id)
	}
	c, err := tx.CustomerByOwner(ctx, sc.owner)
	if errors.Is(err, store.ErrNotFound) {
		return tx.CreateCustomer(ctx, sc.owner, sendingAnchor)
	}
	return c, err
}

// plan works out what a request changes; nil if it changes nothing.
func (s *Service) plan(ctx context.Context, tx *store.Tx, c store.Customer, e entry) (*store.CustomerChange, error) {
	fields, err := tx.FieldsOfCustomer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	changed, err := changedValues(tx, c, fields, e.values)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 && weight(fields, changed) > largestKept {
		return nil, anchor.RefuseAs(anchor.CodeTooLarge, "the customer's values are too large together; at most 10 MB are kept of one")
	}
	for name, value := range changed {
		field := store.CustomerField{}
		field.Sealed, field.ContentType = "given", value.ContentType
		fields[name] = field
	}
	if len(fields) > mostKept {
		return nil, anchor.Refusef("at most %d values are kept of a customer", mostKept)
	}
	statuses, err := tx.StatusesOfCustomer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	change := store.CustomerChange{
		Cause: store.CustomerGave, Actor: sendingAnchor, Values: changed, Statuses: newStatuses(statuses, fields, e.roles, len(changed) > 0),
	}
	if len(change.Values) == 0 && len(change.Statuses) == 0 {
		return nil, nil
	}
	return &change, nil
}

// changedValues keeps what is not stored already. What was rejected or asked for counts as new even if it is the same:
// whoever sends it again stands by it.
func changedValues(tx *store.Tx, c store.Customer, fields map[string]store.CustomerField, values map[string]store.CustomerValue) (map[string]store.CustomerValue, error) {
	before := map[string]store.CustomerField{}
	for name := range values {
		if field, ok := fields[name]; ok && field.Status != anchor.FieldRejected {
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
// sending anchor: only the business or an operator takes it back. Where nothing changed, only new types get a status.
func newStatuses(before map[string]store.CustomerStatus, fields map[string]store.CustomerField, roles []role, changed bool) map[string]store.DecidedStatus {
	after := map[string]store.DecidedStatus{}
	for name, status := range before {
		if changed && status.Status != anchor.CustomerRejected {
			after[name] = store.DecidedStatus{Status: anchor.CustomerProcessing}
		}
	}
	for _, r := range roles {
		status, judged := before[r.name]
		if judged && (!changed || status.Status == anchor.CustomerRejected) {
			continue
		}
		after[r.name] = store.DecidedStatus{Status: anchor.CustomerProcessing}
		if !r.complete(fields) {
			after[r.name] = store.DecidedStatus{Status: anchor.CustomerNeedsInfo}
		}
	}
	return after
}
