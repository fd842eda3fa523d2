package money

import (
	"strings"
)

// numeral is a text that was found to be digits[.digits] without a leading zero too many.
type numeral struct {
	whole, fraction string
}

// scan accepts digits[.digits] and nothing else: what it refuses, other parsers read in different ways.
func scan(kind, text string) (numeral, error) {
	if len(text) > maxText {
		return numeral{}, refuse(kind, text, ErrSyntax, "longer than %d characters", maxText)
	}
	if at := strings.IndexFunc(text, notOfNumeral); at >= 0 {
		return numeral{}, refuse(kind, text, ErrSyntax,
			"character %d is not allowed, only digits and one decimal point are", at+1)
	}
	whole, fraction, pointed := strings.Cut(text, ".")
	switch {
	case whole == "":
		return numeral{}, refuse(kind, text, ErrSyntax, "at least one digit must stand before any decimal point")
	case pointed && fraction == "":
		return numeral{}, refuse(kind, text, ErrSyntax, "at least one digit must follow the decimal point")
	case strings.Contains(fraction, "."):
		return numeral{}, refuse(kind, text, ErrSyntax, "only one decimal point is allowed")
	case len(whole) > 1 && whole[0] == '0':
		return numeral{}, refuse(kind, text, ErrSyntax, "leading zeros are not allowed")
	}
	return numeral{whole: whole, fraction: fraction}, nil
}

func notOfNumeral(r rune) bool { return (r < '0' || r > '9') && r != '.' }

// significant gives the digits without leading zeros.
func (n numeral) significant() string {
	return strings.TrimLeft(n.whole+n.fraction, "0")
}

// String gives the text without trailing zeros of the fraction.
func (n numeral) String() string {
	fraction := strings.TrimRight(n.fraction, "0")
	if fraction == "" {
		return n.whole
	}
	return n.whole + "." + fraction
}
