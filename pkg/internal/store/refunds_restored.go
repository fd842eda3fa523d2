package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// ParkUnsentLike leaves to an operator the payouts that were not sent of every transaction of which a movement out, that nothing
// explains, may be the refund: one of its payments came before from where that went to, in the same asset, with the same memo or with
// the refund memo of the transaction. The world may have sent the money back, of which a restored copy knows nothing. Amounts are not
// compared: a part or a fee may have been kept. It answers the payouts that it parked.
func (db *DB) ParkUnsentLike(ctx context.Context, m OutgoingMovement, c anchor.Change) ([]Payout, error) {
	ids, err := db.q.UnsentPayoutsLikeMovement(ctx, sqlgen.UnsentPayoutsLikeMovementParams{
		Account: m.Account, FromAccount: m.ToAccount, AssetCode: m.AssetCode, AssetIssuer: m.AssetIssuer, OperationID: m.OperationID,
		MemoType: m.MemoType, Memo: m.Memo,
	})
	if err != nil {
		return nil, fmt.Errorf("payouts that movement %d of %s may have made void: %w", m.OperationID, m.Account, err)
	}
	var parked []Payout
	for _, id := range ids {
		p, ok, err := db.parkUnsent(ctx, id, c)
		if err != nil {
			return nil, fmt.Errorf("park the payout of transaction %s: %w", id, err)
		}
		if ok {
			parked = append(parked, p)
		}
	}
	return parked, nil
}

// parkUnsent parks the payout of a transaction; false where it has moved on since it was found.
func (db *DB) parkUnsent(ctx context.Context, transactionID string, c anchor.Change) (p Payout, ok bool, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		ok = false
		if _, err := tx.LockTransaction(ctx, transactionID); err != nil {
			return err
		}
		var live bool
		if p, live, err = tx.LivePayout(ctx, transactionID); err != nil || !live {
			return err
		}
		before := p.State
		if before != anchor.PayoutReady && before != anchor.PayoutWaiting {
			return nil
		}
		p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForOperator
		p, err = tx.MovePayout(ctx, p, before, c)
		ok = err == nil
		return err
	})
	return p, ok, err
}
