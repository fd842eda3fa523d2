package httpserver_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

// newDoor is a server with a path that opens for the word "right", and may be tried ten times a minute.
func newDoor(t *testing.T) *crowd {
	c := newCrowd(t, httpserver.Limits{})
	c.server.Plain("/door", c.server.LimitFailures(10)).GET("", func(c echo.Context) error {
		switch c.Request().Header.Get("Authorization") {
		case "right":
			return c.NoContent(http.StatusOK)
		case "broken":
			return errors.New("the database is away")
		}
		return anchor.RefuseAs(anchor.CodeUnauthenticated, "no")
	})
	return c
}

func TestWhoShowsWrongCredentialsTooOftenIsRefusedWhateverComesNext(t *testing.T) {
	t.Parallel()
	c := newDoor(t)
	require.Equal(t, 10, c.let(50, c.from("203.0.113.7:1", "/door", "Authorization", "wrong")))
	w := c.ask("203.0.113.7:2", "/door", "Authorization", "right")
	require.Equal(t, http.StatusTooManyRequests, w.Code, "else trying would still tell which one is right")
	require.Equal(t, "6", w.Header().Get("Retry-After"))
	require.Equal(t, http.StatusOK, c.ask("203.0.113.8:1", "/door", "Authorization", "right").Code, "others are not touched")

	c.clock.pass(6 * time.Second)
	require.Equal(t, http.StatusOK, c.ask("203.0.113.7:2", "/door", "Authorization", "right").Code)
	require.Equal(t, http.StatusUnauthorized, c.ask("203.0.113.7:2", "/door").Code)
	require.Equal(t, http.StatusTooManyRequests, c.ask("203.0.113.7:2", "/door").Code)
}

func TestWhoNeverShowsWrongCredentialsNeverWaits(t *testing.T) {
	t.Parallel()
	c := newDoor(t)
	require.Equal(t, 500, c.let(500, c.from("203.0.113.7:1", "/door", "Authorization", "right")))
	require.Equal(t, 100, c.let(100, c.from("203.0.113.7:1", "/door", "Authorization", "broken")), "a fault of ours is not the client's")
}
