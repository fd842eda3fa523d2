package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// writeJSON writes a node as JSON, keys in the order in which they stand: people wrote them in the order to be read in. With an
// indent it is spread over lines, each beginning with that indent.
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
	}
	return fmt.Errorf("line %d: cannot be written as JSON", n.Line)
}

// writeMembers writes what a node holds, each member being a value or a key with its value.
func writeMembers(to *bytes.Buffer, n *yaml.Node, indent, brackets string, width int) error {
	to.WriteByte(brackets[0])
	inner := ""
	if indent != "" {
		inner = indent + "  "
	}
	for i := 0; i+width <= len(n.Content); i += width {
		if i > 0 {
			to.WriteByte(',')
		}
		to.WriteString(inner)
		if width == 2 {
			if err := writeText(to, n.Content[i].Value); err != nil {
				return err
			}
			to.WriteByte(':')
			if indent != "" {
				to.WriteByte(' ')
			}
		}
		if err := writeJSON(to, n.Content[i+width-1], inner); err != nil {
			return err
		}
	}
	if len(n.Content) > 0 {
		to.WriteString(indent)
	}
	to.WriteByte(brackets[1])
	return nil
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
