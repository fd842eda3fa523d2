package store

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/money"
)

// Transaction is a row of transactions. Amounts of the received asset are in 10^-7, OutUnits in 10^-OutDecimals of OutAsset.
type Transaction struct{ sqlgen.Transaction }

// Held is what is credited and neither paid out nor refunded, in units of 10^-7.
func (t Transaction) Held() int64 { return t.CreditedUnits - t.PayoutUnits - t.RefundUnits }

// Published tells whether the memo was given out, so that payments can arrive.
func (t Transaction) Published() bool { return t.Memo.Valid }

// TransactionByID reads a transaction whoever it belongs to: for workers and operators, never for a sending anchor.
func (db *DB) TransactionByID(ctx context.Context, id string) (Transaction, error) {
	row, err := db.q.TransactionByID(ctx, id)
	return found(Transaction{row}, err, "transaction %s", id)
}

// TransactionOf reads a transaction of a sending anchor; anybody else's is not found.
func (db *DB) TransactionOf(ctx context.Context, ownerAccount, id string) (Transaction, error) {
	row, err := db.q.TransactionOfOwner(ctx, sqlgen.TransactionOfOwnerParams{ID: id, OwnerAccount: ownerAccount})
	return found(Transaction{row}, err, "transaction %s", id)
}

// LockTransaction reads a transaction so that nobody else changes it before this Tx ends.
func (tx *Tx) LockTransaction(ctx context.Context, id string) (Transaction, error) {
	if tx.db.engine.forUpdate() != "" {
		if _, err := tx.tx.ExecContext(ctx, "SELECT 1 FROM transactions WHERE id = $1 FOR UPDATE", id); err != nil {
			return Transaction{}, fmt.Errorf("lock transaction %s: %w", id, err)
		}
	}
	row, err := tx.q.TransactionByID(ctx, id)
	return found(Transaction{row}, err, "transaction %s", id)
}

// SealFields seals the transaction fields (deprecated SEP-31 fields: bank accounts and the like) into the row, under the
// transaction's own data key, which is made on first use.
func (db *DB) SealFields(t *Transaction, fields map[string]string) error {
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	key, err := db.transactionKey(t)
	if err != nil {
		return err
	}
	t.SealedFields = key.seal(raw, "transactions.fields/"+t.ID)
	return nil
}

// OpenFields opens the transaction fields; nil if there are none.
func (db *DB) OpenFields(t Transaction) (map[string]string, error) {
	if t.SealedFields == "" {
		return nil, nil
	}
	key, err := db.keys.openDataKey(t.KeyID, t.SealedKey, "transactions/"+t.ID)
	if err != nil {
		return nil, err
	}
	raw, err := key.open(t.SealedFields, "transactions.fields/"+t.ID)
	if err != nil {
		return nil, err
	}
	var fields map[string]string
	return fields, json.Unmarshal(raw, &fields)
}

// transactionKey opens the transaction's data key or makes one and puts it into the row, which the caller then writes.
func (db *DB) transactionKey(t *Transaction) (dataKey, error) {
	if t.SealedKey != "" {
		return db.keys.openDataKey(t.KeyID, t.SealedKey, "transactions/"+t.ID)
	}
	key, id, sealed, err := db.keys.newDataKey("transactions/" + t.ID)
	if err != nil {
		return dataKey{}, err
	}
	t.KeyID, t.SealedKey = id, sealed
	return key, nil
}

