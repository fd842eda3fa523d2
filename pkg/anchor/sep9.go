package anchor

import "strings"

// FieldType is the type of a field that a customer or transaction is described by, as SEP-12 and SEP-31 announce it.
type FieldType string

// The field types of SEP-12.
const (
	FieldString FieldType = "string"
	FieldBinary FieldType = "binary" // a photo or document, only ever sent as multipart
	FieldNumber FieldType = "number"
	FieldDate   FieldType = "date" // YYYY-MM-DD
)

// SEP9Type gives the type, as SEP-9 itself states it, of a name that SEP-9 defines: natural person, financial account (also with the prefix
// "organization."), organization and card fields. Names are flat and case-sensitive; both spellings of an alias are
// names. It is false for every other name.
func SEP9Type(name string) (FieldType, bool) {
	if rest, ok := strings.CutPrefix(name, "organization."); ok {
		if fieldType, ok := sep9Organization(rest); ok {
			return fieldType, true
		}
		return sep9FinancialAccount(rest)
	}
	if rest, ok := strings.CutPrefix(name, "card."); ok {
		return sep9Card(rest)
	}
	if fieldType, ok := sep9NaturalPerson(name); ok {
		return fieldType, true
	}
	return sep9FinancialAccount(name)
}

// SEP9Canonical gives the one spelling under which a field is kept: SEP-9 lets senders write family_name for last_name
// and given_name for first_name. Every other name is returned unchanged.
func SEP9Canonical(name string) string {
	switch name {
	case "family_name":
		return "last_name"
	case "given_name":
		return "first_name"
	default:
		return name
	}
}

// SEP9Aliases gives all spellings of a field, the canonical one first.
func SEP9Aliases(name string) []string {
	switch canonical := SEP9Canonical(name); canonical {
	case "last_name":
		return []string{canonical, "family_name"}
	case "first_name":
		return []string{canonical, "given_name"}
	default:
		return []string{canonical}
	}
}

func sep9NaturalPerson(name string) (FieldType, bool) {
	switch name {
	case "family_name", "last_name", "given_name", "first_name", "additional_name",
		"address_country_code", "state_or_province", "city", "postal_code", "address",
		"mobile_number", "mobile_number_format", "email_address",
		"birth_place", "birth_country_code", "tax_id", "tax_id_name",
		"employer_name", "employer_address", "language_code",
		"id_type", "id_country_code", "id_number", "ip_address", "sex", "referral_id":
		return FieldString, true
	case "birth_date", "id_issue_date", "id_expiration_date":
		return FieldDate, true
	case "occupation":
		return FieldNumber, true
	case "photo_id_front", "photo_id_back", "notary_approval_of_photo_id", "photo_proof_residence",
		"proof_of_income", "proof_of_liveness":
		return FieldBinary, true
	default:
		return "", false
	}
}

func sep9FinancialAccount(name string) (FieldType, bool) {
	switch name {
	case "bank_name", "bank_account_type", "bank_account_number", "bank_number", "bank_phone_number",
		"bank_branch_number", "external_transfer_memo", "clabe_number", "cbu_number", "cbu_alias",
		"mobile_money_number", "mobile_money_provider", "crypto_address", "crypto_memo":
		return FieldString, true
	default:
		return "", false
	}
}

func sep9Organization(name string) (FieldType, bool) {
	switch name {
	case "name", "VAT_number", "registration_number", "registration_date", "registered_address", "shareholder_name",
		"address_country_code", "state_or_province", "city", "postal_code", "director_name",
		"website", "email", "phone":
		return FieldString, true
	case "number_of_shareholders":
		return FieldNumber, true
	case "photo_incorporation_doc", "photo_proof_address":
		return FieldBinary, true
	default:
		return "", false
	}
}

func sep9Card(name string) (FieldType, bool) {
	switch name {
	case "number", "expiration_date", "cvc", "holder_name", "network", "postal_code", "country_code",
		"state_or_province", "city", "address", "token":
		return FieldString, true
	default:
		return "", false
	}
}
