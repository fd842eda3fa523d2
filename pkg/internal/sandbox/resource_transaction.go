package sandbox

import "strconv"

const paging = "{?cursor,limit,order}"

// print writes the transaction as Horizon's resource.
func (t *transaction) print(p *printer, _ bool) {
	p.open('{')
	if t.memo.present {
		p.text("memo", t.memo.text)
		if t.memo.kind == "text" {
			p.plain("memo_bytes", t.memo.bytes)
		}
	}
	t.printLinks(p)
	p.plain("id", t.hash)
	p.plain("paging_token", t.idText)
	p.flag("successful", t.successful)
	p.plain("hash", t.hash)
	p.number("ledger", int64(t.ledger.sequence))
	p.plain("created_at", t.ledger.closedAt)
	p.plain("source_account", t.source.address)
	p.muxed("account", t.source)
	p.count("source_account_sequence", t.sequence)
	p.plain("fee_account", t.source.address)
	p.muxed("fee_account", t.source)
	p.count("fee_charged", t.feeCharged)
	p.count("max_fee", t.maxFee)
	p.number("operation_count", int64(t.operationCount))
	p.plain("envelope_xdr", t.envelope)
	p.plain("result_xdr", t.result)
	p.plain("result_meta_xdr", t.meta)
	p.plain("fee_meta_xdr", emptyFeeMeta)
	p.plain("memo_type", t.memo.kind)
	t.printSignatures(p)
	t.printPreconditions(p)
	p.close('}')
}

func (t *transaction) printLinks(p *printer) {
	p.object("_links")
	p.link("self", "/transactions/", t.hash)
	p.link("account", "/accounts/", t.source.address)
	p.link("ledger", "/ledgers/", t.ledgerText)
	p.template("operations", "/transactions/", t.hash, "/operations"+paging)
	p.template("effects", "/transactions/", t.hash, "/effects"+paging)
	p.link("precedes", `/transactions?order=asc\u0026cursor=`, t.idText)
	p.link("succeeds", `/transactions?order=desc\u0026cursor=`, t.idText)
	p.link("transaction", "/transactions/", t.hash)
	p.close('}')
}

func (t *transaction) printSignatures(p *printer) {
	p.list("signatures")
	for _, s := range t.signatures {
		p.item()
		p.quoted(s)
	}
	p.close(']')
}

func (t *transaction) printPreconditions(p *printer) {
	if t.times == nil && t.ledgers == nil {
		return
	}
	p.object("preconditions")
	if t.times != nil {
		p.object("timebounds")
		p.plain("min_time", strconv.FormatUint(uint64(t.times.MinTime), 10))
		if t.times.MaxTime != 0 {
			p.plain("max_time", strconv.FormatUint(uint64(t.times.MaxTime), 10))
		}
		p.close('}')
	}
	if t.ledgers != nil {
		p.object("ledgerbounds")
		p.number("min_ledger", int64(t.ledgers.MinLedger))
		if t.ledgers.MaxLedger != 0 {
			p.number("max_ledger", int64(t.ledgers.MaxLedger))
		}
		p.close('}')
	}
	p.close('}')
}

// muxed writes the M… address of a party that has one.
func (p *printer) muxed(name string, of party) {
	if of.muxed == "" {
		return
	}
	p.plain(name+"_muxed", of.muxed)
	p.plain(name+"_muxed_id", of.number)
}
