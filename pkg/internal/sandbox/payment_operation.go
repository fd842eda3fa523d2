package sandbox

import (
	"math"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// checkPayment is what can be told of a payment without looking at the ledger.
func checkPayment(op *xdr.PaymentOp) outcome {
	_, ok := assetOf(op.Asset)
	if !ok || op.Amount <= 0 {
		return paid(xdr.PaymentResultCodePaymentMalformed, "op_malformed")
	}
	return paid(xdr.PaymentResultCodePaymentSuccess, success)
}

func applyPayment(d *draft, source accountID, op *xdr.PaymentOp) outcome {
	of, _ := assetOf(op.Asset)
	to := accountOf(op.Destination.ToAccountId())
	done := paid(xdr.PaymentResultCodePaymentSuccess, success)
	if of.native() && to == source {
		return done
	}
	if refused := arrive(d, to, of, int64(op.Amount)); !refused.ok() {
		return refused
	}
	if refused := leave(d, source, of, int64(op.Amount)); !refused.ok() {
		return refused
	}
	return done
}

// arrive adds to the receiver; what an issuer receives of its own asset ceases to exist.
func arrive(d *draft, to accountID, of asset, amount int64) outcome {
	done := paid(xdr.PaymentResultCodePaymentSuccess, success)
	if !of.native() && of.issuer == to {
		return done
	}
	receiver := d.edit(to)
	if receiver == nil {
		return paid(xdr.PaymentResultCodePaymentNoDestination, "op_no_destination")
	}
	if of.native() {
		if receiver.balance > math.MaxInt64-amount {
			return paid(xdr.PaymentResultCodePaymentLineFull, "op_line_full")
		}
		receiver.balance += amount
		return done
	}
	line := receiver.line(of)
	switch {
	case line == nil:
		return paid(xdr.PaymentResultCodePaymentNoTrust, "op_no_trust")
	case !line.authorized:
		return paid(xdr.PaymentResultCodePaymentNotAuthorized, "op_not_authorized")
	case line.limit-line.balance < amount:
		return paid(xdr.PaymentResultCodePaymentLineFull, "op_line_full")
	}
	line.balance += amount
	line.modified = d.ledger
	return done
}

// leave takes from the sender; what an issuer sends of its own asset comes into being.
func leave(d *draft, from accountID, of asset, amount int64) outcome {
	done := paid(xdr.PaymentResultCodePaymentSuccess, success)
	if !of.native() && of.issuer == from {
		return done
	}
	sender := d.edit(from)
	if of.native() {
		if sender.available() < amount {
			return paid(xdr.PaymentResultCodePaymentUnderfunded, "op_underfunded")
		}
		sender.balance -= amount
		return done
	}
	line := sender.line(of)
	switch {
	case line == nil:
		return paid(xdr.PaymentResultCodePaymentSrcNoTrust, "op_src_no_trust")
	case !line.authorized:
		return paid(xdr.PaymentResultCodePaymentSrcNotAuthorized, "op_src_not_authorized")
	case line.balance < amount:
		return paid(xdr.PaymentResultCodePaymentUnderfunded, "op_underfunded")
	}
	line.balance -= amount
	line.modified = d.ledger
	return done
}
