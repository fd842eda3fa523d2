package sep12_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// waiting registers somebody whose phone number waits for the code 123456.
func (s server) waiting(token string) (id string) {
	s.Helper()
	a := s.putJSON(token, `{"first_name":"Ada","last_name":"Lovelace","mobile_number":"+491234567"}`)
	require.Equal(s, http.StatusAccepted, a.status, a.raw)
	id = a.body["id"].(string)
	require.NoError(s, s.keep.SetStatus(s.Context(), id, anchor.Verdict{
		Type: "sep31-sender", Status: anchor.CustomerNeedsInfo,
		Fields: map[string]anchor.FieldVerdict{"mobile_number": {Status: anchor.FieldVerificationRequired, Code: "123456"}},
	}, "business"))
	return id
}

func (s server) put(path, token, body string) answer {
	s.Helper()
	return s.ask(http.MethodPut, path, token, "application/json", []byte(body))
}

func TestACode_confirms_a_field_in_both_ways(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		for _, path := range []string{"/customer", "/customer/verification"} {
			token := account() + ":1"
			id := s.waiting(token)
			provided := s.get(token, "").body["provided_fields"].(map[string]any)["mobile_number"].(map[string]any)
			require.Equal(t, "VERIFICATION_REQUIRED", provided["status"])
			require.Equal(t, "NEEDS_INFO", s.get(token, "").body["status"])

			a := s.put(path, token, `{"id":"`+id+`","mobile_number_verification":"CANARY"}`)
			require.Equal(t, http.StatusBadRequest, a.status, a.raw)
			require.Contains(t, a.body["error"], "tries left: 4")
			require.NotContains(t, a.raw, "CANARY")
			require.NotContains(t, a.raw, "123456")

			a = s.put(path, token, `{"id":"`+id+`","mobile_number_verification":123456}`)
			after := s.get(token, "")
			require.Equal(t, "ACCEPTED", after.body["status"])
			if path == "/customer" {
				require.Equal(t, http.StatusAccepted, a.status)
				require.Equal(t, map[string]any{"id": id}, a.body)
				continue
			}
			require.Equal(t, http.StatusOK, a.status)
			require.Equal(t, after.body, a.body)
		}
	})
}

func TestVerificationsThatMakeNoSense_are_refused(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		owner := account()
		id := s.waiting(owner)
		for name, c := range map[string]struct {
			token, body string
			status      int
		}{
			"no id":                   {owner, `{"mobile_number_verification":"123456"}`, 400},
			"no code":                 {owner, `{"id":"` + id + `"}`, 400},
			"an empty code":           {owner, `{"id":"` + id + `","mobile_number_verification":""}`, 400},
			"a value":                 {owner, `{"id":"` + id + `","mobile_number":"CANARY"}`, 400},
			"a field that is unknown": {owner, `{"id":"` + id + `","email_address_verification":"CANARY"}`, 400},
			"a name that is none":     {owner, `{"id":"` + id + `","_verification":"CANARY"}`, 400},
			"a code that is too long": {owner, `{"id":"` + id + `","mobile_number_verification":"` + strings.Repeat("1", 500) + `"}`, 400},
			"an unknown id":           {owner, `{"id":"` + store.NewID() + `","mobile_number_verification":"123456"}`, 404},
			"somebody else's id":      {account(), `{"id":"` + id + `","mobile_number_verification":"123456"}`, 404},
			"another user's id":       {owner + ":2", `{"id":"` + id + `","mobile_number_verification":"123456"}`, 404},
			"no object":               {owner, `[]`, 400},
			"an account of another":   {owner, `{"id":"` + id + `","account":"` + account() + `","mobile_number_verification":"1"}`, 403},
		} {
			a := s.put("/customer/verification", c.token, c.body)
			require.Equal(t, c.status, a.status, "%s: %s", name, a.raw)
			require.NotContains(t, a.raw, "CANARY", name)
		}
		require.Equal(t, "NEEDS_INFO", s.get(owner, "").body["status"])
	})
}

func TestACallbackAddress_is_taken_in_every_encoding(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		owner := account()
		id := s.putJSON(owner+":1", ada).body["id"].(string)
		for name, c := range map[string]struct{ token, contentType, body string }{
			"JSON with the id":      {owner, "application/json", `{"id":"` + id + `","url":"https://sender.test/?a=b"}`},
			"form with the memo":    {owner, "application/x-www-form-urlencoded", "account=" + owner + "&memo=1&memo_type=id&url=https%3A%2F%2Fsender.test%2F"},
			"the token's user":      {owner + ":1", "application/json", `{"url":"https://sender.test/"}`},
			"JSON without its type": {owner, "", `{"id":"` + id + `","url":"https://sender.test/"}`},
		} {
			a := s.ask(http.MethodPut, "/customer/callback", c.token, c.contentType, []byte(c.body))
			require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.raw)
			require.Empty(t, a.body, name)
		}
		require.NoError(t, s.keep.SetStatus(t.Context(), id, anchor.Verdict{Type: "sep31-sender", Status: anchor.CustomerProcessing}, "business"))
		rows, err := s.db.CallbacksOf(t.Context(), store.SubjectCustomer, id)
		require.NoError(t, err)
		require.Len(t, rows, 1)
	})
}

func TestCallbackAddressesThatCannotBeTaken_are_refused(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	owner := account()
	id := s.putJSON(owner, ada).body["id"].(string)
	for name, c := range map[string]struct {
		token, body string
		status      int
	}{
		"no address":           {owner, `{"id":"` + id + `"}`, 400},
		"an address of no use": {owner, `{"id":"` + id + `","url":"http://127.0.0.1/CANARY"}`, 400},
		"a number":             {owner, `{"id":"` + id + `","url":5}`, 400},
		"too long":             {owner, `{"id":"` + id + `","url":"https://x.test/` + strings.Repeat("a", 3000) + `"}`, 400},
		"an unknown id":        {owner, `{"id":"unknown","url":"https://x.test/"}`, 404},
		"nobody":               {account(), `{"url":"https://x.test/"}`, 404},
		"somebody else's id":   {account(), `{"id":"` + id + `","url":"https://x.test/"}`, 404},
		"another account":      {owner, `{"account":"` + account() + `","url":"https://x.test/"}`, 403},
		"a wrong memo":         {owner + ":2", `{"memo":"3","url":"https://x.test/"}`, 403},
		"a nested address":     {owner, `{"url":{"CANARY":1}}`, 400},
	} {
		a := s.put("/customer/callback", c.token, c.body)
		require.Equal(t, c.status, a.status, "%s: %s", name, a.raw)
		require.NotEmpty(t, a.body["error"], name)
		require.NotContains(t, a.raw, "CANARY", name)
	}
}

func TestAContractAccount_is_refused_cleanly(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	const contract = "CA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUWDA"
	token := account()
	for _, a := range []answer{
		s.get(token, "?account="+contract), s.putJSON(token, `{"account":"`+contract+`","first_name":"Ada"}`),
		s.ask(http.MethodDelete, "/customer/"+contract, token, "", nil),
	} {
		require.Equal(t, http.StatusBadRequest, a.status, a.raw)
		require.Contains(t, a.body["error"], "contract accounts")
	}
}
