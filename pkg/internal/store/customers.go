package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Customer is a row of customers: a person or an organization that a sending anchor registered (SEP-12), known by the
// account, memo type and memo of its owner. Its values are sealed under its own data key.
type Customer struct{ sqlgen.Customer }

// Owner is the sending anchor's account and the user of it that a customer is; both memo parts are empty for none. An M…
// account is its G… account with its number as a memo of type id. Memos are written canonically.
type Owner struct{ Account, MemoType, Memo string }

// CustomerStatus is what was decided about a customer in the role of one type.
type CustomerStatus struct{ sqlgen.CustomerStatus }

// The kinds of events about customers.
const (
	CustomerCreated anchor.Cause = anchor.CauseCreated
	CustomerGave    anchor.Cause = "values_given"
	CustomerJudged  anchor.Cause = "judged"
	CustomerAsked   anchor.Cause = anchor.CauseCustomerInfoNeeded
	CustomerDeleted anchor.Cause = "deleted"
	CustomerErased  anchor.Cause = "erased"
)

// CustomerOf reads a customer of a sending anchor's account, whichever user it is; anybody else's is not found.
func (db *DB) CustomerOf(ctx context.Context, ownerAccount, id string) (Customer, error) {
	row, err := db.q.CustomerOfAccount(ctx, sqlgen.CustomerOfAccountParams{ID: id, OwnerAccount: ownerAccount})
	return found(Customer{row}, err, "customer %s", id)
}

// CustomerOfUser reads a customer by id if it is exactly this user of the account; every other is not found.
func (db *DB) CustomerOfUser(ctx context.Context, o Owner, id string) (Customer, error) {
	row, err := db.q.CustomerOfUser(ctx, sqlgen.CustomerOfUserParams{ID: id, OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo})
	return found(Customer{row}, err, "customer %s", id)
}

// CustomerByOwner reads the customer that a user of a sending anchor is.
func (db *DB) CustomerByOwner(ctx context.Context, o Owner) (Customer, error) {
	row, err := db.q.CustomerByOwner(ctx, sqlgen.CustomerByOwnerParams{OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo})
	return found(Customer{row}, err, "customer")
}

// CustomerByID reads a customer whoever it belongs to: for workers and operators, never for a sending anchor.
func (db *DB) CustomerByID(ctx context.Context, id string) (Customer, error) {
	row, err := db.q.CustomerByID(ctx, id)
	return found(Customer{row}, err, "customer %s", id)
}

// StatusesOfCustomer lists what was decided about a customer, by type.
func (db *DB) StatusesOfCustomer(ctx context.Context, id string) (map[string]CustomerStatus, error) {
	rows, err := db.q.StatusesOfCustomer(ctx, id)
	return statusesByType(rows, err, id)
}

// StatusesOfCustomer lists what was decided about a customer, by type.
func (tx *Tx) StatusesOfCustomer(ctx context.Context, id string) (map[string]CustomerStatus, error) {
	rows, err := tx.q.StatusesOfCustomer(ctx, id)
	return statusesByType(rows, err, id)
}

func statusesByType(rows []sqlgen.CustomerStatus, err error, id string) (map[string]CustomerStatus, error) {
	if err != nil {
		return nil, fmt.Errorf("statuses of customer %s: %w", id, err)
	}
	statuses := make(map[string]CustomerStatus, len(rows))
	for _, row := range rows {
		statuses[row.Type] = CustomerStatus{row}
	}
	return statuses, nil
}

// CreateCustomer makes the customer of a user who has none, with its data key and first event. If somebody else just made
// it, the result is ErrStale and the closure runs again, and finds it.
func (tx *Tx) CreateCustomer(ctx context.Context, o Owner, actor string) (Customer, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Customer{}, err
	}
	c := Customer{sqlgen.Customer{
		ID: NewID(), OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo, Version: 1, CreatedUs: now, UpdatedUs: now,
	}}
	if _, c.KeyID, c.SealedKey, err = tx.db.keys.newDataKey(customerBound(c.ID)); err != nil {
		return Customer{}, err
	}
	err = one(tx.q.InsertCustomer(ctx, sqlgen.InsertCustomerParams{
		ID: c.ID, OwnerAccount: c.OwnerAccount, MemoType: c.MemoType, Memo: c.Memo, KeyID: c.KeyID, SealedKey: c.SealedKey, NowUs: now,
	}))
	if err != nil {
		return Customer{}, fmt.Errorf("insert customer: %w", err)
	}
	return c, tx.event(ctx, SubjectCustomer, c.ID, 1, "", "", anchor.Change{Cause: CustomerCreated, Actor: actor})
}

