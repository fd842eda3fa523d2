package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Payment is a row of payments: one increase of a receiving account's balance by somebody else, credited or not. Its amount
// is in 10^-7, 0 where it could not be read. Judgement never changes; State is what became of it since.
type Payment struct{ sqlgen.Payment }

// BelongsTo names the transaction that the payment was credited to, or that it seems to be meant for.
func (p *Payment) BelongsTo(transactionID string) {
	p.TransactionID = sql.NullString{String: transactionID, Valid: transactionID != ""}
}

// PaymentKey names a payment within its chain and account.
type PaymentKey struct {
	OperationID, Index int64
}

// SeenPayment is what tells whether a payment that was read is the one that is stored.
type SeenPayment struct {
	InnerHash, OuterHash string
	Units                int64
	Judgement            anchor.Judgement
}

// SeenPayments reads what is stored of an account's payments behind position `after`, up to and including `upTo`.
func (tx *Tx) SeenPayments(ctx context.Context, chain, account string, after, upTo int64) (map[PaymentKey]SeenPayment, error) {
	rows, err := tx.q.SeenPayments(ctx, sqlgen.SeenPaymentsParams{
		Chain: chain, Account: account, AfterPosition: after, UpToPosition: upTo,
	})
	if err != nil {
		return nil, fmt.Errorf("payments of %s seen before: %w", account, err)
	}
	seen := make(map[PaymentKey]SeenPayment, len(rows))
	for _, r := range rows {
		seen[PaymentKey{r.OperationID, r.Idx}] = SeenPayment{r.InnerHash, r.OuterHash, r.AmountUnits, r.Judgement}
	}
	return seen, nil
}

// InsertPayments stores payments as they were judged, under their ids or new ones. One that is stored already makes it
// ErrStale: ask SeenPayments first.
func (tx *Tx) InsertPayments(ctx context.Context, payments []Payment) error {
	if len(payments) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	n, err := tx.setwise(ctx, insertPayments(), len(payments), []any{now}, func(i int) []any {
		p := &payments[i]
		if p.ID == "" {
			p.ID = NewID()
		}
		p.Version, p.CreatedUs, p.UpdatedUs = 1, now, now
		return []any{
			p.ID, p.Chain, p.Account, p.OperationID, p.Idx, p.Kind, p.InnerHash, p.OuterHash, p.Ledger, p.ClosedUs, p.FromAccount,
			p.FromMuxedID, p.ToMuxedID, p.AssetCode, p.AssetIssuer, p.AmountUnits, p.MemoType, p.Memo, string(p.Judgement),
			string(p.State), p.TransactionID, p.Reason, p.Raw,
		}
	})
	if err := exactly(len(payments), n, err); err != nil {
		return fmt.Errorf("insert payments: %w", err)
	}
	return nil
}

// insertPayments: another row under the same key is met by the caller, never overwritten.
func insertPayments() statement {
	return statement{
		head: `INSERT INTO payments (id, chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, from_account,
		from_muxed_id, to_muxed_id, asset_code, asset_issuer, amount_units, memo_type, memo, judgement, state, transaction_id, reason, raw,
		version, created_us, updated_us) VALUES `,
		row:  "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, $1, $1)",
		tail: " ON CONFLICT (chain, account, operation_id, idx) DO NOTHING",
	}
}

// PaymentFilter says which payments an operator wants to see.
type PaymentFilter struct {
	Open                   bool                // only those that wait for a decision, oldest first; else all, newest first
	State                  anchor.PaymentState // empty: any; of no effect with Open
	Account                string              // the receiving account; empty: any
	AssetCode, AssetIssuer string              // each empty: any
	After                  Payment             // the last one of the page before; its zero value: from the beginning
	Limit                  int                 // at most; 0: 100
}

// Payments lists payments for operators.
func (db *DB) Payments(ctx context.Context, f PaymentFilter) ([]Payment, error) {
	most := int32(100)
	if f.Limit > 0 {
		most = int32(min(f.Limit, 10_000))
	}
	var rows []sqlgen.Payment
	var err error
	if f.Open {
		rows, err = db.q.ListOpenPayments(ctx, sqlgen.ListOpenPaymentsParams{
			AfterUs: f.After.CreatedUs, AfterID: f.After.ID, Account: f.Account, AssetCode: f.AssetCode, AssetIssuer: f.AssetIssuer, Most: most,
		})
	} else {
		rows, err = db.q.ListPayments(ctx, sqlgen.ListPaymentsParams{
			Before: f.After.ID, State: string(f.State), Account: f.Account, AssetCode: f.AssetCode, AssetIssuer: f.AssetIssuer, Most: most,
		})
	}
	return payments(rows, err, "list payments")
}

// PaymentByID reads one payment.
func (db *DB) PaymentByID(ctx context.Context, id string) (Payment, error) {
	row, err := db.q.PaymentByID(ctx, id)
	return found(Payment{row}, err, "payment %s", id)
}

// PaymentsOf lists the payments of a transaction, credited to it or not, in the order of the ledger.
func (db *DB) PaymentsOf(ctx context.Context, transactionID string) ([]Payment, error) {
	rows, err := db.q.PaymentsOfTransaction(ctx, sql.NullString{String: transactionID, Valid: true})
	return payments(rows, err, "payments of transaction "+transactionID)
}

// OpenPayments counts the payments that wait for a decision, by what they were judged to be.
func (db *DB) OpenPayments(ctx context.Context) (map[anchor.Judgement]int64, error) {
	rows, err := db.q.CountOpenPayments(ctx)
	if err != nil {
		return nil, fmt.Errorf("count open payments: %w", err)
	}
	counts := make(map[anchor.Judgement]int64, len(rows))
	for _, r := range rows {
		counts[r.Judgement] = r.Number
	}
	return counts, nil
}

func payments(rows []sqlgen.Payment, err error, what string) ([]Payment, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list := make([]Payment, len(rows))
	for i, row := range rows {
		list[i] = Payment{row}
	}
	return list, nil
}
