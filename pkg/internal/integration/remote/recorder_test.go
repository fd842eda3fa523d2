//go:build foreign

package remote_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder stands between and keeps the last request.
type recorder struct {
	url, behind string

	mu   sync.Mutex
	last *http.Request
	body []byte
}

func newRecorder(t *testing.T, behind string) *recorder {
	t.Helper()
	target, err := url.Parse(behind)
	require.NoError(t, err)
	r := &recorder{behind: behind}
	proxy := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{}
	proxy.Transport = transport
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.last, r.body = q.Clone(q.Context()), body
		r.mu.Unlock()
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

// replay sends the last request once more, as it was, and returns the status of the answer.
func (r *recorder) replay(t *testing.T) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.behind+r.last.URL.Path, bytes.NewReader(r.body))
	require.NoError(t, err)
	q.Header = r.last.Header
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(q)
	require.NoError(t, err)
	defer answer.Body.Close()
	return answer.StatusCode
}
