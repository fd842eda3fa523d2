package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Business reads a part of the `business:` section of anchor.yaml into a pointer, by its yaml tags. The key is a path
// with dots, case kept, "bank.url"; "" is the whole section. A key that is not there leaves the value as it is, so
// that defaults may stand in it; a key of the file that the value has no place for is an error.
func (s Settings) Business(key string, into any) error {
	if v := reflect.ValueOf(into); v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("business setting %q: want a pointer to read into, got %T", key, into)
	}
	node := find(s.business, key)
	if node == nil || isNull(node) {
		return nil
	}
	if err := decodeStrictly(node, into); err != nil {
		return &Fault{
			Key: strings.TrimSuffix(businessKey+"."+key, "."), Problem: withoutValues(err),
			Mend: "correct it in anchor.yaml; what belongs there is for the business' own program to say",
		}
	}
	return nil
}

// find follows a path; nil where it leads nowhere.
func find(node *yaml.Node, path string) *yaml.Node {
	if path == "" {
		return node
	}
	for name := range strings.SplitSeq(path, ".") {
		if node = child(node, name); node == nil {
			return nil
		}
	}
	return node
}

func child(node *yaml.Node, name string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

// decodeStrictly goes through text, because only the library's text decoder refuses unknown keys. Load has refused
// aliases, so a part stands on its own.
func decodeStrictly(node *yaml.Node, into any) error {
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}
