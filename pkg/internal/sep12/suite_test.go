package sep12_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// The checks of Stellar's conformance suite for SEP-12, by their numbers.

const ada = `{"first_name":"Ada","last_name":"Lovelace"}`

func TestSuite_23_26_30_every_endpoint_needs_a_token_before_anything_is_parsed(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		for _, request := range [][2]string{
			{http.MethodPut, "/customer"}, {http.MethodGet, "/customer"}, {http.MethodDelete, "/customer"}, {http.MethodDelete, "/customer/" + account()},
		} {
			a := s.ask(request[0], request[1], "", "text/plain", []byte("[object Object]"))
			require.Equal(t, http.StatusUnauthorized, a.status, "%v", request)
			require.NotEmpty(t, a.body["error"])
		}
	})
}

func TestSuite_24_can_create_a_customer(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		a := s.putJSON(account(), ada)
		require.Equal(t, http.StatusAccepted, a.status, a.raw)
		require.Len(t, a.body, 1)
		require.IsType(t, "", a.body["id"])
		require.NotEmpty(t, a.body["id"])
	})
}

func TestSuite_25_memos_differentiate_customers_of_one_account(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		owner := account()
		one := s.putJSON(owner+":1", `{"memo":"1","memo_type":"id","first_name":"Ada"}`)
		two := s.putJSON(owner+":2", `{"memo":2,"memo_type":"id","first_name":"Ada"}`)
		require.Equal(t, http.StatusAccepted, one.status, one.raw)
		require.Equal(t, http.StatusAccepted, two.status, two.raw)
		require.NotEqual(t, one.body["id"], two.body["id"])
	})
}

// requireSchema checks an answer as the suite does.
func requireSchema(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Contains(t, []any{"ACCEPTED", "PROCESSING", "NEEDS_INFO", "REJECTED"}, a.body["status"])
	for _, list := range []string{"fields", "provided_fields"} {
		fields, _ := a.body[list].(map[string]any)
		for name, raw := range fields {
			field := raw.(map[string]any)
			_, standard := anchor.SEP9Type(name)
			require.True(t, standard, name)
			require.Contains(t, []any{"string", "number", "date", "binary"}, field["type"], name)
			require.NotEmpty(t, field["description"], name)
			for key := range field {
				require.Contains(t, []string{"type", "description", "choices", "optional", "status", "error"}, key)
			}
		}
	}
	for key, value := range a.body {
		require.Contains(t, []string{"id", "status", "fields", "provided_fields", "message"}, key)
		require.NotNil(t, value)
	}
}

func TestSuite_27_a_new_customer_needs_information_and_has_no_id(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		for _, query := range []string{"", "?type=sep31-receiver&lang=de", "?account=&memo=&memo_type=&id=", "?memo=9&memo_type=text"} {
			a := s.get(account(), query)
			requireSchema(t, a)
			require.Equal(t, "NEEDS_INFO", a.body["status"])
			require.NotContains(t, a.body, "id")
			require.NotEmpty(t, a.body["fields"])
		}
	})
}

func TestSuite_28_29_a_customer_is_found_by_id_and_by_the_token_alone(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		token := account() + ":1"
		id := s.putJSON(token, ada).body["id"].(string)
		for _, query := range []string{"", "?id=" + id, "?id=" + id + "&type=sep31-sender", "?memo=1&memo_type=id"} {
			a := s.get(token, query)
			requireSchema(t, a)
			require.Equal(t, id, a.body["id"], query)
			require.Equal(t, "ACCEPTED", a.body["status"], query)
			for name, field := range a.body["fields"].(map[string]any) {
				require.Equal(t, true, field.(map[string]any)["optional"], name)
			}
			require.NotContains(t, a.raw, "Lovelace", "values are not given back")
		}
	})
}

func TestSuite_31_a_customer_is_deleted(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		owner := account()
		require.Equal(t, http.StatusAccepted, s.putJSON(owner, `{"account":"`+owner+`","first_name":"Ada"}`).status)
		require.NotEmpty(t, s.get(owner, "?account="+owner).body["id"])
		a := s.ask(http.MethodDelete, "/customer/"+owner, owner, "", nil)
		require.Equal(t, http.StatusOK, a.status, a.raw)
		require.NotContains(t, s.get(owner, "?account="+owner).body, "id")
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, "/customer/"+owner, owner, "", nil).status)
	})
}
