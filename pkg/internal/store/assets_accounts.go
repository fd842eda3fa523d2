package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ReceivingAccount is a row of receiving_accounts: an account whose payments are watched, from FromLedger on. Accounts are
// added and never removed.
type ReceivingAccount struct{ sqlgen.ReceivingAccount }

// HasSeed tells whether a seed that can sign for the account is kept.
func (a ReceivingAccount) HasSeed() bool { return a.SealedSeed != "" }

// signerSealed is the signer of an account whose seed is kept here.
const signerSealed = "sealed"

// ReceivingAccounts lists the watched accounts in the order in which they were added.
func (db *DB) ReceivingAccounts(ctx context.Context) ([]ReceivingAccount, error) {
	rows, err := db.q.ListReceivingAccounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list receiving accounts: %w", err)
	}
	list := make([]ReceivingAccount, len(rows))
	for i, row := range rows {
		list[i] = ReceivingAccount{row}
	}
	return list, nil
}

// ReceivingAccount reads one watched account.
func (db *DB) ReceivingAccount(ctx context.Context, account string) (ReceivingAccount, error) {
	row, err := db.q.ReceivingAccount(ctx, account)
	return found(ReceivingAccount{row}, err, "receiving account %s", account)
}

// Seed opens the seed that signs for a receiving account; ErrNotFound if none is kept.
func (db *DB) Seed(ctx context.Context, account string) (string, error) {
	a, err := db.ReceivingAccount(ctx, account)
	if err != nil {
		return "", err
	}
	return db.openSeed(a)
}

// ReceivingAccount reads one watched account inside this Tx.
func (tx *Tx) ReceivingAccount(ctx context.Context, account string) (ReceivingAccount, error) {
	row, err := tx.q.ReceivingAccount(ctx, account)
	return found(ReceivingAccount{row}, err, "receiving account %s", account)
}

// OpenSeed opens the seed that an account as read by this Tx has; ErrNotFound if none is kept.
func (tx *Tx) OpenSeed(a ReceivingAccount) (string, error) { return tx.db.openSeed(a) }

// AddReceivingAccount has an account watched from a ledger on. One that is watched already stays as it is.
func (tx *Tx) AddReceivingAccount(ctx context.Context, account string, fromLedger int64) (ReceivingAccount, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return ReceivingAccount{}, err
	}
	_, err = tx.q.InsertReceivingAccount(ctx, sqlgen.InsertReceivingAccountParams{Account: account, FromLedger: fromLedger, NowUs: now})
	if err != nil {
		return ReceivingAccount{}, fmt.Errorf("add receiving account %s: %w", account, err)
	}
	return tx.ReceivingAccount(ctx, account)
}

// KeepSeed seals the seed that signs for a receiving account, in place of the one that was kept before; changed is false
// where that is the same.
func (tx *Tx) KeepSeed(ctx context.Context, a ReceivingAccount, seed string) (changed bool, err error) {
	if a.HasSeed() {
		kept, err := tx.db.openSeed(a)
		if err != nil {
			return false, err
		}
		if kept == seed {
			return false, nil
		}
	}
	keyID, sealed, err := tx.db.keys.wrap([]byte(seed), seedBinding(a.Account))
	if err != nil {
		return false, fmt.Errorf("seal the seed of %s: %w", a.Account, err)
	}
	err = one(tx.q.UpdateSeed(ctx, sqlgen.UpdateSeedParams{
		Signer: signerSealed, SealedSeed: keyID + ":" + sealed, Account: a.Account, SealedSeedBefore: a.SealedSeed,
	}))
	if err != nil {
		return false, fmt.Errorf("keep the seed of %s: %w", a.Account, err)
	}
	return true, nil
}

func (db *DB) openSeed(a ReceivingAccount) (string, error) {
	if !a.HasSeed() {
		return "", fmt.Errorf("seed of %s: %w", a.Account, ErrNotFound)
	}
	at := strings.LastIndexByte(a.SealedSeed, ':') // what is sealed holds none, an id might
	if at < 0 {
		return "", fmt.Errorf("seed of %s is damaged", a.Account)
	}
	seed, err := db.keys.unwrap(a.SealedSeed[:at], a.SealedSeed[at+1:], seedBinding(a.Account))
	if err != nil {
		return "", fmt.Errorf("seed of %s: %w", a.Account, err)
	}
	return string(seed), nil
}

func seedBinding(account string) string { return "receiving_accounts/" + account }
