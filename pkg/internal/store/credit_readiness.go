package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// customerStatuses are the statuses of all customers of a set of transactions. One that is not in it needs information.
type customerStatuses map[customerRole]anchor.CustomerStatus

type customerRole struct{ id, typ string }

// customerStatuses reads them for all fundings at once. The customers are locked first: a verdict that is being written now
// is waited for, because whoever writes it cannot see the payouts of this Tx yet and would leave them waiting.
func (tx *Tx) customerStatuses(ctx context.Context, fundings []Funding) (customerStatuses, error) {
	ids := customersOf(fundings)
	id := func(i int) []any { return []any{ids[i]} }
	if tx.db.engine.forUpdate() != "" {
		if _, err := tx.setwise(ctx, shareCustomers(), len(ids), nil, id); err != nil {
			return nil, fmt.Errorf("lock customers: %w", err)
		}
	}
	statuses := customerStatuses{}
	err := tx.query(ctx, statusesOfCustomers(), len(ids), nil, id, func(rows *sql.Rows) error {
		var role customerRole
		var status string
		err := rows.Scan(&role.id, &role.typ, &status)
		statuses[role] = anchor.CustomerStatus(status)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("statuses of customers: %w", err)
	}
	return statuses, nil
}

// customersOf names both parties of all fundings, each once, in order.
func customersOf(fundings []Funding) []string {
	var ids []string
	for _, f := range fundings {
		for _, role := range rolesIn(f.Transaction) {
			ids = append(ids, role.id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func shareCustomers() statement {
	return statement{head: "SELECT 1 FROM customers WHERE id IN (", row: "?", tail: ") ORDER BY id FOR SHARE"}
}

func statusesOfCustomers() statement {
	return statement{
		head: "SELECT s.customer_id, s.type, s.status FROM customer_statuses s JOIN customers c ON c.id = s.customer_id WHERE c.deleted_us = 0 AND s.customer_id IN (",
		row:  "?", tail: ")",
	}
}

// rolesIn names the customers of a transaction in the roles in which they take part.
func rolesIn(t Transaction) (roles []customerRole) {
	for _, role := range []struct {
		id  sql.NullString
		typ string
	}{{t.SenderID, t.SenderType}, {t.ReceiverID, t.ReceiverType}} {
		if role.id.Valid {
			roles = append(roles, customerRole{role.id.String, role.typ})
		}
	}
	return roles
}

// readiness is Tx.Readiness by statuses that were read already.
func (s customerStatuses) readiness(t Transaction) (waits anchor.WaitsFor, needsInfo bool) {
	accepted := true
	for _, role := range rolesIn(t) {
		status, known := s[role]
		if !known {
			status = anchor.CustomerNeedsInfo
		}
		accepted = accepted && status == anchor.CustomerAccepted
		needsInfo = needsInfo || status == anchor.CustomerNeedsInfo
	}
	switch {
	case t.Conflict != "":
		return anchor.WaitsForOperator, needsInfo
	case t.Unpriced: // first of all: the rate of the moment in which the payment arrives is what was agreed
		return anchor.WaitsForPrice, needsInfo
	case t.Status == anchor.StatusPendingTransactionInfoUpdate:
		return anchor.WaitsForInfo, needsInfo
	case !accepted:
		return anchor.WaitsForKYC, needsInfo
	}
	return anchor.WaitsForNothing, needsInfo
}
