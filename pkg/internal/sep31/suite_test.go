package sep31_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// These are the checks of Stellar's conformance suite that concern these endpoints, by its numbers.

func keysOf(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

func usdc(t *testing.T, s server) map[string]any {
	t.Helper()
	a := s.ask(t, http.MethodGet, "/info", "", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, []string{"receive"}, keysOf(a.body))
	return a.body["receive"].(map[string]any)["USDC"].(map[string]any)
}

func TestSuite33_info_matches_its_schema_without_a_token(t *testing.T) {
	t.Parallel()
	asset := usdc(t, newServer(t))
	require.Equal(t, map[string]any{
		"enabled": true, "quotes_supported": false, "quotes_required": false,
		"fee_fixed": 0.000001, "fee_percent": 0.1, "min_amount": 0.1, "max_amount": 1000000.0,
		"funding_methods": []any{"SEPA"},
		"sep12": map[string]any{
			"sender": map[string]any{"types": map[string]any{}}, "receiver": map[string]any{"types": map[string]any{}},
		},
		"fields": map[string]any{"transaction": map[string]any{}},
	}, asset)
}

func TestSuite33_info_shows_numbers_with_exactly_their_digits(t *testing.T) {
	t.Parallel()
	a := newServer(t).ask(t, http.MethodGet, "/info", "", "")
	require.Contains(t, a.raw, `"fee_fixed":0.000001,`)
	require.Contains(t, a.raw, `"max_amount":1000000,`)
}

func TestSuite33_info_leaves_out_a_maximum_that_there_is_not(t *testing.T) {
	t.Parallel()
	asset := usdc(t, newServer(t, func(a *store.Asset) { a.MinUnits, a.MaxUnits, a.FundingMethods = 0, 0, "" }))
	require.NotContains(t, asset, "max_amount")
	require.Zero(t, asset["min_amount"])
	require.Equal(t, []any{}, asset["funding_methods"])
}

func TestSuite34_the_asset_is_enabled(t *testing.T) {
	t.Parallel()
	require.Equal(t, true, usdc(t, newServer(t))["enabled"])
}

func TestSuite35_the_transaction_fields_are_those_of_the_business(t *testing.T) {
	t.Parallel()
	s := newServerOn(t, storetest.SQLite(t), business{fields: map[string]anchor.Field{
		"routing_number": {Type: "string", Description: "routing number"},
		"kind":           {Description: "kind", Choices: []string{"a"}, Optional: true},
	}})
	require.Equal(t, map[string]any{"transaction": map[string]any{
		"routing_number": map[string]any{"description": "routing number"},
		"kind":           map[string]any{"description": "kind", "choices": []any{"a"}, "optional": true},
	}}, usdc(t, s)["fields"])
}

func TestSuite36_a_post_without_a_token_is_forbidden_whatever_its_body(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, body := range []string{"", "text", `{"amount":100}`} {
		a := s.ask(t, http.MethodPost, "/transactions", "", body, contentType("text/plain"))
		require.Equal(t, http.StatusForbidden, a.status)
		require.NotEmpty(t, a.body["error"])
	}
}

func TestSuite37_a_transaction_is_created(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.post(t, `{"amount":100,"asset_code":"USDC","funding_method":"SEPA","fields":{"transaction":{}}}`)
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	require.Equal(t, []string{"id", "stellar_account_id", "stellar_memo", "stellar_memo_type"}, keysOf(a.body))
	require.True(t, strkey.IsValidEd25519PublicKey(a.body["stellar_account_id"].(string)))
	require.Equal(t, "id", a.body["stellar_memo_type"])
	require.Regexp(t, `^[1-9][0-9]*$`, a.body["stellar_memo"])
}

func TestSuite38_a_post_without_an_amount_is_refused(t *testing.T) {
	t.Parallel()
	a := newServer(t).post(t, `{"asset_code":"USDC","fields":{"transaction":{}}}`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Equal(t, "amount is missing", a.body["error"])
}

func TestSuite39_a_post_without_an_asset_code_is_refused(t *testing.T) {
	t.Parallel()
	a := newServer(t).post(t, `{"amount":100,"fields":{"transaction":{}}}`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Equal(t, "asset_code is missing", a.body["error"])
}

func TestSuite40_and_41_a_transaction_is_fetched_and_matches_its_schema(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.create(t)
	a := s.ask(t, http.MethodGet, "/transactions/"+id, sending, "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, []string{"transaction"}, keysOf(a.body))
	transaction := a.body["transaction"].(map[string]any)
	require.Equal(t, id, transaction["id"])
	require.Equal(t, "pending_sender", transaction["status"])
	for _, amount := range []string{"amount_in", "amount_out", "amount_fee"} {
		require.IsType(t, "", transaction[amount])
	}
	for _, at := range []string{"started_at", "updated_at"} {
		_, err := time.Parse(time.RFC3339, transaction[at].(string))
		require.NoError(t, err)
	}
	for name, value := range transaction {
		require.NotNil(t, value, name)
	}
}

func TestSuite42_an_id_that_is_none_is_not_found(t *testing.T) {
	t.Parallel()
	a := newServer(t).ask(t, http.MethodGet, "/transactions/not-an-id", sending, "")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Equal(t, "transaction not found", a.body["error"])
}
