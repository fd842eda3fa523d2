package customers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// role is what a customer type demands, by canonical name.
type role struct {
	name   string
	fields map[string]demand
}

// demand is one field of a role, under the spelling that the business uses.
type demand struct {
	spelling string
	anchor.Field
}

// role asks the business what a type demands, of a transaction's customers where there is one. An empty type is the
// business' default.
func (s *Service) role(ctx context.Context, ask anchor.CustomerGet) (role, error) {
	if err := tidy(ask.Type, ask.Lang); err != nil {
		return role{}, err
	}
	demanded, err := s.integration.Get(ctx, ask)
	if err != nil {
		return role{}, fmt.Errorf("ask what is needed of a customer: %w", err)
	}
	r := role{name: demanded.Type, fields: make(map[string]demand, len(demanded.Fields))}
	if r.name == "" {
		r.name = ask.Type
	}
	for _, spelling := range slices.Sorted(maps.Keys(demanded.Fields)) {
		field := demanded.Fields[spelling]
		field.Type = typeOf(spelling, field.Type)
		r.fields[anchor.SEP9Canonical(spelling)] = demand{spelling, field}
	}
	return r, nil
}

// typeOf is the type of a field: what the business says, else what SEP-9 says, else a string.
func typeOf(name string, said anchor.FieldType) anchor.FieldType {
	if said != "" {
		return said
	}
	if standard, known := anchor.SEP9Type(name); known {
		return standard
	}
	return anchor.FieldString
}

// complete tells whether nothing stands between the customer and a judgement: every demanded field has a value, and what
// was rejected or asked for was given anew.
func (r role) complete(fields map[string]store.CustomerField) bool {
	for name, demanded := range r.fields {
		if !demanded.Optional && (!fields[name].Given() || fields[name].Status == anchor.FieldRejected) {
			return false
		}
	}
	for _, field := range fields {
		if field.Status == anchor.FieldRejected && field.Ask.Type == r.name && !field.Ask.Optional {
			return false
		}
	}
	return true
}

// awaits tells whether something that is demanded waits for a verification code.
func (r role) awaits(fields map[string]store.CustomerField) bool {
	for name, demanded := range r.fields {
		if !demanded.Optional && fields[name].Status == anchor.FieldVerificationRequired {
			return true
		}
	}
	return false
}

// missing lists what the customer may or must still give, under the spelling of the business.
func (r role) missing(fields map[string]store.CustomerField) map[string]anchor.Field {
	list := map[string]anchor.Field{}
	for name, demanded := range r.fields {
		if !fields[name].Given() || fields[name].Status == anchor.FieldRejected {
			list[demanded.spelling] = demanded.Field
		}
	}
	for name, field := range fields {
		if field.Status == anchor.FieldRejected && field.Ask.Type == r.name {
			list[r.spelling(name)] = r.asked(name, field.Ask)
		}
	}
	return list
}

// optional keeps what nobody must give.
func optional(fields map[string]anchor.Field) map[string]anchor.Field {
	maps.DeleteFunc(fields, func(_ string, f anchor.Field) bool { return !f.Optional })
	return fields
}

func (r role) spelling(name string) string {
	if demanded, ok := r.fields[name]; ok {
		return demanded.spelling
	}
	return name
}

// describe tells what a field is, whether or not the role demands it.
func (r role) describe(name string) anchor.Field {
	if demanded, ok := r.fields[name]; ok {
		return demanded.Field
	}
	return anchor.Field{Type: typeOf(name, ""), Description: strings.ReplaceAll(name, "_", " "), Optional: true}
}

// asked is a field as a payout asked for it; what it left unsaid is as the role says.
func (r role) asked(name string, ask store.AskedField) anchor.Field {
	field := r.describe(name)
	field.Optional = ask.Optional
	if ask.Description != "" {
		field.Description = ask.Description
	}
	if len(ask.Choices) > 0 {
		field.Choices = ask.Choices
	}
	return field
}
