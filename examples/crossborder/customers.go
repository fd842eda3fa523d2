package main

import (
	"context"
	"maps"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// The SEP-12 types of the two sides of a transaction.
const (
	senderType   = "sep31-sender"
	receiverType = "sep31-receiver"
)

// customers decides about people. The anchor keeps what they gave; nothing is stored here.
type customers struct{}

// Get says what is asked of a person. Wallets that name no type mean the sender.
func (customers) Get(_ context.Context, r anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	customerType, err := knownType(r.Type)
	return anchor.CustomerRequirements{Type: customerType, Fields: fieldsOf(customerType)}, err
}

// Put accepts whoever gave everything. A business asks its own screening here, and answers CustomerProcessing while that takes
// time; Host.Anchor.SetCustomerStatus has the last word later.
func (customers) Put(_ context.Context, r anchor.CustomerPut) (anchor.Verdict, error) {
	customerType, err := knownType(r.Type)
	if err != nil {
		return anchor.Verdict{}, err
	}
	verdict := anchor.Verdict{Type: customerType, Status: anchor.CustomerAccepted, Fields: map[string]anchor.FieldVerdict{}}
	for name := range fieldsOf(customerType) {
		switch value := r.Customer.Value(name); {
		case value == "":
			verdict.Status = anchor.CustomerNeedsInfo
		case name == emailAddress && !isMailAddress(value):
			verdict.Status = anchor.CustomerNeedsInfo
			verdict.Fields[name] = anchor.FieldVerdict{Status: anchor.FieldRejected, Error: "is not an e-mail address"}
		default:
			verdict.Fields[name] = anchor.FieldVerdict{Status: anchor.FieldAccepted}
		}
	}
	return verdict, nil
}

// Delete has nothing to forget: the anchor has erased what it kept.
func (customers) Delete(context.Context, anchor.CustomerDelete) error { return nil }

func knownType(name string) (string, error) {
	switch name {
	case "":
		return senderType, nil
	case senderType, receiverType:
		return name, nil
	}
	return "", anchor.Refusef("'type' must be %s or %s", senderType, receiverType)
}

const emailAddress = "email_address"

// fieldsOf are the SEP-9 fields of a type.
func fieldsOf(customerType string) map[string]anchor.Field {
	fields := map[string]anchor.Field{
		"first_name": {Type: anchor.FieldString, Description: "given name"},
		"last_name":  {Type: anchor.FieldString, Description: "family name"},
	}
	if customerType == senderType {
		maps.Copy(fields, map[string]anchor.Field{emailAddress: {Type: anchor.FieldString, Description: "e-mail address"}})
	}
	return fields
}

func isMailAddress(text string) bool {
	name, host, ok := strings.Cut(text, "@")
	return ok && name != "" && host != ""
}
