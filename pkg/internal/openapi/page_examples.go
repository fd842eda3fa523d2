package openapi

import (
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// examples are a request, ready for a shell, and what is answered to it, all made of the document's own examples.
func (v viewer) examples(view operationView, o operation) ([]exampleView, error) {
	var list []exampleView
	if view.Path == "your address" {
		return v.bodyExamples("Body", v.body(o.RequestBody).Content[0].Value)
	}
	request, err := v.command(view, o)
	if err != nil {
		return nil, err
	}
	list = append(list, exampleView{"Request", request})
	more, err := v.otherBodies(o)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	for _, entry := range o.Responses {
		if entry.Value.Ref != "" {
			continue
		}
		for _, m := range entry.Value.Content {
			answers, err := v.bodyExamples("Answer "+entry.Name, m.Value)
			if err != nil {
				return nil, err
			}
			list = append(list, answers...)
		}
	}
	return list, nil
}

func (v viewer) bodyExamples(title string, m media) ([]exampleView, error) {
	var list []exampleView
	if m.Example.Kind != 0 {
		text, err := pretty(&m.Example)
		if err != nil {
			return nil, err
		}
		list = append(list, exampleView{title, text})
	}
	for _, e := range m.Examples {
		text, err := pretty(&e.Value.Value)
		if err != nil {
			return nil, err
		}
		list = append(list, exampleView{title + ": " + lower(e.Value.Summary), text})
	}
	return list, nil
}

// otherBodies are the examples of a JSON body behind the first, which the command shows.
func (v viewer) otherBodies(o operation) ([]exampleView, error) {
	body := v.body(o.RequestBody)
	if body == nil || len(body.Content[0].Value.Examples) < 2 {
		return nil, nil
	}
	list, err := v.bodyExamples("Body", body.Content[0].Value)
	if err != nil {
		return nil, err
	}
	return list[1:], nil
}

// command is the request as curl makes it.
func (v viewer) command(view operationView, o operation) (string, error) {
	lines := []string{"curl"}
	if view.Method != "GET" {
		lines[0] += " -X " + view.Method
	}
	lines[0] += " '" + v.address + v.target(view.Path, o.Parameters) + "'"
	if len(o.Security) == 1 {
		lines = append(lines, `-H "Authorization: Bearer $TOKEN"`)
	}
	for _, p := range o.Parameters {
		if p = v.parameter(p); p.In == "header" && p.Example.Kind != 0 {
			lines = append(lines, fmt.Sprintf("-H '%s: %s'", p.Name, p.Example.Value))
		}
	}
	body, err := v.bodyOf(o)
	return strings.Join(append(lines, body...), " \\\n  "), err
}

// target is path and query, filled with the examples of the parameters.
func (v viewer) target(path string, parameters []parameter) string {
	var query []string
	for _, p := range parameters {
		p = v.parameter(p)
		switch {
		case p.Example.Kind == 0:
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(p.Example.Value))
		case p.In == "query":
			query = append(query, p.Name+"="+p.Example.Value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + strings.Join(query, "&")
}

// bodyOf is the body for curl, in the first of its content types.
func (v viewer) bodyOf(o operation) ([]string, error) {
	body := v.body(o.RequestBody)
	if body == nil {
		return nil, nil
	}
	first := body.Content[0]
	example := &first.Value.Example
	if example.Kind == 0 {
		example = &first.Value.Examples[0].Value.Value
	}
	if first.Name != "application/json" {
		return formOf(example), nil
	}
	text, err := pretty(example)
	if err != nil {
		return nil, err
	}
	return []string{"-H 'Content-Type: application/json'", "-d '" + text + "'"}, nil
}

func formOf(example *yaml.Node) []string {
	var parts []string
	for i := 0; i+1 < len(example.Content); i += 2 {
		parts = append(parts, fmt.Sprintf("-F '%s=%s'", example.Content[i].Value, example.Content[i+1].Value))
	}
	return parts
}

func lower(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
