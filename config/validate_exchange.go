package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/anchorkit/anchor/pkg/money"
)

// exchange checks what the declared integration offers by SEP-38.
func (c *checker) exchange() {
	assets := c.offChainAssets()
	c.exchangePairs(assets)
	if c.need.business && !c.supplied.Quotes && c.s.Server.Active("sep-38") && len(c.s.ExchangePairs) == 0 {
		c.item("exchange_pairs", "is empty: sep-38 would have nothing to offer",
			"name what received assets can be exchanged for, as in anchor.yaml.example, bring a QuoteIntegration, or remove sep-38 from ACTIVE_SEPS")
	}
}

// offChainAssets returns those that have a name to refer to.
func (c *checker) offChainAssets() map[string]bool {
	known := map[string]bool{}
	for i, asset := range c.s.OffChainAssets {
		at := fmt.Sprintf("offchain_assets[%d]", i)
		c.offChainAsset(at, asset.Asset, known)
		if asset.Decimals < 0 || asset.Decimals > money.StellarDecimals {
			c.item(at+".decimals", fmt.Sprintf("is %d", asset.Decimals), fmt.Sprintf("give a whole number from 0 to %d", money.StellarDecimals))
		}
		c.countryCodes(at, asset.CountryCodes)
		c.deliveryMethods(at+".buy_delivery_methods", asset.BuyDeliveryMethods)
		c.deliveryMethods(at+".sell_delivery_methods", asset.SellDeliveryMethods)
		c.paidOut(at+".buy_delivery_methods", asset.BuyDeliveryMethods)
	}
	return known
}

func (c *checker) offChainAsset(at, name string, known map[string]bool) {
	const mend = "give an asset outside the network, such as iso4217:BRL"
	asset, err := money.ParseAsset(name)
	switch {
	case name == "":
		c.item(at+".asset", "is missing", mend)
	case err != nil || asset.IsStellar():
		c.item(at+".asset", "is "+show(name)+", which is no currency", mend)
	case known[name]:
		c.item(at+".asset", "is "+show(name)+", which was there before", "describe each asset once")
	}
	known[name] = true
}

func (c *checker) countryCodes(at string, codes []string) {
	form := regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
	for i, code := range codes {
		switch {
		case !form.MatchString(code):
			c.item(at+".country_codes", "have "+show(code), "give codes of ISO 3166, such as BR or BR-SP")
		case slices.Contains(codes[:i], code):
			c.item(at+".country_codes", "have "+show(code)+" twice", "name each country once")
		}
	}
}

func (c *checker) deliveryMethods(at string, methods []DeliveryMethod) {
	seen := map[string]bool{}
	for i, method := range methods {
		c.label(fmt.Sprintf("%s[%d]", at, i), method.Name, seen)
	}
}

// paidOut holds the ways in which recipients are paid against those that have a rail.
func (c *checker) paidOut(at string, methods []DeliveryMethod) {
	for i, method := range methods {
		if _, known := c.s.RailOf(method.Name); method.Name != "" && !known && len(c.s.FundingMethods) > 0 {
			c.item(fmt.Sprintf("%s[%d].name", at, i), "is "+show(method.Name)+", which is no funding method: nothing could be paid out so",
				"add it to funding_methods with its rail, or use the name of one that is there")
		}
	}
}

func (c *checker) exchangePairs(assets map[string]bool) {
	seen := map[[2]string]bool{}
	for i, pair := range c.s.ExchangePairs {
		at := fmt.Sprintf("exchange_pairs[%d]", i)
		c.sold(at, pair.Sell)
		switch {
		case pair.Buy == "":
			c.item(at+".buy", "is missing", "name one of offchain_assets")
		case !assets[pair.Buy]:
			c.item(at+".buy", "is "+show(pair.Buy)+", which is not among offchain_assets", "describe it there, or name one that is there")
		}
		if key := [2]string{pair.Sell, pair.Buy}; seen[key] {
			c.item(at, "has the assets of one before it", "give each pair one price")
		} else {
			seen[key] = true
		}
		c.prices(at, pair)
	}
}

func (c *checker) sold(at, name string) {
	const mend = "give an asset that you receive, as stellar:CODE:ISSUER"
	asset, err := money.ParseAsset(name)
	switch {
	case name == "":
		c.item(at+".sell", "is missing", mend)
	case err != nil || !asset.IsStellar() || asset.IsNative():
		c.item(at+".sell", "is "+show(name)+", which is not an issued asset of the network", mend)
	}
}

// prices checks the numbers of a pair, and that they leave something.
func (c *checker) prices(at string, pair ExchangePair) {
	if pair.Rate == "" {
		c.item(at+".rate", "is missing", "give how much of buy one unit of sell is worth, such as 5.12")
	} else if _, err := money.ParseRate(pair.Rate); err != nil {
		c.item(at+".rate", "is "+show(pair.Rate)+", which is no rate above zero", "give a decimal number such as 5.12")
	}
	for _, percent := range []struct{ key, text string }{{"spread_percent", pair.SpreadPercent}, {"fee_percent", pair.FeePercent}} {
		parsed, err := money.ParsePercent(percent.text)
		if err != nil || parsed.String() == "100" {
			c.item(at+"."+percent.key, "is "+show(percent.text), "give a decimal number from 0 to less than 100, such as 0.5")
		}
	}
	c.amountOf(at+".fee_fixed", pair.FeeFixed)
	least, greatest := c.amountOf(at+".min", pair.Min), c.amountOf(at+".max", pair.Max)
	if !greatest.IsZero() && greatest.Cmp(least) < 0 {
		c.item(at+".max", "is "+show(pair.Max)+", less than min", "give an amount of min or more, or 0 for no limit")
	}
}

// amountOf reads an amount of a received asset; zero where it cannot be read.
func (c *checker) amountOf(key, text string) money.Amount {
	amount, err := money.Parse(text, money.StellarDecimals)
	if err != nil {
		c.item(key, "is "+show(text)+", which is no amount", fmt.Sprintf("give a decimal number of at most %d decimals, such as 1.5", money.StellarDecimals))
	}
	return amount
}
