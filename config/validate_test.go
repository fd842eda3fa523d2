package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

const paying = "rails: [{name: bank, kind: simulated}]\nfunding_methods: [{name: SEPA, rail: bank}]\n"

// complete is what `anchor serve` and every other role can start with.
func complete() []string {
	return []string{
		"HOST_URL=https://anchor.example.com", "SIGNING_SEED=" + testSeed, "SERVER_JWT_KEY=" + testJWTKey,
		"ANCHOR_MASTER_KEYS=" + testMaster, "ANCHOR_SENDING_ANCHORS=" + testAccount,
	}
}

// loaded puts changes over a complete environment: "NAME=value" replaces, "-NAME" removes.
func loaded(t *testing.T, yaml string, changes ...string) config.Settings {
	t.Helper()
	s, err := config.Load(source(folder(t, map[string]string{"anchor.yaml": yaml}), changed(complete(), changes)...))
	require.NoError(t, err)
	return s
}

func changed(environ, changes []string) []string {
	var result []string
	for _, change := range changes {
		if !strings.HasPrefix(change, "-") {
			result = append(result, change) // the first of a name counts
		}
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		removed := false
		for _, change := range changes {
			removed = removed || change == "-"+name
		}
		if !removed {
			result = append(result, entry)
		}
	}
	return result
}

func TestValidate_passes_complete_settings_for_every_role(t *testing.T) {
	t.Parallel()
	s := loaded(t, paying)
	for _, role := range []config.Role{
		config.RoleServe, config.RoleWatch, config.RoleExecute, config.RolePoll, config.RoleRun,
		config.RoleMigrate, config.RoleAssets, config.RoleOperate,
	} {
		require.NoError(t, s.Validate(role, config.Supplied{}), role)
	}
	require.ErrorContains(t, s.Validate("dance", config.Supplied{}), "no such role")
}

func TestValidate_demands_of_each_role_what_it_needs_and_no_more(t *testing.T) {
	t.Parallel()
	web := []string{"HOST_URL", "SIGNING_SEED", "SERVER_JWT_KEY", "ANCHOR_MASTER_KEYS", "funding_methods"}
	payouts := []string{"ANCHOR_MASTER_KEYS", "funding_methods"}
	s, err := config.Load(source(t.TempDir()))
	require.NoError(t, err)
	for role, missing := range map[config.Role][]string{
		config.RoleServe: web, config.RoleRun: web, config.RoleExecute: payouts, config.RolePoll: payouts,
		config.RoleWatch: {"funding_methods"}, config.RoleMigrate: nil, config.RoleAssets: nil, config.RoleOperate: nil,
	} {
		err := s.Validate(role, config.Supplied{})
		if missing == nil {
			require.NoError(t, err, role)
			continue
		}
		var faults config.Faults
		require.ErrorAs(t, err, &faults, role)
		require.Len(t, faults, len(missing), "%s: %v", role, err)
		for _, key := range missing {
			require.NotEmpty(t, faultOf(t, err, key).Mend, key)
		}
	}
}

type badSetting struct {
	name     string
	yaml     string
	changes  []string
	supplied config.Supplied
	key      string // the path or the variable
	problem  string
	mend     string
}

func TestValidate_names_each_fault_with_its_key_and_mend(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(badEdges(), badDeclared(), badSEPs(), badExchange(), badRefunds(), badRemote(), badRails()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.yaml == "" {
				c.yaml = paying
			}
			err := loaded(t, c.yaml, c.changes...).Validate(config.RoleRun, c.supplied)
			fault := faultOf(t, err, c.key)
			require.Contains(t, fault.Problem, c.problem)
			require.Contains(t, fault.Mend, c.mend)
			require.NotEmpty(t, fault.Mend)
			var faults config.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1, "%v", err)
		})
	}
}

