package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ErrNotRefundable means that a refund asks for more than there is, or for what cannot go back: no repetition will help.
var ErrNotRefundable = fmt.Errorf("cannot be refunded: %w", ErrUnfit)

// Refund is a row of refunds: money of one payment that goes back on the network. Units are of the payment (10^-7); what is
// sent is Units - FeeUnits.
type Refund struct{ sqlgen.Refund }

// SentUnits is what the destination gets, in 10^-7.
func (r Refund) SentUnits() int64 { return r.Units - r.FeeUnits }

// RefundOrder asks for a refund. Of Payment only the ID matters: the row is read anew, under its lock.
type RefundOrder struct {
	Payment         Payment
	Units, FeeUnits int64 // of the payment, 10^-7; the fee is kept of it and less than it
	Automatic       bool  // asked for by a policy or a rail, not by an operator
	Actor, Reason   string
	// Destination is a G… account; empty: who paid. DestinationMuxedID is its muxed number in decimal, or empty.
	Destination, DestinationMuxedID string
}

// RequestRefund stores a refund that was asked for and takes its units from its payment and, where that was credited, from
// what its transaction holds. It locks the transaction that the payment names and then the payment, and it changes the
// transaction's row: whoever holds that row of before must read it again before advancing it. The payment becomes refunding
// unless it is credited. Where nobody is known who could get the money (a mint, a contract), the refund is held with the
// reason; so is one that nobody asked for while the database is marked as restored: what it refunds may have been agreed and
// paid out after the copy was taken. ErrNotRefundable where the payment or its transaction has not as much left, or the payment
// is refunded or ignored.
func (tx *Tx) RequestRefund(ctx context.Context, o RefundOrder) (Refund, error) {
	p, t, err := tx.lockPaymentOfRefund(ctx, o.Payment.ID)
	if err != nil {
		return Refund{}, err
	}
	if err := refundable(p, t, o); err != nil {
		return Refund{}, fmt.Errorf("refund of %d units of payment %s: %w", o.Units, p.ID, err)
	}
	r := refundOf(p, t, o)
	if err := tx.holdInOlderCopy(ctx, &r); err != nil {
		return Refund{}, err
	}
	if r.Number, err = tx.nextRefundNumber(ctx, p.ID); err != nil {
		return Refund{}, err
	}
	if err := tx.insertRefund(ctx, &r); err != nil {
		return Refund{}, err
	}
	change := anchor.Change{Cause: anchor.CauseNoted, Actor: o.Actor, Reason: o.Reason, Detail: refundDetail(r)}
	before := p.State
	p.RefundUnits += o.Units
	if before == anchor.PaymentOpen {
		p.State = anchor.PaymentRefunding
	}
	if err := tx.movePaymentRefunds(ctx, p, before, change); err != nil {
		return Refund{}, err
	}
	if !r.FromHeld {
		return r, nil
	}
	t.RefundUnits += o.Units
	_, err = tx.Advance(ctx, *t, change)
	return r, err
}

// lockPaymentOfRefund locks the transaction that a payment names and then the payment; t is nil where it names none.
func (tx *Tx) lockPaymentOfRefund(ctx context.Context, paymentID string) (p Payment, t *Transaction, err error) {
	first, err := tx.paymentByID(ctx, paymentID)
	if err != nil {
		return Payment{}, nil, err
	}
	if first.TransactionID.Valid {
		locked, err := tx.LockTransaction(ctx, first.TransactionID.String)
		if err != nil {
			return Payment{}, nil, err
		}
		t = &locked
	}
	if err := tx.lockRow(ctx, "payments", paymentID); err != nil {
		return Payment{}, nil, err
	}
	if p, err = tx.paymentByID(ctx, paymentID); err != nil {
		return Payment{}, nil, err
	}
	if p.TransactionID != first.TransactionID {
		return Payment{}, nil, fmt.Errorf("payment %s now belongs to another transaction: %w", paymentID, ErrStale)
	}
	return p, t, nil
}

func (tx *Tx) paymentByID(ctx context.Context, id string) (Payment, error) {
	row, err := tx.q.PaymentByID(ctx, id)
	return found(Payment{row}, err, "payment %s", id)
}

// lockRow locks a row by its id where the engine locks rows; table is one of ours, never a text from outside.
func (tx *Tx) lockRow(ctx context.Context, table, id string) error {
	if tx.db.engine.forUpdate() == "" {
		return nil
	}
	if _, err := tx.tx.ExecContext(ctx, "SELECT 1 FROM "+table+" WHERE id = $1 FOR UPDATE", id); err != nil {
		return fmt.Errorf("lock %s %s: %w", table, id, err)
	}
	return nil
}

