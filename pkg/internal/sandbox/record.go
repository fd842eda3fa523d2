package sandbox

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// transaction is one that a ledger has; it never changes.
type transaction struct {
	id                 int64 // TOID: ledger<<32 | number<<12
	rawHash            [32]byte
	hash               string
	ledger             *closedLedger
	ledgerText, idText string
	successful         bool
	verdict            verdict
	source             party
	sequence           int64
	feeCharged, maxFee int64
	operationCount     int
	envelope           string
	result, meta       string
	memo               memo
	signatures         []string
	times              *xdr.TimeBounds
	ledgers            *xdr.LedgerBounds
	payments           []*payment
}

func (t *transaction) position() int64 { return t.id }
func (t *transaction) shown() bool     { return t.successful }

// payment is an operation that Horizon lists under /payments; it never changes.
type payment struct {
	id             int64 // TOID
	idText         string
	tx             *transaction
	kind           xdr.OperationType
	source, to     party
	asset          asset
	issuer         string
	amount         int64
	from, receiver accountID
}

func (p *payment) position() int64 { return p.id }
func (p *payment) shown() bool     { return p.tx.successful }

// party is an account as records name it.
type party struct {
	address string
	muxed   string // M…, or empty
	number  string // of the M…, decimal
}

func partyOf(m xdr.MuxedAccount) party {
	p := party{address: accountOf(m.ToAccountId()).address()}
	if id, err := m.GetId(); err == nil {
		p.muxed, p.number = m.Address(), strconv.FormatUint(id, 10)
	}
	return p
}

// memo is a memo as Horizon writes it.
type memo struct {
	kind    string // none, text, id, hash, return
	text    string
	bytes   string // base64 of a text
	present bool
}

func memoOf(m xdr.Memo) memo {
	switch m.Type {
	case xdr.MemoTypeMemoText:
		raw := m.MustText()
		return memo{kind: "text", text: scrub(raw), bytes: base64.StdEncoding.EncodeToString([]byte(raw)), present: true}
	case xdr.MemoTypeMemoId:
		return memo{kind: "id", text: strconv.FormatUint(uint64(*m.Id), 10), present: true}
	case xdr.MemoTypeMemoHash:
		return memo{kind: "hash", text: base64.StdEncoding.EncodeToString(m.Hash[:]), present: true}
	case xdr.MemoTypeMemoReturn:
		return memo{kind: "return", text: base64.StdEncoding.EncodeToString(m.RetHash[:]), present: true}
	default:
		return memo{kind: "none"}
	}
}

// scrub mangles a text as a real Horizon does: what is not UTF-8 becomes U+FFFD byte by byte, U+0000 is dropped.
func scrub(raw string) string {
	var out strings.Builder
	for len(raw) > 0 {
		r, n := utf8.DecodeRuneInString(raw)
		if r != 0 {
			out.WriteRune(r)
		}
		raw = raw[n:]
	}
	return out.String()
}

// recordOf makes the record of a transaction that this ledger has at this place, counted from 1.
func recordOf(s *submission, l *closedLedger, number int, v verdict, fee int64, meta string) (*transaction, error) {
	result, err := v.encode(fee)
	if err != nil {
		return nil, err
	}
	t := &transaction{
		id: l.position() | int64(number)<<12, rawHash: s.hash, hash: s.hashHex, ledger: l, successful: v.ok(), verdict: v,
		source: partyOf(s.tx.SourceAccount), sequence: int64(s.tx.SeqNum), feeCharged: fee, maxFee: s.fee,
		operationCount: len(s.tx.Operations), envelope: s.envelope, result: result, meta: meta, memo: memoOf(s.tx.Memo),
	}
	t.idText, t.ledgerText = strconv.FormatInt(t.id, 10), strconv.Itoa(int(l.sequence))
	t.times, t.ledgers, _ = bounds(s.tx)
	for _, sig := range s.auth.signatures {
		t.signatures = append(t.signatures, base64.StdEncoding.EncodeToString(sig.Signature))
	}
	for i := range s.tx.Operations {
		if p := paymentOf(t, s.tx, i); p != nil {
			t.payments = append(t.payments, p)
		}
	}
	return t, nil
}

// paymentOf makes the record of one operation; nil if it is no payment.
func paymentOf(t *transaction, tx *xdr.Transaction, index int) *payment {
	op := &tx.Operations[index]
	p := &payment{id: t.id | int64(index+1), tx: t, kind: op.Body.Type, from: sourceOf(tx, op), source: t.source}
	if op.SourceAccount != nil {
		p.source = partyOf(*op.SourceAccount)
	}
	switch op.Body.Type {
	case xdr.OperationTypePayment:
		body := op.Body.PaymentOp
		p.to, p.amount = partyOf(body.Destination), int64(body.Amount)
		p.receiver = accountOf(body.Destination.ToAccountId())
		p.asset, _ = assetOf(body.Asset)
		if !p.asset.native() {
			p.issuer = p.asset.issuer.address()
		}
	case xdr.OperationTypeCreateAccount:
		body := op.Body.CreateAccountOp
		p.receiver, p.amount = accountOf(body.Destination), int64(body.StartingBalance)
		p.to = party{address: p.receiver.address()}
	default:
		return nil
	}
	p.idText = strconv.FormatInt(p.id, 10)
	return p
}

// participants are the accounts that a transaction is listed under, each once.
func participants(s *submission, t *transaction) []accountID {
	all := s.sources()
	for _, p := range t.payments {
		all = append(all, p.receiver)
	}
	return unique(all)
}

func unique(ids []accountID) []accountID {
	seen := make(map[accountID]bool, len(ids))
	kept := ids[:0]
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}