// CustomerByID reads a customer without locking it.
func (tx *Tx) CustomerByID(ctx context.Context, id string) (Customer, error) {
	row, err := tx.q.CustomerByID(ctx, id)
	return found(Customer{row}, err, "customer %s", id)
}

// CustomerByOwner reads the customer that a user of a sending anchor is.
func (tx *Tx) CustomerByOwner(ctx context.Context, o Owner) (Customer, error) {
	row, err := tx.q.CustomerByOwner(ctx, sqlgen.CustomerByOwnerParams{OwnerAccount: o.Account, MemoType: o.MemoType, Memo: o.Memo})
	return found(Customer{row}, err, "customer")
}

// LockCustomer reads a customer so that nobody else changes it before this Tx ends. Lock its transactions before.
func (tx *Tx) LockCustomer(ctx context.Context, id string) (Customer, error) {
	if tx.db.engine.forUpdate() != "" {
		if _, err := tx.tx.ExecContext(ctx, "SELECT 1 FROM customers WHERE id = $1 FOR UPDATE", id); err != nil {
			return Customer{}, fmt.Errorf("lock customer %s: %w", id, err)
		}
	}
	row, err := tx.q.CustomerByID(ctx, id)
	return found(Customer{row}, err, "customer %s", id)
}

// LockCustomerAfter is LockCustomer for who has locked the customer's open transactions and will have them follow. One that
// was agreed on and paid for in between is not among them and nobody else would move its payout: the result is then ErrStale.
func (tx *Tx) LockCustomerAfter(ctx context.Context, open []Transaction, id string) (Customer, error) {
	c, err := tx.LockCustomer(ctx, id)
	if err != nil {
		return Customer{}, err
	}
	ids, err := tx.OpenTransactionsOf(ctx, id)
	if err != nil {
		return Customer{}, err
	}
	locked := make(map[string]bool, len(open))
	for _, t := range open {
		locked[t.ID] = true
	}
	for _, other := range ids {
		if locked[other] {
			continue
		}
		row, err := tx.q.TransactionByID(ctx, other)
		if err != nil {
			return Customer{}, fmt.Errorf("transaction %s: %w", other, err)
		}
		if row.Funded {
			return Customer{}, fmt.Errorf("transaction %s of customer %s was paid for: %w", other, id, ErrStale)
		}
	}
	return c, nil
}

// CustomerVersion is the version of a customer, which grows with every change of its values or statuses; ErrNotFound if it
// is deleted.
func (tx *Tx) CustomerVersion(ctx context.Context, id string) (int64, error) {
	row, err := tx.q.CustomerByID(ctx, id)
	return found(row.Version, err, "version of customer %s", id)
}

// OpenTransactionsOf lists the transactions whose payout a customer's status can move, in the order in which to lock them.
func (tx *Tx) OpenTransactionsOf(ctx context.Context, customerID string) ([]string, error) {
	ids, err := tx.q.OpenTransactionsOfCustomer(ctx, nullable(customerID))
	if err != nil {
		return nil, fmt.Errorf("open transactions of customer %s: %w", customerID, err)
	}
	return ids, nil
}

