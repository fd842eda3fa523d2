package transactions

import (
	"context"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// side is one of the two parties that a transaction is for.
type side struct {
	key   string // of the request
	id    string
	types map[string]anchor.CustomerType // that the business asks for; none: no KYC of this side
}

// before reads in one round trip what is needed of every request: what was answered under its key, and else both
// customers, most of whom were judged long ago.
func (s *Service) before(
	ctx context.Context, who anchor.SendingAnchor, i idempotency, r Request,
) (*store.Remembered, map[string]*anchor.Customer, error) {
	b := store.Before{Account: who.Account, FirstID: r.SenderID, SecondID: r.ReceiverID}
	if i.key != "" {
		b.KeyOwner, b.Key = i.owner, i.key
	}
	for _, id := range []*string{&b.FirstID, &b.SecondID} {
		if !wellFormed(*id) { // it is refused later, and never reaches the database
			*id = ""
		}
	}
	if b.Key == "" && b.FirstID == "" && b.SecondID == "" {
		return nil, nil, nil
	}
	return s.db.AnswerOrPeople(ctx, b)
}

// party finds a customer that a request names and the role in which it takes part. A side of which KYC is asked must be
// there and accepted. A customer that is named although nobody asked must be accepted in some role as well: a payout does
// not leave before its customers are.
func (s *Service) party(
	ctx context.Context, who anchor.SendingAnchor, p side, people map[string]*anchor.Customer,
) (*anchor.Customer, error) {
	only := onlyOf(p.types)
	if p.id == "" {
		if len(p.types) > 0 {
			return nil, anchor.CustomerInfoNeeded(only)
		}
		return nil, nil
	}
	customer, err := s.customer(ctx, who, p, only, people)
	if err != nil {
		return nil, err
	}
	role, accepted := roleOf(customer, p.types)
	if !accepted {
		return nil, anchor.CustomerInfoNeeded(role)
	}
	customer.Type = role
	return customer, nil
}

// customer is a copy of its own, in no role yet. Who was never judged for the type that is meant is judged now, by the
// customers' own service, which also says who is nobody's.
func (s *Service) customer(
	ctx context.Context, who anchor.SendingAnchor, p side, role string, people map[string]*anchor.Customer,
) (*anchor.Customer, error) {
	unknown := anchor.Refusef("%s: you have no customer of this id", p.key)
	if !wellFormed(p.id) {
		return nil, unknown
	}
	if person := people[p.id]; person != nil {
		if _, judged := person.Statuses[role]; judged || role == "" {
			copied := *person // the same person may be on both sides
			return &copied, nil
		}
	}
	customer, err := s.customers.ForTransaction(ctx, who.Account, p.id, role)
	if anchor.CodeOf(err) == anchor.CodeNotFound {
		return nil, unknown
	}
	return customer, err
}

// onlyOf is the type that must be meant, where the business names just one.
func onlyOf(types map[string]anchor.CustomerType) string {
	if len(types) != 1 {
		return ""
	}
	for name := range types {
		return name
	}
	return ""
}

// roleOf is the type in whose role a customer takes part: the only one, else the first for which it is accepted. For one
// that is not accepted it is the type whose information is missing, where that can be told.
func roleOf(c *anchor.Customer, types map[string]anchor.CustomerType) (role string, accepted bool) {
	candidates := slices.Sorted(maps.Keys(types))
	if len(candidates) == 0 {
		candidates = slices.Sorted(maps.Keys(c.Statuses))
	}
	known := ""
	for _, candidate := range candidates {
		status, judged := c.Statuses[candidate]
		if status == anchor.CustomerAccepted {
			return candidate, true
		}
		if judged && known == "" {
			known = candidate
		}
	}
	if only := onlyOf(types); only != "" {
		return only, false
	}
	if _, asked := types[known]; !asked {
		known = "" // only a type that /info publishes means anything to the sending anchor
	}
	return known, false
}

// as puts a customer into the role that the business chose, which it must be accepted for.
func as(c *anchor.Customer, role string) error {
	if c == nil || role == "" || role == c.Type {
		return nil
	}
	if c.Statuses[role] != anchor.CustomerAccepted {
		return anchor.CustomerInfoNeeded(role)
	}
	c.Type = role
	return nil
}
