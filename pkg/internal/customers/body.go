package customers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// viewBody is a View as it is written. Absent values are left out, never null.
type viewBody struct {
	ID       string                   `json:"id,omitempty"`
	Status   anchor.CustomerStatus    `json:"status"`
	Fields   *map[string]anchor.Field `json:"fields,omitempty"`
	Provided map[string]providedBody  `json:"provided_fields,omitempty"`
	Message  string                   `json:"message,omitempty"`
}

type providedBody struct {
	anchor.Field
	Status anchor.FieldStatus `json:"status,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// MarshalJSON writes the answer of SEP-12 "GET Customer", which callbacks repeat.
func (v View) MarshalJSON() ([]byte, error) {
	b := viewBody{ID: v.ID, Status: v.Status, Message: v.Message}
	// fields is required of a customer who needs information, even where it is empty.
	if len(v.Fields) > 0 || v.Status == anchor.CustomerNeedsInfo {
		fields := maps.Clone(v.Fields)
		if fields == nil {
			fields = map[string]anchor.Field{}
		}
		b.Fields = &fields
	}
	if len(v.Provided) > 0 {
		b.Provided = make(map[string]providedBody, len(v.Provided))
		for name, p := range v.Provided {
			b.Provided[name] = providedBody(p)
		}
	}
	return json.Marshal(b)
}

// SetCallback has the caller told at an address of every change of a customer's status until it is final (SEP-12 "Customer
// Callback PUT"). It replaces the address that was there. A customer who is not there or not the caller's is refused with
// CodeNotFound.
func (s *Service) SetCallback(ctx context.Context, caller anchor.SendingAnchor, w Who, url string) error {
	if s.options.checkCallbackURL == nil {
		return anchor.RefuseAs(anchor.CodeNotFound, "callbacks are not supported here")
	}
	sc, err := s.scopeOf(caller, w)
	if err != nil {
		return err
	}
	row, err := s.find(ctx, sc, w.ID)
	if err != nil {
		return err
	}
	if err := s.checkAddress(url); err != nil {
		return err
	}
	return refused(s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Subscribe(ctx, row.ID, url) }))
}

func (s *Service) checkAddress(url string) error {
	const longestURL = 2048
	switch {
	case url == "":
		return anchor.Refuse("'url' is missing")
	case len(url) > longestURL || !clean(url):
		return anchor.Refuse("'url' is too long or not valid UTF-8 text")
	}
	if err := s.options.checkCallbackURL(url); err != nil {
		return anchor.Refusef("'url' cannot be called: %s", err)
	}
	return nil
}

// Body is what the sending anchor is told of a customer in the role of a type: the answer of SEP-12 "GET Customer" as it is
// at this moment. CodeNotFound for one that is deleted, CodeInvalid for a type that is not offered any more. For the
// delivery of callbacks, never for a request.
func (s *Service) Body(ctx context.Context, customerID, customerType string) ([]byte, error) {
	row, err := s.db.CustomerByID(ctx, customerID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refused(err)
	}
	if err != nil {
		return nil, err
	}
	v, err := s.view(ctx, row, Query{Type: customerType}, nil)
	if err != nil {
		return nil, fmt.Errorf("what is told of customer %s: %w", customerID, err)
	}
	return json.Marshal(v)
}
