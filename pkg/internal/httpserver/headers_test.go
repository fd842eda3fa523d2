package httpserver_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

func TestNoAnswerIsKeptGuessedAtOrFramed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("", fine)
	b.group.GET("/fails", func(echo.Context) error { return errors.New("disk full") })
	b.group.GET("/refuses", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=600")
		return anchor.RefuseAs(anchor.CodeUnauthenticated, "no token")
	})
	for _, target := range []string{"/sep", "/sep/fails", "/sep/refuses", "/sep/nowhere", "/nowhere", "/sep?a=%00"} {
		header := b.send(http.MethodGet, target, nil).Header()
		require.Equal(t, "no-store", header.Get("Cache-Control"), target)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), target)
		require.Equal(t, "default-src 'none'; frame-ancestors 'none'", header.Get("Content-Security-Policy"), target)
		require.Empty(t, header.Get("Strict-Transport-Security"), target)
		require.Empty(t, header.Get("Server"), target)
	}
}

func TestAHandlerMayAllowItsAnswerToBeKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "max-age=60")
		return fine(c)
	})
	w := b.send(http.MethodGet, "/sep", nil)
	require.Equal(t, "max-age=60", w.Header().Get("Cache-Control"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), "the same for every origin, so that it need not vary")
	require.Empty(t, w.Header().Get("Vary"))
}

func TestBrowsersAreToldToKeepToHTTPSWhereThatIsHowTheyReachIt(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *httpserver.Options) { o.HTTPS = true })
	for _, target := range []string{"/sep", "/nowhere"} {
		require.Equal(t, "max-age=31536000", b.send(http.MethodGet, target, nil).Header().Get("Strict-Transport-Security"))
	}
}

func TestDocumentsAreServedWithoutInvitingOtherOrigins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	documents := b.server.Plain("")
	documents.GET("/docs", func(c echo.Context) error {
		c.Response().Header().Set("Content-Security-Policy", "default-src 'self'")
		return c.HTML(http.StatusOK, "<h1>How</h1>")
	})
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := b.send(method, "/docs/", nil)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "text/html; charset=UTF-8", w.Header().Get("Content-Type"))
		require.Equal(t, "default-src 'self'", w.Header().Get("Content-Security-Policy"))
		require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
	}
	require.Equal(t, http.StatusNotFound, b.send(http.MethodGet, "/nowhere", nil).Code)
	require.Equal(t, "not found", errorOf(t, b.send(http.MethodGet, "/docs/more", nil)))
}

func TestNoBrowserOfAnotherOriginReachesTheOperator(t *testing.T) {
	t.Parallel()
	s, err := httpserver.Operator(httpserver.Options{Log: slog.New(slog.DiscardHandler)}, nil, nil, prometheus.NewRegistry())
	require.NoError(t, err)
	for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
		for _, target := range []string{"/metrics", "/readyz", "/healthz", "/nowhere"} {
			if method == http.MethodGet && target != "/metrics" {
				continue // there is nobody to ask behind them here
			}
			r := httptest.NewRequest(method, target, nil)
			r.Header.Set("Origin", "https://elsewhere.example")
			r.Header.Set("Access-Control-Request-Method", "GET")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			for name := range w.Header() {
				require.NotContains(t, name, "Access-Control", "%s %s", method, target)
			}
		}
	}
}
