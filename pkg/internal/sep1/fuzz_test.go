package sep1_test

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sep1"
)

// plainLine is what the oldest parsers of clients read.
const plainLine = `^(|\[[A-Za-z0-9_-]+\]|\[\[[A-Za-z0-9_-]+\]\]|[A-Za-z0-9_-]+ = ("([^"\\]|\\.)*"|true|false|-?[0-9]+|\[("([^"\\]|\\.)*"(, "([^"\\]|\\.)*")*)?\]))\n$`

// ownDocuments are what businesses write, and what would harm clients or the anchor's own words if it came through. USDC and
// ISSUER stand for an asset that is received.
func ownDocuments() []string {
	return []string{
		"", "\n", "# nothing but a remark\n", "\ufeffA = 1\n", "A = \"x\"\r\nB = 2\r\n", "A = 'x'", "A = \"\"\"\nx\ny\"\"\"\n", "A = '''\n\"\\'''\n",
		"VERSION = \"2.0.0\"\nFEDERATION_SERVER = \"https://f.example/\"\n[DOCUMENTATION]\nORG_DBA = 'y'\nORG_GITHUB = \"g\"\n[[PRINCIPALS]]\nname = \"J\"\n" + another,
		"[[CURRENCIES]]\ncode = \"USDC\"\nissuer = \"ISSUER\"\nname = \"Dollar\"\nimage = \"https://a.example/u.png\"\ndesc = \"US dollars\"\n",
		"[[CURRENCIES]]\ncode = \"USDC\"\nissuer = \"ISSUER\"\ndisplay_decimals = 7\n", "[[CURRENCIES]]\ncode = \"USDC\"\nissuer = \"ISSUER\"\nstatus = \"dead\"\n",
		"[[CURRENCIES]]\ncode = \"USDC\"\nissuer = \"ISSUER\"\ndisplay_decimals = \"2\"\n", "[[CURRENCIES]]\ncode = \"USDC\"\nissuer = [\"ISSUER\"]\n", another + another,
		"[[CURRENCIES]]\ncode = \"USDC\"\n", "[[CURRENCIES]]\ntoml = \"https://a.example/x.toml\"\n", "[[CURRENCIES]]\n", "CURRENCIES = [{code = \"X\"}]\n", "CURRENCIES = []\n",
		"WEB_AUTH_ENDPOINT = \"https://evil.example/auth\"\n", "WEB_AUTH_ENDPOINT = [\"https://anchor.example/auth\"]\n", "SIGNING_KEY = \"\"\n", "KYC_SERVER = \"https://anchor.example/kyc/\"\n",
		"\"KYC_SERVER\" = \"https://evil.example\"\n", "'SIGNING_KEY' = \"x\"\n", "[KYC_SERVER]\na = \"b\"\n", "[[SIGNING_KEY]]\na = \"b\"\n", "KYC_SERVER.a = \"b\"\n", "[ACCOUNTS]\na = \"b\"\n",
		"ACCOUNTS = []\n", "[[ACCOUNTS]]\na = \"b\"\n", "[NETWORK_PASSPHRASE]\n", "[[VERSION]]\n", "VERSION = 2\n", "kyc_server = \"https://evil.example\"\n",
		"[DOCUMENTATION]\nORG_NAME = \"Evil\"\n", "DOCUMENTATION = {ORG_DBA = \"x\"}\n", "DOCUMENTATION.ORG_DBA = \"x\"\n", "[DOCUMENTATION.A]\nb = 1\n", "[[DOCUMENTATION]]\n", "PRINCIPALS = \"x\"\n",
		"[[VALIDATORS]]\nALIAS = \"a\"\nPUBLIC_KEY = \"b\"\n[[VALIDATORS]]\n", "[OTHER]\n", "[[A]]\nb = [\"c\"]\n[B]\nc = true\n", "[a]\n[a.b]\n", "[A]\nb = {c = 1}\n", "a.b.c.d = 1\n",
		"A = 1.5\n", "A = inf\n", "A = nan\n", "A = 0x7f\n", "A = 0b1\n", "A = 1_000\n", "A = -9223372036854775808\n", "A = 9223372036854775808\n", "A = 1979-05-27T07:32:00Z\n", "A = 07:32:00\n",
		"A = []\n", "A = [\"a\", 1]\n", "A = [[\"a\"]]\n", "A = [\"a\",\n \"b\",\n]\n", "A = \"\\u0000\"\n", "A = \"\\uD800\"\n", "A = \"\\\"]\\n[DOCUMENTATION]\"\n", "A = \"\\u2028\\u202e\\u007f\"\n",
		"\"\" = 1\n", "\"a b\" = 1\n", "\"a\\nb\" = 1\n", "\"é\" = 1\n", "A = 1\nA = 2\n", "A = \"\xff\"\n", "= 1\n", "[\n", "[[\n", "A = \"\n", "A = [\n", strings.Repeat("[", 200), "A = " + strings.Repeat("[", 200),
		strings.Repeat("a.", 200) + "b = 1\n", "[" + strings.Repeat("a.", 200) + "b]\n", "A = " + strings.Repeat("{a = ", 50), strings.Repeat("[[A]]\n", 500), "A = \"" + strings.Repeat("x", 99_000) + "\"\n",
	}
}

// FuzzOwn takes documents of any text. What is refused is refused at the start; what is accepted leaves every word of the
// anchor's as it was, except what the business may say better, and can be read by everybody.
func FuzzOwn(f *testing.F) {
	alone := setup(f)
	said := alone.document()
	issuer := alone.assets[0].Issuer
	for _, text := range ownDocuments() {
		f.Add(strings.ReplaceAll(text, "ISSUER", issuer))
	}
	f.Fuzz(func(t *testing.T, own string) {
		o := alone.options
		o.Own = []byte(own)
		if _, err := sep1.New(o); err != nil {
			return
		}
		b := setup(t, func(given *sep1.Options) { *given = o })
		body := b.get().Body.String()
		require.LessOrEqual(t, len(body), 100_000)
		for line := range strings.Lines(body) {
			require.Regexp(t, plainLine, line)
		}
		var d document
		require.NoError(t, toml.Unmarshal([]byte(body), &d.values))
		requireSaid(t, said, d)
	})
}

// requireSaid wants all that the anchor says alone to be said in a document as well.
func requireSaid(t *testing.T, said, d document) {
	t.Helper()
	for key, value := range said.values {
		switch key {
		case "VERSION", "CURRENCIES", "DOCUMENTATION", "PRINCIPALS":
		default:
			require.Equal(t, value, d.values[key], key)
		}
	}
	require.Subset(t, d.values["DOCUMENTATION"], said.values["DOCUMENTATION"])
	require.Subset(t, d.values["PRINCIPALS"], said.values["PRINCIPALS"])
	for i, c := range said.currencies() {
		for _, key := range []string{"code", "issuer", "status", "display_decimals"} {
			require.Equal(t, c[key], d.currencies()[i][key], key)
		}
	}
	for _, c := range d.currencies() {
		for _, key := range []string{"code", "desc", "status", "is_asset_anchored", "anchor_asset_type"} {
			require.Contains(t, c, key)
		}
	}
}
