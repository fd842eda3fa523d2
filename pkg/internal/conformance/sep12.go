package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// registered is a customer as its sending anchor knows it.
type registered struct {
	id    string
	token string // of the user of the account that registered it
	kind  string // SEP-12 type
}

// The users of the sending anchor's account: the sender is 1, the receiver 2.
const (
	senderMemo   = "1"
	receiverMemo = "2"
)

func customerTomlChecks() []check {
	return []check{{22, 12, "the TOML file has a valid KYC_SERVER", []int{1}, func(v *visit) (err error) {
		v.kycURL, err = v.toml.server("KYC_SERVER")
		return err
	}}}
}

func putCustomerChecks() []check {
	return []check{
		{23, 12, "PUT /customer needs a token", []int{22}, func(v *visit) error {
			_, err := v.demand(request{
				method: http.MethodPut, url: v.kycURL + "/customer", kind: "text/plain;charset=UTF-8", body: []byte("[object Object]"),
			}, http.StatusUnauthorized, http.StatusForbidden)
			return err
		}},
		{24, 12, "PUT /customer can create a customer", []int{11, 22}, func(v *visit) (err error) {
			v.created, err = v.put(v.token, texts(v.Customers.Created.Fields))
			return err
		}},
		{25, 12, "memos tell customers of one account apart", []int{11, 22}, memosDiffer},
	}
}

// put registers a person and returns the id, by an answer that must be the 202 that the suite knows.
func (v *visit) put(token string, body map[string]any) (string, error) {
	answer, err := v.demandObject(
		withJSON(http.MethodPut, v.kycURL+"/customer", body).as(token), http.StatusAccepted,
		object{must: map[string]rule{"id": enough}, more: true}.is)
	return textOf(answer, "id"), err
}

func memosDiffer(v *visit) error {
	sending, err := v.register(senderMemo, v.Customers.Sending)
	if err != nil {
		return fmt.Errorf("the sender: %w", err)
	}
	receiving, err := v.register(receiverMemo, v.Customers.Receiving)
	if err != nil {
		return fmt.Errorf("the receiver: %w", err)
	}
	if sending.id == receiving.id {
		return expected("two ids", "one: "+sending.id)
	}
	v.sending, v.receiving = sending, receiving
	return nil
}

// register logs a user of the sending anchor's account in and registers the user.
func (v *visit) register(memo string, p Person) (registered, error) {
	token, err := v.login(v.client, memo)
	if err != nil {
		return registered{}, err
	}
	id, err := v.put(token, with(texts(p.Fields), map[string]any{"memo": memo, "memo_type": "id"}))
	return registered{id, token, p.Type}, err
}

func getCustomerChecks() []check {
	return []check{
		{26, 12, "GET /customer needs a token", []int{22}, func(v *visit) error {
			_, err := v.demand(get(v.kycURL+"/customer", nil), http.StatusUnauthorized, http.StatusForbidden)
			return err
		}},
		{27, 12, "GET /customer knows nothing of a new customer", []int{3, 11, 22}, newCustomerIsUnknown},
		{28, 12, "GET /customer finds a customer by id", []int{24}, func(v *visit) error {
			return v.knows(url.Values{"id": {v.created}})
		}},
		{29, 12, "GET /customer finds a customer by the token alone", []int{24}, func(v *visit) error {
			return v.knows(url.Values{})
		}},
	}
}

// customer asks about a customer; the answer must have the shape that SEP-12 gives it.
func (v *visit) customer(token, kind string, query url.Values) (map[string]any, error) {
	if kind != "" {
		query.Set("type", kind)
	}
	return v.demandObject(get(v.kycURL+"/customer", query).as(token), http.StatusOK, customerShape())
}

// knows wants the customer of check 24 to be known and to need nothing.
func (v *visit) knows(query url.Values) error {
	answer, err := v.customer(v.token, v.Customers.Created.Type, query)
	if err != nil {
		return err
	}
	if textOf(answer, "status") == "NEEDS_INFO" {
		return expected("a status other than NEEDS_INFO", show(answer))
	}
	return nil
}

func newCustomerIsUnknown(v *visit) error {
	account, err := keypair.Random()
	if err != nil {
		return err
	}
	token, err := v.login(account, "")
	if err != nil {
		return err
	}
	answer, err := v.customer(token, v.Customers.Created.Type, url.Values{})
	if err != nil {
		return err
	}
	if id, ok := answer["id"]; ok {
		return expected("no id", show(id))
	}
	if status := textOf(answer, "status"); status != "NEEDS_INFO" {
		return expected("status NEEDS_INFO", status)
	}
	return nil
}

func customerShape() rule {
	known := standardFields()
	name := func(key string) bool { return slices.Contains(known, key) }
	field := object{
		must: map[string]rule{"type": oneOf("string", "number", "date", "binary"), "description": text},
		may:  map[string]rule{"choices": list(anything), "optional": boolean},
		more: true,
	}
	provided := object{must: field.must, more: true, may: map[string]rule{
		"choices": list(anything), "optional": boolean, "error": text,
		"status": oneOf("ACCEPTED", "PROCESSING", "REJECTED", "VERIFICATION_REQUIRED"),
	}}
	return object{
		must: map[string]rule{"status": oneOf("ACCEPTED", "PROCESSING", "NEEDS_INFO", "REJECTED")},
		may:  map[string]rule{"id": text, "fields": eachKey(name, field.is), "provided_fields": eachKey(name, provided.is)},
		more: true,
	}.is
}

// standardFields are the SEP-9 names that the suite knows; it has none of organizations and cards, and an own spelling of the
// proof of income.
func standardFields() []string {
	return []string{
		"family_name", "last_name", "given_name", "first_name", "additional_name", "address_country_code", "state_or_province", "city",
		"postal_code", "address", "mobile_number", "email_address", "birth_date", "birth_place", "birth_country_code", "tax_id",
		"tax_id_name", "occupation", "employer_name", "employer_address", "language_code", "id_type", "id_country_code", "id_issue_date",
		"id_expiration_date", "id_number", "photo_id_front", "photo_id_back", "notary_approval_of_photo_id", "ip_address",
		"photo_proof_residence", "sex", "photo_proof_of_income", "proof_of_liveness", "referral_id", "bank_name", "bank_account_type",
		"bank_account_number", "bank_number", "bank_phone_number", "bank_branch_number", "external_transfer_memo", "clabe_number",
		"cbu_number", "cbu_alias", "mobile_money_number", "mobile_money_provider", "crypto_address", "crypto_memo", "type",
	}
}

func deleteCustomerChecks() []check {
	return []check{
		{30, 12, "DELETE /customer needs a token", []int{22}, func(v *visit) error {
			_, err := v.demand(request{method: http.MethodDelete, url: v.kycURL + "/customer/" + v.client.Address()},
				http.StatusUnauthorized, http.StatusForbidden)
			return err
		}},
		{31, 12, "DELETE /customer deletes a customer", []int{11, 22}, customerIsDeleted},
	}
}

func customerIsDeleted(v *visit) error {
	account, err := keypair.Random()
	if err != nil {
		return err
	}
	token, err := v.login(account, "")
	if err != nil {
		return err
	}
	address := account.Address()
	if _, err := v.put(token, with(texts(v.Customers.Deleted.Fields), map[string]any{"account": address})); err != nil {
		return err
	}
	if _, err := v.demand(get(v.kycURL+"/customer", url.Values{"account": {address}}).as(token), http.StatusOK); err != nil {
		return err
	}
	_, err = v.demand(request{method: http.MethodDelete, url: v.kycURL + "/customer/" + address, token: token}, http.StatusOK)
	return err
}
