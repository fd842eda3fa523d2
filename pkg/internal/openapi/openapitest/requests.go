package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// checkRequest judges a request that a handler accepted: the document must allow it as well.
func checkRequest(o *openapi3.Operation, parameters openapi3.Parameters, r *request) error {
	if err := checkToken(o.Security, r); err != nil {
		return err
	}
	for _, parameter := range parameters {
		if err := checkParameter(parameter.Value, r); err != nil {
			return fmt.Errorf("the request: %s: %w", parameter.Value.Name, err)
		}
	}
	if o.RequestBody == nil {
		return nil
	}
	if err := checkBody(o.RequestBody.Value, r); err != nil {
		return fmt.Errorf("the request's body: %w", err)
	}
	return nil
}

func checkToken(needed *openapi3.SecurityRequirements, r *request) error {
	if needed == nil {
		return errors.New("it does not say whether a token is needed")
	}
	for _, one := range *needed {
		if len(one) == 0 {
			return nil
		}
	}
	if len(*needed) > 0 && r.header.Get("Authorization") == "" {
		return errors.New("the request: it has no token")
	}
	return nil
}

func checkParameter(p *openapi3.Parameter, r *request) error {
	var value string
	switch p.In {
	case "query":
		value = r.query.Get(p.Name)
	case "path":
		value = r.inPath[p.Name]
	case "header":
		value = r.header.Get(p.Name)
	}
	switch {
	case value == "" && p.Required:
		return errors.New("it is missing")
	case value == "": // empty counts as absent
		return nil
	}
	return visit(p.Schema, value)
}

func checkBody(b *openapi3.RequestBody, r *request) error {
	if len(bytes.TrimSpace(r.body.Bytes())) == 0 {
		if b.Required {
			return errors.New("it is missing")
		}
		return nil
	}
	kind, parameters, err := kindOf(r.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	media := b.Content[kind]
	if media == nil {
		return fmt.Errorf("there is no content type %s", kind)
	}
	value, err := decoded(kind, parameters["boundary"], r.body.Bytes())
	if err != nil {
		return err
	}
	return visit(media.Schema, value)
}

// kindOf is the content type that handlers see: JSON where nothing is said, or a kind of it.
func kindOf(header string) (string, map[string]string, error) {
	if header == "" {
		return "application/json", nil, nil
	}
	kind, parameters, err := mime.ParseMediaType(header)
	if strings.HasSuffix(kind, "+json") {
		kind = "application/json"
	}
	return kind, parameters, err
}

func decoded(kind, boundary string, body []byte) (any, error) {
	switch kind {
	case "application/x-www-form-urlencoded":
		return formValues(body)
	case "multipart/form-data":
		return partValues(body, boundary)
	}
	var value any
	err := json.Unmarshal(body, &value)
	return value, err
}

func formValues(body []byte) (map[string]any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name := range form {
		values[name] = form.Get(name)
	}
	return values, nil
}

func partValues(body []byte, boundary string) (map[string]any, error) {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	values := map[string]any{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		values[part.FormName()] = string(data)
	}
}
