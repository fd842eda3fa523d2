package money

import (
	"errors"
	"fmt"
)

// Reasons why a text or an operation is refused. Every error of this package wraps exactly one of them.
var (
	// ErrSyntax says that a text is not written in the one accepted way.
	ErrSyntax = errors.New("not a plain decimal number")
	// ErrTooPrecise says that a text has more decimals than its asset or kind allows.
	ErrTooPrecise = errors.New("too many decimals")
	// ErrRange says that a value is outside what its kind may hold.
	ErrRange = errors.New("out of range")
	// ErrOverflow says that a value or result is larger than 2^63-1 of the smallest units.
	ErrOverflow = errors.New("too large")
	// ErrNegative says that a value or result would be below zero.
	ErrNegative = errors.New("below zero")
	// ErrDecimals says that a number of decimals is not 0..18, or that two amounts have different decimals.
	ErrDecimals = errors.New("unsuitable decimals")
	// ErrNoRate says that the zero Rate, which stands for "no rate", was used in arithmetic.
	ErrNoRate = errors.New("no rate")
	// ErrAsset says that a text does not name an asset.
	ErrAsset = errors.New("not an asset")
)

// ParseError tells which text was refused and why. Unwrap gives one of the reasons above.
type ParseError struct {
	Kind   string // what the text should have been: "amount", "rate", "percentage", "asset"
	Text   string // the text, cut to a printable length
	Reason error
	Detail string // what is wrong in this text and what is allowed
}

// Error names the text, the reason and what is allowed.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%s %q: %v: %s", e.Kind, e.Text, e.Reason, e.Detail)
}

// Unwrap gives the reason, for errors.Is.
func (e *ParseError) Unwrap() error { return e.Reason }

// maxText bounds every number that is read: longer than any number that could be accepted.
const maxText = 64

func refuse(kind, text string, reason error, format string, args ...any) *ParseError {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return &ParseError{Kind: kind, Text: text, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
