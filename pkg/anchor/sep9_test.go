package anchor_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	sep9Person = `family_name last_name given_name first_name additional_name address_country_code state_or_province city
		postal_code address mobile_number mobile_number_format email_address birth_date:date birth_place birth_country_code
		tax_id tax_id_name occupation:number employer_name employer_address language_code id_type id_country_code
		id_issue_date:date id_expiration_date:date id_number photo_id_front:binary photo_id_back:binary
		notary_approval_of_photo_id:binary ip_address photo_proof_residence:binary sex proof_of_income:binary
		proof_of_liveness:binary referral_id`
	sep9Account = `bank_name bank_account_type bank_account_number bank_number bank_phone_number bank_branch_number
		external_transfer_memo clabe_number cbu_number cbu_alias mobile_money_number mobile_money_provider crypto_address
		crypto_memo`
	sep9Organization = `name VAT_number registration_number registration_date registered_address
		number_of_shareholders:number shareholder_name photo_incorporation_doc:binary photo_proof_address:binary
		address_country_code state_or_province city postal_code director_name website email phone`
	sep9Card = `number expiration_date cvc holder_name network postal_code country_code state_or_province city address token`
)

func TestSEP9Type_knows_every_name_with_its_type(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		prefix, names string
		count         int
	}{
		{"", sep9Person, 36},
		{"", sep9Account, 14},
		{"organization.", sep9Account, 14},
		{"organization.", sep9Organization, 17},
		{"card.", sep9Card, 11},
	} {
		names := strings.Fields(group.names)
		require.Len(t, names, group.count)
		for _, name := range names {
			name, want, typed := strings.Cut(name, ":")
			if !typed {
				want = "string"
			}
			got, known := anchor.SEP9Type(group.prefix + name)
			require.True(t, known, group.prefix+name)
			require.Equal(t, anchor.FieldType(want), got, group.prefix+name)
		}
	}
}

func TestSEP9Type_knows_no_other_name(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "routing_number", "account_number", "First_name", "first_name ", "organization.first_name", "card.first_name",
		"organization", "organization.", "card.", "organization.card.number", "VAT_number", "card.bank_name", "cvc",
		"organization.organization.name",
	} {
		fieldType, known := anchor.SEP9Type(name)
		require.False(t, known, name)
		require.Empty(t, fieldType)
	}
}

func TestSEP9Canonical_joins_the_two_spellings_of_a_name_and_leaves_others_alone(t *testing.T) {
	t.Parallel()
	require.Equal(t, "last_name", anchor.SEP9Canonical("family_name"))
	require.Equal(t, "last_name", anchor.SEP9Canonical("last_name"))
	require.Equal(t, "first_name", anchor.SEP9Canonical("given_name"))
	require.Equal(t, "first_name", anchor.SEP9Canonical("first_name"))
	require.Equal(t, "birth_date", anchor.SEP9Canonical("birth_date"))
	require.Equal(t, "unheard_of", anchor.SEP9Canonical("unheard_of"))

	require.Equal(t, []string{"last_name", "family_name"}, anchor.SEP9Aliases("family_name"))
	require.Equal(t, []string{"first_name", "given_name"}, anchor.SEP9Aliases("first_name"))
	require.Equal(t, []string{"tax_id"}, anchor.SEP9Aliases("tax_id"))
}
