package httpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// bareAnswer is how net/http ends the head of the answers that it gives by itself, where a request is so malformed that no
// handler ever sees it: a bad escape in its path, a header that is too large, no HTTP at all. An answer of a handler has a
// date and a request id there.
const bareAnswer = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// jsonListener has those answers be JSON as well, on connections of plain TCP.
type jsonListener struct{ net.Listener }

func (l jsonListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if plain, ok := accepted.(*net.TCPConn); ok && err == nil {
		return jsonConn{plain}, nil
	}
	return accepted, err
}

// jsonConn keeps what else a TCP connection can do: net/http needs it to end one without losing the last answer.
type jsonConn struct{ *net.TCPConn }

func (c jsonConn) Write(p []byte) (int, error) {
	status, ok := bareStatus(p)
	if !ok {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(jsonAnswer(status)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bareStatus finds out whether bytes are a whole answer of net/http itself, which it writes at once.
func bareStatus(p []byte) (status int, ok bool) {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1.1 "))
	if !ok {
		return 0, false
	}
	line, _, ok := bytes.Cut(rest, []byte(bareAnswer))
	if !ok || bytes.ContainsAny(line, "\r\n") || len(line) < 3 {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[:3]))
	return status, err == nil && status >= 400
}

func jsonAnswer(status int) []byte {
	text := textOf(status)
	body, _ := json.Marshal(problem{Error: text}) // never fails: it is one string
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, text, len(body), body)
}
