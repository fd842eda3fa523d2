package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// HeldRefund says of a transaction that everything it still holds goes back. The transaction must be locked and as this Tx wrote
// it last. The order says who asks and why, and the fee, which is kept once, of the first payment that it fits into; its payment,
// units and destination are not used.
type HeldRefund struct {
	Transaction Transaction
	Order       RefundOrder
}

// RefundCredited is RefundHeld for one transaction, which it locks.
func (tx *Tx) RefundCredited(ctx context.Context, transactionID string, o RefundOrder) ([]Refund, error) {
	t, err := tx.LockTransaction(ctx, transactionID)
	if err != nil {
		return nil, err
	}
	return tx.RefundHeld(ctx, []HeldRefund{{t, o}})
}

// RefundHeld asks for the refund of everything that transactions, each named once, still hold, payment by payment in the order of
// the ledger: what follows when they cannot be paid out at all. It locks their payments in the order of their ids. It is RequestRefund
// for many payments, in a handful of statements: as there, a refund of which nobody is known who could get it is held, and so is
// every one that nobody asked for in a database that is marked as restored.
func (tx *Tx) RefundHeld(ctx context.Context, list []HeldRefund) ([]Refund, error) {
	if len(list) == 0 {
		return nil, nil
	}
	payments, err := tx.lockCredited(ctx, list)
	if err != nil {
		return nil, err
	}
	restored, err := tx.olderCopy(ctx)
	if err != nil {
		return nil, err
	}
	g := givingBack{now: tx.now, restored: restored}
	for _, h := range list {
		if err := g.take(h, payments[h.Transaction.ID]); err != nil {
			return nil, fmt.Errorf("refund what transaction %s holds: %w", h.Transaction.ID, err)
		}
	}
	if err := g.write(ctx, tx); err != nil {
		return nil, fmt.Errorf("refund what %d transactions hold: %w", len(list), err)
	}
	return g.refunds, nil
}

// creditedPayment is a payment with the number of its refunds so far; none of them is ever removed.
type creditedPayment struct {
	Payment
	refunds int64
}

// lockCredited locks the payments that are credited to transactions and reads them in the order of the ledger, by transaction.
func (tx *Tx) lockCredited(ctx context.Context, list []HeldRefund) (map[string][]creditedPayment, error) {
	ids := make([]string, len(list))
	for i, h := range list {
		ids[i] = h.Transaction.ID
	}
	rows, err := readByIDs(ctx, tx, lockCreditedPayments(tx.db.engine), ids, func(p *creditedPayment) []any {
		return append(columnsOf(&p.Payment.Payment), &p.refunds)
	})
	if err != nil {
		return nil, fmt.Errorf("lock the payments credited to %d transactions: %w", len(list), err)
	}
	slices.SortFunc(rows, func(a, b creditedPayment) int {
		return cmp.Or(cmp.Compare(a.OperationID, b.OperationID), cmp.Compare(a.Idx, b.Idx))
	})
	by := map[string][]creditedPayment{}
	for _, p := range rows {
		by[p.TransactionID.String] = append(by[p.TransactionID.String], p)
	}
	return by, nil
}

// lockCreditedPayments: nobody adds a refund to a payment while its transaction is locked. It sorts by an expression, since walking
// all payments in the order of their ids looks cheaper to Postgres than sorting a few while the table is new, and is not.
func lockCreditedPayments(e engine) statement {
	s := statement{
		head: "SELECT p.*, (SELECT COUNT(*) FROM refunds r WHERE r.payment_id = p.id) FROM payments p WHERE p.state = 'credited' AND p.transaction_id IN (",
		row:  "?", tail: ") ORDER BY p.id || ''",
	}
	if e.forUpdate() != "" {
		s.tail += " FOR UPDATE OF p"
	}
	return s
}

// givingBack is everything that one call of RefundHeld writes.
type givingBack struct {
	now      int64
	restored bool
	refunds  []Refund
	payments []Payment // as they are after it, version too
	events   []eventOf
	happened []Happening
}

