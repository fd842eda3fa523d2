package sandbox

import (
	"encoding/hex"
	"fmt"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// submission is a transaction that somebody posted, until a ledger has it.
type submission struct {
	hash      [32]byte
	hashHex   string
	envelope  string           // base64 of the XDR
	tx        *xdr.Transaction // of a fee bump the inner one
	fee       int64            // the most that is paid
	source    accountID
	payer     accountID // of the fee
	resources int64     // the part of the fee that does not depend on the rate, of a contract call
	auth      *authority
	bump      *bump    // nil if it is none
	refused   *verdict // set when it cannot be supported at all
	decreed   bool     // needs no signatures
	waiting   bool     // for a ledger whose fee it can pay

	done    chan struct{} // closed when one of the following is set, or both are nil: never to be heard of again
	record  *transaction
	dropped *RefusedError
}

// bump is what a fee bump has around its inner transaction.
type bump struct {
	payer     party
	innerHash [32]byte
	innerHex  string
	innerFee  int64
	auth      *authority // of the fee bump itself
}

// RefusedError is a transaction that was not valid, or failed; Horizon's transaction_failed.
type RefusedError struct {
	TransactionCode string
	// InnerCode is that of the inner transaction of a fee bump; else empty.
	InnerCode      string
	OperationCodes []string
	EnvelopeXDR    string
	ResultXDR      string
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
	switch {
	case envelope.FeeBump != nil && envelope.FeeBump.Tx.InnerTx.V1 != nil:
		if err := s.readBump(envelope.FeeBump, passphrase); err != nil {
			return nil, &MalformedError{EnvelopeXDR: text, cause: err}
		}
	case envelope.V1 != nil:
		s.read(envelope.V1, hash)
		s.fee, s.payer = int64(s.tx.Fee), s.source
	default:
		s.refused = code(xdr.TransactionResultCodeTxNotSupported)
	}
	return s, nil
}

func (s *submission) read(envelope *xdr.TransactionV1Envelope, hash [32]byte) {
	s.tx = &envelope.Tx
	s.source = accountOf(s.tx.SourceAccount.ToAccountId())
	s.auth = newAuthority(hash, envelope.Signatures)
	if s.tx.Ext.SorobanData != nil {
		s.resources = int64(s.tx.Ext.SorobanData.ResourceFee)
	}
}

func (s *submission) readBump(envelope *xdr.FeeBumpTransactionEnvelope, passphrase string) error {
	hash, err := network.HashTransaction(envelope.Tx.InnerTx.V1.Tx, passphrase)
	if err != nil {
		return err
	}
	s.read(envelope.Tx.InnerTx.V1, hash)
	s.bump = &bump{
		payer: partyOf(envelope.Tx.FeeSource), innerHash: hash, innerHex: hex.EncodeToString(hash[:]),
		innerFee: int64(s.tx.Fee), auth: newAuthority(s.hash, envelope.Signatures),
	}
	s.fee, s.payer = int64(envelope.Tx.Fee), s.bump.payer.id
	return nil
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

// units is for how many operations a fee is paid: a fee bump counts as one more.
func (s *submission) units() int64 {
	count := int64(max(1, len(s.tx.Operations)))
	if s.bump != nil {
		count++
	}
	return count
}

// minFee is the least fee at this rate per operation.
func (s *submission) minFee(rate int64) int64 { return rate*s.units() + s.resources }

// wrap makes the verdict on the inner transaction of a fee bump one on the whole.
func (s *submission) wrap(v verdict) verdict {
	if s.bump != nil {
		v.inner = &s.bump.innerHash
	}
	return v
}

// refusal puts a verdict into Horizon's words. A refused transaction pays nothing: the fee in its result is the least
// that would have been enough.
func (s *submission) refusal(v verdict, fee int64) *RefusedError {
	result, err := v.encode(fee)
	if err != nil {
		result = ""
	}
	return &RefusedError{
		TransactionCode: v.name(), InnerCode: v.innerName(), OperationCodes: v.operationNames(), EnvelopeXDR: s.envelope,
		ResultXDR: result,
	}
}
