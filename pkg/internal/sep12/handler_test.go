package sep12_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestAPut_says_the_same_in_every_encoding(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	want := map[string]string{"first_name": "Ada + Byron", "last_name": "Lovelace & Söhne", "occupation": "2120", "x.vip": "true"}
	for name, put := range map[string]func(token string) answer{
		"JSON": func(token string) answer {
			return s.putJSON(token, ` {"given_name":"Ada + Byron","last_name":"Lovelace & S\u00f6hne","occupation":2120,"x.vip":true,"birth_date":null,"memo":7} `)
		},
		"JSON without a content type": func(token string) answer {
			return s.ask(http.MethodPut, "/customer", token, "",
				[]byte(`{"first_name":"Ada + Byron","last_name":"Lovelace & Söhne","occupation":2120,"x.vip":true,"memo":"7"}`))
		},
		"form": func(token string) answer {
			return s.ask(http.MethodPut, "/customer/", token, "application/x-www-form-urlencoded; charset=UTF-8",
				[]byte("first_name=Ada+%2B+Byron&last_name=Lovelace+%26+S%C3%B6hne&occupation=2120&x.vip=true&memo=7&memo_type=id&client_domain="))
		},
		"multipart": func(token string) answer {
			return s.putForm(token, newForm().text(t, "first_name", "Ada + Byron").text(t, "last_name", "Lovelace & Söhne").
				text(t, "occupation", "2120").text(t, "x.vip", "true").text(t, "memo", "7").text(t, "birth_date", ""))
		},
	} {
		owner := account()
		a := put(owner)
		require.Equal(t, http.StatusAccepted, a.status, "%s: %s", name, a.raw)
		id := a.body["id"].(string)
		require.Equal(t, want, s.values(owner, id), name)
		require.Equal(t, id, s.get(owner, "?memo=7").body["id"], "%s: the memo is no value", name)
	}
}

func TestANumber_in_JSON_keeps_its_digits(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	owner := account()
	a := s.putJSON(owner, `{"memo":18446744073709551615,"tax_id":12345678901234567890123.10,"first_name":"Ada"}`)
	require.Equal(t, http.StatusAccepted, a.status, a.raw)
	require.Equal(t, "12345678901234567890123.10", s.values(owner, a.body["id"].(string))["tax_id"])
	require.Equal(t, a.body["id"], s.get(owner, "?memo=18446744073709551615").body["id"])
}

func TestAPhoto_is_taken_as_multipart_only(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	owner := account()
	photo := image(6000)
	a := s.putForm(owner, newForm().text(t, "type", "sep31-receiver").text(t, "first_name", "Ada").file(t, "photo_id_front", photo))
	require.Equal(t, http.StatusAccepted, a.status, a.raw)
	provided := s.get(owner, "?type=sep31-receiver").body["provided_fields"].(map[string]any)
	require.Equal(t, "binary", provided["photo_id_front"].(map[string]any)["type"])

	a = s.putJSON(owner, `{"photo_id_front":"iVBORw0KGgo="}`)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.body["error"], "multipart/form-data")
	a = s.putForm(owner, newForm().file(t, "last_name", []byte("Lovelace")))
	require.Equal(t, http.StatusBadRequest, a.status)
	a = s.putForm(owner, newForm().file(t, "photo_id_front", image(4<<20+1)))
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	a = s.putForm(owner, newForm().file(t, "photo_id_front", image(10<<20)))
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status)
}