func refundable(p Payment, t *Transaction, o RefundOrder) error {
	left := p.AmountUnits - p.RefundUnits
	switch {
	case p.State == anchor.PaymentRefunded || p.State == anchor.PaymentIgnored:
		return fmt.Errorf("the payment is %s: %w", p.State, ErrNotRefundable)
	case o.Units <= 0 || o.FeeUnits < 0 || o.FeeUnits >= o.Units:
		return fmt.Errorf("a fee of %d units does not fit: %w", o.FeeUnits, ErrNotRefundable)
	case o.Units > left:
		return fmt.Errorf("the payment has %d units left: %w", left, ErrNotRefundable)
	case o.DestinationMuxedID != "" && o.Destination == "":
		return fmt.Errorf("a muxed number without an account: %w", ErrNotRefundable)
	case p.State == anchor.PaymentCredited && (t == nil || o.Units > t.Held()):
		return fmt.Errorf("its transaction does not hold as much: %w", ErrNotRefundable)
	}
	return nil
}

// refundOf is the row of a refund that was asked for, without id and number.
func refundOf(p Payment, t *Transaction, o RefundOrder) Refund {
	var r Refund
	r.PaymentID, r.TransactionID, r.FromHeld = p.ID, p.TransactionID, p.State == anchor.PaymentCredited
	r.Version, r.State, r.Account = 1, anchor.RefundReady, p.Account
	r.Destination, r.DestinationMuxedID = o.Destination, o.DestinationMuxedID
	if o.Destination == "" {
		r.Destination, r.DestinationMuxedID = p.FromAccount, p.FromMuxedID
	}
	r.AssetCode, r.AssetIssuer, r.Units, r.FeeUnits = p.AssetCode, p.AssetIssuer, o.Units, o.FeeUnits
	r.MemoType, r.Memo = refundMemo(p, t)
	r.Automatic, r.Actor, r.Reason = o.Automatic, o.Actor, o.Reason
	if r.Trouble = unaddressable(r); r.Trouble != "" {
		r.State = anchor.RefundHeld
	}
	return r
}

// refundMemo is the memo that the sending anchor asked for, else that of the payment, kind and all (SEP-31 refund_memo).
func refundMemo(p Payment, t *Transaction) (kind, memo string) {
	if t != nil && t.RefundMemoType != "" {
		return t.RefundMemoType, t.RefundMemo
	}
	if p.MemoType == "none" {
		return "", ""
	}
	return p.MemoType, p.Memo
}

// unaddressable is why nothing can be sent to the destination of a refund whatever the network says; empty: it can.
func unaddressable(r Refund) string {
	switch {
	case r.Destination == "":
		return "nobody is named as the payer: say where it goes to"
	case r.Destination[0] != 'G':
		return "a contract paid: say where it goes to"
	case r.Destination == r.Account:
		return "the destination is the receiving account itself"
	}
	return ""
}

// holdInOlderCopy holds what goes back by itself as long as the world may know more of its payment than this database does.
func (tx *Tx) holdInOlderCopy(ctx context.Context, r *Refund) error {
	if !r.Automatic || r.Trouble != "" {
		return nil
	}
	restored, err := tx.olderCopy(ctx)
	if restored {
		r.holdForOlderCopy()
	}
	return err
}

func (r *Refund) holdForOlderCopy() {
	r.State, r.Trouble = anchor.RefundHeld, "it was asked for while this database was restored from an older copy: what was paid for may have been "+
		"agreed and paid out since that copy was taken; look before it is released"
}

func (tx *Tx) olderCopy(ctx context.Context) (restored bool, err error) {
	mark, err := tx.q.RestoredMark(ctx)
	if err != nil {
		return false, fmt.Errorf("whether the database was restored: %w", err)
	}
	return mark != "", nil
}

func (tx *Tx) nextRefundNumber(ctx context.Context, paymentID string) (int64, error) {
	rows, err := tx.q.RefundsOfPayment(ctx, paymentID)
	if err != nil {
		return 0, fmt.Errorf("refunds of payment %s: %w", paymentID, err)
	}
	return int64(len(rows)) + 1, nil // none is ever removed
}

