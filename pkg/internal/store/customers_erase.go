package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// erasedAtOnce bounds how many transactions lose their sealed data in one Tx, so that other writers never wait long.
const erasedAtOnce = 50

// EraseCustomer destroys what is kept of a deleted customer: the keys of its transactions' sealed data, then its own data
// key, its values and its memo. Nothing happens as long as a transaction may still need them, or while the retention of a
// customer with funded transactions, which counts from its deletion, is not over: erased is false then. It is safe to repeat.
func (db *DB) EraseCustomer(ctx context.Context, id string, retention time.Duration, actor string) (erased bool, err error) {
	for {
		var more bool
		err := db.Tx(ctx, func(ctx context.Context, tx *Tx) (err error) {
			more, erased, err = tx.eraseSome(ctx, id, retention, actor)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("erase customer %s: %w", id, err)
		}
		if !more {
			return erased, nil
		}
	}
}

// eraseSome does a bounded part of the work; the customer's own key goes last, so that what was begun is found again.
func (tx *Tx) eraseSome(ctx context.Context, id string, retention time.Duration, actor string) (more, erased bool, err error) {
	row, err := tx.q.DeletedCustomer(ctx, id)
	c, err := found(Customer{row}, err, "deleted customer %s", id)
	if errors.Is(err, ErrNotFound) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	if c.SealedKey == "" {
		return false, true, nil
	}
	if due, err := tx.erasable(ctx, c, retention); err != nil || !due {
		return false, false, err
	}
	sealed, err := tx.q.SealedTransactionsOfCustomer(ctx, sqlgen.SealedTransactionsOfCustomerParams{CustomerID: nullable(id), Most: erasedAtOnce})
	if err != nil {
		return false, false, err
	}
	for _, transaction := range sealed {
		if err := tx.eraseTransaction(ctx, transaction, actor); err != nil {
			return false, false, err
		}
	}
	if len(sealed) > 0 {
		return true, false, nil
	}
	return false, true, tx.eraseRow(ctx, c, actor)
}

func (tx *Tx) erasable(ctx context.Context, c Customer, retention time.Duration) (bool, error) {
	open, err := tx.q.CountUnsettledTransactionsOfCustomer(ctx, nullable(c.ID))
	if err != nil || open > 0 {
		return false, err
	}
	now, err := tx.Now(ctx)
	if err != nil || now >= c.DeletedUs+retention.Microseconds() {
		return err == nil, err
	}
	funded, err := tx.q.CountFundedTransactionsOfCustomer(ctx, nullable(c.ID))
	return funded == 0, err
}

// eraseTransaction destroys the key of a transaction's fields and of the requests that were frozen for its rail.
func (tx *Tx) eraseTransaction(ctx context.Context, id, actor string) error {
	t, err := tx.LockTransaction(ctx, id)
	if err != nil {
		return err
	}
	t.KeyID, t.SealedKey, t.SealedFields = "", "", ""
	_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "a customer was deleted: its data are erased"})
	return err
}

func (tx *Tx) eraseRow(ctx context.Context, c Customer, actor string) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if err := one(tx.q.EraseCustomer(ctx, sqlgen.EraseCustomerParams{Version: c.Version, NowUs: now, ID: c.ID})); err != nil {
		return err
	}
	if err := tx.q.EraseCustomerFields(ctx, c.ID); err != nil {
		return err
	}
	if err := tx.q.EraseCustomerStatuses(ctx, c.ID); err != nil {
		return err
	}
	return tx.event(ctx, SubjectCustomer, c.ID, c.Version+1, "", "", anchor.Change{Cause: CustomerErased, Actor: actor})
}

// CustomersToErase lists deleted customers of whom something is still kept, by id.
func (db *DB) CustomersToErase(ctx context.Context, after string, limit int) ([]string, error) {
	most := int32(min(max(limit, 1), 10_000))
	ids, err := db.q.CustomersToErase(ctx, sqlgen.CustomersToEraseParams{After: after, Most: most})
	if err != nil {
		return nil, fmt.Errorf("customers to erase: %w", err)
	}
	return ids, nil
}
