package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// party is a side of a transaction, as far as an operator may know it.
type party struct {
	role     string // sender or receiver
	id, typ  string // empty: nobody is named
	types    []string
	deleted  bool
	status   anchor.CustomerStatus // for the type
	message  string
	judgedBy string
	wants    []want
	events   []store.Event
}

// want is a field that somebody has to give, with why; never its value.
type want struct{ field, why string }

func (w want) String() string {
	if w.why == "" {
		return w.field
	}
	return w.field + " (" + w.why + ")"
}

func (e *Explainer) party(ctx context.Context, role, id, typ, types string) (party, error) {
	p := party{role: role, id: id, typ: typ, types: listOf(types)}
	if id == "" {
		return p, nil
	}
	c, err := e.db.CustomerEvenDeleted(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		p.deleted = true
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.deleted = c.DeletedUs > 0
	statuses, err := e.db.StatusesOfCustomer(ctx, id)
	if err != nil {
		return p, err
	}
	p.status, p.message, p.judgedBy = anchor.CustomerNeedsInfo, statuses[typ].Message, statuses[typ].Actor
	if s, judged := statuses[typ]; judged && !p.deleted {
		p.status = s.Status
	}
	if p.wants, err = e.wants(ctx, id, typ); err != nil {
		return p, err
	}
	p.events, err = e.db.History(ctx, store.SubjectCustomer, id)
	return p, err
}

// wants lists what a customer has to give in the role of a type: what was asked for or refused, and what is required and not
// there, as far as the settings know.
func (e *Explainer) wants(ctx context.Context, id, typ string) ([]want, error) {
	fields, err := e.db.FieldsOfCustomer(ctx, id)
	if err != nil {
		return nil, err
	}
	var list []want
	for name, f := range fields {
		if f.Ask.Type != "" && f.Ask.Type != typ {
			continue
		}
		switch {
		case f.Status == anchor.FieldVerificationRequired:
			list = append(list, want{name, "to be verified by the code that was sent"})
		case f.Status == anchor.FieldRejected:
			list = append(list, want{name, f.Error})
		case !f.Given():
			list = append(list, want{name, ""})
		}
	}
	for _, name := range e.options.RequiredFields[typ] {
		if f, there := fields[name]; !there || !f.Given() && f.Status == "" {
			list = append(list, want{name, "missing"})
		}
	}
	slices.SortFunc(list, func(a, b want) int { return strings.Compare(a.field, b.field) })
	return slices.CompactFunc(list, func(a, b want) bool { return a.field == b.field }), nil
}

// waiting says why a payout, or a memo, waits for this side; false where it does not.
func (p party) waiting() (Reason, bool) {
	who := "the " + p.role
	switch {
	case p.id == "" && len(p.types) == 0:
		return Reason{}, false
	case p.id == "":
		return Reason{
			Why:  fmt.Sprintf("it has no %s yet: a customer that is accepted as %s is needed", p.role, strings.Join(p.types, " or ")),
			Mend: "the sending anchor registers one with PUT /customer and names this transaction",
		}, true
	case p.deleted:
		return Reason{
			Why:  fmt.Sprintf("%s (customer %s) was deleted", who, p.id),
			Mend: "nothing can be paid for a deleted customer: send the money back with 'anchor payments refund'",
		}, true
	}
	who += fmt.Sprintf(" (customer %s, type %s)", p.id, p.typ)
	switch p.status {
	case anchor.CustomerAccepted:
		return Reason{}, false
	case anchor.CustomerProcessing:
		return Reason{
			Why:  "it waits for the KYC of " + who + ": PROCESSING" + p.saying(),
			Mend: fmt.Sprintf("look into it, then: anchor customers accept %s --type %s, or reject it", p.id, p.typ),
		}, true
	case anchor.CustomerRejected:
		return Reason{
			Why:  "it waits for the KYC of " + who + ": REJECTED" + p.saying(),
			Mend: fmt.Sprintf("send the money back with 'anchor payments refund', or, if that was wrong: anchor customers accept %s --type %s", p.id, p.typ),
		}, true
	default:
		return Reason{
			Why:  "it waits for the KYC of " + who + ": NEEDS_INFO" + p.wanting() + p.saying(),
			Mend: "the sending anchor gives it with PUT /customer; it was told by the status of the transaction",
		}, true
	}
}

func (p party) saying() string {
	if p.message == "" {
		return ""
	}
	return ", told: " + p.message
}

func (p party) wanting() string {
	if len(p.wants) == 0 {
		return ""
	}
	names := make([]string, len(p.wants))
	for i, w := range p.wants {
		names[i] = w.String()
	}
	return ": " + plural(len(names), "field", "fields") + " " + strings.Join(names, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// listOf opens a list that is kept as JSON; one that cannot be read is none.
func listOf(text string) []string {
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}
