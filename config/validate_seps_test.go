package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

func badSEPs() []badSetting {
	const nowhere = "/nowhere/file"
	return []badSetting{
		{name: "a certificate without a key", changes: []string{"ANCHOR_TLS_CERTIFICATE=/etc/hostname"}, key: "ANCHOR_TLS_KEY", problem: "is missing", mend: "ANCHOR_TLS_CERTIFICATE with it"},
		{name: "a key without a certificate", changes: []string{"ANCHOR_TLS_KEY=/etc/hostname"}, key: "ANCHOR_TLS_CERTIFICATE", problem: "is missing", mend: "ANCHOR_TLS_KEY with it"},
		{name: "a certificate that is not there", changes: []string{"ANCHOR_TLS_CERTIFICATE=" + nowhere, "ANCHOR_TLS_KEY=/etc/hostname"}, key: "ANCHOR_TLS_CERTIFICATE", problem: "no such file", mend: "PEM"},
		{name: "a key that is not there", changes: []string{"ANCHOR_TLS_CERTIFICATE=/etc/hostname", "ANCHOR_TLS_KEY=" + nowhere}, key: "ANCHOR_TLS_KEY", problem: "no such file", mend: "PEM"},
		{name: "TLS in LOCAL_MODE", changes: []string{"ANCHOR_TLS_CERTIFICATE=/etc/hostname", "ANCHOR_TLS_KEY=/etc/hostname", "LOCAL_MODE=1", "HOST_URL=http://localhost"}, key: "ANCHOR_TLS_CERTIFICATE", problem: "plain http", mend: "LOCAL_MODE=0"},
		{name: "a stellar.toml that is not there", changes: []string{"ANCHOR_TOML_FILE=" + nowhere}, key: "ANCHOR_TOML_FILE", problem: "no such file", mend: "TOML"},
		{name: "a stellar.toml that is a folder", changes: []string{"ANCHOR_TOML_FILE=/"}, key: "ANCHOR_TOML_FILE", problem: "is a directory"},

		{name: "a short earlier key for tokens", changes: []string{"ANCHOR_PREVIOUS_JWT_KEYS=" + testJWTKey + "," + testJWTKey[:31]}, key: "ANCHOR_PREVIOUS_JWT_KEYS", problem: "31 bytes, less than 32 (key 2 of 2)", mend: "at least 32 bytes"},
		{name: "memos of a kind that payments cannot have", changes: []string{"ANCHOR_MEMO_TYPE=return"}, key: "ANCHOR_MEMO_TYPE", problem: `"return"`, mend: "id, hash or text"},
		{name: "quotes that are never good", changes: []string{"ANCHOR_QUOTE_LIFETIME=0s"}, key: "ANCHOR_QUOTE_LIFETIME", problem: "not above zero", mend: "30m"},
		{name: "files that are gone at once", changes: []string{"ANCHOR_FILE_LIFETIME=0s"}, key: "ANCHOR_FILE_LIFETIME", problem: "not above zero", mend: "24h"},
		{name: "data kept for less than no time", changes: []string{"ANCHOR_CUSTOMER_RETENTION=-1h"}, key: "ANCHOR_CUSTOMER_RETENTION", problem: "is -1h", mend: "zero or more"},
		{name: "no code at all in an hour", changes: []string{"ANCHOR_CODES_PER_HOUR=0"}, key: "ANCHOR_CODES_PER_HOUR", problem: "is 0", mend: "1 to 1000"},
		{name: "fewer than no customers of strangers", changes: []string{"ANCHOR_STRANGER_CUSTOMERS=-1"}, key: "ANCHOR_STRANGER_CUSTOMERS", problem: "is -1", mend: "0 lets sending anchors alone"},
		{name: "fewer than no strangers", changes: []string{"ANCHOR_STRANGER_ACCOUNTS=-1"}, key: "ANCHOR_STRANGER_ACCOUNTS", problem: "is -1", mend: "0 to 1000000"},
		{name: "too much room for a stranger", changes: []string{"ANCHOR_STRANGER_BYTES=1073741825"}, key: "ANCHOR_STRANGER_BYTES", problem: "is 1073741825", mend: "0 to 1073741824"},
		{name: "a payout that arrives before it leaves", yaml: "rails: [{name: bank, kind: simulated}]\nfunding_methods: [{name: A, rail: bank, eta: -1s}]", key: "funding_methods[0].eta", problem: "is -1s", mend: "zero or more"},

		{name: "a limit below zero on requests of an address", changes: []string{"ANCHOR_LIMIT_REQUESTS_PER_ADDRESS=-1"}, key: "ANCHOR_LIMIT_REQUESTS_PER_ADDRESS", problem: "is -1", mend: "0 is no limit"},
		{name: "a limit below zero on logins", changes: []string{"ANCHOR_LIMIT_LOGINS_PER_ADDRESS=-1"}, key: "ANCHOR_LIMIT_LOGINS_PER_ADDRESS", problem: "is -1"},
		{name: "a limit below zero on customers of an address", changes: []string{"ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS=-1"}, key: "ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS", problem: "is -1"},
		{name: "a limit below zero on requests of an account", changes: []string{"ANCHOR_LIMIT_REQUESTS_PER_ACCOUNT=-1"}, key: "ANCHOR_LIMIT_REQUESTS_PER_ACCOUNT", problem: "is -1"},
		{name: "a limit below zero on customers of an account", changes: []string{"ANCHOR_LIMIT_CUSTOMERS_PER_ACCOUNT=-1"}, key: "ANCHOR_LIMIT_CUSTOMERS_PER_ACCOUNT", problem: "is -1"},
		{name: "a limit below zero on connections", changes: []string{"ANCHOR_LIMIT_CONNECTIONS=-1"}, key: "ANCHOR_LIMIT_CONNECTIONS", problem: "is -1"},
		{name: "a limit below zero on files", changes: []string{"ANCHOR_LIMIT_FILE_BYTES=-1"}, key: "ANCHOR_LIMIT_FILE_BYTES", problem: "is -1"},
	}
}

