package money

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

const (
	// StellarDecimals is the number of decimals of every amount on the Stellar network.
	StellarDecimals = 7
	// MaxDecimals is the largest number of decimals that an amount can have.
	MaxDecimals = 18
)

// Rounding is the direction in which a result that cannot be represented goes.
type Rounding int8

const (
	// Down drops the rest: what is paid out.
	Down Rounding = iota
	// Up adds one unit for any rest: fees and what is asked for.
	Up
)

// Amount is a number of smallest units of an asset, never negative. Its zero value is 0 with no decimals. Two amounts
// are == when both their units and their decimals are; Cmp compares values.
type Amount struct {
	units    int64
	decimals int8
}

// New makes the amount of units * 10^-decimals. It refuses negative units (ErrNegative) and decimals outside 0..18
// (ErrDecimals).
func New(units int64, decimals int) (Amount, error) {
	if err := checkDecimals(decimals); err != nil {
		return Amount{}, err
	}
	if units < 0 {
		return Amount{}, fmt.Errorf("amount of %d units: %w", units, ErrNegative)
	}
	return Amount{units: units, decimals: int8(decimals)}, nil
}

// Parse reads digits[.digits] with at most decimals digits after the point, trailing zeros counted. It refuses signs,
// exponents, spaces, leading zeros, a point at either end (ErrSyntax), more decimals (ErrTooPrecise) and what does not
// fit (ErrOverflow); such errors are a *ParseError. Decimals outside 0..18 are ErrDecimals.
func Parse(s string, decimals int) (Amount, error) {
	if err := checkDecimals(decimals); err != nil {
		return Amount{}, err
	}
	n, err := scan("amount", s)
	if err != nil {
		return Amount{}, err
	}
	if len(n.fraction) > decimals {
		return Amount{}, refuse("amount", s, ErrTooPrecise, "%d given, at most %d allowed", len(n.fraction), decimals)
	}
	padded := n.whole + n.fraction + strings.Repeat("0", decimals-len(n.fraction))
	units, err := strconv.ParseInt(padded, 10, 64)
	if err != nil { // only digits are left, so it can only be the range
		largest := Amount{units: math.MaxInt64, decimals: int8(decimals)}
		return Amount{}, refuse("amount", s, ErrOverflow, "at most %s is allowed", largest)
	}
	return Amount{units: units, decimals: int8(decimals)}, nil
}

// Units gives the amount in smallest units, 10^-Decimals each.
func (a Amount) Units() int64 { return a.units }

// Decimals gives the number of decimals, 0..18.
func (a Amount) Decimals() int { return int(a.decimals) }

// IsZero tells whether the amount is nothing, whatever its decimals.
func (a Amount) IsZero() bool { return a.units == 0 }

// String writes the amount with all its decimals: "12.3400000".
func (a Amount) String() string {
	digits := strconv.FormatInt(a.units, 10)
	if a.decimals == 0 {
		return digits
	}
	if lacking := int(a.decimals) + 1 - len(digits); lacking > 0 {
		digits = strings.Repeat("0", lacking) + digits
	}
	point := len(digits) - int(a.decimals)
	return digits[:point] + "." + digits[point:]
}

// Short writes the amount without trailing zeros after the point: "12.34".
func (a Amount) Short() string {
	if a.decimals == 0 {
		return a.String()
	}
	return strings.TrimSuffix(strings.TrimRight(a.String(), "0"), ".")
}

// MarshalText writes String, so that JSON carries amounts as strings. There is no UnmarshalText: reading needs the
// decimals of the asset, see Parse.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Cmp compares the values exactly, also across different decimals: -1 if a < b, 0 if equal, 1 if a > b.
func (a Amount) Cmp(b Amount) int {
	most := max(a.decimals, b.decimals)
	aHigh, aLow := bits.Mul64(uint64(a.units), pow10(int(most-a.decimals)))
	bHigh, bLow := bits.Mul64(uint64(b.units), pow10(int(most-b.decimals)))
	return cmp.Or(cmp.Compare(aHigh, bHigh), cmp.Compare(aLow, bLow))
}

// Add gives a + b. Both must have the same decimals (ErrDecimals); a sum that does not fit is ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := sameDecimals(a, b); err != nil {
		return Amount{}, fmt.Errorf("%s + %s: %w", a, b, err)
	}
	if a.units > math.MaxInt64-b.units {
		return Amount{}, fmt.Errorf("%s + %s: %w", a, b, ErrOverflow)
	}
	return Amount{units: a.units + b.units, decimals: a.decimals}, nil
}

// Sub gives a - b. Both must have the same decimals (ErrDecimals); a difference below zero is ErrNegative.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := sameDecimals(a, b); err != nil {
		return Amount{}, fmt.Errorf("%s - %s: %w", a, b, err)
	}
	if a.units < b.units {
		return Amount{}, fmt.Errorf("%s - %s: %w", a, b, ErrNegative)
	}
	return Amount{units: a.units - b.units, decimals: a.decimals}, nil
}

// Rescale gives the same value with other decimals, rounded in the direction r where decimals are lost. Decimals
// outside 0..18 are ErrDecimals, a value that no longer fits is ErrOverflow.
func (a Amount) Rescale(decimals int, r Rounding) (Amount, error) {
	if err := checkDecimals(decimals); err != nil {
		return Amount{}, err
	}
	if decimals < int(a.decimals) {
		units := divide(uint64(a.units), pow10(int(a.decimals)-decimals), r)
		return Amount{units: int64(units), decimals: int8(decimals)}, nil
	}
	high, low := bits.Mul64(uint64(a.units), pow10(decimals-int(a.decimals)))
	if high != 0 || low > math.MaxInt64 {
		return Amount{}, fmt.Errorf("%s with %d decimals: %w", a, decimals, ErrOverflow)
	}
	return Amount{units: int64(low), decimals: int8(decimals)}, nil
}

func divide(dividend, divisor uint64, r Rounding) uint64 {
	quotient, rest := dividend/divisor, dividend%divisor
	if r == Up && rest != 0 {
		quotient++
	}
	return quotient
}

// pow10 takes an exponent of 0..18: 10^18 is the last that also fits an int64.
func pow10(exponent int) uint64 {
	power := uint64(1)
	for range exponent {
		power *= 10
	}
	return power
}

func checkDecimals(decimals int) error {
	if decimals < 0 || decimals > MaxDecimals {
		return fmt.Errorf("%d decimals, allowed are 0 to %d: %w", decimals, MaxDecimals, ErrDecimals)
	}
	return nil
}

func sameDecimals(a, b Amount) error {
	if a.decimals != b.decimals {
		return fmt.Errorf("%d and %d decimals: %w", a.decimals, b.decimals, ErrDecimals)
	}
	return nil
}
