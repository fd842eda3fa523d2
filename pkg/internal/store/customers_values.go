package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// CustomerValue is a value that a customer gave: personal data, never to be logged.
type CustomerValue struct {
	Data        []byte
	ContentType string // of a binary value; empty: Data is text
}

// JudgedField is what was decided about a field, given or not.
type JudgedField struct {
	Status anchor.FieldStatus
	Error  string // for the sending anchor; without personal data
	Asked  AskedField
	Code   *NewCode // with VERIFICATION_REQUIRED; nil: a code that the field waits for already still counts
}

// AskedField describes a field that was asked for beyond what the customer's type demands. Its zero value: nothing was.
type AskedField struct {
	Type        string   `json:"type"` // the customer type in whose role it is needed
	Description string   `json:"description,omitempty"`
	Choices     []string `json:"choices,omitempty"`
	Optional    bool     `json:"optional,omitempty"`
}

// CustomerField is one field of a customer as it stands; its value stays sealed.
type CustomerField struct {
	sqlgen.CustomerField
	Ask AskedField
}

// Given tells whether there is a value.
func (f CustomerField) Given() bool { return f.Sealed != "" }

// Binary tells whether the value is a photo or document.
func (f CustomerField) Binary() bool { return f.ContentType != "" }

// FieldsOfCustomer lists the fields of a customer by canonical name: those with a value and those that were asked for.
func (db *DB) FieldsOfCustomer(ctx context.Context, id string) (map[string]CustomerField, error) {
	rows, err := db.q.FieldsOfCustomer(ctx, id)
	return fieldsByName(rows, err, id)
}

// FieldsOfCustomer lists the fields of a customer by canonical name: those with a value and those that were asked for.
func (tx *Tx) FieldsOfCustomer(ctx context.Context, id string) (map[string]CustomerField, error) {
	rows, err := tx.q.FieldsOfCustomer(ctx, id)
	return fieldsByName(rows, err, id)
}

func fieldsByName(rows []sqlgen.CustomerField, err error, id string) (map[string]CustomerField, error) {
	if err != nil {
		return nil, fmt.Errorf("fields of customer %s: %w", id, err)
	}
	fields := make(map[string]CustomerField, len(rows))
	for _, row := range rows {
		field := CustomerField{CustomerField: row}
		if row.Asked != "" {
			if err := json.Unmarshal([]byte(row.Asked), &field.Ask); err != nil {
				return nil, fmt.Errorf("field %s of customer %s: %w", row.Name, id, err)
			}
		}
		fields[row.Name] = field
	}
	return fields, nil
}

// OpenCustomerFields opens the values of fields that were read of this customer; those without a value are left out.
func (db *DB) OpenCustomerFields(c Customer, fields map[string]CustomerField) (map[string]CustomerValue, error) {
	key, err := db.customerKey(c)
	if err != nil {
		return nil, err
	}
	values := make(map[string]CustomerValue, len(fields))
	for name, field := range fields {
		if !field.Given() {
			continue
		}
		data, err := key.open(field.Sealed, fieldBound(c.ID, name))
		if err != nil {
			return nil, err
		}
		values[name] = CustomerValue{Data: data, ContentType: field.ContentType}
	}
	return values, nil
}

// CustomerValues opens the texts that a customer gave, by canonical name; photos and documents are not among them.
func (db *DB) CustomerValues(ctx context.Context, c Customer) (map[string]string, error) {
	return db.textValues(ctx, db.q, c)
}

// CustomerValues opens the texts that a customer gave, by canonical name; photos and documents are not among them.
// ErrNotFound if the customer is deleted.
func (tx *Tx) CustomerValues(ctx context.Context, customerID string) (map[string]string, error) {
	row, err := tx.q.CustomerByID(ctx, customerID)
	c, err := found(Customer{row}, err, "customer %s", customerID)
	if err != nil {
		return nil, err
	}
	return tx.db.textValues(ctx, tx.q, c)
}

func (db *DB) textValues(ctx context.Context, q *sqlgen.Queries, c Customer) (map[string]string, error) {
	rows, err := q.TextFieldsOfCustomer(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("values of customer %s: %w", c.ID, err)
	}
	key, err := db.customerKey(c)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(rows))
	for _, row := range rows {
		text, err := key.open(row.Sealed, fieldBound(c.ID, row.Name))
		if err != nil {
			return nil, err
		}
		values[row.Name] = string(text)
	}
	return values, nil
}

func (tx *Tx) putValues(ctx context.Context, c Customer, values map[string]CustomerValue, now int64) error {
	if len(values) == 0 {
		return nil
	}
	key, err := tx.db.customerKey(c)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(values) {
		err := tx.q.PutCustomerValue(ctx, sqlgen.PutCustomerValueParams{
			CustomerID: c.ID, Name: name, Sealed: key.seal(values[name].Data, fieldBound(c.ID, name)),
			ContentType: values[name].ContentType, NowUs: now,
		})
		if err != nil {
			return fmt.Errorf("value %s of customer %s: %w", name, c.ID, err)
		}
	}
	return nil
}

func (tx *Tx) judgeFields(ctx context.Context, id string, fields map[string]JudgedField, now int64) error {
	for _, name := range sortedKeys(fields) {
		judged := fields[name]
		asked := ""
		if judged.Asked.Type != "" {
			raw, err := json.Marshal(judged.Asked)
			if err != nil {
				return fmt.Errorf("field %s of customer %s: %w", name, id, err)
			}
			asked = string(raw)
		}
		err := tx.q.JudgeCustomerField(ctx, sqlgen.JudgeCustomerFieldParams{
			CustomerID: id, Name: name, Status: judged.Status, Error: judged.Error, Asked: asked, NowUs: now,
		})
		if err != nil {
			return fmt.Errorf("field %s of customer %s: %w", name, id, err)
		}
	}
	return nil
}

func (db *DB) customerKey(c Customer) (dataKey, error) {
	if c.SealedKey == "" {
		return dataKey{}, fmt.Errorf("the data of customer %s are erased: %w", c.ID, ErrNotFound)
	}
	return db.keys.openDataKey(c.KeyID, c.SealedKey, customerBound(c.ID))
}

// What is sealed is bound to its place, so that nobody who can write to the database can move it to another.
func customerBound(id string) string    { return "customers/" + id }
func fieldBound(id, name string) string { return "customers." + name + "/" + id }

func nullable(id string) sql.NullString { return sql.NullString{String: id, Valid: id != ""} }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
