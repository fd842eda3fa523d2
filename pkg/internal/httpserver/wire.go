package httpserver

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// problem is the body of every answer that is an error: SEP-10, 12, 31 and 38 share its one required key. Type and Fields
// are those of SEP-31 "Customer Info Needed" and "Transaction Info Needed".
type problem struct {
	Error  string         `json:"error"`
	Type   string         `json:"type,omitempty"`
	Fields *problemFields `json:"fields,omitempty"`
}

type problemFields struct {
	Transaction map[string]problemField `json:"transaction"`
}

// problemField is a transaction field; unlike those of SEP-12 it has no type.
type problemField struct {
	Description string   `json:"description"`
	Choices     []string `json:"choices,omitempty"`
	Optional    bool     `json:"optional,omitempty"`
}

// statusOf is the one mapping of categories to statuses.
func statusOf(code anchor.Code) int {
	switch code {
	case anchor.CodeInvalid, anchor.CodeCustomerInfoNeeded, anchor.CodeTransactionInfoNeeded:
		return http.StatusBadRequest
	case anchor.CodeUnauthenticated:
		return http.StatusUnauthorized
	case anchor.CodeForbidden:
		return http.StatusForbidden
	case anchor.CodeNotFound:
		return http.StatusNotFound
	case anchor.CodeConflict:
		return http.StatusConflict
	case anchor.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case anchor.CodeRateLimited:
		return http.StatusTooManyRequests
	case anchor.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case anchor.CodeUnavailable:
		return http.StatusServiceUnavailable
	case anchor.CodeInternal:
	}
	return http.StatusInternalServerError
}

// answerOf is what a client is told of an error.
func answerOf(err error) (status int, body problem) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		err = anchor.RefuseAs(anchor.CodeTooLarge, "the body is too large")
	}
	p := anchor.ProblemOf(err)
	if p.Code == anchor.CodeInternal {
		return plainAnswer(err)
	}
	status = statusOf(p.Code)
	switch {
	case p.Code == anchor.CodeCustomerInfoNeeded:
		return status, problem{Error: string(p.Code), Type: p.Type}
	case p.Code == anchor.CodeTransactionInfoNeeded:
		return status, problem{Error: string(p.Code), Fields: fieldsOf(p.Fields)}
	case p.Text == "":
		return status, problem{Error: textOf(status)}
	}
	return status, problem{Error: p.Text}
}

// plainAnswer is for errors without a category: those of the router, which have a status, and faults of ours.
func plainAnswer(err error) (int, problem) {
	if answer, ok := errors.AsType[*echo.HTTPError](err); ok && answer.Code >= 400 && answer.Code < 500 {
		return answer.Code, problem{Error: textOf(answer.Code)}
	}
	return http.StatusInternalServerError, problem{Error: "internal error"}
}

func textOf(status int) string { return strings.ToLower(http.StatusText(status)) }

func fieldsOf(fields map[string]anchor.Field) *problemFields {
	list := make(map[string]problemField, len(fields))
	for name, f := range fields {
		list[name] = problemField{Description: f.Description, Choices: f.Choices, Optional: f.Optional}
	}
	return &problemFields{Transaction: list}
}

// answerError answers an error, and logs it where it is the server's fault. A client that has hung up has no use for
// either.
func (s *Server) answerError(err error, c echo.Context) {
	status, body := answerOf(err)
	ctx := c.Request().Context()
	switch {
	case status != http.StatusInternalServerError:
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		status, body = http.StatusServiceUnavailable, problem{Error: textOf(http.StatusServiceUnavailable)}
	default:
		s.logFault(err, c)
	}
	if c.Response().Committed {
		return
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, keepNot) // whatever the handler promised of its answer
	if err := c.JSON(status, body); err != nil && ctx.Err() == nil {
		s.options.Log.DebugContext(ctx, "the client did not take the answer", append(requestAttrs(c), "error", err)...)
	}
}

func (s *Server) logFault(err error, c echo.Context) {
	attrs := append(requestAttrs(c), "error", err)
	if p, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, "stack", string(p.stack))
	}
	s.options.Log.ErrorContext(c.Request().Context(), "a request failed", attrs...)
}
