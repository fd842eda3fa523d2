package customers

import (
	"encoding/base64"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Bounds of what is stored of a customer.
const (
	longestText  = 4096     // bytes of one value
	largestFile  = 1 << 20  // bytes of one photo or document
	mostGiven    = 100      // values in one request
	mostKept     = 200      // values of one customer
	largestKept  = 10 << 20 // bytes of them all: judging a customer and paying one out hold them in memory at once
	longestName  = 64
	verification = "_verification"
	fileID       = "_file_id"
)

// File is a photo or document that a customer gave.
type File struct {
	ContentType string // empty: application/octet-stream
	Data        []byte
}

var (
	fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\-]*$`)
	decimal   = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
)

// given brings the values of a request under their canonical names. Empty texts are not given. Errors name fields and
// never values.
func given(p Put) (map[string]store.CustomerValue, error) {
	if len(p.Values)+len(p.Files) > mostGiven {
		return nil, anchor.Refusef("at most %d values are taken at once", mostGiven)
	}
	values := map[string]store.CustomerValue{}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		if p.Values[name] == "" {
			continue
		}
		if err := add(values, name, store.CustomerValue{Data: []byte(p.Values[name])}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		file := store.CustomerValue{Data: p.Files[name].Data, ContentType: mediaType(p.Files[name].ContentType)}
		if err := add(values, name, file); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func add(values map[string]store.CustomerValue, name string, value store.CustomerValue) error {
	if err := checkName(name); err != nil {
		return err
	}
	canonical := anchor.SEP9Canonical(name)
	if before, twice := values[canonical]; twice && !same(before, value) {
		return anchor.Refusef("'%s' is given twice, under several spellings, with different values", name)
	}
	values[canonical] = value
	return nil
}

func same(a, b store.CustomerValue) bool {
	return a.ContentType == b.ContentType && string(a.Data) == string(b.Data)
}

func mediaType(said string) string {
	kind, _, err := mime.ParseMediaType(said)
	if err != nil || len(kind) > longest {
		return "application/octet-stream"
	}
	return kind
}

// checkName refuses names that mean something else than a value, or nothing.
func checkName(name string) error {
	if len(name) > longestName || !fieldName.MatchString(name) {
		return anchor.Refuse("a field has a name that is too long or holds other characters than letters, digits, '_', '.' and '-'")
	}
	if field, is := strings.CutSuffix(name, verification); is {
		return anchor.Refusef("'%s' is not waiting for a verification code", field)
	}
	if field, is := strings.CutSuffix(name, fileID); is {
		return anchor.Refusef("'%s': files are not kept apart here; send '%s' itself as multipart/form-data", name, field)
	}
	if strings.HasPrefix(name, "card.") {
		return anchor.Refusef("'%s': card data are not taken", name)
	}
	return nil
}

// checkValues holds values against the type and choices that SEP-9 and the roles give their fields.
func checkValues(values map[string]store.CustomerValue, roles []role) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		kinds, known := kindsOf(name, roles)
		if err := checkSize(name, value); err != nil {
			return err
		}
		if value.ContentType != "" && known && !slices.Contains(kinds, anchor.FieldBinary) {
			return anchor.Refusef("'%s' must be sent as text, not as a file", name)
		}
		if value.ContentType != "" {
			continue
		}
		for _, kind := range kinds {
			if err := checkText(name, string(value.Data), kind); err != nil {
				return err
			}
		}
		if err := checkChoices(name, string(value.Data), roles); err != nil {
			return err
		}
	}
	return nil
}

// kindsOf lists the types that a field has in the roles and in SEP-9; known is false where neither says anything.
func kindsOf(name string, roles []role) (kinds []anchor.FieldType, known bool) {
	for _, r := range roles {
		if demanded, ok := r.fields[name]; ok {
			kinds = append(kinds, demanded.Type)
		}
	}
	if standard, ok := anchor.SEP9Type(name); ok && len(kinds) == 0 {
		kinds = append(kinds, standard)
	}
	return kinds, len(kinds) > 0
}

func checkSize(name string, value store.CustomerValue) error {
	switch {
	case value.ContentType != "" && len(value.Data) > largestFile:
		return anchor.RefuseAs(anchor.CodeTooLarge, "'"+name+"' is too large; files may have 1 MB")
	case value.ContentType != "" && len(value.Data) == 0:
		return anchor.Refusef("'%s' is an empty file", name)
	case value.ContentType == "" && len(value.Data) > longestText:
		return anchor.Refusef("'%s' is too long; texts may have %d bytes", name, longestText)
	}
	return nil
}

func checkText(name, text string, kind anchor.FieldType) error {
	if !clean(text) {
		return anchor.Refusef("'%s' is not valid UTF-8 text", name)
	}
	switch kind {
	case anchor.FieldBinary:
		return anchor.Refusef("'%s' must be sent as a file, as multipart/form-data", name)
	case anchor.FieldDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return anchor.Refusef("'%s' must be a date written YYYY-MM-DD", name)
		}
	case anchor.FieldNumber:
		if !decimal.MatchString(text) {
			return anchor.Refusef("'%s' must be a number", name)
		}
	case anchor.FieldString: // every text is one
	}
	return nil
}

func checkChoices(name, text string, roles []role) error {
	for _, r := range roles {
		if demanded := r.fields[name]; len(demanded.Choices) > 0 && !slices.Contains(demanded.Choices, text) {
			return anchor.Refusef("'%s' must be one of: %s", name, strings.Join(demanded.Choices, ", "))
		}
	}
	return nil
}

// weight is how many bytes a customer's values have once those that changed are stored.
func weight(stored map[string]store.CustomerField, changed map[string]store.CustomerValue) int {
	total := 0
	for _, value := range changed {
		total += len(value.Data)
	}
	for name, field := range stored {
		if _, replaced := changed[name]; !replaced {
			total += base64.RawStdEncoding.DecodedLen(len(field.Sealed))
		}
	}
	return total
}

// asText is a value as the business gets it: a text as it is, a file as a data URL (RFC 2397).
func asText(value store.CustomerValue) string {
	if value.ContentType == "" {
		return string(value.Data)
	}
	return "data:" + value.ContentType + ";base64," + base64.StdEncoding.EncodeToString(value.Data)
}
