package httpserver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

type bundle struct {
	t      testing.TB
	server *httpserver.Server
	group  *echo.Group // /sep
	log    *syncBuffer
}

func setup(t testing.TB, change ...func(*httpserver.Options)) *bundle {
	t.Helper()
	b := &bundle{t: t, log: &syncBuffer{}}
	options := httpserver.Options{Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(&options)
	}
	var err error
	b.server, err = httpserver.New(options)
	require.NoError(t, err)
	b.group = b.server.Group("/sep")
	return b
}

func (b *bundle) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return w
}

func (b *bundle) send(method, target string, body io.Reader) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(method, target, body))
}

// errorOf is the text of an answer that is a JSON error.
func errorOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var body map[string]string
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	require.Len(t, body, 1)
	return body["error"]
}

func fine(c echo.Context) error { return c.JSON(http.StatusOK, map[string]bool{"fine": true}) }

// linesWith are the lines of a log that hold a text.
func linesWith(log, text string) (list []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			list = append(list, line)
		}
	}
	return list
}
