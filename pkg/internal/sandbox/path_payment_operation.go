package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// pathPayment is what the two path payments have in common.
type pathPayment struct {
	to       party
	path     []asset // from the asset that is sent to the one that arrives, both included
	raw      xdr.Asset
	receive  bool // whether the amount that arrives is fixed, else the one that is sent
	amount   int64
	boundary int64 // the most to send, or the least to arrive
	valid    bool
}

func strictReceive(op *xdr.PathPaymentStrictReceiveOp) pathPayment {
	p := pathPayment{
		to: partyOf(op.Destination), raw: op.DestAsset, receive: true, amount: int64(op.DestAmount), boundary: int64(op.SendMax),
	}
	return p.through(op.SendAsset, op.Path, op.DestAsset)
}

func strictSend(op *xdr.PathPaymentStrictSendOp) pathPayment {
	p := pathPayment{to: partyOf(op.Destination), raw: op.DestAsset, amount: int64(op.SendAmount), boundary: int64(op.DestMin)}
	return p.through(op.SendAsset, op.Path, op.DestAsset)
}

func (p pathPayment) through(first xdr.Asset, hops []xdr.Asset, last xdr.Asset) pathPayment {
	p.valid = p.amount > 0 && p.boundary > 0
	for _, raw := range append(append([]xdr.Asset{first}, hops...), last) {
		a, ok := assetOf(raw)
		p.path, p.valid = append(p.path, a), p.valid && ok
	}
	return p
}

func (p pathPayment) first() asset { return p.path[0] }
func (p pathPayment) last() asset  { return p.path[len(p.path)-1] }

// codes that only path payments have, as numbers of the codes that they share with payments.
const (
	tooFewOffers xdr.PaymentResultCode = -10
	outOfBounds  xdr.PaymentResultCode = -12
)

// outcome is a code as the result of this kind of path payment.
func (p pathPayment) outcome(code xdr.PaymentResultCode, swaps []swap, arrived int64, m *market) outcome {
	name := paymentName(code)
	switch {
	case code == tooFewOffers:
		name = "op_too_few_offers"
	case code == outOfBounds && p.receive:
		name = "op_over_source_max"
	case code == outOfBounds:
		name = "op_under_dest_min"
	}
	last := xdr.SimplePaymentResult{Destination: accountXDR(p.to.id), Asset: p.raw, Amount: xdr.Int64(arrived)}
	var claimed []xdr.ClaimAtom
	if name == success && m != nil {
		claimed = m.claims(swaps)
	}
	if p.receive {
		r := &xdr.PathPaymentStrictReceiveResult{Code: xdr.PathPaymentStrictReceiveResultCode(code)}
		if name == success {
			r.Success = &xdr.PathPaymentStrictReceiveResultSuccess{Offers: claimed, Last: last}
		}
		return inner(name, xdr.OperationResultTr{
			Type: xdr.OperationTypePathPaymentStrictReceive, PathPaymentStrictReceiveResult: r,
		})
	}
	r := &xdr.PathPaymentStrictSendResult{Code: xdr.PathPaymentStrictSendResultCode(code)}
	if name == success {
		r.Success = &xdr.PathPaymentStrictSendResultSuccess{Offers: claimed, Last: last}
	}
	return inner(name, xdr.OperationResultTr{Type: xdr.OperationTypePathPaymentStrictSend, PathPaymentStrictSendResult: r})
}

func (p pathPayment) refused(code xdr.PaymentResultCode) outcome { return p.outcome(code, nil, 0, nil) }

func (p pathPayment) check() outcome {
	if !p.valid {
		return p.refused(xdr.PaymentResultCodePaymentMalformed)
	}
	return p.refused(xdr.PaymentResultCodePaymentSuccess)
}

func (p pathPayment) apply(d *draft, source party) outcome {
	m := d.terms.market
	swaps, ok := p.trade(m)
	if !ok {
		return p.refused(tooFewOffers)
	}
	sent, arrived := p.amounts(swaps)
	if code := arrive(d, p.to.id, p.last(), arrived); code != xdr.PaymentResultCodePaymentSuccess {
		return p.refused(code)
	}
	if p.receive && sent > p.boundary || !p.receive && arrived < p.boundary {
		return p.refused(outOfBounds)
	}
	if code := leave(d, source.id, p.first(), sent); code != xdr.PaymentResultCodePaymentSuccess {
		return p.refused(code)
	}
	if !m.settle(d, swaps) {
		return p.refused(tooFewOffers)
	}
	done := p.outcome(xdr.PaymentResultCodePaymentSuccess, swaps, arrived, m)
	done.sent, done.arrived = sent, arrived
	done.effects = []effect{credited(p.to, p.last(), arrived), debited(source, p.first(), sent)}
	done.effects = append(done.effects, m.effects(source, swaps)...)
	return done
}

func (p pathPayment) trade(m *market) ([]swap, bool) {
	if p.receive {
		return m.back(p.path, p.amount)
	}
	return m.along(p.path, p.amount)
}

func (p pathPayment) amounts(swaps []swap) (sent, arrived int64) {
	if len(swaps) == 0 {
		return p.amount, p.amount
	}
	return swaps[0].given, swaps[len(swaps)-1].got
}

// claims are the swaps as results tell them: the market sold what the taker got.
func (m *market) claims(swaps []swap) []xdr.ClaimAtom {
	all := make([]xdr.ClaimAtom, len(swaps))
	for i, s := range swaps {
		all[i] = xdr.ClaimAtom{Type: xdr.ClaimAtomTypeClaimAtomTypeOrderBook, OrderBook: &xdr.ClaimOfferAtom{
			SellerId: accountXDR(m.maker.id), OfferId: xdr.Int64(s.offer), AssetSold: s.get.xdr(), AmountSold: xdr.Int64(s.got),
			AssetBought: s.give.xdr(), AmountBought: xdr.Int64(s.given),
		}}
	}
	return all
}
