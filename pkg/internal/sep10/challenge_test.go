package sep10_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
)

const maxMemo = "18446744073709551615"

func muxed(t testing.TB, account string, id uint64) string {
	t.Helper()
	var m strkey.MuxedAccount
	require.NoError(t, m.SetAccountID(account))
	m.SetID(id)
	address, err := m.Address()
	require.NoError(t, err)
	return address
}

func TestATokenNamesWhoSigned(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	g := client.Address()
	m := muxed(t, g, 1<<63+5)
	for query, want := range map[string]anchor.SendingAnchor{
		"account=" + g:                                   {Account: g},
		"account=" + g + "&memo=0":                       {Account: g, MemoType: "id", Memo: "0"},
		"account=" + g + "&memo=" + maxMemo:              {Account: g, MemoType: "id", Memo: maxMemo},
		"account=" + g + "&memo=007":                     {Account: g, MemoType: "id", Memo: "7"},
		"account=" + g + "&memo=&home_domain=":           {Account: g},
		"account=" + g + "&client_domain=":               {Account: g},
		"account=" + g + "&client_domain=wallet.example": {Account: g},
		"account=" + g + "&home_domain=PAY.example":      {Account: g},
		"account=" + m:                                   {Account: g, MemoType: "id", Memo: "9223372036854775813", Muxed: m},
	} {
		t.Run(query, func(t *testing.T) {
			require.Equal(t, want, b.who(b.login(query, client)))
		})
	}
}

func TestAChallengeNamesWhatItWasAskedFor(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()

	tx := b.challenge("account=" + client.Address() + "&memo=0&home_domain=" + otherDomain)
	require.Equal(t, txnbuild.MemoID(0), tx.Memo(), "a memo of 0 is a memo")
	require.Equal(t, otherDomain+" auth", tx.Operations()[0].(*txnbuild.ManageData).Name)

	m := muxed(t, client.Address(), 7)
	require.Equal(t, m, b.challenge("account=" + m).Operations()[0].(*txnbuild.ManageData).SourceAccount)
	require.Len(t, b.challenge("account="+client.Address()+"&client_domain=wallet.example").Operations(), 2)
}

func TestTwoChallengesDiffer(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	nonce := func() string {
		return string(b.challenge("account=" + client.Address()).Operations()[0].(*txnbuild.ManageData).Value)
	}
	first := nonce()
	require.NotEqual(t, first, nonce())
}

func TestAChallengeIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := keypair.MustRandom().Address()
	contract := strkey.MustEncode(strkey.VersionByteContract, make([]byte, 32))
	for query, want := range map[string]string{
		"account=":                                   "account is missing",
		"account=" + contract:                        "must be a Stellar account",
		"account=" + strings.ToLower(g):              "must be a Stellar account",
		"account=" + keypair.MustRandom().Seed():     "must be a Stellar account",
		"account=" + g + "&account=" + g:             "account is given more than once",
		"account=" + g + "&memo=1&memo=2":            "memo is given more than once",
		"account=" + g + "&memo=-1":                  "memo must be",
		"account=" + g + "&memo=%2B1":                "memo must be",
		"account=" + g + "&memo=1_0":                 "memo must be",
		"account=" + g + "&memo=1.0":                 "memo must be",
		"account=" + g + "&memo=0x1":                 "memo must be",
		"account=" + g + "&memo=1e500000000":         "memo must be", // 1903
		"account=" + g + "&memo=%201":                "memo must be",
		"account=" + g + "&memo=text":                "memo must be",
		"account=" + g + "&memo=" + maxMemo + "0":    "memo must be",
		"account=" + muxed(t, g, 1) + "&memo=1":      "together with a muxed account",
		"account=" + g + "&home_domain=evil.example": "home_domain is not served",
		"account=" + g + "%00":                       "U+0000",
		"account=" + g + "%ff":                       "UTF-8",
	} {
		t.Run(url.QueryEscape(query), func(t *testing.T) {
			a := b.ask(query)
			requireRefused(t, http.StatusBadRequest, want, a)
			require.NotContains(t, string(a.raw), "SDK")
		})
	}
}

func TestMuxedAccountsAreRefusedWhereTheyAreSwitchedOff(t *testing.T) {
	t.Parallel()
	on, client := setup(t), keypair.MustRandom()
	m := muxed(t, client.Address(), 7)
	envelope := on.sign(on.challenge("account="+m), client)
	token := on.login("account="+m, client)

	off := setup(t, func(d *sep10.Deps) { d.MuxedAllowed, d.Signing = false, on.signing })
	requireRefused(t, http.StatusBadRequest, "not supported", off.ask("account="+m))
	requireRefused(t, http.StatusBadRequest, "not supported", off.post(envelope))
	requireRefused(t, http.StatusForbidden, "names no account",
		off.send(http.MethodPost, "/who/403", "", nil, "Authorization", "Bearer "+token))
}

func TestAMuxedClientIsJudgedByTheSignersOfItsAccount(t *testing.T) {
	t.Parallel()
	b, client, signer := setup(t), keypair.MustRandom(), keypair.MustRandom()
	b.accounts.create(client.Address(), 1, map[string]int{client.Address(): 0, signer.Address(): 1})
	m := muxed(t, client.Address(), 9)
	require.Equal(t, m, b.who(b.login("account="+m, signer)).Muxed)
	requireRefused(t, http.StatusBadRequest, "not signed by", b.post(b.sign(b.challenge("account="+m), client)))
}

func TestTheAuthorizationHeaderOfARequestForAChallengeIsIgnored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.send(http.MethodGet, "/auth?account="+keypair.MustRandom().Address(), "", nil, "Authorization", "Bearer x")
	require.Equal(t, http.StatusOK, a.status)
}

func TestANewHandlerNeedsAllItsParts(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*sep10.Deps){
		"a part":          func(d *sep10.Deps) { d.Accounts = nil },
		"passphrase":      func(d *sep10.Deps) { d.Passphrase = "" },
		"home domain":     func(d *sep10.Deps) { d.HomeDomains = nil },
		"60 long":         func(d *sep10.Deps) { d.HomeDomains = []string{fmt.Sprintf("%060d", 0)} },
		"web auth":        func(d *sep10.Deps) { d.WebAuthDomain = "" },
		"no key":          func(d *sep10.Deps) { d.JWTKeys = nil },
		"an empty key":    func(d *sep10.Deps) { d.JWTKeys = [][]byte{jwtKey(), {}} },
		"shorter than 32": func(d *sep10.Deps) { d.JWTKeys = [][]byte{jwtKey()[:31]} },
		"nothing to read": func(d *sep10.Deps) { d.Attribution.Required = true },
		"lifetime":        func(d *sep10.Deps) { d.ChallengeLifetime = 0 },
	} {
		deps := setup(t).deps
		change(&deps)
		_, err := sep10.New(deps)
		require.Error(t, err, what)
		require.NotContains(t, err.Error(), "0123456789abcdef", "keys are not repeated")
	}
}
