package money

import (
	"fmt"
	"math/bits"
)

const (
	percentDecimals = 10
	hundredPercent  = 100 * 10_000_000_000 // 100 with percentDecimals
)

// Percent is an exact share from 0 to 100 per cent with up to 10 decimals. The zero value is 0 %. Equal percentages
// are ==, however they were written.
type Percent struct {
	units int64 // 10^-10 per cent
}

// ParsePercent reads digits[.digits], "0.5" being half a per cent, as strictly as Parse; more than 100 is ErrRange, more
// than 10 decimals ErrTooPrecise.
func ParsePercent(s string) (Percent, error) {
	n, err := scan("percentage", s)
	if err != nil {
		return Percent{}, err
	}
	if len(n.fraction) > percentDecimals {
		return Percent{}, refuse("percentage", s, ErrTooPrecise, "%d given, at most %d allowed",
			len(n.fraction), percentDecimals)
	}
	value, err := Parse(s, percentDecimals)
	if err != nil || value.units > hundredPercent {
		return Percent{}, refuse("percentage", s, ErrRange, "it must be from 0 to 100")
	}
	return Percent{units: value.units}, nil
}

// String writes the percentage without trailing zeros and without a sign: "0.5".
func (p Percent) String() string {
	return Amount{units: p.units, decimals: percentDecimals}.Short()
}

// IsZero tells whether it is 0 %.
func (p Percent) IsZero() bool { return p.units == 0 }

// MarshalText writes String.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePercent accepts.
func (p *Percent) UnmarshalText(text []byte) error {
	parsed, err := ParsePercent(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// Of gives this share of a, with the decimals of a, rounded once in the direction r. It is never more than a. The error
// is reserved for values that did not come from ParsePercent.
func (p Percent) Of(a Amount, r Rounding) (Amount, error) {
	high, low := bits.Mul64(uint64(a.units), uint64(p.units))
	if high >= hundredPercent {
		return Amount{}, fmt.Errorf("%s per cent of %s: %w", p, a, ErrOverflow)
	}
	units, rest := bits.Div64(high, low, hundredPercent)
	if r == Up && rest != 0 {
		units++
	}
	return New(int64(units), a.Decimals())
}
