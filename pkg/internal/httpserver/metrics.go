package httpserver

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what was answered. Labels are patterns of routes and names of limits: nothing that a client can invent.
type metrics struct {
	requests    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	refusals    *prometheus.CounterVec
	connections prometheus.Gauge
}

func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "anchor_http_requests_total", Help: "Requests answered, by method, pattern of the route and status.",
		}, []string{"method", "route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "anchor_http_request_duration_seconds", Help: "From the header of a request to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "anchor_http_refusals_total", Help: "Requests and connections refused, by the limit that they were beyond.",
		}, []string{"limit"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "anchor_http_connections", Help: "Connections that are open.",
		}),
	}
}

// Metrics are those of this server, to be registered once. Two servers in one registry collide.
func (s *Server) Metrics() prometheus.Collector { return s.metrics }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, part := range m.parts() {
		part.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	for _, part := range m.parts() {
		part.Collect(to)
	}
}

func (m *metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.durations, m.refusals, m.connections}
}

func (m *metrics) answered(c echo.Context, took time.Duration) {
	route := c.Path()
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(methodLabel(c.Request().Method), route, statusLabel(c.Response().Status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

// methodLabel keeps a client from making up labels.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// statusLabel spares the usual answers an allocation.
func statusLabel(status int) string {
	switch status {
	case http.StatusOK:
		return "200"
	case http.StatusCreated:
		return "201"
	}
	return strconv.Itoa(status)
}
