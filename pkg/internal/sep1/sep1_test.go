package sep1_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
)

const path = "/.well-known/stellar.toml"

// bundle serves a document over two assets that share a receiving account, and one that is switched off.
type bundle struct {
	t       testing.TB
	options sep1.Options
	assets  []sep1.Asset
	err     error
	reads   atomic.Int32
	now     time.Time
	log     *strings.Builder
	server  http.Handler
}

func setup(t testing.TB, change ...func(*sep1.Options)) *bundle {
	t.Helper()
	receiving := keypair.MustRandom().Address()
	b := &bundle{t: t, now: time.Unix(1_700_000_000, 0), log: &strings.Builder{}, assets: []sep1.Asset{
		{Code: "USDC", Issuer: keypair.MustRandom().Address(), Decimals: 2, ReceivingAccount: receiving, Enabled: true},
		{Code: "SRT", Issuer: keypair.MustRandom().Address(), Decimals: 7, ReceivingAccount: receiving, Enabled: true},
		{Code: "OLD", Issuer: keypair.MustRandom().Address(), ReceivingAccount: keypair.MustRandom().Address()},
	}}
	b.options = sep1.Options{
		HostURL: "https://anchor.example/", Passphrase: network.TestNetworkPassphrase, SigningKey: keypair.MustRandom().Address(),
		ActiveSEPs:    []string{"sep-1", "sep-10", "sep-12", "sep-31"},
		Documentation: map[string]string{"ORG_NAME": "Anchor \"A\" & Söhne", "ORG_URL": "https://anchor.example/", "ORG_DBA": ""},
		Principals:    []map[string]string{{"name": "Jane Jameson", "email": "jane@anchor.example", "github": ""}},
		Assets: func(context.Context) ([]sep1.Asset, error) {
			b.reads.Add(1)
			return b.assets, b.err
		},
		Log: slog.New(slog.NewTextHandler(b.log, nil)), Now: func() time.Time { return b.now },
	}
	for _, f := range change {
		f(&b.options)
	}
	handler, err := sep1.New(b.options)
	require.NoError(t, err)
	front, err := httpserver.New(httpserver.Options{Log: b.options.Log})
	require.NoError(t, err)
	handler.Routes(front.Group("/.well-known"))
	b.server = openapitest.Checked(t, front)
	return b
}

func (b *bundle) get() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(b.t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	return w
}

type document struct {
	values map[string]any
}

func (b *bundle) document() document {
	b.t.Helper()
	w := b.get()
	require.Equal(b.t, http.StatusOK, w.Code, w.Body.String())
	var d document
	require.NoError(b.t, toml.Unmarshal(w.Body.Bytes(), &d.values))
	return d
}

func (d document) currencies() []map[string]any {
	list, _ := d.values["CURRENCIES"].([]map[string]any)
	return list
}

// The checks of Stellar's conformance suite for SEP-1, and those of SEP-10 that are about this document, by its numbers.

func TestSuite_01_the_document_is_there(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Contains(t, b.get().Header().Get("Content-Type"), "text/plain")
	require.NotEmpty(t, b.document().values)
}

func TestSuite_02_the_document_is_small(t *testing.T) {
	t.Parallel()
	require.Less(t, setup(t).get().Body.Len(), 100_000)
}

func TestSuite_03_the_passphrase_is_that_of_the_network(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{network.TestNetworkPassphrase, network.PublicNetworkPassphrase} {
		b := setup(t, func(o *sep1.Options) { o.Passphrase = passphrase })
		require.Equal(t, passphrase, b.document().values["NETWORK_PASSPHRASE"])
	}
}

func TestSuite_04_every_currency_has_what_the_schema_requires(t *testing.T) {
	t.Parallel()
	list := setup(t).document().currencies()
	require.Len(t, list, 2)
	for _, c := range list {
		require.IsType(t, "", c["code"])
		require.LessOrEqual(t, len(c["code"].(string)), 12)
		require.NotEmpty(t, c["desc"])
		require.Contains(t, []any{"live", "dead", "test", "private"}, c["status"])
		require.IsType(t, true, c["is_asset_anchored"])
		require.Contains(t, []any{"fiat", "crypto", "stock", "bond", "commodity", "realestate", "other"}, c["anchor_asset_type"])
		require.IsType(t, int64(0), c["display_decimals"])
		require.NotContains(t, c, "toml")
	}
}

func TestSuite_05_addresses_are_https_and_end_without_a_slash(t *testing.T) {
	t.Parallel()
	d := setup(t, func(o *sep1.Options) { o.HorizonURL = "https://horizon.example/" }).document()
	documentation := d.values["DOCUMENTATION"].(map[string]any)
	for name, address := range map[string]any{
		"WEB_AUTH_ENDPOINT": d.values["WEB_AUTH_ENDPOINT"], "KYC_SERVER": d.values["KYC_SERVER"], "HORIZON_URL": d.values["HORIZON_URL"],
		"DIRECT_PAYMENT_SERVER": d.values["DIRECT_PAYMENT_SERVER"], "ORG_URL": documentation["ORG_URL"],
	} {
		require.Regexp(t, `^https://.*[^/]$`, address, name)
	}
}

