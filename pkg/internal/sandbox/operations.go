package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// sourceOf is the account that an operation acts for.
func sourceOf(tx *xdr.Transaction, op *xdr.Operation) accountID {
	if op.SourceAccount != nil {
		return accountOf(op.SourceAccount.ToAccountId())
	}
	return accountOf(tx.SourceAccount.ToAccountId())
}

// actor is sourceOf as records name it.
func actor(tx *xdr.Transaction, op *xdr.Operation) party {
	if op.SourceAccount != nil {
		return partyOf(*op.SourceAccount)
	}
	return partyOf(tx.SourceAccount)
}

// checkOperation tells what is wrong with an operation whatever the ledger holds.
func checkOperation(source accountID, op *xdr.Operation) outcome {
	switch op.Body.Type {
	case xdr.OperationTypePayment:
		return checkPayment(op.Body.PaymentOp)
	case xdr.OperationTypePathPaymentStrictReceive:
		return strictReceive(op.Body.PathPaymentStrictReceiveOp).check()
	case xdr.OperationTypePathPaymentStrictSend:
		return strictSend(op.Body.PathPaymentStrictSendOp).check()
	case xdr.OperationTypeCreateAccount:
		return checkCreateAccount(source, op.Body.CreateAccountOp)
	case xdr.OperationTypeAccountMerge:
		return checkAccountMerge(source, op.Body.Destination)
	case xdr.OperationTypeInvokeHostFunction:
		return checkInvoke(op.Body.InvokeHostFunctionOp)
	case xdr.OperationTypeChangeTrust:
		return checkChangeTrust(source, op.Body.ChangeTrustOp)
	case xdr.OperationTypeSetOptions:
		return checkSetOptions(source, op.Body.SetOptionsOp)
	case xdr.OperationTypeManageData:
		return checkManageData(op.Body.ManageDataOp)
	default:
		return notSupported()
	}
}

// applyOperation changes the draft, or tells why not; after a refusal the draft is worthless.
func applyOperation(d *draft, source party, op *xdr.Operation) outcome {
	if d.peek(source.id) == nil {
		return noSource()
	}
	switch op.Body.Type {
	case xdr.OperationTypePayment:
		return applyPayment(d, source, op.Body.PaymentOp)
	case xdr.OperationTypePathPaymentStrictReceive:
		return strictReceive(op.Body.PathPaymentStrictReceiveOp).apply(d, source)
	case xdr.OperationTypePathPaymentStrictSend:
		return strictSend(op.Body.PathPaymentStrictSendOp).apply(d, source)
	case xdr.OperationTypeCreateAccount:
		return applyCreateAccount(d, source, op.Body.CreateAccountOp)
	case xdr.OperationTypeAccountMerge:
		return applyAccountMerge(d, source, op.Body.Destination)
	case xdr.OperationTypeInvokeHostFunction:
		return applyInvoke(d, source, op.Body.InvokeHostFunctionOp)
	case xdr.OperationTypeChangeTrust:
		return applyChangeTrust(d, source, op.Body.ChangeTrustOp)
	case xdr.OperationTypeSetOptions:
		return applySetOptions(d, source.id, op.Body.SetOptionsOp)
	case xdr.OperationTypeManageData:
		return applyManageData(d, source.id, op.Body.ManageDataOp)
	default:
		return notSupported()
	}
}

// threshold is the level of an account's thresholds that an operation needs.
func threshold(op *xdr.Operation) int {
	switch op.Body.Type {
	case xdr.OperationTypeAccountMerge:
		return highThreshold
	case xdr.OperationTypeSetOptions:
		o := op.Body.SetOptionsOp
		if o.MasterWeight != nil || o.LowThreshold != nil || o.MedThreshold != nil || o.HighThreshold != nil || o.Signer != nil {
			return highThreshold
		}
		return mediumThreshold
	default:
		return mediumThreshold
	}
}
