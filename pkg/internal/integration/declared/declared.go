// Package declared is the integration that anchor.yaml describes: what is asked of people, who accepts them, which fields a
// transaction needs and which rail pays it.
//
// It promises that nobody is accepted who has not given every field that is asked for, and that a sending anchor that is not
// on the list is nobody. It must never store anything or speak to anybody. Package app builds it from the settings and
// hands it to a business as the default to embed, or uses it as the business itself.
package declared

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Side is the side of a transaction that a customer type is for.
type Side string

// The sides.
const (
	Sender   Side = "sender"
	Receiver Side = "receiver"
)

// Text is something that people read. In returns it in the language of a tag ("pt-BR"), or in another one that there is.
type Text interface{ In(lang string) string }

// CustomerType is a SEP-12 type as declared.
type CustomerType struct {
	Name         string
	Side         Side
	Description  Text                    // nil: none
	ByOperator   bool                    // complete customers wait for an operator instead of being accepted at once
	Fields       map[string]anchor.Field // by SEP-9 name, canonical spelling
	Descriptions map[string]Text         // of fields, by name, in place of that of the Field
}

// Options are what is declared.
type Options struct {
	Types                        []CustomerType
	TransactionFields            map[string]anchor.Field
	TransactionFieldDescriptions map[string]Text // by name, in place of that of the Field
	SendingAnchors               []string        // accounts, G…
	AdmitAll                     bool            // an empty list admits everybody: development only
	Rails                        map[string]anchor.Rail
	Quotes                       anchor.QuoteIntegration // nil: nothing is exchanged
}

// New makes the business that the options describe.
func New(o Options) anchor.Business {
	return anchor.Business{Receiver: receiver{o}, Customers: customers{o}, Rails: o.Rails, Quotes: o.Quotes}
}

// translated describes fields in a language; what is declared stays as it is.
func translated(fields map[string]anchor.Field, descriptions map[string]Text, lang string) map[string]anchor.Field {
	shown := maps.Clone(fields)
	for name, field := range shown {
		if text := descriptions[name]; text != nil {
			field.Description = text.In(lang)
			shown[name] = field
		}
	}
	return shown
}

type receiver struct{ o Options }

func (r receiver) Info(_ context.Context, asked anchor.InfoRequest) (anchor.Info, error) {
	info := anchor.Info{
		SenderTypes: map[string]anchor.CustomerType{}, ReceiverTypes: map[string]anchor.CustomerType{},
		Fields: translated(r.o.TransactionFields, r.o.TransactionFieldDescriptions, asked.Lang),
	}
	for _, t := range r.o.Types {
		side := info.SenderTypes
		if t.Side == Receiver {
			side = info.ReceiverTypes
		}
		described := anchor.CustomerType{}
		if t.Description != nil {
			described.Description = t.Description.In(asked.Lang)
		}
		side[t.Name] = described
	}
	return info, nil
}

func (r receiver) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	if len(r.o.SendingAnchors) == 0 {
		return r.o.AdmitAll, nil
	}
	return slices.Contains(r.o.SendingAnchors, who.Account), nil
}

// ProcessPostRequest accepts what the toolkit has checked: limits, customers and required fields.
func (r receiver) ProcessPostRequest(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	return anchor.Acceptance{}, r.checkFields(p.Fields, p.Lang)
}

func (r receiver) ProcessPatchRequest(_ context.Context, p anchor.PatchRequest) error {
	return r.checkFields(p.Fields, "")
}

// checkFields refuses values outside the declared choices, naming the fields.
func (r receiver) checkFields(given map[string]string, lang string) error {
	wrong := map[string]anchor.Field{}
	for name, value := range given {
		field, known := r.o.TransactionFields[name]
		if known && len(field.Choices) > 0 && !slices.Contains(field.Choices, value) {
			wrong[name] = field
		}
	}
	if len(wrong) > 0 {
		return anchor.TransactionInfoNeeded(translated(wrong, r.o.TransactionFieldDescriptions, lang))
	}
	return nil
}

type customers struct{ o Options }

func (c customers) Get(_ context.Context, r anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	t, err := c.typeOf(r.Type)
	if err != nil {
		return anchor.CustomerRequirements{}, err
	}
	return anchor.CustomerRequirements{Type: t.Name, Fields: translated(t.Fields, t.Descriptions, r.Lang)}, nil
}

// typeOf finds a declared type; without a name the first one, which is what clients that name none get.
func (c customers) typeOf(name string) (CustomerType, error) {
	if name == "" && len(c.o.Types) > 0 {
		return c.o.Types[0], nil
	}
	for _, t := range c.o.Types {
		if t.Name == name {
			return t, nil
		}
	}
	known := make([]string, len(c.o.Types))
	for i, t := range c.o.Types {
		known[i] = t.Name
	}
	return CustomerType{}, anchor.Refusef("'type' must be one of %s", strings.Join(known, ", "))
}

// Put accepts a complete customer, or leaves that to an operator.
func (c customers) Put(_ context.Context, r anchor.CustomerPut) (anchor.Verdict, error) {
	t, err := c.typeOf(r.Type)
	if err != nil {
		return anchor.Verdict{}, err
	}
	v := anchor.Verdict{Type: t.Name, Status: anchor.CustomerAccepted, Fields: map[string]anchor.FieldVerdict{}}
	for name, field := range t.Fields {
		switch value := r.Customer.Value(name); {
		case value == "" && !field.Optional:
			v.Status = anchor.CustomerNeedsInfo
		case value != "" && len(field.Choices) > 0 && !slices.Contains(field.Choices, value):
			v.Status = anchor.CustomerNeedsInfo
			v.Fields[name] = anchor.FieldVerdict{Status: anchor.FieldRejected, Error: "must be one of " + strings.Join(field.Choices, ", ")}
		case value != "" && !t.ByOperator:
			v.Fields[name] = anchor.FieldVerdict{Status: anchor.FieldAccepted}
		}
	}
	if v.Status == anchor.CustomerAccepted && t.ByOperator {
		v.Status, v.Message = c.underReview(r.Customer, t.Name, r.Changed)
	}
	return v, nil
}

// underReview keeps what an operator decided as long as nothing was changed since.
func (c customers) underReview(customer *anchor.Customer, customerType string, changed []string) (anchor.CustomerStatus, string) {
	if len(changed) == 0 && customer.Statuses[customerType] == anchor.CustomerAccepted {
		return anchor.CustomerAccepted, ""
	}
	return anchor.CustomerProcessing, "the information is being reviewed"
}

func (c customers) Delete(context.Context, anchor.CustomerDelete) error { return nil }