func TestBodies_that_cannot_be_understood_are_refused_with_a_text_and_stored_nowhere(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		const json, urlencoded = "application/json", "application/x-www-form-urlencoded"
		for name, c := range map[string]struct {
			contentType, body string
			status            int
		}{
			"text":                          {"text/plain", "[object Object]", 415},
			"text that calls itself JSON":   {json, "[object Object]", 400},
			"a list":                        {json, `["first_name","Ada"]`, 400},
			"a text":                        {json, `"first_name"`, 400},
			"null":                          {json, `null`, 400},
			"a broken object":               {json, `{"first_name":"Ada"`, 400},
			"a missing comma":               {json, `{"first_name":"Ada" "last_name":"L"}`, 400},
			"two objects":                   {json, ada + ada, 400},
			"an object and a bracket":       {json, ada + "}", 400},
			"a nested object":               {json, `{"first_name":{"CANARY":"Ada"}}`, 400},
			"a nested list":                 {json, `{"first_name":["CANARY"]}`, 400},
			"a key without a name":          {json, `{"":"CANARY"}`, 400},
			"a key twice":                   {json, `{"first_name":"CANARY","first_name":"Ada"}`, 400},
			"a zero byte":                   {json, `{"first_name":"CANARY\u0000"}`, 400},
			"a zero byte in a key":          {json, `{"first\u0000name":"CANARY"}`, 400},
			"no UTF-8":                      {json, "{\"first_name\":\"CANARY\xff\"}", 400},
			"a wrong date":                  {json, `{"birth_date":"CANARY"}`, 400},
			"a number with an exponent":     {json, `{"occupation":1e3}`, 400},
			"a memo that is no number":      {json, `{"memo":"CANARY","memo_type":"id"}`, 400},
			"a memo that is a boolean":      {json, `{"memo":true}`, 400},
			"an unknown type":               {json, `{"type":"CANARY"}`, 400},
			"an unknown id":                 {json, `{"id":"CANARY"}`, 404},
			"an id that is a number":        {json, `{"id":5}`, 404},
			"another account":               {json, `{"account":"` + account() + `"}`, 403},
			"a verification":                {json, `{"mobile_number_verification":"CANARY"}`, 400},
			"a form that cannot be decoded": {urlencoded, "first_name=%zz", 400},
			"a form that is no UTF-8":       {urlencoded, "first_name=%ff", 400},
			"a form with a key twice":       {urlencoded, "first_name=a&first_name=b", 400},
			"a form with too many fields":   {urlencoded, strings.Repeat("a=b&", 300), 400},
			"multipart without boundary":    {"multipart/form-data", "x", 400},
			"multipart that broke off":      {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"first_name\"\r\n\r\nCANARY", 400},
			"multipart without a name":      {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data\r\n\r\nCANARY\r\n--x--\r\n", 400},
			"multipart with id as a file":   {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"id\"; filename=\"a\"\r\n\r\nCANARY\r\n--x--\r\n", 400},
			"a content type that is none":   {"application/", "CANARY", 415},
			"XML":                           {"application/xml", "<CANARY/>", 415},
			"too much":                      {json, `{"first_name":"` + strings.Repeat("CANARY", 1<<18) + `"}`, 413},
		} {
			a := s.ask(http.MethodPut, "/customer", account(), c.contentType, []byte(c.body))
			require.Equal(t, c.status, a.status, "%s: %s", name, a.raw)
			require.NotEmpty(t, a.body["error"], name)
			require.Len(t, a.body, 1, name)
			require.NotContains(t, a.raw, "CANARY", name)
		}
		list, err := s.db.Customers(t.Context(), store.CustomerFilter{})
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

func TestQueries_that_cannot_be_understood_are_refused(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		token := account()
		for query, status := range map[string]int{
			"?id=not-an-id":                       404,
			"?id=a&id=b":                          400,
			"?id=%00":                             400,
			"?id=%ff":                             400,
			"?memo=x":                             400,
			"?memo=1&memo_type=return":            400,
			"?type=wizard":                        400,
			"?account=GABC":                       400,
			"?account=" + account():               403,
			"?transaction_id=x":                   400,
			"?transaction_id=x&type=sep31-sender": 404,
			"?id=" + strings.Repeat("a", 5000):    400,
			"?lang=%3Cscript%3E":                  200,
			"?unknown=1":                          200,
		} {
			a := s.get(token, query)
			require.Equal(t, status, a.status, "%.60s: %s", query, a.raw)
		}
	})
}

func TestDelete_takes_its_memo_from_the_body_in_every_encoding(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	owner := account()
	for name, remove := range map[string]func() answer{
		"JSON": func() answer {
			return s.ask(http.MethodDelete, "/customer/"+owner, owner, "application/json", []byte(`{"memo":7,"memo_type":"id"}`))
		},
		"form": func() answer {
			return s.ask(http.MethodDelete, "/customer", owner, "application/x-www-form-urlencoded", []byte(`memo=7`))
		},
		"the token's": func() answer { return s.ask(http.MethodDelete, "/customer/"+owner+"/", owner+":7", "", nil) },
	} {
		s.putJSON(owner, `{"memo":"7","first_name":"Ada"}`)
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, "/customer/"+owner, owner, "", nil).status, "the account itself has none")
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, "/customer/"+owner, account(), "", nil).status, "somebody else's")
		a := remove()
		require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.raw)
		require.NotContains(t, s.get(owner, "?memo=7").body, "id", name)
	}
}
