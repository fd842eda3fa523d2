package sep1

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// maxSize is what clients read at most (SEP-1: 100 KB).
const maxSize = 100_000

// encode writes a document as TOML 0.4, which is what the parsers of wallets understand, with the tables that only the
// business' own has.
func encode(d *anchor.Document, o own) ([]byte, error) {
	document := make(map[string]any, len(d.General)+3)
	if err := addTable(document, "", d.General); err != nil {
		return nil, err
	}
	// The table is there even when it is empty: Stellar's own wallet SDK reads it without looking.
	documentation := make(map[string]any, len(d.Documentation))
	if err := addTable(documentation, "DOCUMENTATION.", d.Documentation); err != nil {
		return nil, err
	}
	document["DOCUMENTATION"] = documentation
	for name, list := range map[string][]map[string]any{"PRINCIPALS": d.Principals, "CURRENCIES": d.Currencies} {
		tables, err := tablesOf(name, list)
		if err != nil {
			return nil, err
		}
		if len(tables) > 0 {
			document[name] = tables
		}
	}
	if err := addOwn(document, o); err != nil {
		return nil, err
	}
	return written(document)
}

func addOwn(document map[string]any, o own) error {
	for name, table := range o.tables {
		if err := addNamed(document, name, table); err != nil {
			return err
		}
	}
	for name, list := range o.lists {
		if err := addNamed(document, name, list); err != nil {
			return err
		}
	}
	return nil
}

func addNamed(document map[string]any, name string, value any) error {
	if _, there := document[name]; there {
		return fmt.Errorf("%s is a table of the business' own file and a value besides", name)
	}
	document[name] = value
	return nil
}

func written(document map[string]any) ([]byte, error) {
	var text bytes.Buffer
	encoder := toml.NewEncoder(&text)
	encoder.Indent = ""
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("write the document: %w", err)
	}
	if text.Len() > maxSize {
		return nil, fmt.Errorf("the document has %d bytes, more than %d", text.Len(), maxSize)
	}
	return text.Bytes(), nil
}

func tablesOf(name string, list []map[string]any) ([]map[string]any, error) {
	tables := make([]map[string]any, len(list))
	for i, values := range list {
		tables[i] = make(map[string]any, len(values))
		if err := addTable(tables[i], fmt.Sprintf("%s[%d].", name, i), values); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// addTable adds values of the plain kinds. What a business may not publish, a nested table say, is named with its key.
func addTable(into map[string]any, path string, values map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := checkKey(path, key); err != nil {
			return err
		}
		value, err := plain(values[key])
		if err != nil {
			return fmt.Errorf("%s%s %w", path, key, err)
		}
		into[key] = value
	}
	return nil
}

func checkKey(path, key string) error {
	if key == "" || strings.ContainsFunc(key, notBare) {
		return fmt.Errorf("key %q may have letters, digits, - and _ only", path+key)
	}
	return nil
}

func notBare(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
}

// plain accepts what TOML 0.4 has without doubt: texts, truth values, whole numbers and lists of texts.
func plain(value any) (any, error) {
	switch v := value.(type) {
	case string:
		return v, checkText(v)
	case []string:
		for _, text := range v {
			if err := checkText(text); err != nil {
				return nil, err
			}
		}
		return append([]string{}, v...), nil // a nil list would leave the key out
	case bool, int, int32, int64, uint8, uint16, uint32:
		return v, nil
	}
	return nil, fmt.Errorf("is a %T, not a text, a list of texts, a whole number or a truth value", value)
}

func checkText(text string) error {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("is not UTF-8 without the character U+0000")
	}
	return nil
}
