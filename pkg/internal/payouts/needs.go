package payouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// answerable tells whether everything that a rail needs can be asked of somebody.
func answerable(o anchor.Outcome, t store.Transaction) bool {
	switch t.Status {
	case anchor.StatusPendingReceiver, anchor.StatusPendingExternal, anchor.StatusPendingCustomerInfoUpdate,
		anchor.StatusPendingTransactionInfoUpdate:
	default:
		return false
	}
	for _, need := range o.Needs() {
		switch need.Of {
		case anchor.PartyTransaction:
		case anchor.PartySender:
			if !t.SenderID.Valid {
				return false
			}
		case anchor.PartyReceiver:
			if !t.ReceiverID.Valid {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// needInfo asks for what a rail needs. Customers whose data have changed since the attempt was made are not asked: what they
// gave since is tried first. What the payout waits for, if anything, follows from what is known then.
func (g *settling) needInfo(ctx context.Context, a answer, is store.Answered) error {
	t := is.Transaction
	if err := g.askCustomers(ctx, a, is); err != nil {
		return err
	}
	changes, err := askTransaction(a, &t)
	if err != nil {
		return err
	}
	after := t
	for _, change := range changes {
		if after.Status, err = anchor.Next(after.Status, after.Funded, change.Cause); err != nil {
			return fmt.Errorf("transaction %s: %w", t.ID, err)
		}
	}
	waits, needsInfo, err := g.tx.Readiness(ctx, after)
	if err != nil {
		return err
	}
	if cause, ok := following(after, needsInfo); ok {
		changes = append(changes, anchor.Change{
			Cause: cause, Actor: a.actor, Reason: "the rail needs " + named(a.outcome.Needs()), Message: askMessage(a.outcome, cause, t),
		})
	}
	state := anchor.PayoutReady
	if waits != anchor.WaitsForNothing {
		state = anchor.PayoutWaiting
	}
	a.why = "the rail needs " + named(a.outcome.Needs())
	g.movePayoutTo(a, is, state, waits, Move{})
	g.tell(t, changes)
	return nil
}

// following is what a payout that goes back to waiting or ready means for its transaction.
func following(t store.Transaction, needsInfo bool) (anchor.Cause, bool) {
	switch {
	case needsInfo && (t.Status == anchor.StatusPendingReceiver || t.Status == anchor.StatusPendingExternal):
		return anchor.CauseCustomerInfoNeeded, true
	case !needsInfo && t.Status == anchor.StatusPendingExternal: // the rail had taken it on and has given it back
		return anchor.CausePayoutFailed, true
	case !needsInfo && t.Status == anchor.StatusPendingCustomerInfoUpdate:
		return anchor.CauseCustomerInfoGiven, true
	default:
		return "", false
	}
}

func askMessage(o anchor.Outcome, cause anchor.Cause, t store.Transaction) *string {
	switch {
	case cause == anchor.CauseCustomerInfoNeeded:
		return new(problems(o.Needs(), anchor.PartySender, anchor.PartyReceiver))
	case t.StatusMessage != "":
		return new("")
	default:
		return nil
	}
}

// askCustomers records what is needed of the sender and the receiver; versions are read before either is asked, since asking
// changes them and both can be the same customer.
func (g *settling) askCustomers(ctx context.Context, a answer, is store.Answered) error {
	type asked struct {
		id, typ string
		needs   []anchor.Need
	}
	var ask []asked
	for _, party := range []struct {
		of      anchor.Party
		id, typ string
		version int64
	}{
		{anchor.PartySender, is.Transaction.SenderID.String, is.Transaction.SenderType, is.Attempt.SenderVersion},
		{anchor.PartyReceiver, is.Transaction.ReceiverID.String, is.Transaction.ReceiverType, is.Attempt.ReceiverVersion},
	} {
		needs := of(a.outcome.Needs(), party.of)
		if len(needs) == 0 {
			continue
		}
		present, err := g.tx.CustomerVersion(ctx, party.id)
		if errors.Is(err, store.ErrNotFound) || err == nil && present > party.version {
			continue
		}
		if err != nil {
			return err
		}
		ask = append(ask, asked{party.id, party.typ, needs})
	}
	for _, c := range ask {
		if err := g.tx.NeedCustomerInfo(ctx, c.id, c.typ, c.needs, a.actor); err != nil {
			return err
		}
	}
	return nil
}

// askTransaction puts the transaction fields that are needed into t (SEP-31 required_info_updates).
func askTransaction(a answer, t *store.Transaction) ([]anchor.Change, error) {
	needs := of(a.outcome.Needs(), anchor.PartyTransaction)
	if len(needs) == 0 {
		return nil, nil
	}
	fields := map[string]anchor.Field{}
	for _, need := range needs {
		description := need.Description
		if description == "" {
			description = need.Field
		}
		fields[need.Field] = anchor.Field{Description: description, Choices: need.Choices, Optional: need.Optional}
	}
	raw, err := json.Marshal(map[string]map[string]anchor.Field{"transaction": fields})
	if err != nil {
		return nil, fmt.Errorf("required information: %w", err)
	}
	t.RequiredInfo, t.RequiredMessage = string(raw), problems(needs, anchor.PartyTransaction)
	change := anchor.Change{
		Cause: anchor.CauseTransactionInfoNeeded, Actor: a.actor, Reason: "the rail needs " + named(needs), Message: new(t.RequiredMessage),
	}
	if t.Status == anchor.StatusPendingTransactionInfoUpdate {
		change.Cause = anchor.CauseNoted
	}
	return []anchor.Change{change}, nil
}

func of(needs []anchor.Need, party anchor.Party) []anchor.Need {
	var some []anchor.Need
	for _, need := range needs {
		if need.Of == party {
			some = append(some, need)
		}
	}
	return some
}

// named lists fields for the history: names, never values.
func named(needs []anchor.Need) string {
	names := make([]string, len(needs))
	for i, need := range needs {
		names[i] = string(need.Of) + "." + need.Field
	}
	return cut(strings.Join(names, ", "), 500)
}

// problems is what the sending anchor reads about what is needed of the parties.
func problems(needs []anchor.Need, parties ...anchor.Party) string {
	var texts []string
	for _, party := range parties {
		for _, need := range of(needs, party) {
			text := need.Field
			if party != anchor.PartyTransaction {
				text = string(party) + "'s " + text
			}
			if need.Problem != "" {
				text += ": " + need.Problem
			}
			texts = append(texts, text)
		}
	}
	return cut(strings.Join(texts, "; "), 1000)
}

// needsText keeps what was asked for, beside the answer.
func needsText(needs []anchor.Need) string {
	if len(needs) == 0 {
		return ""
	}
	type kept struct {
		Of       anchor.Party `json:"of"`
		Field    string       `json:"field"`
		Problem  string       `json:"problem,omitempty"`
		Optional bool         `json:"optional,omitempty"`
	}
	list := make([]kept, len(needs))
	for i, need := range needs {
		list[i] = kept{need.Of, need.Field, need.Problem, need.Optional}
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return "" // strings and booleans always marshal
	}
	return string(raw)
}
