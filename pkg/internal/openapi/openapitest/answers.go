package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

func preflight(a *answer) error {
	if a.status != http.StatusNoContent || a.body.Len() > 0 {
		return errors.New("a preflight request is answered 204 without a body")
	}
	return nil
}

// unserved judges the answer to a path or method that the document does not have.
func (c *checker) unserved(a *answer) error {
	if a.status < 400 || a.status >= 500 {
		return errors.New("there is no such path and method in it")
	}
	return conforms(c.document.Components.Schemas["Error"], a.body.Bytes())
}

func checkAnswer(o *openapi3.Operation, r *request, a *answer) error {
	described := o.Responses.Status(a.status)
	if described == nil {
		return errors.New("there is no such status")
	}
	if err := checkHeaders(described.Value.Headers, a.Header()); err != nil {
		return err
	}
	content := described.Value.Content
	switch {
	case r.method == http.MethodHead:
		return nil
	case len(content) == 0 && a.body.Len() > 0:
		return errors.New("there is to be no body")
	case len(content) == 0:
		return nil
	}
	kind, _, err := mime.ParseMediaType(a.Header().Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("the content type: %w", err)
	}
	media := content[kind]
	if media == nil {
		return fmt.Errorf("there is no content type %s", kind)
	}
	if kind != "application/json" {
		return visit(media.Schema, a.body.String())
	}
	return conforms(media.Schema, a.body.Bytes())
}

func checkHeaders(described openapi3.Headers, given http.Header) error {
	for name, header := range described {
		value := given.Get(name)
		if value == "" {
			if header.Value.Required {
				return fmt.Errorf("the header %s is missing", name)
			}
			continue
		}
		if err := visit(header.Value.Schema, value); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	return nil
}

// conforms holds a JSON text against a schema.
func conforms(schema *openapi3.SchemaRef, body []byte) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return visit(schema, value)
}

func visit(schema *openapi3.SchemaRef, value any) error {
	return schema.Value.VisitJSON(value, openapi3.EnableFormatValidation(), openapi3.MultiErrors(),
		openapi3.SetSchemaErrorMessageCustomizer(func(err *openapi3.SchemaError) string {
			return strings.Join(slices.Concat([]string{""}, err.JSONPointer()), "/") + ": " + err.Reason
		}))
}
