package anchor

import (
	"errors"
	"fmt"
)

// Code is the category of an error; the list is closed. The HTTP edge maps each to one answer, in one file.
type Code string

// The categories. CodeInternal is what every error is that nobody gave a category: the client learns nothing of it.
const (
	CodeInvalid               Code = "invalid"
	CodeUnauthenticated       Code = "unauthenticated"
	CodeForbidden             Code = "forbidden"
	CodeNotFound              Code = "not_found"
	CodeConflict              Code = "conflict"
	CodeTooLarge              Code = "too_large"
	CodeRateLimited           Code = "rate_limited"
	CodeUnsupported           Code = "unsupported"
	CodeUnavailable           Code = "unavailable"
	CodeCustomerInfoNeeded    Code = "customer_info_needed"
	CodeTransactionInfoNeeded Code = "transaction_info_needed"
	CodeInternal              Code = "internal"
)

// Problem is what a client may be told of an error.
type Problem struct {
	Code   Code
	Text   string           // for people; empty for CodeInternal
	Type   string           // CodeCustomerInfoNeeded: the SEP-12 type whose information is missing; may be empty
	Fields map[string]Field // CodeTransactionInfoNeeded: the fields that are missing
}

// refusal stays unexported: as a value made by functions only, it cannot be returned in a shape that errors.As misses.
type refusal struct{ problem Problem }

func (r refusal) Error() string {
	if r.problem.Text != "" {
		return r.problem.Text
	}
	return string(r.problem.Code)
}

// Refuse refuses a request with a text for the client (SEP-31: 400 {"error": text}). The text must be fit for strangers.
func Refuse(text string) error { return RefuseAs(CodeInvalid, text) }

// Refusef is Refuse with a format.
func Refusef(format string, args ...any) error { return Refuse(fmt.Sprintf(format, args...)) }

// RefuseAs refuses a request in a category of its own: CodeNotFound for what the caller may not see or what is not there,
// CodeConflict for what contradicts an earlier request, and so on.
func RefuseAs(code Code, text string) error {
	return refusal{Problem{Code: code, Text: CleanText(text)}}
}

// CustomerInfoNeeded refuses a transaction because a customer's information is missing (SEP-31 "Customer Info Needed").
// customerType is one of those that Info publishes, or empty where it cannot be told.
func CustomerInfoNeeded(customerType string) error {
	return refusal{Problem{Code: CodeCustomerInfoNeeded, Type: customerType}}
}

// TransactionInfoNeeded refuses a transaction because fields are missing or wrong (SEP-31 "Transaction Info Needed").
func TransactionInfoNeeded(fields map[string]Field) error {
	return refusal{Problem{Code: CodeTransactionInfoNeeded, Fields: fields}}
}

// ProblemOf tells what a client may be told of err. Whatever was not made by the functions of this package is
// CodeInternal with nothing else: the log has the rest.
func ProblemOf(err error) Problem {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.problem
	}
	return Problem{Code: CodeInternal}
}

// CodeOf is the category of err.
func CodeOf(err error) Code { return ProblemOf(err).Code }
