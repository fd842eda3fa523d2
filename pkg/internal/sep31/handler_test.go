package sep31_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestPost_refuses_bodies_that_are_not_what_they_should_be(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const rest = `"asset_code":"USDC"}`
	for name, row := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"no body":                   {"", 400, "JSON object"},
		"white space":               {" \n", 400, "JSON object"},
		"no JSON":                   {"amount=100", 400, "JSON object"},
		"half a body":               {`{"amount":100,`, 400, "valid JSON"},
		"two values":                {`{"amount":100} {}`, 400, "valid JSON"},
		"a list":                    {`[{"amount":100}]`, 400, "JSON object"},
		"null":                      {`null`, 400, "JSON object"},
		"a text":                    {`"x"`, 400, "JSON object"},
		"bytes that are not UTF-8":  {"{\"amount\":\"\xff\"}", 400, "UTF-8"},
		"a body without an end":     {`{"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too large"},
		"nesting without an end":    {strings.Repeat(`{"a":`, 10_000), 400, "JSON"},
		"amount true":               {`{"amount":true,` + rest, 400, "amount must be a number"},
		"amount a list":             {`{"amount":[100],` + rest, 400, "amount must be a number"},
		"amount an object":          {`{"amount":{},` + rest, 400, "amount must be a number"},
		"amount empty":              {`{"amount":"",` + rest, 400, "amount is empty"},
		"amount null":               {`{"amount":null,` + rest, 400, "amount is missing"},
		"amount with an exponent":   {`{"amount":1e3,` + rest, 400, "amount"},
		"amount below zero":         {`{"amount":-100,` + rest, 400, "amount"},
		"amount NaN":                {`{"amount":NaN,` + rest, 400, "valid JSON"},
		"amount NaN as a text":      {`{"amount":"NaN",` + rest, 400, "amount"},
		"amount too precise":        {`{"amount":100.00000001,` + rest, 400, "amount"},
		"asset_code a number":       {`{"amount":100,"asset_code":5}`, 400, "asset_code must be a string"},
		"asset_issuer a list":       {`{"amount":100,"asset_issuer":[],` + rest, 400, "asset_issuer must be a string"},
		"sender_id a number":        {`{"amount":100,"sender_id":1,` + rest, 400, "sender_id must be a string"},
		"receiver_id an object":     {`{"amount":100,"receiver_id":{},` + rest, 400, "receiver_id must be a string"},
		"lang a number":             {`{"amount":100,"lang":5,` + rest, 400, "lang must be a string"},
		"quote_id no UUID":          {`{"amount":100,"quote_id":"x",` + rest, 400, "quotes are not supported"},
		"refund_memo a number":      {`{"amount":100,"refund_memo":1,"refund_memo_type":"id",` + rest, 400, "refund_memo must be a string"},
		"a text with U+0000":        {`{"amount":100,"lang":"e\u0000",` + rest, 400, "U+0000"},
		"fields a text":             {`{"amount":100,"fields":"x",` + rest, 400, "fields must be an object"},
		"fields of another kind":    {`{"amount":100,"fields":{"customer":{}},` + rest, 400, "one key only"},
		"transaction a list":        {`{"amount":100,"fields":{"transaction":[]},` + rest, 400, "fields.transaction must be an object"},
		"a field that is a number":  {`{"amount":100,"fields":{"transaction":{"a":1}},` + rest, 400, "must be a string"},
		"a field that is null":      {`{"amount":100,"fields":{"transaction":{"a":null}},` + rest, 400, "must be a string"},
		"a field with U+0000":       {`{"amount":100,"fields":{"transaction":{"a":"\u0000"}},` + rest, 400, "U+0000"},
		"a name with U+0000":        {`{"amount":100,"fields":{"transaction":{"\u0000":"a"}},` + rest, 400, "U+0000"},
		"an unknown sender":         {`{"amount":100,"sender_id":"` + store.NewID() + `",` + rest, 400, "sender_id"},
		"a business that is broken": {`{"amount":100,"lang":"broken",` + rest, 500, "internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.post(t, row.body)
			require.Equal(t, row.status, a.status, a.raw)
			require.Contains(t, a.body["error"], row.says)
		})
	}
}

func TestPost_takes_amounts_as_numbers_and_as_texts_and_keeps_their_digits(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for sent, shown := range map[string]string{
		`100`: "100", `100.5`: "100.5", `"100"`: "100", `"100.0000001"`: "100.0000001", `100.10`: "100.1",
		`123456.7654321`: "123456.7654321", // not to be had as a float of 32 bits, and never tried as one of 64
	} {
		a := s.post(t, `{"amount":`+sent+`,"asset_code":"USDC"}`)
		require.Equal(t, http.StatusCreated, a.status, a.raw)
		got := s.ask(t, http.MethodGet, "/transactions/"+a.body["id"].(string), sending, "")
		require.Equal(t, shown, got.body["transaction"].(map[string]any)["amount_in"])
	}
}

func TestPost_passes_over_what_it_does_not_know_and_takes_null_for_absent(t *testing.T) {
	t.Parallel()
	a := newServer(t).post(t, `{"amount":"100","asset_code":"USDC","asset_issuer":null,"quote_id":null,"fields":null,"sender_id":null,
		"lang":null,"color":{"a":[1,2]}}`)
	require.Equal(t, http.StatusCreated, a.status, a.raw)
}

func TestPost_is_judged_by_who_sends_it_before_anything_else(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, body := range []string{"{", `{"amount":true}`, `{"amount":100,"asset_code":"USDC"}`} {
		a := s.ask(t, http.MethodPost, "/transactions", outsider, body, contentType("text/plain"), header("Idempotency-Key", "\x01"))
		require.Equal(t, http.StatusForbidden, a.status)
		require.Equal(t, "invalid sending account", a.body["error"])
	}
	require.Zero(t, s.count(t))
}

func TestEndpoints_refuse_a_request_whose_token_was_never_looked_at(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for method, path := range map[string]string{
		http.MethodPost: "/transactions", http.MethodGet: "/transactions/x", http.MethodPatch: "/transactions/x", http.MethodPut: "/transactions/x/callback",
	} {
		require.Equal(t, http.StatusForbidden, s.ask(t, method, path, "", "").status)
		a := s.ask(t, method, path, "", "", header("Authorization", "Bearer "))
		require.Equal(t, http.StatusForbidden, a.status)
	}
}

func TestPost_minds_the_content_type(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for given, status := range map[string]int{
		"": 201, "application/json": 201, "application/json; charset=utf-8": 201, "application/vnd.x+json": 201,
		"text/plain": 415, "multipart/form-data": 415, "application/x-www-form-urlencoded": 415, ";;": 415,
	} {
		a := s.post(t, `{"amount":100,"asset_code":"USDC"}`, contentType(given))
		require.Equal(t, status, a.status, given)
	}
}

func TestPost_says_what_information_is_needed(t *testing.T) {
	t.Parallel()
	s := newServerOn(t, storetest.SQLite(t), business{fields: map[string]anchor.Field{"account_number": {Description: "account"}}})
	a := s.post(t, `{"amount":100,"asset_code":"USDC"}`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.JSONEq(t, `{"error":"transaction_info_needed","fields":{"transaction":{"account_number":{"description":"account"}}}}`, a.raw)

	a = newServer(t).post(t, `{"amount":100,"asset_code":"USDC","lang":"kyc"}`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.JSONEq(t, `{"error":"customer_info_needed","type":"sep31-sender"}`, a.raw)
}

func TestPost_repeated_under_its_key_is_answered_alike(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServerOn(t, db, business{})
		key := header("Idempotency-Key", "4711")
		first := s.post(t, `{"amount":100,"asset_code":"USDC"}`, key)
		require.Equal(t, http.StatusCreated, first.status)
		again := s.post(t, `{ "asset_code":"USDC", "amount":"100", "unknown":1 }`, key)
		require.Equal(t, first, again, "the same request, written in another way")
		require.Equal(t, http.StatusConflict, s.post(t, `{"amount":101,"asset_code":"USDC"}`, key).status)
		require.Equal(t, 1, s.count(t))
	})
}

func TestPost_refuses_unsuitable_keys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, keys := range [][]string{{""}, {strings.Repeat("k", 256)}, {"\xff"}, {"a", "a"}} {
		var options []option
		for _, key := range keys {
			options = append(options, header("Idempotency-Key", key))
		}
		require.Equal(t, http.StatusBadRequest, s.post(t, `{"amount":100,"asset_code":"USDC"}`, options...).status, "%q", keys)
	}
	require.Zero(t, s.count(t))
}

func TestGet_finds_only_ones_own(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.create(t)
	require.Equal(t, http.StatusNotFound, s.ask(t, http.MethodGet, "/transactions/"+id, stranger, "").status)
	require.Equal(t, http.StatusForbidden, s.ask(t, http.MethodGet, "/transactions/"+id, outsider, "").status)
	for bad, status := range map[string]int{store.NewID(): 404, "..%2f": 404, strings.Repeat("x", 5000): 404, "%00": 400, "%ff": 400} {
		require.Equal(t, status, s.ask(t, http.MethodGet, "/transactions/"+bad, sending, "").status, bad)
	}
}

func TestInfo_refuses_a_language_that_is_none(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	require.Equal(t, http.StatusOK, s.ask(t, http.MethodGet, "/info?lang=pt-BR", "", "").status)
	require.Equal(t, http.StatusBadRequest, s.ask(t, http.MethodGet, "/info?lang=%00", "", "").status)
}

// askForInfo lets the payout of a funded transaction ask for an account number.
func (s server) askForInfo(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, s.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		row.CreditedUnits = row.ExpectedUnits
		if row, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CauseFunded, Actor: "test"}); err != nil {
			return err
		}
		row.RequiredInfo = `{"transaction":{"account_number":{"description":"account"}}}`
		_, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CauseTransactionInfoNeeded, Actor: "test"})
		return err
	}))
}

func TestPatch_gives_the_fields_that_get_shows_as_required(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.create(t)
	s.askForInfo(t, id)
	shown := s.ask(t, http.MethodGet, "/transactions/"+id, sending, "")
	require.Equal(t, map[string]any{"transaction": map[string]any{"account_number": map[string]any{"description": "account"}}},
		shown.body["transaction"].(map[string]any)["required_info_updates"])

	for body, says := range map[string]string{
		`{}`:            "fields is missing",
		`{"fields":[]}`: "fields must be an object",
		`{"fields":{"transaction":{"iban":"1"}}}`:         "iban is not asked for",
		`{"fields":{"transaction":{"account_number":1}}}`: "must be a string",
		`{"fields":{"transaction":{}}}`:                   "account_number is missing",
		`[]`:                                              "JSON object",
	} {
		a := s.ask(t, http.MethodPatch, "/transactions/"+id, sending, body)
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Contains(t, a.body["error"], says)
	}
	given := `{"fields":{"transaction":{"account_number":"1"}}}`
	require.Equal(t, http.StatusNotFound, s.ask(t, http.MethodPatch, "/transactions/"+id, stranger, given).status)

	patched := s.ask(t, http.MethodPatch, "/transactions/"+id, sending, given)
	require.Equal(t, http.StatusOK, patched.status, patched.raw)
	got := s.ask(t, http.MethodGet, "/transactions/"+id, sending, "")
	require.Equal(t, got.raw, patched.raw)
	require.Equal(t, "pending_receiver", got.body["transaction"].(map[string]any)["status"])
	require.Equal(t, http.StatusBadRequest, s.ask(t, http.MethodPatch, "/transactions/"+id, sending, given).status, "once is enough")
}

func TestPutCallback_answers_without_a_body(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	path := "/transactions/" + s.create(t) + "/callback"
	a := s.ask(t, http.MethodPut, path, sending, `{"url":"https://sender.example/cb"}`)
	require.Equal(t, http.StatusNoContent, a.status)
	require.Empty(t, a.raw)
	for body, says := range map[string]string{`{}`: "url is missing", `{"url":1}`: "url must be a string", `x`: "JSON object"} {
		a := s.ask(t, http.MethodPut, path, sending, body)
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Contains(t, a.body["error"], says)
	}
	require.Equal(t, http.StatusNotFound, s.ask(t, http.MethodPut, path, stranger, `{"url":"https://x.example"}`).status)
	require.Equal(t, http.StatusNotFound, s.ask(t, http.MethodPut, "/transactions/not-an-id/callback", sending, `{"url":"https://x.example"}`).status)
}
