package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// challengeGrace is how long a challenge is remembered past its expiry: hosts whose clocks differ by less agree that it
// was used.
const challengeGrace = time.Hour

// UseChallenge marks a SEP-10 challenge, by the hash of its transaction, as used until it expires, and tells whether this
// was the first time. Of several callers at once, in whatever process, one is told so (SEP-10: one token per challenge).
func (db *DB) UseChallenge(ctx context.Context, hash string, expires time.Time) (first bool, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.q.UseChallenge(ctx, sqlgen.UseChallengeParams{Hash: hash, ExpiresUs: expires.UnixMicro()})
		first = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("use challenge: %w", err)
	}
	return first, nil
}

// PruneChallenges forgets the challenges that nobody can use any more and tells how many there were.
func (db *DB) PruneChallenges(ctx context.Context) (forgotten int64, err error) {
	for {
		var n int64
		err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			n, err = tx.q.PruneChallenges(ctx, sqlgen.PruneChallengesParams{NowUs: now - challengeGrace.Microseconds(), Most: pruneAtOnce})
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("prune challenges: %w", err)
		}
		forgotten += n
		if n < pruneAtOnce {
			return forgotten, nil
		}
	}
}
