package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// strangerWindow is the time over which a stranger's changes are counted, and for which it keeps its place at least.
const strangerWindow = 24 * time.Hour

// What a stranger has no room for.
var (
	ErrNoPlace       = errors.New("no place for another account without an agreement")
	ErrManyChanges   = errors.New("an account without an agreement has changed too much in a day")
	ErrManyCustomers = errors.New("an account without an agreement has too many customers")
	ErrManyBytes     = errors.New("an account without an agreement keeps too many bytes")
)

// Stranger is an account that the business has no agreement with, and what it may keep here. History is never removed, so
// what may be changed in a day is bounded as well.
type Stranger struct {
	Account   string
	Places    int64 // accounts of strangers altogether
	Changes   int64 // in a day
	Customers int64 // of this account
	Bytes     int64 // of values, as they are stored, and of files that wait for a customer
}

// TakePlace counts a change of a stranger, who takes a place with the first one. Requests of one account follow each other
// from here to the end of this Tx. ErrNoPlace and ErrManyChanges refuse. Places that are taken at the same moment may pass
// the bound by as many: nobody waits for another account.
func (tx *Tx) TakePlace(ctx context.Context, s Stranger) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	changes, err := tx.q.TakePlace(ctx, sqlgen.TakePlaceParams{
		Account: s.Account, NowUs: now, WindowUs: now - strangerWindow.Microseconds(),
	})
	switch {
	case err != nil:
		return fmt.Errorf("place of account %s: %w", s.Account, err)
	case changes > s.Changes:
		return ErrManyChanges
	case changes > 1:
		return nil
	}
	taken, err := tx.q.CountPlaces(ctx)
	if err == nil && taken > s.Places {
		err = ErrNoPlace
	}
	return wrapped(err, "places of accounts without an agreement")
}

// CheckPlace tells whether a stranger keeps more than it may, this Tx's own writes included: ErrManyCustomers, ErrManyBytes.
func (tx *Tx) CheckPlace(ctx context.Context, s Stranger) error {
	customers, err := tx.q.CountCustomersOfAccount(ctx, sqlgen.CountCustomersOfAccountParams{OwnerAccount: s.Account, Most: int32(min(s.Customers, 1e6)) + 1})
	if err != nil {
		return fmt.Errorf("count customers of %s: %w", s.Account, err)
	}
	if customers > s.Customers {
		return ErrManyCustomers
	}
	values, err := tx.q.BytesOfAccount(ctx, s.Account)
	if err != nil {
		return fmt.Errorf("weigh what %s keeps: %w", s.Account, err)
	}
	files, err := tx.q.LooseFilesOfAccount(ctx, s.Account)
	if err != nil {
		return fmt.Errorf("weigh files of %s: %w", s.Account, err)
	}
	if values+files.Bytes > s.Bytes {
		return ErrManyBytes
	}
	return nil
}

// PlaceFor tells early, and without waiting, whether a stranger has a place or there is one left: ErrNoPlace otherwise.
func (db *DB) PlaceFor(ctx context.Context, s Stranger) error {
	has, err := db.q.HasPlace(ctx, s.Account)
	if err != nil || has > 0 {
		return wrapped(err, "place of account %s", s.Account)
	}
	taken, err := db.q.CountPlaces(ctx)
	if err == nil && taken >= s.Places {
		err = ErrNoPlace
	}
	return wrapped(err, "places of accounts without an agreement")
}

// LeavePlace frees the place of an account that is no stranger any more.
func (tx *Tx) LeavePlace(ctx context.Context, account string) error {
	return wrapped(tx.q.LeavePlace(ctx, account), "place of account %s", account)
}

// PrunePlaces frees the places of strangers who keep nothing here any more and have changed nothing for a day, and tells how
// many they were.
func (db *DB) PrunePlaces(ctx context.Context) (n int64, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		n, err = tx.q.PrunePlaces(ctx, now-strangerWindow.Microseconds())
		return err
	})
	return n, wrapped(err, "prune places")
}
