package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// bankSettings is business.bank of anchor.yaml.
type bankSettings struct {
	Ledger         string        `yaml:"ledger"`          // file in which the bank keeps what it paid
	RoutingNumbers []string      `yaml:"routing_numbers"` // of the banks that it can pay to
	ClosedAccounts []string      `yaml:"closed_accounts"` // account numbers that it finds out to be wrong when it pays
	DeliversAfter  time.Duration `yaml:"delivers_after"`  // how long a transfer is under way
}

// bank pays recipients. Its ledger is that of the simulated bank, which keeps the promise that matters: a key that was paid is
// never paid again. What is added here is that a bank looks at the account before it pays.
type bank struct {
	anchor.Rail
	settings bankSettings
}

func openBank(s bankSettings) (bank, error) {
	if s.Ledger == "" {
		return bank{}, errors.New("business.bank.ledger is missing in anchor.yaml: name the file in which the bank keeps what it paid")
	}
	ledger, err := simulated.New(simulated.Options{File: s.Ledger, Outcome: simulated.OutcomeAccepted, After: s.DeliversAfter})
	return bank{Rail: ledger, settings: s}, err
}

// rail is the bank as the anchor uses it: paying through the checks below, relying on what the ledger promises.
func (b bank) rail() anchor.Rail {
	return anchor.Rail{Rails: b, NotKnownFinalAfter: b.NotKnownFinalAfter, SameKeySafeFor: b.SameKeySafeFor}
}

// Knows tells whether the bank can pay to a bank of this routing number.
func (b bank) Knows(routingNumber string) bool {
	return slices.Contains(b.settings.RoutingNumbers, routingNumber)
}

// ExecuteOutgoing pays, or says which of the fields is wrong. NeedsInfo means that this key was not paid and never will be,
// so a key that is in the ledger is not judged again: since it was paid the account may have been closed.
func (b bank) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	paid, err := b.paid(ctx, p)
	if err != nil {
		return anchor.Outcome{}, fmt.Errorf("look the key up: %w", err)
	}
	if needs := b.wrong(p.Fields); !paid && len(needs) > 0 {
		return anchor.NeedsInfo(needs...), nil
	}
	return b.Rail.ExecuteOutgoing(ctx, p)
}

// paid tells whether the ledger has the key; unless it certainly has not, it may have.
func (b bank) paid(ctx context.Context, p anchor.Payout) (bool, error) {
	answers, err := b.PollOutgoing(ctx, []anchor.Payout{p})
	return answers[p.Key].Kind() != anchor.OutcomeNotKnown, err
}

// wrong lists the fields with which nothing can be paid. Texts do not repeat the values, which are personal.
func (b bank) wrong(fields map[string]string) []anchor.Need {
	var needs []anchor.Need
	add := func(field, problem string) {
		needs = append(needs, anchor.Need{
			Of: anchor.PartyTransaction, Field: field, Problem: problem, Description: describe(field, ""),
		})
	}
	if !b.Knows(fields[routingNumber]) {
		add(routingNumber, "our bank knows no bank of this number")
	}
	if slices.Contains(b.settings.ClosedAccounts, fields[accountNumber]) {
		add(accountNumber, "the recipient's bank has no such account")
	}
	return needs
}
