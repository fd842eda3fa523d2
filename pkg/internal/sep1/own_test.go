package sep1_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
)

// with gives the business' own document; the assets are those of setup.
func with(own string, change ...func(*sep1.Options)) func(*sep1.Options) {
	return func(o *sep1.Options) {
		o.Own = []byte(own)
		for _, f := range change {
			f(o)
		}
	}
}

const another = "[[CURRENCIES]]\ncode = \"EURX\"\nissuer = \"GD\"\ndesc = \"Euro\"\nstatus = \"live\"\nis_asset_anchored = true\nanchor_asset_type = \"fiat\"\n"

func TestTheBusinessOwnDocumentIsAdded(t *testing.T) {
	t.Parallel()
	d := setup(t, with(`
VERSION = "2.0.0"
NETWORK_PASSPHRASE = "Test SDF Network ; September 2015"
FEDERATION_SERVER = "https://federation.example/"
WEB_AUTH_ENDPOINT = "https://anchor.example/auth/"
MORE = ["a", "b"]
NUMBER = 7

[DOCUMENTATION]
ORG_GITHUB = "anchor"
ORG_URL = "https://anchor.example"

[[PRINCIPALS]]
name = "John Johnson"

[[VALIDATORS]]
ALIAS = "one"

[[VALIDATORS]]
ALIAS = "two"

[OTHER]
is = true
`+another)).document()
	require.Equal(t, "2.0.0", d.values["VERSION"])
	require.Equal(t, "https://federation.example", d.values["FEDERATION_SERVER"], "addresses end without a slash")
	require.Equal(t, "https://anchor.example/auth", d.values["WEB_AUTH_ENDPOINT"])
	require.Equal(t, []any{"a", "b"}, d.values["MORE"])
	require.Equal(t, int64(7), d.values["NUMBER"])
	require.Equal(t, map[string]any{"ORG_NAME": "Anchor \"A\" & Söhne", "ORG_URL": "https://anchor.example", "ORG_GITHUB": "anchor"}, d.values["DOCUMENTATION"])
	require.Equal(t, []map[string]any{{"name": "Jane Jameson", "email": "jane@anchor.example"}, {"name": "John Johnson"}}, d.values["PRINCIPALS"])
	require.Equal(t, []map[string]any{{"ALIAS": "one"}, {"ALIAS": "two"}}, d.values["VALIDATORS"])
	require.Equal(t, map[string]any{"is": true}, d.values["OTHER"])
	require.Len(t, d.currencies(), 3)
	require.Equal(t, "EURX", d.currencies()[2]["code"])
}

func TestTheBusinessMaySayMoreOfAnAssetThatIsReceived(t *testing.T) {
	t.Parallel()
	issuer := keypair.MustRandom().Address()
	received := []sep1.Asset{{Code: "USDC", Issuer: issuer, Decimals: 2, Enabled: true}, {Code: "GOLD", Issuer: issuer, Enabled: true, Desc: "Gold", AnchorType: "commodity"}}
	assets := func(o *sep1.Options) { o.Assets = func(context.Context) ([]sep1.Asset, error) { return received, nil } }
	d := setup(t, with("[[CURRENCIES]]\ncode = \"USDC\"\nissuer = \""+issuer+"\"\nname = \"Dollar\"\nimage = \"https://a.example/u.png\"\nanchor_asset = \"USD\"\n"+
		"desc = \"US dollars\"\ndisplay_decimals = 2\nis_unlimited = true\n", assets)).document()
	require.Len(t, d.currencies(), 2)
	require.Equal(t, map[string]any{
		"code": "USDC", "issuer": issuer, "desc": "US dollars", "status": "test", "display_decimals": int64(2), "is_asset_anchored": true,
		"anchor_asset_type": "fiat", "anchor_asset": "USD", "name": "Dollar", "image": "https://a.example/u.png", "is_unlimited": true,
	}, d.currencies()[0])

	for line, want := range map[string]string{
		"display_decimals = 7":         "CURRENCIES[0] (GOLD).display_decimals is 0",
		`status = "live"`:              "CURRENCIES[0] (GOLD).status is test",
		`desc = "Silver"`:              "CURRENCIES[0] (GOLD).desc is Gold",
		`anchor_asset_type = "crypto"`: "CURRENCIES[0] (GOLD).anchor_asset_type is commodity",
	} {
		var o sep1.Options
		setup(t, func(given *sep1.Options) { assets(given); o = *given })
		o.Own = []byte("[[CURRENCIES]]\ncode = \"GOLD\"\nissuer = \"" + issuer + "\"\n" + line)
		_, err := sep1.New(o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "remove it from the file")
	}
}