func (tx *Tx) insertRefund(ctx context.Context, r *Refund) error {
	r.ID, r.NextUs, r.CreatedUs, r.UpdatedUs = NewID(), tx.now, tx.now, tx.now
	err := tx.q.InsertRefund(ctx, sqlgen.InsertRefundParams{
		ID: r.ID, PaymentID: r.PaymentID, Number: r.Number, TransactionID: r.TransactionID, FromHeld: r.FromHeld, State: r.State,
		Trouble: r.Trouble, Account: r.Account, Destination: r.Destination, DestinationMuxedID: r.DestinationMuxedID,
		AssetCode: r.AssetCode, AssetIssuer: r.AssetIssuer, Units: r.Units, FeeUnits: r.FeeUnits, MemoType: r.MemoType, Memo: r.Memo,
		Automatic: r.Automatic, Actor: r.Actor, Reason: r.Reason, NowUs: tx.now,
	})
	if err != nil {
		return fmt.Errorf("insert refund %d of payment %s: %w", r.Number, r.PaymentID, err)
	}
	tx.Wake(TopicRefunds)
	return tx.events(ctx, []eventOf{r.begins()})
}

// begins is the first line of the refund's history.
func (r *Refund) begins() eventOf {
	reason := r.Reason
	if r.Trouble != "" {
		reason += "; held: " + r.Trouble
	}
	return eventOf{SubjectRefund, r.ID, 1, "", string(r.State), anchor.Change{Cause: anchor.CauseCreated, Actor: r.Actor, Reason: reason}}
}

func (tx *Tx) movePaymentRefunds(ctx context.Context, p Payment, before anchor.PaymentState, c anchor.Change) error {
	err := one(tx.q.UpdatePaymentRefunds(ctx, sqlgen.UpdatePaymentRefundsParams{
		State: p.State, RefundUnits: p.RefundUnits, NowUs: tx.now, ID: p.ID, Version: p.Version, StateBefore: before,
	}))
	if err != nil {
		return fmt.Errorf("move payment %s to %s: %w", p.ID, p.State, err)
	}
	return tx.event(ctx, SubjectPayment, p.ID, p.Version+1, string(before), string(p.State), c)
}

func refundDetail(r Refund) string {
	return fmt.Sprintf(`{"refund":%q,"units":%d,"fee_units":%d}`, r.ID, r.Units, r.FeeUnits)
}

// RefundByID reads one refund.
func (db *DB) RefundByID(ctx context.Context, id string) (Refund, error) {
	row, err := db.q.RefundByID(ctx, id)
	return found(Refund{row}, err, "refund %s", id)
}

// RefundFilter says which refunds an operator wants to see; empty fields are off.
type RefundFilter struct {
	State                    anchor.RefundState
	TransactionID, PaymentID string
	Before                   string // the last id of the page before
	Limit                    int    // at most; 0: 100
}

// Refunds lists refunds for operators, newest first.
func (db *DB) Refunds(ctx context.Context, f RefundFilter) ([]Refund, error) {
	most := int32(100)
	if f.Limit > 0 {
		most = int32(min(f.Limit, 10_000))
	}
	rows, err := db.q.ListRefunds(ctx, sqlgen.ListRefundsParams{
		Before: f.Before, State: string(f.State), TransactionID: f.TransactionID, PaymentID: f.PaymentID, Most: most,
	})
	return refunds(rows, err, "list refunds")
}

// RefundsOf lists the refunds of the payments of a transaction, oldest first.
func (db *DB) RefundsOf(ctx context.Context, transactionID string) ([]Refund, error) {
	rows, err := db.q.RefundsOfTransaction(ctx, sql.NullString{String: transactionID, Valid: true})
	return refunds(rows, err, "refunds of transaction "+transactionID)
}

// RefundCounts counts the refunds that are not over, by state; a state without any is missing.
func (db *DB) RefundCounts(ctx context.Context) (map[anchor.RefundState]int64, error) {
	rows, err := db.q.CountRefunds(ctx)
	if err != nil {
		return nil, fmt.Errorf("count refunds: %w", err)
	}
	counts := make(map[anchor.RefundState]int64, len(rows))
	for _, r := range rows {
		if r.Number > 0 {
			counts[anchor.RefundState(r.State)] = r.Number
		}
	}
	return counts, nil
}

func refunds(rows []sqlgen.Refund, err error, what string) ([]Refund, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list := make([]Refund, len(rows))
	for i, row := range rows {
		list[i] = Refund{row}
	}
	return slices.Clip(list), nil
}

// none turns ErrNotFound into ok = false.
func none[T any](row T, err error) (T, bool, error) {
	if errors.Is(err, ErrNotFound) {
		return row, false, nil
	}
	return row, err == nil, err
}