func TestSuite_06_the_endpoint_of_SEP_10_is_there(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://anchor.example/auth", setup(t).document().values["WEB_AUTH_ENDPOINT"])
}

func TestSuite_07_the_signing_key_is_there(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, b.options.SigningKey, b.document().values["SIGNING_KEY"])
}

func TestSuite_22_and_32_the_endpoints_of_SEP_12_and_31_are_there(t *testing.T) {
	t.Parallel()
	values := setup(t).document().values
	require.Equal(t, "https://anchor.example/kyc", values["KYC_SERVER"])
	require.Equal(t, "https://anchor.example/sep31", values["DIRECT_PAYMENT_SERVER"])
}

func TestOnlyActiveSEPsAreAnnounced(t *testing.T) {
	t.Parallel()
	names := map[string][]string{
		"sep-10": {"WEB_AUTH_ENDPOINT", "SIGNING_KEY"}, "sep-12": {"KYC_SERVER"},
		"sep-31": {"DIRECT_PAYMENT_SERVER"}, "sep-38": {"ANCHOR_QUOTE_SERVER"},
	}
	for active, own := range names {
		values := setup(t, func(o *sep1.Options) { o.ActiveSEPs = []string{"sep-1", active} }).document().values
		for sep, keys := range names {
			for _, key := range keys {
				if sep == active {
					require.Contains(t, values, key)
				} else {
					require.NotContains(t, values, key, "%s with only %s", key, active)
				}
			}
		}
		require.NotEmpty(t, own)
	}
}

func TestTheDocumentTellsWhatTheAnchorReceives(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.document()
	require.Equal(t, "2.7.0", d.values["VERSION"])
	require.Equal(t, []any{b.assets[0].ReceivingAccount, b.assets[2].ReceivingAccount}, d.values["ACCOUNTS"], "each account once")
	require.NotContains(t, d.values, "HORIZON_URL")
	usdc := d.currencies()[0]
	require.Equal(t, map[string]any{
		"code": "USDC", "issuer": b.assets[0].Issuer, "desc": "USDC issued by " + b.assets[0].Issuer, "status": "test",
		"display_decimals": int64(2), "is_asset_anchored": true, "anchor_asset_type": "fiat", "anchor_asset": "USDC",
	}, usdc)
	require.Equal(t, map[string]any{"ORG_NAME": "Anchor \"A\" & Söhne", "ORG_URL": "https://anchor.example"}, d.values["DOCUMENTATION"])
	require.Equal(t, []map[string]any{{"name": "Jane Jameson", "email": "jane@anchor.example"}}, d.values["PRINCIPALS"])
}

func TestAnAssetIsLiveOnThePublicNetworkOnly(t *testing.T) {
	t.Parallel()
	for passphrase, status := range map[string]string{
		network.PublicNetworkPassphrase: "live", network.TestNetworkPassphrase: "test", "Standalone Network": "test",
	} {
		d := setup(t, func(o *sep1.Options) { o.Passphrase = passphrase }).document()
		require.Equal(t, status, d.currencies()[0]["status"])
	}
}

func TestWhatAnAssetStandsForCanBeSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.assets = []sep1.Asset{
		{Code: "GOLD", Issuer: "G", Enabled: true, Desc: "Gold", AnchorType: "commodity", AnchorAsset: "XAU"},
		{Code: "native", Enabled: true, Decimals: 7},
	}
	list := b.document().currencies()
	require.Equal(t, "commodity", list[0]["anchor_asset_type"])
	require.Equal(t, "XAU", list[0]["anchor_asset"])
	require.Equal(t, "Gold", list[0]["desc"])
	require.Equal(t, "XLM", list[1]["code"])
	require.NotContains(t, list[1], "issuer")
	require.Equal(t, false, list[1]["is_asset_anchored"])
}

func TestADocumentWithoutAssetsIsOne(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sep1.Options) { o.Documentation, o.Principals = nil, nil })
	b.assets = nil
	d := b.document()
	require.Equal(t, []any{}, d.values["ACCOUNTS"])
	require.NotContains(t, d.values, "CURRENCIES")
	require.Equal(t, map[string]any{}, d.values["DOCUMENTATION"], "the wallet SDK of Stellar reads it without looking")
}

