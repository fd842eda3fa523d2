package openapitest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
)

// fake notes the faults that are told to it instead of failing.
type fake struct {
	testing.TB
	faults []string
}

func (f *fake) Helper() {}

func (f *fake) Errorf(format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

// exchange is a request and how a handler answers it.
type exchange struct {
	method, path string
	header       map[string]string
	body         string

	status int
	says   map[string]string // headers of the answer
	answer string
}

// judged is what is found wrong with an exchange; empty for nothing.
func judged(t *testing.T, e exchange, options ...openapitest.Option) string {
	t.Helper()
	f := &fake{TB: t}
	handler := openapitest.Checked(f, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for name, value := range e.says {
			w.Header().Set(name, value)
		}
		w.WriteHeader(e.status)
		_, _ = w.Write([]byte(e.answer))
	}), options...)
	r := httptest.NewRequestWithContext(t.Context(), e.method, e.path, strings.NewReader(e.body))
	for name, value := range e.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	require.Equal(t, e.status, w.Code, "the answer passes through")
	require.Equal(t, e.answer, w.Body.String())
	return strings.Join(f.faults, "\n")
}

const (
	account = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
	posted  = `{"id":"1","stellar_account_id":"` + account + `","stellar_memo_type":"id","stellar_memo":"1"}`
)

func bearer() map[string]string { return map[string]string{"Authorization": "Bearer x"} }

func TestAnAnswer_that_the_document_has_is_left_alone(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]exchange{
		"a transaction":                   {method: "POST", path: "/sep31/transactions", header: bearer(), body: `{"amount":1,"asset_code":"USDC","more":[1]}`, status: 201, answer: posted},
		"one that waits":                  {method: "POST", path: "/sep31/transactions/", header: bearer(), body: `{"amount":"1","asset_code":"USDC","quote_id":null}`, status: 201, answer: `{"id":"1"}`},
		"a need for a customer":           {method: "POST", path: "/sep31/transactions", status: 400, answer: `{"error":"customer_info_needed","type":"x"}`},
		"too many requests":               {method: "GET", path: "/sep31/info", status: 429, says: map[string]string{"Retry-After": "3"}, answer: `{"error":"x"}`},
		"no content":                      {method: "PUT", path: "/sep31/transactions/x/callback", header: bearer(), body: `{"url":"https://x.example"}`, status: 204},
		"a path that is not served":       {method: "GET", path: "/sep31/nothing", status: 404, answer: `{"error":"not found"}`},
		"a method that is not served":     {method: "DELETE", path: "/sep31/info", status: 405, answer: `{"error":"method not allowed"}`},
		"preflight":                       {method: "OPTIONS", path: "/sep31/info", status: 204},
		"HEAD":                            {method: "HEAD", path: "/sep31/info", status: 200},
		"a parameter that is empty":       {method: "GET", path: "/auth?client_domain=&memo=&account=" + account, status: 200, answer: `{"transaction":"AAAA","network_passphrase":"x"}`},
		"a longer path before a template": {method: "PUT", path: "/kyc/customer/callback", header: bearer(), body: `{"url":"https://x.example"}`, status: 200, answer: `{}`},
		"a form":                          {method: "PUT", path: "/kyc/customer", header: form(), body: "first_name=Ada&x.vip=1", status: 202, answer: `{"id":"1"}`},
		"no price":                        {method: "GET", path: "/sep38/prices?sell_asset=iso4217:BRL&sell_amount=1", status: 200, answer: `{"buy_assets":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, judged(t, e))
		})
	}
}

func form() map[string]string {
	return map[string]string{"Authorization": "Bearer x", "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
}

func TestAnAnswer_that_the_document_does_not_have_fails_the_test(t *testing.T) {
	t.Parallel()
	post := func(status int, answer string) exchange {
		return exchange{method: "POST", path: "/sep31/transactions", header: bearer(), body: `{"amount":1,"asset_code":"USDC"}`, status: status, answer: answer}
	}
	get := func(path string, status int, answer string) exchange {
		return exchange{method: "GET", path: path, header: bearer(), status: status, answer: answer}
	}
	for name, row := range map[string]struct {
		exchange
		says string
	}{
		"a key too many":              {post(201, `{"id":"1","created":true}`), `"created" is unsupported`},
		"a wrong type":                {post(201, `{"id":1}`), "/id: value must be a string"},
		"a missing key":               {post(201, `{"stellar_memo":"1"}`), `"id" is missing`},
		"null":                        {post(201, `{"id":"1","stellar_memo":null}`), "/stellar_memo: Value is not nullable"},
		"a value that is not listed":  {post(201, `{"id":"1","stellar_memo_type":"return"}`), "/stellar_memo_type"},
		"another status":              {post(200, posted), "no such status"},
		"another status of an error":  {post(401, `{"error":"x"}`), "no such status"},
		"an error with more keys":     {post(403, `{"error":"x","code":1}`), `"code" is unsupported`},
		"an error without a text":     {post(403, `{"error":""}`), "/error"},
		"no JSON":                     {post(403, `forbidden`), "not JSON"},
		"no body":                     {post(403, ``), "not JSON"},
		"a transaction's status":      {get("/sep31/transactions/1", 200, `{"transaction":{"id":"1","status":"done","started_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}`), "/transaction/status"},
		"an amount":                   {get("/sep31/transactions/1", 200, `{"transaction":{"id":"1","status":"error","amount_in":"1e3","started_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}`), "/transaction/amount_in"},
		"a time":                      {get("/sep31/transactions/1", 200, `{"transaction":{"id":"1","status":"error","started_at":"yesterday","updated_at":"2026-01-01T00:00:00Z"}}`), "/transaction/started_at"},
		"an account":                  {post(201, strings.Replace(posted, account, "GABC", 1)), "/stellar_account_id"},
		"a path that nobody has":      {get("/sep31/secret", 200, `{}`), "no such path"},
		"a fault on such a path":      {get("/sep31/secret", 500, `{"error":"internal error"}`), "no such path"},
		"a method that nobody has":    {exchange{method: "PUT", path: "/sep31/info", status: 200, answer: `{}`}, "no such path"},
		"a limit without Retry-After": {get("/sep31/info", 429, `{"error":"x"}`), "Retry-After"},
		"another content type":        {exchange{method: "GET", path: "/sep31/info", status: 200, says: map[string]string{"Content-Type": "text/plain"}, answer: `{"receive":{}}`}, "no content type text/plain"},
		"a body where there is none":  {exchange{method: "PUT", path: "/sep31/transactions/x/callback", header: bearer(), body: `{"url":"x"}`, status: 204, answer: `{}`}, "no body"},
		"preflight with a body":       {exchange{method: "OPTIONS", path: "/sep31/info", status: 200, answer: `{}`}, "preflight"},
		"empty lists of an asset":     {get("/sep38/info", 200, `{"assets":[{"asset":"stellar:native","country_codes":[]}]}`), "/assets/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, judged(t, row.exchange), row.says)
		})
	}
}

func TestARequest_that_was_accepted_must_be_one_that_the_document_allows(t *testing.T) {
	t.Parallel()
	post := func(header map[string]string, body string) exchange {
		return exchange{method: "POST", path: "/sep31/transactions", header: header, body: body, status: 201, answer: posted}
	}
	with := func(name, value string) map[string]string {
		return map[string]string{"Authorization": "Bearer x", name: value}
	}
	for name, row := range map[string]struct {
		exchange
		says string
	}{
		"no token":                  {post(nil, `{"amount":1,"asset_code":"USDC"}`), "no token"},
		"no body":                   {post(bearer(), ``), "it is missing"},
		"a key is missing":          {post(bearer(), `{"amount":1}`), `"asset_code" is missing`},
		"a value of a wrong type":   {post(bearer(), `{"amount":true,"asset_code":"USDC"}`), "/amount"},
		"another content type":      {post(with("Content-Type", "text/plain"), `{"amount":1,"asset_code":"USDC"}`), "no content type text/plain"},
		"a header":                  {post(with("Idempotency-Key", strings.Repeat("k", 256)), `{"amount":1,"asset_code":"USDC"}`), "Idempotency-Key"},
		"a parameter that is wrong": {exchange{method: "GET", path: "/auth?account=x", status: 200, answer: `{"transaction":"AAAA","network_passphrase":"x"}`}, "account"},
		"a parameter is missing":    {exchange{method: "GET", path: "/auth", status: 200, answer: `{"transaction":"AAAA","network_passphrase":"x"}`}, "account: it is missing"},
		"a path's parameter":        {exchange{method: "DELETE", path: "/kyc/customer/x", header: bearer(), status: 200, answer: `{}`}, "account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, judged(t, row.exchange), row.says)
		})
	}
}

