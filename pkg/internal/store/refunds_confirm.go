package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/money"
)

// messageRefunded is what the sending anchor reads as status_message.
const messageRefunded = "the payment was refunded"

// ConfirmRefund records that the ledger shows an envelope of a refund, and what follows from it: for the payment, and for its
// transaction, which becomes refunded when nothing else became of the money that came for it (SEP-31 status refunded).
func (tx *Tx) ConfirmRefund(ctx context.Context, l LockedRefund, a RefundAttempt, m OutgoingMovement, actor string) error {
	if err := tx.EndRefundAttempt(ctx, a, anchor.RefundAttemptLanded, landedIn(m)); err != nil {
		return err
	}
	return tx.confirmRefund(ctx, l, m, actor)
}

func landedIn(m OutgoingMovement) string { return fmt.Sprintf("in ledger %d", m.Ledger) }

func (tx *Tx) confirmRefund(ctx context.Context, l LockedRefund, m OutgoingMovement, actor string) error {
	r, before := l.Refund, l.Refund.State
	r.State, r.Trouble, r.StellarHash, r.ConfirmedUs = anchor.RefundConfirmed, "", m.OuterHash, m.ClosedUs
	change := anchor.Change{Cause: anchor.CauseRefunded, Actor: actor, Reason: r.Reason, Detail: confirmedDetail(r)}
	if _, err := tx.MoveRefund(ctx, r, before, change); err != nil {
		return err
	}
	if err := tx.settlePayment(ctx, l.Payment, change); err != nil {
		return err
	}
	if l.Transaction == nil {
		return nil
	}
	return tx.tellRefunded(ctx, *l.Transaction, change)
}

// AdoptEnvelope records of a movement out, which nothing explained, that it is an envelope of a refund that had been given up as dead
// and is in the ledger after all: a refund that would be sent again by another one is confirmed by it instead. refundID is empty, and
// nothing changes, where no such refund is ready or held. It is refused (CodeConflict) while another envelope of the refund may land.
func (tx *Tx) AdoptEnvelope(ctx context.Context, m OutgoingMovement, c anchor.Change) (refundID string, err error) {
	if m.Explained != "" {
		return "", nil
	}
	row, err := tx.q.RefundAttemptByHash(ctx, m.InnerHash)
	a, ours, err := none(found(RefundAttempt{row}, err, "envelope %s", m.InnerHash))
	if err != nil || !ours {
		return "", err
	}
	l, err := tx.LockRefund(ctx, a.RefundID)
	if err != nil {
		return "", err
	}
	switch l.Refund.State {
	case anchor.RefundReady, anchor.RefundHeld:
		return a.RefundID, tx.adoptEnvelope(ctx, l, a, m, c)
	case anchor.RefundSending:
		return "", anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf(
			"it is envelope %d of refund %s, another envelope of which may still land: wait until that one is settled", a.Number, a.RefundID))
	default:
		return "", nil
	}
}

func (tx *Tx) adoptEnvelope(ctx context.Context, l LockedRefund, a RefundAttempt, m OutgoingMovement, c anchor.Change) error {
	err := one(tx.q.LandDeadRefundAttempt(ctx, sqlgen.LandDeadRefundAttemptParams{
		Result: landedIn(m), NowUs: tx.now, RefundID: a.RefundID, Number: a.Number,
	}))
	if err != nil {
		return fmt.Errorf("land envelope %d of refund %s: %w", a.Number, a.RefundID, err)
	}
	// An operator may have named another destination since; the money went where this envelope says.
	l.Refund.Destination, l.Refund.DestinationMuxedID = m.ToAccount, m.ToMuxedID
	if err := tx.confirmRefund(ctx, l, m, c.Actor); err != nil {
		return err
	}
	err = one(tx.q.ExplainAsRefund(ctx, sqlgen.ExplainAsRefundParams{
		Actor: c.Actor, Reason: c.Reason, NowUs: tx.now, Chain: m.Chain, Account: m.Account, OperationID: m.OperationID, Idx: m.Idx,
	}))
	if err != nil {
		return fmt.Errorf("explain movement %d of %s: %w", m.OperationID, m.Account, err)
	}
	return tx.endRefundsWait(ctx, m.Account)
}

