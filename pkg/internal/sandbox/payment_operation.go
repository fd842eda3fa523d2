package sandbox

import (
	"math"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// checkPayment is what can be told of a payment without looking at the ledger.
func checkPayment(op *xdr.PaymentOp) outcome {
	_, ok := assetOf(op.Asset)
	if !ok || op.Amount <= 0 {
		return paid(xdr.PaymentResultCodePaymentMalformed)
	}
	return paid(xdr.PaymentResultCodePaymentSuccess)
}

func applyPayment(d *draft, source party, op *xdr.PaymentOp) outcome {
	of, _ := assetOf(op.Asset)
	to, amount := partyOf(op.Destination), int64(op.Amount)
	done := paid(xdr.PaymentResultCodePaymentSuccess)
	done.effects = []effect{credited(to, of, amount), debited(source, of, amount)}
	if of.native() && to.id == source.id {
		return done
	}
	if code := arrive(d, to.id, of, amount); code != xdr.PaymentResultCodePaymentSuccess {
		return paid(code)
	}
	if code := leave(d, source.id, of, amount); code != xdr.PaymentResultCodePaymentSuccess {
		return paid(code)
	}
	return done
}

// paymentName is a code of a payment in Horizon's words. Both path payments have the same codes, and some more.
func paymentName(code xdr.PaymentResultCode) string {
	switch code {
	case xdr.PaymentResultCodePaymentSuccess:
		return success
	case xdr.PaymentResultCodePaymentUnderfunded:
		return "op_underfunded"
	case xdr.PaymentResultCodePaymentSrcNoTrust:
		return "op_src_no_trust"
	case xdr.PaymentResultCodePaymentSrcNotAuthorized:
		return "op_src_not_authorized"
	case xdr.PaymentResultCodePaymentNoDestination:
		return "op_no_destination"
	case xdr.PaymentResultCodePaymentNoTrust:
		return "op_no_trust"
	case xdr.PaymentResultCodePaymentNotAuthorized:
		return "op_not_authorized"
	case xdr.PaymentResultCodePaymentLineFull:
		return "op_line_full"
	default:
		return "op_malformed"
	}
}

// arrive adds to the receiver; what an issuer receives of its own asset ceases to exist.
func arrive(d *draft, to accountID, of asset, amount int64) xdr.PaymentResultCode {
	if !of.native() && of.issuer == to {
		return xdr.PaymentResultCodePaymentSuccess
	}
	receiver := d.edit(to)
	if receiver == nil {
		return xdr.PaymentResultCodePaymentNoDestination
	}
	if of.native() {
		if receiver.balance > math.MaxInt64-amount {
			return xdr.PaymentResultCodePaymentLineFull
		}
		receiver.balance += amount
		return xdr.PaymentResultCodePaymentSuccess
	}
	line := receiver.line(of)
	switch {
	case line == nil:
		return xdr.PaymentResultCodePaymentNoTrust
	case !line.authorized:
		return xdr.PaymentResultCodePaymentNotAuthorized
	case line.limit-line.balance < amount:
		return xdr.PaymentResultCodePaymentLineFull
	}
	line.balance += amount
	line.modified = d.ledger
	return xdr.PaymentResultCodePaymentSuccess
}

// leave takes from the sender; what an issuer sends of its own asset comes into being.
func leave(d *draft, from accountID, of asset, amount int64) xdr.PaymentResultCode {
	if !of.native() && of.issuer == from {
		return xdr.PaymentResultCodePaymentSuccess
	}
	sender := d.edit(from)
	if sender == nil {
		return xdr.PaymentResultCodePaymentUnderfunded
	}
	if of.native() {
		if sender.available() < amount {
			return xdr.PaymentResultCodePaymentUnderfunded
		}
		sender.balance -= amount
		return xdr.PaymentResultCodePaymentSuccess
	}
	line := sender.line(of)
	switch {
	case line == nil:
		return xdr.PaymentResultCodePaymentSrcNoTrust
	case !line.authorized:
		return xdr.PaymentResultCodePaymentSrcNotAuthorized
	case line.balance < amount:
		return xdr.PaymentResultCodePaymentUnderfunded
	}
	line.balance -= amount
	line.modified = d.ledger
	return xdr.PaymentResultCodePaymentSuccess
}
