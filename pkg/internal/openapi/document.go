package openapi

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed spec/*.yaml
var spec embed.FS

// Options are what the document is made of. All of it is published.
type Options struct {
	Title      string
	ServerURL  string   // public address of the server, without a path
	Version    string   // of the program; may be empty
	ActiveSEPs []string // "sep-10", …; paths of others are left out
}

// Document is the document of one set of options. It does not change; any goroutine may read it.
type Document struct {
	model model
	json  []byte
}

// Route is a path that is served with a method.
type Route struct{ Method, Path string }

// Pattern is the path as echo writes it: /sep31/transactions/:id.
func (r Route) Pattern() string {
	return strings.ReplaceAll(strings.ReplaceAll(r.Path, "{", ":"), "}", "")
}

// Load makes the document.
func Load(o Options) (*Document, error) {
	if o.Title == "" || o.ServerURL == "" {
		return nil, errors.New("openapi: the title or the server's address is missing")
	}
	root, err := joined(o.ActiveSEPs)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	fill(root, o)
	d := &Document{}
	if err := root.Decode(&d.model); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var text bytes.Buffer
	if err := writeJSON(&text, root, ""); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	d.json = text.Bytes()
	return d, nil
}

// JSON is the document as it is served. It must not be changed.
func (d *Document) JSON() []byte { return d.json }

// Paths lists what is documented, in the order of the document.
func (d *Document) Paths() []Route {
	var routes []Route
	for _, path := range d.model.Paths {
		for _, operation := range path.Value {
			routes = append(routes, Route{Method: strings.ToUpper(operation.Name), Path: path.Name})
		}
	}
	return routes
}

// files lists the parts of the document for the active SEPs, in the order in which people read them.
func files(active []string) []string {
	list := []string{"base"}
	for _, part := range []struct {
		sep   string
		files []string
	}{
		{"sep-1", []string{"sep1"}},
		{"sep-10", []string{"sep10"}},
		{"sep-12", []string{"sep12", "sep12_files", "sep12_schemas", "sep12_names"}},
		{"sep-31", []string{"sep31", "sep31_schemas"}},
		{"sep-38", []string{"sep38", "sep38_schemas"}},
	} {
		if slices.Contains(active, part.sep) {
			list = append(list, part.files...)
		}
	}
	return append(list, "self")
}

// joined reads the parts and joins them into the first.
func joined(active []string) (*yaml.Node, error) {
	var root *yaml.Node
	for _, name := range files(active) {
		part, err := read(name)
		if err != nil {
			return nil, err
		}
		if root == nil {
			root = part
			continue
		}
		if err := join(root, part, name); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func read(name string) (*yaml.Node, error) {
	raw, err := spec.ReadFile("spec/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) != 1 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	return document.Content[0], nil
}

// join adds a part's tags, paths and components; a name that is there already is a mistake in the parts.
func join(root, part *yaml.Node, name string) error {
	for i := 0; i+1 < len(part.Content); i += 2 {
		key, value := part.Content[i].Value, part.Content[i+1]
		into := child(root, key)
		switch {
		case into == nil:
			return fmt.Errorf("%s: the document has no place for %s", name, key)
		case key == "tags":
			into.Content = append(into.Content, value.Content...)
			into.Style = 0
		case key == "components":
			if err := joinKinds(into, value, name); err != nil {
				return err
			}
		default:
			if err := add(into, value, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinKinds adds components, which are grouped by kind: schemas, parameters and so on.
func joinKinds(into, from *yaml.Node, name string) error {
	for i := 0; i+1 < len(from.Content); i += 2 {
		kind := child(into, from.Content[i].Value)
		if kind == nil {
			into.Content = append(into.Content, from.Content[i], from.Content[i+1])
			continue
		}
		if err := add(kind, from.Content[i+1], name); err != nil {
			return err
		}
	}
	return nil
}

func add(into, from *yaml.Node, name string) error {
	for i := 0; i+1 < len(from.Content); i += 2 {
		if child(into, from.Content[i].Value) != nil {
			return fmt.Errorf("%s: %s is there already", name, from.Content[i].Value)
		}
		into.Content = append(into.Content, from.Content[i], from.Content[i+1])
	}
	return nil
}

// child is the value of a key; nil where the node has no such key.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// fill puts in what is known only here.
func fill(root *yaml.Node, o Options) {
	info := child(root, "info")
	child(info, "title").SetString(o.Title)
	child(info, "version").SetString(o.Version)
	child(child(root, "servers").Content[0], "url").SetString(strings.TrimRight(o.ServerURL, "/"))
}
