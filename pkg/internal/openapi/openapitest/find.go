package openapitest

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// request is what was asked, with as much of the body as was read.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         bytes.Buffer
	inPath       map[string]string // values of the path's parameters
}

// find is the operation that the request means and all its parameters; a path without parameters goes before one with.
func (c *checker) find(r *request) (*openapi3.Operation, openapi3.Parameters) {
	method := r.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path := r.path
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	var found *openapi3.Operation
	var of *openapi3.PathItem
	for template, item := range c.document.Paths.Map() {
		operation := item.GetOperation(method)
		values, ok := matched(template, path)
		if operation == nil || !ok || found != nil && len(values) >= len(r.inPath) {
			continue
		}
		found, of, r.inPath = operation, item, values
	}
	if found == nil {
		return nil, nil
	}
	return found, append(append(openapi3.Parameters{}, of.Parameters...), found.Parameters...)
}

// matched holds a path against a template such as /sep31/transactions/{id}.
func matched(template, path string) (map[string]string, bool) {
	names, parts := strings.Split(template, "/"), strings.Split(path, "/")
	if len(names) != len(parts) {
		return nil, false
	}
	values := map[string]string{}
	for i, name := range names {
		switch {
		case strings.HasPrefix(name, "{"):
			values[strings.Trim(name, "{}")] = parts[i]
		case name != parts[i]:
			return nil, false
		}
	}
	return values, true
}
