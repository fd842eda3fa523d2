package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// RefundAttempt is a row of refund_attempts: one signed envelope of a refund, with the fee bumps around it.
type RefundAttempt struct{ sqlgen.RefundAttempt }

// Newest is the envelope to submit: the newest fee bump, else the envelope itself.
func (a RefundAttempt) Newest() string {
	if a.OuterEnvelope != "" {
		return a.OuterEnvelope
	}
	return a.Envelope
}

// AccountsWithRefunds lists the receiving accounts with an envelope in flight, or with a refund that is due while not all of them are kept
// waiting.
func (db *DB) AccountsWithRefunds(ctx context.Context) (accounts []string, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		accounts, err = q.AccountsWithRefunds(ctx, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accounts with refunds: %w", err)
	}
	return accounts, nil
}

// RefundDueIn tells how long it is until a refund or an envelope is to be looked at; ok is false where there is none.
func (db *DB) RefundDueIn(ctx context.Context) (wait time.Duration, ok bool, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		due, err := q.NextRefundUs(ctx)
		wait, ok = max(time.Duration(due-now)*time.Microsecond, 0), due > 0
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("when the next refund is due: %w", err)
	}
	return wait, ok, nil
}

// DueRefund reads the refund of an account that is due the longest, those first that operators asked for: nobody who pays can queue
// anything before them. ok is false if there is none, or all refunds of the account are kept waiting.
func (tx *Tx) DueRefund(ctx context.Context, account string) (r Refund, ok bool, err error) {
	waits, err := tx.q.AccountWaits(ctx, sqlgen.AccountWaitsParams{Account: account, NowUs: tx.now})
	if err != nil {
		return Refund{}, false, fmt.Errorf("whether the refunds of %s wait: %w", account, err)
	}
	if waits {
		return Refund{}, false, nil
	}
	for _, automatic := range []bool{false, true} {
		row, err := tx.q.DueRefund(ctx, sqlgen.DueRefundParams{Account: account, Automatic: automatic, NowUs: tx.now})
		r, err := found(Refund{row}, err, "due refund of %s", account)
		if r, ok, err = none(r, err); err != nil || ok {
			return r, ok, err
		}
	}
	return Refund{}, false, nil
}

// RefundInFlight reads the envelope of an account that may land; ok is false if there is none.
func (tx *Tx) RefundInFlight(ctx context.Context, account string) (a RefundAttempt, ok bool, err error) {
	row, err := tx.q.RefundAttemptInFlight(ctx, account)
	a, err = found(RefundAttempt{row}, err, "envelope in flight of %s", account)
	return none(a, err)
}

// RefundAttempts lists the envelopes of a refund, oldest first.
func (db *DB) RefundAttempts(ctx context.Context, refundID string) ([]RefundAttempt, error) {
	rows, err := db.q.RefundAttempts(ctx, refundID)
	if err != nil {
		return nil, fmt.Errorf("envelopes of refund %s: %w", refundID, err)
	}
	list := make([]RefundAttempt, len(rows))
	for i, row := range rows {
		list[i] = RefundAttempt{row}
	}
	return list, nil
}

// BeginRefund commits a signed envelope before it is submitted: the refund, as read by this Tx, is sending from now on. The
// attempt's account, sequence, hash, bound, fee and envelope must be set. ErrExists where another envelope of the account is
// in flight.
func (tx *Tx) BeginRefund(ctx context.Context, r Refund, a RefundAttempt, actor string) (Refund, RefundAttempt, error) {
	earlier, err := tx.q.RefundAttempts(ctx, r.ID)
	if err != nil {
		return Refund{}, RefundAttempt{}, fmt.Errorf("envelopes of refund %s: %w", r.ID, err)
	}
	a.RefundID, a.Number, a.State = r.ID, int64(len(earlier))+1, anchor.RefundAttemptSending
	a.NextUs, a.CreatedUs, a.UpdatedUs = tx.now, tx.now, tx.now
	err = tx.q.InsertRefundAttempt(ctx, sqlgen.InsertRefundAttemptParams{
		RefundID: a.RefundID, Number: a.Number, Account: a.Account, Sequence: a.Sequence, InnerHash: a.InnerHash, MaxTimeUs: a.MaxTimeUs,
		FeeStroops: a.FeeStroops, Envelope: a.Envelope, NowUs: tx.now,
	})
	if tx.db.engine.exists(err) {
		return Refund{}, RefundAttempt{}, fmt.Errorf("envelope %d of refund %s: %w", a.Number, r.ID, ErrExists)
	}
	if err != nil {
		return Refund{}, RefundAttempt{}, fmt.Errorf("envelope %d of refund %s: %w", a.Number, r.ID, err)
	}
	r.State, r.Trouble, r.SentUs = anchor.RefundSending, "", tx.now
	r, err = tx.MoveRefund(ctx, r, anchor.RefundReady, anchor.Change{
		Cause: anchor.CauseNoted, Actor: actor, Reason: fmt.Sprintf("envelope %d is made", a.Number),
		Detail: fmt.Sprintf(`{"stellar_hash":%q,"sequence":%d}`, a.InnerHash, a.Sequence),
	})
	return r, a, err
}