func badEdges() []badSetting {
	account := "GBBM6BKZPEHWYO3E3YKREDPQXMS4VK35YLNU7NFBRI26RAN7GI5POFBB"
	return []badSetting{
		{name: "no SEP at all", changes: []string{"ACTIVE_SEPS="}, key: "ACTIVE_SEPS", problem: "is empty"},
		{name: "sep-6 is not ours", changes: []string{"ACTIVE_SEPS=sep-1,sep-6,sep-10,sep-12,sep-31"}, key: "ACTIVE_SEPS", problem: "sep-6, which is not ours", mend: "remove sep-6"},
		{name: "sep-24 is not ours", changes: []string{"ACTIVE_SEPS=sep-1,sep-24"}, key: "ACTIVE_SEPS", problem: "sep-24, which is not ours", mend: "remove sep-24"},
		{name: "an unknown SEP", changes: []string{"ACTIVE_SEPS=sep-1,sep-99"}, key: "ACTIVE_SEPS", problem: `"sep-99"`, mend: "sep-31"},
		{name: "sep-31 without its companions", changes: []string{"ACTIVE_SEPS=sep-31,sep-10"}, key: "ACTIVE_SEPS", problem: "sep-31 without sep-1, sep-12", mend: "add sep-1, sep-12"},
		{name: "sep-12 without authentication", changes: []string{"ACTIVE_SEPS=sep-1,sep-12"}, key: "ACTIVE_SEPS", problem: "sep-12 without sep-10", mend: "add sep-10"},

		{name: "no HOST_URL", changes: []string{"-HOST_URL"}, key: "HOST_URL", problem: "is missing", mend: "https://"},
		{name: "https with LOCAL_MODE", changes: []string{"LOCAL_MODE=1"}, key: "HOST_URL", problem: "uses HTTPS but LOCAL_MODE only supports HTTP", mend: "LOCAL_MODE=0"},
		{name: "http without LOCAL_MODE", changes: []string{"HOST_URL=http://localhost:8000"}, key: "HOST_URL", problem: "uses HTTP but LOCAL_MODE is off", mend: "LOCAL_MODE=1"},
		{name: "HOST_URL without a protocol", changes: []string{"HOST_URL=anchor.example.com"}, key: "HOST_URL", problem: "must include a protocol"},
		{name: "HOST_URL with a path", changes: []string{"HOST_URL=https://a.example/anchor"}, key: "HOST_URL", problem: "more than a host"},
		{name: "HOST_URL with a query", changes: []string{"HOST_URL=https://a.example?x=1"}, key: "HOST_URL", problem: "more than a host"},
		{name: "HOST_URL with a password", changes: []string{"HOST_URL=https://u:p@a.example"}, key: "HOST_URL", problem: "a user or a password"},
		{name: "HOST_URL without a host", changes: []string{"HOST_URL=https://"}, key: "HOST_URL", problem: "is not an address"},
		{name: "HOST_URL with a port that is none", changes: []string{"HOST_URL=https://a.example:99999", "ANCHOR_LISTEN=:1"}, key: "HOST_URL", problem: "is not an address"},
		{name: "an address without a port", changes: []string{"ANCHOR_LISTEN=127.0.0.1"}, key: "ANCHOR_LISTEN", problem: "not host:port", mend: "127.0.0.1:8000"},
		{name: "an operator address that is none", changes: []string{"ANCHOR_OPERATOR_LISTEN=:http"}, key: "ANCHOR_OPERATOR_LISTEN", problem: "not host:port", mend: "127.0.0.1:9000"},
		{name: "metrics on the public address", changes: []string{"ANCHOR_OPERATOR_LISTEN=127.0.0.1:8000"}, key: "ANCHOR_OPERATOR_LISTEN", problem: "open to the public", mend: "other than"},
		{name: "a proxy without a mask", changes: []string{"ANCHOR_TRUSTED_PROXIES=10.0.0.0/8,10.0.0.1"}, key: "ANCHOR_TRUSTED_PROXIES", problem: `"10.0.0.1"`, mend: "10.0.0.1/32"},

		{name: "a Horizon without a protocol", changes: []string{"HORIZON_URI=horizon.example"}, key: "HORIZON_URI", problem: "must include a protocol"},
		{name: "no Horizon", changes: []string{"HORIZON_URI="}, key: "HORIZON_URI", problem: "is empty"},
		{name: "a Horizon of another network", changes: []string{"STELLAR_NETWORK_PASSPHRASE=Standalone"}, key: "HORIZON_URI", problem: "another network", mend: "Test SDF Network"},
		{name: "a Horizon with a query", changes: []string{"HORIZON_URI=https://horizon.example?key=1"}, key: "HORIZON_URI", problem: "a query"},
		{name: "no passphrase", changes: []string{"STELLAR_NETWORK_PASSPHRASE="}, key: "STELLAR_NETWORK_PASSPHRASE", problem: "is empty", mend: "Test SDF Network"},
		{name: "a fee below the network's least", changes: []string{"MAX_TRANSACTION_FEE_STROOPS=99"}, key: "MAX_TRANSACTION_FEE_STROOPS", problem: "is 99", mend: "from 100"},
		{name: "a fee below zero", changes: []string{"MAX_TRANSACTION_FEE_STROOPS=-100"}, key: "MAX_TRANSACTION_FEE_STROOPS", problem: "is -100"},
		{name: "a fee that no envelope can carry", changes: []string{"MAX_TRANSACTION_FEE_STROOPS=4294967296"}, key: "MAX_TRANSACTION_FEE_STROOPS", problem: "is 4294967296"},

		{name: "no database", changes: []string{"DATABASE_URL="}, key: "DATABASE_URL", problem: "is empty"},
		{name: "a database of another kind", changes: []string{"DATABASE_URL=mysql://localhost/a"}, key: "DATABASE_URL", problem: "neither sqlite:PATH nor postgres"},
		{name: "a database in memory", changes: []string{"DATABASE_URL=sqlite::memory:"}, key: "DATABASE_URL", problem: "does not name a file"},
		{name: "a database without a path", changes: []string{"DATABASE_URL=sqlite:"}, key: "DATABASE_URL", problem: "does not name a file"},
		{name: "a database path with a host", changes: []string{"DATABASE_URL=sqlite://a.db"}, key: "DATABASE_URL", problem: "does not name a file"},
		{name: "LISTEN on SQLite", changes: []string{"ANCHOR_DATABASE_LISTEN_URL=postgres://localhost/a"}, key: "ANCHOR_DATABASE_LISTEN_URL", problem: "not a postgres:// address of the same database"},
		{name: "LISTEN on another kind", changes: []string{"DATABASE_URL=postgres://localhost/a", "ANCHOR_DATABASE_LISTEN_URL=redis://localhost"}, key: "ANCHOR_DATABASE_LISTEN_URL", problem: "not a postgres:// address"},

		{name: "no seed", changes: []string{"-SIGNING_SEED"}, key: "SIGNING_SEED", problem: "is missing", mend: "anchor init"},
		{name: "an account in place of a seed", changes: []string{"SIGNING_SEED=" + testAccount}, key: "SIGNING_SEED", problem: "is an account"},
		{name: "a seed with a wrong letter", changes: []string{"SIGNING_SEED=" + testSeed[:55] + "A"}, key: "SIGNING_SEED", problem: "not a valid secret seed"},
		{name: "no key for tokens", changes: []string{"-SERVER_JWT_KEY"}, key: "SERVER_JWT_KEY", problem: "is missing", mend: "openssl rand"},
		{name: "a short key for tokens", changes: []string{"SERVER_JWT_KEY=" + testJWTKey[:31]}, key: "SERVER_JWT_KEY", problem: "is 31 bytes long", mend: "32 random bytes"},
		{name: "no master key", changes: []string{"-ANCHOR_MASTER_KEYS"}, key: "ANCHOR_MASTER_KEYS", problem: "is missing", mend: "openssl rand"},
		{name: "a master key that is too short", changes: []string{"ANCHOR_MASTER_KEYS=a:AAAA"}, key: "ANCHOR_MASTER_KEYS", problem: "is 3 bytes long, not 32"},

		{name: "a home domain with a scheme", changes: []string{"SEP10_HOME_DOMAINS=https://a.example"}, key: "SEP10_HOME_DOMAINS", problem: "must only be hostnames"},
		{name: "a home domain with a path", changes: []string{"SEP10_HOME_DOMAINS=a.example/b"}, key: "SEP10_HOME_DOMAINS", problem: "must only be hostnames"},
		{name: "an allowed client that is no host", changes: []string{"SEP10_CLIENT_ATTRIBUTION_ALLOWLIST=a b"}, key: "SEP10_CLIENT_ATTRIBUTION_ALLOWLIST", problem: "must only be hostnames"},
		{name: "a denied client that is no host", changes: []string{"SEP10_CLIENT_ATTRIBUTION_DENYLIST=u@a"}, key: "SEP10_CLIENT_ATTRIBUTION_DENYLIST", problem: "must only be hostnames"},
		{name: "a denied callback domain that is no host", changes: []string{"CALLBACK_REQUEST_DOMAIN_DENYLIST=http://a"}, key: "CALLBACK_REQUEST_DOMAIN_DENYLIST", problem: "must only be hostnames"},
		{name: "no time for attribution", changes: []string{"SEP10_CLIENT_ATTRIBUTION_REQUEST_TIMEOUT=0"}, key: "SEP10_CLIENT_ATTRIBUTION_REQUEST_TIMEOUT", problem: "not above zero"},
		{name: "no time for a challenge", changes: []string{"ANCHOR_CHALLENGE_LIFETIME=0"}, key: "ANCHOR_CHALLENGE_LIFETIME", problem: "not above zero", mend: "15m"},
		{name: "no time for a token", changes: []string{"ANCHOR_TOKEN_LIFETIME=-1h"}, key: "ANCHOR_TOKEN_LIFETIME", problem: "not above zero", mend: "24h"},

		{name: "a sending anchor with a wrong letter", changes: []string{"ANCHOR_SENDING_ANCHORS=" + testAccount + "," + account[:55] + "C"}, key: "ANCHOR_SENDING_ANCHORS", problem: "not a Stellar account", mend: "G…"},
		{name: "a muxed sending anchor", changes: []string{"ANCHOR_SENDING_ANCHORS=MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"}, key: "ANCHOR_SENDING_ANCHORS", problem: "muxed"},
		{name: "no time to pay", changes: []string{"ANCHOR_TRANSACTION_LIFETIME=0s"}, key: "ANCHOR_TRANSACTION_LIFETIME", problem: "not above zero"},

		{name: "no time for a callback", changes: []string{"CALLBACK_REQUEST_TIMEOUT=0"}, key: "CALLBACK_REQUEST_TIMEOUT", problem: "not above zero", mend: "3s"},
		{name: "callbacks without attempts", changes: []string{"ANCHOR_CALLBACK_MAX_ATTEMPTS=0"}, key: "ANCHOR_CALLBACK_MAX_ATTEMPTS", problem: "is 0", mend: "1 to 1000"},
		{name: "callbacks without a pause", changes: []string{"ANCHOR_CALLBACK_MAX_WAIT=0"}, key: "ANCHOR_CALLBACK_MAX_WAIT", problem: "not above zero"},
		{name: "no callback at a time", changes: []string{"ANCHOR_CALLBACK_CONCURRENCY=-1"}, key: "ANCHOR_CALLBACK_CONCURRENCY", problem: "is -1"},
		{name: "too many payouts at once", changes: []string{"ANCHOR_CONCURRENCY=1001"}, key: "ANCHOR_CONCURRENCY", problem: "is 1001"},
		{name: "no wait between passes", changes: []string{"ANCHOR_INTERVAL=0"}, key: "ANCHOR_INTERVAL", problem: "not above zero", mend: "30s"},
		{name: "no time for a rail", changes: []string{"ANCHOR_RAIL_TIMEOUT=0"}, key: "ANCHOR_RAIL_TIMEOUT", problem: "not above zero"},
		{name: "a lease that ends with the call", changes: []string{"ANCHOR_LEASE=59s"}, key: "ANCHOR_LEASE", problem: "less than twice ANCHOR_RAIL_TIMEOUT (30s)", mend: "2m"},
		{name: "no lease", changes: []string{"ANCHOR_LEASE=0"}, key: "ANCHOR_LEASE", problem: "not above zero"},
		{name: "no time to stop", changes: []string{"ANCHOR_STOP_TIMEOUT=0"}, key: "ANCHOR_STOP_TIMEOUT", problem: "not above zero"},
		{name: "an unknown level", changes: []string{"ANCHOR_LOG_LEVEL=loud"}, key: "ANCHOR_LOG_LEVEL", problem: `"loud"`, mend: "debug, info, warn or error"},
		{name: "an unknown format", changes: []string{"ANCHOR_LOG_FORMAT=xml"}, key: "ANCHOR_LOG_FORMAT", problem: `"xml"`, mend: "text or json"},

		{name: "a website without https", changes: []string{"ANCHOR_ORG_URL=http://a.example"}, key: "ANCHOR_ORG_URL", problem: "not an https address", mend: "https://"},
		{name: "a logo that is no address", changes: []string{"ANCHOR_ORG_LOGO=logo.png"}, key: "ANCHOR_ORG_LOGO", problem: "not an https address"},
		{name: "a phone number with spaces", changes: []string{"ANCHOR_ORG_PHONE_NUMBER=+1 415 555 2671"}, key: "ANCHOR_ORG_PHONE_NUMBER", problem: "E.164", mend: "+14155552671"},
		{name: "a mail address that is none", changes: []string{"ANCHOR_ORG_SUPPORT_EMAIL=@example.com"}, key: "ANCHOR_ORG_SUPPORT_EMAIL", problem: "not an e-mail address"},
	}
}

