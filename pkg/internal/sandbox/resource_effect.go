package sandbox

import (
	"fmt"
	"strconv"
)

// print writes the effect as Horizon's resource.
func (e *effect) print(p *printer, _ bool) {
	p.open('{')
	e.printLinks(p)
	p.plain("id", fmt.Sprintf("%019d-%010d", e.at.id, e.at.order))
	p.plain("paging_token", e.at.text())
	p.plain("account", e.who.address)
	p.muxed("account", e.who)
	p.plain("type", e.kind.name())
	p.number("type_i", int64(e.kind))
	p.plain("created_at", e.ledger.closedAt)
	e.printDetails(p)
	p.close('}')
}

func (e *effect) printLinks(p *printer) {
	p.object("_links")
	p.link("operation", "/operations/", strconv.FormatInt(e.at.id, 10))
	p.link("succeeds", `/effects?order=desc\u0026cursor=`, e.at.text())
	p.link("precedes", `/effects?order=asc\u0026cursor=`, e.at.text())
	p.close('}')
}

func (e *effect) printDetails(p *printer) {
	switch e.kind {
	case accountRemoved:
	case accountCreated:
		p.amount("starting_balance", e.amount)
	case signerCreated:
		p.number("weight", 1)
		p.plain("public_key", e.who.address)
		p.plain("key", "")
	case trustlineCreated, trustlineRemoved, trustlineUpdated:
		p.asset(e.asset, e.asset.issuerAddress())
		p.amount("limit", e.amount)
	case traded:
		e.trade.print(p)
	default:
		p.asset(e.asset, e.asset.issuerAddress())
		if e.contract != "" {
			p.plain("contract", e.contract)
		}
		p.amount("amount", e.amount)
	}
}

func (t *trade) print(p *printer) {
	p.plain("seller", t.seller.address)
	p.muxed("seller", t.seller)
	p.count("offer_id", t.offer)
	p.amount("sold_amount", t.soldUnits)
	p.prefixedAsset("sold_", t.sold)
	p.amount("bought_amount", t.boughtUnits)
	p.prefixedAsset("bought_", t.bought)
}

// prefixedAsset is asset for a resource with several.
func (p *printer) prefixedAsset(prefix string, a asset) {
	p.plain(prefix+"asset_type", a.kind())
	if a.native() {
		return
	}
	p.plain(prefix+"asset_code", a.code)
	p.plain(prefix+"asset_issuer", a.issuer.address())
}
