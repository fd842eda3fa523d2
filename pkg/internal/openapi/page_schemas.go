package openapi

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
)

// named is a schema of the document's own, as it stands in the list of schemas.
func (v viewer) named(name string) (schemaView, error) {
	view, err := v.inline(v.Schemas.get(name))
	view.Name, view.Anchor = name, schemaAnchor(name)
	return view, err
}

// shape is a schema where it is used: with its name, if it has one, and its properties.
func (v viewer) shape(s *schema) (schemaView, error) {
	if s == nil {
		return schemaView{}, nil
	}
	if s.Ref != "" {
		return v.named(referred(s.Ref))
	}
	return v.inline(s)
}

func (v viewer) inline(s *schema) (schemaView, error) {
	view := schemaView{About: markdown(s.Description), Type: v.typeOf(s), Rules: rulesOf(s), Values: valuesOf(s)}
	for _, part := range s.AnyOf {
		view.Parts, view.PartsAre = append(view.Parts, v.typeOf(part)), "One of"
	}
	for _, part := range s.AllOf {
		if part.Ref != "" {
			view.Parts, view.PartsAre = append(view.Parts, v.typeOf(part)), "All of"
			continue
		}
		properties, err := v.properties(part)
		if err != nil {
			return view, err
		}
		view.Properties = append(view.Properties, properties...)
	}
	properties, err := v.properties(s)
	view.Properties = append(view.Properties, properties...)
	return view, err
}

func (v viewer) properties(s *schema) ([]propertyView, error) {
	var views []propertyView
	for _, p := range s.Properties {
		view, err := v.property(p.Name, p.Value)
		if err != nil {
			return nil, err
		}
		view.Required = slices.Contains(s.Required, p.Name)
		views = append(views, view)
	}
	rest, err := s.rest()
	if err != nil || rest == nil {
		return views, err
	}
	view, err := v.property("any name", rest)
	view.In = "rest"
	return append(views, view), err
}

func (v viewer) property(name string, s *schema) (propertyView, error) {
	view := propertyView{
		Name: name, Type: v.typeOf(s), Deprecated: s.Deprecated, About: markdown(v.describe(s)), Rules: rulesOf(s), Values: valuesOf(s),
	}
	inner := s
	if s.Items != nil {
		inner = s.Items
	}
	var err error
	view.Inner, err = v.properties(inner)
	return view, err
}

// describe is what is said of a schema where it is used, else what is said of the one that it refers to.
func (v viewer) describe(s *schema) string {
	if s.Description != "" || s.Ref == "" {
		return s.Description
	}
	return v.Schemas.get(referred(s.Ref)).Description
}

func (v viewer) parameterView(p parameter) propertyView {
	s := p.Schema
	if s.Ref != "" {
		s = v.Schemas.get(referred(s.Ref))
	}
	return propertyView{
		Name: p.Name, In: p.In, Type: v.typeOf(p.Schema), Required: p.Required, Deprecated: p.Deprecated, About: markdown(p.Description),
		Rules: rulesOf(s), Values: valuesOf(s),
	}
}

// typeOf names a type in a few words; names of schemas are links.
func (v viewer) typeOf(s *schema) template.HTML {
	switch {
	case s.Ref != "":
		name := html.EscapeString(referred(s.Ref))
		return template.HTML(`<a href="#` + schemaAnchor(name) + `">` + name + `</a>`) //nolint:gosec // name is escaped
	case s.Items != nil:
		return "list of " + v.typeOf(s.Items)
	case len(s.AllOf) == 1:
		return v.typeOf(s.AllOf[0])
	case len(s.AnyOf) > 0:
		return v.choice(s.AnyOf)
	case s.Format == "binary":
		return "file"
	case s.Type == "":
		return "object"
	}
	return template.HTML(html.EscapeString(s.Type)) //nolint:gosec // escaped
}

func (v viewer) choice(list []*schema) template.HTML {
	var names []string
	for _, s := range list {
		names = append(names, string(v.typeOf(s)))
	}
	return template.HTML(strings.Join(names, " or ")) //nolint:gosec // made of escaped parts
}

func schemaAnchor(name string) string { return "schema-" + name }

// rulesOf says in words what a value must keep to.
func rulesOf(s *schema) []string {
	var rules []string
	if s.Format != "" && s.Format != "binary" {
		rules = append(rules, "format "+s.Format)
	}
	for _, bound := range []struct {
		value *int
		words string
	}{
		{s.Minimum, "at least %d"}, {s.Maximum, "at most %d"}, {s.MinLength, "at least %d long"}, {s.MaxLength, "at most %d long"},
	} {
		notEmpty := bound.value == s.MinLength && bound.value != nil && *bound.value == 1 // goes without saying
		if bound.value != nil && !notEmpty {
			rules = append(rules, fmt.Sprintf(bound.words, *bound.value))
		}
	}
	if s.Pattern != "" {
		rules = append(rules, "pattern "+s.Pattern)
	}
	return rules
}

// valuesOf lists the values that are allowed, unless the description goes through them. Empty texts and null, which count as
// absent, are not worth a line.
func valuesOf(s *schema) []string {
	values := slices.DeleteFunc(slices.Clone(s.Enum), func(value string) bool { return value == "" })
	if !slices.ContainsFunc(values, func(value string) bool { return !strings.Contains(s.Description, "`"+value+"`") }) {
		return nil
	}
	return values
}
