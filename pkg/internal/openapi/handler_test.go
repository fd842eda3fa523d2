package openapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
)

// served is the handler on the server, held to its own document.
func served(t testing.TB, o openapi.Options) http.Handler {
	t.Helper()
	h, err := openapi.New(o)
	require.NoError(t, err)
	s, err := httpserver.New(httpserver.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	h.Routes(s)
	return openapitest.Checked(t, s)
}

func ask(t testing.TB, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheDocument_is_served_as_it_is(t *testing.T) {
	t.Parallel()
	w := ask(t, served(t, openapitest.All()), http.MethodGet, "/openapi.json")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), "tools in browsers read it")
	require.Equal(t, string(load(t).JSON()), w.Body.String())
}

func TestACopy_that_is_still_good_is_not_sent_again(t *testing.T) {
	t.Parallel()
	h := served(t, openapitest.All())
	other := openapitest.All()
	other.Version = "2"
	for _, path := range []string{"/openapi.json", "/docs"} {
		tag := ask(t, h, http.MethodGet, path).Header().Get("ETag")
		for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			w := ask(t, h, http.MethodGet, path, "If-None-Match", known)
			require.Equal(t, http.StatusNotModified, w.Code, known)
			require.Empty(t, w.Body.String())
			require.Equal(t, tag, w.Header().Get("ETag"))
		}
		for _, unknown := range []string{`"x"`, "", strings.Trim(tag, `"`)} {
			require.Equal(t, http.StatusOK, ask(t, h, http.MethodGet, path, "If-None-Match", unknown).Code, unknown)
		}
		require.NotEqual(t, tag, ask(t, served(t, other), http.MethodGet, path).Header().Get("ETag"), "another version")
		require.Equal(t, http.StatusOK, ask(t, h, http.MethodHead, path).Code)
	}
}

func page(t testing.TB, o openapi.Options) (string, http.Header) {
	t.Helper()
	w := ask(t, served(t, o), http.MethodGet, "/docs")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	return w.Body.String(), w.Header()
}

func TestThePage_loads_nothing_and_runs_nothing(t *testing.T) {
	t.Parallel()
	text, header := page(t, openapitest.All())
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(text)
	require.Len(t, style, 2)
	sum := sha256.Sum256([]byte(style[1]))
	require.Equal(t,
		"default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		header.Get("Content-Security-Policy"), "the style of the page is the one that is allowed")
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Empty(t, header.Get("Access-Control-Allow-Origin"), "no business of other origins")
	for _, word := range []string{"<script", " style=", " src=", "<link", "<img", "@import", "url(", "onclick", "javascript:"} {
		require.NotContains(t, text, word)
	}
	require.Less(t, len(text), 400_000)
}

func TestThePage_has_a_place_for_every_operation_and_every_link_leads_somewhere(t *testing.T) {
	t.Parallel()
	text, _ := page(t, openapitest.All())
	places := map[string]int{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		places[id[1]]++
		require.Equal(t, 1, places[id[1]], id[1])
	}
	links := regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(text, -1)
	require.Greater(t, len(links), 100)
	for _, link := range links {
		require.Contains(t, places, link[1])
	}
	for path, item := range whole(t).Paths.Map() {
		for method, o := range item.Operations() {
			require.Contains(t, places, o.OperationID)
			require.Contains(t, text, `<span class="method `+method+`">`+method+`</span> `+path+`</a>`, "in the contents")
		}
	}
}

func TestThePage_shows_examples_types_rules_and_callbacks(t *testing.T) {
	t.Parallel()
	text, _ := page(t, openapitest.All())
	for _, part := range []string{
		"curl &#39;https://anchor.example/auth?account=GBRPYHIL", // requests, ready to be tried
		"-H &#34;Authorization: Bearer $TOKEN&#34;",
		"-F &#39;file=@passport.jpg&#39;",
		"https://anchor.example/sep31/transactions/01926f2e-1c3a-7b52-9f9a-3f2d1c0b9a87&#39;",
		"Answer 201: ready to be paid",
		"pending_customer_info_update",
		`list of <a href="#schema-FeeDetail">FeeDetail</a>`,
		"What the anchor sends you",
		"X-Stellar-Signature",
		"token needed", "no token", "token may be sent", "deprecated",
		"Retry-After",
	} {
		require.Contains(t, text, part)
	}
	for _, part := range []string{"ZgotmplZ", "<no value>", "%!", "[]string", "yaml"} {
		require.NotContains(t, text, part)
	}
}

func TestThePage_shows_what_is_served_only(t *testing.T) {
	t.Parallel()
	o := openapitest.All()
	o.ActiveSEPs = []string{"sep-1", "sep-10"}
	text, _ := page(t, o)
	require.Contains(t, text, `id="getChallenge"`)
	require.NotContains(t, text, `id="postTransaction"`)
	require.NotContains(t, text, `id="schema-Quote"`)
}

func TestATitle_cannot_become_part_of_the_page(t *testing.T) {
	t.Parallel()
	o := openapitest.All()
	o.Title, o.Version = `<script>alert(1)</script>"`, `</style><b>`
	text, _ := page(t, o)
	require.NotContains(t, text, "<script")
	require.NotContains(t, text, "</style><b>")
	require.Contains(t, text, "&lt;script&gt;")
}