func TestWhatTheAnchorSaysCannotBeReplaced(t *testing.T) {
	t.Parallel()
	key := keypair.MustRandom().Address()
	for own, want := range map[string]string{
		`NETWORK_PASSPHRASE = "Public Global Stellar Network ; September 2015"`: "NETWORK_PASSPHRASE is Test SDF",
		`SIGNING_KEY = "` + key + `"`:                                           "SIGNING_KEY is G",
		`WEB_AUTH_ENDPOINT = "https://evil.example/auth"`:                       "WEB_AUTH_ENDPOINT is https://anchor.example/auth",
		`KYC_SERVER = "https://evil.example"`:                                   "KYC_SERVER is",
		`DIRECT_PAYMENT_SERVER = ""`:                                            "DIRECT_PAYMENT_SERVER is",
		`ANCHOR_QUOTE_SERVER = "https://evil.example"`:                          "ANCHOR_QUOTE_SERVER is",
		`ACCOUNTS = ["` + key + `"]`:                                            "ACCOUNTS are the accounts of the assets",
		"ACCOUNTS = []":                                                         "remove it from the file",
		"[DOCUMENTATION]\nORG_NAME = \"B\"":                                     "DOCUMENTATION.ORG_NAME is Anchor",
		"SIGNING_KEY = \"x\"\nKYC_SERVER = \"y\"":                               "KYC_SERVER is https://anchor.example/kyc by the anchor's settings; remove it from the file, or write the same\nSIGNING_KEY is",
		"[[CURRENCIES]]\ntoml = \"https://a.example/x.toml\"":                   "CURRENCIES[0] has no code; write the asset itself",
		"[[CURRENCIES]]\nissuer = \"G\"":                                        "CURRENCIES[0] has no code",
		"[[CURRENCIES]]\ncode = \"X\"\nissuer = \"G\"\ndesc = \"x\"":            "CURRENCIES[0] (X) lacks status, is_asset_anchored, anchor_asset_type",
		another + "toml = \"https://a.example/x.toml\"":                         "link to another file",
	} {
		var o sep1.Options
		setup(t, func(given *sep1.Options) { given.ActiveSEPs = append(given.ActiveSEPs, "sep-38"); o = *given })
		o.Own = []byte(own)
		_, err := sep1.New(o)
		require.ErrorContains(t, err, want, own)
	}
}

func TestAnOwnDocumentThatClientsCannotReadIsRefused(t *testing.T) {
	t.Parallel()
	for own, want := range map[string]string{
		"= 1":                                "it is no TOML",
		"A = 1\nA = 2":                       "it is no TOML",
		"A = 1.5":                            "A is a float64",
		"A = 1979-05-27":                     "A is a time.Time",
		"A = [1, 2]":                         "A is not a list of texts",
		"A = [\"a\", 1]":                     "A is not a list of texts",
		"A = [[\"a\"]]":                      "A is not a list of texts",
		"A.b.c = 1":                          "A.b is a map",
		"[A.b]\nc = 1":                       "A.b is a map",
		"[[A]]\nb = {c = 1}":                 "A[0].b is a map",
		"\"a b\" = 1":                        `key "a b" may have letters`,
		"[\"a b\"]\nc = 1":                   `key "a b" may have letters`,
		"[A]\n\"b c\" = 1":                   `key "A.b c" may have letters`,
		"DOCUMENTATION = 1":                  "DOCUMENTATION is no table",
		"CURRENCIES = []":                    "CURRENCIES is no table",
		"[CURRENCIES]\ncode = \"X\"":         "write [[CURRENCIES]]",
		"[[DOCUMENTATION]]\nORG_DBA = \"X\"": "write [DOCUMENTATION], once",
		"A = \"" + strings.Repeat("x", 99_900) + "\"":  "bytes, more than",
		"A = \"" + strings.Repeat("x", 100_000) + "\"": "bytes, more than",
	} {
		var o sep1.Options
		setup(t, func(given *sep1.Options) { o = *given })
		o.Own = []byte(own)
		_, err := sep1.New(o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "the business' own stellar.toml")
	}
}

