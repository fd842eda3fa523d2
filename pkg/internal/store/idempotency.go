package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// pruneAtOnce bounds how many keys one statement forgets, so that requests never wait long for it.
const pruneAtOnce = 1000

// Remembered is what was answered to the first request under an idempotency key. It holds no personal data.
type Remembered struct {
	RequestHash string // what that request asked for
	Text        string
}

// RememberAnswer keeps what a request is answered, in the Tx that does what it asked for, for at least lifetime. If the
// owner has used the key before, the result is ErrExists and the Tx must end: the answer that counts is there already.
func (tx *Tx) RememberAnswer(ctx context.Context, owner, key string, a Remembered, lifetime time.Duration) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	n, err := tx.q.RememberAnswer(ctx, sqlgen.RememberAnswerParams{
		Owner: owner, Key: key, RequestHash: a.RequestHash, Answer: a.Text, ExpiresUs: now + lifetime.Microseconds(),
	})
	if err != nil {
		return fmt.Errorf("remember the answer: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("idempotency key: %w", ErrExists)
	}
	return nil
}

// FinishAnswer gives an answer to the request that took a key with an empty one. An answer that is there already stays.
func (tx *Tx) FinishAnswer(ctx context.Context, owner, key string, a Remembered) error {
	err := tx.q.FinishAnswer(ctx, sqlgen.FinishAnswerParams{Answer: a.Text, Owner: owner, Key: key, RequestHash: a.RequestHash})
	if err != nil {
		return fmt.Errorf("finish the answer: %w", err)
	}
	return nil
}

// RememberedAnswer finds what an owner was answered under a key; ErrNotFound if the key is new. A key counts until it is
// pruned, also past its lifetime: as long as it is there, nothing is done twice under it.
func (db *DB) RememberedAnswer(ctx context.Context, owner, key string) (Remembered, error) {
	row, err := db.q.RememberedAnswer(ctx, sqlgen.RememberedAnswerParams{Owner: owner, Key: key})
	return found(Remembered{RequestHash: row.RequestHash, Text: row.Answer}, err, "idempotency key")
}

// PruneIdempotencyKeys forgets the keys whose lifetime is over and tells how many there were.
func (db *DB) PruneIdempotencyKeys(ctx context.Context) (forgotten int64, err error) {
	for {
		var n int64
		err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			n, err = tx.q.PruneAnswers(ctx, sqlgen.PruneAnswersParams{NowUs: now, Most: pruneAtOnce})
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("prune idempotency keys: %w", err)
		}
		forgotten += n
		if n < pruneAtOnce {
			return forgotten, nil
		}
	}
}
