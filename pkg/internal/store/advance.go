package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
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

// Advance records what happened to a transaction: it decides the new status by anchor.Next and writes row, event and callback
// together. t is the row as this Tx read it, with those columns changed that the cause brings along (amounts, ids, required
// information); its Status and Version must be as they were read. If the row has changed since, the result is ErrStale.
func (tx *Tx) Advance(ctx context.Context, t Transaction, c anchor.Change) (Transaction, error) {
	before := t.Status
	after, err := anchor.Next(before, t.Funded, c.Cause)
	if err != nil {
		return Transaction{}, fmt.Errorf("transaction %s: %w", t.ID, err)
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return Transaction{}, err
	}
	advanced(&t, after, c, now)
	err = one(tx.q.UpdateTransaction(ctx, sqlgen.UpdateTransactionParams{
		Version: t.Version - 1, Status: after, StatusMessage: t.StatusMessage, Funded: t.Funded, Conflict: t.Conflict, Memo: t.Memo,
		CreditedUnits: t.CreditedUnits, PayoutUnits: t.PayoutUnits, RefundUnits: t.RefundUnits, FeeUnits: t.FeeUnits,
		FeeDetails: t.FeeDetails, OutUnits: t.OutUnits, KeyID: t.KeyID, SealedKey: t.SealedKey, SealedFields: t.SealedFields,
		RequiredInfo: t.RequiredInfo, RequiredMessage: t.RequiredMessage, CallbackUrl: t.CallbackUrl, StellarHash: t.StellarHash,
		ExternalID: t.ExternalID, ExpiresUs: t.ExpiresUs, NowUs: now, StatusUs: t.StatusUs, CompletedUs: t.CompletedUs,
		SenderID: t.SenderID, SenderType: t.SenderType, ReceiverID: t.ReceiverID, ReceiverType: t.ReceiverType, Unpriced: t.Unpriced,
		Refunds: t.Refunds, ID: t.ID, StatusBefore: before,
	}))
	if err != nil {
		return Transaction{}, fmt.Errorf("advance transaction %s: %w", t.ID, err)
	}
	if err := tx.event(ctx, SubjectTransaction, t.ID, t.Version, string(before), string(after), c); err != nil {
		return Transaction{}, err
	}
	if after == before || t.CallbackUrl == "" {
		return t, nil
	}
	return t, tx.callback(ctx, t)
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

// event appends one line to the history of a subject; seq is the subject's version after the change.
func (tx *Tx) event(ctx context.Context, kind SubjectKind, id string, seq int64, from, to string, c anchor.Change) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.later.InsertEvent(ctx, sqlgen.InsertEventParams{
		SubjectKind: string(kind), SubjectID: id, Seq: seq, Kind: string(c.Cause), FromStatus: from, ToStatus: to,
		Actor: c.Actor, Reason: c.Reason, Detail: c.Detail, AtUs: now,
	})
	if err != nil {
		return fmt.Errorf("event %d of %s %s: %w", seq, kind, id, err)
	}
	return nil
}

// callback stores what the sending anchor will be told of the change; the body is fixed here.
func (tx *Tx) callback(ctx context.Context, t Transaction) error {
	body, err := CallbackBody(t)
	if err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.later.InsertCallback(ctx, sqlgen.InsertCallbackParams{
		ID: NewID(), SubjectKind: string(SubjectTransaction), SubjectID: t.ID, Seq: t.Version, Subscriber: subscriberOwner,
		Body: body, NowUs: now,
	})
	if err != nil {
		return fmt.Errorf("callback of transaction %s: %w", t.ID, err)
	}
	tx.Wake(TopicCallbacks)
	return nil
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
