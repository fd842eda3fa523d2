package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// challengeGrace is how long a challenge is remembered past its expiry: hosts whose clocks differ by less agree that it
// was used.
const challengeGrace = time.Hour

// useChallenges is in no query file: it takes any number of rows. Of two requests with one challenge at once, the second
// waits here for the first and then writes nothing.
var useChallenges = statement{
	head: "INSERT INTO used_challenges (hash, expires_us) VALUES ",
	row:  "(?, ?)",
	tail: " ON CONFLICT (hash) DO NOTHING RETURNING hash",
}

// UseChallenges marks SEP-10 challenges, by the hashes of their transactions, as used until they expire, and tells of which
// this is the first use. Of several callers at once, in whatever process, one is told so (SEP-10: one token per challenge).
func (db *DB) UseChallenges(ctx context.Context, expires map[string]time.Time) (first map[string]bool, err error) {
	hashes := slices.Sorted(maps.Keys(expires)) // in one order everywhere, so that two never wait for each other
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		first = make(map[string]bool, len(hashes))
		row := func(i int) []any { return []any{hashes[i], expires[hashes[i]].UnixMicro()} }
		return tx.query(ctx, useChallenges, len(hashes), nil, row, func(rows *sql.Rows) error {
			var hash string
			err := rows.Scan(&hash)
			first[hash] = true
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("use challenges: %w", err)
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
