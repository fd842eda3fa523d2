package customers

import (
	"context"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Query asks where a customer stands and what is needed of it (SEP-12 "GET Customer").
type Query struct {
	Who
	Type          string // empty: the business' default, or the one the customer is known for
	TransactionID string
	Lang          string
}

// View is a customer as its sending anchor sees it, in the role of one type.
type View struct {
	ID       string // empty for one that is not known yet
	Status   anchor.CustomerStatus
	Fields   map[string]anchor.Field // what may or must still be given; no required one for an accepted customer
	Provided map[string]Provided     // what was given, without the values
	Message  string
}

// Provided is a field that was given, and what was decided about it.
type Provided struct {
	anchor.Field
	Status anchor.FieldStatus
	Error  string
}

// Get tells where a customer stands. One that is not known yet needs information and has no id; an id that is unknown or
// somebody else's is refused with CodeNotFound.
func (s *Service) Get(ctx context.Context, caller anchor.SendingAnchor, q Query) (View, error) {
	sc, err := s.scopeOf(caller, q.Who)
	if err != nil {
		return View{}, err
	}
	p, err := s.partOf(ctx, caller, q.TransactionID, q.Type)
	if err != nil {
		return View{}, err
	}
	row, err := s.findFor(ctx, sc, q.Who, p)
	if q.ID == "" && notFound(err) {
		return s.unknown(ctx, q, p.about())
	}
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, row, q, p)
}

func notFound(err error) bool { return err != nil && anchor.CodeOf(err) == anchor.CodeNotFound }

func (s *Service) unknown(ctx context.Context, q Query, about *anchor.Transaction) (View, error) {
	r, err := s.role(ctx, anchor.CustomerGet{Type: q.Type, Lang: q.Lang, Transaction: about})
	if err != nil {
		return View{}, err
	}
	return View{Status: anchor.CustomerNeedsInfo, Fields: r.missing(nil)}, nil
}

// view is a known customer; p is the side of a transaction whose demands count besides, or nil.
func (s *Service) view(ctx context.Context, row store.Customer, q Query, p *part) (View, error) {
	k, err := s.load(ctx, row, false)
	if err != nil {
		return View{}, refused(err)
	}
	r, err := s.roleOf(ctx, k, anchor.CustomerGet{Type: q.Type, Lang: q.Lang, Transaction: p.about()})
	if err != nil {
		return View{}, err
	}
	if _, judged := k.statuses[r.name]; !judged {
		if k, err = s.judgeAs(ctx, row, r.name); err != nil {
			return View{}, err
		}
	}
	if err := s.holdBack(ctx, k, r.name, p); err != nil {
		return View{}, err
	}
	return viewOf(k, r), nil
}

// holdBack shows a customer who is accepted as one that needs information if a transaction that waits for it demands more.
func (s *Service) holdBack(ctx context.Context, k known, name string, p *part) error {
	status := k.statuses[name]
	if p.demands() == nil || status.Status != anchor.CustomerAccepted {
		return nil
	}
	unmet, err := s.unmet(ctx, k, name, p.demands())
	if err == nil && unmet {
		status.Status, status.Message = anchor.CustomerNeedsInfo, ""
		k.statuses[name] = status
	}
	return err
}

// roleOf is the role that a request about a known customer means: the type it names, else the business' default if the
// customer is known for that or for none, else the first that it is known for.
func (s *Service) roleOf(ctx context.Context, k known, ask anchor.CustomerGet) (role, error) {
	ask.Customer = k.person
	r, err := s.role(ctx, ask)
	if err != nil || ask.Type != "" || len(k.statuses) == 0 {
		return r, err
	}
	if _, judged := k.statuses[r.name]; judged {
		return r, nil
	}
	for _, name := range slices.Sorted(maps.Keys(k.statuses)) {
		ask.Type = name
		other, err := s.role(ctx, ask)
		if refusedType(err) {
			continue // the business has dropped this type
		}
		return other, err
	}
	return r, nil
}

// judgeAs has a customer judged for a type it was never judged for, and reads it again.
func (s *Service) judgeAs(ctx context.Context, row store.Customer, customerType string) (known, error) {
	if err := s.judge(ctx, row.ID, judgement{also: customerType, demanded: true}); err != nil {
		return known{}, err
	}
	row, err := s.db.CustomerByID(ctx, row.ID)
	if err != nil {
		return known{}, refused(err)
	}
	k, err := s.load(ctx, row, false)
	return k, refused(err)
}

func viewOf(k known, r role) View {
	decided := k.statuses[r.name]
	v := View{ID: k.row.ID, Status: decided.Status, Message: decided.Message, Provided: map[string]Provided{}}
	switch v.Status {
	case anchor.CustomerAccepted:
		v.Fields = optional(r.missing(k.fields))
	case anchor.CustomerRejected: // final: there is nothing to give
	default:
		v.Fields = r.missing(k.fields)
	}
	for name, field := range k.fields {
		if field.Given() && r.shown(name) {
			v.Provided[r.spelling(name)] = Provided{r.describe(name), field.Status, field.Error}
		}
	}
	return v
}

// shown tells whether clients expect a field: one of the role, or of SEP-9. Others are kept for the business only.
func (r role) shown(name string) bool {
	_, demanded := r.fields[name]
	_, standard := anchor.SEP9Type(name)
	return demanded || standard
}

// ForTransaction is a customer for a transaction of its owner: any user of the base account (SEP-31 authorizes customers by
// the account alone), with all statuses and its texts. Where it was not judged for the type yet, it is now. An error of
// CodeNotFound for one that is not there or not the account's. The type may be empty.
func (s *Service) ForTransaction(ctx context.Context, ownerAccount, customerID, customerType string) (*anchor.Customer, error) {
	if err := tidy(customerID); err != nil {
		return nil, err
	}
	p, err := s.db.PersonOf(ctx, ownerAccount, customerID)
	if err != nil {
		return nil, refused(err)
	}
	if status, judged := p.Statuses[customerType]; customerType != "" && (!judged || unjudged(status)) {
		if err := s.judge(ctx, p.ID, judgement{also: customerType, demanded: true}); err != nil {
			return nil, err
		}
		if p, err = s.db.PersonOf(ctx, ownerAccount, customerID); err != nil {
			return nil, refused(err)
		}
	}
	return &anchor.Customer{ID: p.ID, Version: p.Version, Type: customerType, Statuses: statusesOf(p.Statuses), Values: p.Values}, nil
}
