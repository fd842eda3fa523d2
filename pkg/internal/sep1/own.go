package sep1

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// own is the business' own document, checked: what is added to the anchor's.
type own struct {
	general       map[string]any
	documentation map[string]any
	principals    []map[string]any
	currencies    []map[string]any
	tables        map[string]map[string]any   // [OTHER], by name
	lists         map[string][]map[string]any // [[VALIDATORS]] and others, by name
}

// parseOwn reads a document that the business wrote, and wants everything in it to be what clients can read. Its errors name
// the key and the mend; all faults are named together.
func parseOwn(text []byte) (own, error) {
	o := own{general: map[string]any{}, tables: map[string]map[string]any{}, lists: map[string][]map[string]any{}}
	if len(text) > maxSize {
		return o, fmt.Errorf("it has %d bytes, more than %d", len(text), maxSize)
	}
	var values map[string]any
	if _, err := toml.Decode(string(text), &values); err != nil {
		return o, fmt.Errorf("it is no TOML: %w", err)
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		faults = append(faults, o.take(key, values[key]))
	}
	return o, errors.Join(faults...)
}

// take puts one key of the top where it belongs.
func (o *own) take(key string, value any) error {
	if err := checkKey("", key); err != nil {
		return err
	}
	switch v := value.(type) {
	case map[string]any:
		return o.takeTable(key, v)
	case []map[string]any:
		return o.takeList(key, v)
	}
	switch key {
	case "DOCUMENTATION", "PRINCIPALS", "CURRENCIES", "VALIDATORS":
		return fmt.Errorf("%s is no table; write it as [DOCUMENTATION], [[PRINCIPALS]], [[CURRENCIES]] or [[VALIDATORS]]", key)
	case "ACCOUNTS":
		return errors.New("ACCOUNTS are the accounts of the assets that the anchor receives; remove it from the file")
	}
	table := map[string]any{key: value}
	err := plainTable("", table)
	o.general[key] = table[key]
	return err
}

func (o *own) takeTable(key string, values map[string]any) error {
	switch key {
	case "DOCUMENTATION":
		o.documentation = values
	case "PRINCIPALS", "CURRENCIES", "VALIDATORS":
		return fmt.Errorf("%s is a single table; write [[%s]]", key, key)
	default:
		o.tables[key] = values
	}
	return plainTable(key+".", values)
}

func (o *own) takeList(key string, list []map[string]any) error {
	switch key {
	case "DOCUMENTATION":
		return errors.New("DOCUMENTATION is a list; write [DOCUMENTATION], once")
	case "PRINCIPALS":
		o.principals = list
	case "CURRENCIES":
		o.currencies = list
	default:
		o.lists[key] = list
	}
	var faults []error
	for i, values := range list {
		faults = append(faults, plainTable(fmt.Sprintf("%s[%d].", key, i), values))
	}
	return errors.Join(faults...)
}

// plainTable makes the values of a decoded table those of a document and checks that they can be published.
func plainTable(path string, values map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch v := values[key].(type) {
		case string:
			values[key] = withoutSlash(v)
		case []any:
			texts, ok := textList(v)
			if !ok {
				return fmt.Errorf("%s%s is not a list of texts, the only lists that all clients can read; write texts", path, key)
			}
			values[key] = texts
		}
	}
	return addTable(map[string]any{}, path, values)
}

func textList(list []any) ([]string, bool) {
	texts := make([]string, len(list))
	for i, value := range list {
		var ok bool
		if texts[i], ok = value.(string); !ok {
			return nil, false
		}
	}
	return texts, true
}

// mergeInto adds everything to a document of the anchor's, whose own words stay. It tells what contradicts them or lacks
// something, which is left out.
func (o own) mergeInto(d *anchor.Document, received []Asset) error {
	var faults []error
	faults = append(faults, merge("", d.General, o.general, "VERSION")...)
	faults = append(faults, merge("DOCUMENTATION.", d.Documentation, o.documentation)...)
	for _, values := range o.principals {
		d.Principals = append(d.Principals, maps.Clone(values))
	}
	for i, c := range o.currencies {
		faults = append(faults, o.mergeCurrency(d, received, fmt.Sprintf("CURRENCIES[%d]", i), c)...)
	}
	return errors.Join(faults...)
}

// merge adds the keys of one table to another, where only the keys named may replace what is there.
func merge(path string, into, from map[string]any, replaced ...string) (clashes []error) {
	for _, key := range slices.Sorted(maps.Keys(from)) {
		said, ok := into[key]
		switch {
		case !ok || slices.Contains(replaced, key):
			into[key] = from[key]
		case !same(said, from[key]):
			clashes = append(clashes, fmt.Errorf("%s%s is %v by the anchor's settings; remove it from the file, or write the same", path, key, said))
		}
	}
	return clashes
}

func same(said, given any) bool { return fmt.Sprint(said) == fmt.Sprint(given) }

// mergeCurrency adds what the business says of an asset that the anchor receives to what the anchor says, and another asset
// as it stands.
func (o own) mergeCurrency(d *anchor.Document, received []Asset, name string, c map[string]any) []error {
	if c["toml"] != nil || text(c["code"]) == "" {
		return []error{fmt.Errorf("%s has no code; write the asset itself instead of a link to another file, which not all clients follow", name)}
	}
	name += " (" + text(c["code"]) + ")"
	for i, a := range received { // in the order of d.Currencies
		if text(d.Currencies[i]["code"]) == text(c["code"]) && a.Issuer == text(c["issuer"]) {
			return merge(name+".", d.Currencies[i], c, presumed(a)...)
		}
	}
	var missing []string
	for _, key := range []string{"desc", "status", "is_asset_anchored", "anchor_asset_type"} {
		if c[key] == nil {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return []error{fmt.Errorf("%s lacks %s, without which some clients refuse the whole document; add it", name, strings.Join(missing, ", "))}
	}
	d.Currencies = append(d.Currencies, maps.Clone(c))
	return nil
}

// presumed are the keys of an asset that the anchor filled in because nobody had said anything.
func presumed(a Asset) []string {
	keys := []string{"is_asset_anchored"}
	for key, given := range map[string]string{"desc": a.Desc, "anchor_asset_type": a.AnchorType, "anchor_asset": a.AnchorAsset} {
		if given == "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
