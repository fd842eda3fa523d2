package httpserver

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// LimitFailures is a middleware that refuses everything from an address that has shown wrong credentials too often: a minute's
// worth of tries at once, then as many as a minute has. Without a rate it lets everybody try. It belongs before the handlers that
// verify credentials, and goes by their errors of CodeUnauthenticated; whoever never fails never waits.
func (s *Server) LimitFailures(perMinute int) echo.MiddlewareFunc {
	failures, elapsed := newFailures(perMinute), clockOr(s.options.Now).since()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			client := addressOf(s.clients.of(c.Request()))
			if wait := failures.wait(client, elapsed()); wait > 0 {
				return s.tooFast(c, "failures_per_address", wait)
			}
			err := next(c)
			if anchor.CodeOf(err) == anchor.CodeUnauthenticated {
				failures.take(client, elapsed())
			}
			return err
		}
	}
}

func newFailures(perMinute int) *paces[address] {
	if perMinute <= 0 {
		return nil
	}
	interval := max(time.Minute/time.Duration(perMinute), 1)
	return &paces[address]{interval: interval, window: time.Duration(perMinute) * interval, most: mostClients, young: map[address]time.Duration{}}
}
