package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
)

type customer struct {
	ID       string                           `json:"id,omitempty"`
	Version  int64                            `json:"version"`
	Type     string                           `json:"type,omitempty"`
	Statuses map[string]anchor.CustomerStatus `json:"statuses,omitempty"`
	Values   map[string]string                `json:"values,omitempty"`
}

func customerOf(c *anchor.Customer) *customer {
	if c == nil {
		return nil
	}
	said := customer(*c)
	return &said
}

type customers struct{ part }

func (c customers) Get(ctx context.Context, q anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	type request struct {
		Customer    *customer           `json:"customer,omitempty"`
		Type        string              `json:"type,omitempty"`
		Lang        string              `json:"lang,omitempty"`
		Transaction *anchor.Transaction `json:"transaction,omitempty"`
	}
	type answer struct {
		Type   string                  `json:"type"`
		Fields map[string]anchor.Field `json:"fields"`
	}
	const path = "/v1/customers/requirements"
	a, err := ask[answer](ctx, c.part, path, request{customerOf(q.Customer), q.Type, q.Lang, q.Transaction})
	if err != nil {
		return anchor.CustomerRequirements{}, err
	}
	if a.Type == "" || a.Fields == nil {
		return anchor.CustomerRequirements{}, nonsense(path, errors.New("type and fields must be there"))
	}
	for name, field := range a.Fields {
		if name == "" || !knownType(field.Type) {
			return anchor.CustomerRequirements{}, nonsense(path, errors.New("the type of a field must be string, binary, number or date"))
		}
	}
	return anchor.CustomerRequirements(a), nil
}

func knownType(t anchor.FieldType) bool {
	switch t {
	case anchor.FieldString, anchor.FieldBinary, anchor.FieldNumber, anchor.FieldDate:
		return true
	}
	return false
}

type verdict struct {
	Type    string                  `json:"type"`
	Version *int64                  `json:"version"`
	Status  anchor.CustomerStatus   `json:"status"`
	Message string                  `json:"message"`
	Fields  map[string]fieldVerdict `json:"fields"`
}

type fieldVerdict struct {
	Status anchor.FieldStatus `json:"status"`
	Error  string             `json:"error"`
	Code   string             `json:"code"`
}

func (c customers) Put(ctx context.Context, q anchor.CustomerPut) (anchor.Verdict, error) {
	type request struct {
		Customer *customer         `json:"customer"`
		Type     string            `json:"type"`
		Changed  []string          `json:"changed"`
		Codes    map[string]string `json:"codes,omitempty"`
	}
	const path = "/v1/customers/verdict"
	a, err := ask[verdict](ctx, c.part, path, request{customerOf(q.Customer), q.Type, append([]string{}, q.Changed...), q.Codes})
	if err != nil {
		return anchor.Verdict{}, err
	}
	if err := a.check(q); err != nil {
		return anchor.Verdict{}, nonsense(path, err)
	}
	return a.read(q), nil
}

// check holds a verdict against what was asked: another person's or an older one must not pass for this one's.
func (v verdict) check(q anchor.CustomerPut) error {
	switch {
	case v.Type != q.Type:
		return errors.New("the verdict is about another type")
	case v.Version != nil && q.Customer != nil && *v.Version != q.Customer.Version:
		return errors.New("the verdict is about another version of the customer")
	}
	switch v.Status {
	case anchor.CustomerAccepted, anchor.CustomerProcessing, anchor.CustomerNeedsInfo:
	case anchor.CustomerRejected:
		if v.Message == "" {
			return errors.New("REJECTED needs a message")
		}
	default:
		return errors.New("the status must be ACCEPTED, PROCESSING, NEEDS_INFO or REJECTED")
	}
	return v.checkFields()
}

func (v verdict) checkFields() error {
	for _, f := range v.Fields {
		switch f.Status {
		case anchor.FieldAccepted, anchor.FieldProcessing, anchor.FieldRejected, anchor.FieldVerificationRequired:
		default:
			return errors.New("the status of a field must be ACCEPTED, PROCESSING, REJECTED or VERIFICATION_REQUIRED")
		}
	}
	return nil
}

func (v verdict) read(q anchor.CustomerPut) anchor.Verdict {
	said := anchor.Verdict{Type: v.Type, Status: v.Status, Message: anchor.CleanText(v.Message), Fields: map[string]anchor.FieldVerdict{}}
	if q.Customer != nil {
		said.Version = q.Customer.Version
	}
	for name, f := range v.Fields {
		said.Fields[name] = anchor.FieldVerdict{Status: f.Status, Error: anchor.CleanText(f.Error), Code: f.Code}
	}
	return said
}

func (c customers) Delete(ctx context.Context, q anchor.CustomerDelete) error {
	type request struct {
		ID string `json:"id"`
	}
	type answer struct {
		Deleted bool `json:"deleted"`
	}
	a, err := ask[answer](ctx, c.part, "/v1/customers/deleted", request(q))
	if err == nil && !a.Deleted {
		err = nonsense("/v1/customers/deleted", errors.New("deleted must be true"))
	}
	return err
}

// nonsense is an answer that was signed and is wrong all the same: a fault of the business, of no category.
func nonsense(path string, why error) error { return fmt.Errorf("business server: %s: %w", path, why) }
