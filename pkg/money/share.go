package money

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"
)

// Share gives a * part / whole with the decimals of a, rounded once in the direction r: what falls to a part of something of
// which a belongs to the whole. Part and whole must have the same decimals (ErrDecimals); a whole of zero is ErrRange, a
// result that does not fit ErrOverflow.
func (a Amount) Share(part, whole Amount, r Rounding) (Amount, error) {
	if err := sameDecimals(part, whole); err != nil {
		return Amount{}, fmt.Errorf("%s * %s / %s: %w", a, part, whole, err)
	}
	if whole.IsZero() {
		return Amount{}, fmt.Errorf("%s * %s / %s: %w", a, part, whole, ErrRange)
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), apd.NewBigInt(part.units))
	units, err := quotient(dividend, apd.NewBigInt(whole.units), 0, r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s * %s / %s: %w", a, part, whole, err)
	}
	return New(units, a.Decimals())
}
