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
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Side is one of the two sides of a transaction on which a customer may stand.
type Side string

// The sides.
const (
	SideSender   Side = "sender"
	SideReceiver Side = "receiver"
)

// ErrInvolved means that another customer stands on that side of a transaction, or that it waits for nobody any more.
var ErrInvolved = errors.New("another customer stands on that side of the transaction")

// ErrOutdated means that a customer changed since it was assessed.
var ErrOutdated = errors.New("a customer of the transaction changed meanwhile")

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
		return []string{""} // whoever it is that is wanted: not nobody
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

// Role is the type in whose role the customer of a side takes part.
func (t Transaction) Role(side Side) string { return *t.place(side).typ }

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

// Involve puts a customer on a side in the role of a type, while the memo is withheld and nobody stands there, or somebody
// who was deleted. The same again changes nothing, everything else is ErrInvolved: nobody takes the place of one whom the
// business was asked about. t must be locked by this Tx.
func (tx *Tx) Involve(ctx context.Context, t Transaction, side Side, customerID, customerType, actor string) (Transaction, error) {
	if _, err := tx.LockCustomer(ctx, customerID); err != nil {
		return t, err
	}
	at := t.place(side)
	if at.id.String == customerID && *at.typ == customerType {
		return t, nil
	}
	free, err := tx.vacant(ctx, at)
	if err != nil {
		return t, err
	}
	if !t.Withheld() || !free {
		return t, fmt.Errorf("transaction %s: %w", t.ID, ErrInvolved)
	}
	*at.id, *at.typ = nullable(customerID), customerType
	return tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "the " + string(side) + " was named"})
}

// vacant tells whether nobody stands in a place, or somebody who is not there any more.
func (tx *Tx) vacant(ctx context.Context, at place) (bool, error) {
	if !at.id.Valid {
		return true, nil
	}
	_, err := tx.CustomerByID(ctx, at.id.String)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return false, err
}

// Withheld tells whether the transaction waits for its customers before its memo is given out.
func (t Transaction) Withheld() bool {
	return !t.Published() && (t.Status == anchor.StatusPendingReceiver || t.Status == anchor.StatusPendingCustomerInfoUpdate)
}

// Assessed is what was found of who stands on a side, in the customer's version, about what this transaction demands: the
// business is asked outside of any Tx, so it counts only as long as the customer is in that version.
type Assessed struct {
	Version int64
	Lacks   bool // something that the transaction demands beyond the customer's type was not given
}

// Release lets a transaction whose memo is withheld follow its customers. It is the only place where a memo is given out
// later than with the answer: once everybody who is needed is there, accepted, and lacks nothing that this transaction
// demands. If somebody was rejected it ends, and it shows whether somebody has to give something. No money can have come:
// nobody knows the memo. What has run out stays as it is, for expiry to end it. t must be locked by this Tx; assessed has
// everybody who stands on a side, else, or when one has changed since, the result is ErrOutdated.
func (tx *Tx) Release(ctx context.Context, t Transaction, assessed map[Side]Assessed, actor string) (Transaction, error) {
	if !t.Withheld() {
		return t, nil
	}
	over, err := tx.ranOut(ctx, t)
	if err != nil || over {
		return t, err
	}
	p, err := tx.partiesOf(ctx, t, assessed)
	if err != nil {
		return t, err
	}
	change := anchor.Change{Actor: actor, Reason: "its customers were looked at"}
	switch {
	case p.rejected:
		change.Cause, change.Message = anchor.CauseGivenUp, new("a customer of this transaction was rejected")
	case p.needs && t.Status == anchor.StatusPendingReceiver:
		change.Cause = anchor.CauseCustomerInfoNeeded
	case p.needs:
		return t, nil
	case p.accepted:
		change.Cause, change.Message = anchor.CausePublished, new("")
		t.Publish(t.MemoType, NewMemo(t.MemoType))
	case t.Status == anchor.StatusPendingCustomerInfoUpdate:
		change.Cause, change.Message = anchor.CauseCustomerInfoGiven, new("")
	default:
		return t, nil
	}
	return tx.Advance(ctx, t, change)
}

func (tx *Tx) ranOut(ctx context.Context, t Transaction) (bool, error) {
	now, err := tx.Now(ctx)
	return t.ExpiresUs > 0 && now >= t.ExpiresUs, err
}

// parties is where those who stand on the sides stand together.
type parties struct {
	accepted bool // everybody who is needed is there and accepted
	needs    bool // somebody has to give something
	rejected bool
}

func (tx *Tx) partiesOf(ctx context.Context, t Transaction, assessed map[Side]Assessed) (parties, error) {
	p := parties{accepted: true}
	sides := []Side{SideSender, SideReceiver}
	if t.Party(SideReceiver) < t.Party(SideSender) { // the order in which customers are locked
		slices.Reverse(sides)
	}
	for _, side := range sides {
		at := t.place(side)
		if !at.id.Valid {
			p.accepted = p.accepted && len(t.wanted(side)) == 0
			continue
		}
		found, ok := assessed[side]
		if !ok {
			found.Version = -1 // which no customer has
		}
		status, err := tx.assessedStatus(ctx, at, found)
		if err != nil {
			return p, err
		}
		p.accepted = p.accepted && status == anchor.CustomerAccepted
		p.needs = p.needs || status == anchor.CustomerNeedsInfo
		p.rejected = p.rejected || status == anchor.CustomerRejected
	}
	return p, nil
}

// assessedStatus is the status for this transaction of who stands in a place. Who is not there any more needs information.
func (tx *Tx) assessedStatus(ctx context.Context, at place, found Assessed) (anchor.CustomerStatus, error) {
	c, err := tx.LockCustomer(ctx, at.id.String)
	if errors.Is(err, ErrNotFound) {
		return anchor.CustomerNeedsInfo, nil
	}
	if err != nil {
		return "", err
	}
	if found.Version != c.Version {
		return "", fmt.Errorf("customer %s: %w", c.ID, ErrOutdated)
	}
	status, err := tx.CustomerStatus(ctx, c.ID, *at.typ)
	if status == anchor.CustomerAccepted && found.Lacks {
		status = anchor.CustomerNeedsInfo
	}
	return status, err
}

// WithheldOf lists transactions that wait for a customer before their memo is given out, the newest first.
func (db *DB) WithheldOf(ctx context.Context, customerID string, limit int) ([]string, error) {
	ids, err := db.q.WithheldOfCustomer(ctx, sqlgen.WithheldOfCustomerParams{CustomerID: nullable(customerID), Most: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("transactions that wait for customer %s: %w", customerID, err)
	}
	return ids, nil
}

// Releasable lists transactions whose memo is withheld although everybody who stands on their sides is accepted and nobody
// is missing, or although somebody was rejected: who recorded that ended before it could release them, or they demand more.
func (db *DB) Releasable(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := db.q.ReleasableTransactions(ctx, sqlgen.ReleasableTransactionsParams{After: after, Most: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("transactions to release: %w", err)
	}
	return ids, nil
}
