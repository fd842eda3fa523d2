package money

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"
)

// maxRateDigits bounds the significant digits, and the decimals, of a rate.
const maxRateDigits = 28

// Rate is an exact positive decimal number of up to 28 significant digits and 28 decimals, such as the price of one
// asset in another. The zero value stands for "no rate". Equal rates are ==, however they were written.
type Rate struct {
	text string // canonical, so that rates compare and are stored as they are shown
}

// ParseRate reads digits[.digits] as strictly as Parse; trailing zeros are dropped. Zero is ErrRange, more than 28
// decimals or significant digits ErrTooPrecise.
func ParseRate(s string) (Rate, error) {
	n, err := scan("rate", s)
	if err != nil {
		return Rate{}, err
	}
	digits := n.significant()
	switch {
	case digits == "":
		return Rate{}, refuse("rate", s, ErrRange, "it must be greater than zero")
	case len(digits) > maxRateDigits:
		return Rate{}, refuse("rate", s, ErrTooPrecise, "%d significant digits given, at most %d allowed",
			len(digits), maxRateDigits)
	case len(n.fraction) > maxRateDigits:
		return Rate{}, refuse("rate", s, ErrTooPrecise, "%d given, at most %d allowed", len(n.fraction), maxRateDigits)
	}
	return Rate{text: n.String()}, nil
}

// String writes the rate without trailing zeros; "" for the zero value.
func (q Rate) String() string { return q.text }

// IsZero tells whether this is the zero value, "no rate".
func (q Rate) IsZero() bool { return q.text == "" }

// MarshalText writes String.
func (q Rate) MarshalText() ([]byte, error) { return []byte(q.text), nil }

// UnmarshalText reads what ParseRate accepts, and the empty text as "no rate".
func (q *Rate) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*q = Rate{}
		return nil
	}
	parsed, err := ParseRate(string(text))
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}

// Mul gives a * q with the given decimals, rounded once in the direction r. The zero Rate is ErrNoRate, a product that
// does not fit ErrOverflow.
func (q Rate) Mul(a Amount, decimals int, r Rounding) (Amount, error) {
	coefficient, exponent, err := q.parts(decimals)
	if err != nil {
		return Amount{}, fmt.Errorf("%s * rate %s: %w", a, q, err)
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), coefficient)
	product, err := quotient(dividend, apd.NewBigInt(1), exponent+decimals-a.Decimals(), r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s * rate %s with %d decimals: %w", a, q, decimals, err)
	}
	return New(product, decimals)
}

// Div gives a / q with the given decimals, rounded once in the direction r. The zero Rate is ErrNoRate, a quotient that
// does not fit ErrOverflow.
func (q Rate) Div(a Amount, decimals int, r Rounding) (Amount, error) {
	coefficient, exponent, err := q.parts(decimals)
	if err != nil {
		return Amount{}, fmt.Errorf("%s / rate %s: %w", a, q, err)
	}
	result, err := quotient(apd.NewBigInt(a.units), coefficient, decimals-a.Decimals()-exponent, r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s / rate %s with %d decimals: %w", a, q, decimals, err)
	}
	return New(result, decimals)
}

// parts gives the rate as coefficient * 10^exponent, and checks the decimals asked for before they are computed with.
func (q Rate) parts(decimals int) (*apd.BigInt, int, error) {
	if err := checkDecimals(decimals); err != nil {
		return nil, 0, err
	}
	if q.IsZero() {
		return nil, 0, ErrNoRate
	}
	d, _, err := apd.NewFromString(q.text)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the rate: %w", err)
	}
	return &d.Coeff, int(d.Exponent), nil
}

// quotient gives dividend * 10^shift / divisor, rounded once.
func quotient(dividend, divisor *apd.BigInt, shift int, r Rounding) (int64, error) {
	result := bigQuotient(dividend, divisor, shift, r)
	if !result.IsInt64() {
		return 0, ErrOverflow
	}
	return result.Int64(), nil
}

// bigQuotient is quotient whatever its size.
func bigQuotient(dividend, divisor *apd.BigInt, shift int, r Rounding) *apd.BigInt {
	if shift >= 0 {
		dividend = new(apd.BigInt).Mul(dividend, bigPow10(shift))
	} else {
		divisor = new(apd.BigInt).Mul(divisor, bigPow10(-shift))
	}
	result, rest := new(apd.BigInt), new(apd.BigInt)
	result.QuoRem(dividend, divisor, rest)
	if r == Up && rest.Sign() != 0 {
		result.Add(result, apd.NewBigInt(1))
	}
	return result
}

func bigPow10(exponent int) *apd.BigInt {
	return new(apd.BigInt).Exp(apd.NewBigInt(10), apd.NewBigInt(int64(exponent)), nil)
}
