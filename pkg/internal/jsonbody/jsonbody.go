// Package jsonbody reads the JSON objects that clients send.
//
// It promises that a body is one JSON object in UTF-8 of bounded size or is refused with an error that a client can be
// shown, and that numbers keep the digits they were sent with. It must never judge what the keys mean. The edges that take
// JSON call it.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Most bounds a body also where the server in front does not.
const Most = 64 << 10

// Object is a JSON object whose values are still to be judged.
type Object map[string]json.RawMessage

// Read reads the object of a request. A missing content type is taken for JSON, another one is refused.
func Read(r *http.Request) (Object, error) {
	raw, err := Raw(r)
	if err != nil {
		return nil, err
	}
	return Decode(raw)
}

// Raw reads the body of a request as it came; whether it is JSON is still to be judged. A missing content type is taken for
// JSON, another one is refused.
func Raw(r *http.Request) ([]byte, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, Most+1))
	if err != nil {
		return nil, fault(err)
	}
	if len(raw) > Most {
		return nil, errTooLarge()
	}
	return raw, nil
}

func checkContentType(header http.Header) error {
	given := header.Get("Content-Type")
	if given == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return anchor.RefuseAs(anchor.CodeUnsupported, "Content-Type must be application/json")
	}
	return nil
}

// fault tells a body that is too large or was cut off, which is the client's doing, from what the server has to say.
func fault(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		return errTooLarge()
	}
	if anchor.CodeOf(err) != anchor.CodeInternal {
		return err
	}
	return anchor.Refuse("the body could not be read")
}

func errTooLarge() error { return anchor.RefuseAs(anchor.CodeTooLarge, "the body is too large") }

// Decode takes exactly one JSON object in UTF-8.
func Decode(raw []byte) (Object, error) {
	if !utf8.Valid(raw) {
		return nil, anchor.Refuse("the body must be UTF-8")
	}
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, anchor.Refuse("the body must be a JSON object")
	}
	var o Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, anchor.Refuse("the body is not valid JSON")
	}
	return o, nil
}

// Given tells whether a key is there; null is how some clients leave one out.
func (o Object) Given(key string) bool {
	raw, ok := o[key]
	return ok && string(raw) != "null"
}

// Text reads an optional string; empty for one that is not given.
func (o Object) Text(key string) (string, error) {
	if !o.Given(key) {
		return "", nil
	}
	return TextOf(key, o[key])
}

// TextOf reads a string. The name is what an error calls it.
func TextOf(name string, raw json.RawMessage) (string, error) {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", anchor.Refusef("%s must be a string", name)
	}
	if strings.ContainsRune(*text, 0) {
		return "", anchor.Refusef("%s must not contain the character U+0000", name)
	}
	return *text, nil
}

// Digits are those of a number, exactly as they were sent; ok is false for what is no number.
func Digits(raw json.RawMessage) (digits string, ok bool) {
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return "", false
	}
	return string(raw), true
}

// Nested reads an optional object; nil for one that is not given. The name is what an error calls it.
func (o Object) Nested(key, name string) (Object, error) {
	if !o.Given(key) {
		return nil, nil
	}
	var inner Object
	if err := json.Unmarshal(o[key], &inner); err != nil {
		return nil, anchor.Refusef("%s must be an object", name)
	}
	return inner, nil
}
