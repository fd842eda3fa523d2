package sep10

import (
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// callerKey is where the middleware leaves the caller in a request.
const callerKey = "sep10.caller"

// Require lets only those pass who show a token, before anything of the body is looked at. Others are refused with code:
// anchor.CodeUnauthenticated for SEP-12, anchor.CodeForbidden for SEP-31 and 38.
func (h *Handler) Require(code anchor.Code) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := h.admit(c, code); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// Optional lets those pass as well who show nothing, and are nobody then. A token that is not good is refused with code, as
// Require does: its sender believes to be known.
func (h *Handler) Optional(code anchor.Code) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if len(c.Request().Header.Values(echo.HeaderAuthorization)) == 0 {
				return next(c)
			}
			if err := h.admit(c, code); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// admit leaves the caller whom the token of a request names in the request.
func (h *Handler) admit(c echo.Context, code anchor.Code) error {
	token, ok := bearer(c.Request().Header.Values(echo.HeaderAuthorization))
	if !ok {
		return anchor.RefuseAs(code, "a SEP-10 token is needed, as Authorization: Bearer")
	}
	who, err := h.verify(token)
	if err != nil {
		return anchor.RefuseAs(code, refusalOf(err))
	}
	c.Set(callerKey, who)
	return nil
}

// Caller is whom the token of a request names. Without Require or Optional before it, nobody: the zero value, whose Account is empty.
func Caller(c echo.Context) anchor.SendingAnchor {
	who, _ := c.Get(callerKey).(anchor.SendingAnchor)
	return who
}

// bearer takes the token from the one Authorization header, whose scheme is Bearer in any case (RFC 9110) and nothing else.
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	token = strings.Trim(token, " ")
	return token, ok && token != "" && strings.EqualFold(scheme, "Bearer")
}

// refusalOf tells apart what a client can mend by logging in again; the library's own texts may repeat a token.
func refusalOf(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "the SEP-10 token has expired"
	case errors.Is(err, errSubject):
		return "the SEP-10 token names no account that can be used here"
	}
	return "the SEP-10 token is not valid"
}

// CallerAccount is the account of Caller, whoever of its users speaks; empty for nobody.
func CallerAccount(c echo.Context) string { return Caller(c).Account }
