package conformance

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/stellar/go-stellar-sdk/network"
)

// document is a stellar.toml, and what it came as.
type document struct {
	keys map[string]any
	size int
}

// largestToml is 100 KB as the suite counts.
const largestToml = 100_000

func tomlChecks() []check {
	return []check{
		{1, 1, "the TOML file exists", nil, tomlExists},
		{2, 1, "the TOML file has less than 100 KB", []int{1}, tomlIsSmall},
		{3, 1, "the TOML file has a valid network passphrase", []int{1}, tomlHasPassphrase},
		{4, 1, "the TOML file has a valid CURRENCIES section", []int{1}, tomlHasCurrencies},
		{5, 1, "all URLs of the TOML file are HTTPS and end without slashes", []int{1}, tomlHasGoodURLs},
	}
}

func tomlExists(v *visit) error {
	a, err := v.demand(get(v.Home+"/.well-known/stellar.toml", nil), http.StatusOK)
	if err != nil {
		return err
	}
	kind := a.header.Get("Content-Type")
	if !strings.Contains(kind, "text/plain") && !strings.Contains(kind, "application/toml") {
		return expected("Content-Type text/plain or application/toml", kind)
	}
	keys := map[string]any{}
	if err := toml.Unmarshal(a.body, &keys); err != nil {
		return expected("TOML", fmt.Sprintf("%v: %v", err, a))
	}
	v.toml = document{keys, len(a.body)}
	return nil
}

func tomlIsSmall(v *visit) error {
	if v.toml.size > largestToml {
		return expected(fmt.Sprintf("at most %d bytes", largestToml), v.toml.size)
	}
	return nil
}

func tomlHasPassphrase(v *visit) error {
	known := []string{network.TestNetworkPassphrase, network.PublicNetworkPassphrase}
	given, _ := v.toml.keys["NETWORK_PASSPHRASE"].(string)
	if !slices.Contains(known, given) {
		return expected("NETWORK_PASSPHRASE of the test or the public network", show(v.toml.keys["NETWORK_PASSPHRASE"]))
	}
	return nil
}

func tomlHasCurrencies(v *visit) error {
	currencies, ok := v.toml.keys["CURRENCIES"].([]map[string]any)
	if !ok {
		return expected("a list of CURRENCIES", show(v.toml.keys["CURRENCIES"]))
	}
	for i, currency := range currencies {
		if err := goodCurrency(currency); err != nil {
			return fmt.Errorf("CURRENCIES[%d]: %w", i, err)
		}
	}
	return nil
}

// goodCurrency judges an entry of CURRENCIES by its required keys, and every key that is there by its type.
func goodCurrency(currency map[string]any) error {
	for _, key := range []string{"code", "desc", "status", "is_asset_anchored", "anchor_asset_type"} {
		if _, ok := currency[key]; !ok {
			return expected("the key "+key, "only "+strings.Join(slices.Sorted(maps.Keys(currency)), ", "))
		}
	}
	shape := currencyShape()
	for _, key := range slices.Sorted(maps.Keys(currency)) {
		if is, ok := shape[key]; ok {
			if err := is(key, currency[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func currencyShape() map[string]rule {
	shape := map[string]rule{
		"code": noLonger(12), "code_template": noLonger(12), "name": noLonger(20), "display_decimals": tomlNumber,
		"fixed_number": tomlNumber, "max_number": tomlNumber, "is_unlimited": boolean, "is_asset_anchored": boolean, "regulated": boolean,
		"anchor_asset_type":    oneOf("fiat", "crypto", "stock", "bond", "commodity", "realestate", "other"),
		"collateral_addresses": list(text), "collateral_address_messages": list(text), "collateral_address_signatures": list(text),
	}
	for _, key := range []string{
		"issuer", "desc", "conditions", "image", "anchor_asset", "attestation_of_reserve", "status", "redemption_instructions",
		"approval_server", "approval_criteria",
	} {
		shape[key] = text
	}
	return shape
}

func noLonger(than int) rule {
	return func(at string, value any) error {
		if s, ok := value.(string); !ok || len(s) > than {
			return expected(fmt.Sprintf("%s to be a text of at most %d characters", at, than), show(value))
		}
		return nil
	}
}

func tomlNumber(at string, value any) error {
	if _, ok := value.(int64); !ok {
		return expected(at+" to be a whole number", show(value))
	}
	return nil
}

func tomlHasGoodURLs(v *visit) error {
	var faults []error
	for _, key := range []string{
		"FEDERATION_SERVER", "AUTH_SERVER", "TRANSFER_SERVER", "TRANSFER_SERVER_SEP0024", "KYC_SERVER", "WEB_AUTH_ENDPOINT", "HORIZON_URL",
		"DIRECT_PAYMENT_SERVER", "ANCHOR_QUOTE_SERVER",
	} {
		faults = append(faults, goodURL(key, v.toml.keys))
	}
	documentation, _ := v.toml.keys["DOCUMENTATION"].(map[string]any)
	for _, key := range []string{"ORG_URL", "ORG_LOGO", "ORG_PHYSICAL_ADDRESS_ATTESTATION", "ORG_PHONE_NUMBER_ATTESTATION"} {
		faults = append(faults, goodURL(key, documentation))
	}
	currencies, _ := v.toml.keys["CURRENCIES"].([]map[string]any)
	for _, currency := range currencies {
		for _, key := range []string{"attestation_of_reserve", "approval_server", "image"} {
			faults = append(faults, goodURL(key, currency))
		}
	}
	return errors.Join(faults...)
}

// goodURL judges the URL under a key, if there is one.
func goodURL(key string, in map[string]any) error {
	given, ok := in[key]
	if !ok {
		return nil
	}
	return goodAddress(key, given)
}

func goodAddress(key string, given any) error {
	address, _ := given.(string)
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return expected(key+" to be a URL", show(given))
	case u.Scheme != "https" && u.Hostname() != "localhost":
		return expected(key+" to begin with https://", address)
	case strings.HasSuffix(address, "/"):
		return expected(key+" to end without a slash", address)
	}
	return nil
}

// server finds the address under a key, which must be there.
func (d document) server(key string) (string, error) {
	given, ok := d.keys[key]
	if !ok {
		return "", expected(key+" in stellar.toml", nothing)
	}
	if err := goodAddress(key, given); err != nil {
		return "", err
	}
	return textOf(d.keys, key), nil
}
