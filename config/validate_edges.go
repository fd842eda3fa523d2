package config

import (
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/strkey"
)

func (c *checker) server() {
	c.activeSEPs()
	c.hostURL()
	c.address("server.listen", c.s.Server.Listen)
	c.address("server.operator_listen", c.s.Server.OperatorListen)
	if c.s.Server.OperatorListen != "" && c.s.Server.OperatorListen == c.s.Server.Listen && !anyPort(c.s.Server.Listen) {
		c.wrong("server.operator_listen", "is the address of ANCHOR_LISTEN, which is open to the public")
	}
	for _, proxy := range c.s.Server.TrustedProxies {
		if _, err := netip.ParsePrefix(proxy); err != nil {
			c.wrong("server.trusted_proxies", "has "+show(proxy)+", which is not a network")
		}
	}
	c.tls()
	c.readable("server.toml_file", c.s.Server.TomlFile)
}

// tls checks that certificate and key come together, and whether they can be read where they are needed. Whether they
// belong together is seen when they are used: they may be replaced at any time.
func (c *checker) tls() {
	certificate, key := c.s.Server.TLSCertificate, c.s.Server.TLSKey
	switch {
	case certificate == "" && key == "":
		return
	case key == "":
		c.wrong("server.tls_key", "is missing, and ANCHOR_TLS_CERTIFICATE is given")
	case certificate == "":
		c.wrong("server.tls_certificate", "is missing, and ANCHOR_TLS_KEY is given")
	case c.s.Server.LocalMode:
		c.wrongWith("server.tls_certificate", "is given in LOCAL_MODE, where HOST_URL is plain http",
			"remove it together with ANCHOR_TLS_KEY, or set LOCAL_MODE=0 and give an https HOST_URL")
	}
	c.readable("server.tls_certificate", certificate)
	c.readable("server.tls_key", key)
}

// readable leaves the files of `anchor serve` to the host on which it runs.
func (c *checker) readable(key, path string) {
	if path == "" || !c.need.web {
		return
	}
	if _, err := readLimited(path); err != nil {
		c.wrong(key, "names a file that cannot be read: "+reason(err))
	}
}

func (c *checker) activeSEPs() {
	const key = "server.active_seps"
	active := c.s.Server.ActiveSEPs
	if len(active) == 0 && c.need.web {
		c.wrong(key, "is empty: nothing would be served")
	}
	for _, sep := range active {
		switch sep {
		case "sep-1", "sep-10", "sep-12", "sep-31", "sep-38":
		case "sep-6", "sep-24":
			c.wrongWith(key, "has "+sep+", which is not ours: it is for deposits and withdrawals, anchor is the receiving side of SEP-31",
				"remove "+sep+", or serve it with another program")
		default:
			c.wrong(key, "has "+show(sep)+", which is not a SEP that anchor knows")
		}
	}
	c.companions("sep-31", "sep-1", "sep-10", "sep-12")
	if !slices.Contains(active, "sep-31") {
		c.companions("sep-12", "sep-10")
		c.companions("sep-38", "sep-10")
	}
}

// companions refuses a SEP without those that its clients cannot do without.
func (c *checker) companions(sep string, others ...string) {
	if !c.s.Server.Active(sep) {
		return
	}
	var missing []string
	for _, other := range others {
		if !c.s.Server.Active(other) {
			missing = append(missing, other)
		}
	}
	if len(missing) > 0 {
		list := strings.Join(missing, ", ")
		c.wrongWith("server.active_seps", "has "+sep+" without "+list, "add "+list)
	}
}

