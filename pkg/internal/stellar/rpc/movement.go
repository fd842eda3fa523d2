package rpc

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// An operation's id is ledger<<32 | transaction<<12 | operation, both counted from 1 (SEP-35).
const (
	ledgerShift      = 32
	transactionShift = 12
)

// transaction is a successful one, with those of its operations that moved something.
type transaction struct {
	id                   int64 // of its operation 0
	innerHash, outerHash string
	memoType, memo       string // canonical, as in stellar.Payment
	operations           []operation
}

// operation holds one movement if it is classic, else the Stellar-asset events of a contract call.
type operation struct {
	number    int64 // from 1
	kind      string
	movements []movement
}

// movement is what one party lost and the other gained; for all but path payments the same.
type movement struct {
	event         eventKind
	from, to      party
	sent, arrived holding
	doubt         string // why it cannot be understood
	raw           json.RawMessage
	suspects      []string // where it is not clear who took part: all that are named
}

// party is one side. Both are empty where there is none.
type party struct {
	address string // G… or C…
	muxedID string
}

type holding struct {
	code, issuer string
	units        int64
}

// reader makes movements of what one network's ledgers hold.
type reader struct{ passphrase string }

func (r reader) transaction(envelope *xdr.TransactionEnvelope, a *applied) (transaction, error) {
	t, err := headline(envelope, a)
	if err != nil {
		return transaction{}, err
	}
	results, ok := a.result.OperationResults()
	operations := envelope.Operations()
	if !ok || len(results) != len(operations) {
		return transaction{}, fmt.Errorf("it has %d operations and %d results", len(operations), len(results))
	}
	for i := range operations {
		o := operation{number: int64(i) + 1}
		source := envelope.SourceAccount()
		if operations[i].SourceAccount != nil {
			source = *operations[i].SourceAccount
		}
		if err := r.operation(&o, source, operations[i].Body, results[i], a, i); err != nil {
			return transaction{}, fmt.Errorf("operation %d: %w", o.number, err)
		}
		if len(o.movements) > 0 {
			t.operations = append(t.operations, o)
		}
	}
	return t, nil
}

func headline(envelope *xdr.TransactionEnvelope, a *applied) (transaction, error) {
	outer := hex.EncodeToString(a.result.TransactionHash[:])
	t := transaction{innerHash: outer, outerHash: outer}
	if envelope.IsFeeBump() {
		pair, ok := a.result.Result.Result.GetInnerResultPair()
		if !ok {
			return transaction{}, errors.New("the result of the fee bump tells nothing of the transaction inside")
		}
		t.innerHash = hex.EncodeToString(pair.TransactionHash[:])
	}
	var err error
	t.memoType, t.memo, err = canonicalMemo(envelope.Memo())
	return t, err
}

func canonicalMemo(m xdr.Memo) (kind, memo string, err error) {
	switch {
	case m.Type == xdr.MemoTypeMemoNone:
		return stellar.MemoNone, "", nil
	case m.Type == xdr.MemoTypeMemoText && m.Text != nil:
		return stellar.MemoText, base64.StdEncoding.EncodeToString([]byte(*m.Text)), nil
	case m.Type == xdr.MemoTypeMemoId && m.Id != nil:
		return stellar.MemoID, strconv.FormatUint(uint64(*m.Id), 10), nil
	case m.Type == xdr.MemoTypeMemoHash && m.Hash != nil:
		return stellar.MemoHash, hex.EncodeToString(m.Hash[:]), nil
	case m.Type == xdr.MemoTypeMemoReturn && m.RetHash != nil:
		return stellar.MemoReturn, hex.EncodeToString(m.RetHash[:]), nil
	}
	return "", "", fmt.Errorf("the memo type %d is not known", m.Type)
}

// operation fills in what an operation moved. Its errors mean that the ledger contradicts itself.
func (r reader) operation(o *operation, source xdr.MuxedAccount, body xdr.OperationBody, result xdr.OperationResult, a *applied, index int) error {
	if body.Type == xdr.OperationTypeInvokeHostFunction {
		events, err := contractEvents(a.meta, index)
		if err != nil {
			return err
		}
		o.kind, o.movements = stellar.KindContract, r.events(events, a.meta.V)
		return nil
	}
	m, kind, err := classic(body, result.Tr)
	if kind == "" || err != nil {
		return err
	}
	m.from = partyOf(source)
	m.judge(body, result)
	o.kind, o.movements = kind, []movement{m}
	return nil
}

