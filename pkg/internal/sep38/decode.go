package sep38

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
)

const (
	maxBody = 64 << 10 // bounds a body also where the server in front does not
	maxText = 256      // bytes of one parameter: more than any that could be right
)

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

// object is a JSON object whose values are still to be judged.
type object map[string]json.RawMessage

// bodyOf reads the JSON object of a request. A missing content type is taken for JSON, another one is refused.
func bodyOf(c echo.Context) (object, error) {
	if err := checkContentType(c.Request().Header); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(c.Request().Body, maxBody+1))
	if err != nil {
		return nil, bodyFault(err)
	}
	if len(raw) > maxBody {
		return nil, errTooLarge()
	}
	return decodeObject(raw)
}

func checkContentType(header http.Header) error {
	given := header.Get(echo.HeaderContentType)
	if given == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return anchor.RefuseAs(anchor.CodeUnsupported, "Content-Type must be application/json")
	}
	return nil
}

// bodyFault tells a body that is too large or was cut off, which is the client's doing, from what the server has to say.
func bodyFault(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		return errTooLarge()
	}
	if answer, ok := errors.AsType[*echo.HTTPError](err); ok {
		return answer
	}
	if anchor.CodeOf(err) != anchor.CodeInternal {
		return err
	}
	return anchor.Refuse("the body could not be read")
}

func errTooLarge() error { return anchor.RefuseAs(anchor.CodeTooLarge, "the body is too large") }

// decodeObject takes exactly one JSON object in UTF-8.
func decodeObject(raw []byte) (object, error) {
	if !utf8.Valid(raw) {
		return nil, anchor.Refuse("the body must be UTF-8")
	}
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, anchor.Refuse("the body must be a JSON object")
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, anchor.Refuse("the body is not valid JSON")
	}
	return o, nil
}

// decodeBody reads a request for a firm quote. Keys that are not known are passed over, those that are must be of their
// type; null is how some clients leave one out.
func decodeBody(o object) (quotes.Request, error) {
	var r quotes.Request
	for _, p := range parametersOf(&r) {
		raw, ok := o[p.name]
		if !ok || string(raw) == "null" {
			continue
		}
		text, err := textOf(p.name, raw)
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
	number := raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	if number && (name == "sell_amount" || name == "buy_amount") {
		return string(raw), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", anchor.Refusef("%s must be a string", name)
	}
	return text, nil
}
