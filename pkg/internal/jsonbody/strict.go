package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const deepest = 16 // objects and lists within each other; nobody who is read strictly needs more than 5

// Unambiguous refuses what programs read differently or not every database can keep: anything but one JSON object in UTF-8,
// keys that are there twice, in any case, since encoding/json takes "Outcome" for "outcome", and the character U+0000. Its
// errors go on after "the body" or "the answer", and repeat nothing of what was said.
func Unambiguous(raw []byte) error {
	if !utf8.Valid(raw) {
		return errors.New("is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	first, err := d.Token()
	if err != nil || first != json.Delim('{') {
		return errors.New("is not a JSON object")
	}
	if err := checkInside(d, '{', 1); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("goes on after its JSON object")
	}
	return nil
}

// Strict reads an object that is unambiguous and has no keys but those of into. Its errors are like those of Unambiguous.
func Strict(raw []byte, into any) error {
	if err := Unambiguous(raw); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("has a %s where another type is expected", strings.Fields(wrong.Value)[0])
	}
	if err != nil {
		return errors.New("has a key that is not known here")
	}
	return nil
}

// checkInside reads on to the end of an object or list that has begun.
func checkInside(d *json.Decoder, kind json.Delim, depth int) error {
	if depth > deepest {
		return errors.New("is nested too deeply")
	}
	seen := map[string]bool{}
	for d.More() {
		if kind == '{' {
			if err := checkKey(d, seen); err != nil {
				return err
			}
		}
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return checkToken(d.Token())
}

func checkKey(d *json.Decoder, seen map[string]bool) error {
	token, err := d.Token()
	if err := checkToken(token, err); err != nil {
		return err
	}
	name, _ := token.(string)
	if name = folded(name); seen[name] {
		return errors.New("says something twice")
	}
	seen[name] = true
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err := checkToken(token, err); err != nil {
		return err
	}
	if kind, begins := token.(json.Delim); begins {
		return checkInside(d, kind, depth+1)
	}
	return nil
}

func checkToken(token json.Token, err error) error {
	if err != nil {
		return errors.New("is not valid JSON")
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
		return errors.New("contains the character U+0000")
	}
	return nil
}

// folded is the same for all names that differ in case only.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
}