const usdc = "stellar:USDC:" + testAccount

// exchanging puts assets and pairs, in YAML's short form, over settings that are right otherwise.
func exchanging(assets, pairs string) string {
	return "rails: [{name: bank, kind: simulated}]\nfunding_methods: [{name: PIX, rail: bank}]\noffchain_assets: [" + assets + "]\nexchange_pairs: [" + pairs + "]\n"
}

const (
	brl  = "{asset: 'iso4217:BRL', country_codes: [BR, BR-SP], buy_delivery_methods: [{name: PIX}]}"
	pair = "{sell: '" + usdc + "', buy: 'iso4217:BRL', rate: 5.12}"
)

func badExchange() []badSetting {
	asset := func(text string) string { return exchanging(text, "") }
	priced := func(text string) string {
		return exchanging(brl, "{sell: '"+usdc+"', buy: 'iso4217:BRL', "+text+"}")
	}
	return []badSetting{
		{name: "quotes without prices", changes: []string{"ACTIVE_SEPS=sep-1,sep-10,sep-12,sep-31,sep-38"}, key: "exchange_pairs", problem: "nothing to offer", mend: "remove sep-38"},
		{name: "quotes without authentication", yaml: exchanging(brl, pair), changes: []string{"ACTIVE_SEPS=sep-1,sep-38"}, key: "ACTIVE_SEPS", problem: "sep-38 without sep-10", mend: "add sep-10"},

		{name: "an off-chain asset without a name", yaml: asset("{decimals: 2}"), key: "offchain_assets[0].asset", problem: "is missing", mend: "iso4217:BRL"},
		{name: "an off-chain asset that is on the network", yaml: asset("{asset: '" + usdc + "'}"), key: "offchain_assets[0].asset", problem: "no currency", mend: "iso4217:BRL"},
		{name: "an off-chain asset in small letters", yaml: asset("{asset: 'iso4217:brl'}"), key: "offchain_assets[0].asset", problem: "no currency"},
		{name: "an off-chain asset that stands there twice", yaml: asset("{asset: 'iso4217:BRL'}, {asset: 'iso4217:BRL'}"), key: "offchain_assets[1].asset", problem: "before", mend: "once"},
		{name: "an off-chain asset finer than the network", yaml: asset("{asset: 'iso4217:BRL', decimals: 8}"), key: "offchain_assets[0].decimals", problem: "is 8", mend: "0 to 7"},
		{name: "an off-chain asset with decimals below zero", yaml: asset("{asset: 'iso4217:BRL', decimals: -1}"), key: "offchain_assets[0].decimals", problem: "is -1"},
		{name: "a country by its name", yaml: asset("{asset: 'iso4217:BRL', country_codes: [Brazil]}"), key: "offchain_assets[0].country_codes", problem: `"Brazil"`, mend: "ISO 3166"},
		{name: "a country of three letters", yaml: asset("{asset: 'iso4217:BRL', country_codes: [BRA]}"), key: "offchain_assets[0].country_codes", problem: `"BRA"`},
		{name: "a country twice", yaml: asset("{asset: 'iso4217:BRL', country_codes: [BR, BR]}"), key: "offchain_assets[0].country_codes", problem: "twice"},
		{name: "a delivery method twice", yaml: asset("{asset: 'iso4217:BRL', buy_delivery_methods: [{name: PIX}, {name: PIX}]}"), key: "offchain_assets[0].buy_delivery_methods[1].name", problem: "before"},
		{name: "a delivery method without a name", yaml: asset("{asset: 'iso4217:BRL', sell_delivery_methods: [{description: x}]}"), key: "offchain_assets[0].sell_delivery_methods[0].name", problem: "is missing"},
		{name: "a delivery method by which nobody pays", yaml: asset("{asset: 'iso4217:BRL', buy_delivery_methods: [{name: TED}]}"), key: "offchain_assets[0].buy_delivery_methods[0].name", problem: `"TED", which is no funding method`, mend: "funding_methods"},

		{name: "a pair that sells nothing", yaml: exchanging(brl, "{buy: 'iso4217:BRL', rate: 1}"), key: "exchange_pairs[0].sell", problem: "is missing", mend: "stellar:CODE:ISSUER"},
		{name: "a pair that sells a currency", yaml: exchanging(brl, "{sell: 'iso4217:BRL', buy: 'iso4217:BRL', rate: 1}"), key: "exchange_pairs[0].sell", problem: "not an issued asset"},
		{name: "a pair that sells lumens", yaml: exchanging(brl, "{sell: 'stellar:native', buy: 'iso4217:BRL', rate: 1}"), key: "exchange_pairs[0].sell", problem: "not an issued asset"},
		{name: "a pair of an asset with a wrong issuer", yaml: exchanging(brl, "{sell: '"+usdc[:len(usdc)-1]+"', buy: 'iso4217:BRL', rate: 1}"), key: "exchange_pairs[0].sell", problem: "not an issued asset"},
		{name: "a pair that buys nothing", yaml: exchanging(brl, "{sell: '"+usdc+"', rate: 1}"), key: "exchange_pairs[0].buy", problem: "is missing", mend: "offchain_assets"},
		{name: "a pair that buys what nobody described", yaml: exchanging(brl, "{sell: '"+usdc+"', buy: 'iso4217:JPY', rate: 1}"), key: "exchange_pairs[0].buy", problem: `"iso4217:JPY", which is not among offchain_assets`},
		{name: "a pair that stands there twice", yaml: exchanging(brl, pair+", "+pair), key: "exchange_pairs[1]", problem: "one before it", mend: "one price"},

		{name: "a pair without a rate", yaml: priced("min: 1"), key: "exchange_pairs[0].rate", problem: "is missing", mend: "5.12"},
		{name: "a rate of zero", yaml: priced("rate: 0"), key: "exchange_pairs[0].rate", problem: `"0"`, mend: "5.12"},
		{name: "a rate with a comma", yaml: priced("rate: '5,12'"), key: "exchange_pairs[0].rate", problem: `"5,12"`},
		{name: "a rate with an exponent", yaml: priced("rate: 1e3"), key: "exchange_pairs[0].rate", problem: `"1e3"`},
		{name: "a spread that leaves nothing", yaml: priced("rate: 1, spread_percent: 100"), key: "exchange_pairs[0].spread_percent", problem: `"100"`, mend: "less than 100"},
		{name: "a fee below zero percent", yaml: priced("rate: 1, fee_percent: -1"), key: "exchange_pairs[0].fee_percent", problem: `"-1"`},
		{name: "a fixed fee that is no amount", yaml: priced("rate: 1, fee_fixed: one"), key: "exchange_pairs[0].fee_fixed", problem: `"one"`, mend: "1.5"},
		{name: "a least amount finer than the network", yaml: priced("rate: 1, min: 0.00000001"), key: "exchange_pairs[0].min", problem: `"0.00000001"`, mend: "7 decimals"},
		{name: "a greatest amount less than the least", yaml: priced("rate: 1, min: 2, max: 1"), key: "exchange_pairs[0].max", problem: "less than min", mend: "or 0"},
	}
}

