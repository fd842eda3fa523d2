package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// What an outgoing movement is explained by. The empty text is: by nothing that anybody knows.
const (
	ExplainedByRefund   = "refund"
	ExplainedByTreasury = "treasury"
	ExplainedByOperator = "operator"
)

// OutgoingMovement is a row of outgoing_movements: one decrease of a receiving account's balance by an operation of its own
// that sends. Its amount is in 10^-7, 0 where it could not be read. What the ledger shows never changes; Explained, Actor and
// Reason may be written once somebody knows.
type OutgoingMovement struct{ sqlgen.OutgoingMovement }

// Key names the movement within its chain and account.
func (m *OutgoingMovement) Key() PaymentKey { return PaymentKey{m.OperationID, m.Idx} }

// InsertOutgoing stores movements and answers how many were new; of those that are stored already nothing changes.
func (tx *Tx) InsertOutgoing(ctx context.Context, movements []OutgoingMovement) (int, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return 0, err
	}
	n, err := tx.setwise(ctx, insertOutgoing(), len(movements), []any{now}, func(i int) []any {
		m := &movements[i]
		return []any{
			m.Chain, m.Account, m.OperationID, m.Idx, m.Kind, m.InnerHash, m.OuterHash, m.Ledger, m.ClosedUs, m.ToAccount, m.ToMuxedID,
			m.AssetCode, m.AssetIssuer, m.AmountUnits, m.MemoType, m.Memo, m.Explained, m.Actor, m.Reason,
		}
	})
	if err != nil {
		return 0, fmt.Errorf("insert outgoing movements: %w", err)
	}
	return int(n), nil
}

func insertOutgoing() statement {
	return statement{
		head: `INSERT INTO outgoing_movements (chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, to_account,
		to_muxed_id, asset_code, asset_issuer, amount_units, memo_type, memo, explained, actor, reason, created_us, updated_us) VALUES `,
		row:  "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, $1, $1)",
		tail: " ON CONFLICT (chain, account, operation_id, idx) DO NOTHING",
	}
}

// SeenOutgoing reads what is stored of an account's outgoing movements behind position `after`, up to and including `upTo`.
func (tx *Tx) SeenOutgoing(ctx context.Context, chain, account string, after, upTo int64) (map[PaymentKey]SeenPayment, error) {
	rows, err := tx.q.SeenOutgoing(ctx, sqlgen.SeenOutgoingParams{Chain: chain, Account: account, AfterPosition: after, UpToPosition: upTo})
	if err != nil {
		return nil, fmt.Errorf("outgoing movements of %s seen before: %w", account, err)
	}
	seen := make(map[PaymentKey]SeenPayment, len(rows))
	for _, r := range rows {
		seen[PaymentKey{r.OperationID, r.Idx}] = SeenPayment{InnerHash: r.InnerHash, OuterHash: r.OuterHash, Units: r.AmountUnits}
	}
	return seen, nil
}

// RefundHashes tells which of the hashes are of envelopes by which refunds may land. One that was declared dead explains
// nothing: should it show up after all, another may have been made in its place, and somebody has to look.
func (tx *Tx) RefundHashes(ctx context.Context, innerHashes []string) (map[string]bool, error) {
	found, err := tx.present(ctx, hashesOfRefunds(), innerHashes)
	if err != nil {
		return nil, fmt.Errorf("refunds by their hashes: %w", err)
	}
	return found, nil
}

func hashesOfRefunds() statement {
	return statement{head: "SELECT inner_hash FROM refund_attempts WHERE inner_hash IN (", row: "?", tail: ") AND state <> 'dead'"}
}

// OwnAccounts tells which of the accounts are receiving accounts.
func (tx *Tx) OwnAccounts(ctx context.Context, accounts []string) (map[string]bool, error) {
	found, err := tx.present(ctx, ownAccounts(), accounts)
	if err != nil {
		return nil, fmt.Errorf("receiving accounts by name: %w", err)
	}
	return found, nil
}

func ownAccounts() statement {
	return statement{head: "SELECT account FROM receiving_accounts WHERE account IN (", row: "?", tail: ")"}
}

// present answers those of the names that the statement finds.
func (tx *Tx) present(ctx context.Context, s statement, names []string) (map[string]bool, error) {
	found := map[string]bool{}
	err := tx.query(ctx, s, len(names), nil, func(i int) []any { return []any{names[i]} }, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		found[name] = true
		return err
	})
	return found, err
}

// RefundsAwaitLedger tells whether a refund of the account is in flight or ready: it then has to learn how far the account
// has been read.
func (tx *Tx) RefundsAwaitLedger(ctx context.Context, account string) (bool, error) {
	awaited, err := tx.q.RefundsAwaitLedger(ctx, account)
	if err != nil {
		return false, fmt.Errorf("refunds of %s that await the ledger: %w", account, err)
	}
	return awaited, nil
}

// OutgoingMovements lists what left an account, in the order of the ledger, behind the movement named; its zero value is the
// beginning.
func (db *DB) OutgoingMovements(ctx context.Context, account string, after PaymentKey, limit int) ([]OutgoingMovement, error) {
	c, err := db.CursorOf(ctx, account)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // nobody has read it yet
	}
	if err != nil {
		return nil, err
	}
	rows, err := db.q.ListOutgoing(ctx, sqlgen.ListOutgoingParams{
		Chain: c.Chain, Account: account, AfterOperation: after.OperationID, AfterIdx: after.Index, Most: int32(min(limit, 10_000)),
	})
	if err != nil {
		return nil, fmt.Errorf("outgoing movements of %s: %w", account, err)
	}
	list := make([]OutgoingMovement, len(rows))
	for i, row := range rows {
		list[i] = OutgoingMovement{row}
	}
	return list, nil
}