// LockOpenTransactionsOf locks them all, in order, and returns them as they stand.
func (tx *Tx) LockOpenTransactionsOf(ctx context.Context, customerID string) ([]Transaction, error) {
	ids, err := tx.OpenTransactionsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	list := make([]Transaction, len(ids))
	for i, id := range ids {
		if list[i], err = tx.LockTransaction(ctx, id); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// CustomerChange is what happened to a customer, all of it in one version: values given, fields judged, statuses decided,
// deletion. No text in it may hold personal data.
type CustomerChange struct {
	Cause    anchor.Cause
	Actor    string
	Reason   string
	Values   map[string]CustomerValue // by canonical name; given anew
	Files    map[string]string        // by canonical name: the id of the file that a value was; the field takes it over
	Fields   map[string]JudgedField   // by canonical name; applied after Values
	Statuses map[string]DecidedStatus // by type
	Delete   bool                     // hide the customer; see DB.EraseCustomer
}

// DecidedStatus is a status to be recorded for one type.
type DecidedStatus struct {
	Status  anchor.CustomerStatus
	Message string // for the sending anchor
}

// AdvanceCustomer is the only writer of customers, their values and their statuses: all of a change is written together with
// its event, which tells names of fields and never values. c is the row as this Tx read it; if it has changed since, the
// result is ErrStale. The caller then lets the customer's transactions follow: see Tx.Reconsider.
func (tx *Tx) AdvanceCustomer(ctx context.Context, c Customer, change CustomerChange) (Customer, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Customer{}, err
	}
	if change.Delete {
		c.DeletedUs = now
	}
	err = one(tx.q.UpdateCustomer(ctx, sqlgen.UpdateCustomerParams{Version: c.Version, DeletedUs: c.DeletedUs, NowUs: now, ID: c.ID}))
	if err != nil {
		return Customer{}, fmt.Errorf("advance customer %s: %w", c.ID, err)
	}
	c.Version, c.UpdatedUs = c.Version+1, now
	if err := tx.putFields(ctx, c, change, now); err != nil {
		return Customer{}, err
	}
	if change.Delete {
		if err := tx.forgetWithCustomer(ctx, c.ID, now); err != nil {
			return Customer{}, err
		}
	}
	moved, err := tx.putStatuses(ctx, c, change, now)
	if err != nil {
		return Customer{}, err
	}
	return c, tx.customerEvent(ctx, c, change, moved)
}

// putFields writes what changed about fields: values, the files that they were, and what was decided about them.
func (tx *Tx) putFields(ctx context.Context, c Customer, change CustomerChange, now int64) error {
	if len(change.Values) == 0 && len(change.Fields) == 0 {
		return nil
	}
	if err := tx.putValues(ctx, c, change.Values, now); err != nil {
		return err
	}
	if err := tx.takeFiles(ctx, c.ID, change, now); err != nil {
		return err
	}
	if err := tx.countCodes(ctx, c.ID, change.Fields, now); err != nil {
		return err
	}
	if err := tx.judgeFields(ctx, c.ID, change.Fields, now); err != nil {
		return err
	}
	if err := tx.q.ForgetIdleCodes(ctx, c.ID); err != nil {
		return fmt.Errorf("codes of customer %s: %w", c.ID, err)
	}
	return tx.putCodes(ctx, c, change.Fields, now)
}

// statusMove is a change of one status, as the history tells it.
type statusMove struct {
	Type string                `json:"type"`
	From anchor.CustomerStatus `json:"from,omitempty"`
	To   anchor.CustomerStatus `json:"to"`
}

func (tx *Tx) putStatuses(ctx context.Context, c Customer, change CustomerChange, now int64) ([]statusMove, error) {
	if len(change.Statuses) == 0 {
		return nil, nil
	}
	before, err := tx.StatusesOfCustomer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var moved []statusMove
	for _, name := range sortedKeys(change.Statuses) {
		decided := change.Statuses[name]
		err := tx.q.PutCustomerStatus(ctx, sqlgen.PutCustomerStatusParams{
			CustomerID: c.ID, Type: name, Status: decided.Status, Message: decided.Message, Actor: change.Actor, NowUs: now,
		})
		if err != nil {
			return nil, fmt.Errorf("status of customer %s: %w", c.ID, err)
		}
		if from := before[name].Status; from != decided.Status {
			moved = append(moved, statusMove{Type: name, From: from, To: decided.Status})
		}
	}
	return moved, tx.announce(ctx, c, before, change, moved)
}

func (tx *Tx) customerEvent(ctx context.Context, c Customer, change CustomerChange, moved []statusMove) error {
	detail, err := json.Marshal(struct {
		Given    []string     `json:"given,omitempty"`
		Judged   []string     `json:"judged,omitempty"`
		Statuses []statusMove `json:"statuses,omitempty"`
	}{sortedKeys(change.Values), sortedKeys(change.Fields), moved})
	if err != nil {
		return fmt.Errorf("event of customer %s: %w", c.ID, err)
	}
	var from, to string
	if len(moved) == 1 {
		from, to = string(moved[0].From), string(moved[0].To)
	}
	return tx.event(ctx, SubjectCustomer, c.ID, c.Version, from, to, anchor.Change{
		Cause: change.Cause, Actor: change.Actor, Reason: change.Reason, Detail: string(detail),
	})
}

// JudgedOnlySince tells whether nothing happened to a customer after it had a version, but that the judge decided about it:
// the values are still those of that version, and nobody else has decided anything.
func (tx *Tx) JudgedOnlySince(ctx context.Context, customerID string, version int64, judge string) (bool, error) {
	n, err := tx.q.CountCustomerEventsSince(ctx, sqlgen.CountCustomerEventsSinceParams{CustomerID: customerID, Version: version, Judge: judge})
	if err != nil {
		return false, fmt.Errorf("events of customer %s since version %d: %w", customerID, version, err)
	}
	return n == 0, nil
}

// OpenCustomerFields is DB.OpenCustomerFields; it reads nothing.
func (tx *Tx) OpenCustomerFields(c Customer, fields map[string]CustomerField) (map[string]CustomerValue, error) {
	return tx.db.OpenCustomerFields(c, fields)
}

// NeedCustomerInfo records that a payout cannot go on without data of a customer: the fields are asked for again, and the
// customer needs information in the role of the type. A rejection stays one. Needs of other parties must be left out; the
// caller holds the lock of the transaction and lets it follow. For a customer that is deleted there is nothing to record.
func (tx *Tx) NeedCustomerInfo(ctx context.Context, customerID, customerType string, needs []anchor.Need, actor string) error {
	c, err := tx.LockCustomer(ctx, customerID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	change := CustomerChange{
		Cause: CustomerAsked, Actor: actor, Reason: "a payout needs information", Fields: map[string]JudgedField{},
		Statuses: map[string]DecidedStatus{},
	}
	for _, need := range needs {
		change.Fields[anchor.SEP9Canonical(need.Field)] = JudgedField{
			Status: anchor.FieldRejected, Error: need.Problem,
			Asked: AskedField{Type: customerType, Description: need.Description, Choices: need.Choices, Optional: need.Optional},
		}
	}
	status, err := tx.CustomerStatus(ctx, customerID, customerType)
	if err != nil {
		return err
	}
	if status != anchor.CustomerRejected {
		change.Statuses[customerType] = DecidedStatus{Status: anchor.CustomerNeedsInfo}
	}
	_, err = tx.AdvanceCustomer(ctx, c, change)
	return err
}

// UnjudgedCustomers lists customers whose status has been PROCESSING since before that time (UTC microseconds) by a change of
// this actor, each once.
func (db *DB) UnjudgedCustomers(ctx context.Context, actor string, beforeUs int64, limit int) ([]string, error) {
	most := int32(min(max(limit, 1), 10_000))
	rows, err := db.q.UnjudgedCustomers(ctx, sqlgen.UnjudgedCustomersParams{Actor: actor, BeforeUs: beforeUs, Most: most})
	if err != nil {
		return nil, fmt.Errorf("customers not judged: %w", err)
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.CustomerID)
	}
	return slices.Compact(ids), nil
}

// CustomerFilter says which customers an operator wants to see.
type CustomerFilter struct {
	Status anchor.CustomerStatus // empty: any
	After  string                // the last id of the page before; empty: from the oldest
	Limit  int                   // at most; 0: 100
}

// CustomerListed is where a customer stands in the role of one type.
type CustomerListed struct{ sqlgen.ListCustomersRow }

// Customers lists customers whoever they belong to, oldest first, one entry for each type: for operators. The entries of
// one customer are never parted between two pages, unless they do not fit on one.
func (db *DB) Customers(ctx context.Context, f CustomerFilter) ([]CustomerListed, error) {
	most := int32(100)
	if f.Limit > 0 {
		most = int32(min(f.Limit, 10_000))
	}
	list, err := db.listCustomers(ctx, f, most)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	if len(list) < int(most) {
		return list, nil
	}
	last := list[len(list)-1].ID
	whole := slices.IndexFunc(list, func(c CustomerListed) bool { return c.ID == last })
	if whole == 0 || f.Status != "" && whole == len(list)-1 {
		return list, nil
	}
	return list[:whole], nil
}

func (db *DB) listCustomers(ctx context.Context, f CustomerFilter, most int32) ([]CustomerListed, error) {
	if f.Status == "" {
		rows, err := db.q.ListCustomers(ctx, sqlgen.ListCustomersParams{After: f.After, Most: most})
		list := make([]CustomerListed, len(rows))
		for i, row := range rows {
			list[i] = CustomerListed{row}
		}
		return list, err
	}
	rows, err := db.q.ListCustomersOfStatus(ctx, sqlgen.ListCustomersOfStatusParams{Status: f.Status, After: f.After, Most: most})
	list := make([]CustomerListed, len(rows))
	for i, row := range rows {
		list[i] = CustomerListed{sqlgen.ListCustomersRow(row)}
	}
	return list, err
}