func confirmedDetail(r Refund) string {
	return fmt.Sprintf(`{"refund":%q,"units":%d,"fee_units":%d,"stellar_hash":%q}`, r.ID, r.Units, r.FeeUnits, r.StellarHash)
}

// tellRefunded writes a transaction after one of its refunds was confirmed.
func (tx *Tx) tellRefunded(ctx context.Context, t Transaction, c anchor.Change) error {
	rows, err := tx.q.RefundsOfTransaction(ctx, sql.NullString{String: t.ID, Valid: true})
	list, err := refunds(rows, err, "refunds of transaction "+t.ID)
	if err != nil {
		return err
	}
	if t.Refunds, err = shownRefunds(t, list); err != nil {
		return err
	}
	over, err := tx.refundedWhole(ctx, t, list)
	if err != nil {
		return err
	}
	c.Cause = anchor.CauseNoted
	if over {
		c.Cause, c.Message = anchor.CauseRefunded, new(messageRefunded)
	}
	_, err = tx.Advance(ctx, t, c)
	return err
}

// refundedWhole tells whether everything that came for a transaction went back, and nothing else became of it.
func (tx *Tx) refundedWhole(ctx context.Context, t Transaction, list []Refund) (bool, error) {
	if _, err := anchor.Next(t.Status, t.Funded, anchor.CauseRefunded); err != nil {
		return false, nil //nolint:nilerr // that its status does not allow it is the answer
	}
	if t.CreditedUnits == 0 { // what came too late, or twice; one that may still be paid stays open
		return t.Status.Final() && confirmedUnits(t, list, false) > 0, nil
	}
	if t.Held() != 0 || confirmedUnits(t, list, true) != t.CreditedUnits {
		return false, nil
	}
	_, live, err := tx.LivePayout(ctx, t.ID)
	return !live, err
}

// confirmedUnits adds up what went back in the transaction's own asset; fromHeld says of which kind.
func confirmedUnits(t Transaction, list []Refund, fromHeld bool) (units int64) {
	for _, r := range list {
		if r.State == anchor.RefundConfirmed && r.FromHeld == fromHeld && r.in(t) {
			units += r.Units // bounded by what was credited, or by the payments
		}
	}
	return units
}

func (r Refund) in(t Transaction) bool {
	return r.AssetIssuer == t.AssetIssuer && (r.AssetCode == t.AssetCode || r.AssetIssuer == "")
}

// shownRefunds is SEP-31's refunds as JSON: of the money that amount_in tells of, so that the amounts add up. What was never
// credited is not part of it unless nothing was credited at all.
func shownRefunds(t Transaction, list []Refund) (string, error) {
	var sent, fees money.Amount
	shown := anchor.Refunds{}
	for _, r := range list {
		if r.State != anchor.RefundConfirmed || !r.in(t) || !r.FromHeld && t.CreditedUnits > 0 {
			continue
		}
		amount, err := money.New(r.SentUnits(), money.StellarDecimals)
		if err != nil {
			return "", fmt.Errorf("refund %s: %w", r.ID, err)
		}
		fee, err := money.New(r.FeeUnits, money.StellarDecimals)
		if err != nil {
			return "", fmt.Errorf("fee of refund %s: %w", r.ID, err)
		}
		shown.Payments = append(shown.Payments, anchor.RefundPayment{ID: r.StellarHash, Amount: amount.Short(), Fee: fee.Short()})
		if sent, fees, err = plus(sent, amount, fees, fee); err != nil {
			return "", fmt.Errorf("refunds of transaction %s: %w", t.ID, err)
		}
	}
	if len(shown.Payments) == 0 {
		return "", nil
	}
	shown.AmountRefunded, shown.AmountFee = sent.Short(), fees.Short()
	raw, err := json.Marshal(shown)
	return string(raw), err
}

func plus(sent, amount, fees, fee money.Amount) (allSent, allFees money.Amount, err error) {
	if sent.Decimals() == 0 { // the first one
		return amount, fee, nil
	}
	if allSent, err = sent.Add(amount); err != nil {
		return allSent, allFees, err
	}
	allFees, err = fees.Add(fee)
	return allSent, allFees, err
}
