package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// BenchmarkMetrics is what counting one answer costs.
func BenchmarkMetrics(b *testing.B) {
	m := newMetrics()
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/sep31/transactions/x", nil), httptest.NewRecorder())
	c.SetPath("/sep31/transactions/:id")
	c.Response().Status = http.StatusNotFound
	b.ReportAllocs()
	for b.Loop() {
		m.answered(c, time.Millisecond)
	}
}
