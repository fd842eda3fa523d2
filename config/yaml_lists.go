package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// readList fills a pointer to a slice of structs by the yaml tags of the struct; unknown keys are faults.
func (d *document) readList(path string, node *yaml.Node, into any) {
	d.readValue(path, node, reflect.ValueOf(into).Elem())
}

func (d *document) readValue(path string, node *yaml.Node, into reflect.Value) {
	switch {
	case isNull(node):
	case into.Type() == reflect.TypeFor[Text]():
		into.Set(reflect.ValueOf(d.readText(path, node)))
	case into.Kind() == reflect.Slice:
		d.readItems(path, node, into)
	case into.Kind() == reflect.Struct:
		d.readStruct(path, node, into)
	case node.Kind != yaml.ScalarNode:
		d.wrong(path, node, "is not a single value", "compare with anchor.yaml.example")
	default:
		d.readScalar(path, node, into)
	}
}

func (d *document) readItems(path string, node *yaml.Node, into reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.wrong(path, node, "is not a list", "begin each item with a dash, as in anchor.yaml.example")
		return
	}
	items := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if isNull(item) {
			d.wrong(at, item, "is empty", "fill it in or remove its dash")
			continue
		}
		d.readValue(at, item, items.Index(i))
	}
	into.Set(items)
}

func (d *document) readStruct(path string, node *yaml.Node, into reflect.Value) {
	if node.Kind != yaml.MappingNode {
		d.wrong(path, node, "is not an item with keys", "give it keys, as in anchor.yaml.example")
		return
	}
	known := setDefaults(into)
	d.pairs(path, node, func(key string, value *yaml.Node) {
		name := strings.TrimPrefix(key, path+".")
		i := fieldNamed(into.Type(), name)
		if i < 0 {
			d.unknownInItem(path, name, value, known)
			return
		}
		d.readValue(key, value, into.Field(i))
	})
}

func (d *document) unknownInItem(path, name string, node *yaml.Node, known []string) {
	mend := fmt.Sprintf("remove it; known here: %v", known)
	if meant := suggest(name, known); meant != "" {
		mend = "did you mean " + meant + "?"
	}
	d.wrong(join(path, name), node, "is not a setting", mend)
}

func (d *document) readScalar(path string, node *yaml.Node, into reflect.Value) {
	problem := parseInto(into.Addr().Interface(), node.Value, false)
	if problem != "" {
		d.wrong(path, node, problem, scalarMend(into))
	}
}

func scalarMend(into reflect.Value) string {
	switch into.Addr().Interface().(type) {
	case *bool:
		return "give true or false"
	case *time.Duration:
		return "give a duration with its unit, such as 2s"
	case *int:
		return "give a whole number"
	default:
		return "compare with anchor.yaml.example"
	}
}

// setDefaults fills in the default tags and returns the names of the keys.
func setDefaults(into reflect.Value) []string {
	var names []string
	for i := range into.NumField() {
		tag := into.Type().Field(i).Tag
		names = append(names, tag.Get("yaml"))
		if text := tag.Get("default"); text != "" {
			parseInto(into.Field(i).Addr().Interface(), text, false)
		}
	}
	return names
}

func fieldNamed(t reflect.Type, name string) int {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == name {
			return i
		}
	}
	return -1
}
