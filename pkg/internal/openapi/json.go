package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// writeJSON writes a node as JSON, keys in the order in which they stand: people wrote them in the order to be read in. An
// indent begins with a new line and is written before every member; without one all is one line.
func writeJSON(to *bytes.Buffer, n *yaml.Node, indent string) error {
	switch n.Kind {
	case yaml.AliasNode:
		return writeJSON(to, n.Alias, indent)
	case yaml.MappingNode:
		return writeMembers(to, n, indent, "{}", 2)
	case yaml.SequenceNode:
		return writeMembers(to, n, indent, "[]", 1)
	case yaml.ScalarNode:
		return writeScalar(to, n)
	case yaml.DocumentNode:
	}
	return fmt.Errorf("line %d: cannot be written as JSON", n.Line)
}

// writeMembers writes what a node holds between two brackets; each member is width nodes: a value, or a key and its value.
func writeMembers(to *bytes.Buffer, n *yaml.Node, indent, brackets string, width int) error {
	to.WriteByte(brackets[0])
	inner := deeper(indent)
	for i := 0; i+width <= len(n.Content); i += width {
		if i > 0 {
			to.WriteByte(',')
		}
		to.WriteString(inner)
		if err := writeMember(to, n.Content[i:i+width], inner); err != nil {
			return err
		}
	}
	if len(n.Content) > 0 {
		to.WriteString(indent)
	}
	to.WriteByte(brackets[1])
	return nil
}

func deeper(indent string) string {
	if indent == "" {
		return ""
	}
	return indent + "  "
}

func writeMember(to *bytes.Buffer, member []*yaml.Node, indent string) error {
	if len(member) == 1 {
		return writeJSON(to, member[0], indent)
	}
	if err := writeText(to, member[0].Value); err != nil {
		return err
	}
	to.WriteByte(':')
	if indent != "" {
		to.WriteByte(' ')
	}
	return writeJSON(to, member[1], indent)
}

func writeScalar(to *bytes.Buffer, n *yaml.Node) error {
	var value any
	if err := n.Decode(&value); err != nil {
		return err
	}
	return writeText(to, value)
}

// writeText writes a scalar. HTML is not escaped: the page does that where it must.
func writeText(to *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	to.Truncate(to.Len() - 1) // the encoder ends with a new line
	return nil
}

// pretty is an example as people read it: a text as it stands, everything else as JSON over several lines.
func pretty(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		return pretty(n.Alias)
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		return n.Value, nil
	}
	var text bytes.Buffer
	err := writeJSON(&text, n, "\n")
	return text.String(), err
}
