package stellar

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrNotFound says that Horizon does not know the account, ledger or transaction. A Horizon that lags says so too, so it
// is no proof that the thing does not exist.
var ErrNotFound = errors.New("not found")

// ErrBeforeHistory says that what was asked for is older than what this Horizon keeps.
var ErrBeforeHistory = errors.New("older than the history that this Horizon keeps")

// ErrUnknownOutcome says that an envelope may or may not reach the ledger. Only the ledger knows.
var ErrUnknownOutcome = errors.New("the outcome of the submission is unknown")

// ErrMalformedEnvelope says that what was to be submitted is no transaction envelope. Nothing was sent.
var ErrMalformedEnvelope = errors.New("not a transaction envelope")

// WrongNetworkError says that Horizon serves another network than the one that the settings name.
type WrongNetworkError struct {
	Want, Got string
	Endpoint  int // which of several Horizons, from 1; 0 where there is only one
}

func (e *WrongNetworkError) Error() string {
	if e.Endpoint > 0 {
		return fmt.Sprintf("Horizon %d of the list serves the network %q, but the settings name %q", e.Endpoint, e.Got, e.Want)
	}
	return fmt.Sprintf("Horizon serves the network %q, but the settings name %q", e.Got, e.Want)
}

// RateLimitedError says that Horizon refuses requests for now. Nothing was done.
type RateLimitedError struct {
	RetryAfter time.Duration // 0 where Horizon did not say
}

func (e *RateLimitedError) Error() string {
	if e.RetryAfter == 0 {
		return "Horizon's rate limit is used up"
	}
	return fmt.Sprintf("Horizon's rate limit is used up, try again in %s", e.RetryAfter)
}

// UnavailableError says that Horizon did not answer, or answered that it cannot. Trying again later may help.
type UnavailableError struct {
	Status     int // HTTP status, 0 where there was no answer
	Title      string
	RetryAfter time.Duration // 0 where Horizon did not say
	Err        error         // why there was no answer
}

func (e *UnavailableError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("Horizon does not answer: %v", e.Err)
	}
	return "Horizon answered " + statusAndTitle(e.Status, e.Title)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// waited tells whether Horizon took what was submitted and waited for its ledger in vain.
func (e *UnavailableError) waited() bool { return e.Status == http.StatusGatewayTimeout }

// RequestError says that Horizon refused the request itself; repeating it will not help.
type RequestError struct {
	Status        int
	Title         string
	Field, Reason string // what Horizon says is wrong, where it does
}

func (e *RequestError) Error() string {
	said := "Horizon answered " + statusAndTitle(e.Status, e.Title)
	switch {
	case e.Field != "":
		return fmt.Sprintf("%s: %s: %s", said, e.Field, e.Reason)
	case e.Reason != "":
		return said + ": " + e.Reason
	}
	return said
}

// AnswerError says that an answer was not what a Horizon answers: cut, of another form, or for another question.
type AnswerError struct {
	Reason  string
	garbled bool // it is not even of the form expected: another time it may be
}

func (e *AnswerError) Error() string { return "Horizon's answer cannot be read: " + e.Reason }

// FailedError says that the network did not accept a transaction, or took it into the ledger as failed; the answer does
// not tell which, and the same envelope may still succeed later where it was only refused.
type FailedError struct {
	TransactionCode string // such as tx_bad_seq
	InnerCode       string // of the wrapped transaction of a fee bump
	OperationCodes  []string
}

func (e *FailedError) Error() string {
	codes := []string{e.TransactionCode}
	if e.InnerCode != "" {
		codes = append(codes, e.InnerCode)
	}
	codes = append(codes, e.OperationCodes...)
	return "the network refused the transaction: " + strings.Join(codes, ", ")
}

// temporary tells whether the same request may well be answered in a while. A 404 counts: behind a load balancer one
// Horizon may not have seen yet what another one told of. So does what is no JSON: an answer that was cut, or a proxy's.
func temporary(err error) bool {
	var refused *RequestError
	var unreadable *AnswerError
	return !errors.As(err, &refused) && (!errors.As(err, &unreadable) || unreadable.garbled) &&
		!errors.Is(err, ErrBeforeHistory) && !errors.Is(err, errTooLarge)
}

func statusAndTitle(status int, title string) string {
	if title == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprintf("%d (%s)", status, title)
}
