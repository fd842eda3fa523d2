package transactions

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// What a request may hold at most. The edge bounds the whole body; these keep single values within reason.
const (
	maxLang       = 35 // the longest language tag that RFC 5646 asks software to take
	maxMemoText   = 28
	maxKey        = 255
	maxFields     = 64
	maxFieldName  = 64
	maxFieldValue = 4096
)

// Request is what a sending anchor asks for (SEP-31 "POST Transactions"). Whatever it leaves out is empty.
type Request struct {
	Amount           string            `json:"amount"` // the text of the number, exactly as it was sent
	AssetCode        string            `json:"asset_code"`
	AssetIssuer      string            `json:"asset_issuer"`
	DestinationAsset string            `json:"destination_asset"`
	FundingMethod    string            `json:"funding_method"`
	QuoteID          string            `json:"quote_id"`
	SenderID         string            `json:"sender_id"`
	ReceiverID       string            `json:"receiver_id"`
	Lang             string            `json:"lang"`
	RefundMemo       string            `json:"refund_memo"`
	RefundMemoType   string            `json:"refund_memo_type"`
	Fields           map[string]string `json:"fields"`
	// IdempotencyKey makes repeating the request safe; nil for a request without one. It is no part of what is asked for.
	IdempotencyKey *string `json:"-"`
}

// hash tells two requests under one idempotency key apart.
func (r Request) hash() (string, error) {
	canonical, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("hash the request: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return anchor.Refusef("Idempotency-Key must be 1 to %d printable ASCII characters", maxKey)
	}
	return nil
}

// amount reads the amount by the asset's decimals and limits. The result has Stellar's decimals.
func (r Request) amount(o offer) (money.Amount, error) {
	if r.Amount == "" {
		return money.Amount{}, anchor.Refuse("amount is missing")
	}
	exact, err := money.Parse(r.Amount, o.info.Decimals)
	if err != nil {
		return money.Amount{}, anchor.Refuse(err.Error())
	}
	amount, err := exact.Rescale(money.StellarDecimals, money.Down)
	switch {
	case err != nil:
		return money.Amount{}, anchor.Refusef("amount %s is more than the network can carry", exact.Short())
	case amount.IsZero():
		return money.Amount{}, anchor.Refuse("amount must be more than 0")
	case amount.Cmp(o.terms.Min) < 0:
		return money.Amount{}, anchor.Refusef("amount %s is below the minimum of %s", amount.Short(), o.terms.Min.Short())
	case !o.terms.Max.IsZero() && amount.Cmp(o.terms.Max) > 0:
		return money.Amount{}, anchor.Refusef("amount %s is above the maximum of %s", amount.Short(), o.terms.Max.Short())
	}
	return amount, nil
}

// fundingMethod is how the recipient is paid. Real wallets leave it out; with one method there is nothing to choose.
func (r Request) fundingMethod(o offer) (string, error) {
	methods := o.info.FundingMethods
	switch {
	case len(methods) == 0 && r.FundingMethod == "":
		return "", nil
	case len(methods) == 0:
		return "", anchor.Refusef("funding_method: %s has none to choose from", o.Code)
	case r.FundingMethod == "" && len(methods) == 1:
		return methods[0], nil
	case r.FundingMethod == "":
		return "", anchor.Refusef("funding_method is missing; it is one of %s", strings.Join(methods, ", "))
	case !slices.Contains(methods, r.FundingMethod):
		return "", anchor.Refusef("funding_method must be one of %s", strings.Join(methods, ", "))
	}
	return r.FundingMethod, nil
}

func checkLang(lang string) error {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if len(lang) > maxLang || strings.ContainsFunc(lang, bad) {
		return anchor.Refuse("lang must be a language code, such as en")
	}
	return nil
}

// refundMemo is the memo that a refund has to carry, as it is stored.
func (r Request) refundMemo() (memo string, err error) {
	if (r.RefundMemo == "") != (r.RefundMemoType == "") {
		return "", anchor.Refuse("refund_memo and refund_memo_type must be given together")
	}
	switch r.RefundMemoType {
	case "":
		return "", nil
	case "id":
		id, err := strconv.ParseUint(r.RefundMemo, 10, 64)
		if err != nil || r.RefundMemo[0] == '+' {
			return "", anchor.Refuse("refund_memo of type id must be a number from 0 to 18446744073709551615")
		}
		return strconv.FormatUint(id, 10), nil
	case "text":
		if len(r.RefundMemo) > maxMemoText {
			return "", anchor.Refusef("refund_memo of type text must have at most %d bytes", maxMemoText)
		}
		return base64.StdEncoding.EncodeToString([]byte(r.RefundMemo)), nil
	case "hash":
		return hashMemo(r.RefundMemo)
	}
	return "", anchor.Refuse("refund_memo_type must be id, text or hash")
}

// hashMemo takes both spellings that clients use: base64 as in SEP-31, hex as in Horizon's own tools.
func hashMemo(text string) (string, error) {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == 32 {
		return hex.EncodeToString(raw), nil
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == 32 {
		return hex.EncodeToString(raw), nil
	}
	return "", anchor.Refuse("refund_memo of type hash must be 32 bytes in base64")
}

// checkFields judges transaction fields by what is asked for. Names that nobody asked for are let through: the business
// may know them.
func checkFields(fields map[string]string, asked map[string]anchor.Field) error {
	if len(fields) > maxFields {
		return anchor.Refusef("fields.transaction must have at most %d fields", maxFields)
	}
	for name, value := range fields {
		if len(name) > maxFieldName || len(value) > maxFieldValue {
			return anchor.Refusef("a field of fields.transaction is too long: at most %d bytes of name and %d of value",
				maxFieldName, maxFieldValue)
		}
		if choices := asked[name].Choices; value != "" && len(choices) > 0 && !slices.Contains(choices, value) {
			return anchor.Refusef("fields.transaction.%s must be one of %s", name, strings.Join(choices, ", "))
		}
	}
	if missing := missingFields(fields, asked); len(missing) > 0 {
		return anchor.TransactionInfoNeeded(missing)
	}
	return nil
}

func missingFields(fields map[string]string, asked map[string]anchor.Field) map[string]anchor.Field {
	missing := map[string]anchor.Field{}
	for name, field := range asked {
		if !field.Optional && fields[name] == "" {
			missing[name] = field
		}
	}
	return missing
}
