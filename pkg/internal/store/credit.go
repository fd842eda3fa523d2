package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ErrUnfit means that something cannot be written because of what it is: no repetition will help.
var ErrUnfit = errors.New("unfit to be stored")

// Unfit tells whether err lies in the data rather than in the moment: ErrUnfit, or a refusal of the database to take a value.
func Unfit(err error) bool {
	if errors.Is(err, ErrStale) {
		return false
	}
	if errors.Is(err, ErrUnfit) {
		return true
	}
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok && len(failure.Code) == 5 {
		class := failure.Code[:2]
		return class == "22" || class == "23" // data exception, violated constraint
	}
	if failure, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := failure.Code() & 0xff
		return primary == sqlitelib.SQLITE_CONSTRAINT || primary == sqlitelib.SQLITE_MISMATCH || primary == sqlitelib.SQLITE_TOOBIG
	}
	return false
}

// Memo is a memo as it is stored: id in decimal, hash in lower hex, text in base64 of its bytes.
type Memo struct{ Type, Memo string }

// LockByMemo reads the transactions of a receiving account that were published with one of the memos, so that nobody else
// changes them before this Tx ends. They are locked in the order of their ids, whatever the order of the memos.
func (tx *Tx) LockByMemo(ctx context.Context, account string, memos []Memo) (map[Memo]*Transaction, error) {
	ids, err := tx.idsByMemo(ctx, account, memos)
	if err != nil {
		return nil, fmt.Errorf("transactions of %s by memo: %w", account, err)
	}
	found := make(map[Memo]*Transaction, len(ids))
	err = tx.query(ctx, lockTransactions(tx.db.engine), len(ids), nil, func(i int) []any { return []any{ids[i]} }, func(rows *sql.Rows) error {
		var t sqlgen.Transaction
		if err := scanRow(rows, &t); err != nil {
			return err
		}
		found[Memo{t.MemoType, t.Memo.String}] = &Transaction{t}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock transactions of %s: %w", account, err)
	}
	return found, nil
}

// idsByMemo finds the ids in their order. The memo type is fixed per statement: one index serves each whole.
func (tx *Tx) idsByMemo(ctx context.Context, account string, memos []Memo) ([]string, error) {
	byType := map[string][]string{}
	for _, m := range memos {
		byType[m.Type] = append(byType[m.Type], m.Memo)
	}
	var ids []string
	for memoType, list := range byType {
		slices.Sort(list)
		list = slices.Compact(list)
		err := tx.query(ctx, transactionsByMemo(), len(list), []any{account, memoType}, func(i int) []any { return []any{list[i]} },
			func(rows *sql.Rows) error {
				var id string
				err := rows.Scan(&id)
				ids = append(ids, id)
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func transactionsByMemo() statement {
	return statement{
		head: "SELECT id FROM transactions WHERE receiving_account = $1 AND memo_type = $2 AND memo IN (", row: "?", tail: ")",
	}
}

func lockTransactions(e engine) statement {
	return statement{head: "SELECT * FROM transactions WHERE id IN (", row: "?", tail: ") ORDER BY id" + e.forUpdate()}
}

// Funding is the payment of the whole sum of one transaction.
type Funding struct {
	Transaction Transaction // as locked by this Tx
	Units       int64       // credited by it, 10^-7
	StellarHash string      // of the envelope that brought it (SEP-31 stellar_transaction_id)
	Rail        string      // that will carry the payout; empty: an operator has to see to it
	Change      anchor.Change
}

// Fund credits transactions, each at most once in a call: the units are added, the transaction becomes funded, and a payout
// of all that is held is created, ready or waiting, each with its event and callback. It is CreatePayout and Advance with
// CauseFunded for many transactions at once, in a handful of statements. A transaction whose customers have to give
// something then goes on to pending_customer_info_update.
func (tx *Tx) Fund(ctx context.Context, fundings []Funding) ([]Transaction, error) {
	if len(fundings) == 0 {
		return nil, nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	statuses, err := tx.customerStatuses(ctx, fundings)
	if err != nil {
		return nil, err
	}
	credits := make([]credit, len(fundings))
	for i, f := range fundings {
		if credits[i], err = newCredit(f, statuses, now); err != nil {
			return nil, err
		}
	}
	if err := tx.writeCredits(ctx, credits, now); err != nil {
		return nil, err
	}
	return tx.askForInfo(ctx, credits)
}

// credit is what one funding comes to.
type credit struct {
	before    anchor.Status
	after     Transaction
	payout    Payout
	needsInfo bool
	change    anchor.Change
}

func newCredit(f Funding, statuses customerStatuses, now int64) (credit, error) {
	t := f.Transaction
	c := credit{before: t.Status, change: f.Change}
	c.change.Cause = anchor.CauseFunded
	status, err := anchor.Next(t.Status, t.Funded, anchor.CauseFunded)
	if err != nil {
		return credit{}, fmt.Errorf("fund transaction %s: %w: %w", t.ID, ErrUnfit, err)
	}
	if f.Units <= 0 || t.CreditedUnits > math.MaxInt64-f.Units {
		return credit{}, fmt.Errorf("fund transaction %s with %d units: %w", t.ID, f.Units, ErrUnfit)
	}
	t.CreditedUnits += f.Units
	t.StellarHash = f.StellarHash
	c.payout = firstPayout(t, f.Rail, now)
	t.PayoutUnits += c.payout.DebitUnits
	advanced(&t, status, c.change, now)
	var waits anchor.WaitsFor
	waits, c.needsInfo = statuses.readiness(t)
	if c.payout.Rail == "" || c.payout.AmountUnits == 0 && !t.Unpriced {
		waits = anchor.WaitsForOperator
	}
	if waits != anchor.WaitsForNothing {
		c.payout.State, c.payout.WaitsFor = anchor.PayoutWaiting, waits
	}
	c.after = t
	return c, nil
}

// firstPayout takes all that is held.
func firstPayout(t Transaction, rail string, now int64) Payout {
	return Payout{sqlgen.Payout{
		ID: NewID(), TransactionID: t.ID, Number: 1, Version: 1, State: anchor.PayoutReady, Rail: rail, DebitUnits: t.Held(),
		AmountUnits: t.OutUnits, AmountDecimals: t.OutDecimals, AmountAsset: t.OutAsset, NextUs: now, CreatedUs: now, UpdatedUs: now,
	}}
}

// askForInfo shows the sending anchor that a customer has to give something. Few transactions come here.
func (tx *Tx) askForInfo(ctx context.Context, credits []credit) ([]Transaction, error) {
	list := make([]Transaction, len(credits))
	for i, c := range credits {
		list[i] = c.after
		if !c.needsInfo {
			continue
		}
		var err error
		change := anchor.Change{Cause: anchor.CauseCustomerInfoNeeded, Actor: c.change.Actor, Reason: "a customer has to give information"}
		if list[i], err = tx.Advance(ctx, c.after, change); err != nil {
			return nil, err
		}
	}
	return list, nil
}
