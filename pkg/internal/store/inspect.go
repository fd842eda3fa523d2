package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// SubjectQuote and SubjectMovement are what somebody may ask about besides what has events: a quote, and a movement out of a
// receiving account that no refund of ours explains.
const (
	SubjectQuote    SubjectKind = "quote"
	SubjectMovement SubjectKind = "movement"
)

// Subject names something that somebody may ask about. The id of a movement is the inner hash of its Stellar transaction.
type Subject struct {
	Kind SubjectKind
	ID   string
}

// mostFound bounds what one look-up answers: whoever asks for more has asked for something else.
const mostFound = 50

// SubjectsOfID looks for an id of ours: of a transaction, payment, payout, refund, quote or customer, or the key of an attempt
// at a payout.
func (db *DB) SubjectsOfID(ctx context.Context, id string) ([]Subject, error) {
	rows, err := db.q.InspectSubjectsOfID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look for the id: %w", err)
	}
	list := make([]Subject, len(rows))
	for i, row := range rows {
		list[i] = Subject{SubjectKind(row.Kind), row.ID}
	}
	return list, nil
}

// SubjectsOfHash looks for what a Stellar transaction did here, by its hash in lower hex: payments that it brought, refunds
// that it carried, and movements out that are no refund.
func (db *DB) SubjectsOfHash(ctx context.Context, hash string) ([]Subject, error) {
	rows, err := db.q.InspectSubjectsOfHash(ctx, sqlgen.InspectSubjectsOfHashParams{Hash: hash, Most: mostFound})
	if err != nil {
		return nil, fmt.Errorf("look for the hash: %w", err)
	}
	list := make([]Subject, len(rows))
	for i, row := range rows {
		list[i] = Subject{SubjectKind(row.Kind), row.ID}
	}
	return list, nil
}

// SubjectsOfMemo looks for transactions that a memo was given out for and for payments that came with it. The memo is as it
// is stored: see Transaction.Publish. A muxed id counts as a memo of type id.
func (db *DB) SubjectsOfMemo(ctx context.Context, memoType, memo string) ([]Subject, error) {
	transactions, err := db.q.InspectTransactionsOfMemo(ctx, sqlgen.InspectTransactionsOfMemoParams{MemoType: memoType, Memo: memo, Most: mostFound})
	if err != nil {
		return nil, fmt.Errorf("look for the memo: %w", err)
	}
	payments, err := db.q.InspectPaymentsOfMemo(ctx, sqlgen.InspectPaymentsOfMemoParams{MemoType: memoType, Memo: memo, Most: mostFound})
	if err != nil {
		return nil, fmt.Errorf("look for payments with the memo: %w", err)
	}
	var list []Subject
	for _, id := range transactions {
		list = append(list, Subject{SubjectTransaction, id})
	}
	for _, id := range payments {
		list = append(list, Subject{SubjectPayment, id})
	}
	return list, nil
}

// CustomerEvenDeleted reads a customer whoever it belongs to, hidden or not: for operators.
func (db *DB) CustomerEvenDeleted(ctx context.Context, id string) (Customer, error) {
	row, err := db.q.InspectCustomer(ctx, id)
	return found(Customer{row}, err, "customer %s", id)
}

// TransactionsOfCustomer lists the ids of the newest transactions in which a customer takes part, newest first.
func (db *DB) TransactionsOfCustomer(ctx context.Context, customerID string) ([]string, error) {
	ids, err := db.q.InspectTransactionsOfCustomer(ctx, sqlgen.InspectTransactionsOfCustomerParams{CustomerID: nullable(customerID), Most: mostFound})
	if err != nil {
		return nil, fmt.Errorf("transactions of customer %s: %w", customerID, err)
	}
	return ids, nil
}

// QuoteByID reads a quote whoever it belongs to: for operators, never for a sending anchor.
func (db *DB) QuoteByID(ctx context.Context, id string) (Quote, error) {
	row, err := db.q.InspectQuote(ctx, id)
	return found(Quote{row}, err, "quote %s", id)
}

// MovementsOfHash lists what the Stellar transaction of that inner hash took out of receiving accounts.
func (db *DB) MovementsOfHash(ctx context.Context, innerHash string) ([]OutgoingMovement, error) {
	rows, err := db.q.InspectMovement(ctx, innerHash)
	if err != nil {
		return nil, fmt.Errorf("movements of %s: %w", innerHash, err)
	}
	return movements(rows), nil
}

// PaymentsLike lists payments that nobody has decided about and that bring exactly what a transaction still waits for, without
// naming it, since it was agreed on.
func (db *DB) PaymentsLike(ctx context.Context, t Transaction) ([]Payment, error) {
	rows, err := db.q.InspectPaymentsLike(ctx, sqlgen.InspectPaymentsLikeParams{
		Account: t.ReceivingAccount, AssetCode: t.AssetCode, AssetIssuer: t.AssetIssuer,
		AmountUnits: t.ExpectedUnits - t.CreditedUnits, SinceUs: t.CreatedUs, Most: mostFound,
	})
	return payments(rows, err, "payments like what transaction "+t.ID+" waits for")
}

// Lease is a row of leases: who does what only one process may do, until when by the database's clock.
type Lease struct{ sqlgen.Lease }

// Leases lists all leases, held, run out or given back.
func (db *DB) Leases(ctx context.Context) ([]Lease, error) {
	rows, err := db.q.InspectLeases(ctx)
	if err != nil {
		return nil, fmt.Errorf("list leases: %w", err)
	}
	list := make([]Lease, len(rows))
	for i, row := range rows {
		list[i] = Lease{row}
	}
	return list, nil
}

// Clock is the time by the database's clock, by which leases run.
func (db *DB) Clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := db.look(ctx, func(_ *sqlgen.Queries, us int64) error {
		now = At(us)
		return nil
	})
	return now, err
}

// Overdue is work that should have been taken up and was not: how much, and since when.
type Overdue struct {
	Number int64
	Oldest time.Time
}

// Backlog is work that nobody has taken up although it was due for longer than a patience.
type Backlog struct {
	Ready             map[string]Overdue // payouts to be sent, by rail; not those that an operator has paused
	ToPrice, UnderWay Overdue            // payouts to be priced, and asked about
	Refunds           Overdue            // to be sent
	Callbacks         Overdue            // to be delivered
}

// BacklogOf counts what was due before that long ago. A process at work takes up what is due at once.
func (db *DB) BacklogOf(ctx context.Context, patience time.Duration) (b Backlog, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		before := now - patience.Microseconds()
		ready, err1 := q.InspectOverdueReady(ctx, before)
		toPrice, err2 := q.InspectOverdueToPrice(ctx, before)
		underWay, err3 := q.InspectOverdueUnderWay(ctx, before)
		refunds, err4 := q.InspectOverdueRefunds(ctx, before)
		callbacks, err5 := q.InspectOverdueCallbacks(ctx, before)
		b = Backlog{
			Ready: map[string]Overdue{}, ToPrice: Overdue{toPrice.Number, At(toPrice.OldestUs)}, UnderWay: Overdue{underWay.Number, At(underWay.OldestUs)}, Refunds: Overdue{refunds.Number, At(refunds.OldestUs)},
			Callbacks: Overdue{callbacks.Number, At(callbacks.OldestUs)},
		}
		for _, row := range ready {
			b.Ready[row.Rail] = Overdue{row.Number, At(row.OldestUs)}
		}
		return errors.Join(err1, err2, err3, err4, err5)
	})
	if err != nil {
		return Backlog{}, fmt.Errorf("what is overdue: %w", err)
	}
	return b, nil
}
