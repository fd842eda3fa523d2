package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

// hold opens a connection and has one request answered on it.
func (w *wire) hold() net.Conn {
	w.t.Helper()
	connection := w.dial()
	require.Equal(w.t, http.StatusOK, w.again(connection))
	return connection
}

// again sends a request on a connection that is open.
func (w *wire) again(connection net.Conn) int {
	w.t.Helper()
	_, err := io.WriteString(connection, "GET /sep HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(w.t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(w.t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	return response.StatusCode
}

func (b *bundle) metric(name string) float64 {
	b.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.server.Metrics())
	families, err := registry.Gather()
	require.NoError(b.t, err)
	var sum float64
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// The tests all come from one address; behind a trusted proxy that is no reason to refuse them.
func loopbackIsAProxy(o *httpserver.Options) { o.TrustedProxies = []string{"127.0.0.0/8"} }

func TestConnectionsBeyondTheBoundWaitUntilOneEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, loopbackIsAProxy, func(o *httpserver.Options) { o.Connections = 2 })
	b.group.GET("", fine)
	w := b.wire()
	first, second := w.hold(), w.hold()

	third := w.dial() // the kernel takes it, the server does not
	_, err := io.WriteString(third, "GET /sep HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	require.NoError(t, third.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = third.Read(make([]byte, 1))
	require.ErrorContains(t, err, "timeout")
	require.Equal(t, http.StatusOK, w.again(second), "those that are open are served")
	require.InDelta(t, 2, b.metric("anchor_http_connections"), 0)

	require.NoError(t, first.Close())
	require.NoError(t, third.SetReadDeadline(time.Now().Add(20*time.Second)))
	response, err := http.ReadResponse(bufio.NewReader(third), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, response.Body.Close())
}

func TestAServerWhoseConnectionsAreAllTakenStops(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, loopbackIsAProxy, func(o *httpserver.Options) { o.Connections = 1 })
	b.group.GET("", fine)
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	(&wire{t, address[len("http://"):]}).hold()
	stop()
	require.NoError(t, wait())
}

func TestOneAddressCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, func(o *httpserver.Options) { o.Connections = 8 })
	b.group.GET("", fine)
	w := b.wire()
	first, second := w.hold(), w.hold()
	third := w.dial()
	_, err := third.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is closed at once")
	require.Equal(t, http.StatusOK, w.again(first))
	require.InDelta(t, 1, b.metric("anchor_http_refusals_total"), 0)

	require.NoError(t, second.Close())
	require.Eventually(t, func() bool { return b.metric("anchor_http_connections") == 1 }, 20*time.Second, time.Millisecond)
	w.hold()
}

func TestHeadersThatNeverEndDoNotHoldConnectionsForEver(t *testing.T) {
	t.Parallel()
	const slow = 4
	b := setup(t, onFreePort, loopbackIsAProxy, func(o *httpserver.Options) { o.Connections, o.HeaderTimeout = slow, 100*time.Millisecond })
	b.group.GET("", fine)
	w := b.wire()
	for range slow {
		_, err := io.WriteString(w.dial(), "GET /sep HTTP/1.1\r\nHost: a\r\nX: ")
		require.NoError(t, err)
	}
	w.hold()
}

func TestABodyThatNeverEndsDoesNotHoldAConnectionForEver(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, func(o *httpserver.Options) { o.ReadTimeout = 100 * time.Millisecond })
	b.group.POST("", reader)
	list := b.wire().answers("POST /sep HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
	require.Len(t, list, 1)
	require.Equal(t, http.StatusBadRequest, list[0].status)
	list[0].requireError(t)
}

func TestConnectionsAreGivenBackHoweverTheyEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, loopbackIsAProxy, func(o *httpserver.Options) { o.Connections, o.HeaderTimeout = 2, time.Second })
	b.group.GET("", fine)
	b.group.GET("/panics", func(echo.Context) error { panic(http.ErrAbortHandler) })
	w := b.wire()
	for range 5 {
		require.NoError(t, w.dial().Close())
		aborted := w.dial()
		_, err := io.WriteString(aborted, "GET /sep/panics HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		_, err = io.ReadAll(aborted)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, w.answers("nonsense\r\n\r\n")[0].status)
		reset := w.dial().(*net.TCPConn)
		require.NoError(t, reset.SetLinger(0))
		require.NoError(t, reset.Close())
	}
	w.hold()
	require.Eventually(t, func() bool { return b.metric("anchor_http_connections") == 1 }, 20*time.Second, time.Millisecond)
}
