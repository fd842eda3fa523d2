package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// claimedCustomer is a customer as a claim needs it: judged, and with what a rail will be told, still sealed.
type claimedCustomer struct {
	row      sqlgen.Customer
	statuses map[string]anchor.CustomerStatus
	sealed   map[string]string // by name
}

// claimedCustomers reads customers that are not deleted, by id. The values are read after the versions: a request may then
// hold newer values than its version says, never older ones.
func (tx *Tx) claimedCustomers(ctx context.Context, ids []string) (map[string]*claimedCustomer, error) {
	type judged struct {
		row          sqlgen.Customer
		kind, status sql.NullString
	}
	rows, err := readByIDs(ctx, tx, statement{
		head: `SELECT c.id, c.version, c.key_id, c.sealed_key, s.type, s.status
			FROM customers c LEFT JOIN customer_statuses s ON s.customer_id = c.id
			WHERE c.deleted_us = 0 AND c.id IN (`,
		row: "?", tail: ")",
	}, ids, func(j *judged) []any {
		return []any{&j.row.ID, &j.row.Version, &j.row.KeyID, &j.row.SealedKey, &j.kind, &j.status}
	})
	if err != nil {
		return nil, fmt.Errorf("customers of payouts: %w", err)
	}
	customers := make(map[string]*claimedCustomer, len(ids))
	for _, j := range rows {
		if customers[j.row.ID] == nil {
			customers[j.row.ID] = &claimedCustomer{row: j.row, statuses: map[string]anchor.CustomerStatus{}, sealed: map[string]string{}}
		}
		if j.kind.Valid {
			customers[j.row.ID].statuses[j.kind.String] = anchor.CustomerStatus(j.status.String)
		}
	}
	return customers, tx.sealedValues(ctx, ids, customers)
}

func (tx *Tx) sealedValues(ctx context.Context, ids []string, customers map[string]*claimedCustomer) error {
	type value struct{ customer, name, sealed string }
	rows, err := readByIDs(ctx, tx, statement{
		head: `SELECT f.customer_id, f.name, f.sealed FROM customer_fields f
			WHERE f.content_type = '' AND f.sealed <> '' AND f.customer_id IN (`,
		row: "?", tail: ")",
	}, ids, func(v *value) []any { return []any{&v.customer, &v.name, &v.sealed} })
	if err != nil {
		return fmt.Errorf("values of customers: %w", err)
	}
	for _, v := range rows {
		if c := customers[v.customer]; c != nil {
			c.sealed[v.name] = v.sealed
		}
	}
	return nil
}

// presentVersion is the version that a request made now would say; 0 where the transaction names nobody.
func presentVersion(customers map[string]*claimedCustomer, id sql.NullString) int64 {
	if c := customers[id.String]; id.Valid && c != nil {
		return c.row.Version
	}
	return 0
}

// claimedParty opens a customer for a rail; nil where the transaction names none.
func (db *DB) claimedParty(customers map[string]*claimedCustomer, id sql.NullString, customerType string) (*anchor.Customer, error) {
	if !id.Valid {
		return nil, nil
	}
	c := customers[id.String]
	key, err := db.customerKey(Customer{c.row})
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(c.sealed))
	for name, sealed := range c.sealed {
		raw, err := key.open(sealed, fieldBound(c.row.ID, name))
		if err != nil {
			return nil, fmt.Errorf("value %s: %w", name, err)
		}
		values[name] = string(raw)
	}
	return &anchor.Customer{ID: c.row.ID, Version: c.row.Version, Type: customerType, Statuses: maps.Clone(c.statuses), Values: values}, nil
}
