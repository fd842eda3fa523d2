package sep12

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
)

// Bounds of a request; httpserver bounds the body as a whole, and these hold where it does not.
const (
	largestBody = 1 << 20 // of a body without files
	mostParts   = 200
)

// body is what a request says, whichever way it was encoded: every key once, as text or as a file.
type body struct {
	texts map[string]string
	files map[string]customers.File
}

func newBody() body { return body{map[string]string{}, map[string]customers.File{}} }

// decode reads a body by its content type (SEP-12 "Content Type"). Without one it must be JSON, or nothing at all.
func (h *Handler) decode(r *http.Request) (body, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		return body{}, anchor.RefuseAs(anchor.CodeUnsupported, "the Content-Type header cannot be understood")
	}
	if kind == multipartForm {
		return decodeMultipart(http.MaxBytesReader(nil, r.Body, h.multipart), parameters["boundary"])
	}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, largestBody))
	if err != nil {
		return body{}, unreadable(err)
	}
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return newBody(), nil
	case kind == "application/json", kind == "":
		return decodeJSON(raw)
	case kind == "application/x-www-form-urlencoded":
		return decodeForm(raw)
	}
	return body{}, anchor.RefuseAs(anchor.CodeUnsupported,
		"the body must be application/json, application/x-www-form-urlencoded or multipart/form-data")
}

const multipartForm = "multipart/form-data"

// decodeFile reads the one file of a "Customer Files" request; what else is in the form is passed over.
func (h *Handler) decodeFile(r *http.Request) ([]byte, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != multipartForm {
		return nil, anchor.Refuse("the body must be multipart/form-data with a part named 'file'")
	}
	b, err := decodeMultipart(http.MaxBytesReader(nil, r.Body, h.multipart), parameters["boundary"])
	if err != nil {
		return nil, err
	}
	file, given := b.files["file"]
	if !given {
		return nil, anchor.Refuse("the form has no file in a part named 'file'")
	}
	return file.Data, nil
}

// unreadable tells a body that is too large, here or for httpserver, and one that there is no room for, from one that broke off.
func unreadable(err error) error {
	if errors.Is(err, errNoRoom) {
		return anchor.RefuseAs(anchor.CodeUnavailable, "too much is being uploaded at this moment; try again")
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return anchor.RefuseAs(anchor.CodeTooLarge, "the body is too large")
	}
	return anchor.Refuse("the body broke off or is malformed")
}

// decodeJSON reads one flat object. Numbers and booleans are kept as they are written; null is absent.
func decodeJSON(raw []byte) (body, error) {
	if !utf8.Valid(raw) {
		return body{}, anchor.Refuse("the body is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return body{}, anchor.Refuse("the body must be one JSON object")
	}
	b := newBody()
	for decoder.More() {
		name, text, present, err := member(decoder)
		if err != nil {
			return body{}, err
		}
		if !present {
			continue
		}
		if err := b.add(name, text); err != nil {
			return body{}, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return body{}, anchor.Refuse("the body is not valid JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return body{}, anchor.Refuse("the body must be one JSON object and nothing else")
	}
	return b, nil
}

// member reads one key and its value.
func member(decoder *json.Decoder) (name, text string, present bool, err error) {
	malformed := anchor.Refuse("the body is not valid JSON")
	key, err := decoder.Token()
	name, isText := key.(string)
	if err != nil || !isText {
		return "", "", false, malformed
	}
	value, err := decoder.Token()
	if err != nil {
		return "", "", false, malformed
	}
	switch v := value.(type) {
	case string:
		return name, v, true, nil
	case json.Number:
		return name, v.String(), true, nil
	case bool:
		return name, fmt.Sprint(v), true, nil
	case nil:
		return name, "", false, nil
	}
	return "", "", false, anchor.Refusef("%s must be a text, number or boolean: fields are flat, nested objects and lists are not understood",
		quoted(name))
}

func decodeForm(raw []byte) (body, error) {
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return body{}, anchor.Refuse("the form cannot be decoded")
	}
	if len(values) > mostParts {
		return body{}, tooMany()
	}
	b := newBody()
	for name, texts := range values {
		for _, text := range texts {
			if err := b.add(name, text); err != nil {
				return body{}, err
			}
		}
	}
	return b, nil
}

func decodeMultipart(from io.Reader, boundary string) (body, error) {
	if boundary == "" {
		return body{}, anchor.Refuse("the Content-Type multipart/form-data lacks its boundary")
	}
	parts := multipart.NewReader(from, boundary)
	b := newBody()
	for range mostParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return body{}, unreadable(err)
		}
		if err := b.addPart(part); err != nil {
			return body{}, err
		}
	}
	return body{}, tooMany()
}

// addPart takes a part with a file name for a file, whatever it holds, and every other one for text.
func (b body) addPart(part *multipart.Part) error {
	data, err := io.ReadAll(part)
	if err != nil {
		return unreadable(err)
	}
	name := part.FormName()
	if part.FileName() == "" && textual(part.Header.Get("Content-Type")) {
		return b.add(name, string(data))
	}
	if err := b.check(name); err != nil {
		return err
	}
	if slices.Contains(parameters(), name) {
		return anchor.Refusef("%s must be sent as text, not as a file", quoted(name))
	}
	b.files[name] = customers.File{Data: data}
	return nil
}

// textual tells whether a part without a file name is text: most clients do not say.
func textual(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return contentType == "" || err == nil && (strings.HasPrefix(kind, "text/") || kind == "application/json")
}

func (b body) add(name, text string) error {
	if err := b.check(name); err != nil {
		return err
	}
	if !clean(text) {
		return anchor.Refusef("%s is not valid UTF-8 text", quoted(name))
	}
	b.texts[name] = text
	return nil
}

// check refuses names that are unusable or were given before.
func (b body) check(name string) error {
	if name == "" || !clean(name) {
		return anchor.Refuse("a field has no name, or one that is not valid UTF-8 text")
	}
	_, text := b.texts[name]
	_, file := b.files[name]
	if text || file {
		return anchor.Refusef("%s is given twice", quoted(name))
	}
	if len(b.texts)+len(b.files) >= mostParts {
		return tooMany()
	}
	return nil
}

func tooMany() error { return anchor.Refusef("at most %d fields are taken at once", mostParts) }

// quoted repeats the name of a field in an error, as long as it can be one.
func quoted(name string) string {
	const longest = 64
	if len(name) > longest {
		return "a field"
	}
	return "'" + name + "'"
}
