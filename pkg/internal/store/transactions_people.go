package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// The parts of which the answer about the people of a transaction is made.
const (
	partCustomer = "customer"
	partStatus   = "status"
	partValue    = "value"
)

// PeopleOf reads up to two customers of a sending anchor's account with their statuses and texts, opened, as they stood at
// one moment. An id may be empty; who does not exist, is deleted or belongs to somebody else is not in the answer.
func (db *DB) PeopleOf(ctx context.Context, ownerAccount, firstID, secondID string) (map[string]*anchor.Customer, error) {
	rows, err := db.q.PeopleOfAccount(ctx, sqlgen.PeopleOfAccountParams{OwnerAccount: ownerAccount, FirstID: firstID, SecondID: secondID})
	if err != nil {
		return nil, fmt.Errorf("customers of a transaction: %w", err)
	}
	people, keys, err := db.peopleIn(rows)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		person := people[row.ID]
		switch row.Part {
		case partStatus:
			person.Statuses[row.Name] = anchor.CustomerStatus(row.Value)
		case partValue:
			text, err := keys[row.ID].open(row.Value, fieldBound(row.ID, row.Name))
			if err != nil {
				return nil, err
			}
			person.Values[row.Name] = string(text)
		}
	}
	return people, nil
}

// peopleIn finds the customers themselves: the rows come in no order.
func (db *DB) peopleIn(rows []sqlgen.PeopleOfAccountRow) (map[string]*anchor.Customer, map[string]dataKey, error) {
	people, keys := map[string]*anchor.Customer{}, map[string]dataKey{}
	for _, row := range rows {
		if row.Part != partCustomer {
			continue
		}
		var c Customer
		c.ID, c.KeyID, c.SealedKey = row.ID, row.KeyID, row.SealedKey
		key, err := db.customerKey(c)
		if err != nil {
			return nil, nil, err
		}
		keys[row.ID] = key
		people[row.ID] = &anchor.Customer{
			ID: row.ID, Version: row.Version, Statuses: map[string]anchor.CustomerStatus{}, Values: map[string]string{},
		}
	}
	return people, keys, nil
}