func TestAnAssetThatComesLaterHasTheLastWord(t *testing.T) {
	t.Parallel()
	b := setup(t, with(strings.Replace(another, `"GD"`, `"GD"`+"\ndisplay_decimals = 5", 1)))
	require.Len(t, b.document().currencies(), 3)

	b.assets = append(b.assets, sep1.Asset{Code: "EURX", Issuer: "GD", Decimals: 2, Enabled: true})
	b.now = b.now.Add(time.Second)
	currencies := b.document().currencies()
	require.Len(t, currencies, 3)
	require.Equal(t, int64(2), currencies[2]["display_decimals"])
	require.Equal(t, "Euro", currencies[2]["desc"])
	require.Contains(t, b.log.String(), "(EURX).display_decimals is 2")
}

func TestAnAssetThatIsSwitchedOffIsStillTheBusinessOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, with(another))
	b.assets = append(b.assets, sep1.Asset{Code: "EURX", Issuer: "GD", Enabled: false})
	require.Equal(t, "Euro", b.document().currencies()[2]["desc"])
}

func TestTheHookSeesWhatTheFileSays(t *testing.T) {
	t.Parallel()
	b := setup(t, with("A = \"file\"\n"+another, func(o *sep1.Options) {
		o.Change = func(_ context.Context, d *anchor.Document) error {
			d.General["A"] = d.General["A"].(string) + " and hook"
			d.Currencies[2]["desc"] = d.Currencies[2]["desc"].(string) + "!"
			return nil
		}
	}))
	for range 3 {
		d := b.document()
		require.Equal(t, "file and hook", d.values["A"])
		require.Equal(t, "Euro!", d.currencies()[2]["desc"], "each time from the start")
		b.now = b.now.Add(2 * time.Minute)
	}
}

func TestAnOwnDocumentNeedsTheAssets(t *testing.T) {
	t.Parallel()
	var o sep1.Options
	setup(t, func(given *sep1.Options) { o = *given })
	o.Own, o.Assets = []byte(another), func(context.Context) ([]sep1.Asset, error) { return nil, errors.New("no database") }
	_, err := sep1.New(o)
	require.ErrorContains(t, err, "no database")
}

func TestADocumentIsMadeOnceForTheSameAssets(t *testing.T) {
	t.Parallel()
	made := 0
	b := setup(t, func(o *sep1.Options) {
		o.Change = func(_ context.Context, d *anchor.Document) error {
			made++
			d.General["MADE"] = made
			return nil
		}
	})
	b.get()
	b.now = b.now.Add(59 * time.Second)
	b.get()
	require.Equal(t, int32(2), b.reads.Load(), "the assets are looked at")
	require.Equal(t, 1, made)

	b.now = b.now.Add(time.Second)
	require.Equal(t, int64(2), b.document().values["MADE"], "the business may know something new")
	b.now = b.now.Add(time.Second)
	b.assets[0].Enabled = false
	require.Equal(t, int64(3), b.document().values["MADE"])
}

func TestAChangeOfAnAssetThatIsAnnouncedShowsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler, err := sep1.New(b.options)
	require.NoError(t, err)
	server, err := httpserver.New(httpserver.Options{Log: b.options.Log})
	require.NoError(t, err)
	handler.Routes(server.Group("/.well-known"))
	get := func() string {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Body.String()
	}
	before := get()
	b.assets[2].Enabled = true
	require.Equal(t, before, get())
	handler.Refresh()
	require.Contains(t, get(), `"OLD"`)
	reads := b.reads.Load()
	get()
	require.Equal(t, reads, b.reads.Load())
}

func TestWhoHasTheDocumentIsToldSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask := func(method string, known ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for _, tag := range known {
			r.Header.Add("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		b.server.ServeHTTP(w, r)
		require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
		return w
	}
	first := ask(http.MethodGet)
	tag := first.Header().Get("ETag")
	require.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
	require.Equal(t, fmt.Sprint(first.Body.Len()), first.Header().Get("Content-Length"))
	for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		again := ask(http.MethodGet, known)
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Empty(t, again.Body.String())
		require.Equal(t, tag, again.Header().Get("ETag"))
	}
	require.Equal(t, http.StatusOK, ask(http.MethodGet, `"x"`).Code)
	require.Empty(t, ask(http.MethodHead).Body.String())

	b.assets[0].Decimals = 3
	b.now = b.now.Add(time.Second)
	changed := ask(http.MethodGet, tag)
	require.Equal(t, http.StatusOK, changed.Code)
	require.NotEqual(t, tag, changed.Header().Get("ETag"))
}
