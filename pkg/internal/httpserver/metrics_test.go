package httpserver_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

func (b *bundle) scrape() string {
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.server.Metrics())
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(b.t, http.StatusOK, w.Code, w.Body)
	return w.Body.String()
}

func TestMetricsCountAnswersByThePatternOfTheirRoute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/customer/:id", fine)
	b.group.POST("/customer/:id", func(c echo.Context) error { return c.NoContent(http.StatusCreated) })
	b.server.Group("/kyc", func(next echo.HandlerFunc) echo.HandlerFunc { return next }).GET("", func(echo.Context) error { return errors.New("disk full") })
	for i := range 3 {
		b.send(http.MethodGet, fmt.Sprintf("/sep/customer/GSECRET%d?account=GHIDDEN", i), nil)
	}
	b.send(http.MethodPost, "/sep/customer/GSECRET", nil)
	b.send(http.MethodDelete, "/sep/customer/GSECRET", nil)
	b.send("GSECRET", "/sep/customer/GSECRET", nil)
	b.send(http.MethodGet, "/GSECRET", nil)
	b.send(http.MethodGet, "/sep/GSECRET/a/b", nil)
	b.send(http.MethodGet, "/kyc", nil)
	b.send(http.MethodGet, "/kyc/GSECRET", nil)
	text := b.scrape()
	for _, want := range []string{
		`anchor_http_requests_total{method="GET",route="/sep/customer/:id",status="200"} 3`,
		`anchor_http_requests_total{method="POST",route="/sep/customer/:id",status="201"} 1`,
		`anchor_http_requests_total{method="DELETE",route="/sep/customer/:id",status="405"} 1`,
		`anchor_http_requests_total{method="other",route="/sep/customer/:id",status="405"} 1`,
		`anchor_http_requests_total{method="GET",route="none",status="404"} 2`,
		`anchor_http_requests_total{method="GET",route="/kyc",status="500"} 1`,
		`anchor_http_requests_total{method="GET",route="/kyc/*",status="404"} 1`,
		`anchor_http_request_duration_seconds_count{route="/sep/customer/:id"} 6`,
		`anchor_http_connections 0`,
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "GSECRET")
	require.NotContains(t, text, "GHIDDEN")
}

func TestAClientCannotGrowTheMetricsByInventingRoutesOrMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/:id", fine)
	for i := range 500 {
		b.send(fmt.Sprintf("M%d", i), fmt.Sprintf("/x%d", i), nil)
		b.send(http.MethodGet, fmt.Sprintf("/y/%d", i), nil)
		b.send(http.MethodGet, fmt.Sprintf("/sep/%d", i), nil)
	}
	require.Equal(t, 3, strings.Count(b.scrape(), "anchor_http_requests_total{"))
}

func TestMetricsCountWhatIsRefusedByTheLimitThatItWasBeyond(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 10, LoginsPerAddress: 1, RequestsPerAccount: 1})
	c.server.Group("/a", c.server.PerAccount(httpserver.Everything, account)).GET("", fine)
	c.let(5, c.from("203.0.113.7:1", "/auth"))
	c.let(30, c.from("203.0.113.8:1", "/sep"))
	c.let(7, c.from("203.0.113.9:1", "/a", "Account", "GSECRET"))
	text := c.scrape()
	for limit, count := range map[string]int{"logins_per_address": 3, "requests_per_address": 10, "requests_per_account": 5} {
		require.Contains(t, text, fmt.Sprintf(`anchor_http_refusals_total{limit="%s"} %d`, limit, count))
	}
	require.NotContains(t, text, "GSECRET")
	require.NotContains(t, text, "203.0.113")
}

// BenchmarkEdge is what a request costs before and after its handler, with everything on; the difference to bare is that
// of limits, metrics and headers.
func BenchmarkEdge(b *testing.B) {
	for name, change := range map[string]func(*httpserver.Options){
		"without limits": func(*httpserver.Options) {},
		"limits": func(o *httpserver.Options) {
			o.Limits, o.TrustedProxies = httpserver.Limits{RequestsPerAddress: 1 << 30, CustomersPerAddress: 1 << 30, RequestsPerAccount: 1 << 30}, []string{"10.0.0.0/8"}
		},
	} {
		b.Run(name, func(b *testing.B) {
			bundle := setup(b, change, func(o *httpserver.Options) { o.Log = slog.New(slog.DiscardHandler) })
			bundle.server.Group("/kyc", bundle.server.PerAccount(httpserver.Customers, account)).GET("", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
			r := httptest.NewRequest(http.MethodGet, "/kyc", nil)
			r.RemoteAddr = "10.0.0.1:1"
			r.Header.Set("X-Forwarded-For", "1.1.1.1, 203.0.113.7")
			r.Header.Set("Account", "GABCDEFGHIJKLMNOPQRSTUVWXYZ")
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				bundle.server.ServeHTTP(w, r)
			}
		})
	}
}
