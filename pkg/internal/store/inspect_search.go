package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// TransactionSearch says which transactions an operator looks for; what is empty does not matter.
type TransactionSearch struct {
	Status  string
	Owner   string // account of the sending anchor, G…
	SinceUs int64  // agreed on then or later, UTC microseconds
	Before  string // the last id of the page before
	Limit   int    // at most; 0: 100
}

// SearchTransactions lists transactions whoever they belong to, newest first: for operators, never for a sending anchor.
func (db *DB) SearchTransactions(ctx context.Context, s TransactionSearch) ([]Transaction, error) {
	most := int32(100)
	if s.Limit > 0 {
		most = int32(min(s.Limit, 10_000))
	}
	var rows []sqlgen.Transaction
	var err error
	if s.Owner != "" {
		rows, err = db.q.ListTransactionsOfOwner(ctx, sqlgen.ListTransactionsOfOwnerParams{
			Owner: s.Owner, Status: s.Status, SinceUs: s.SinceUs, Before: s.Before, Most: most,
		})
	} else {
		rows, err = db.q.ListTransactionsSince(ctx, sqlgen.ListTransactionsSinceParams{
			Status: s.Status, SinceUs: s.SinceUs, Before: s.Before, Most: most,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("search transactions: %w", err)
	}
	list := make([]Transaction, len(rows))
	for i, row := range rows {
		list[i] = Transaction{row}
	}
	return list, nil
}
