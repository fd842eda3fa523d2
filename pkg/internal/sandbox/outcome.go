package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// outcome is what became of one operation, in words and as the ledger writes it.
type outcome struct {
	name   string
	result xdr.OperationResult
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

func paid(code xdr.PaymentResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{Type: xdr.OperationTypePayment, PaymentResult: &xdr.PaymentResult{Code: code}})
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
}

func (v verdict) ok() bool { return v.code == xdr.TransactionResultCodeTxSuccess }

// name is the code as Horizon spells it.
func (v verdict) name() string {
	switch v.code {
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
	result := xdr.TransactionResult{FeeCharged: xdr.Int64(feeCharged), Result: xdr.TransactionResultResult{Code: v.code}}
	if v.ok() || v.code == xdr.TransactionResultCodeTxFailed {
		results := make([]xdr.OperationResult, len(v.operations))
		for i, o := range v.operations {
			results[i] = o.result
		}
		result.Result.Results = &results
	}
	return xdr.MarshalBase64(result)
}

func succeeded(operations []outcome) verdict {
	return verdict{code: xdr.TransactionResultCodeTxSuccess, operations: operations}
}

func failedBy(operations []outcome) verdict {
	return verdict{code: xdr.TransactionResultCodeTxFailed, operations: operations}
}
