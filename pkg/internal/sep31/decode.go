package sep31

import (
	"net/http"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// amount reads a number or a string and keeps its digits: the SEP has a number, wallets send both.
func amountOf(o jsonbody.Object) (string, error) {
	if !o.Given("amount") {
		return "", nil
	}
	raw := o["amount"]
	if digits, number := jsonbody.Digits(raw); number {
		return digits, nil
	}
	if raw[0] != '"' {
		return "", anchor.Refuse("amount must be a number")
	}
	text, err := jsonbody.TextOf("amount", raw)
	if err == nil && text == "" {
		return "", anchor.Refuse("amount is empty")
	}
	return text, err
}

// decodePost reads a request for a transaction. Keys that are not known are passed over, those that are must be of their type.
func decodePost(o jsonbody.Object) (transactions.Request, error) {
	var r transactions.Request
	var err error
	if r.Amount, err = amountOf(o); err != nil {
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
		if *text.into, err = o.Text(text.key); err != nil {
			return r, err
		}
	}
	r.Fields, err = transactionFields(o)
	return r, err
}

// decodePatch reads an update of transaction fields, which must be there.
func decodePatch(o jsonbody.Object) (map[string]string, error) {
	if !o.Given("fields") {
		return nil, anchor.Refuse(`fields is missing; it must be {"transaction": {…}}`)
	}
	return transactionFields(o)
}

func decodeCallback(o jsonbody.Object) (string, error) { return o.Text("url") }

// transactionFields reads {"transaction": {name: text}}, which is all that may be in fields.
func transactionFields(o jsonbody.Object) (map[string]string, error) {
	outer, err := o.Nested("fields", "fields")
	if err != nil {
		return nil, err
	}
	for key := range outer {
		if key != "transaction" {
			return nil, anchor.Refuse("fields must have one key only: transaction")
		}
	}
	inner, err := outer.Nested("transaction", "fields.transaction")
	if err != nil || len(inner) == 0 {
		return nil, err
	}
	values := make(map[string]string, len(inner))
	for name, raw := range inner {
		if strings.ContainsRune(name, 0) {
			return nil, anchor.Refuse("a name in fields.transaction contains the character U+0000")
		}
		if values[name], err = jsonbody.TextOf("each value of fields.transaction", raw); err != nil {
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