func badDeclared() []badSetting {
	types := func(text string) string {
		return paying + "customers:\n  types:\n    - {name: s, side: sender}\n    - {name: r, side: receiver}\n" + text
	}
	public := []string{"STELLAR_NETWORK_PASSPHRASE=" + network.PublicNetworkPassphrase, "HORIZON_URI=https://horizon.stellar.org"}
	const safe = "customers: {types: [{name: s, side: sender, accept: operator}, {name: r, side: receiver, accept: operator}]}\n"
	const own = "funding_methods: [{name: SEPA, rail: bank}]\n"
	bank := config.Supplied{Rails: []string{"bank"}}
	return []badSetting{
		{name: "no funding method", yaml: "rails: [{name: bank, kind: simulated}]", key: "funding_methods", problem: "no payout could be made", mend: "anchor.yaml.example"},
		{name: "a funding method without a rail", yaml: "funding_methods: [{name: SEPA}]", key: "funding_methods[0].rail", problem: "is missing", mend: "name a rail"},
		{name: "a funding method with a rail that nobody declared", yaml: own, key: "funding_methods[0].rail", problem: `"bank", which is no rail`, mend: "declare it"},
		{name: "a funding method that stands there twice", yaml: "rails: [{name: bank, kind: simulated}]\nfunding_methods: [{name: A, rail: bank}, {name: A, rail: bank}]", key: "funding_methods[1].name", problem: "before"},
		{name: "a funding method without a name", yaml: "funding_methods: [{rail: bank}]", supplied: bank, key: "funding_methods[0].name", problem: "is missing"},
		{name: "a funding method with a comma", yaml: "funding_methods: [{name: 'a,b', rail: bank}]", supplied: bank, key: "funding_methods[0].name", problem: `"a,b"`, mend: "no comma"},
		{name: "a rail without a name", yaml: own + "rails: [{kind: simulated}]", supplied: bank, key: "rails[0].name", problem: "is missing"},
		{name: "a rail of an unknown kind", yaml: own + "rails: [{name: bank, kind: swift}]", key: "rails[0].kind", problem: `"swift"`, mend: "give simulated"},
		{name: "a rail without a kind", yaml: own + "rails: [{name: bank}]", key: "rails[0].kind", problem: "is missing", mend: "give simulated"},
		{name: "a rail with an unknown outcome", yaml: own + "rails: [{name: bank, kind: simulated, outcome: lost}]", key: "rails[0].outcome", problem: `"lost"`, mend: "delivered or accepted or failing"},
		{name: "a rail that answers before it is asked", yaml: own + "rails: [{name: bank, kind: simulated, after: -1s}]", key: "rails[0].after", problem: "is -1s", mend: "zero or more"},
		{name: "two rails of one name", yaml: own + "rails: [{name: bank, kind: simulated}, {name: bank, kind: simulated}]", key: "rails[1].name", problem: "before"},

		{name: "a customer type without a side", yaml: types("    - {name: x}\n"), key: "customers.types[2].side", problem: "is missing", mend: "sender or receiver"},
		{name: "a customer type with an odd name", yaml: types("    - {name: a b, side: sender}\n"), key: "customers.types[2].name", problem: `"a b"`},
		{name: "a customer type accepted by nobody", yaml: types("    - {name: x, side: sender, accept: never}\n"), key: "customers.types[2].accept", problem: `"never"`, mend: "automatic or operator"},
		{name: "a field of an unknown type", yaml: types("    - {name: x, side: sender, fields: [{name: a, type: text}]}\n"), key: "customers.types[2].fields[0].type", problem: `"text"`, mend: "string or number or date or binary"},
		{name: "a field that stands there twice", yaml: types("    - {name: x, side: sender, fields: [{name: a}, {name: a}]}\n"), key: "customers.types[2].fields[1].name", problem: "before"},
		{name: "a photo to choose", yaml: types("    - {name: x, side: sender, fields: [{name: a, type: binary, choices: [b]}]}\n"), key: "customers.types[2].fields[0].choices", problem: "binary", mend: "remove"},
		{name: "a choice that stands there twice", yaml: types("    - {name: x, side: sender, fields: [{name: a, choices: [b, b]}]}\n"), key: "customers.types[2].fields[0].choices", problem: `"b"`},
		{name: "no type for receivers", yaml: paying + "customers: {types: [{name: s, side: sender}]}", key: "customers.types", problem: "side: receiver", mend: "add one"},
		{name: "a transaction field without a name", yaml: paying + "transaction_fields: [{description: x}]", key: "transaction_fields[0].name", problem: "is missing"},
		{name: "a transaction field with an empty choice", yaml: paying + "transaction_fields: [{name: x, choices: ['']}]", key: "transaction_fields[0].choices", problem: "empty"},

		{name: "the simulated rail on the public network", yaml: paying + safe, changes: public, key: "rails[0].kind", problem: "on the public network", mend: "bring a rail"},
		{name: "automatic acceptance on the public network", yaml: own + "customers: {types: [{name: s, side: sender, accept: operator}, {name: r, side: receiver}]}\n", supplied: bank, changes: public, key: "customers.types[1].accept", problem: "on the public network", mend: "accept: operator"},
		{name: "nobody listed on the public network", yaml: own + safe, supplied: bank, changes: append(public, "-ANCHOR_SENDING_ANCHORS"), key: "ANCHOR_SENDING_ANCHORS", problem: "is empty on the public network", mend: "agreed with"},
		{name: "nobody listed on the public network, in LOCAL_MODE", yaml: own + safe, supplied: bank, changes: append(public, "-ANCHOR_SENDING_ANCHORS", "LOCAL_MODE=1", "HOST_URL=http://localhost"), key: "ANCHOR_SENDING_ANCHORS", problem: "is empty on the public network"},
	}
}

