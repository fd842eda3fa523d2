package httpserver_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

type process struct {
	health error
	checks []httpserver.Check
}

func (p *process) ask(t *testing.T, target string) *httptest.ResponseRecorder {
	t.Helper()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "anchor_things_total", Help: "Things."})
	registry.MustRegister(counter)
	counter.Inc()
	s, err := httpserver.Operator(
		httpserver.Options{Log: slog.New(slog.DiscardHandler)},
		func(ctx context.Context) error {
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			return p.health
		},
		func(context.Context) []httpserver.Check { return p.checks }, registry)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), "no browser of another origin reads this")
	return w
}

func TestAProcessThatLivesIsHealthy(t *testing.T) {
	t.Parallel()
	w := new(process).ask(t, "/healthz")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"healthy":true}`, w.Body.String())

	w = (&process{health: errors.New("the watcher has ended")}).ask(t, "/healthz/")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"error":"the watcher has ended"}`, w.Body.String())
}

func TestAProcessIsReadyWhenAllItsChecksAre(t *testing.T) {
	t.Parallel()
	p := &process{checks: []httpserver.Check{{Name: "database", OK: true}, {Name: "watcher", OK: true, Lag: 1500 * time.Millisecond}}}
	w := p.ask(t, "/readyz")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"ready":true,"checks":[{"name":"database","ok":true,"lag_seconds":0},{"name":"watcher","ok":true,"lag_seconds":1.5}]}`, w.Body.String())

	p.checks[1].OK, p.checks[1].Detail = false, "behind by 40 ledgers"
	w = p.ask(t, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"ready":false,"checks":[{"name":"database","ok":true,"lag_seconds":0},
		{"name":"watcher","ok":false,"lag_seconds":1.5,"detail":"behind by 40 ledgers"}]}`, w.Body.String())
}

func TestAProcessWithoutChecksIsReady(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"ready":true,"checks":[]}`, new(process).ask(t, "/readyz").Body.String())
}

func TestMetricsAreThoseOfTheRegistry(t *testing.T) {
	t.Parallel()
	w := new(process).ask(t, "/metrics")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "anchor_things_total 1")
	require.NotContains(t, w.Body.String(), "go_goroutines")
}

func TestTheOperatorIsOffWithoutAnAddress(t *testing.T) {
	t.Parallel()
	s, err := httpserver.Operator(httpserver.Options{Log: slog.New(slog.DiscardHandler)}, nil, nil, prometheus.NewRegistry())
	require.NoError(t, err)
	soft, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, s.Run(soft, t.Context()))
}
