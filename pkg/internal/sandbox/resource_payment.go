package sandbox

import "github.com/stellar/go-stellar-sdk/xdr"

// print writes the operation as Horizon's resource, with its whole transaction if joined.
func (o *payment) print(p *printer, join bool) {
	p.open('{')
	o.printLinks(p)
	p.plain("id", o.idText)
	p.plain("paging_token", o.idText)
	p.flag("transaction_successful", o.tx.successful)
	p.plain("source_account", o.source.address)
	p.muxed("source_account", o.source)
	p.plain("type", o.name())
	p.number("type_i", int64(o.kind))
	p.plain("created_at", o.tx.ledger.closedAt)
	p.plain("transaction_hash", o.tx.hash)
	if join {
		p.key("transaction")
		o.tx.print(p, false)
	}
	o.printMovement(p)
	p.close('}')
}

func (o *payment) name() string {
	switch o.kind {
	case xdr.OperationTypeCreateAccount:
		return "create_account"
	case xdr.OperationTypeAccountMerge:
		return "account_merge"
	case xdr.OperationTypePathPaymentStrictReceive:
		return "path_payment_strict_receive"
	case xdr.OperationTypePathPaymentStrictSend:
		return "path_payment_strict_send"
	case xdr.OperationTypeInvokeHostFunction:
		return "invoke_host_function"
	default:
		return "payment"
	}
}

func (o *payment) printLinks(p *printer) {
	p.object("_links")
	p.link("self", "/operations/", o.idText)
	p.link("transaction", "/transactions/", o.tx.hash)
	p.link("effects", "/operations/", o.idText, "/effects")
	p.link("succeeds", `/effects?order=desc\u0026cursor=`, o.idText)
	p.link("precedes", `/effects?order=asc\u0026cursor=`, o.idText)
	p.close('}')
}

func (o *payment) printMovement(p *printer) {
	switch o.kind {
	case xdr.OperationTypeCreateAccount:
		p.amount("starting_balance", o.amount)
		p.plain("funder", o.source.address)
		p.muxed("funder", o.source)
		p.plain("account", o.to.address)
	case xdr.OperationTypeAccountMerge:
		p.plain("account", o.source.address)
		p.muxed("account", o.source)
		p.plain("into", o.to.address)
		p.muxed("into", o.to)
	case xdr.OperationTypeInvokeHostFunction:
		o.call.print(p)
	default:
		o.printPayment(p)
	}
}

func (o *payment) printPayment(p *printer) {
	p.asset(o.asset, o.issuer)
	p.plain("from", o.source.address)
	p.muxed("from", o.source)
	p.plain("to", o.to.address)
	p.muxed("to", o.to)
	p.amount("amount", o.amount)
	if o.route != nil {
		o.route.print(p)
	}
}

func (r *route) print(p *printer) {
	p.list("path")
	for _, hop := range r.path[1 : len(r.path)-1] {
		p.item()
		p.open('{')
		p.asset(hop, hop.issuerAddress())
		p.close('}')
	}
	p.close(']')
	p.amount("source_amount", r.sent)
	if r.receive {
		p.amount("source_max", r.boundary)
	} else {
		p.amount("destination_min", r.boundary)
	}
	p.prefixedAsset("source_", r.first())
}

func (p *printer) asset(a asset, issuer string) {
	p.plain("asset_type", a.kind())
	if a.native() {
		return
	}
	p.plain("asset_code", a.code)
	p.plain("asset_issuer", issuer)
}
