package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/decision"
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

func (c customers) Put(ctx context.Context, q anchor.CustomerPut) (anchor.Verdict, error) {
	type request struct {
		Customer *customer         `json:"customer"`
		Type     string            `json:"type"`
		Changed  []string          `json:"changed"`
		Codes    map[string]string `json:"codes,omitempty"`
	}
	const path = "/v1/customers/verdict"
	a, err := ask[decision.Verdict](ctx, c.part, path, request{customerOf(q.Customer), q.Type, append([]string{}, q.Changed...), q.Codes})
	if err != nil {
		return anchor.Verdict{}, err
	}
	v, err := verdictOn(q, a)
	if err != nil {
		return anchor.Verdict{}, nonsense(path, err)
	}
	return v, nil
}

// verdictOn holds a verdict against what was asked: another person's or an older one must not pass for this one's.
func verdictOn(q anchor.CustomerPut, said decision.Verdict) (anchor.Verdict, error) {
	switch {
	case said.Type != q.Type:
		return anchor.Verdict{}, errors.New("the verdict is about another type")
	case said.Version != nil && q.Customer != nil && *said.Version != q.Customer.Version:
		return anchor.Verdict{}, errors.New("the verdict is about another version of the customer")
	}
	said.Version = nil
	if q.Customer != nil {
		said.Version = &q.Customer.Version
	}
	return said.Read()
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