func TestValidate_refuses_the_defaults_on_the_public_network_all_at_once(t *testing.T) {
	t.Parallel()
	s := loaded(t, paying, "STELLAR_NETWORK_PASSPHRASE="+network.PublicNetworkPassphrase, "HORIZON_URI=https://horizon.stellar.org", "-ANCHOR_SENDING_ANCHORS")
	for _, role := range []config.Role{config.RoleServe, config.RoleExecute, config.RolePoll, config.RoleRun} {
		var faults config.Faults
		require.ErrorAs(t, s.Validate(role, config.Supplied{}), &faults)
		require.Len(t, faults, 4, "rail, two customer types, sending anchors")
		require.NoError(t, s.Validate(role, config.Supplied{Receiver: true, Customers: true, Rails: []string{"bank"}}),
			"a business that brings its own answers for itself")
	}
	require.NoError(t, s.Validate(config.RoleMigrate, config.Supplied{}))
}

func TestValidate_admits_the_rails_that_the_business_brings(t *testing.T) {
	t.Parallel()
	s := loaded(t, "funding_methods: [{name: SEPA, rail: mine}]")
	require.NoError(t, s.Validate(config.RoleExecute, config.Supplied{Rails: []string{"mine"}}))
	require.Error(t, s.Validate(config.RoleExecute, config.Supplied{}))
	require.NoError(t, s.Validate(config.RoleWatch, config.Supplied{}), "a process that pays nobody has no rails at hand")
}

