package conformance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/anchorkit/anchor/pkg/internal/conformance"
)

// middleman stands between a client and the anchor and answers in its place, mostly with what the anchor says.
type middleman func(c *call) reply

// call is a request on its way.
type call struct {
	*http.Request
	sent []byte // its body
}

// reply is an answer on its way.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// judged is a suite whose anchor is reached through the middleman.
func (m middleman) judged(s conformance.Suite) conformance.Suite {
	s.HTTP = &http.Client{Timeout: s.HTTP.Timeout, Transport: m}
	return s
}

// RoundTrip makes it the transport of a client.
func (m middleman) RoundTrip(r *http.Request) (*http.Response, error) {
	c := &call{Request: r.Clone(r.Context())}
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.sent = sent
	}
	a := m(c)
	if a.header == nil { // the anchor was not reached
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

// pass asks the anchor.
func (c *call) pass() reply {
	r := c.Clone(c.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(c.sent)), int64(len(c.sent))
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return reply{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}
	}
	response.Header.Del("Content-Length") // it may change
	return reply{response.StatusCode, response.Header, body}
}

// is tells whether the request is to an endpoint, "PUT /kyc/customer": the path is a regular expression, ".*" any method.
func (c *call) is(endpoint string) bool {
	method, path, _ := strings.Cut(endpoint, " ")
	return (method == ".*" || c.Method == method) && regexp.MustCompile("^"+path+"$").MatchString(c.URL.Path)
}

// text is a value of the request's JSON body.
func (c *call) text(key string) string {
	var body map[string]any
	if err := json.Unmarshal(c.sent, &body); err != nil {
		return ""
	}
	text, _ := body[key].(string)
	return text
}

// subject is whom the request's token names; empty without one.
func (c *call) subject() string {
	parts := strings.Split(c.Header.Get("Authorization"), ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(raw, &claims); err != nil {
		return ""
	}
	return claims.Sub
}

func (a reply) ok() bool { return a.status >= 200 && a.status < 300 }

// object is the answer's JSON.
func (a reply) object() map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return map[string]any{}
	}
	return object
}

func (a reply) with(object map[string]any) reply {
	raw, err := json.Marshal(object)
	if err != nil {
		return reply{}
	}
	a.body = raw
	return a
}

func refusal(status int) reply {
	return reply{status, http.Header{"Content-Type": {"application/json"}}, []byte(`{"error":"refused by the middleman"}`)}
}

// edits changes what the anchor answers at an endpoint when it succeeds; others pass.
func edits(endpoint string, change func(answer map[string]any, c *call)) middleman {
	return func(c *call) reply {
		a := c.pass()
		if !c.is(endpoint) || !a.ok() {
			return a
		}
		answer := a.object()
		change(answer, c)
		return a.with(answer)
	}
}

// answersStatus answers with another status wherever the anchor answers with one.
func answersStatus(endpoint string, from, to int) middleman {
	return func(c *call) reply {
		a := c.pass()
		if c.is(endpoint) && a.status == from {
			a.status = to
		}
		return a
	}
}

// refuses refuses requests to an endpoint when they are so.
func refuses(endpoint string, status int, so func(c *call) bool) middleman {
	return func(c *call) reply {
		if c.is(endpoint) && so(c) {
			return refusal(status)
		}
		return c.pass()
	}
}
