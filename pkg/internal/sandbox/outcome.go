package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// outcome is what became of one operation, in words and as the ledger writes it.
type outcome struct {
	name   string
	result xdr.OperationResult
	// Of a successful operation: what follows from it.
	effects       []effect
	sent, arrived int64 // by path payments and account merges
	changes       []change
	events        []xdr.ContractEvent
}

const success = "op_success"

func (o outcome) ok() bool { return o.name == success }

// outer is an outcome that does not depend on the kind of the operation.
func outer(code xdr.OperationResultCode, name string) outcome {
	return outcome{name: name, result: xdr.OperationResult{Code: code}}
}

func badAuth() outcome      { return outer(xdr.OperationResultCodeOpBadAuth, "op_bad_auth") }
func noSource() outcome     { return outer(xdr.OperationResultCodeOpNoAccount, "op_no_source_account") }
func notSupported() outcome { return outer(xdr.OperationResultCodeOpNotSupported, "op_not_supported") }

func inner(name string, tr xdr.OperationResultTr) outcome {
	return outcome{name: name, result: xdr.OperationResult{Code: xdr.OperationResultCodeOpInner, Tr: &tr}}
}

func paid(code xdr.PaymentResultCode) outcome {
	return inner(paymentName(code), xdr.OperationResultTr{Type: xdr.OperationTypePayment, PaymentResult: &xdr.PaymentResult{Code: code}})
}

func created(code xdr.CreateAccountResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeCreateAccount, CreateAccountResult: &xdr.CreateAccountResult{Code: code},
	})
}

func trusted(code xdr.ChangeTrustResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeChangeTrust, ChangeTrustResult: &xdr.ChangeTrustResult{Code: code},
	})
}

func optionsSet(code xdr.SetOptionsResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeSetOptions, SetOptionsResult: &xdr.SetOptionsResult{Code: code},
	})
}

func dataManaged(code xdr.ManageDataResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeManageData, ManageDataResult: &xdr.ManageDataResult{Code: code},
	})
}

// verdict is what became of a transaction: its code, and the outcomes of its operations if it came to them.
type verdict struct {
	code       xdr.TransactionResultCode
	operations []outcome
	inner      *[32]byte // hash of the inner transaction of a fee bump, if it is that which was judged
}

func (v verdict) ok() bool { return v.code == xdr.TransactionResultCodeTxSuccess }

// name is the code as Horizon spells it.
func (v verdict) name() string {
	switch {
	case v.inner == nil:
		return codeName(v.code)
	case v.ok():
		return "tx_fee_bump_inner_success"
	default:
		return "tx_fee_bump_inner_failed"
	}
}

// innerName is the code of the inner transaction of a fee bump; else empty.
func (v verdict) innerName() string {
	if v.inner == nil {
		return ""
	}
	return codeName(v.code)
}

func codeName(code xdr.TransactionResultCode) string {
	switch code {
	case xdr.TransactionResultCodeTxSuccess:
		return "tx_success"
	case xdr.TransactionResultCodeTxFailed:
		return "tx_failed"
	case xdr.TransactionResultCodeTxTooEarly:
		return "tx_too_early"
	case xdr.TransactionResultCodeTxTooLate:
		return "tx_too_late"
	case xdr.TransactionResultCodeTxMissingOperation:
		return "tx_missing_operation"
	case xdr.TransactionResultCodeTxBadSeq:
		return "tx_bad_seq"
	case xdr.TransactionResultCodeTxBadAuth:
		return "tx_bad_auth"
	case xdr.TransactionResultCodeTxInsufficientBalance:
		return "tx_insufficient_balance"
	case xdr.TransactionResultCodeTxNoAccount:
		return "tx_no_source_account"
	case xdr.TransactionResultCodeTxInsufficientFee:
		return "tx_insufficient_fee"
	case xdr.TransactionResultCodeTxMalformed:
		return "tx_malformed"
	case xdr.TransactionResultCodeTxSorobanInvalid:
		return "tx_soroban_invalid"
	case xdr.TransactionResultCodeTxBadAuthExtra:
		return "tx_bad_auth_extra"
	default:
		return "tx_not_supported"
	}
}

func (v verdict) operationNames() []string {
	names := make([]string, len(v.operations))
	for i, o := range v.operations {
		names[i] = o.name
	}
	return names
}

// encode writes the verdict as base64 of an XDR TransactionResult.
func (v verdict) encode(feeCharged int64) (string, error) {
	result := xdr.TransactionResult{FeeCharged: xdr.Int64(feeCharged)}
	if v.inner == nil {
		result.Result = xdr.TransactionResultResult{Code: v.code, Results: v.results()}
		return xdr.MarshalBase64(result)
	}
	result.Result.Code = xdr.TransactionResultCodeTxFeeBumpInnerFailed
	if v.ok() {
		result.Result.Code = xdr.TransactionResultCodeTxFeeBumpInnerSuccess
	}
	result.Result.InnerResultPair = &xdr.InnerTransactionResultPair{
		TransactionHash: *v.inner,
		Result:          xdr.InnerTransactionResult{Result: xdr.InnerTransactionResultResult{Code: v.code, Results: v.results()}},
	}
	return xdr.MarshalBase64(result)
}

// results are those of the operations; nil if it did not come to them.
func (v verdict) results() *[]xdr.OperationResult {
	if !v.ok() && v.code != xdr.TransactionResultCodeTxFailed {
		return nil
	}
	results := make([]xdr.OperationResult, len(v.operations))
	for i, o := range v.operations {
		results[i] = o.result
	}
	return &results
}

func succeeded(operations []outcome) verdict {
	return verdict{code: xdr.TransactionResultCodeTxSuccess, operations: operations}
}

func failedBy(operations []outcome) verdict {
	return verdict{code: xdr.TransactionResultCodeTxFailed, operations: operations}
}
