package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// SubjectKind says what an event or a callback is about.
type SubjectKind string

// The subjects of events.
const (
	SubjectTransaction SubjectKind = "transaction"
	SubjectCustomer    SubjectKind = "customer"
	SubjectPayout      SubjectKind = "payout"
	SubjectPayment     SubjectKind = "payment"
	SubjectAsset       SubjectKind = "asset"
	SubjectRefund      SubjectKind = "refund"
)

// subscriberOwner is the sending anchor that registered a callback URL with the transaction itself.
const subscriberOwner = "owner"

// eventOf is one line of history to be written; seq is the subject's version after the change.
type eventOf struct {
	kind     SubjectKind
	id       string
	seq      int64
	from, to string
	change   anchor.Change
}

// event appends one line to the history of a subject.
func (tx *Tx) event(ctx context.Context, kind SubjectKind, id string, seq int64, from, to string, c anchor.Change) error {
	return tx.events(ctx, []eventOf{{kind, id, seq, from, to, c}})
}

// events appends lines to the histories of many subjects.
func (tx *Tx) events(ctx context.Context, events []eventOf) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.setwiseLater(ctx, statement{
		head: `INSERT INTO events (at_us, subject_kind, subject_id, seq, kind, from_status, to_status, actor, reason, detail) VALUES `,
		row:  "($1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	}, len(events), []any{now}, func(i int) []any {
		e := events[i]
		return []any{string(e.kind), e.id, e.seq, string(e.change.Cause), e.from, e.to, e.change.Actor, e.change.Reason, e.change.Detail}
	})
	if err != nil {
		return fmt.Errorf("%d events: %w", len(events), err)
	}
	return nil
}

// callbackOf is what a subscriber will be told of one event; the body is fixed with the event.
type callbackOf struct {
	id   string // of the transaction
	seq  int64
	body string
}

// tellOwner is what the sending anchor that registered a callback address with a transaction is told of its change.
func tellOwner(t Transaction) (callbackOf, error) {
	body, err := CallbackBody(t)
	return callbackOf{t.ID, t.Version, body}, err
}

// callbacks stores what sending anchors will be told.
func (tx *Tx) callbacks(ctx context.Context, list []callbackOf) error {
	if len(list) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.setwiseLater(ctx, insertCallbacks(), len(list), []any{now}, func(i int) []any {
		c := list[i]
		return []any{NewID(), string(SubjectTransaction), c.id, c.seq, subscriberOwner, c.body}
	})
	if err != nil {
		return fmt.Errorf("%d callbacks: %w", len(list), err)
	}
	tx.Wake(TopicCallbacks)
	return nil
}
