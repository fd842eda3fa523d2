package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Publish gives the transaction its memo, canonically written (ids in decimal, hashes in lower hex, text in base64); from
// then on payments can arrive.
func (t *Transaction) Publish(memoType, memo string) {
	t.MemoType, t.Memo = memoType, sql.NullString{String: memo, Valid: true}
}

// TakePart names the customers of the transaction and the SEP-12 types in whose role they take part; an empty id is nobody.
func (t *Transaction) TakePart(senderID, senderType, receiverID, receiverType string) {
	t.SenderID, t.SenderType = sql.NullString{String: senderID, Valid: senderID != ""}, senderType
	t.ReceiverID, t.ReceiverType = sql.NullString{String: receiverID, Valid: receiverID != ""}, receiverType
}

// Required opens what a payout asked for (SEP-31 required_info_updates): the transaction fields by name; nil for nothing.
func (t Transaction) Required() (map[string]anchor.Field, error) {
	if t.RequiredInfo == "" {
		return nil, nil
	}
	var updates map[string]map[string]anchor.Field
	if err := json.Unmarshal([]byte(t.RequiredInfo), &updates); err != nil {
		return nil, fmt.Errorf("required information of transaction %s: %w", t.ID, err)
	}
	return updates["transaction"], nil
}

// TransactionFilter says which transactions an operator wants to see.
type TransactionFilter struct {
	Status anchor.Status // empty: any
	Before string        // the last id of the page before; empty: from the newest
	Limit  int           // at most; 0: 100
}

// Transactions lists transactions whoever they belong to, newest first: for operators, never for a sending anchor.
func (db *DB) Transactions(ctx context.Context, f TransactionFilter) ([]Transaction, error) {
	most := int32(100)
	if f.Limit > 0 {
		most = int32(min(f.Limit, 10_000))
	}
	var rows []sqlgen.Transaction
	var err error
	if f.Status == "" {
		rows, err = db.q.ListTransactions(ctx, sqlgen.ListTransactionsParams{Before: f.Before, Most: most})
	} else {
		rows, err = db.q.ListTransactionsOfStatus(ctx, sqlgen.ListTransactionsOfStatusParams{Status: f.Status, Before: f.Before, Most: most})
	}
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	list := make([]Transaction, len(rows))
	for i, row := range rows {
		list[i] = Transaction{row}
	}
	return list, nil
}

// Event is one line of a subject's history.
type Event struct{ sqlgen.Event }

// History lists what happened to a subject, oldest first.
func (db *DB) History(ctx context.Context, kind SubjectKind, id string) ([]Event, error) {
	rows, err := db.q.EventsOfSubject(ctx, sqlgen.EventsOfSubjectParams{SubjectKind: string(kind), SubjectID: id})
	if err != nil {
		return nil, fmt.Errorf("history of %s %s: %w", kind, id, err)
	}
	list := make([]Event, len(rows))
	for i, row := range rows {
		list[i] = Event{row}
	}
	return list, nil
}
