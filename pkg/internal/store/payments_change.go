package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// LockPayment reads a payment so that nobody else changes it before this Tx ends. Transactions are locked before payments.
func (tx *Tx) LockPayment(ctx context.Context, id string) (Payment, error) {
	if err := tx.lockRow(ctx, "payments", id); err != nil {
		return Payment{}, err
	}
	return tx.paymentByID(ctx, id)
}

// LockPaymentAndTransaction locks the transaction that a payment names and then the payment; the transaction is nil where it
// names none.
func (tx *Tx) LockPaymentAndTransaction(ctx context.Context, id string) (Payment, *Transaction, error) {
	return tx.lockPaymentOfRefund(ctx, id)
}

// MovePayment writes what became of a payment, with its event. p is the row as read by this Tx with State and the
// transaction changed; before is the state it was read with. If the row has changed since, the result is ErrStale.
func (tx *Tx) MovePayment(ctx context.Context, p Payment, before anchor.PaymentState, c anchor.Change) (Payment, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Payment{}, err
	}
	err = one(tx.q.UpdatePayment(ctx, sqlgen.UpdatePaymentParams{
		State: p.State, TransactionID: p.TransactionID, NowUs: now, ID: p.ID, Version: p.Version, StateBefore: before,
	}))
	if err != nil {
		return Payment{}, fmt.Errorf("move payment %s to %s: %w", p.ID, p.State, err)
	}
	p.Version, p.UpdatedUs = p.Version+1, now
	return p, tx.event(ctx, SubjectPayment, p.ID, p.Version, string(before), string(p.State), c)
}

// PaymentsToSendBack lists the payments credited to a transaction of which not all is back or on its way, in the order of the
// ledger. One of which a refund was given up is not among them: it is the operator's.
func (tx *Tx) PaymentsToSendBack(ctx context.Context, transactionID string) ([]Payment, error) {
	rows, err := tx.q.PaymentsToSendBack(ctx, nullable(transactionID))
	return payments(rows, err, "payments of transaction "+transactionID+" to send back")
}
