package httpserver

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// checkTimeout bounds what one question about health may take.
const checkTimeout = 5 * time.Second

// Check is one thing that must be in order for a process to do its work.
type Check struct {
	Name   string
	OK     bool
	Lag    time.Duration // how far behind it is; 0: not at all, or that is no question
	Detail string        // for the operator, no secrets
}

// Operator makes the server that the operator asks: /healthz (the process lives: health returns nil), /readyz (it does its
// work: all checks are OK; each is listed with its lag) and /metrics. It has no authentication: keep it away from the
// public. It limits nobody. With an empty Listen it is off. health and ready may be called from several goroutines; they get 5 s.
// mount adds more routes, which see to their own authentication.
func Operator(
	o Options, health func(context.Context) error, ready func(context.Context) []Check, registry *prometheus.Registry,
	mount ...func(*Server),
) (*Server, error) {
	o.Limits = Limits{}
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	s.echo.GET("/healthz", func(c echo.Context) error { return answerHealth(c, health) })
	s.echo.GET("/readyz", func(c echo.Context) error { return answerReady(c, ready) })
	s.echo.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	for _, routes := range mount {
		routes(s)
	}
	return s, nil
}

func answerHealth(c echo.Context, health func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), checkTimeout)
	defer cancel()
	if err := health(ctx); err != nil {
		return anchor.RefuseAs(anchor.CodeUnavailable, err.Error())
	}
	return c.JSON(http.StatusOK, map[string]bool{"healthy": true})
}

type readiness struct {
	Ready  bool    `json:"ready"`
	Checks []check `json:"checks"`
}

type check struct {
	Name       string  `json:"name"`
	OK         bool    `json:"ok"`
	LagSeconds float64 `json:"lag_seconds"`
	Detail     string  `json:"detail,omitempty"`
}

func answerReady(c echo.Context, ready func(context.Context) []Check) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), checkTimeout)
	defer cancel()
	list := ready(ctx)
	answer := readiness{Ready: !slices.ContainsFunc(list, func(c Check) bool { return !c.OK }), Checks: make([]check, len(list))}
	for i, one := range list {
		answer.Checks[i] = check{Name: one.Name, OK: one.OK, LagSeconds: one.Lag.Seconds(), Detail: one.Detail}
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	return c.JSON(status, answer)
}
