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
	if o.kind == xdr.OperationTypeCreateAccount {
		return "create_account"
	}
	return "payment"
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
	if o.kind == xdr.OperationTypeCreateAccount {
		p.amount("starting_balance", o.amount)
		p.plain("funder", o.source.address)
		p.muxed("funder", o.source)
		p.plain("account", o.to.address)
		return
	}
	p.asset(o.asset, o.issuer)
	p.plain("from", o.source.address)
	p.muxed("from", o.source)
	p.plain("to", o.to.address)
	p.muxed("to", o.to)
	p.amount("amount", o.amount)
}

func (p *printer) asset(a asset, issuer string) {
	p.plain("asset_type", a.kind())
	if a.native() {
		return
	}
	p.plain("asset_code", a.code)
	p.plain("asset_issuer", issuer)
}