// Public is the transaction as its sending anchor may see it (SEP-31 "GET Transaction").
func (t Transaction) Public() (anchor.Transaction, error) {
	amountIn, err := money.New(t.inUnits(), money.StellarDecimals)
	if err != nil {
		return anchor.Transaction{}, fmt.Errorf("amount_in: %w", err)
	}
	fee, err := money.New(t.FeeUnits, money.StellarDecimals)
	if err != nil {
		return anchor.Transaction{}, fmt.Errorf("amount_fee: %w", err)
	}
	out, err := money.New(t.OutUnits, int(t.OutDecimals))
	if err != nil {
		return anchor.Transaction{}, fmt.Errorf("amount_out: %w", err)
	}
	asset := AssetName{t.AssetCode, t.AssetIssuer}.ID()
	p := anchor.Transaction{
		ID: t.ID, Status: t.Status, StatusMessage: t.StatusMessage,
		AmountIn: amountIn.Short(), AmountInAsset: asset, AmountOutAsset: t.OutAsset,
		QuoteID: t.QuoteID, StartedAt: At(t.CreatedUs), UpdatedAt: At(t.StatusUs), StellarTransactionID: t.StellarHash,
		ExternalTransactionID: t.ExternalID, RequiredInfoMessage: t.RequiredMessage, Refunded: t.Status == anchor.StatusRefunded,
	}
	if t.expects() {
		p.StatusETA = t.EtaSeconds
	}
	if !t.Unpriced {
		p.AmountOut, p.AmountFee, p.AmountFeeAsset = out.Short(), fee.Short(), asset
		p.FeeDetails = &anchor.FeeDetails{Total: fee.Short(), Asset: asset}
	}
	if t.FeeDetails != "" {
		if err := json.Unmarshal([]byte(t.FeeDetails), &p.FeeDetails.Details); err != nil {
			return anchor.Transaction{}, fmt.Errorf("fee_details: %w", err)
		}
	}
	if err := t.showRefunds(&p); err != nil {
		return anchor.Transaction{}, err
	}
	if t.RequiredInfo != "" {
		if err := json.Unmarshal([]byte(t.RequiredInfo), &p.RequiredInfoUpdates); err != nil {
			return anchor.Transaction{}, fmt.Errorf("required_info_updates: %w", err)
		}
	}
	if t.CompletedUs > 0 {
		at := At(t.CompletedUs)
		p.CompletedAt = &at
	}
	if t.Published() {
		p.StellarAccountID, p.StellarMemoType = t.ReceivingAccount, t.MemoType
		p.StellarMemo, err = WireMemo(t.MemoType, t.Memo.String)
	}
	return p, err
}

// inUnits is what was received of a transaction that was paid or has gone back, and else what is to be received: a part of it
// would not go with the fee and the amount out, which are those of the whole.
func (t Transaction) inUnits() int64 {
	if t.CreditedUnits == 0 || t.CreditedUnits > 0 && !t.Funded && t.Status != anchor.StatusRefunded {
		return t.ExpectedUnits
	}
	return t.CreditedUnits
}

// showRefunds adds what went back. Of a transaction that was refunded nothing is paid out and no fee was taken but those of
// its refunds, so that the amounts add up as SEP-31 says.
func (t Transaction) showRefunds(p *anchor.Transaction) error {
	if t.Refunds != "" {
		if err := json.Unmarshal([]byte(t.Refunds), &p.Refunds); err != nil {
			return fmt.Errorf("refunds: %w", err)
		}
	}
	if t.Status == anchor.StatusRefunded && p.AmountFeeAsset != "" {
		p.AmountOut, p.AmountFee, p.FeeDetails = "0", "0", &anchor.FeeDetails{Total: "0", Asset: p.AmountFeeAsset}
	}
	return nil
}

// expects tells whether the next status is a matter of time: the payout is on its way.
func (t Transaction) expects() bool {
	return t.Funded && (t.Status == anchor.StatusPendingReceiver || t.Status == anchor.StatusPendingExternal)
}

// WireMemo turns a memo as it is stored into what SEP-31 shows: hashes in base64, text as text, ids as they are.
func WireMemo(memoType, memo string) (string, error) {
	switch memoType {
	case "hash", "return":
		raw, err := hex.DecodeString(memo)
		if err != nil {
			return "", fmt.Errorf("memo: %w", err)
		}
		return base64.StdEncoding.EncodeToString(raw), nil
	case "text":
		raw, err := base64.StdEncoding.DecodeString(memo)
		if err != nil {
			return "", fmt.Errorf("memo: %w", err)
		}
		return string(raw), nil
	}
	return memo, nil
}

// At is a stored time; the zero time for none.
func At(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
