package httpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// wire sends bytes to a server as they are.
type wire struct {
	t       testing.TB
	address string
}

func (b *bundle) wire() *wire {
	soft, stop := context.WithCancel(b.t.Context())
	address, wait := b.start(soft, b.t.Context())
	b.t.Cleanup(func() {
		stop()
		require.NoError(b.t, wait())
	})
	return &wire{b.t, strings.TrimPrefix(address, "http://")}
}

func (w *wire) dial() net.Conn {
	w.t.Helper()
	connection, err := net.Dial("tcp", w.address)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = connection.Close() })
	require.NoError(w.t, connection.SetDeadline(time.Now().Add(20*time.Second)))
	return connection
}

// answers are all that come back on one connection until the server closes it, an answer to HEAD excepted.
func (w *wire) answers(request string) (list []answer) {
	w.t.Helper()
	connection := w.dial()
	go func() { _, _ = io.WriteString(connection, request) }() // a server that refuses does not read it all
	from := bufio.NewReader(connection)
	for {
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			require.NotEmpty(w.t, list, "no answer: %v", err)
			return list
		}
		if response.StatusCode == http.StatusContinue {
			continue
		}
		raw, err := io.ReadAll(response.Body)
		require.NoError(w.t, err)
		require.NoError(w.t, response.Body.Close())
		list = append(list, answer{response.StatusCode, response.Header, string(raw)})
		if response.Close {
			return list
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) requireError(t testing.TB) {
	t.Helper()
	require.Equal(t, "application/json", a.header.Get("Content-Type"), a.body)
	var body map[string]string
	require.NoError(t, json.Unmarshal([]byte(a.body), &body), a.body)
	require.Len(t, body, 1)
	require.NotEmpty(t, body["error"])
}

func TestNoRequestHoweverOddMakesAnAnswerThatIsNotJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.GET("/a", fine)
	b.group.POST("/a", reader)
	w := b.wire()
	const end = "\r\nHost: a\r\nConnection: close\r\n\r\n"
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "X-%d: 1\r\n", i)
	}
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"TRACE":                                {"TRACE /sep/a HTTP/1.1" + end, 405},
		"CONNECT to a host":                    {"CONNECT evil.example:443 HTTP/1.1" + end, 404},
		"CONNECT to a path":                    {"CONNECT /sep/a HTTP/1.1" + end, 405},
		"a method nobody knows":                {"BREW /sep/a HTTP/1.1" + end, 405},
		"a method that is none":                {"G(ET /sep/a HTTP/1.1" + end, 400},
		"OPTIONS of everything":                {"OPTIONS * HTTP/1.1" + end, 404},
		"GET of everything":                    {"GET * HTTP/1.1" + end, 404},
		"the preface of HTTP/2":                {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404},
		"an absolute target elsewhere":         {"GET http://evil.example/sep/b HTTP/1.1" + end, 404},
		"an absolute target with a user":       {"GET http://a:b@evil.example HTTP/1.1" + end, 404},
		"an absolute target without a host":    {"GET http:///sep/b HTTP/1.1" + end, 404},
		"an opaque target":                     {"GET mailto:a@b HTTP/1.1" + end, 404},
		"a path that leaves":                   {"GET /sep/../../etc/passwd HTTP/1.1" + end, 404},
		"a path of slashes":                    {"GET /////////////// HTTP/1.1" + end, 404},
		"a host with a space":                  {"GET /sep/a HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400},
		"two hosts":                            {"GET /sep/a HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400},
		"a host with a slash":                  {"GET /sep/b HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n", 400},
		"two lengths that differ":              {"POST /sep/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2" + end + "xx", 400},
		"a list of lengths":                    {"POST /sep/a HTTP/1.1\r\nContent-Length: 1, 2" + end + "xx", 400},
		"a negative length":                    {"POST /sep/a HTTP/1.1\r\nContent-Length: -1" + end, 400},
		"a length that is no number":           {"POST /sep/a HTTP/1.1\r\nContent-Length: 0x2" + end, 400},
		"a length with a sign":                 {"POST /sep/a HTTP/1.1\r\nContent-Length: +2" + end + "xx", 400},
		"a length beyond all numbers":          {"POST /sep/a HTTP/1.1\r\nContent-Length: 99999999999999999999" + end, 400},
		"a length beyond all memory":           {"POST /sep/a HTTP/1.1\r\nContent-Length: 9223372036854775807" + end + strings.Repeat("x", 70<<10), 413},
		"two encodings":                        {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked, chunked" + end, 501},
		"encoded twice":                        {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + end, 501},
		"a chunk that is no number":            {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "zz\r\n", 400},
		"a chunk that is too long to be true":  {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "fffffffffffffffff\r\n", 400},
		"a chunk that does not end":            {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "2\r\nxxyy", 400},
		"an extension that does not end":       {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "2;" + strings.Repeat("x", 10<<10) + "\r\n", 400},
		"a trailer that is none":               {"POST /sep/a HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "0\r\n: x\r\n\r\n", 400},
		"a header that is too large":           {"GET /sep/a HTTP/1.1\r\nX: " + strings.Repeat("x", 64<<10) + end, 431},
		"too many headers":                     {"GET /sep/a HTTP/1.1\r\n" + many.String() + "Host: a\r\n\r\n", 431},
		"a target that is too long":            {"GET /sep/" + strings.Repeat("x", 64<<10) + " HTTP/1.1" + end, 431},
		"a header without a name":              {"GET /sep/a HTTP/1.1\r\n: x" + end, 400},
		"a header with a space in its name":    {"GET /sep/a HTTP/1.1\r\nX : x" + end, 400},
		"a header that goes on":                {"GET /sep/b HTTP/1.1\r\nX: x\r\n y" + end, 404},
		"an expectation nobody can fulfil":     {"POST /sep/a HTTP/1.1\r\nContent-Length: 1\r\nExpect: miracles" + end, 417},
		"the same of an old client":            {"POST /sep/a HTTP/1.0\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\n", 417},
		"an upgrade to HTTP/2":                 {"GET /sep/b HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__" + end, 404},
		"a version that is none":               {"GET /sep/a HTTP/x" + end, 400},
		"no version at all":                    {"GET /sep/a" + end, 400},
		"an empty line and nothing of meaning": {"\r\n\r\n\r\n", 400},
		"a body that is not announced":         {"GET /sep/b HTTP/1.1\r\nHost: a\r\n\r\n{\"a\":1}\r\n\r\n", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := (&wire{t, w.address}).answers(c.request)
			require.Equal(t, c.status, list[0].status, list[0].body)
			for _, a := range list {
				a.requireError(t)
			}
		})
	}
}

func TestRequestsThatAreOddButProperAreAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.GET("/a", fine)
	b.group.POST("/a", reader)
	w := b.wire()
	const end = "\r\nHost: a\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct{ request, body string }{
		"an absolute target":                   {"GET http://a/sep/a HTTP/1.1" + end, `{"fine":true}`},
		"chunks with an extension and trailer": {"POST /sep/a HTTP/1.1\r\nTrailer: X\r\nTransfer-Encoding: chunked" + end + "2;a=b\r\nxx\r\n0\r\nX: y\r\n\r\n", `2`},
		"the same length twice":                {"POST /sep/a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2" + end + "xx", `2`},
		"a client that waits to be asked":      {"POST /sep/a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue" + end + "xx", `2`},
		"HTTP/1.0":                             {"GET /sep/a HTTP/1.0\r\n\r\n", `{"fine":true}`},
		"an empty host":                        {"GET /sep/a HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", `{"fine":true}`},
	} {
		list := w.answers(c.request)
		require.Equal(t, http.StatusOK, list[0].status, name)
		require.JSONEq(t, c.body, list[0].body, name)
	}
}

func TestABodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.POST("/a", reader)
	w := b.wire()
	connection := w.dial()
	_, err := io.WriteString(connection, "POST /sep/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nxx")
	require.NoError(t, err)
	require.NoError(t, connection.(*net.TCPConn).CloseWrite())
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.JSONEq(t, `{"error":"the body cannot be read to its end"}`, string(raw))
	require.NotContains(t, b.log.String(), "level=ERROR")
}

func TestAnAnswerThatTalksOfHTTPIsNotMistakenForOne(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	const part = "HTTP/1.1 417 Expectation Failed, HTTP/1.1 400 Bad Request\nContent-Type: text/plain; charset=utf-8\n"
	b.group.GET("", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", strconv.Itoa(3*len(part)))
		for range 3 { // what is flushed reaches the connection as a write of its own
			if _, err := io.WriteString(c.Response(), part); err != nil {
				return err
			}
			c.Response().Flush()
		}
		return nil
	})
	response, err := http.Get("http://" + b.wire().address + "/sep")
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(part, 3), string(raw))
}
