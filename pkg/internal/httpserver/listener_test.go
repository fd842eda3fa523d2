package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARequestThatIsNoHTTPIsAnsweredInJSONToo(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.GET("/:id", fine)
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())

	for name, c := range map[string]struct {
		request string
		status  int
		body    string
	}{
		"a bad escape in the path":     {"GET /sep/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, `{"error":"bad request"}`},
		"a path without a slash":       {"GET sep HTTP/1.1\r\nHost: a\r\n\r\n", 400, `{"error":"bad request"}`},
		"no host":                      {"GET /sep/a HTTP/1.1\r\n\r\n", 400, `{"error":"bad request"}`},
		"a header with U+0000":         {"GET /sep/a HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400, `{"error":"bad request"}`},
		"a header that is too large":   {"GET /sep/a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431, `{"error":"request header fields too large"}`},
		"another protocol":             {"\x16\x03\x01\x02\x00\r\n\r\n", 400, `{"error":"bad request"}`},
		"a version that is to come":    {"GET /sep/a HTTP/3.7\r\nHost: a\r\n\r\n", 505, `{"error":"http version not supported"}`},
		"an encoding nobody knows":     {"POST /sep/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501, `{"error":"not implemented"}`},
		"and a request that is proper": {"GET /sep/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, `{"fine":true}`},
	} {
		connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		require.NoError(t, err, name)
		require.NoError(t, connection.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = io.WriteString(connection, c.request)
		require.NoError(t, err, name)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		require.NoError(t, err, name)
		raw, err := io.ReadAll(response.Body)
		require.NoError(t, err, name)
		require.Equal(t, c.status, response.StatusCode, name)
		require.Equal(t, "application/json", response.Header.Get("Content-Type"), name)
		require.JSONEq(t, c.body, string(raw), name)
		require.True(t, response.Close, name)
		require.NoError(t, response.Body.Close(), name)
		require.NoError(t, connection.Close(), name)
	}
	stop()
	require.NoError(t, wait())
}
