package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Readiness says whether the payout of a transaction may be sent, by what is known of both customers and of the transaction
// itself. needsInfo tells that a customer has to give something, which the sending anchor is shown as a status.
func (tx *Tx) Readiness(ctx context.Context, t Transaction) (waits anchor.WaitsFor, needsInfo bool, err error) {
	statuses := customerStatuses{}
	for _, role := range rolesIn(t) {
		if statuses[role], err = tx.CustomerStatus(ctx, role.id, role.typ); err != nil {
			return "", false, err
		}
	}
	waits, needsInfo = statuses.readiness(t)
	return waits, needsInfo, nil
}

// CustomerStatus is a customer's status in the role of a type. A customer that is gone, or was never judged, needs information.
func (tx *Tx) CustomerStatus(ctx context.Context, customerID, customerType string) (anchor.CustomerStatus, error) {
	status, err := tx.q.StatusOfCustomer(ctx, sqlgen.StatusOfCustomerParams{CustomerID: customerID, Type: customerType})
	if errors.Is(err, sql.ErrNoRows) {
		return anchor.CustomerNeedsInfo, nil
	}
	if err != nil {
		return "", fmt.Errorf("status of customer %s: %w", customerID, err)
	}
	return status, nil
}

// Reconsider moves the payout of a funded transaction between waiting and ready after something it depends on has changed
// (a customer's status, the transaction's own information), and lets the transaction's status follow. A payout that may have
// been sent is left alone. t must be locked by this Tx. Of a transaction
// that nobody has paid it changes nothing; see Tx.Release.
func (tx *Tx) Reconsider(ctx context.Context, t Transaction, actor, reason string) (Transaction, error) {
	if !t.Funded {
		return t, nil
	}
	p, ok, err := tx.LivePayout(ctx, t.ID)
	if err != nil || !ok {
		return t, err
	}
	movable := p.State == anchor.PayoutReady || p.State == anchor.PayoutWaiting && p.WaitsFor != anchor.WaitsForOperator
	if !movable {
		return t, nil
	}
	waits, needsInfo, err := tx.Readiness(ctx, t)
	if err != nil {
		return t, err
	}
	if err := tx.waitOrReady(ctx, p, waits, actor, reason); err != nil {
		return t, err
	}
	switch {
	case needsInfo && t.Status == anchor.StatusPendingReceiver:
		return tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseCustomerInfoNeeded, Actor: actor, Reason: reason})
	case !needsInfo && t.Status == anchor.StatusPendingCustomerInfoUpdate:
		return tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseCustomerInfoGiven, Actor: actor, Reason: reason, Message: new("")})
	}
	return t, nil
}

func (tx *Tx) waitOrReady(ctx context.Context, p Payout, waits anchor.WaitsFor, actor, reason string) error {
	before := p.State
	state := anchor.PayoutReady
	if waits != anchor.WaitsForNothing {
		state = anchor.PayoutWaiting
	}
	if state == before && waits == p.WaitsFor {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	p.State, p.WaitsFor, p.NextUs = state, waits, now
	_, err = tx.MovePayout(ctx, p, before, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason})
	return err
}