func TestAMultipartBody_is_held_to_its_schema(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"file": "", "other": `"file" is missing`} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile(name, "a.png")
		require.NoError(t, err)
		_, err = part.Write([]byte("\x89PNG\x00\xff"))
		require.NoError(t, err)
		require.NoError(t, form.Close())
		found := judged(t, exchange{
			method: "POST", path: "/kyc/customer/files", header: map[string]string{"Authorization": "Bearer x", "Content-Type": form.FormDataContentType()},
			body: body.String(), status: 200, answer: `{"file_id":"1","content_type":"image/png","size":6,"customer_id":null}`,
		})
		if says == "" {
			require.Empty(t, found)
		}
		require.Contains(t, found, says)
	}
}

func TestPaths_may_lack_a_prefix_or_be_left_out(t *testing.T) {
	t.Parallel()
	e := exchange{method: "GET", path: "/info", status: 200, answer: `{"receive":{}}`}
	require.Contains(t, judged(t, e), "no such path")
	require.Empty(t, judged(t, e, openapitest.Under("/sep31")))
	require.Empty(t, judged(t, e, openapitest.Except("/info")))
	require.Contains(t, judged(t, e, openapitest.Except("/inf")), "no such path")
}

func TestACallback_is_held_to_the_document(t *testing.T) {
	t.Parallel()
	signed := http.Header{}
	for _, name := range []string{"Signature", "X-Stellar-Signature"} {
		signed.Set(name, "t=1792000000, s=qJ3f6mU1d0Zc2g==")
	}
	const transaction = `{"transaction":{"id":"1","status":"completed","started_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}`
	for _, row := range []struct {
		operation, body string
		header          http.Header
		says            string
	}{
		{"transactionChanged", transaction, signed, ""},
		{"customerChanged", `{"id":"1","status":"ACCEPTED"}`, signed, ""},
		{"customerChanged", transaction, signed, `"transaction" is unsupported`},
		{"transactionChanged", `{"id":"1"}`, signed, `"transaction" is missing`},
		{"transactionChanged", transaction, http.Header{"Signature": {"none"}, "X-Stellar-Signature": {"none"}}, "Signature"},
		{"transactionChanged", transaction, nil, "it is missing"},
		{"quoteChanged", transaction, signed, "no such callback"},
	} {
		f := &fake{TB: t}
		openapitest.Callback(f, row.operation, row.header, []byte(row.body))
		found := strings.Join(f.faults, "\n")
		require.Equal(t, row.says == "", found == "", found)
		require.Contains(t, found, row.says)
	}
}
