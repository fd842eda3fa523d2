package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is anchor.yaml taken apart: single values still as text, lists and the business section as nodes.
type document struct {
	name     string
	values   map[string]given
	lists    map[string]*yaml.Node
	business *yaml.Node
	faults   Faults
	schema   schema
}

// schema is what may stand in the file.
type schema struct {
	leaves   map[string]bool
	sections map[string]bool
	lists    map[string]bool
	all      []string // for suggestions
}

func newSchema() schema {
	s := schema{leaves: map[string]bool{}, sections: map[string]bool{}, lists: map[string]bool{}}
	for _, setting := range Table() {
		s.leaves[setting.Key] = true
		s.sections[section(setting.Key)] = true
		s.all = append(s.all, setting.Key)
		if setting.Secret {
			s.leaves[setting.FileKey()] = true
		}
	}
	for _, list := range lists() {
		s.lists[list.key] = true
		s.all = append(s.all, list.key)
		if parent := section(list.key); parent != "" {
			s.sections[parent] = true
		}
	}
	for key := range s.sections {
		s.all = append(s.all, key)
	}
	s.all = append(s.all, businessKey)
	return s
}

// parseYAML reads one document. Its faults have the paths and lines of what is wrong.
func parseYAML(name string, content []byte) *document {
	doc := &document{name: name, values: map[string]given{}, lists: map[string]*yaml.Node{}, schema: newSchema()}
	root, err := singleNode(content)
	switch {
	case err != nil:
		doc.faults.add(&Fault{Key: name, Problem: "cannot be read: " + withoutValues(err), Mend: "compare with anchor.yaml.example"})
	case root == nil:
	case !doc.plain(root):
	default:
		doc.section("", root)
	}
	return doc
}

// singleNode returns the root of the only document, nil where the file has none.
func singleNode(content []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, errors.New("it has more than one document (---)")
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(first.Content) == 0 || isNull(first.Content[0]) {
		return nil, nil
	}
	return first.Content[0], nil
}

// plain refuses aliases and merges: settings are few enough to be written out, and a short file cannot grow large.
func (d *document) plain(node *yaml.Node) bool {
	if node.Kind == yaml.AliasNode || node.Tag == "!!merge" {
		d.faults.add(&Fault{
			Key:     d.at(node),
			Problem: "uses a YAML alias or merge, which is not read",
			Mend:    "write the values out",
		})
		return false
	}
	for _, child := range node.Content {
		if !d.plain(child) {
			return false
		}
	}
	return true
}

func (d *document) section(path string, node *yaml.Node) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.wrong(path, node, "is not a section with keys", "compare with anchor.yaml.example")
		return
	}
	d.pairs(path, node, d.entry)
}

// pairs walks through a mapping and refuses keys that are not plain names or stand there twice.
func (d *document) pairs(path string, node *yaml.Node, visit func(path string, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		key := join(path, shownKey(name.Value))
		switch {
		case name.Kind != yaml.ScalarNode:
			d.wrong(path, name, "has a key that is not a name", "compare with anchor.yaml.example")
		case seen[name.Value]:
			d.wrong(key, name, "stands there twice", "keep one of them")
		default:
			seen[name.Value] = true
			visit(key, value)
		}
	}
}

func (d *document) entry(key string, value *yaml.Node) {
	switch {
	case key == businessKey:
		d.businessSection(value)
	case d.schema.lists[key]:
		d.lists[key] = value
	case d.schema.leaves[key]:
		d.leaf(key, value)
	case d.schema.sections[key]:
		d.section(key, value)
	default:
		d.unknown(key, value, d.schema.all)
	}
}

// businessSection keeps the section for Settings.Business; what is in it, only the business knows.
func (d *document) businessSection(node *yaml.Node) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.wrong(businessKey, node, "is not a section with keys", "give it keys")
		return
	}
	d.business = node
}

// leaf takes a value as it is written: 007 stays 007, and yes is not true. A key without a value is not given.
func (d *document) leaf(key string, node *yaml.Node) {
	switch {
	case isNull(node):
	case node.Kind == yaml.ScalarNode:
		d.values[key] = given{text: node.Value, origin: d.at(node)}
	case node.Kind == yaml.SequenceNode:
		d.leafList(key, node)
	default:
		d.wrong(key, node, "has keys of its own, where a value belongs", settingOf(key).Mend)
	}
}

func (d *document) leafList(key string, node *yaml.Node) {
	value := given{isList: true, origin: d.at(node)}
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode || isNull(item) {
			d.wrong(key, item, "has an item that is not a single value", settingOf(key).Mend)
			return
		}
		value.items = append(value.items, item.Value)
	}
	d.values[key] = value
}

func (d *document) unknown(key string, node *yaml.Node, known []string) {
	mend := "remove it; the settings are listed in docs/settings.md"
	if meant := suggest(key, known); meant != "" {
		mend = "did you mean " + meant + "?"
	}
	d.wrong(key, node, "is not a setting", mend)
}

func (d *document) wrong(key string, node *yaml.Node, problem, mend string) {
	if key == "" {
		key = d.name
	}
	setting := settingOf(key)
	d.faults.add(&Fault{Key: key, Env: setting.Env, Problem: problem + " (" + d.at(node) + ")", Mend: mend})
}

func (d *document) at(node *yaml.Node) string { return fmt.Sprintf("%s line %d", d.name, node.Line) }

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shownKey is the key as messages name it; anything but a plain name may be a value that slipped into its place.
func shownKey(name string) string {
	if isName(name) && !looksLikeSeed(name) {
		return name
	}
	return show(name)
}

// withoutValues drops what the YAML library quotes from the file: it may be part of a secret.
func withoutValues(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(text, "unknown anchor") {
		return "a value begins with *, which YAML takes for an alias (put it in quotes)"
	}
	if before, _, found := strings.Cut(text, "invalid map key"); found {
		return before + "invalid map key"
	}
	parts := strings.Split(text, "`")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "…"
	}
	return strings.Join(parts, "`")
}
