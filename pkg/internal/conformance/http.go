package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// request is one request.
type request struct {
	method, url string
	token       string // none: without
	kind        string // Content-Type; none: without
	body        []byte
}

func get(address string, query url.Values) request {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return request{method: http.MethodGet, url: address}
}

// withJSON makes a request with a body; what is sent are maps, so that nothing about it depends on structs.
func withJSON(method, address string, body map[string]any) request {
	raw, err := json.Marshal(body)
	if err != nil { // maps of texts and numbers are always JSON
		raw = nil
	}
	return request{method: method, url: address, kind: "application/json", body: raw}
}

func (r request) as(token string) request {
	r.token = token
	return r
}

// answer is what came.
type answer struct {
	status int
	header http.Header
	body   []byte
	to     request
}

// String shows an answer to people.
func (a answer) String() string {
	const longest = 300
	body := strings.TrimSpace(string(a.body))
	if len(body) > longest {
		body = body[:longest] + "…"
	}
	return fmt.Sprintf("%d %s (%s %s)", a.status, body, a.to.method, a.to.url)
}

// ask makes a request. An error says that there was no answer.
func (v *visit) ask(r request) (answer, error) {
	request, err := http.NewRequestWithContext(v.ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("the request cannot be made: %w", err)
	}
	if r.kind != "" {
		request.Header.Set("Content-Type", r.kind)
	}
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	response, err := v.HTTP.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("the answer of %s %s broke off: %w", r.method, r.url, err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: body, to: r}, nil
}

// demand makes a request that must be answered with one of the statuses.
func (v *visit) demand(r request, statuses ...int) (answer, error) {
	a, err := v.ask(r)
	if err != nil {
		return a, err
	}
	if !slices.Contains(statuses, a.status) {
		return a, expected("status "+oneOfNumbers(statuses), a)
	}
	return a, nil
}

func oneOfNumbers(list []int) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, " or ")
}

// demandJSON is demand for an answer that must be JSON of a shape.
func (v *visit) demandJSON(r request, status int, is rule) (any, error) {
	a, err := v.demand(r, status)
	if err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, expected("Content-Type application/json", fmt.Sprintf("%q with %v", a.header.Get("Content-Type"), a))
	}
	value, err := decode(a.body)
	if err != nil {
		return nil, expected("JSON", a)
	}
	if err := is("the answer", value); err != nil {
		return nil, fmt.Errorf("%w in %v", err, a)
	}
	return value, nil
}

// demandObject is demandJSON for an answer that is an object.
func (v *visit) demandObject(r request, status int, is rule) (map[string]any, error) {
	value, err := v.demandJSON(r, status, is)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, expected("a JSON object", fmt.Sprint(value))
	}
	return object, nil
}

// decode reads one JSON value; numbers keep their digits.
func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return value, nil
}

// texts widens a map for a body.
func texts(of map[string]string) map[string]any {
	wide := make(map[string]any, len(of))
	for name, value := range of {
		wide[name] = value
	}
	return wide
}

func with(body map[string]any, more map[string]any) map[string]any {
	all := maps.Clone(body)
	maps.Copy(all, more)
	return all
}

// textOf is the text under a key; empty where there is none.
func textOf(object map[string]any, key string) string {
	text, _ := object[key].(string)
	return text
}
