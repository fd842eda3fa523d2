package customers

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Bounds of what is stored of a customer.
const (
	longestText  = 4096 // bytes of one value
	mostGiven    = 100  // values in one request
	mostKept     = 200  // values of one customer
	longestName  = 64
	verification = "_verification"
	fileID       = "_file_id"
)

// mostBytes bounds the values of one customer together: judging one and paying one out hold them in memory at once.
func (s *Service) mostBytes() int { return max(10<<20, 5*s.options.fileBytes) }

// File is a photo or document that a customer gave together with its other values. What it is is told by its content.
type File struct{ Data []byte }

var (
	fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\-]*$`)
	decimal   = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
)

// gift is what a request gives, by canonical names.
type gift struct {
	values  map[string]store.CustomerValue
	fileIDs map[string]string // of files that were sent ahead
	codes   map[string]string // that were sent to the customer
}

// given brings what a request gives under its canonical names. Empty texts are not given. Errors name fields and never values.
func (s *Service) given(p Put) (gift, error) {
	if len(p.Values)+len(p.Files) > mostGiven {
		return gift{}, anchor.Refusef("at most %d values are taken at once", mostGiven)
	}
	g := gift{map[string]store.CustomerValue{}, map[string]string{}, map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		if err := s.addFile(g, name, p.Files[name]); err != nil {
			return gift{}, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) {
		if p.Values[name] == "" {
			continue
		}
		if err := g.addText(name, p.Values[name]); err != nil {
			return gift{}, err
		}
	}
	return g, nil
}

func (s *Service) addFile(g gift, name string, file File) error {
	if err := checkName(name); err != nil {
		return err
	}
	if strings.HasSuffix(name, fileID) || strings.HasSuffix(name, verification) {
		return anchor.Refusef("'%s' must be sent as text, not as a file", name)
	}
	value, err := s.fileValue(name, file.Data)
	if standard, known := anchor.SEP9Type(name); known && standard != anchor.FieldBinary && anchor.CodeOf(err) == anchor.CodeInvalid {
		return anchor.Refusef("'%s' must be sent as text, not as a file", name)
	}
	if err != nil {
		return err
	}
	if err := checkKind(anchor.SEP9Canonical(name), value.ContentType); err != nil {
		return err
	}
	return add(g.values, name, value)
}

// addText takes a text for what the end of its name says it is.
func (g gift) addText(name, text string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if field, is := strings.CutSuffix(name, verification); is {
		return put(g.codes, field, text, longestCode)
	}
	if field, is := strings.CutSuffix(name, fileID); is {
		return g.addFileID(field, text)
	}
	return add(g.values, name, store.CustomerValue{Data: []byte(text)})
}

func (g gift) addFileID(field, id string) error {
	for other, taken := range g.fileIDs {
		if taken == id && other != anchor.SEP9Canonical(field) {
			return anchor.Refusef("'%s%s': one file cannot be two fields", field, fileID)
		}
	}
	if _, given := g.values[anchor.SEP9Canonical(field)]; given {
		return anchor.Refusef("'%s' is given twice", field)
	}
	return put(g.fileIDs, field, id, longest)
}

// put keeps a code or the id of a file under the canonical name of its field.
func put(into map[string]string, field, text string, longest int) error {
	if err := checkName(field); err != nil {
		return err
	}
	canonical := anchor.SEP9Canonical(field)
	if before, twice := into[canonical]; twice && before != text {
		return anchor.Refusef("'%s' is given twice, under several spellings, with different values", field)
	}
	if len(text) > longest || !clean(text) {
		return anchor.Refusef("what is given for '%s' is too long or not valid UTF-8 text", field)
	}
	into[canonical] = text
	return nil
}

func add(values map[string]store.CustomerValue, name string, value store.CustomerValue) error {
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

// checkName refuses names that mean something else than a value, or nothing.
func checkName(name string) error {
	if len(name) > longestName || !fieldName.MatchString(name) {
		return anchor.Refuse("a field has a name that is too long or holds other characters than letters, digits, '_', '.' and '-'")
	}
	if strings.HasPrefix(name, "card.") {
		return anchor.Refusef("'%s': card data are not taken", name)
	}
	return nil
}

// checkGift holds what is given against the type and choices that SEP-9 and the roles give the fields.
func checkGift(g gift, roles []role) error {
	for _, name := range slices.Sorted(maps.Keys(g.fileIDs)) {
		if kinds, known := kindsOf(name, roles); known && !slices.Contains(kinds, anchor.FieldBinary) {
			return anchor.Refusef("'%s' must be sent as text, not as a file", name)
		}
	}
	return checkValues(g.values, roles)
}

func checkValues(values map[string]store.CustomerValue, roles []role) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		kinds, known := kindsOf(name, roles)
		if value.ContentType != "" {
			if known && !slices.Contains(kinds, anchor.FieldBinary) {
				return anchor.Refusef("'%s' must be sent as text, not as a file", name)
			}
			continue
		}
		if len(value.Data) > longestText {
			return anchor.Refusef("'%s' is too long; texts may have %d bytes", name, longestText)
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

func tooLarge(name string, most int) error {
	return anchor.RefuseAs(anchor.CodeTooLarge, fmt.Sprintf("'%s' is too large; files may have %d bytes", name, most))
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
