package openapi

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page/page.html
var pageTemplate string

//go:embed page/style.css
var pageStyle string

// page is what the template shows.
type page struct {
	Title, Version, Address string
	About                   template.HTML
	Style                   template.CSS
	Groups                  []group
	Shared                  []sharedView
	Schemas                 []schemaView
}

// group is the operations of one tag.
type group struct {
	Name, Anchor string
	About        template.HTML
	Link, LinkTo string // where the SEP is
	Operations   []operationView
}

type operationView struct {
	Anchor, Method, Path, Summary string
	Deprecated                    bool
	Token                         string // whether one is needed, in words
	About                         template.HTML
	Parameters                    []propertyView
	Body                          *bodyView
	Answers                       []answerView
	Callbacks                     []operationView
	Examples                      []exampleView
}

type bodyView struct {
	About    template.HTML
	Required bool
	Kinds    []kindView
}

// kindView is a content type with what it holds. Several types of one shape share a view.
type kindView struct {
	Names []string
	Shape schemaView
}

type answerView struct {
	Status  string
	Good    bool
	About   template.HTML
	Headers []propertyView
	Kind    string
	Shape   *schemaView
	Shared  string // the anchor of what many operations answer alike; empty for an answer of this one's own
}

// sharedView is an answer that many operations give.
type sharedView struct {
	Name, Anchor string
	About        template.HTML
	Headers      []propertyView
	Examples     []exampleView
}

type exampleView struct{ Title, Text string }

// schemaView is a schema with one level of its properties.
type schemaView struct {
	Name, Anchor string // empty where the schema has no name of its own
	About        template.HTML
	Type         template.HTML
	Properties   []propertyView
	Parts        []template.HTML // what it is made of, or one of which it is
	PartsAre     string
	Rules        []string
	Values       []string
}

type propertyView struct {
	Name, In             string
	Type                 template.HTML
	Required, Deprecated bool
	About                template.HTML
	Rules                []string
	Values               []string
	Inner                []propertyView
}

// render writes the page; style is the text of its style element, for the policy.
func render(m model) (body []byte, style string, err error) {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, "", err
	}
	v, err := viewer{m.Components, m.Servers[0].URL}.page(m)
	if err != nil {
		return nil, "", err
	}
	style = string(v.Style)
	var text bytes.Buffer
	if err := t.Execute(&text, v); err != nil {
		return nil, "", err
	}
	return text.Bytes(), style, nil
}

// viewer turns the model into what the template shows.
type viewer struct {
	components
	address string
}

func (v viewer) page(m model) (page, error) {
	p := page{
		Title: m.Info.Title, Version: m.Info.Version, Address: v.address, About: markdown(m.Info.Description),
		Style: template.CSS(pageStyle), //nolint:gosec // ours, embedded
	}
	for _, t := range m.Tags {
		g, err := v.group(t, m.Paths)
		if err != nil {
			return p, err
		}
		p.Groups = append(p.Groups, g)
	}
	var err error
	if p.Shared, err = v.shared(); err != nil {
		return p, err
	}
	p.Schemas, err = v.all()
	return p, err
}

func (v viewer) all() ([]schemaView, error) {
	var views []schemaView
	for _, s := range v.Schemas {
		shape, err := v.named(s.Name)
		if err != nil {
			return nil, err
		}
		views = append(views, shape)
	}
	return views, nil
}

func (v viewer) shared() ([]sharedView, error) {
	var views []sharedView
	for _, r := range v.Responses {
		view := sharedView{Name: r.Name, Anchor: sharedAnchor(r.Name), About: markdown(r.Value.Description), Headers: v.headers(r.Value)}
		for _, m := range r.Value.Content {
			var err error
			if view.Examples, err = v.bodyExamples("Answer", m.Value); err != nil {
				return nil, err
			}
		}
		views = append(views, view)
	}
	return views, nil
}

func sharedAnchor(name string) string { return "answer-" + name }

