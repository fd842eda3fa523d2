package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Payout is a row of payouts. DebitUnits are what it takes from held (10^-7 of the received asset, fee included), AmountUnits
// what the recipient gets (10^-AmountDecimals of AmountAsset).
type Payout struct{ sqlgen.Payout }

// CreatePayout stores a payout of a funded transaction and takes its units from held; t is the row as locked by this Tx, and
// the caller writes it with Advance afterwards. Number, state and rail must be set.
func (tx *Tx) CreatePayout(ctx context.Context, t *Transaction, p Payout, c anchor.Change) (Payout, error) {
	if p.DebitUnits > t.Held() {
		return Payout{}, fmt.Errorf("payout of %d units of transaction %s exceeds the %d held", p.DebitUnits, t.ID, t.Held())
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return Payout{}, err
	}
	p.ID, p.TransactionID, p.Version, p.NextUs, p.CreatedUs, p.UpdatedUs = NewID(), t.ID, 1, now, now, now
	err = tx.q.InsertPayout(ctx, sqlgen.InsertPayoutParams{
		ID: p.ID, TransactionID: p.TransactionID, Number: p.Number, State: p.State, WaitsFor: p.WaitsFor, Rail: p.Rail,
		DebitUnits: p.DebitUnits, AmountUnits: p.AmountUnits, AmountDecimals: p.AmountDecimals, AmountAsset: p.AmountAsset, NowUs: now,
	})
	if err != nil {
		return Payout{}, fmt.Errorf("insert payout of transaction %s: %w", t.ID, err)
	}
	t.PayoutUnits += p.DebitUnits
	if p.State == anchor.PayoutReady {
		tx.Wake(TopicReady)
	}
	return p, tx.event(ctx, SubjectPayout, p.ID, 1, "", string(p.State), c)
}

// MovePayout writes a payout's new state with its event. p is the row as read by this Tx with State, WaitsFor, Tries, NextUs
// and the lease changed; before is the state it was read with. It gives no units back: see Tx.EndPayout.
func (tx *Tx) MovePayout(ctx context.Context, p Payout, before anchor.PayoutState, c anchor.Change) (Payout, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Payout{}, err
	}
	err = one(tx.q.UpdatePayout(ctx, sqlgen.UpdatePayoutParams{
		Version: p.Version, State: p.State, WaitsFor: p.WaitsFor, Tries: p.Tries, NextUs: p.NextUs, LeaseOwner: p.LeaseOwner,
		LeaseUntilUs: p.LeaseUntilUs, NowUs: now, ID: p.ID, Fence: p.Fence,
	}))
	if err != nil {
		return Payout{}, fmt.Errorf("move payout %s to %s: %w", p.ID, p.State, err)
	}
	p.Version, p.UpdatedUs = p.Version+1, now
	tx.wakeFor(p.State)
	if p.WaitsFor == anchor.WaitsForPrice {
		tx.Wake(TopicPrice)
	}
	return p, tx.event(ctx, SubjectPayout, p.ID, p.Version, string(before), string(p.State), c)
}

// EndPayout moves a payout to failed, cancelled or returned and gives its units back to held in t, which the caller then
// writes with Advance.
func (tx *Tx) EndPayout(ctx context.Context, t *Transaction, p Payout, before anchor.PayoutState, c anchor.Change) (Payout, error) {
	p, err := tx.MovePayout(ctx, p, before, c)
	if err != nil {
		return Payout{}, err
	}
	t.PayoutUnits -= p.DebitUnits
	return p, nil
}

// LivePayout reads the payout of a transaction that is not failed, cancelled or returned; ok is false if there is none.
func (tx *Tx) LivePayout(ctx context.Context, transactionID string) (p Payout, ok bool, err error) {
	row, err := tx.q.LivePayout(ctx, transactionID)
	p, err = found(Payout{row}, err, "live payout of transaction %s", transactionID)
	if errors.Is(err, ErrNotFound) {
		return Payout{}, false, nil
	}
	return p, err == nil, err
}

// PayoutByID reads one payout.
func (db *DB) PayoutByID(ctx context.Context, id string) (Payout, error) {
	row, err := db.q.PayoutByID(ctx, id)
	return found(Payout{row}, err, "payout %s", id)
}

// PayoutsOf lists the payouts of a transaction, oldest first.
func (db *DB) PayoutsOf(ctx context.Context, transactionID string) ([]Payout, error) {
	rows, err := db.q.PayoutsOfTransaction(ctx, transactionID)
	if err != nil {
		return nil, fmt.Errorf("payouts of transaction %s: %w", transactionID, err)
	}
	list := make([]Payout, len(rows))
	for i, row := range rows {
		list[i] = Payout{row}
	}
	return list, nil
}
