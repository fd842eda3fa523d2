package sep31

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// maxBody bounds a body also where the server in front does not.
const maxBody = 64 << 10

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

// given tells whether a key is there; null is how some clients leave one out.
func (o object) given(key string) bool {
	raw, ok := o[key]
	return ok && string(raw) != "null"
}

// text reads an optional string.
func (o object) text(key string) (string, error) {
	if !o.given(key) {
		return "", nil
	}
	return textOf(key, o[key])
}

func textOf(name string, raw json.RawMessage) (string, error) {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", anchor.Refusef("%s must be a string", name)
	}
	if strings.ContainsRune(*text, 0) {
		return "", anchor.Refusef("%s must not contain the character U+0000", name)
	}
	return *text, nil
}

// nested reads an optional object.
func (o object) nested(key, name string) (object, error) {
	if !o.given(key) {
		return nil, nil
	}
	var inner object
	if err := json.Unmarshal(o[key], &inner); err != nil {
		return nil, anchor.Refusef("%s must be an object", name)
	}
	return inner, nil
}

// amount reads a number or a string and keeps its digits: the SEP has a number, wallets send both.
func (o object) amount() (string, error) {
	raw := o["amount"]
	if !o.given("amount") {
		return "", nil
	}
	if first := raw[0]; first == '-' || first >= '0' && first <= '9' {
		return string(raw), nil
	}
	if raw[0] != '"' {
		return "", anchor.Refuse("amount must be a number")
	}
	text, err := textOf("amount", raw)
	if err == nil && text == "" {
		return "", anchor.Refuse("amount is empty")
	}
	return text, err
}

// decodePost reads a request for a transaction. Keys that are not known are passed over, those that are must be of their type.
func decodePost(o object) (transactions.Request, error) {
	var r transactions.Request
	var err error
	if r.Amount, err = o.amount(); err != nil {
		return r, err
	}
	for _, text := range []struct {
		key  string
		into *string
	}{
		{"asset_code", &r.AssetCode}, {"asset_issuer", &r.AssetIssuer}, {"destination_asset", &r.DestinationAsset},
		{"funding_method", &r.FundingMethod}, {"quote_id", &r.QuoteID}, {"sender_id", &r.SenderID}, {"receiver_id", &r.ReceiverID},
		{"lang", &r.Lang}, {"refund_memo", &r.RefundMemo}, {"refund_memo_type", &r.RefundMemoType},
	} {
		if *text.into, err = o.text(text.key); err != nil {
			return r, err
		}
	}
	r.Fields, err = o.transactionFields()
	return r, err
}

// decodePatch reads an update of transaction fields, which must be there.
func decodePatch(o object) (map[string]string, error) {
	if !o.given("fields") {
		return nil, anchor.Refuse(`fields is missing; it must be {"transaction": {…}}`)
	}
	return o.transactionFields()
}

func decodeCallback(o object) (string, error) { return o.text("url") }

// transactionFields reads {"transaction": {name: text}}, which is all that may be in fields.
func (o object) transactionFields() (map[string]string, error) {
	outer, err := o.nested("fields", "fields")
	if err != nil {
		return nil, err
	}
	for key := range outer {
		if key != "transaction" {
			return nil, anchor.Refuse("fields must have one key only: transaction")
		}
	}
	inner, err := outer.nested("transaction", "fields.transaction")
	if err != nil || len(inner) == 0 {
		return nil, err
	}
	values := make(map[string]string, len(inner))
	for name, raw := range inner {
		if strings.ContainsRune(name, 0) {
			return nil, anchor.Refuse("a name in fields.transaction contains the character U+0000")
		}
		if values[name], err = textOf("each value of fields.transaction", raw); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// keyOf reads the Idempotency-Key; nil for a request without one.
func keyOf(header http.Header) (*string, error) {
	keys := header.Values("Idempotency-Key")
	switch len(keys) {
	case 0:
		return nil, nil
	case 1:
		return &keys[0], nil
	}
	return nil, anchor.Refuse("Idempotency-Key must be given once")
}
