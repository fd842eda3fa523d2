package openapi

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ordered is a mapping that keeps the order of its keys.
type ordered[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		entry := named[T]{Name: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&entry.Value); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		*o = append(*o, entry)
	}
	return nil
}

// get is the value of a key; the zero value where there is none.
func (o ordered[T]) get(name string) T {
	for _, entry := range o {
		if entry.Name == name {
			return entry.Value
		}
	}
	var none T
	return none
}

// model is as much of OpenAPI as the page shows.
type model struct {
	Info struct {
		Title, Version, Description string
	}
	Servers    []struct{ URL string }
	Tags       []tag
	Paths      ordered[ordered[operation]] // by path, then by method
	Components components
}

type components struct {
	Schemas       ordered[*schema]
	Parameters    ordered[parameter]
	Responses     ordered[response]
	RequestBodies ordered[requestBody] `yaml:"requestBodies"`
}

type tag struct {
	Name, Description string
	ExternalDocs      struct{ Description, URL string } `yaml:"externalDocs"`
}

type operation struct {
	Tags                 []string
	OperationID          string `yaml:"operationId"`
	Summary, Description string
	Deprecated           bool
	Security             []map[string][]string
	Parameters           []parameter
	RequestBody          *requestBody `yaml:"requestBody"`
	Responses            ordered[response]
	Callbacks            ordered[ordered[ordered[operation]]] // by name, address, method
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name, In    string
	Description string
	Required    bool
	Deprecated  bool
	Schema      *schema
	Example     yaml.Node
}

type requestBody struct {
	Ref         string `yaml:"$ref"`
	Description string
	Required    bool
	Content     ordered[media]
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     ordered[parameter]
	Content     ordered[media]
}

type media struct {
	Schema   *schema
	Example  yaml.Node
	Examples ordered[struct {
		Summary string
		Value   yaml.Node
	}]
}

type schema struct {
	Ref                  string `yaml:"$ref"`
	Type, Format         string
	Description          string
	Nullable, Deprecated bool
	Enum                 []string
	Pattern              string
	Minimum, Maximum     *int
	MinLength            *int `yaml:"minLength"`
	MaxLength            *int `yaml:"maxLength"`
	Required             []string
	Properties           ordered[*schema]
	AdditionalProperties yaml.Node `yaml:"additionalProperties"` // a truth value or a schema
	Items                *schema
	AllOf                []*schema `yaml:"allOf"`
	AnyOf                []*schema `yaml:"anyOf"`
}

// rest is the schema of the keys that have no name; nil where nothing is said of them.
func (s *schema) rest() (*schema, error) {
	if s.AdditionalProperties.Kind != yaml.MappingNode {
		return nil, nil
	}
	var other schema
	if err := s.AdditionalProperties.Decode(&other); err != nil {
		return nil, err
	}
	return &other, nil
}

// referred is the last part of a reference: the name of the component.
func referred(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// parameter resolves a reference.
func (c components) parameter(p parameter) parameter {
	if p.Ref == "" {
		return p
	}
	return c.Parameters.get(referred(p.Ref))
}

// response resolves a reference.
func (c components) response(r response) response {
	if r.Ref == "" {
		return r
	}
	return c.Responses.get(referred(r.Ref))
}

// body resolves a reference.
func (c components) body(b *requestBody) *requestBody {
	if b == nil || b.Ref == "" {
		return b
	}
	return new(c.RequestBodies.get(referred(b.Ref)))
}
