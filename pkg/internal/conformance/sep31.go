package conformance

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// What the suite sends with every transaction.
const (
	sentAmount    = 100
	fundingMethod = "SEPA"
)

// asset31 is an asset of GET /info.
type asset31 struct {
	enabled, quotesSupported, quotesRequired bool
	fields                                   map[string]any // name -> field; nil: not given
}

func receiveInfoChecks() []check {
	return []check{
		{32, 31, "the TOML file has a valid DIRECT_PAYMENT_SERVER", []int{1}, func(v *visit) (err error) {
			v.paymentsURL, err = v.toml.server("DIRECT_PAYMENT_SERVER")
			return err
		}},
		{33, 31, "GET /info has its shape, without a token", []int{32}, infoHasShape},
		{34, 31, "GET /info has the asset, enabled", []int{33}, infoHasAsset},
		{35, 31, "GET /info asks for the transaction fields that are given", []int{33, 34}, infoHasFields},
	}
}

func infoShape() rule {
	types := object{more: true, may: map[string]rule{
		"types": eachKey(anyName, object{must: map[string]rule{"description": text}, more: true}.is),
	}}.is
	field := object{
		must: map[string]rule{"description": text}, may: map[string]rule{"optional": boolean, "choices": list(anything)}, more: true,
	}.is
	asset := object{more: true, may: map[string]rule{
		"enabled": boolean, "fee_fixed": number, "fee_percent": number, "min_amount": number, "max_amount": number,
		"funding_methods": list(text), "quotes_supported": boolean, "quotes_required": boolean,
		"sep12":  object{must: map[string]rule{"sender": types, "receiver": types}}.is,
		"fields": object{must: map[string]rule{"transaction": eachKey(anyName, field)}}.is,
	}}.is
	return object{must: map[string]rule{"receive": eachKey(anyName, asset)}, more: true}.is
}

func infoHasShape(v *visit) error {
	answer, err := v.demandObject(get(v.paymentsURL+"/info", nil), http.StatusOK, infoShape())
	if err != nil {
		return err
	}
	receive, _ := answer["receive"].(map[string]any)
	v.info = map[string]asset31{}
	for code, value := range receive {
		terms, _ := value.(map[string]any)
		v.info[code] = asset31Of(terms)
	}
	return nil
}

func asset31Of(terms map[string]any) (a asset31) {
	a.enabled, _ = terms["enabled"].(bool)
	a.quotesSupported, _ = terms["quotes_supported"].(bool)
	a.quotesRequired, _ = terms["quotes_required"].(bool)
	fields, _ := terms["fields"].(map[string]any)
	a.fields, _ = fields["transaction"].(map[string]any)
	return a
}

func infoHasAsset(v *visit) error {
	v.asset = v.AssetCode
	codes := slices.Sorted(maps.Keys(v.info))
	if v.asset == "" {
		i := slices.IndexFunc(codes, func(code string) bool { return v.info[code].enabled })
		if i < 0 {
			return expected(`an asset with "enabled": true`, codes)
		}
		v.asset = codes[i]
	}
	if !v.info[v.asset].enabled {
		return expected(v.asset+` with "enabled": true`, codes)
	}
	return nil
}

func infoHasFields(v *visit) error {
	fields := v.info[v.asset].fields
	if fields == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, _ := fields[name].(map[string]any)
		optional, _ := field["optional"].(bool)
		if _, ok := v.TransactionFields[name]; !ok && !optional {
			return expected("no required fields but those that are given", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.TransactionFields)) {
		if _, ok := fields[name]; !ok {
			return expected("the field "+name, slices.Sorted(maps.Keys(fields)))
		}
	}
	return nil
}

