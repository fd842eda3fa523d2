package sandbox

import (
	"encoding/hex"
	"fmt"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// submission is a transaction that somebody posted, until a ledger has it.
type submission struct {
	hash     [32]byte
	hashHex  string
	envelope string // base64 of the XDR
	tx       *xdr.Transaction
	fee      int64 // the most its source pays
	source   accountID
	auth     *authority
	refused  *verdict // set when it cannot be supported at all

	done    chan struct{} // closed when one of the following is set, or both are nil: never to be heard of again
	record  *transaction
	dropped *RefusedError
}

// RefusedError is a transaction that was not valid, or failed; Horizon's transaction_failed.
type RefusedError struct {
	TransactionCode string
	OperationCodes  []string
	EnvelopeXDR     string
	ResultXDR       string
}

func (e *RefusedError) Error() string {
	if len(e.OperationCodes) == 0 {
		return "transaction refused: " + e.TransactionCode
	}
	return fmt.Sprintf("transaction refused: %s %v", e.TransactionCode, e.OperationCodes)
}

// MalformedError is an envelope that cannot be decoded; Horizon's transaction_malformed.
type MalformedError struct {
	EnvelopeXDR string
	cause       error
}

func (e *MalformedError) Error() string { return "transaction malformed: " + e.cause.Error() }
func (e *MalformedError) Unwrap() error { return e.cause }

// decode reads an envelope. What a ledger of this sandbox cannot hold is a submission that is already refused.
func decode(text, passphrase string) (*submission, error) {
	var envelope xdr.TransactionEnvelope
	if err := xdr.SafeUnmarshalBase64(text, &envelope); err != nil {
		return nil, &MalformedError{EnvelopeXDR: text, cause: err}
	}
	hash, err := network.HashTransactionInEnvelope(envelope, passphrase)
	if err != nil {
		return nil, &MalformedError{EnvelopeXDR: text, cause: err}
	}
	canonical, err := xdr.MarshalBase64(envelope)
	if err != nil {
		return nil, &MalformedError{EnvelopeXDR: text, cause: err}
	}
	s := &submission{hash: hash, hashHex: hex.EncodeToString(hash[:]), envelope: canonical, done: make(chan struct{})}
	if envelope.Type != xdr.EnvelopeTypeEnvelopeTypeTx || envelope.V1 == nil {
		s.refused = &verdict{code: xdr.TransactionResultCodeTxNotSupported}
		return s, nil
	}
	s.tx = &envelope.V1.Tx
	s.fee = int64(s.tx.Fee)
	s.source = accountOf(s.tx.SourceAccount.ToAccountId())
	s.auth = newAuthority(hash, envelope.V1.Signatures)
	return s, nil
}

// sources are the accounts whose signatures the transaction needs, each once.
func (s *submission) sources() []accountID {
	all := []accountID{s.source}
	seen := map[accountID]bool{s.source: true}
	for i := range s.tx.Operations {
		if id := sourceOf(s.tx, &s.tx.Operations[i]); !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	}
	return all
}

func (s *submission) minFee(base int64) int64 { return base * int64(max(1, len(s.tx.Operations))) }

// refusal puts a verdict into Horizon's words. A refused transaction pays nothing: the fee in its result is the least
// that would have been enough.
func (s *submission) refusal(v verdict, fee int64) *RefusedError {
	result, err := v.encode(fee)
	if err != nil {
		result = ""
	}
	return &RefusedError{TransactionCode: v.name(), OperationCodes: v.operationNames(), EnvelopeXDR: s.envelope, ResultXDR: result}
}
