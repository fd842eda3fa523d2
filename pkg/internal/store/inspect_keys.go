package store

import (
	"context"
	"errors"
	"fmt"
)

// TryKeys opens one secret of each kind under each master key of this process, and every seed, and names those that do not
// open, as customers/ID. A key of the right id and the wrong bytes is found that way before anything needs it. What it opens
// it throws away.
func (db *DB) TryKeys(ctx context.Context) (damaged []string, err error) {
	for _, id := range db.keys.IDs() {
		some, err := db.tryKey(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("try master key %q: %w", id, err)
		}
		damaged = append(damaged, some...)
	}
	accounts, err := db.ReceivingAccounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if !a.HasSeed() {
			continue
		}
		if _, err := db.openSeed(a); err != nil && !errors.Is(err, ErrNoKey) {
			damaged = append(damaged, seedBinding(a.Account))
		}
	}
	return damaged, nil
}

func (db *DB) tryKey(ctx context.Context, keyID string) (damaged []string, err error) {
	samples, err := db.samples(ctx, keyID)
	if err != nil {
		return nil, err
	}
	for _, s := range samples {
		if _, err := db.keys.unwrap(keyID, s.sealed, s.bound); err != nil {
			damaged = append(damaged, s.bound)
		}
	}
	return damaged, nil
}

// sample is one secret with what it is sealed for.
type sample struct{ bound, sealed string }

func (db *DB) samples(ctx context.Context, keyID string) ([]sample, error) {
	customers, err := db.q.InspectSampleOfCustomers(ctx, keyID)
	if err != nil {
		return nil, err
	}
	transactions, err := db.q.InspectSampleOfTransactions(ctx, keyID)
	if err != nil {
		return nil, err
	}
	files, err := db.q.InspectSampleOfFiles(ctx, keyID)
	if err != nil {
		return nil, err
	}
	var list []sample
	for _, row := range customers {
		list = append(list, sample{customerBound(row.ID), row.SealedKey})
	}
	for _, row := range transactions {
		list = append(list, sample{transactionBound(row.ID), row.SealedKey})
	}
	for _, row := range files {
		list = append(list, sample{fileBound(row.ID), row.SealedKey})
	}
	return list, nil
}
