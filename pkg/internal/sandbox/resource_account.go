package sandbox

import (
	"encoding/base64"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// print writes the account as Horizon's resource.
func (a *account) print(p *printer, _ bool) {
	p.open('{')
	a.printLinks(p)
	p.plain("id", a.address)
	p.plain("account_id", a.address)
	p.count("sequence", a.sequence)
	if a.usedLedger > 0 {
		p.number("sequence_ledger", int64(a.usedLedger))
		p.count("sequence_time", a.usedTime)
	}
	p.number("subentry_count", int64(a.subentries()))
	if a.inflation != "" {
		p.plain("inflation_destination", a.inflation)
	}
	if a.homeDomain != "" {
		p.text("home_domain", a.homeDomain)
	}
	p.number("last_modified_ledger", int64(a.modified))
	p.plain("last_modified_time", stamp(a.modifiedSecond))
	a.printThresholds(p)
	a.printFlags(p)
	a.printBalances(p)
	a.printSigners(p)
	a.printData(p)
	p.number("num_sponsoring", 0)
	p.number("num_sponsored", 0)
	p.plain("paging_token", a.address)
	p.close('}')
}

func (a *account) printLinks(p *printer) {
	p.object("_links")
	p.link("self", "/accounts/", a.address)
	for _, name := range [...]string{"transactions", "operations", "payments", "effects", "offers", "trades"} {
		p.template(name, "/accounts/", a.address, "/", name, paging)
	}
	p.template("data", "/accounts/", a.address, "/data/{key}")
	p.close('}')
}

func (a *account) printThresholds(p *printer) {
	p.object("thresholds")
	p.number("low_threshold", int64(a.thresholds[lowThreshold]))
	p.number("med_threshold", int64(a.thresholds[mediumThreshold]))
	p.number("high_threshold", int64(a.thresholds[highThreshold]))
	p.close('}')
}

func (a *account) printFlags(p *printer) {
	has := func(f xdr.AccountFlags) bool { return a.flags&uint32(f) != 0 }
	p.object("flags")
	p.flag("auth_required", has(xdr.AccountFlagsAuthRequiredFlag))
	p.flag("auth_revocable", has(xdr.AccountFlagsAuthRevocableFlag))
	p.flag("auth_immutable", has(xdr.AccountFlagsAuthImmutableFlag))
	p.flag("auth_clawback_enabled", has(xdr.AccountFlagsAuthClawbackEnabledFlag))
	p.close('}')
}

func (a *account) printBalances(p *printer) {
	p.list("balances")
	for i := range a.lines {
		p.item()
		a.lines[i].print(p)
	}
	p.item()
	p.open('{')
	p.amount("balance", a.balance)
	p.amount("buying_liabilities", 0)
	p.amount("selling_liabilities", 0)
	p.plain("asset_type", "native")
	p.close('}')
	p.close(']')
}

func (l *trustline) print(p *printer) {
	p.open('{')
	p.amount("balance", l.balance)
	p.amount("limit", l.limit)
	p.amount("buying_liabilities", 0)
	p.amount("selling_liabilities", 0)
	p.number("last_modified_ledger", int64(l.modified))
	p.flag("is_authorized", l.authorized)
	p.flag("is_authorized_to_maintain_liabilities", l.authorized)
	p.asset(l.asset, l.asset.issuer.address())
	p.close('}')
}

func (a *account) printSigners(p *printer) {
	p.list("signers")
	for _, s := range a.signers {
		p.signer(s.weight, s.address, signerKind(s.kind))
	}
	p.signer(a.thresholds[masterWeight], a.address, signerKind(xdr.SignerKeyTypeSignerKeyTypeEd25519))
	p.close(']')
}

func (p *printer) signer(weight uint8, key, kind string) {
	p.item()
	p.open('{')
	p.number("weight", int64(weight))
	p.plain("key", key)
	p.plain("type", kind)
	p.close('}')
}

func signerKind(kind xdr.SignerKeyType) string {
	switch kind {
	case xdr.SignerKeyTypeSignerKeyTypePreAuthTx:
		return "preauth_tx"
	case xdr.SignerKeyTypeSignerKeyTypeHashX:
		return "sha256_hash"
	default:
		return "ed25519_public_key"
	}
}

func (a *account) printData(p *printer) {
	p.object("data")
	for _, d := range a.data {
		p.item()
		p.escaped(d.name)
		p.buf = append(p.buf, ':')
		if p.pretty {
			p.buf = append(p.buf, ' ')
		}
		p.quoted(base64.StdEncoding.EncodeToString(d.value))
	}
	p.close('}')
}
