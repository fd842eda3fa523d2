package customers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// unjudgedFor is how long values may wait for the request that gave them before Sweep has them judged.
const unjudgedFor = time.Minute

// SetStatus records what an operator or the business decided about a customer, and in the same database transaction moves
// the payouts that wait for it; transactions whose memo waits for it are released. A verdict without a type is about the only type that the customer is known for. Recording
// the same again changes nothing. An unknown customer is refused with CodeNotFound.
func (s *Service) SetStatus(ctx context.Context, customerID string, v anchor.Verdict, actor string) error {
	if actor == "" || actor == sendingAnchor {
		return errors.New("a decision about a customer needs an actor")
	}
	if err := tidy(customerID, v.Type); err != nil {
		return err
	}
	if err := check(v); err != nil {
		return anchor.Refuse(err.Error())
	}
	row, err := s.db.CustomerByID(ctx, customerID)
	if err != nil {
		return refused(err)
	}
	k, err := s.load(ctx, row, false)
	if err != nil {
		return refused(err)
	}
	if v.Type == "" && len(k.statuses) > 1 {
		return anchor.Refuse("the customer is known for several types: name the one that is meant")
	}
	r, err := s.roleOf(ctx, k, anchor.CustomerGet{Type: v.Type})
	if err != nil {
		return err
	}
	if err := s.decide(ctx, customerID, ruling{v, r}, actor); err != nil {
		return refused(err)
	}
	return s.releaseOf(ctx, customerID)
}

// present refuses a verdict about a version that is not there any more; 0 is whatever is there. That the business answered
// PROCESSING when it was asked about that version makes it no other one: this is the verdict that it promised.
func present(ctx context.Context, tx *store.Tx, c store.Customer, judged int64) error {
	if judged == 0 || judged == c.Version {
		return nil
	}
	same, err := tx.JudgedOnlySince(ctx, c.ID, judged, integration)
	if err != nil || same && judged < c.Version {
		return err
	}
	return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf(
		"the customer is at version %d by now, version %d was judged: look at it again", c.Version, judged))
}

func (s *Service) decide(ctx context.Context, id string, decided ruling, actor string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		open, c, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		statuses, err := tx.StatusesOfCustomer(ctx, id)
		if err != nil {
			return err
		}
		fields, err := tx.FieldsOfCustomer(ctx, id)
		if err != nil {
			return err
		}
		change := s.changeOf(map[string]ruling{decided.in.name: decided})
		change.Cause, change.Actor = store.CustomerJudged, actor
		settle(&change, decided, fields)
		if standing(change, statuses, fields) {
			return nil
		}
		if err := present(ctx, tx, c, decided.Version); err != nil {
			return err
		}
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		return follow(ctx, tx, open, actor, "a customer was judged")
	})
}

// settle takes back what was rejected or asked for in a role in which the customer is now accepted: there is nothing left
// to ask for.
func settle(change *store.CustomerChange, decided ruling, fields map[string]store.CustomerField) {
	if decided.Status != anchor.CustomerAccepted {
		return
	}
	for name, field := range fields {
		_, demanded := decided.in.fields[name]
		_, named := change.Fields[name]
		if field.Status == anchor.FieldRejected && !named && (demanded || field.Ask.Type == decided.in.name) {
			change.Fields[name] = store.JudgedField{}
		}
	}
}

// standing tells whether everything is already as a change would make it. What nobody has judged is not: the decision must
// be seen to be made.
func standing(change store.CustomerChange, statuses map[string]store.CustomerStatus, fields map[string]store.CustomerField) bool {
	for name, decided := range change.Statuses {
		now, judged := statuses[name]
		if !judged || now.Actor == sendingAnchor || now.Status != decided.Status || now.Message != decided.Message {
			return false
		}
	}
	for name, judged := range change.Fields {
		now, ok := fields[name]
		if !ok || judged.Code != nil || now.Status != judged.Status || now.Error != judged.Error {
			return false
		}
	}
	return true
}
