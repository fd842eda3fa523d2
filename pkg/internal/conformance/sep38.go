package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// exchange is what the checks of SEP-38 found out and go on with.
type exchange struct {
	url      string
	assets   map[string]map[string]any // of GET /info, by name
	stellar  string                    // the first one of GET /info
	offChain string                    // the first one of GET /prices
	decimals int64                     // of offChain
	method   string                    // the first buy_delivery_method of offChain
}

// soldAmount is what the suite asks prices for.
const soldAmount = "100"

func exchangeInfoChecks() []check {
	return []check{
		{43, 38, "the TOML file has a valid ANCHOR_QUOTE_SERVER", []int{1}, func(v *visit) (err error) {
			v.exchange.url, err = v.toml.server("ANCHOR_QUOTE_SERVER")
			return err
		}},
		{44, 38, "GET /info has its shape", []int{43}, exchangeInfoHasShape},
	}
}

func exchangeInfoShape() rule {
	methods := list(object{may: map[string]rule{"name": text, "description": text}, more: true}.is)
	return object{more: true, must: map[string]rule{"assets": list(object{
		must: map[string]rule{"asset": text},
		may:  map[string]rule{"country_codes": list(text), "sell_delivery_methods": methods, "buy_delivery_methods": methods},
		more: true,
	}.is)}}.is
}

func exchangeInfoHasShape(v *visit) error {
	answer, err := v.demandObject(get(v.exchange.url+"/info", nil), http.StatusOK, exchangeInfoShape())
	if err != nil {
		return err
	}
	offChain := false
	v.exchange.assets = map[string]map[string]any{}
	items, _ := answer["assets"].([]any)
	for _, item := range items {
		asset, _ := item.(map[string]any)
		name := textOf(asset, "asset")
		if err := goodListing(name, asset); err != nil {
			return err
		}
		v.exchange.assets[name] = asset
		offChain = offChain || !onStellar(name)
		if v.exchange.stellar == "" && onStellar(name) {
			v.exchange.stellar = name
		}
	}
	if v.exchange.stellar == "" || !offChain {
		return expected("an asset stellar:… and one iso4217:…", show(answer))
	}
	return nil
}

func onStellar(asset string) bool { return strings.HasPrefix(asset, "stellar:") }

// goodListing judges an asset of GET /info: its name, and that a Stellar asset has no keys of off-chain ones, even empty.
func goodListing(name string, asset map[string]any) error {
	if err := goodAssetName("asset", name); err != nil {
		return err
	}
	if !onStellar(name) {
		return nil
	}
	for _, key := range []string{"country_codes", "sell_delivery_methods", "buy_delivery_methods"} {
		if _, ok := asset[key]; ok {
			return expected(name+" without "+key, show(asset))
		}
	}
	return nil
}

// goodAssetName is a rule for the names of SEP-38.
func goodAssetName(at string, value any) error {
	name, _ := value.(string)
	parts := strings.Split(name, ":")
	switch {
	case name == "stellar:native":
	case len(parts) == 3 && parts[0] == "stellar" && strkey.IsValidEd25519PublicKey(parts[2]):
	case len(parts) == 2 && parts[0] == "iso4217" && parts[1] != "":
	default:
		return expected(at+" to be stellar:CODE:ISSUER, stellar:native or iso4217:XXX", show(value))
	}
	return nil
}

func stellarAssetName(at string, value any) error {
	if name, _ := value.(string); !onStellar(name) {
		return expected(at+" to be an asset on Stellar", show(value))
	}
	return goodAssetName(at, value)
}

func pricesChecks() []check {
	return []check{
		{45, 38, "GET /prices gives prices for the Stellar asset", []int{11, 43, 44}, givesPrices},
		{46, 38, "GET /prices takes an off-chain asset as sell_asset", []int{45}, func(v *visit) error {
			_, err := v.prices(url.Values{"sell_asset": {v.exchange.offChain}, "sell_amount": {soldAmount}}, stellarAssetName)
			return err
		}},
		{47, 38, "GET /prices takes both assets, without a delivery method", []int{45}, func(v *visit) error {
			_, err := v.prices(url.Values{
				"sell_asset": {v.exchange.stellar}, "buy_asset": {v.exchange.offChain}, "sell_amount": {soldAmount},
			}, goodAssetName)
			return err
		}},
	}
}

// prices asks for prices; the answer must have buy_assets and nothing else.
func (v *visit) prices(query url.Values, asset rule) ([]any, error) {
	answer, err := v.demandObject(get(v.exchange.url+"/prices", query).as(v.token), http.StatusOK, object{
		must: map[string]rule{"buy_assets": list(object{
			must: map[string]rule{"asset": asset, "price": notZero, "decimals": integer}, more: true,
		}.is)},
	}.is)
	items, _ := answer["buy_assets"].([]any)
	return items, err
}

func givesPrices(v *visit) error {
	items, err := v.prices(url.Values{"sell_asset": {v.exchange.stellar}, "sell_amount": {soldAmount}}, goodAssetName)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return expected("prices for "+v.exchange.stellar, nothing)
	}
	first, _ := items[0].(map[string]any)
	decimals, _ := first["decimals"].(json.Number)
	v.exchange.offChain = textOf(first, "asset")
	if v.exchange.decimals, err = decimals.Int64(); err != nil {
		return err
	}
	methods, _ := v.exchange.assets[v.exchange.offChain]["buy_delivery_methods"].([]any)
	if len(methods) == 0 {
		return expected("buy_delivery_methods of "+v.exchange.offChain+" in GET /info", nothing)
	}
	method, _ := methods[0].(map[string]any)
	v.exchange.method = textOf(method, "name")
	return nil
}
