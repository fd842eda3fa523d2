package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// writeCredits stores transactions, payouts, events and callbacks, each kind by statements of many rows.
func (tx *Tx) writeCredits(ctx context.Context, credits []credit, now int64) error {
	callbacks, err := callbacksOf(credits)
	if err != nil {
		return err
	}
	for _, write := range []struct {
		what string
		s    statement
		n    int
		row  func(i int) []any
	}{
		{"transactions", fundTransactions(), len(credits), func(i int) []any { return credits[i].transactionRow() }},
		{"payouts", insertFirstPayouts(), len(credits), func(i int) []any { return credits[i].payoutRow() }},
		{"callbacks", insertCallbacks(), len(callbacks), func(i int) []any { return callbacks[i] }},
	} {
		n, err := tx.setwise(ctx, write.s, write.n, []any{now}, write.row)
		if err := exactly(write.n, n, err); err != nil {
			return fmt.Errorf("fund %d transactions: %s: %w", len(credits), write.what, err)
		}
	}
	if err := tx.events(ctx, eventsOf(credits)); err != nil {
		return fmt.Errorf("fund %d transactions: %w", len(credits), err)
	}
	tx.wakeForCredits(credits, len(callbacks))
	return nil
}

func (tx *Tx) wakeForCredits(credits []credit, callbacks int) {
	for _, c := range credits {
		switch {
		case c.payout.State == anchor.PayoutReady:
			tx.Wake(TopicReady)
		case c.payout.WaitsFor == anchor.WaitsForPrice:
			tx.Wake(TopicPrice)
		}
	}
	if callbacks > 0 {
		tx.Wake(TopicCallbacks)
	}
}

// fundTransactions is guarded by version and status. The status is compared as an expression and not as a constant: either
// of an index of statuses or that of expiring transactions looks cheaper to Postgres than the primary key while a table is
// new, and is not. VALUES names its columns column1, column2, … on both engines.
func fundTransactions() statement {
	return statement{
		head: `UPDATE transactions SET version = v.column2 + 1, status = v.column4, funded = TRUE, credited_units = v.column5,
		payout_units = v.column6, required_info = v.column7, required_message = v.column8, stellar_hash = v.column9,
		status_us = v.column10, completed_us = v.column11, status_message = v.column12, updated_us = $1 FROM (VALUES `,
		row: "(CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS BIGINT)," +
			"CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS BIGINT),CAST(? AS TEXT))",
		tail: `) AS v WHERE transactions.id = v.column1 AND transactions.version = v.column2 AND transactions.status || '' = v.column3`,
	}
}

func (c *credit) transactionRow() []any {
	t := &c.after
	return []any{
		t.ID, t.Version - 1, string(c.before), string(t.Status), t.CreditedUnits, t.PayoutUnits,
		t.RequiredInfo, t.RequiredMessage, t.StellarHash, t.StatusUs, t.CompletedUs, t.StatusMessage,
	}
}

func insertFirstPayouts() statement {
	return statement{
		head: `INSERT INTO payouts (id, transaction_id, number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals,
		amount_asset, next_us, created_us, updated_us) VALUES `,
		row: "(?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?, $1, $1, $1)",
	}
}

func (c *credit) payoutRow() []any {
	p := &c.payout
	return []any{
		p.ID, p.TransactionID, string(p.State), string(p.WaitsFor), p.Rail, p.DebitUnits, p.AmountUnits, p.AmountDecimals, p.AmountAsset,
	}
}

// eventsOf are those of the transactions and those of their payouts.
func eventsOf(credits []credit) []eventOf {
	events := make([]eventOf, 0, 2*len(credits))
	for _, c := range credits {
		events = append(events,
			eventOf{SubjectTransaction, c.after.ID, c.after.Version, string(c.before), string(c.after.Status), c.change},
			eventOf{SubjectPayout, c.payout.ID, c.payout.Version, "", string(c.payout.State), c.change})
	}
	return events
}

func insertCallbacks() statement {
	return statement{
		head: `INSERT INTO callbacks (id, subject_kind, subject_id, seq, subscriber, body, state, next_us, created_us, updated_us) VALUES `,
		row:  "(?, ?, ?, ?, ?, ?, 'pending', $1, $1, $1)",
	}
}

// callbacksOf are the callbacks of those transactions whose status changed and whose sending anchor asked for them.
func callbacksOf(credits []credit) ([][]any, error) {
	var rows [][]any
	for i := range credits {
		c := &credits[i]
		if c.after.CallbackUrl == "" || c.after.Status == c.before {
			continue
		}
		body, err := CallbackBody(c.after)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
		}
		rows = append(rows, []any{NewID(), string(SubjectTransaction), c.after.ID, c.after.Version, subscriberOwner, body})
	}
	return rows, nil
}
