package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// sendingAnchorsVariable lists the Stellar accounts of the businesses that we have an agreement with, with commas.
const sendingAnchorsVariable = "SENDING_ANCHORS"

// The transaction fields: where the recipient's bank account is.
const (
	routingNumber = "routing_number"
	accountNumber = "account_number"
)

// directory is what can be asked about a bank before anything is paid.
type directory interface {
	Knows(routingNumber string) bool
}

// receiver decides about transactions. It is a value: nothing in it changes after setup.
type receiver struct {
	bank    directory
	senders []string
}

// Info asks for one kind of sender and one of receiver, and for the bank account.
func (r receiver) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) {
	return anchor.Info{
		SenderTypes:   map[string]anchor.CustomerType{senderType: {Description: "the person who sends the money"}},
		ReceiverTypes: map[string]anchor.CustomerType{receiverType: {Description: "the person who receives the money"}},
		Fields: map[string]anchor.Field{
			routingNumber: {Description: describe(routingNumber, "")},
			accountNumber: {Description: describe(accountNumber, "")},
		},
	}, nil
}

// ValidSendingAnchor admits the accounts that were listed, whatever memo or muxed id they log in with.
func (r receiver) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	return slices.Contains(r.senders, who.Account), nil
}

// ProcessPostRequest verifies as much of the bank account as can be told without a transfer. Whether the account exists at
// its bank is only found out by paying: see bank.ExecuteOutgoing.
func (r receiver) ProcessPostRequest(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	// The anchor has checked the customers already; money for strangers is worth a second look.
	if p.Sender.Status() != anchor.CustomerAccepted {
		return anchor.Acceptance{}, anchor.CustomerInfoNeeded(senderType)
	}
	if p.Receiver.Status() != anchor.CustomerAccepted {
		return anchor.Acceptance{}, anchor.CustomerInfoNeeded(receiverType)
	}
	return anchor.Acceptance{}, r.verify(map[string]string{
		routingNumber: p.Fields[routingNumber], accountNumber: p.Fields[accountNumber],
	})
}

// ProcessPatchRequest verifies what is given anew. The anchor stores it and pays again.
func (r receiver) ProcessPatchRequest(_ context.Context, p anchor.PatchRequest) error {
	return r.verify(p.Fields)
}

// verify refuses wrong fields and says what is wrong with each.
func (r receiver) verify(fields map[string]string) error {
	wrong := map[string]anchor.Field{}
	for name, value := range fields {
		if problem := r.problem(name, value); problem != "" {
			wrong[name] = anchor.Field{Description: describe(name, problem)}
		}
	}
	if len(wrong) > 0 {
		return anchor.TransactionInfoNeeded(wrong)
	}
	return nil
}

// problem is what is wrong with a field. It does not repeat the value, which is personal.
func (r receiver) problem(name, value string) string {
	switch name {
	case routingNumber:
		if !r.bank.Knows(value) {
			return "our bank knows no bank of this number"
		}
	case accountNumber:
		if !isAccountNumber(value) {
			return "must be 4 to 17 digits"
		}
	}
	return ""
}

func isAccountNumber(text string) bool {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	return len(text) >= 4 && len(text) <= 17 && !strings.ContainsFunc(text, notDigit)
}

// describe tells a sending anchor what a field is and, where there is one, what is wrong with its value.
func describe(name, problem string) string {
	text := "number of the recipient's bank account"
	if name == routingNumber {
		text = "routing number of the recipient's bank"
	}
	if problem != "" {
		text += ": " + problem
	}
	return text
}

// parseSendingAnchors reads accounts with commas between them. One that is mistyped is an error: silently left out, it would
// look like a sending anchor that is turned away on purpose.
func parseSendingAnchors(text string) ([]string, error) {
	var accounts []string
	for account := range strings.SplitSeq(text, ",") {
		account = strings.TrimSpace(account)
		if account == "" {
			continue
		}
		if !strkey.IsValidEd25519PublicKey(account) {
			return nil, fmt.Errorf("%s has a value that is not a Stellar account: give accounts (G…) with commas between them", sendingAnchorsVariable)
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}
