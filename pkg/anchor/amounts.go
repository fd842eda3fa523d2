package anchor

import (
	"fmt"

	"github.com/anchorkit/anchor/pkg/money"
)

// Terms are the terms of a transaction, frozen when it was agreed: later changes of the asset do not touch it.
type Terms struct {
	Decimals   int           // of the received asset: finest step in which amounts are agreed and paid out
	FeeFixed   money.Amount  // in units of the received asset
	FeePercent money.Percent // of the amount received
	Min, Max   money.Amount  // limits of the amount; Max zero: none
}

// Breakdown says what a received amount is made of: In = Fee + Out, exactly (SEP-31 amount_in, amount_fee, amount_out).
type Breakdown struct {
	In, Fee, Out money.Amount
}

// Amounts computes fee and amount out of a received amount by frozen terms. The fee is rounded up and what is paid out
// down, so that the two never exceed what came in. It is an error if nothing is left to pay out.
func Amounts(t Terms, in money.Amount) (Breakdown, error) {
	percent, err := t.FeePercent.Of(in, money.Up)
	if err != nil {
		return Breakdown{}, fmt.Errorf("percent fee: %w", err)
	}
	fee, err := t.FeeFixed.Add(percent)
	if err != nil {
		return Breakdown{}, fmt.Errorf("fee: %w", err)
	}
	return AmountsWithFee(t.Decimals, in, fee)
}

// AmountsWithFee is Amounts for a fee that the business named itself. Whatever of the rest is finer than the asset's
// decimals is fee as well.
func AmountsWithFee(decimals int, in, fee money.Amount) (Breakdown, error) {
	if fee.Cmp(in) >= 0 {
		return Breakdown{}, Refusef("the amount %s does not cover the fee of %s", in.Short(), fee.Short())
	}
	rest, err := in.Sub(fee)
	if err != nil {
		return Breakdown{}, fmt.Errorf("amount out: %w", err)
	}
	rough, err := rest.Rescale(decimals, money.Down)
	if err != nil {
		return Breakdown{}, fmt.Errorf("amount out: %w", err)
	}
	out, err := rough.Rescale(in.Decimals(), money.Down)
	if err != nil {
		return Breakdown{}, fmt.Errorf("amount out: %w", err)
	}
	if out.IsZero() {
		return Breakdown{}, Refusef("the amount %s leaves nothing to pay out after the fee of %s", in.Short(), fee.Short())
	}
	if fee, err = in.Sub(out); err != nil {
		return Breakdown{}, fmt.Errorf("fee: %w", err)
	}
	return Breakdown{In: in, Fee: fee, Out: out}, nil
}
