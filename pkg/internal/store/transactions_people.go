package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// The parts of which what is known before a transaction is agreed is made.
const (
	partCustomer = "customer"
	partStatus   = "status"
	partValue    = "value"
	partAnswer   = "answer"
)

// Before is what a request for a transaction names: its idempotency key and up to two customers; each may be empty.
type Before struct {
	KeyOwner, Key     string
	Account           string // of the sending anchor
	FirstID, SecondID string // of customers
}

// AnswerOrPeople reads in one round trip what was answered under the key before, and, where that is nothing (nil), the
// customers of the sending anchor's account with their statuses and texts, opened, all as they stood at one moment. A
// customer who does not exist, is deleted or belongs to somebody else is not in the answer.
func (db *DB) AnswerOrPeople(ctx context.Context, b Before) (*Remembered, map[string]*anchor.Customer, error) {
	rows, err := db.q.AnswerOrPeople(ctx, sqlgen.AnswerOrPeopleParams{
		OwnerAccount: b.Account, FirstID: b.FirstID, SecondID: b.SecondID, KeyOwner: b.KeyOwner, Key: b.Key,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("customers of a transaction: %w", err)
	}
	for _, row := range rows {
		if row.Part == partAnswer {
			return &Remembered{RequestHash: row.Name, Text: row.Value}, nil, nil
		}
	}
	people, err := db.openedPeople(rows)
	return nil, people, err
}

// openedPeople makes customers of their parts.
func (db *DB) openedPeople(rows []sqlgen.AnswerOrPeopleRow) (map[string]*anchor.Customer, error) {
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
func (db *DB) peopleIn(rows []sqlgen.AnswerOrPeopleRow) (map[string]*anchor.Customer, map[string]dataKey, error) {
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