// ClaimSubmission takes the right to submit an envelope for a while, so that two processes do not do so at once; ok is false
// where somebody else has it, it is not due or the envelope is not in flight any more.
func (db *DB) ClaimSubmission(ctx context.Context, a RefundAttempt, owner string, lease time.Duration) (claimed RefundAttempt, ok bool, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		until := tx.now + lease.Microseconds()
		n, err := tx.q.ClaimRefundAttempt(ctx, sqlgen.ClaimRefundAttemptParams{
			LeaseOwner: owner, LeaseUntilUs: until, NowUs: tx.now, RefundID: a.RefundID, Number: a.Number, Fence: a.Fence,
		})
		claimed, ok = a, n == 1
		claimed.Fence, claimed.Submits, claimed.LeaseOwner, claimed.LeaseUntilUs = a.Fence+1, a.Submits+1, owner, until
		return err
	})
	if err != nil {
		return RefundAttempt{}, false, fmt.Errorf("claim the submission of refund %s: %w", a.RefundID, err)
	}
	return claimed, ok, nil
}

// AnswerSubmission keeps what the network said of an envelope and when to submit it again, and gives the claim back. A claim
// that was lost, or an envelope that is not in flight any more, is left alone.
func (db *DB) AnswerSubmission(ctx context.Context, a RefundAttempt, result string, again time.Duration) error {
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.q.AnswerRefundAttempt(ctx, sqlgen.AnswerRefundAttemptParams{
			Result: result, NextUs: tx.now + again.Microseconds(), NowUs: tx.now, RefundID: a.RefundID, Number: a.Number, Fence: a.Fence,
		})
		if err != nil {
			return fmt.Errorf("keep the answer about refund %s: %w", a.RefundID, err)
		}
		return nil
	})
}

// BumpSubmission commits a fee bump around an envelope before it is submitted; ErrClaimLost where somebody else has
// taken over.
func (db *DB) BumpSubmission(ctx context.Context, a RefundAttempt) error {
	return db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.q.BumpRefundAttempt(ctx, sqlgen.BumpRefundAttemptParams{
			OuterHash: a.OuterHash, OuterEnvelope: a.OuterEnvelope, FeeStroops: a.FeeStroops, NowUs: tx.now,
			RefundID: a.RefundID, Number: a.Number, Fence: a.Fence,
		})
		if err != nil || n != 1 {
			return fmt.Errorf("fee bump of refund %s: %w", a.RefundID, errors.Join(err, errLost(n)))
		}
		return nil
	})
}

// ErrClaimLost means that somebody else has taken over what this process was doing.
var ErrClaimLost = errors.New("the claim was lost")

func errLost(n int64) error {
	if n == 1 {
		return nil
	}
	return ErrClaimLost
}

// MovementOfHash reads the movement out that the ledger shows for an envelope; ok is false where none was seen.
func (tx *Tx) MovementOfHash(ctx context.Context, innerHash string) (m OutgoingMovement, ok bool, err error) {
	row, err := tx.q.MovementOfHash(ctx, innerHash)
	m, err = found(OutgoingMovement{row}, err, "movement of %s", innerHash)
	return none(m, err)
}

// EndRefundAttempt writes that an envelope has landed or is dead. ErrStale where that was written already.
func (tx *Tx) EndRefundAttempt(ctx context.Context, a RefundAttempt, state anchor.RefundAttemptState, result string) error {
	err := one(tx.q.EndRefundAttempt(ctx, sqlgen.EndRefundAttemptParams{
		State: state, Result: result, NowUs: tx.now, RefundID: a.RefundID, Number: a.Number,
	}))
	if err != nil {
		return fmt.Errorf("end envelope %d of refund %s: %w", a.Number, a.RefundID, err)
	}
	return nil
}

// RefundInFlight reads the envelope of an account that may land; ok is false if there is none.
func (db *DB) RefundInFlight(ctx context.Context, account string) (a RefundAttempt, ok bool, err error) {
	row, err := db.q.RefundAttemptInFlight(ctx, account)
	a, err = found(RefundAttempt{row}, err, "envelope in flight of %s", account)
	return none(a, err)
}