func TestTheBusinessChangesTheDocument(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sep1.Options) {
		o.Change = func(_ context.Context, d *anchor.Document) error {
			d.General["URI_REQUEST_SIGNING_KEY"] = "G"
			d.Documentation["ORG_NAME"] = "Another\nname\x1b"
			d.Principals = nil
			d.Currencies[0]["desc"] = "US dollars"
			d.Currencies[0]["collateral_addresses"] = []string{"a", "b"}
			d.Currencies[0]["is_unlimited"] = true
			return nil
		}
	})
	d := b.document()
	require.Equal(t, "G", d.values["URI_REQUEST_SIGNING_KEY"])
	require.Equal(t, "Another\nname\x1b", d.values["DOCUMENTATION"].(map[string]any)["ORG_NAME"])
	require.NotContains(t, d.values, "PRINCIPALS")
	require.Equal(t, "US dollars", d.currencies()[0]["desc"])
	require.Equal(t, []any{"a", "b"}, d.currencies()[0]["collateral_addresses"])
	require.Equal(t, "SRT", d.currencies()[1]["code"])
}

func TestEveryLineIsPlainTOML(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(setup(t).get().Body.String()) {
		require.Regexp(t, `^(|\[[A-Z]+\]|\[\[[A-Z]+\]\]|[A-Za-z0-9_-]+ = ("([^"\\]|\\.)*"|true|false|-?[0-9]+|\[("[^"]*"(, "[^"]*")*)?\]))\n$`, line)
	}
}

func TestADocumentThatClientsCannotReadIsNotServed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*anchor.Document)
		want   string
	}{
		"a nested table":   {func(d *anchor.Document) { d.General["A"] = map[string]any{"b": 1} }, "A is a map"},
		"a dotted key":     {func(d *anchor.Document) { d.Documentation["a.b"] = "c" }, `DOCUMENTATION.a.b`},
		"an empty key":     {func(d *anchor.Document) { d.General[""] = "c" }, "key"},
		"a mixed list":     {func(d *anchor.Document) { d.Currencies[1]["x"] = []any{1, "a"} }, "CURRENCIES[1].x"},
		"a fraction":       {func(d *anchor.Document) { d.Principals[0]["x"] = 1.5 }, "PRINCIPALS[0].x"},
		"nothing":          {func(d *anchor.Document) { d.General["x"] = nil }, "x is a <nil>"},
		"not UTF-8":        {func(d *anchor.Document) { d.General["x"] = "\xff" }, "UTF-8"},
		"not UTF-8 inside": {func(d *anchor.Document) { d.General["x"] = []string{"\x00"} }, "U+0000"},
		"too much":         {func(d *anchor.Document) { d.General["x"] = strings.Repeat("x", 100_000) }, "bytes, more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(o *sep1.Options) {
				o.Change = func(_ context.Context, d *anchor.Document) error { c.change(d); return nil }
			})
			w := b.get()
			require.Equal(t, http.StatusInternalServerError, w.Code)
			require.JSONEq(t, `{"error":"internal error"}`, w.Body.String())
			require.Contains(t, strings.ReplaceAll(b.log.String(), `\"`, `"`), c.want)
		})
	}
}

func TestTheAssetsAreReadOncePerSecond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() { b.get() })
	}
	group.Wait()
	require.Equal(t, int32(1), b.reads.Load())

	b.now = b.now.Add(999 * time.Millisecond)
	b.get()
	require.Equal(t, int32(1), b.reads.Load())

	b.now = b.now.Add(time.Millisecond)
	b.assets[2].Enabled = true
	require.Len(t, b.document().currencies(), 3)
	require.Equal(t, int32(2), b.reads.Load())
}

func TestTheLastDocumentIsServedWhileTheAssetsCannotBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.get().Body.String()
	b.err = errors.New("no database")
	b.now = b.now.Add(time.Minute)
	require.Equal(t, good, b.get().Body.String())
	b.get()
	require.Equal(t, 1, strings.Count(b.log.String(), "no database"), "logged once per try")

	b.err, b.assets = nil, nil
	b.now = b.now.Add(time.Minute)
	require.NotEqual(t, good, b.get().Body.String())
}

func TestAFaultFromTheStartIsAnErrorUntilItIsMended(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.err = errors.New("no database")
	require.Equal(t, http.StatusInternalServerError, b.get().Code)
	require.Equal(t, http.StatusInternalServerError, b.get().Code)
	require.Equal(t, int32(1), b.reads.Load(), "a fault does not make the database busier")
	b.err, b.now = nil, b.now.Add(time.Second)
	b.document()
}

func TestAnErrorOfTheBusinessIsNotShown(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sep1.Options) {
		o.Change = func(context.Context, *anchor.Document) error { return errors.New("their fault") }
	})
	require.NotContains(t, b.get().Body.String(), "their fault")
	require.Contains(t, b.log.String(), "their fault")
}

func TestAClientThatHangsUpDoesNotSpoilTheDocumentForOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sep1.Options) {
		assets := o.Assets
		o.Assets = func(ctx context.Context) ([]sep1.Asset, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return assets(ctx)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx))
	b.document()
	require.Equal(t, int32(1), b.reads.Load())
}

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := sep1.New(sep1.Options{})
	require.Error(t, err)
}
