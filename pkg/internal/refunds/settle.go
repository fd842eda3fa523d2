package refunds

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// evidence is what the network was asked besides what the watcher has stored; its zero value says nothing.
type evidence struct {
	ledger int64  // that took the envelope as failed; 0: none that is known
	why    string // it failed
	absent bool   // nobody knows of it, asked after its time
	landed int64  // that the network says it is in; a veto, and no proof
}

// margin is by how much the ledger that an account was read through must have closed later than an envelope could land. By
// then those have caught up, too, who answer in the name of one address and are not equally far.
const margin = 10 * time.Second

// settle writes what became of an envelope where the ledger tells: it has landed when the watcher has stored its movement,
// and is dead when the account was read through a ledger that closed after its bound, or through the one that took it as
// failed, without such a movement. Nothing else is proof; that somebody knows it to have landed is a veto. It tells whether
// anything was written.
func (s *Service) settle(ctx context.Context, a store.RefundAttempt, e evidence) (settled bool, err error) {
	var told store.Refund
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		settled = false
		l, err := tx.LockRefund(ctx, a.RefundID)
		if err != nil {
			return err
		}
		now, flying, err := tx.RefundInFlight(ctx, a.Account)
		if err != nil || !flying || now.InnerHash != a.InnerHash || l.Refund.State != anchor.RefundSending {
			return err
		}
		if told, settled, err = s.settleLocked(ctx, tx, l, now, e); err != nil || !settled {
			return err
		}
		return s.point("settling")
	})
	if err != nil {
		return false, fmt.Errorf("settle refund %s: %w", a.RefundID, err)
	}
	if !settled && told.Trouble != "" {
		s.tell(ctx, a.Account, told.Trouble, false)
	}
	if settled {
		level := slog.LevelWarn
		if told.State == anchor.RefundConfirmed {
			level = slog.LevelInfo
		}
		s.log.Log(ctx, level, "refund settled", "refund", told.ID, "account", told.Account, "state", told.State, "stellar_hash", a.InnerHash, "trouble", told.Trouble)
	}
	return settled, s.point("settled")
}

func (s *Service) settleLocked(ctx context.Context, tx *store.Tx, l store.LockedRefund, a store.RefundAttempt, e evidence) (store.Refund, bool, error) {
	// The cursor is read first: what it passed was stored with it or before it, so that a movement which is not found then
	// is not there. The other way round one could be stored in between.
	cursor, err := tx.CursorOf(ctx, a.Account)
	if err != nil {
		return store.Refund{}, false, err
	}
	movement, landed, err := tx.MovementOfHash(ctx, a.InnerHash)
	if err != nil {
		return store.Refund{}, false, err
	}
	switch {
	case landed:
		err = tx.ConfirmRefund(ctx, l, a, movement, actor)
		l.Refund.State = anchor.RefundConfirmed
		return l.Refund, err == nil, err
	case e.ledger > 0 && cursor.ThroughLedger >= e.ledger:
		return s.failed(ctx, tx, l.Refund, a, e)
	case e.absent && outlived(cursor, a):
		return s.ranOut(ctx, tx, l.Refund, a)
	case e.landed > 0 && cursor.ThroughLedger >= e.landed:
		r, err := missed(ctx, tx, l.Refund, e)
		return r, false, err
	}
	return store.Refund{}, false, nil
}

// missed says on a refund that its envelope is in a ledger which was read without it, by what the network says. Nothing else would ever
// end its waiting: only what the watcher has stored is proof.
func missed(ctx context.Context, tx *store.Tx, r store.Refund, e evidence) (store.Refund, error) {
	r.Trouble = fmt.Sprintf("the network has its envelope in ledger %d, which was read without it: run 'anchor watch-transactions --from %d --to %d'",
		e.landed, e.landed, e.landed)
	return r, tx.NoteSendingRefund(ctx, r.ID, r.Trouble)
}

// outlived tells whether the account was read past the time in which an envelope could land.
func outlived(seen store.Cursor, a store.RefundAttempt) bool {
	return seen.ThroughClosedUs > a.MaxTimeUs+margin.Microseconds()
}

// failed is what follows when the ledger took an envelope as failed: an operator has to look.
func (s *Service) failed(ctx context.Context, tx *store.Tx, r store.Refund, a store.RefundAttempt, e evidence) (store.Refund, bool, error) {
	if err := tx.EndRefundAttempt(ctx, a, anchor.RefundAttemptDead, e.why); err != nil {
		return store.Refund{}, false, err
	}
	r, err := tx.HoldRefund(ctx, r, actor, e.why)
	return r, err == nil, err
}

// ranOut is what follows when the time of an envelope has passed without it: another one may be made.
func (s *Service) ranOut(ctx context.Context, tx *store.Tx, r store.Refund, a store.RefundAttempt) (store.Refund, bool, error) {
	why := fmt.Sprintf("envelope %d ran out and is not in the ledger", a.Number)
	if a.Result != "" {
		why += "; the network had said: " + a.Result
	}
	if err := tx.EndRefundAttempt(ctx, a, anchor.RefundAttemptDead, a.Result); err != nil {
		return store.Refund{}, false, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return store.Refund{}, false, err
	}
	before := r.State
	r.State, r.Trouble, r.NextUs = anchor.RefundReady, why, now+s.paced(s.retryAfter(r.Tries)).Microseconds()
	r.Tries++
	r, err = tx.MoveRefund(ctx, r, before, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: why})
	return r, err == nil, err
}

// retryAfter doubles with every envelope that ran out.
func (s *Service) retryAfter(tries int64) time.Duration {
	wait := s.RetryWait
	for range min(tries, 32) {
		if wait >= s.RetryMax {
			break
		}
		wait *= 2
	}
	return min(wait, s.RetryMax)
}
