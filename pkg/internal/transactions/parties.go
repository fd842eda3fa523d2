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

// party is who stands on a side of a transaction.
type party struct {
	customer *anchor.Customer // nil: nobody yet, or nobody at all
	types    []string         // of which a customer is needed; none: no KYC of this side
	open     bool             // the memo is withheld until a customer of this side is there and accepted
}

func (p party) id() string {
	if p.customer == nil {
		return ""
	}
	return p.customer.ID
}

func (p party) role() string {
	if p.customer == nil {
		return ""
	}
	return p.customer.Type
}

// as puts the party into the role that the business chose, which a customer must be accepted for unless that is awaited.
func (p *party) as(role string) error {
	if role == "" || role == p.role() {
		return nil
	}
	if p.open {
		p.types = []string{role}
	}
	if p.customer == nil {
		return nil
	}
	if !p.open && p.customer.Statuses[role] != anchor.CustomerAccepted {
		return anchor.CustomerInfoNeeded(role)
	}
	p.customer.Type = role
	return nil
}

// party finds a customer that a request names and the role in which it takes part. One that is named although nobody asked
// must be accepted in some role as well: a payout does not leave before its customers are. Where KYC may follow the request
// (SEP-31 3.0), nobody need be named, and one who is still being looked at is awaited; who has something to give is told so
// at once, as every client understands it.
func (s *Service) party(
	ctx context.Context, who anchor.SendingAnchor, p side, people map[string]*anchor.Customer,
) (party, error) {
	found := party{types: slices.Sorted(maps.Keys(p.types))}
	only := onlyOf(p.types)
	if p.id == "" {
		found.open = len(p.types) > 0
		if found.open && !s.options.KYCAfterPost {
			return party{}, anchor.CustomerInfoNeeded(only)
		}
		return found, nil
	}
	customer, err := s.customer(ctx, who, p, only, people)
	if err != nil {
		return party{}, err
	}
	role, accepted := roleOf(customer, p.types)
	if !accepted && (!s.options.KYCAfterPost || customer.Statuses[role] != anchor.CustomerProcessing) {
		return party{}, anchor.CustomerInfoNeeded(role)
	}
	customer.Type = role
	found.customer, found.open = customer, !accepted
	return found, nil
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
