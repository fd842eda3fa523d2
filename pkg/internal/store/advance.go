package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// CreateTransaction stores a transaction that was just agreed, with its first event. Cause is CauseCreated where the memo is
// given out with the answer, CauseRequested where it is withheld. The id must be set; version, status and times are set here.
func (tx *Tx) CreateTransaction(ctx context.Context, t Transaction, c anchor.Change) (Transaction, error) {
	status, err := anchor.Next("", false, c.Cause)
	if err != nil {
		return Transaction{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return Transaction{}, err
	}
	if _, err := tx.db.transactionKey(&t); err != nil { // what its payout asks the rail for is sealed under it
		return Transaction{}, fmt.Errorf("data key of transaction %s: %w", t.ID, err)
	}
	t.Version, t.Status, t.CreatedUs, t.UpdatedUs, t.StatusUs = 1, status, now, now, now
	err = tx.q.InsertTransaction(ctx, sqlgen.InsertTransactionParams{
		ID: t.ID, OwnerAccount: t.OwnerAccount, OwnerMemoType: t.OwnerMemoType, OwnerMemo: t.OwnerMemo, ClientDomain: t.ClientDomain,
		Status: t.Status, StatusMessage: t.StatusMessage, SenderID: t.SenderID, SenderType: t.SenderType,
		ReceiverID: t.ReceiverID, ReceiverType: t.ReceiverType, AssetID: t.AssetID, AssetCode: t.AssetCode, AssetIssuer: t.AssetIssuer,
		Decimals: t.Decimals, MinUnits: t.MinUnits, MaxUnits: t.MaxUnits, FeeFixedUnits: t.FeeFixedUnits, FeePercent: t.FeePercent,
		FundingMethod: t.FundingMethod, QuoteID: t.QuoteID, DestinationAsset: t.DestinationAsset, RefundMemoType: t.RefundMemoType,
		RefundMemo: t.RefundMemo, Lang: t.Lang, ReceivingAccount: t.ReceivingAccount, MemoType: t.MemoType, Memo: t.Memo,
		ExpectedUnits: t.ExpectedUnits, FeeUnits: t.FeeUnits, FeeDetails: t.FeeDetails, OutUnits: t.OutUnits,
		OutDecimals: t.OutDecimals, OutAsset: t.OutAsset, KeyID: t.KeyID, SealedKey: t.SealedKey, SealedFields: t.SealedFields,
		CallbackUrl: t.CallbackUrl, ExpiresUs: t.ExpiresUs, NowUs: now, SenderTypes: t.SenderTypes, ReceiverTypes: t.ReceiverTypes,
		Unpriced: t.Unpriced, EtaSeconds: t.EtaSeconds,
	})
	if tx.db.engine.exists(err) {
		return Transaction{}, fmt.Errorf("transaction %s: %w", t.ID, ErrExists)
	}
	if err != nil {
		return Transaction{}, fmt.Errorf("insert transaction %s: %w", t.ID, err)
	}
	return t, tx.event(ctx, SubjectTransaction, t.ID, 1, "", string(status), c)
}

// Happening is a transaction as this Tx read it, with those columns changed that its causes bring along (amounts, ids, required
// information), and what happened to it, in order: one change, or several that follow from each other. Status and Version must be
// as they were read. Required information is forgotten at the first change that does not ask for it.
type Happening struct {
	Transaction Transaction
	Changes     []anchor.Change
}

// Advance records what happened to a transaction: it is AdvanceMany of one change.
func (tx *Tx) Advance(ctx context.Context, t Transaction, c anchor.Change) (Transaction, error) {
	list, err := tx.AdvanceMany(ctx, []Happening{{t, []anchor.Change{c}}})
	if err != nil {
		return Transaction{}, err
	}
	return list[0], nil
}

// AdvanceMany records what happened to transactions, each named at most once: it decides every new status by anchor.Next and
// writes rows, events and callbacks together, one event for each change. It returns the rows as they are then, in the order
// of the list. If any of them has changed since it was read, the result is ErrStale; whoever did not lock them all in the order
// of their ids may end in a deadlock, after which DB.Tx runs its closure again.
func (tx *Tx) AdvanceMany(ctx context.Context, list []Happening) ([]Transaction, error) {
	if len(list) == 0 {
		return nil, nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	a := advancing{now: now}
	for _, h := range list {
		if err := a.take(h); err != nil {
			return nil, fmt.Errorf("transaction %s: %w", h.Transaction.ID, err)
		}
	}
	if err := a.write(ctx, tx); err != nil {
		return nil, fmt.Errorf("advance %s: %w", named(list), err)
	}
	return a.rows, nil
}

// named is what an error calls the transactions.
func named(list []Happening) string {
	if len(list) == 1 {
		return "transaction " + list[0].Transaction.ID
	}
	return fmt.Sprintf("%d transactions", len(list))
}

// advancing is everything that one call of AdvanceMany writes.
type advancing struct {
	now       int64
	before    []guard
	rows      []Transaction
	events    []eventOf
	callbacks []callbackOf
}

// guard is what a row must still be when it is written.
type guard struct {
	version int64
	status  anchor.Status
}

// take decides what becomes of one transaction.
func (a *advancing) take(h Happening) error {
	t := h.Transaction
	if len(h.Changes) == 0 {
		return errors.New("nothing happened to it")
	}
	a.before = append(a.before, guard{t.Version, t.Status})
	for _, c := range h.Changes {
		from := t.Status
		to, err := anchor.Next(from, t.Funded, c.Cause)
		if err != nil {
			return err
		}
		advanced(&t, to, c, a.now)
		a.events = append(a.events, eventOf{SubjectTransaction, t.ID, t.Version, string(from), string(to), c})
		if to == from || t.CallbackUrl == "" {
			continue
		}
		told, err := tellOwner(t)
		if err != nil {
			return err
		}
		a.callbacks = append(a.callbacks, told)
	}
	a.rows = append(a.rows, t)
	return nil
}

func (a *advancing) write(ctx context.Context, tx *Tx) error {
	n, err := tx.setwise(ctx, advanceTransactions(), len(a.rows), []any{a.now}, a.row)
	if err := exactly(len(a.rows), n, err); err != nil {
		return err
	}
	if err := tx.events(ctx, a.events); err != nil {
		return err
	}
	return tx.callbacks(ctx, a.callbacks)
}

// advanceTransactions writes every column that may change after a transaction was agreed, guarded by what it was decided on.
// The status is compared as an expression, for the same reason as in fundTransactions.
func advanceTransactions() statement {
	return statement{
		head: `UPDATE transactions SET version = v.column4, status = v.column5, status_message = v.column6, funded = v.column7,
		conflict = v.column8, memo = v.column9, credited_units = v.column10, payout_units = v.column11, refund_units = v.column12,
		fee_units = v.column13, fee_details = v.column14, out_units = v.column15, key_id = v.column16, sealed_key = v.column17,
		sealed_fields = v.column18, required_info = v.column19, required_message = v.column20, callback_url = v.column21,
		stellar_hash = v.column22, external_id = v.column23, expires_us = v.column24, status_us = v.column25,
		completed_us = v.column26, sender_id = v.column27, sender_type = v.column28, receiver_id = v.column29,
		receiver_type = v.column30, unpriced = v.column31, refunds = v.column32, updated_us = $1 FROM (VALUES `,
		row: `(CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BOOLEAN),` +
			`CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS BIGINT),CAST(? AS BIGINT),` +
			`CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS TEXT),` +
			`CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS TEXT),` +
			`CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BIGINT),CAST(? AS BIGINT),` +
			`CAST(? AS BIGINT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS TEXT),` +
			`CAST(? AS TEXT),CAST(? AS BOOLEAN),CAST(? AS TEXT))`,
		tail: `) AS v WHERE transactions.id = v.column1 AND transactions.version = v.column2 AND transactions.status || '' = v.column3`,
	}
}

func (a *advancing) row(i int) []any {
	t, before := &a.rows[i], a.before[i]
	return []any{
		t.ID, before.version, string(before.status), t.Version, string(t.Status), t.StatusMessage, t.Funded,
		t.Conflict, t.Memo, t.CreditedUnits, t.PayoutUnits, t.RefundUnits,
		t.FeeUnits, t.FeeDetails, t.OutUnits, t.KeyID, t.SealedKey,
		t.SealedFields, t.RequiredInfo, t.RequiredMessage, t.CallbackUrl,
		t.StellarHash, t.ExternalID, t.ExpiresUs, t.StatusUs,
		t.CompletedUs, t.SenderID, t.SenderType, t.ReceiverID,
		t.ReceiverType, t.Unpriced, t.Refunds,
	}
}

// advanced sets the columns that follow from a change of status.
func advanced(t *Transaction, after anchor.Status, c anchor.Change, now int64) {
	t.Version++
	t.UpdatedUs = now
	if c.Cause == anchor.CauseFunded {
		t.Funded = true
	}
	if c.Message != nil {
		t.StatusMessage = *c.Message
	}
	if after == t.Status {
		return
	}
	t.Status, t.StatusUs = after, now
	t.CompletedUs = 0
	if after == anchor.StatusCompleted || after == anchor.StatusRefunded {
		t.CompletedUs = now
	}
	if after != anchor.StatusPendingTransactionInfoUpdate {
		t.RequiredInfo, t.RequiredMessage = "", ""
	}
}

// CallbackBody is the message about a transaction: the answer of SEP-31 "GET Transaction".
func CallbackBody(t Transaction) (string, error) {
	public, err := t.Public()
	if err != nil {
		return "", fmt.Errorf("body of the callback about transaction %s: %w", t.ID, err)
	}
	body, err := json.Marshal(struct {
		Transaction anchor.Transaction `json:"transaction"`
	}{public})
	return string(body), err
}

// NewID makes an id for a new row. Ids grow with time, which keeps indexes compact.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
