package sandbox

import (
	"encoding/base64"
	"strconv"

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
	inner              *innerTransaction // of a fee bump
	feeAccount         party
	feeUnits           int64 // for how many operations the fee was paid
	resources          int64 // the part of the fee that was for something else
	times              *xdr.TimeBounds
	ledgers            *xdr.LedgerBounds
	payments           []*payment
	effects            []*effect
}

func (t *transaction) position() place { return place{id: t.id} }
func (t *transaction) shown() bool     { return t.successful }

// innerTransaction is what the record of a fee bump tells of the transaction in it.
type innerTransaction struct {
	rawHash    [32]byte
	hash       string
	maxFee     int64
	signatures []string
}

// payment is an operation that Horizon lists under /payments; it never changes.
type payment struct {
	id         int64 // TOID
	idText     string
	tx         *transaction
	kind       xdr.OperationType
	source, to party
	asset      asset
	issuer     string
	amount     int64       // that arrived, or would have
	route      *route      // of a path payment
	call       *invocation // of contracts
	parties    []accountID // under whom it is listed, each once
}

// route is what a path payment has beyond a payment.
type route struct {
	pathPayment
	sent int64
}

func (p *payment) position() place { return place{id: p.id} }
func (p *payment) shown() bool     { return p.tx.successful }

// party is an account as records name it.
type party struct {
	id      accountID
	address string
	muxed   string // M…, or empty
	number  string // of the M…, decimal
}

func partyOf(m xdr.MuxedAccount) party {
	p := party{id: accountOf(m.ToAccountId())}
	p.address = p.id.address()
	if id, err := m.GetId(); err == nil {
		p.muxed, p.number = m.Address(), strconv.FormatUint(id, 10)
	}
	return p
}

// recordOf makes the record of a transaction that this ledger has at this place, counted from 1.
func recordOf(s *submission, l *closedLedger, number int, v verdict, fee int64, meta string) (*transaction, error) {
	result, err := v.encode(fee)
	if err != nil {
		return nil, err
	}
	t := &transaction{
		id: l.start() | int64(number)<<12, rawHash: s.hash, hash: s.hashHex, ledger: l, successful: v.ok(), verdict: v,
		source: partyOf(s.tx.SourceAccount), sequence: int64(s.tx.SeqNum), feeCharged: fee, maxFee: s.fee,
		operationCount: len(s.tx.Operations), envelope: s.envelope, result: result, meta: meta, memo: memoOf(s.tx.Memo),
	}
	t.idText, t.ledgerText = strconv.FormatInt(t.id, 10), strconv.Itoa(int(l.sequence))
	t.times, t.ledgers, _ = bounds(s.tx)
	t.feeAccount, t.feeUnits, t.resources, t.signatures = t.source, s.units(), s.resources, texts(s.auth.signatures)
	if s.bump != nil {
		t.feeAccount = s.bump.payer
		t.inner = &innerTransaction{
			rawHash: s.bump.innerHash, hash: s.bump.innerHex, maxFee: s.bump.innerFee, signatures: t.signatures,
		}
		t.signatures = texts(s.bump.auth.signatures)
	}
	for i := range s.tx.Operations {
		if p := paymentOf(t, s.tx, i); p != nil {
			t.payments = append(t.payments, p)
		}
	}
	t.effects = effectsOf(t)
	return t, nil
}

func texts(signatures []xdr.DecoratedSignature) []string {
	var all []string
	for _, s := range signatures {
		all = append(all, base64.StdEncoding.EncodeToString(s.Signature))
	}
	return all
}

// paymentOf makes the record of one operation; nil if it is no payment.
func paymentOf(t *transaction, tx *xdr.Transaction, index int) *payment {
	op := &tx.Operations[index]
	p := &payment{id: t.id | int64(index+1), tx: t, kind: op.Body.Type, source: actor(tx, op)}
	if !p.readMovement(op, t.resultOf(index)) {
		return nil
	}
	if !p.asset.native() {
		p.issuer = p.asset.issuer.address()
	}
	p.parties = p.everybody()
	p.idText = strconv.FormatInt(p.id, 10)
	return p
}

// everybody is who takes part in a payment, each once; contracts have no history.
func (p *payment) everybody() []accountID {
	if p.call == nil {
		return unique([]accountID{p.source.id, p.to.id})
	}
	all := []accountID{p.source.id}
	for _, c := range p.call.changes {
		for _, h := range []holder{c.from, c.to} {
			if h.address != "" && !h.contract {
				all = append(all, h.id)
			}
		}
	}
	return unique(all)
}

// resultOf is what became of an operation; of one that changed nothing in the end it is empty.
func (t *transaction) resultOf(index int) outcome {
	if !t.successful {
		return outcome{}
	}
	return t.verdict.operations[index]
}

// readMovement tells what an operation moved; false if it is none that does.
func (p *payment) readMovement(op *xdr.Operation, done outcome) bool {
	switch op.Body.Type {
	case xdr.OperationTypePayment:
		body := op.Body.PaymentOp
		p.to, p.amount = partyOf(body.Destination), int64(body.Amount)
		p.asset, _ = assetOf(body.Asset)
	case xdr.OperationTypeCreateAccount:
		body := op.Body.CreateAccountOp
		p.to, p.amount = party{id: accountOf(body.Destination)}, int64(body.StartingBalance)
		p.to.address = p.to.id.address()
	case xdr.OperationTypeAccountMerge:
		p.to, p.amount = partyOf(*op.Body.Destination), done.arrived
	case xdr.OperationTypePathPaymentStrictReceive:
		p.readRoute(strictReceive(op.Body.PathPaymentStrictReceiveOp), done)
		p.amount = p.route.amount
	case xdr.OperationTypePathPaymentStrictSend:
		p.readRoute(strictSend(op.Body.PathPaymentStrictSendOp), done)
		p.route.sent = p.route.amount
	case xdr.OperationTypeInvokeHostFunction:
		p.call = invocationOf(op.Body.InvokeHostFunctionOp.HostFunction.InvokeContract, done)
		return p.call != nil
	default:
		return false
	}
	return true
}

func (p *payment) readRoute(r pathPayment, done outcome) {
	p.to, p.asset, p.amount = r.to, r.last(), done.arrived
	p.route = &route{pathPayment: r, sent: done.sent}
}

// participants are the accounts that a transaction is listed under, each once.
func participants(s *submission, t *transaction) []accountID {
	all := append(s.sources(), s.payer)
	for _, p := range t.payments {
		all = append(all, p.parties...)
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
