package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Side is one of the two sides of a transaction on which a customer may stand.
type Side string

// The sides.
const (
	SideSender   Side = "sender"
	SideReceiver Side = "receiver"
)

// ErrInvolved means that another customer stands on that side of a transaction, and that it is too late for a change.
var ErrInvolved = errors.New("another customer stands on that side of the transaction")

// PartyOwner is the user of a sending anchor's account as which a customer is kept whom nobody named except by a side of a
// transaction. It is derived, so that repeating a request means the same person.
func PartyOwner(account, transactionID string, side Side) Owner {
	sum := sha256.Sum256([]byte("anchor customer of transaction " + transactionID + " as " + string(side)))
	return Owner{Account: account, MemoType: "hash", Memo: hex.EncodeToString(sum[:])}
}

// Want says of which SEP-12 types customers are needed on both sides before the memo is given out; none: no KYC of a side.
func (t *Transaction) Want(senderTypes, receiverTypes []string) error {
	for _, side := range []struct {
		types []string
		into  *string
	}{{senderTypes, &t.SenderTypes}, {receiverTypes, &t.ReceiverTypes}} {
		*side.into = ""
		if len(side.types) == 0 {
			continue
		}
		raw, err := json.Marshal(side.types)
		if err != nil {
			return fmt.Errorf("customer types of transaction %s: %w", t.ID, err)
		}
		*side.into = string(raw)
	}
	return nil
}

// wanted lists the types of which a customer is needed on a side.
func (t Transaction) wanted(side Side) []string {
	raw := t.SenderTypes
	if side == SideReceiver {
		raw = t.ReceiverTypes
	}
	var types []string
	if raw != "" && json.Unmarshal([]byte(raw), &types) != nil {
		return nil
	}
	return types
}

// place is where a customer stands or may stand.
type place struct {
	id  *sql.NullString
	typ *string
}

func (t *Transaction) place(side Side) place {
	if side == SideReceiver {
		return place{&t.ReceiverID, &t.ReceiverType}
	}
	return place{&t.SenderID, &t.SenderType}
}

// Party is the customer who stands on a side; empty for nobody.
func (t Transaction) Party(side Side) string { return t.place(side).id.String }

// SideOf says for which side a customer of a type is meant: where one stands in that role, else where one is wanted. Of a
// type that both sides want, the sender comes first until there is one. ok is false for a type that no side has.
func (t Transaction) SideOf(customerType string) (side Side, ok bool) {
	sides := []Side{SideSender, SideReceiver}
	for _, side := range sides {
		if at := t.place(side); at.id.Valid && *at.typ == customerType {
			return side, true
		}
	}
	for _, side := range sides {
		if slices.Contains(t.wanted(side), customerType) {
			return side, true
		}
	}
	return "", false
}

// Involve puts a customer on a side in the role of a type, while the memo is withheld; afterwards only the same again, which
// changes nothing, and everything else is ErrInvolved. t must be locked by this Tx, and the customer is locked here, so that
// the status that Reconsider reads next is not one that is being replaced.
func (tx *Tx) Involve(ctx context.Context, t Transaction, side Side, customerID, customerType, actor string) (Transaction, error) {
	if _, err := tx.LockCustomer(ctx, customerID); err != nil {
		return t, err
	}
	at := t.place(side)
	if at.id.String == customerID && *at.typ == customerType {
		return t, nil
	}
	if !t.Withheld() {
		return t, fmt.Errorf("transaction %s: %w", t.ID, ErrInvolved)
	}
	*at.id, *at.typ = nullable(customerID), customerType
	return tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "the " + string(side) + " was named"})
}

// Withheld tells whether the transaction waits for its customers before its memo is given out.
func (t Transaction) Withheld() bool {
	return !t.Published() && (t.Status == anchor.StatusPendingReceiver || t.Status == anchor.StatusPendingCustomerInfoUpdate)
}

// reconsiderWithheld gives the memo out once everybody who is needed is there and accepted, ends the transaction if somebody
// was rejected, and shows whether somebody has to give something. No money can have come: nobody knows the memo.
func (tx *Tx) reconsiderWithheld(ctx context.Context, t Transaction, actor, reason string) (Transaction, error) {
	statuses, missing, err := tx.partiesOf(ctx, t)
	if err != nil {
		return t, err
	}
	change := anchor.Change{Actor: actor, Reason: reason}
	has := func(s anchor.CustomerStatus) bool { return slices.Contains(statuses, s) }
	switch {
	case has(anchor.CustomerRejected):
		change.Cause, change.Message = anchor.CauseGivenUp, new("a customer of this transaction was rejected")
	case has(anchor.CustomerNeedsInfo) && t.Status == anchor.StatusPendingReceiver:
		change.Cause = anchor.CauseCustomerInfoNeeded
	case has(anchor.CustomerNeedsInfo):
		return t, nil
	case !missing && !has(anchor.CustomerProcessing):
		change.Cause, change.Message = anchor.CausePublished, new("")
		t.Publish(t.MemoType, NewMemo(t.MemoType))
	case t.Status == anchor.StatusPendingCustomerInfoUpdate:
		change.Cause, change.Message = anchor.CauseCustomerInfoGiven, new("")
	default:
		return t, nil
	}
	return tx.Advance(ctx, t, change)
}

// partiesOf reads the statuses of those who stand on the sides; missing tells that somebody is needed who is not there.
func (tx *Tx) partiesOf(ctx context.Context, t Transaction) (statuses []anchor.CustomerStatus, missing bool, err error) {
	for _, side := range []Side{SideSender, SideReceiver} {
		at := t.place(side)
		if !at.id.Valid {
			missing = missing || len(t.wanted(side)) > 0
			continue
		}
		status, err := tx.CustomerStatus(ctx, at.id.String, *at.typ)
		if err != nil {
			return nil, false, err
		}
		statuses = append(statuses, status)
	}
	return statuses, missing, nil
}