// take decides what goes back of one transaction.
func (g *givingBack) take(h HeldRefund, payments []creditedPayment) error {
	t, o := h.Transaction, h.Order
	var changes []anchor.Change
	fee := o.FeeUnits
	for _, p := range payments {
		o.Payment, o.FeeUnits, o.Destination, o.DestinationMuxedID = p.Payment, 0, "", ""
		if o.Units = min(p.AmountUnits-p.RefundUnits, t.Held()); o.Units <= 0 {
			continue
		}
		if fee < o.Units {
			o.FeeUnits, fee = fee, 0
		}
		if err := refundable(p.Payment, &t, o); err != nil {
			return fmt.Errorf("%d units of payment %s: %w", o.Units, p.ID, err)
		}
		change := g.giveBack(p, &t, o)
		t.RefundUnits += o.Units
		changes = append(changes, change)
	}
	if len(changes) > 0 {
		g.happened = append(g.happened, Happening{t, changes})
	}
	return nil
}

// giveBack prepares one refund and its payment, and tells what the transaction is told of it.
func (g *givingBack) giveBack(p creditedPayment, t *Transaction, o RefundOrder) anchor.Change {
	r := refundOf(p.Payment, t, o)
	if g.restored && r.Automatic && r.Trouble == "" {
		r.holdForOlderCopy()
	}
	r.ID, r.Number, r.NextUs, r.CreatedUs, r.UpdatedUs = NewID(), p.refunds+1, g.now, g.now, g.now
	change := anchor.Change{Cause: anchor.CauseNoted, Actor: o.Actor, Reason: o.Reason, Detail: refundDetail(r)}
	p.Version, p.RefundUnits = p.Version+1, p.RefundUnits+o.Units
	g.refunds, g.payments = append(g.refunds, r), append(g.payments, p.Payment)
	g.events = append(g.events, r.begins(), eventOf{SubjectPayment, p.ID, p.Version, string(p.State), string(p.State), change})
	return change
}

func (g *givingBack) write(ctx context.Context, tx *Tx) error {
	if len(g.refunds) == 0 {
		return nil
	}
	n, err := tx.setwise(ctx, refundPayments(), len(g.payments), []any{g.now}, func(i int) []any {
		p := g.payments[i]
		return []any{p.ID, p.Version, p.RefundUnits}
	})
	if err := exactly(len(g.payments), n, err); err != nil {
		return fmt.Errorf("%d payments: %w", len(g.payments), err)
	}
	if _, err := tx.setwise(ctx, insertRefunds(), len(g.refunds), []any{g.now}, g.row); err != nil {
		return fmt.Errorf("%d refunds: %w", len(g.refunds), err)
	}
	tx.Wake(TopicRefunds)
	if err := tx.events(ctx, g.events); err != nil {
		return err
	}
	_, err = tx.AdvanceMany(ctx, g.happened)
	return err
}

func (g *givingBack) row(i int) []any {
	r := g.refunds[i]
	return []any{
		r.ID, r.PaymentID, r.Number, r.TransactionID, r.FromHeld, string(r.State), r.Trouble, r.Account, r.Destination,
		r.DestinationMuxedID, r.AssetCode, r.AssetIssuer, r.Units, r.FeeUnits, r.MemoType, r.Memo, r.Automatic, r.Actor, r.Reason,
	}
}

func insertRefunds() statement {
	return statement{
		head: `INSERT INTO refunds (id, payment_id, number, transaction_id, from_held, state, trouble, account, destination,
		destination_muxed_id, asset_code, asset_issuer, units, fee_units, memo_type, memo, automatic, actor, reason, version, next_us,
		created_us, updated_us) VALUES `,
		row: "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, $1, $1, $1)",
	}
}

// refundPayments is guarded by the version, which every change of a payment counts up.
func refundPayments() statement {
	return statement{
		head: "UPDATE payments SET version = v.column2, refund_units = v.column3, updated_us = $1 FROM (VALUES ",
		row:  "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))",
		tail: ") AS v WHERE payments.id = v.column1 AND payments.version = v.column2 - 1",
	}
}
