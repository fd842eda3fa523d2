package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Entry is what the books say of the money of one transaction, twice: as its row has it, and as the sum of its payments, payouts
// and refunds. Units of 10^-7 of its asset.
type Entry struct {
	ID                       string
	Account                  string
	Asset                    AssetName
	Credited, Payout, Refund int64
	SumOfPayments            int64
	OtherAssets              int // credited payments in another asset than agreed
	SumOfPayouts             int64
	SumOfRefunds             int64
	UnderWay                 int64 // of the payouts and refunds, what has not arrived yet
}

// Held is what is credited and neither paid out nor refunded, by the row.
func (e Entry) Held() int64 { return e.Credited - e.Payout - e.Refund }

// Books reads up to `most` transactions behind the id given, in order, with their sums: all of one moment. The last id is where to
// go on; none come at the end.
func (db *DB) Books(ctx context.Context, after string, most int) ([]Entry, error) {
	tx, err := db.read.BeginTx(ctx, db.engine.snapshot())
	if err != nil {
		return nil, fmt.Errorf("read the books: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	entries, err := books(ctx, db.q.WithTx(tx), after, most)
	if err != nil {
		return nil, fmt.Errorf("read the books behind %q: %w", after, err)
	}
	return entries, nil
}

func books(ctx context.Context, q *sqlgen.Queries, after string, most int) ([]Entry, error) {
	rows, err := q.BooksOfTransactions(ctx, sqlgen.BooksOfTransactionsParams{AfterID: after, Most: int32(min(most, 10_000))})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	entries, at := make([]Entry, len(rows)), make(map[string]*Entry, len(rows))
	for i, r := range rows {
		entries[i] = Entry{
			ID: r.ID, Account: r.ReceivingAccount, Asset: AssetName{r.AssetCode, r.AssetIssuer},
			Credited: r.CreditedUnits, Payout: r.PayoutUnits, Refund: r.RefundUnits,
		}
		at[r.ID] = &entries[i]
	}
	last := rows[len(rows)-1].ID
	return entries, errors.Join(addPayments(ctx, q, after, last, at), addPayouts(ctx, q, after, last, at), addRefunds(ctx, q, after, last, at))
}

func addPayments(ctx context.Context, q *sqlgen.Queries, after, last string, at map[string]*Entry) error {
	rows, err := q.BookedCredits(ctx, sqlgen.BookedCreditsParams{AfterID: text(after), UpToID: text(last)})
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := at[r.TransactionID.String]
		if e == nil {
			continue // of a transaction that came after the page was read
		}
		if (AssetName{r.AssetCode, r.AssetIssuer}) != e.Asset {
			e.OtherAssets++
			continue
		}
		if e.SumOfPayments, err = Add(e.SumOfPayments, r.AmountUnits); err != nil {
			return err
		}
	}
	return nil
}

func addPayouts(ctx context.Context, q *sqlgen.Queries, after, last string, at map[string]*Entry) error {
	rows, err := q.BookedPayouts(ctx, sqlgen.BookedPayoutsParams{AfterID: after, UpToID: last})
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := at[r.TransactionID]
		if e == nil {
			continue
		}
		if e.SumOfPayouts, err = Add(e.SumOfPayouts, r.DebitUnits); err != nil {
			return err
		}
		if r.State == anchor.PayoutDelivered {
			continue
		}
		if e.UnderWay, err = Add(e.UnderWay, r.DebitUnits); err != nil {
			return err
		}
	}
	return nil
}

func addRefunds(ctx context.Context, q *sqlgen.Queries, after, last string, at map[string]*Entry) error {
	rows, err := q.BookedRefunds(ctx, sqlgen.BookedRefundsParams{AfterID: text(after), UpToID: text(last)})
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := at[r.TransactionID.String]
		if e == nil {
			continue
		}
		if e.SumOfRefunds, err = Add(e.SumOfRefunds, r.Units); err != nil {
			return err
		}
		if r.State == anchor.RefundConfirmed {
			continue
		}
		if e.UnderWay, err = Add(e.UnderWay, r.Units); err != nil {
			return err
		}
	}
	return nil
}

func text(value string) sql.NullString { return sql.NullString{String: value, Valid: true} }

// BooksOf reads single transactions as Books does; those that do not exist are left out.
func (db *DB) BooksOf(ctx context.Context, ids []string) ([]Entry, error) {
	const alike = 16 // ids that differ in their last digit only
	var all []Entry
	for _, id := range ids {
		entries, err := db.Books(ctx, shortened(id), alike)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.ID == id {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// shortened sorts before the id given, and behind every id that differs from it earlier than in its last character.
func shortened(id string) string { return id[:max(len(id)-1, 0)] }

// Place names an account and an asset.
type Place struct {
	Account string
	Asset   AssetName
}

// Uncredited adds up what belongs to others although no transaction has it: payments that nobody has decided about, and refunds
// under way of payments that were never credited.
func (db *DB) Uncredited(ctx context.Context) (map[Place]int64, error) {
	payments, err := db.q.UncreditedPayments(ctx)
	if err != nil {
		return nil, fmt.Errorf("payments that nobody has decided about: %w", err)
	}
	refunds, err := db.q.UncreditedRefunds(ctx)
	if err != nil {
		return nil, fmt.Errorf("refunds of what was never credited: %w", err)
	}
	sums := map[Place]int64{}
	add := func(account, code, issuer string, units int64) error {
		place := Place{account, AssetName{code, issuer}}
		sum, err := Add(sums[place], units)
		sums[place] = sum
		return err
	}
	for _, p := range payments {
		if err := add(p.Account, p.AssetCode, p.AssetIssuer, p.AmountUnits); err != nil {
			return nil, err
		}
	}
	for _, r := range refunds {
		if err := add(r.Account, r.AssetCode, r.AssetIssuer, r.Units); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// BooksChecked writes down that the books were found to agree, or not, at the time of this Tx.
func (tx *Tx) BooksChecked(ctx context.Context) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return tx.setMeta(ctx, "books_checked_us", strconv.FormatInt(now, 10))
}

func (tx *Tx) setMeta(ctx context.Context, name, value string) error {
	if err := one(tx.q.SetMeta(ctx, sqlgen.SetMetaParams{Name: name, Value: value})); err != nil {
		return fmt.Errorf("write meta %s: %w", name, err)
	}
	return nil
}
