package httpserver

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// bareAnswer is how net/http ends the head of the answers that it gives by itself, where a request is so malformed that no
// handler ever sees it: a bad escape in its path, a header that is too large, no HTTP at all. An answer of a handler has a
// date and a request id there.
const bareAnswer = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// connection has those answers be JSON as well.
type connection struct {
	net.Conn
	leave   func()
	scolded bool // was told to speak TLS; only its one reader looks at it
}

// Read implements net.Conn. Who speaks plain HTTP to an address of TLS is told so, in the only language he speaks.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && !c.scolded {
		if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && letters(plain.RecordHeader[:]) {
			c.scolded = true
			_, _ = plain.Conn.Write(jsonAnswer(http.StatusBadRequest, "this address speaks https"))
		}
	}
	return n, err
}

// letters tells a method of HTTP from other things that are not TLS either.
func letters(header []byte) bool {
	return len(header) >= 3 && bytes.IndexFunc(header[:3], func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	status, ok := bareStatus(p)
	if !ok {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(jsonAnswer(status, textOf(status))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite lets net/http end a connection without losing the last answer.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (c *connection) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// bareStatus finds out whether bytes are a whole answer of net/http itself, which it writes at once.
func bareStatus(p []byte) (status int, ok bool) {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1."))
	if !ok || len(rest) < len("1 417 ") {
		return 0, false
	}
	rest = rest[2:]
	if bytes.HasPrefix(rest, []byte("417 Expectation Failed\r\n")) { // to an Expect that it does not know, and no handler of ours says so
		return http.StatusExpectationFailed, true
	}
	line, _, ok := bytes.Cut(rest, []byte(bareAnswer))
	if !ok || bytes.ContainsAny(line, "\r\n") || len(line) < 3 {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[:3]))
	return status, err == nil && status >= 400
}

func jsonAnswer(status int, text string) []byte {
	body, _ := json.Marshal(problem{Error: text}) // never fails: it is one string
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)
}
