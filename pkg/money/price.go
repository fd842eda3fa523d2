package money

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// minPriceDigits is how many significant digits a price has at least, where it has that many.
const minPriceDigits = 10

// Quotient writes a / b with at most the given number of significant digits, from 1 on, rounded once in the direction r:
// plain decimals without trailing zeros, whatever the magnitude. A b of zero is ErrRange, fewer digits than one ErrDecimals.
func Quotient(a, b Amount, digits int, r Rounding) (string, error) {
	switch {
	case b.IsZero():
		return "", fmt.Errorf("%s / %s: %w", a, b, ErrRange)
	case digits < 1:
		return "", fmt.Errorf("%s / %s with %d digits: %w", a, b, digits, ErrDecimals)
	case a.IsZero():
		return "0", nil
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), bigPow10(b.Decimals()))
	divisor := new(apd.BigInt).Mul(apd.NewBigInt(b.units), bigPow10(a.Decimals()))
	decimals := decimalsFor(dividend, divisor, digits)
	return plainText(bigQuotient(dividend, divisor, decimals, r), decimals), nil
}

// UnitPrice writes what one unit of bought costs, where paid was given for all of it: at least 10 significant digits, and
// as many as are needed so that the price times bought, rounded to the decimals of either, is paid again. The last digit is
// rounded up, so that a paid amount on the edge of a rounding does not fall below it. Bought being zero is ErrRange.
func UnitPrice(paid, bought Amount) (string, error) {
	length := len(apd.NewBigInt(paid.units).String()) + max(0, bought.Decimals()-paid.Decimals())
	// The text is off by less than 10^(1-digits) of paid: with two digits more than paid has, by a tenth of its unit.
	return Quotient(paid, bought, max(minPriceDigits, length+2), Up)
}

// decimalsFor says after how many decimals a quotient has the digits asked for; below zero: that many before the point are
// not among them.
func decimalsFor(dividend, divisor *apd.BigInt, digits int) int {
	decimals := digits - len(dividend.String()) + len(divisor.String())
	// The lengths tell the quotient's but for one.
	if len(bigQuotient(dividend, divisor, decimals, Down).String()) > digits {
		decimals--
	}
	return decimals
}

// plainText writes units * 10^-decimals.
func plainText(units *apd.BigInt, decimals int) string {
	digits := units.String()
	if decimals <= 0 {
		return digits + strings.Repeat("0", -decimals)
	}
	if lacking := decimals + 1 - len(digits); lacking > 0 {
		digits = strings.Repeat("0", lacking) + digits
	}
	n := numeral{whole: digits[:len(digits)-decimals], fraction: digits[len(digits)-decimals:]}
	return n.String()
}

// MulLess gives a * q less the share p of that, with the given decimals, rounded once in the direction r. The zero Rate is
// ErrNoRate, a product that does not fit ErrOverflow.
func (q Rate) MulLess(a Amount, p Percent, decimals int, r Rounding) (Amount, error) {
	coefficient, exponent, err := q.parts(decimals)
	if err != nil {
		return Amount{}, fmt.Errorf("%s * rate %s less %s per cent: %w", a, q, p, err)
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), coefficient)
	dividend.Mul(dividend, p.rest())
	product, err := quotient(dividend, apd.NewBigInt(hundredPercent), exponent+decimals-a.Decimals(), r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s * rate %s less %s per cent with %d decimals: %w", a, q, p, decimals, err)
	}
	return New(product, decimals)
}

// DivLess gives the amount of which MulLess makes a, with the given decimals, rounded once in the direction r: rounded up it
// is the least of which MulLess makes a or more. The zero Rate is ErrNoRate, a share of 100 % ErrRange, a result that does
// not fit ErrOverflow.
func (q Rate) DivLess(a Amount, p Percent, decimals int, r Rounding) (Amount, error) {
	coefficient, exponent, err := q.parts(decimals)
	if err == nil && p.rest().Sign() == 0 {
		err = ErrRange
	}
	if err != nil {
		return Amount{}, fmt.Errorf("%s / rate %s less %s per cent: %w", a, q, p, err)
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), apd.NewBigInt(hundredPercent))
	divisor := new(apd.BigInt).Mul(coefficient, p.rest())
	result, err := quotient(dividend, divisor, decimals-a.Decimals()-exponent, r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s / rate %s less %s per cent with %d decimals: %w", a, q, p, decimals, err)
	}
	return New(result, decimals)
}

// Before gives the amount of which a is left once this share is taken off, with the decimals of a, rounded once in the
// direction r: rounded up it is the least amount that leaves a where Of is rounded up as well. A share of 100 % is ErrRange,
// a result that does not fit ErrOverflow.
func (p Percent) Before(a Amount, r Rounding) (Amount, error) {
	if p.rest().Sign() == 0 {
		return Amount{}, fmt.Errorf("%s before %s per cent: %w", a, p, ErrRange)
	}
	dividend := new(apd.BigInt).Mul(apd.NewBigInt(a.units), apd.NewBigInt(hundredPercent))
	result, err := quotient(dividend, p.rest(), 0, r)
	if err != nil {
		return Amount{}, fmt.Errorf("%s before %s per cent: %w", a, p, err)
	}
	return New(result, a.Decimals())
}

// rest is what the share leaves of 100 %, in its own units.
func (p Percent) rest() *apd.BigInt { return apd.NewBigInt(hundredPercent - p.units) }