func TestValidate_accepts_an_exchange_that_is_complete(t *testing.T) {
	t.Parallel()
	seps := "ACTIVE_SEPS=sep-1,sep-10,sep-12,sep-31,sep-38"
	for _, yaml := range []string{
		exchanging(brl, pair),
		exchanging(brl, "{sell: '"+usdc+"', buy: 'iso4217:BRL', rate: 0.0000625, spread_percent: 0.35, fee_fixed: 1.5, fee_percent: 0.5, min: 5, max: 5}"),
		exchanging("{asset: 'iso4217:IDR', decimals: 0}, "+brl, pair),
	} {
		require.NoError(t, loaded(t, yaml, seps).Validate(config.RoleRun, config.Supplied{}), yaml)
	}
	require.NoError(t, loaded(t, paying, seps).Validate(config.RoleRun, config.Supplied{Quotes: true}), "the business prices by itself")
	require.NoError(t, loaded(t, paying, seps).Validate(config.RoleMigrate, config.Supplied{}), "who offers nothing needs no prices")
}

func TestValidate_looks_for_files_where_they_are_served_only(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"anchor.yaml": paying, "tls.pem": "x", "own.toml": "x"})
	s, err := config.Load(source(dir, append(complete(), "ANCHOR_TLS_CERTIFICATE=tls.pem", "ANCHOR_TLS_KEY=tls.pem", "ANCHOR_TOML_FILE=own.toml")...))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "own.toml"), s.Server.TomlFile, "files begin where anchor.yaml is looked for")
	require.NoError(t, s.Validate(config.RoleServe, config.Supplied{}))

	s = loaded(t, paying, "ANCHOR_TLS_CERTIFICATE=/nowhere", "ANCHOR_TLS_KEY=/nowhere", "ANCHOR_TOML_FILE=/nowhere")
	require.NoError(t, s.Validate(config.RolePoll, config.Supplied{}))
	require.Error(t, s.Validate(config.RoleServe, config.Supplied{}))
}

