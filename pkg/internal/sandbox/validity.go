package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// moment is what the validity of a transaction depends on besides the accounts.
type moment struct {
	ledger uint32 // that could have the transaction
	second int64
	rate   int64 // the least fee per operation
}

// bounds are a transaction's preconditions of time and ledger; false if it has others, which are not supported.
func bounds(tx *xdr.Transaction) (*xdr.TimeBounds, *xdr.LedgerBounds, bool) {
	switch tx.Cond.Type {
	case xdr.PreconditionTypePrecondTime:
		return tx.Cond.TimeBounds, nil, true
	case xdr.PreconditionTypePrecondV2:
		v := tx.Cond.V2
		plain := v.MinSeqNum == nil && v.MinSeqAge == 0 && v.MinSeqLedgerGap == 0 && len(v.ExtraSigners) == 0
		return v.TimeBounds, v.LedgerBounds, plain
	default:
		return nil, nil, true
	}
}

// tooLate tells whether no ledger from this moment on can have the transaction.
func tooLate(tx *xdr.Transaction, m moment) bool {
	times, ledgers, _ := bounds(tx)
	return times != nil && times.MaxTime != 0 && int64(times.MaxTime) < m.second ||
		ledgers != nil && ledgers.MaxLedger != 0 && uint32(ledgers.MaxLedger) <= m.ledger
}

func tooEarly(tx *xdr.Transaction, m moment) bool {
	times, ledgers, _ := bounds(tx)
	return times != nil && int64(times.MinTime) > m.second || ledgers != nil && uint32(ledgers.MinLedger) > m.ledger
}

// queued is what the transactions that wait for a ledger have already promised for an account.
type queued struct {
	sequence int64 // the last one promised; zero: none
	fees     int64
}

func code(c xdr.TransactionResultCode) *verdict { return &verdict{code: c} }

// check tells why a transaction is not valid, in the order in which a real network looks; nil if it is. promised is
// what the queue has promised for an account, nil for nothing.
func check(s *submission, accounts *draft, m moment, promised func(accountID) *queued) *verdict {
	if s.refused != nil {
		return s.refused
	}
	if s.bump != nil {
		if v := checkBump(s, accounts, m, promised); v != nil {
			return v
		}
	}
	v := checkForm(s, m)
	if v == nil {
		v = checkSource(s, accounts, promised)
	}
	if v == nil {
		return nil
	}
	wrapped := s.wrap(*v)
	return &wrapped
}

// checkBump judges what is around the inner transaction.
func checkBump(s *submission, accounts *draft, m moment, promised func(accountID) *queued) *verdict {
	inner := max(1, int64(len(s.tx.Operations)))
	if s.fee < s.minFee(m.rate) || (s.fee-s.resources)/s.units() < (s.bump.innerFee-s.resources)/inner {
		return code(xdr.TransactionResultCodeTxInsufficientFee)
	}
	a := accounts.peek(s.payer)
	if a == nil {
		return code(xdr.TransactionResultCodeTxNoAccount)
	}
	heard := s.bump.auth.hear()
	if !heard.reaches(a.allSigners(), int(a.thresholds[lowThreshold])) {
		return code(xdr.TransactionResultCodeTxBadAuth)
	}
	if a.available() < s.fee+promisedFees(promised(s.payer)) {
		return code(xdr.TransactionResultCodeTxInsufficientBalance)
	}
	if !heard.allUsed() {
		return code(xdr.TransactionResultCodeTxBadAuthExtra)
	}
	return nil
}

func promisedFees(q *queued) int64 {
	if q == nil {
		return 0
	}
	return q.fees
}

func checkForm(s *submission, m moment) *verdict {
	_, _, plain := bounds(s.tx)
	switch {
	case !plain:
		return code(xdr.TransactionResultCodeTxNotSupported)
	case isContractCall(s.tx) != (s.tx.Ext.V == 1), s.tx.Ext.V == 1 && len(s.tx.Operations) != 1:
		return code(xdr.TransactionResultCodeTxMalformed)
	case s.resources < 0 || s.resources > s.fee:
		return code(xdr.TransactionResultCodeTxSorobanInvalid)
	case len(s.tx.Operations) == 0:
		return code(xdr.TransactionResultCodeTxMissingOperation)
	case tooEarly(s.tx, m):
		return code(xdr.TransactionResultCodeTxTooEarly)
	case tooLate(s.tx, m):
		return code(xdr.TransactionResultCodeTxTooLate)
	case s.bump == nil && s.fee < s.minFee(m.rate):
		return code(xdr.TransactionResultCodeTxInsufficientFee)
	}
	return nil
}

func checkSource(s *submission, accounts *draft, promised func(accountID) *queued) *verdict {
	a := accounts.peek(s.source)
	if a == nil {
		return code(xdr.TransactionResultCodeTxNoAccount)
	}
	sequence, q := a.sequence, promised(s.source)
	if q != nil && q.sequence != 0 {
		sequence = q.sequence
	}
	if int64(s.tx.SeqNum) != sequence+1 {
		return code(xdr.TransactionResultCodeTxBadSeq)
	}
	heard := s.auth.hear()
	if !heard.reaches(a.allSigners(), int(a.thresholds[lowThreshold])) {
		return code(xdr.TransactionResultCodeTxBadAuth)
	}
	if s.bump == nil && a.available() < s.fee+promisedFees(q) {
		return code(xdr.TransactionResultCodeTxInsufficientBalance)
	}
	return checkOperations(s, accounts, heard)
}

func checkOperations(s *submission, accounts *draft, heard *hearing) *verdict {
	outcomes, failed := authorize(s, accounts, heard)
	for i := range s.tx.Operations {
		if op := &s.tx.Operations[i]; outcomes[i].ok() {
			outcomes[i] = checkOperation(sourceOf(s.tx, op), op)
			failed = failed || !outcomes[i].ok()
		}
	}
	if failed {
		v := failedBy(outcomes)
		return &v
	}
	if !heard.allUsed() {
		return code(xdr.TransactionResultCodeTxBadAuthExtra)
	}
	return nil
}

// authorize tells for each operation whether it is signed well enough.
func authorize(s *submission, accounts *draft, heard *hearing) (outcomes []outcome, failed bool) {
	outcomes = make([]outcome, len(s.tx.Operations))
	for i := range s.tx.Operations {
		op := &s.tx.Operations[i]
		outcomes[i] = outcome{name: success}
		if !authorized(sourceOf(s.tx, op), accounts, op, heard) {
			outcomes[i], failed = badAuth(), true
		}
	}
	return outcomes, failed
}

// authorized accepts for an account that does not exist yet the signature of its own key: an operation before this one
// may create it.
func authorized(source accountID, accounts *draft, op *xdr.Operation, heard *hearing) bool {
	a := accounts.peek(source)
	if a == nil {
		return heard.reaches([]signer{{kind: xdr.SignerKeyTypeSignerKeyTypeEd25519, key: source, weight: 1}}, 0)
	}
	return heard.reaches(a.allSigners(), int(a.thresholds[threshold(op)]))
}