// classic answers no kind for an operation that is no payment.
func classic(body xdr.OperationBody, result *xdr.OperationResultTr) (m movement, kind string, err error) {
	switch {
	case body.PaymentOp != nil:
		op := body.PaymentOp
		moved := holdingOf(op.Asset, op.Amount)
		return movement{to: partyOf(op.Destination), sent: moved, arrived: moved}, stellar.KindPayment, nil
	case body.CreateAccountOp != nil:
		op := body.CreateAccountOp
		moved := holding{code: stellar.NativeCode, units: int64(op.StartingBalance)}
		return movement{to: party{address: op.Destination.Address()}, sent: moved, arrived: moved}, stellar.KindCreateAccount, nil
	case body.PathPaymentStrictReceiveOp != nil:
		return strictReceive(body.PathPaymentStrictReceiveOp, result)
	case body.PathPaymentStrictSendOp != nil:
		return strictSend(body.PathPaymentStrictSendOp, result)
	case body.Type == xdr.OperationTypeAccountMerge && body.Destination != nil:
		return merge(*body.Destination, result)
	}
	return movement{}, "", nil
}

var errNoResult = errors.New("it succeeded without a result of its kind")

func strictReceive(op *xdr.PathPaymentStrictReceiveOp, result *xdr.OperationResultTr) (movement, string, error) {
	if result == nil || result.PathPaymentStrictReceiveResult == nil || result.PathPaymentStrictReceiveResult.Success == nil {
		return movement{}, "", errNoResult
	}
	return movement{
		to: partyOf(op.Destination), arrived: holdingOf(op.DestAsset, op.DestAmount),
		sent: holdingOf(op.SendAsset, result.PathPaymentStrictReceiveResult.SendAmount()),
	}, stellar.KindPathPayment, nil
}

func strictSend(op *xdr.PathPaymentStrictSendOp, result *xdr.OperationResultTr) (movement, string, error) {
	if result == nil || result.PathPaymentStrictSendResult == nil || result.PathPaymentStrictSendResult.Success == nil {
		return movement{}, "", errNoResult
	}
	return movement{
		to: partyOf(op.Destination), sent: holdingOf(op.SendAsset, op.SendAmount),
		arrived: holdingOf(op.DestAsset, result.PathPaymentStrictSendResult.DestAmount()),
	}, stellar.KindPathPayment, nil
}

// merge: only the result tells how much an account held when it ended.
func merge(into xdr.MuxedAccount, result *xdr.OperationResultTr) (movement, string, error) {
	if result == nil || result.AccountMergeResult == nil || result.AccountMergeResult.SourceAccountBalance == nil {
		return movement{}, "", errNoResult
	}
	moved := holding{code: stellar.NativeCode, units: int64(*result.AccountMergeResult.SourceAccountBalance)}
	return movement{to: partyOf(into), sent: moved, arrived: moved}, stellar.KindAccountMerge, nil
}

// judge doubts what no ledger holds, so that nothing strange gets into a row.
func (m *movement) judge(body xdr.OperationBody, result xdr.OperationResult) {
	switch {
	case m.sent.code == "" || m.arrived.code == "":
		m.doubt = "the asset has no code of letters and digits"
	case m.sent.units < 0 || m.arrived.units < 0:
		m.doubt = "the amount is negative"
	default:
		return
	}
	m.raw = rawOf("operation", body, "result", result)
}

func partyOf(account xdr.MuxedAccount) party {
	id := account.ToAccountId()
	p := party{address: id.Address()}
	if account.Med25519 != nil {
		p.muxedID = strconv.FormatUint(uint64(account.Med25519.Id), 10)
	}
	return p
}

// holdingOf leaves the code empty where it is none.
func holdingOf(asset xdr.Asset, units xdr.Int64) holding {
	h := holding{units: int64(units)}
	if asset.Type == xdr.AssetTypeAssetTypeNative {
		h.code = stellar.NativeCode
		return h
	}
	const padding = "\x00"
	if code := strings.TrimRight(asset.GetCode(), padding); isAssetCode(code) {
		h.code, h.issuer = code, asset.GetIssuer()
	}
	return h
}

func isAssetCode(code string) bool {
	for _, c := range []byte(code) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(code) >= 1 && len(code) <= 12
}

// rawOf keeps parts of a ledger as they came, in base64 of their XDR under the names given.
func rawOf(namesAndParts ...any) json.RawMessage {
	kept := map[string]string{}
	for i := 0; i+1 < len(namesAndParts); i += 2 {
		text, err := xdr.MarshalBase64(namesAndParts[i+1])
		if err != nil {
			continue
		}
		kept[fmt.Sprint(namesAndParts[i])] = text
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return raw
}
