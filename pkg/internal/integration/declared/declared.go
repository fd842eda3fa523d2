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

// CustomerType is a SEP-12 type as declared.
type CustomerType struct {
	Name        string
	Side        Side
	Description string
	ByOperator  bool                    // complete customers wait for an operator instead of being accepted at once
	Fields      map[string]anchor.Field // by SEP-9 name, canonical spelling
}

// Options are what is declared.
type Options struct {
	Types             []CustomerType
	TransactionFields map[string]anchor.Field
	SendingAnchors    []string // accounts, G…
	AdmitAll          bool     // an empty list admits everybody: development only
	Rails             map[string]anchor.Rail
}

// New makes the business that the options describe.
func New(o Options) anchor.Business {
	return anchor.Business{Receiver: receiver{o}, Customers: customers{o}, Rails: o.Rails}
}

type receiver struct{ o Options }

func (r receiver) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) {
	info := anchor.Info{
		SenderTypes: map[string]anchor.CustomerType{}, ReceiverTypes: map[string]anchor.CustomerType{},
		Fields: maps.Clone(r.o.TransactionFields),
	}
	for _, t := range r.o.Types {
		side := info.SenderTypes
		if t.Side == Receiver {
			side = info.ReceiverTypes
		}
		side[t.Name] = anchor.CustomerType{Description: t.Description}
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
	return anchor.Acceptance{}, r.checkFields(p.Fields)
}

func (r receiver) ProcessPatchRequest(_ context.Context, p anchor.PatchRequest) error {
	return r.checkFields(p.Fields)
}

// checkFields refuses values outside the declared choices, naming the fields.
func (r receiver) checkFields(given map[string]string) error {
	wrong := map[string]anchor.Field{}
	for name, value := range given {
		field, known := r.o.TransactionFields[name]
		if known && len(field.Choices) > 0 && !slices.Contains(field.Choices, value) {
			wrong[name] = field
		}
	}
	if len(wrong) > 0 {
		return anchor.TransactionInfoNeeded(wrong)
	}
	return nil
}

type customers struct{ o Options }

func (c customers) Get(_ context.Context, r anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	t, err := c.typeOf(r.Type)
	if err != nil {
		return anchor.CustomerRequirements{}, err
	}
	return anchor.CustomerRequirements{Type: t.Name, Fields: maps.Clone(t.Fields)}, nil
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