func (c *checker) hostURL() {
	const key = "server.host_url"
	host, local := c.s.Server.HostURL, c.s.Server.LocalMode
	if host == "" {
		if c.need.web {
			c.wrong(key, "is missing")
		}
		return
	}
	u, problem := parseWebAddress(host)
	switch {
	case problem != "":
		c.wrong(key, problem)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		c.wrong(key, "has more than a host: stellar.toml is looked for at the root of a domain")
	case u.Scheme == "https" && local:
		c.wrongWith(key, "uses HTTPS but LOCAL_MODE only supports HTTP", "give an http:// address, or set LOCAL_MODE=0")
	case u.Scheme == "http" && !local:
		c.wrongWith(key, "uses HTTP but LOCAL_MODE is off", "give an https:// address, or for development set LOCAL_MODE=1")
	}
}

// parseWebAddress wants scheme and host, and no user or password, which would end up in logs.
func parseWebAddress(text string) (u *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, "is not an address"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "must include a protocol (http or https)"
	case u.User != nil:
		return nil, "has a user or a password in it"
	case u.Hostname() == "" || !isPort(u.Port()) && u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		return nil, "is not an address"
	default:
		return u, ""
	}
}

func (c *checker) address(key, address string) {
	if address == "" {
		return
	}
	if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port) {
		c.wrong(key, "is "+show(address)+", which is not host:port")
	}
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// anyPort tells whether the system picks the port, so that equal addresses do not collide.
func anyPort(address string) bool { return strings.HasSuffix(address, ":0") }

func (c *checker) network() {
	n := c.s.Network
	if n.Passphrase == "" {
		c.wrong("network.passphrase", "is empty")
	}
	if c.need.network && len(n.HorizonURIs) == 0 {
		c.wrong("network.horizon_uri", "is empty")
	}
	for _, uri := range n.HorizonURIs {
		c.horizon(uri)
	}
	c.ledgerSource()
	const least = 100
	if fee := n.MaxFeeStroops; fee != 0 && (fee < least || fee > math.MaxUint32) {
		c.wrong("network.max_transaction_fee_stroops", "is "+strconv.Itoa(fee))
	}
}

// ledgerSource repeats nothing of the address and the headers: they may hold keys.
func (c *checker) ledgerSource() {
	n := c.s.Network
	_, err := n.Headers()
	c.fault(err)
	_, err = n.RPCHeader()
	c.fault(err)
	switch n.LedgerSource {
	case LedgerHorizon:
	case LedgerRPC:
		if !n.RPCURL.IsSet() {
			c.wrong("network.rpc_url", "is missing")
		}
	default:
		c.wrong("network.ledger_source", "is "+show(n.LedgerSource))
	}
	if n.RPCURL.IsSet() {
		if u, err := url.Parse(n.RPCURL.Reveal()); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			c.wrong("network.rpc_url", "is not an address beginning with https://")
		}
	}
}

func (c *checker) horizon(uri string) {
	const key = "network.horizon_uri"
	u, problem := parseWebAddress(uri)
	if problem != "" {
		c.wrong(key, problem)
		return
	}
	if u.RawQuery != "" || u.Fragment != "" {
		c.wrong(key, "has a query or a fragment")
	}
	if of, known := passphraseOf(u.Hostname()); known && c.s.Network.Passphrase != "" && c.s.Network.Passphrase != of {
		c.wrongWith(key, "is a Horizon of another network than STELLAR_NETWORK_PASSPHRASE",
			"give a Horizon of that network, or set STELLAR_NETWORK_PASSPHRASE to `"+of+"`")
	}
}

// passphraseOf knows the Horizon servers of the Stellar Development Foundation; of others the network itself is asked later.
func passphraseOf(host string) (string, bool) {
	switch strings.ToLower(host) {
	case "horizon.stellar.org":
		return network.PublicNetworkPassphrase, true
	case "horizon-testnet.stellar.org":
		return network.TestNetworkPassphrase, true
	case "horizon-futurenet.stellar.org":
		return network.FutureNetworkPassphrase, true
	default:
		return "", false
	}
}

