package sep1

import (
	"slices"
	"strings"

	"github.com/stellar/go-stellar-sdk/network"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// version is that of SEP-1 to which the document keeps.
const version = "2.7.0"

// nativeCode is how the network's own asset, which has no issuer, is published.
const nativeCode = "XLM"

// Asset is an asset as it is published.
type Asset struct {
	Code, Issuer     string // no issuer: the network's own asset
	Decimals         int    // 0 to 7
	ReceivingAccount string // G…
	Enabled          bool   // false: only its account is listed, which stays the anchor's
	Desc             string // empty: one is made
	AnchorType       string // SEP-1 anchor_asset_type; empty: fiat
	AnchorAsset      string // what it stands for; empty: its code
}

// documentOf is the document before the business has added to it and changed it.
func documentOf(o Options, assets []Asset) *anchor.Document {
	d := &anchor.Document{General: general(o, assets), Documentation: textsOf(o.Documentation)}
	for _, principal := range o.Principals {
		d.Principals = append(d.Principals, textsOf(principal))
	}
	for _, a := range receivedOf(assets) {
		d.Currencies = append(d.Currencies, currency(a, o.Passphrase))
	}
	return d
}

// receivedOf are the assets that the anchor receives now.
func receivedOf(assets []Asset) []Asset {
	return slices.DeleteFunc(slices.Clone(assets), func(a Asset) bool { return !a.Enabled })
}

func general(o Options, assets []Asset) map[string]any {
	host := strings.TrimRight(o.HostURL, "/")
	values := map[string]any{
		"VERSION":            version,
		"NETWORK_PASSPHRASE": o.Passphrase,
		"ACCOUNTS":           accountsOf(assets),
	}
	if o.HorizonURL != "" {
		values["HORIZON_URL"] = strings.TrimRight(o.HorizonURL, "/")
	}
	for _, key := range []struct{ sep, name, value string }{
		{"sep-10", "WEB_AUTH_ENDPOINT", host + "/auth"},
		{"sep-10", "SIGNING_KEY", o.SigningKey},
		{"sep-12", "KYC_SERVER", host + "/kyc"},
		{"sep-31", "DIRECT_PAYMENT_SERVER", host + "/sep31"},
		{"sep-38", "ANCHOR_QUOTE_SERVER", host + "/sep38"},
	} {
		if slices.Contains(o.ActiveSEPs, key.sep) {
			values[key.name] = key.value
		}
	}
	return values
}

// accountsOf lists each receiving account once, in the order of the assets.
func accountsOf(assets []Asset) []string {
	accounts := []string{}
	for _, a := range assets {
		if a.ReceivingAccount != "" && !slices.Contains(accounts, a.ReceivingAccount) {
			accounts = append(accounts, a.ReceivingAccount)
		}
	}
	return accounts
}

// currency has the keys that SEP-1 asks for and those without which some clients refuse the document.
func currency(a Asset, passphrase string) map[string]any {
	values := map[string]any{
		"code":             a.Code,
		"desc":             a.Desc,
		"status":           "test",
		"display_decimals": a.Decimals,
	}
	if passphrase == network.PublicNetworkPassphrase {
		values["status"] = "live"
	}
	anchored(values, a)
	return values
}

// anchored says what the asset stands for.
func anchored(values map[string]any, a Asset) {
	if a.Issuer == "" {
		values["code"] = nativeCode
		values["is_asset_anchored"] = false
		values["anchor_asset_type"] = or(a.AnchorType, "crypto")
		values["desc"] = or(a.Desc, "The Stellar network's own asset")
		return
	}
	values["issuer"] = a.Issuer
	values["is_asset_anchored"] = true
	values["anchor_asset_type"] = or(a.AnchorType, "fiat")
	values["anchor_asset"] = or(a.AnchorAsset, a.Code)
	values["desc"] = or(a.Desc, a.Code+" issued by "+a.Issuer)
}

func or(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// textsOf leaves out what was not given.
func textsOf(given map[string]string) map[string]any {
	texts := make(map[string]any, len(given))
	for key, text := range given {
		if text = withoutSlash(text); text != "" {
			texts[key] = text
		}
	}
	return texts
}

// withoutSlash takes the slash from the end of addresses, which clients do not expect there.
func withoutSlash(text string) string {
	if strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return strings.TrimRight(text, "/")
	}
	return text
}