func postTransactionChecks() []check {
	return []check{
		{36, 31, "POST /transactions without a token is forbidden", []int{32}, func(v *visit) error {
			_, err := v.demand(request{
				method: http.MethodPost, url: v.paymentsURL + "/transactions", kind: "text/plain;charset=UTF-8", body: []byte("{}"),
			}, http.StatusForbidden)
			return err
		}},
		{37, 31, "POST /transactions can create a transaction", []int{22, 25, 32, 34}, createsTransaction},
		{38, 31, "POST /transactions without an amount is refused", []int{37}, func(v *visit) error {
			return v.refusesTransactionWith(map[string]any{"asset_code": v.asset})
		}},
		{39, 31, "POST /transactions without an asset_code is refused", []int{37}, func(v *visit) error {
			return v.refusesTransactionWith(map[string]any{"amount": sentAmount})
		}},
	}
}

func (v *visit) refusesTransactionWith(body map[string]any) error {
	_, err := v.demandJSON(v.posted(body), http.StatusBadRequest, anything)
	return err
}

// posted is a POST /transactions by the sender's user.
func (v *visit) posted(body map[string]any) request {
	body = with(body, map[string]any{"fields": map[string]any{"transaction": texts(v.TransactionFields)}})
	return withJSON(http.MethodPost, v.paymentsURL+"/transactions", body).as(v.sending.token)
}

// agreement is what both people, the amount and the funding method say.
func (v *visit) agreement(asset string) map[string]any {
	return map[string]any{
		"sender_id": v.sending.id, "receiver_id": v.receiving.id, "amount": sentAmount, "asset_code": asset, "funding_method": fundingMethod,
	}
}

func createsTransaction(v *visit) error {
	for _, person := range []registered{v.receiving, v.sending} {
		if err := v.awaitAccepted(person); err != nil {
			return err
		}
	}
	if v.info[v.asset].quotesRequired {
		return v.refusesTransactionWith(v.agreement(v.asset))
	}
	id, err := v.create(v.agreement(v.asset))
	v.transaction.id = id
	return err
}

// acceptWithin is how long the suite waits for a customer to be accepted.
const acceptWithin = 30 * time.Second

func (v *visit) awaitAccepted(person registered) error {
	tooLong := time.NewTimer(acceptWithin)
	defer tooLong.Stop()
	for {
		answer, err := v.customer(person.token, person.kind, url.Values{"id": {person.id}})
		if err != nil {
			return err
		}
		if textOf(answer, "status") == "ACCEPTED" {
			return nil
		}
		select {
		case <-v.ctx.Done():
			return v.ctx.Err()
		case <-tooLong.C:
			return expected(fmt.Sprintf("customer %s to be ACCEPTED within %v", person.id, acceptWithin), show(answer))
		case <-time.After(v.PollEvery):
		}
	}
}

// create posts a transaction that must be agreed.
func (v *visit) create(body map[string]any) (id string, err error) {
	answer, err := v.demandObject(v.posted(body), http.StatusCreated, object{
		must: map[string]rule{"id": enough},
		may:  map[string]rule{"stellar_account_id": text, "stellar_memo_type": oneOf("hash", "id", "text"), "stellar_memo": text},
	}.is)
	if err != nil {
		return "", err
	}
	account, given := answer["stellar_account_id"].(string)
	if given && !strkey.IsValidEd25519PublicKey(account) {
		return "", expected("stellar_account_id to be a public key G…", account)
	}
	return textOf(answer, "id"), goodMemo(textOf(answer, "stellar_memo_type"), textOf(answer, "stellar_memo"))
}

// longestText is how many bytes a text memo can have.
const longestText = 28

func goodMemo(kind, memo string) error {
	valid := true
	switch kind {
	case "id":
		_, err := strconv.ParseUint(memo, 10, 64)
		valid = err == nil
	case "hash":
		raw, err := base64.StdEncoding.DecodeString(memo)
		valid = err == nil && len(raw) == 32
	case "text":
		valid = len(memo) <= longestText
	}
	if !valid {
		return expected("stellar_memo to be valid for "+kind, memo)
	}
	return nil
}
