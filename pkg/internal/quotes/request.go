package quotes

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// Request is what is asked for, as it was sent. Whatever it leaves out is empty.
type Request struct {
	SellAsset, BuyAsset                   string // in the asset identification format
	SellAmount, BuyAmount                 string
	SellDeliveryMethod, BuyDeliveryMethod string
	CountryCode                           string // ISO 3166-1 alpha-2 or 3166-2
	Context                               string
	ExpireAfter                           string // ISO 8601
	Lang                                  string
}

// contexts in which prices and quotes are asked for (SEP-38 "GET Price", "POST Quote").
const (
	contextSEP6  = "sep6"
	contextSEP24 = "sep24"
	contextSEP31 = "sep31"
)

func (r Request) checkContext(allowed ...string) error {
	switch {
	case r.Context == "":
		return anchor.Refusef("context is missing; it is one of %s", strings.Join(allowed, ", "))
	case !slices.Contains(allowed, r.Context):
		return anchor.Refusef("context must be one of %s", strings.Join(allowed, ", "))
	}
	return nil
}

// amountOf reads an amount in the decimals of its asset.
func amountOf(parameter, text string, asset Listed) (*money.Amount, error) {
	if text == "" {
		return nil, anchor.Refusef("%s is missing", parameter)
	}
	amount, err := money.Parse(text, asset.Decimals)
	if err != nil {
		return nil, anchor.Refusef("%s: %v", parameter, err)
	}
	if amount.IsZero() {
		return nil, anchor.Refusef("%s must be more than 0", parameter)
	}
	return &amount, nil
}

// oneAmount reads the amount of a request that must name exactly one.
func (r Request) oneAmount(into *anchor.PriceRequest, sell, buy Listed) (err error) {
	switch {
	case r.SellAmount != "" && r.BuyAmount != "":
		return anchor.Refuse("sell_amount and buy_amount exclude each other")
	case r.SellAmount == "" && r.BuyAmount == "":
		return anchor.Refuse("sell_amount or buy_amount is missing")
	case r.SellAmount != "":
		into.SellAmount, err = amountOf("sell_amount", r.SellAmount, sell)
	default:
		into.BuyAmount, err = amountOf("buy_amount", r.BuyAmount, buy)
	}
	return err
}

// side is how one side of an exchange is delivered: the parameter, what it says, and what is offered.
type side struct {
	parameter, given string
	asset            Listed
	offered          []anchor.DeliveryMethod
}

// method is the delivery method that is meant; empty where none was named and several, or none, are offered. That is refused
// where one is needed.
func (s side) method(needed bool) (string, error) {
	names := make([]string, len(s.offered))
	for i, m := range s.offered {
		names[i] = m.Name
	}
	switch {
	case s.given == "" && len(names) == 1:
		return names[0], nil
	case s.given == "" && needed && len(names) > 1:
		return "", anchor.Refusef("%s is missing; it is one of %s", s.parameter, strings.Join(names, ", "))
	case s.given == "":
		return "", nil
	case len(names) == 0:
		return "", anchor.Refusef("%s: %s has none to choose from", s.parameter, s.asset.Asset)
	case !slices.Contains(names, s.given):
		return "", anchor.Refusef("%s must be one of %s", s.parameter, strings.Join(names, ", "))
	}
	return s.given, nil
}

func (r Request) selling(asset Listed) side {
	return side{"sell_delivery_method", r.SellDeliveryMethod, asset, asset.SellDeliveryMethods}
}

func (r Request) buying(asset Listed) side {
	return side{"buy_delivery_method", r.BuyDeliveryMethod, asset, asset.BuyDeliveryMethods}
}

// country is the form of ISO 3166-1 alpha-2 and 3166-2 codes.
var country = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

func (r Request) checkCountry() error {
	if r.CountryCode != "" && !country.MatchString(r.CountryCode) {
		return anchor.Refuse("country_code must be a code of ISO 3166-1 alpha-2 or 3166-2, such as BR or BR-SP")
	}
	return nil
}

// serves tells whether an asset changes hands in a country. A country means each of its parts, and a part of it what is
// offered in the whole country.
func (l Listed) serves(code string) bool {
	if code == "" || len(l.CountryCodes) == 0 {
		return true
	}
	return slices.ContainsFunc(l.CountryCodes, func(offered string) bool {
		return offered == code || strings.HasPrefix(offered, code+"-") || strings.HasPrefix(code, offered+"-")
	})
}

// expireLayouts are the spellings of ISO 8601 times that clients use; the SEP's own examples leave out the zone, which is UTC.
var expireLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z0700"}

// expireAfter is the time until which a quote must be good; the zero time for none.
func (r Request) expireAfter() (time.Time, error) {
	if r.ExpireAfter == "" {
		return time.Time{}, nil
	}
	for _, layout := range expireLayouts {
		if at, err := time.Parse(layout, r.ExpireAfter); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, anchor.Refuse("expire_after must be a UTC ISO 8601 time, such as 2026-01-02T03:04:05Z")
}

// maxLang is the longest language tag that RFC 5646 asks software to take.
const maxLang = 35

// langOf is the language to answer in. SEP-38 has no such parameter, so that one that cannot be understood is passed over.
func langOf(text string) string {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if len(text) > maxLang || strings.ContainsFunc(text, bad) {
		return ""
	}
	return text
}
