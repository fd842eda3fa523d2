package customers

import (
	"context"
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
	Lang          string            // of the texts of refusals
	Values        map[string]string // by SEP-9 or the business' own name; <field>_verification and <field>_file_id among them
	Files         map[string]File   // binary fields, likewise
}

// target is whom a PUT is about.
type target struct {
	row   store.Customer // its id is empty for one that does not exist yet
	owner store.Owner    // as whom it is made then
	named bool           // by id, or by its place in a transaction: it must not be made anew
}

// Put stores values, merged with those that were given before, has the customer judged and returns its id: always the same
// for one user of one account. Once an id or an error that names the business is returned, the values are stored; if the
// business could not be asked, repeating the request asks it again. With a transaction, the customer stands on the side of
// it that wants the type from then on. A wrong verification code refuses the request, and counts. Accounts without an agreement
// are refused what passes their quota, and nothing of the request is kept then.
func (s *Service) Put(ctx context.Context, caller anchor.SendingAnchor, p Put) (id string, err error) {
	sc, err := s.scopeOf(caller, p.Who)
	if err != nil {
		return "", err
	}
	part, err := s.partOf(ctx, caller, p.TransactionID, p.Type)
	if err != nil {
		return "", err
	}
	stranger, err := s.strangerOf(ctx, caller)
	if err != nil {
		return "", err
	}
	g, err := s.given(p)
	if err != nil {
		return "", err
	}
	t, err := s.targetOf(ctx, sc, p.Who, part)
	if err != nil {
		return "", err
	}
	roles, err := s.rolesFor(ctx, t, p, part)
	if err != nil {
		return "", err
	}
	if err := checkGift(g, roles); err != nil {
		return "", err
	}
	k, err := s.keep(ctx, entry{target: t, gift: g, roles: roles, sender: fileOwner(caller), stranger: stranger})
	if err != nil {
		return "", refused(err)
	}
	return k.id, s.after(ctx, k, part, roles)
}

// after does what follows once values are kept: the customer takes its place in the transaction, and is judged.
func (s *Service) after(ctx context.Context, k kept, p *part, roles []role) error {
	j := judgement{changed: k.changed, codes: k.codes, codesFor: compares(roles, k.codes)}
	if p != nil {
		j.also = roles[0].name
		if err := s.involve(ctx, p, k.id, j.also); err != nil {
			return err
		}
	}
	return s.judge(ctx, k.id, j)
}

// compares lists the types in whose roles the business is asked about codes: those that demand the field, else all.
func compares(roles []role, codes map[string]string) (types []string) {
	for _, r := range roles {
		for name := range codes {
			if _, demanded := r.fields[name]; demanded && !slices.Contains(types, r.name) {
				types = append(types, r.name)
			}
		}
	}
	if len(types) > 0 || len(codes) == 0 {
		return types
	}
	for _, r := range roles {
		types = append(types, r.name)
	}
	return types
}

// rolesFor finds the roles in which the values of a request count: first the type that is named, else the default, then
// those that the customer is known for.
func (s *Service) rolesFor(ctx context.Context, t target, p Put, part *part) ([]role, error) {
	ask := anchor.CustomerGet{Type: p.Type, Lang: p.Lang, Transaction: part.demands()}
	if t.row.ID == "" {
		r, err := s.role(ctx, ask)
		return []role{r}, err
	}
	k, err := s.load(ctx, t.row, false)
	if err != nil {
		return nil, refused(err)
	}
	first, err := s.roleOf(ctx, k, ask)
	if err != nil {
		return nil, err
	}
	roles := []role{first}
	for _, name := range slices.Sorted(maps.Keys(k.statuses)) {
		if name == first.name {
			continue
		}
		r, err := s.role(ctx, anchor.CustomerGet{Customer: k.person, Type: name, Lang: p.Lang})
		if refusedType(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// refusedType tells that the business does not know a type; a customer may be known for one that was dropped since.
func refusedType(err error) bool { return err != nil && anchor.CodeOf(err) == anchor.CodeInvalid }
