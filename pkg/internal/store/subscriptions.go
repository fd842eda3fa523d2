package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Subscribe has the sending anchor told at an address of every change of a customer's status, until all of them are final
// (SEP-12 "Customer Callback PUT"). What is still to be told goes to the new address as well. ErrNotFound if the customer is
// deleted.
func (tx *Tx) Subscribe(ctx context.Context, customerID, url string) error {
	if _, err := tx.LockCustomer(ctx, customerID); err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.q.PutSubscription(ctx, sqlgen.PutSubscriptionParams{CustomerID: customerID, Url: url, NowUs: now})
	return wrapped(err, "subscription to customer %s", customerID)
}

// announce stores a callback for every status that moved, if somebody wants to be told, and ends the subscription with the
// last of them. before are the statuses as they were.
func (tx *Tx) announce(ctx context.Context, c Customer, before map[string]CustomerStatus, change CustomerChange, moved []statusMove) error {
	if len(moved) == 0 {
		return nil
	}
	live, err := tx.q.LiveSubscription(ctx, c.ID)
	if err != nil || live == 0 {
		return wrapped(err, "subscription to customer %s", c.ID)
	}
	for _, move := range moved {
		// Types are told apart by the subscriber: each has its own order, and several may move at once.
		err := tx.later.InsertCustomerCallback(ctx, sqlgen.InsertCustomerCallbackParams{
			ID: NewID(), CustomerID: c.ID, Seq: c.Version, Subscriber: subscriberOwner + "/" + move.Type, Topic: move.Type, NowUs: c.UpdatedUs,
		})
		if err != nil {
			return fmt.Errorf("callback of customer %s: %w", c.ID, err)
		}
	}
	tx.Wake(TopicCallbacks)
	if !allFinal(before, change) {
		return nil
	}
	return wrapped(tx.q.EndSubscription(ctx, sqlgen.EndSubscriptionParams{NowUs: c.UpdatedUs, CustomerID: c.ID}), "subscription to customer %s", c.ID)
}

// allFinal tells whether the customer is accepted or rejected in every role after a change.
func allFinal(before map[string]CustomerStatus, change CustomerChange) bool {
	for name, status := range before {
		if _, decided := change.Statuses[name]; !decided && !final(status.Status) {
			return false
		}
	}
	for _, decided := range change.Statuses {
		if !final(decided.Status) {
			return false
		}
	}
	return true
}

func final(s anchor.CustomerStatus) bool {
	return s == anchor.CustomerAccepted || s == anchor.CustomerRejected
}

// forgetWithCustomer removes what nobody needs of a customer who is deleted: descriptions of files, codes, the subscription
// and what was still to be told.
func (tx *Tx) forgetWithCustomer(ctx context.Context, id string, now int64) error {
	for _, forget := range []func() error{
		func() error { return tx.q.ForgetFilesOfCustomer(ctx, nullable(id)) },
		func() error { return tx.q.ForgetCodesOfCustomer(ctx, id) },
		func() error { return tx.q.ForgetSubscription(ctx, id) },
		func() error {
			return tx.q.AbandonCustomerCallbacks(ctx, sqlgen.AbandonCustomerCallbacksParams{NowUs: now, CustomerID: id})
		},
	} {
		if err := forget(); err != nil {
			return fmt.Errorf("forget what belongs to customer %s: %w", id, err)
		}
	}
	return nil
}
