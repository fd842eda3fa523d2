package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Person is a customer with its statuses by type and its texts by canonical name, all as they stood at one moment.
type Person struct {
	ID       string
	Version  int64
	Statuses map[string]CustomerStatus
	Values   map[string]string // personal data, never to be logged
}

// PersonOf reads a customer of a sending anchor's account for a transaction, in one round trip; anybody else's is not found.
func (db *DB) PersonOf(ctx context.Context, ownerAccount, id string) (Person, error) {
	rows, err := db.q.PersonOfAccount(ctx, sqlgen.PersonOfAccountParams{ID: id, OwnerAccount: ownerAccount})
	if err == nil && len(rows) == 0 {
		err = sql.ErrNoRows
	}
	if rows, err = found(rows, err, "customer %s", id); err != nil {
		return Person{}, err
	}
	var c Customer
	p := Person{ID: id, Statuses: map[string]CustomerStatus{}, Values: map[string]string{}}
	sealed := map[string]string{}
	for _, row := range rows {
		switch row.Kind {
		case "status":
			p.Statuses[row.Name] = CustomerStatus{sqlgen.CustomerStatus{
				CustomerID: id, Type: row.Name, Status: anchor.CustomerStatus(row.Value), Actor: row.Actor,
			}}
		case "value":
			sealed[row.Name] = row.Value
		default:
			c.ID, c.KeyID, c.SealedKey = id, row.KeyID, row.SealedKey
			p.Version = row.Version
		}
	}
	key, err := db.customerKey(c)
	if err != nil {
		return Person{}, err
	}
	for name, value := range sealed {
		text, err := key.open(value, fieldBound(id, name))
		if err != nil {
			return Person{}, fmt.Errorf("value %s: %w", name, err)
		}
		p.Values[name] = string(text)
	}
	return p, nil
}
