package sandbox

import "strconv"

const paging = "{?cursor,limit,order}"

// print writes the transaction as Horizon's resource.
func (t *transaction) print(p *printer, _ bool) { t.printAs(p, t.hash, t.signatures) }

// printAsked is print for who asked by one of its hashes: asked by that of the inner transaction of a fee bump, Horizon
// shows that one's hash and signatures.
func (t *transaction) printAsked(p *printer, hash [32]byte) {
	if t.inner != nil && hash == t.inner.rawHash {
		t.printAs(p, t.inner.hash, t.inner.signatures)
		return
	}
	t.print(p, false)
}

func (t *transaction) printAs(p *printer, hash string, signatures []string) {
	p.open('{')
	if t.memo.present {
		p.text("memo", t.memo.text)
		if t.memo.kind == "text" {
			p.plain("memo_bytes", t.memo.bytes)
		}
	}
	t.printLinks(p, hash)
	p.plain("id", hash)
	p.plain("paging_token", t.idText)
	p.flag("successful", t.successful)
	p.plain("hash", hash)
	p.number("ledger", int64(t.ledger.sequence))
	p.plain("created_at", t.ledger.closedAt)
	p.plain("source_account", t.source.address)
	p.muxed("account", t.source)
	p.count("source_account_sequence", t.sequence)
	p.plain("fee_account", t.feeAccount.address)
	p.muxed("fee_account", t.feeAccount)
	p.count("fee_charged", t.feeCharged)
	p.count("max_fee", t.maxFee)
	p.number("operation_count", int64(t.operationCount))
	p.plain("envelope_xdr", t.envelope)
	p.plain("result_xdr", t.result)
	p.plain("result_meta_xdr", t.meta)
	p.plain("fee_meta_xdr", emptyFeeMeta)
	p.plain("memo_type", t.memo.kind)
	p.texts("signatures", signatures)
	t.printPreconditions(p)
	t.printBump(p)
	p.close('}')
}

func (t *transaction) printLinks(p *printer, hash string) {
	p.object("_links")
	p.link("self", "/transactions/", hash)
	p.link("account", "/accounts/", t.source.address)
	p.link("ledger", "/ledgers/", t.ledgerText)
	p.template("operations", "/transactions/", hash, "/operations"+paging)
	p.template("effects", "/transactions/", hash, "/effects"+paging)
	p.link("precedes", `/transactions?order=asc\u0026cursor=`, t.idText)
	p.link("succeeds", `/transactions?order=desc\u0026cursor=`, t.idText)
	p.link("transaction", "/transactions/", hash)
	p.close('}')
}

func (t *transaction) printBump(p *printer) {
	if t.inner == nil {
		return
	}
	p.object("fee_bump_transaction")
	p.plain("hash", t.hash)
	p.texts("signatures", t.signatures)
	p.close('}')
	p.object("inner_transaction")
	p.plain("hash", t.inner.hash)
	p.texts("signatures", t.inner.signatures)
	p.count("max_fee", t.inner.maxFee)
	p.close('}')
}

// texts writes a member that is a list of texts which need no escaping.
func (p *printer) texts(name string, values []string) {
	p.list(name)
	for _, v := range values {
		p.item()
		p.quoted(v)
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