func TestValidate_accepts_what_is_unusual_but_right(t *testing.T) {
	t.Parallel()
	for _, changes := range [][]string{
		{"ACTIVE_SEPS=sep-1,sep-10"},
		{"ANCHOR_LISTEN=127.0.0.1:0", "ANCHOR_OPERATOR_LISTEN=127.0.0.1:0"},
		{"ANCHOR_LISTEN=[::]:8000"},
		{"HORIZON_URI=http://127.0.0.1:8001/horizon/", "STELLAR_NETWORK_PASSPHRASE=Standalone Network ; February 2017"},
		{"DATABASE_URL=postgresql:///anchor?host=/run/postgresql", "ANCHOR_DATABASE_LISTEN_URL=postgres://localhost/anchor"},
		{"SEP10_HOME_DOMAINS=localhost:8000,[::1]:80,a.example"},
		{"ANCHOR_LEASE=60s"},
		{"MAX_TRANSACTION_FEE_STROOPS=4294967295"},
		{"ANCHOR_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8"},
		{"ANCHOR_ORG_PHONE_NUMBER=+14155552671", "ANCHOR_ORG_URL=https://a.example/x", "ANCHOR_ORG_OFFICIAL_EMAIL=a@b.example"},
	} {
		require.NoError(t, loaded(t, paying, changes...).Validate(config.RoleRun, config.Supplied{}), changes)
	}
}

func TestActive_tells_what_is_switched_on(t *testing.T) {
	t.Parallel()
	s := loaded(t, paying, "ACTIVE_SEPS=sep-1,SEP-10")
	require.True(t, s.Server.Active("sep-10"))
	require.False(t, s.Server.Active("sep-31"))
	require.Equal(t, 30*time.Second, s.Workers.RailTimeout)
}
