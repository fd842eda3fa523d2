package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// AcquireLease takes or renews the lease of a role for ttl, by the database's clock. The fence grows whenever the lease
// passes to somebody else; writes made under the lease repeat it, so a holder that was asleep can write nothing any more.
func (db *DB) AcquireLease(ctx context.Context, name, owner string, ttl time.Duration) (fence int64, ok bool, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		fence, err = tx.q.TakeLease(ctx, sqlgen.TakeLeaseParams{Name: name, Owner: owner, UntilUs: now + ttl.Microseconds(), NowUs: now})
		if errors.Is(err, sql.ErrNoRows) {
			fence, ok = 0, false
			return nil
		}
		ok = err == nil
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("lease %s: %w", name, err)
	}
	return fence, ok, nil
}

// ReleaseLease gives a lease back at once; one that passed to somebody else is left alone.
func (db *DB) ReleaseLease(ctx context.Context, name, owner string, fence int64) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.q.DropLease(ctx, sqlgen.DropLeaseParams{Name: name, Owner: owner, Fence: fence})
	})
	if err != nil {
		return fmt.Errorf("release lease %s: %w", name, err)
	}
	return nil
}
