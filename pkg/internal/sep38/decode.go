package sep38

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
)

// maxText is the bytes of one parameter: more than any that could be right.
const maxText = 256

// parameter is a query parameter, or the same key of a body, and where it goes.
type parameter struct {
	name string
	into *string
}

func parametersOf(r *quotes.Request) []parameter {
	return []parameter{
		{"sell_asset", &r.SellAsset}, {"buy_asset", &r.BuyAsset}, {"sell_amount", &r.SellAmount}, {"buy_amount", &r.BuyAmount},
		{"sell_delivery_method", &r.SellDeliveryMethod}, {"buy_delivery_method", &r.BuyDeliveryMethod},
		{"country_code", &r.CountryCode}, {"context", &r.Context}, {"expire_after", &r.ExpireAfter},
	}
}

// decodeQuery reads a query. Parameters that are not known are passed over, those that are must be given once.
func decodeQuery(raw string) (quotes.Request, error) {
	var r quotes.Request
	values, err := url.ParseQuery(raw)
	if err != nil {
		return r, anchor.Refuse("the query cannot be read")
	}
	for _, p := range parametersOf(&r) {
		given := values[p.name]
		if len(given) > 1 {
			return r, anchor.Refusef("%s must be given once", p.name)
		}
		if len(given) == 1 {
			if err := checkText(p.name, given[0]); err != nil {
				return r, err
			}
			*p.into = given[0]
		}
	}
	r.Lang = values.Get("lang")
	return r, nil
}

func checkText(name, text string) error {
	switch {
	case len(text) > maxText:
		return anchor.Refusef("%s is too long: at most %d bytes", name, maxText)
	case !utf8.ValidString(text):
		return anchor.Refusef("%s must be UTF-8", name)
	case strings.ContainsRune(text, 0):
		return anchor.Refusef("%s must not contain the character U+0000", name)
	}
	return nil
}

// decodeBody reads a request for a firm quote. Keys that are not known are passed over, those that are must be of their
// type; null is how some clients leave one out.
func decodeBody(o jsonbody.Object) (quotes.Request, error) {
	var r quotes.Request
	for _, p := range parametersOf(&r) {
		if !o.Given(p.name) {
			continue
		}
		text, err := textOf(p.name, o[p.name])
		if err != nil {
			return quotes.Request{}, err
		}
		if err := checkText(p.name, text); err != nil {
			return quotes.Request{}, err
		}
		*p.into = text
	}
	return r, nil
}

// textOf reads a string. An amount may be a number as well, whose digits are kept: the SEP has strings, clients send both.
func textOf(name string, raw json.RawMessage) (string, error) {
	digits, number := jsonbody.Digits(raw)
	if number && (name == "sell_amount" || name == "buy_amount") {
		return digits, nil
	}
	return jsonbody.TextOf(name, raw)
}