// database repeats nothing of the addresses: they may hold a password.
func (c *checker) database() {
	address, listen := c.s.Database.URL.Reveal(), c.s.Database.ListenURL.Reveal()
	path, sqlite := strings.CutPrefix(address, "sqlite:")
	switch {
	case address == "":
		c.wrong("database.url", "is empty")
	case sqlite && (path == "" || path == ":memory:" || strings.HasPrefix(path, "//")):
		c.wrong("database.url", "does not name a file, and several processes share the database")
	case !sqlite && !isPostgres(address):
		c.wrong("database.url", "is neither sqlite:PATH nor postgres://…")
	}
	if listen != "" && (sqlite || !isPostgres(listen)) {
		c.wrong("database.listen_url", "is not a postgres:// address of the same database as DATABASE_URL")
	}
}

func isPostgres(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// signingSeed repeats nothing of the seed, nor the library's error, which may.
func (c *checker) signingSeed(seed Secret) {
	if strkey.IsValidEd25519PublicKey(seed.Reveal()) {
		c.wrong("keys.signing_seed", "is an account (G…), not its secret seed")
		return
	}
	if _, err := keypair.ParseFull(seed.Reveal()); err != nil {
		c.wrong("keys.signing_seed", "is not a valid secret seed")
	}
}

func (c *checker) sep10() {
	c.hostNames("sep10.home_domains", c.s.SEP10.HomeDomains)
	c.hostNames("sep10.client_attribution_allowlist", c.s.SEP10.AttributionAllowlist)
	c.hostNames("sep10.client_attribution_denylist", c.s.SEP10.AttributionDenylist)
	c.hostNames("callbacks.request_domain_denylist", c.s.Callbacks.DomainDenylist)
}

func (c *checker) hostNames(key string, names []string) {
	for _, name := range names {
		u, err := url.Parse("//" + name)
		if err != nil || u.Host != name || u.Hostname() == "" || strings.ContainsAny(name, " \t@") {
			c.wrong(key, "must only be hostnames, and has "+show(name))
		}
	}
}

func (c *checker) sep31() {
	const key = "sep31.sending_anchors"
	for _, account := range c.s.SEP31.SendingAnchors {
		switch {
		case strkey.IsValidEd25519PublicKey(account):
		case strkey.IsValidMuxedAccountEd25519PublicKey(account):
			c.wrong(key, "has the muxed account "+show(account)+": the business is known by its account")
		default:
			c.wrong(key, "has "+show(account)+", which is not a Stellar account")
		}
	}
	if kind := c.s.SEP31.MemoType; !slices.Contains([]string{"id", "hash", "text"}, kind) {
		c.wrong("sep31.memo_type", "is "+show(kind))
	}
}

func (c *checker) documentation() {
	d := c.s.Documentation
	for _, address := range []struct{ key, value string }{
		{"documentation.org_url", d.OrgURL},
		{"documentation.org_logo", d.OrgLogo},
		{"documentation.org_physical_address_attestation", d.OrgPhysicalAddressAttestation},
		{"documentation.org_phone_number_attestation", d.OrgPhoneNumberAttestation},
	} {
		u, problem := parseWebAddress(address.value)
		if address.value != "" && (problem != "" || u.Scheme != "https") {
			c.wrong(address.key, "is "+show(address.value)+", which is not an https address")
		}
	}
	for _, mail := range []struct{ key, value string }{
		{"documentation.org_official_email", d.OrgOfficialEmail},
		{"documentation.org_support_email", d.OrgSupportEmail},
	} {
		if mail.value != "" && !strings.Contains(strings.Trim(mail.value, "@"), "@") {
			c.wrong(mail.key, "is "+show(mail.value)+", which is not an e-mail address")
		}
	}
	if d.OrgPhoneNumber != "" && !isPhone(d.OrgPhoneNumber) {
		c.wrong("documentation.org_phone_number", "is "+show(d.OrgPhoneNumber)+", which is not in E.164 form")
	}
}

func isPhone(text string) bool {
	digits, plus := strings.CutPrefix(text, "+")
	_, err := strconv.ParseUint(digits, 10, 64)
	return plus && err == nil && len(digits) >= 7 && len(digits) <= 15
}