func TestPreviousJWT_takes_the_keys_apart(t *testing.T) {
	t.Parallel()
	keys, err := config.Keys{}.PreviousJWT()
	require.NoError(t, err)
	require.Empty(t, keys)
	older := strings.Repeat("x", 40)
	keys, err = config.Keys{PreviousJWTKeys: config.Secret(testJWTKey + ", " + older)}.PreviousJWT()
	require.NoError(t, err)
	require.Equal(t, []config.Secret{testJWTKey, config.Secret(older)}, keys)
	_, err = config.Keys{PreviousJWTKeys: config.Secret(testJWTKey + "," + testJWTKey[:20])}.PreviousJWT()
	require.Contains(t, faultOfOne(t, err).Problem, "20 bytes")
	requireNoSecret(t, err.Error())
	require.NotContains(t, err.Error(), testJWTKey[:20])
}

func TestLoad_gives_the_SEPs_their_defaults(t *testing.T) {
	t.Parallel()
	s, err := config.Load(source(t.TempDir()))
	require.NoError(t, err)
	require.Equal(t, "id", s.SEP31.MemoType)
	require.True(t, s.SEP31.KYCAfterPost)
	require.Equal(t, config.SEP38{QuoteLifetime: 30 * time.Minute}, s.SEP38)
	require.Equal(t, 24*time.Hour, s.Customers.FileLifetime)
	require.Zero(t, s.Customers.Retention)
	require.Equal(t, []int{5, 10, 1 << 20, 1000}, []int{
		s.Customers.CodesPerHour, s.Customers.StrangerCustomers, s.Customers.StrangerBytes, s.Customers.StrangerAccounts,
	})
	require.Equal(t, 40, s.Limits.LoginsPerAddress)
	require.Equal(t, 4<<20, s.Limits.FileBytes)
}
