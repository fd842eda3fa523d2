package stellar

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Transaction is one transaction of the ledger, succeeded or failed.
type Transaction struct {
	InnerHash, OuterHash   string // equal unless a fee bump wraps it
	Successful             bool
	Ledger                 int64
	ClosedAt               time.Time
	Source                 string // of the inner transaction
	Sequence               int64
	FeeAccount             string
	FeeCharged, MaxFee     int64 // stroops, of the outer transaction
	Operations             int
	MemoType, Memo         string // canonical, as in Payment
	EnvelopeXDR, ResultXDR string // base64
}

type transactionRecord struct {
	Hash        string  `json:"hash"`
	Successful  *bool   `json:"successful"`
	Ledger      int64   `json:"ledger"`
	CreatedAt   string  `json:"created_at"`
	Source      string  `json:"source_account"`
	Sequence    string  `json:"source_account_sequence"`
	FeeAccount  string  `json:"fee_account"`
	FeeCharged  string  `json:"fee_charged"`
	MaxFee      string  `json:"max_fee"`
	Operations  int     `json:"operation_count"`
	MemoType    string  `json:"memo_type"`
	Memo        *string `json:"memo"`
	MemoBytes   *string `json:"memo_bytes"`
	EnvelopeXDR string  `json:"envelope_xdr"`
	ResultXDR   string  `json:"result_xdr"`
	FeeBump     *struct {
		Hash string `json:"hash"`
	} `json:"fee_bump_transaction"`
	Inner *struct {
		Hash string `json:"hash"`
	} `json:"inner_transaction"`
}

func (e *endpoint) transaction(ctx context.Context, hash string) (Transaction, error) {
	if !isHash(hash) {
		return Transaction{}, fmt.Errorf("stellar: %q is not the hash of a transaction", Printable(hash))
	}
	path := "/transactions/" + hash
	var answer transactionRecord
	if err := e.get(ctx, path, nil, &answer); err != nil {
		return Transaction{}, err
	}
	t, err := answer.transaction()
	if err == nil && t.InnerHash != hash && t.OuterHash != hash {
		err = &AnswerError{Reason: "it tells of another transaction"}
	}
	return t, named("GET "+path, err)
}

func (r transactionRecord) transaction() (Transaction, error) {
	t := Transaction{
		InnerHash: r.Hash, OuterHash: r.Hash,
		Ledger: r.Ledger, Source: r.Source, FeeAccount: r.FeeAccount, Operations: r.Operations,
		EnvelopeXDR: r.EnvelopeXDR, ResultXDR: r.ResultXDR,
	}
	if r.FeeBump != nil && r.Inner != nil {
		t.InnerHash, t.OuterHash = r.Inner.Hash, r.FeeBump.Hash
	}
	if !isHash(t.InnerHash) || !isHash(t.OuterHash) || r.Successful == nil || r.Ledger <= 0 {
		return Transaction{}, &AnswerError{Reason: "the transaction lacks its hash, its ledger or whether it succeeded"}
	}
	t.Successful = *r.Successful
	if err := r.readDetails(&t); err != nil {
		return Transaction{}, &AnswerError{Reason: err.Error()}
	}
	return t, nil
}

func (r transactionRecord) readDetails(t *Transaction) error {
	var err error
	if t.ClosedAt, err = parseTime([]byte(r.CreatedAt)); err != nil {
		return err
	}
	if t.MemoType, t.Memo, err = canonicalMemo([]byte(r.MemoType), bytesOf(r.Memo), bytesOf(r.MemoBytes)); err != nil {
		return err
	}
	for _, number := range []struct {
		text string
		into *int64
	}{{r.Sequence, &t.Sequence}, {r.FeeCharged, &t.FeeCharged}, {r.MaxFee, &t.MaxFee}} {
		if *number.into, err = strconv.ParseInt(number.text, 10, 64); err != nil {
			return fmt.Errorf("%q is no number", Printable(number.text))
		}
	}
	return nil
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return append([]byte{}, *s...)
}
