package store

import (
	"context"
	"fmt"
	"math"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Crediting is what completes the sum of one transaction where it is not simply the sum that was agreed.
type Crediting struct {
	Funding
	// Priced replaces fee and amount out; nil leaves what was agreed.
	Priced *Priced
	// Spare of the units credited is left in held: it goes back (see Tx.RequestRefund) and is not paid out. 10^-7.
	Spare int64
}

// FundOne is Fund for one transaction whose amounts are computed anew, or of whose money a part goes back.
func (tx *Tx) FundOne(ctx context.Context, c Crediting) (Transaction, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Transaction{}, err
	}
	statuses, err := tx.customerStatuses(ctx, []Funding{c.Funding})
	if err != nil {
		return Transaction{}, err
	}
	if c.Priced != nil {
		c.Transaction.FeeUnits, c.Transaction.FeeDetails, c.Transaction.OutUnits = c.Priced.FeeUnits, c.Priced.FeeDetails, c.Priced.OutUnits
	}
	decided, err := newCredit(c.Funding, statuses, now)
	if err != nil {
		return Transaction{}, err
	}
	if c.Spare < 0 || c.Spare >= decided.payout.DebitUnits {
		return Transaction{}, fmt.Errorf("fund transaction %s and keep %d units back: %w", c.Transaction.ID, c.Spare, ErrUnfit)
	}
	t := c.Transaction
	t.CreditedUnits, t.StellarHash = decided.after.CreditedUnits, c.StellarHash
	decided.payout.DebitUnits -= c.Spare
	if decided.payout, err = tx.CreatePayout(ctx, &t, decided.payout, decided.change); err != nil {
		return Transaction{}, err
	}
	if decided.payout.WaitsFor == anchor.WaitsForPrice {
		tx.Wake(TopicPrice)
	}
	if decided.after, err = tx.Advance(ctx, t, decided.change); err != nil {
		return Transaction{}, err
	}
	list, err := tx.askForInfo(ctx, []credit{decided})
	if err != nil {
		return Transaction{}, err
	}
	return list[0], nil
}

// CreditPart adds a part of the sum of a transaction, which is not funded by it. f.Rail is not used: there is no payout yet.
func (tx *Tx) CreditPart(ctx context.Context, f Funding) (Transaction, error) {
	t := f.Transaction
	if f.Units <= 0 || t.CreditedUnits > math.MaxInt64-f.Units || t.CreditedUnits+f.Units >= t.ExpectedUnits {
		return Transaction{}, fmt.Errorf("credit %d units to transaction %s as a part: %w", f.Units, t.ID, ErrUnfit)
	}
	t.CreditedUnits += f.Units
	t.StellarHash = f.StellarHash
	f.Change.Cause = anchor.CausePartPaid
	return tx.Advance(ctx, t, f.Change)
}
