package httpserver

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// What every answer says to browsers and caches unless its handler knows better. As what may be kept at all depends on
// its address alone, no answer needs to Vary.
const (
	noScripts  = "default-src 'none'; frame-ancestors 'none'"
	onlyHTTPS  = "max-age=31536000" // a year; names below this one are somebody else's decision
	noGuessing = "nosniff"
	keepNot    = "no-store"
)

// protect sets the headers that keep answers from being guessed at, framed, kept or asked for in the clear.
func (s *Server) protect(next echo.HandlerFunc) echo.HandlerFunc {
	secure := s.options.HTTPS || s.certificate != nil
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set(echo.HeaderXContentTypeOptions, noGuessing)
		header.Set(echo.HeaderContentSecurityPolicy, noScripts)
		header.Set(echo.HeaderCacheControl, keepNot)
		if secure {
			header.Set(echo.HeaderStrictTransportSecurity, onlyHTTPS)
		}
		return next(c)
	}
}

// isPublic tells whether browsers of any origin may call a path.
func (s *Server) isPublic(path string) bool {
	return slices.ContainsFunc(s.public, func(prefix string) bool { return below(path, prefix) })
}

// allowOrigins lets browsers of any origin call the public paths and read every answer, errors included. The headers are
// there before anything can go wrong.
func (s *Server) allowOrigins(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.isPublic(c.Request().URL.Path) {
			header := c.Response().Header()
			header.Set(echo.HeaderAccessControlAllowOrigin, "*")
			header.Set(echo.HeaderAccessControlExposeHeaders, "Retry-After, X-Request-Id")
		}
		return next(c)
	}
}

// preflight answers the question of a browser whether it may ask.
func (s *Server) preflight(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodOptions || !s.isPublic(c.Request().URL.Path) {
			return next(c)
		}
		header := c.Response().Header()
		header.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		header.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, Idempotency-Key")
		header.Set(echo.HeaderAccessControlMaxAge, "600")
		return c.NoContent(http.StatusNoContent)
	}
}
