package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// RefundsLike lists the refunds, oldest first, of which a movement out may be the envelope: same account, destination, asset, amount
// and memo, of a payment that had come before it left, and none of theirs was seen to land.
func (db *DB) RefundsLike(ctx context.Context, m OutgoingMovement) ([]Refund, error) {
	memoType := m.MemoType
	if memoType == "none" {
		memoType = ""
	}
	rows, err := db.q.RefundsLikeMovement(ctx, sqlgen.RefundsLikeMovementParams{
		Account: m.Account, Destination: m.ToAccount, DestinationMuxedID: m.ToMuxedID, AssetCode: m.AssetCode, AssetIssuer: m.AssetIssuer,
		SentUnits: m.AmountUnits, MemoType: memoType, Memo: m.Memo, OperationID: m.OperationID,
	})
	return refunds(rows, err, fmt.Sprintf("refunds like movement %d of %s", m.OperationID, m.Account))
}

// AdoptMovement records that a movement out, which nothing explained, is a refund: it left before this database was restored from an
// older copy, by an envelope that the copy does not have. adopted is false where the refund is not open any more or an envelope of
// its account may still land. The account's movements must have been read by this database.
func (tx *Tx) AdoptMovement(ctx context.Context, refundID string, m OutgoingMovement, c anchor.Change) (adopted bool, err error) {
	l, err := tx.LockRefund(ctx, refundID)
	if err != nil {
		return false, err
	}
	if over, err := tx.standStill(ctx, &l, m, c); err != nil || !over {
		return false, err
	}
	a := RefundAttempt{sqlgen.RefundAttempt{Account: m.Account, InnerHash: m.InnerHash, MaxTimeUs: m.ClosedUs}}
	if l.Refund, a, err = tx.BeginRefund(ctx, l.Refund, a, c.Actor); err != nil {
		return false, err
	}
	if err := tx.ConfirmRefund(ctx, l, a, m, c.Actor); err != nil {
		return false, err
	}
	err = one(tx.q.ExplainAsRefund(ctx, sqlgen.ExplainAsRefundParams{
		Actor: c.Actor, Reason: c.Reason, NowUs: tx.now, Chain: m.Chain, Account: m.Account, OperationID: m.OperationID, Idx: m.Idx,
	}))
	if err != nil {
		return false, fmt.Errorf("explain movement %d of %s: %w", m.OperationID, m.Account, err)
	}
	return true, nil
}

// standStill brings an open refund to ready, so that the envelope which brought it back can be written down; over is false where
// another one may still land (I8: only its bounds and the account's ledgers say that it cannot).
func (tx *Tx) standStill(ctx context.Context, l *LockedRefund, m OutgoingMovement, c anchor.Change) (over bool, err error) {
	flying, inFlight, err := tx.RefundInFlight(ctx, m.Account)
	if err != nil {
		return false, err
	}
	cursor, err := tx.CursorOf(ctx, m.Account)
	if err != nil {
		return false, err
	}
	if inFlight && (flying.RefundID != l.Refund.ID || cursor.ThroughClosedUs <= flying.MaxTimeUs) {
		return false, nil
	}
	if inFlight {
		if err := tx.EndRefundAttempt(ctx, flying, anchor.RefundAttemptDead, "its time ran out; another envelope brought the refund back"); err != nil {
			return false, err
		}
	}
	switch before := l.Refund.State; before {
	case anchor.RefundReady:
		return true, nil
	case anchor.RefundHeld, anchor.RefundSending:
		l.Refund.State, l.Refund.Trouble = anchor.RefundReady, ""
		l.Refund, err = tx.MoveRefund(ctx, l.Refund, before, c)
		return err == nil, err
	default:
		return false, nil
	}
}
