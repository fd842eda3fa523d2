package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/openapi"
)

// Option changes what is checked.
type Option func(*checker)

// Under tells that the handler's paths lack a prefix that the document has, "/sep31" say.
func Under(prefix string) Option { return func(c *checker) { c.prefix = prefix } }

// Except leaves alone what lies below these paths: routes that exist in tests only.
func Except(paths ...string) Option {
	return func(c *checker) { c.except = append(c.except, paths...) }
}

// Checked passes requests on to h and fails the test for whatever the document does not say: a path, a status, a header, a
// content type or a body. A request that was answered 2xx must be one that the document allows. Errors of paths and methods
// that are not served are held to the body that all errors have. It is safe for concurrent use if h is.
func Checked(t testing.TB, h http.Handler, options ...Option) http.Handler {
	t.Helper()
	document, err := loaded()
	require.NoError(t, err)
	c := &checker{t: t, next: h, document: document}
	for _, o := range options {
		o(c)
	}
	return c
}

// All are the options with which everything is documented.
func All() openapi.Options {
	return openapi.Options{
		Title: "Example Anchor", ServerURL: "https://anchor.example", Version: "1",
		ActiveSEPs: []string{"sep-1", "sep-10", "sep-12", "sep-31", "sep-38"},
	}
}

// loaded is read once for all tests of a binary: it takes longer than most of them, and nobody changes it.
var loaded = sync.OnceValues(func() (*openapi3.T, error) {
	d, err := openapi.Load(All())
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(d.JSON())
})

type checker struct {
	t        testing.TB
	next     http.Handler
	document *openapi3.T
	prefix   string
	except   []string
}

// ServeHTTP passes the request on and judges what came of it.
func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := c.prefix + r.URL.Path
	for _, except := range c.except {
		if path == except || strings.HasPrefix(path, except+"/") {
			c.next.ServeHTTP(w, r)
			return
		}
	}
	seen := &request{method: r.Method, path: path, query: r.URL.Query(), header: r.Header.Clone()}
	if r.Body != nil {
		r.Body = readBody{io.TeeReader(r.Body, &seen.body), r.Body}
	}
	answer := &answer{ResponseWriter: w, status: http.StatusOK}
	c.next.ServeHTTP(answer, r)
	if answer.good() && r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body) // what the handler did not need is part of the request all the same
	}
	if err := c.judge(seen, answer); err != nil {
		c.t.Errorf("%s %s was answered %d: the document does not say so: %v\nanswer: %s", r.Method, path, answer.status, err, short(answer.body.Bytes()))
	}
}

func (c *checker) judge(r *request, a *answer) error {
	if r.method == http.MethodOptions { // preflight, which no document describes
		return preflight(a)
	}
	operation, parameters := c.find(r)
	if operation == nil {
		return c.unserved(a)
	}
	if err := checkAnswer(operation, r, a); err != nil {
		return err
	}
	if !a.good() {
		return nil
	}
	return checkRequest(operation, parameters, r)
}

type readBody struct {
	io.Reader
	io.Closer
}

// answer copies what is answered.
type answer struct {
	http.ResponseWriter
	status  int
	written bool
	body    bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	if !a.written && status >= 200 {
		a.status, a.written = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.written = true
	a.body.Write(p)
	return a.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find what the writer can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) good() bool { return a.status >= 200 && a.status < 300 }

func short(body []byte) string {
	const longest = 600
	if len(body) > longest {
		return string(body[:longest]) + "…"
	}
	return string(body)
}