func (v viewer) group(t tag, paths ordered[ordered[operation]]) (group, error) {
	g := group{
		Name: t.Name, Anchor: "tag-" + strings.ReplaceAll(strings.ToLower(t.Name), " ", "-"), About: markdown(t.Description),
		Link: t.ExternalDocs.Description, LinkTo: t.ExternalDocs.URL,
	}
	for _, path := range paths {
		for _, method := range path.Value {
			if method.Value.Tags[0] != t.Name {
				continue
			}
			o, err := v.operation(method.Name, path.Name, method.Value)
			if err != nil {
				return g, err
			}
			g.Operations = append(g.Operations, o)
		}
	}
	return g, nil
}

func (v viewer) operation(method, path string, o operation) (operationView, error) {
	view := operationView{
		Anchor: o.OperationID, Method: strings.ToUpper(method), Path: path, Summary: o.Summary, Deprecated: o.Deprecated,
		Token: tokenOf(o), About: markdown(o.Description),
	}
	for _, p := range o.Parameters {
		view.Parameters = append(view.Parameters, v.parameterView(v.parameter(p)))
	}
	var err error
	if view.Body, err = v.bodyView(v.body(o.RequestBody)); err != nil {
		return view, err
	}
	if view.Answers, err = v.answers(o.Responses); err != nil {
		return view, err
	}
	if view.Callbacks, err = v.callbacks(o.Callbacks); err != nil {
		return view, err
	}
	view.Examples, err = v.examples(view, o)
	return view, err
}

// callbacks are requests that the anchor makes; their address is the client's.
func (v viewer) callbacks(list ordered[ordered[ordered[operation]]]) ([]operationView, error) {
	var views []operationView
	for _, callback := range list {
		for _, address := range callback.Value {
			for _, method := range address.Value {
				view, err := v.operation(method.Name, "your address", method.Value)
				if err != nil {
					return nil, err
				}
				view.Token = ""
				views = append(views, view)
			}
		}
	}
	return views, nil
}

// tokenOf says whether a token is needed: no requirement is none, an empty one beside another is a choice.
func tokenOf(o operation) string {
	switch {
	case len(o.Security) == 0:
		return "no token"
	case len(o.Security) > 1:
		return "token may be sent"
	}
	return "token needed"
}

func (v viewer) bodyView(b *requestBody) (*bodyView, error) {
	if b == nil {
		return nil, nil
	}
	view := &bodyView{About: markdown(b.Description), Required: b.Required}
	for _, m := range b.Content {
		shape, err := v.shape(m.Value.Schema)
		if err != nil {
			return nil, err
		}
		last := len(view.Kinds) - 1
		if last >= 0 && shape.Name != "" && view.Kinds[last].Shape.Name == shape.Name {
			view.Kinds[last].Names = append(view.Kinds[last].Names, m.Name)
			continue
		}
		view.Kinds = append(view.Kinds, kindView{Names: []string{m.Name}, Shape: shape})
	}
	return view, nil
}

func (v viewer) answers(list ordered[response]) ([]answerView, error) {
	var views []answerView
	for _, entry := range list {
		if entry.Value.Ref != "" {
			views = append(views, v.reference(entry))
			continue
		}
		view := answerView{
			Status: entry.Name, Good: entry.Name < "400", About: markdown(entry.Value.Description), Headers: v.headers(entry.Value),
		}
		for _, m := range entry.Value.Content {
			shape, err := v.shape(m.Value.Schema)
			if err != nil {
				return nil, err
			}
			view.Kind, view.Shape = m.Name, &shape
		}
		views = append(views, view)
	}
	return views, nil
}

// reference is a shared answer where an operation gives it: its first sentence.
func (v viewer) reference(entry named[response]) answerView {
	first, _, _ := strings.Cut(v.response(entry.Value).Description, ". ")
	return answerView{
		Status: entry.Name, About: phrase(strings.TrimSuffix(strings.TrimSpace(first), ".") + "."),
		Shared: sharedAnchor(referred(entry.Value.Ref)),
	}
}

func (v viewer) headers(r response) []propertyView {
	var views []propertyView
	for _, h := range r.Headers {
		h.Value.Name = h.Name
		views = append(views, v.parameterView(h.Value))
	}
	return views
}
