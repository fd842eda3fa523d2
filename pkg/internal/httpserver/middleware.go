package httpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// maxRequestID bounds an id that somebody else gave to a request.
const maxRequestID = 64

// withoutTrailingSlash has /auth/ mean /auth, as clients that append to the addresses of stellar.toml write it.
func withoutTrailingSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		address := c.Request().URL
		if len(address.Path) > 1 {
			address.Path = strings.TrimSuffix(address.Path, "/")
			address.RawPath = strings.TrimSuffix(address.RawPath, "/")
		}
		return next(c)
	}
}

// observe names the request, answers its error, counts it and writes the access log: the route's pattern, never the path itself or
// the query, in which accounts and memos stand.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		elapsed := stopwatch()
		c.Response().Header().Set(echo.HeaderXRequestID, requestID(c.Request()))
		if err := next(c); err != nil {
			s.answerError(err, c)
		}
		ctx, took := c.Request().Context(), elapsed()
		s.metrics.answered(c, took)
		if s.options.Log.Enabled(ctx, slog.LevelDebug) {
			s.options.Log.DebugContext(ctx, "answered", append(requestAttrs(c), "status", c.Response().Status, "took", took)...)
		}
		return nil
	}
}

// requestAttrs name a request in a log line.
func requestAttrs(c echo.Context) []any {
	return []any{"method", c.Request().Method, "route", c.Path(), "request", c.Response().Header().Get(echo.HeaderXRequestID)}
}

// requestID is the one that a proxy gave, where it is short and plain, else a new one.
func requestID(r *http.Request) string {
	given := r.Header.Get(echo.HeaderXRequestID)
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, notPlain) {
		return rand.Text()
	}
	return given
}

func notPlain(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// recovered turns a panic of a handler into an error, so that it is answered and logged like any other.
func recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler: // somebody wants the connection dropped
				panic(cause)
			default:
				err = &panicError{cause: cause, stack: debug.Stack()}
			}
		}()
		return next(c)
	}
}

// inTime ends the work on a request while there is still time to say so: beyond WriteTimeout the connection is closed without
// a word, and what goes on behind it is for nobody. Whatever failed because of that is answered as such.
func (s *Server) inTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx, cancel := context.WithTimeout(r.Context(), s.options.WriteTimeout*5/6)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		err := next(c)
		c.SetRequest(r)
		if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) || anchor.CodeOf(err) != anchor.CodeInternal {
			return err
		}
		s.options.Log.WarnContext(r.Context(), "a request took too long and was given up", append(requestAttrs(c), "error", err)...)
		return anchor.RefuseAs(anchor.CodeUnavailable, "this took too long and was given up; try again")
	}
}

// panicError is a panic as an error.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// readable refuses text that no database takes: path, query and the headers that are used must be UTF-8 without U+0000.
func readable(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := checkText(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

func checkText(r *http.Request) error {
	if !isText(r.URL.Path) {
		return anchor.Refuse("the path must be UTF-8 without the character U+0000")
	}
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return anchor.Refuse("the query cannot be read")
		}
		for name, values := range query {
			if !isText(name) || slices.ContainsFunc(values, isNoText) {
				return anchor.Refuse("the query must be UTF-8 without the character U+0000")
			}
		}
	}
	for _, name := range []string{echo.HeaderAuthorization, echo.HeaderContentType, "Idempotency-Key"} {
		if slices.ContainsFunc(r.Header.Values(name), isNoText) {
			return anchor.Refusef("the header %s must be UTF-8 without the character U+0000", name)
		}
	}
	return nil
}

func isText(s string) bool   { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
func isNoText(s string) bool { return !isText(s) }

// limitBody bounds what a handler can read of the body, whatever length was announced. It refuses nothing by itself:
// whether a caller may speak at all is decided first.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = body{http.MaxBytesReader(c.Response().Writer, r.Body, s.bodyLimit(r))}
		}
		return next(c)
	}
}

// body blames the client for a body that cannot be read to its end: one that breaks off, is not chunked as it says, or
// comes too slowly.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, err
	}
	return n, errors.Join(anchor.Refuse("the body cannot be read to its end"), err)
}

func (s *Server) bodyLimit(r *http.Request) int64 {
	media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && media == echo.MIMEMultipartForm {
		return s.options.MaxMultipart
	}
	return s.options.MaxBody
}
