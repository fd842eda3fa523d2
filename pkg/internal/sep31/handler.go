// Package sep31 speaks SEP-31 over HTTP: the wire structs and handlers of /info and /transactions.
//
// It promises that whatever comes in is answered as SEP-31 says or refused with an error that a client can be shown, that
// nothing of a body is judged before it is known who sent it, and that amounts keep the digits they were sent with. It must
// never decide anything about a transaction (package transactions does), map errors to answers, or verify tokens. The wiring
// puts it on the server, behind the middleware that verifies tokens.
package sep31

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// Service is what the handlers hand requests to.
type Service interface {
	Info(ctx context.Context, lang string) ([]transactions.AssetTerms, error)
	Admit(ctx context.Context, who anchor.SendingAnchor) (transactions.Admitted, error)
	Create(ctx context.Context, who transactions.Admitted, r transactions.Request) (transactions.Created, error)
	Get(ctx context.Context, who transactions.Admitted, id string) (anchor.Transaction, error)
	Patch(ctx context.Context, who transactions.Admitted, id string, fields map[string]string) (anchor.Transaction, error)
	SetCallback(ctx context.Context, who transactions.Admitted, id, url string) error
}

// Handler answers requests; it is safe for concurrent use. Errors are returned for the server to map.
type Handler struct {
	service Service
	caller  func(echo.Context) anchor.SendingAnchor
}

// New makes the handlers. caller tells whom the token of a request names; the zero value for nobody, who is refused.
func New(service Service, caller func(echo.Context) anchor.SendingAnchor) *Handler {
	return &Handler{service: service, caller: caller}
}

// Routes adds the endpoints below a group, which is /sep31. protect verifies tokens, for all endpoints but /info: clients ask
// that one without a token (SEP-31 "GET Info").
func (h *Handler) Routes(g *echo.Group, protect ...echo.MiddlewareFunc) {
	g.GET("/info", h.info)
	g.POST("/transactions", h.create, protect...)
	g.GET("/transactions/:id", h.get, protect...)
	g.PATCH("/transactions/:id", h.patch, protect...)
	g.PUT("/transactions/:id/callback", h.setCallback, protect...)
}

func (h *Handler) admit(c echo.Context) (transactions.Admitted, error) {
	who := h.caller(c)
	if who.Account == "" { // only if the middleware is missing
		return transactions.Admitted{}, anchor.RefuseAs(anchor.CodeForbidden, "a token of SEP-10 is needed")
	}
	return h.service.Admit(c.Request().Context(), who)
}

func (h *Handler) info(c echo.Context) error {
	list, err := h.service.Info(c.Request().Context(), c.QueryParam("lang"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, infoOf(list))
}

func (h *Handler) create(c echo.Context) error {
	who, err := h.admit(c)
	if err != nil {
		return err
	}
	body, err := jsonbody.Read(c.Request())
	if err != nil {
		return err
	}
	request, err := decodePost(body)
	if err != nil {
		return err
	}
	if request.IdempotencyKey, err = keyOf(c.Request().Header); err != nil {
		return err
	}
	created, err := h.service.Create(c.Request().Context(), who, request)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, createdOf(created))
}

func (h *Handler) get(c echo.Context) error {
	who, err := h.admit(c)
	if err != nil {
		return err
	}
	t, err := h.service.Get(c.Request().Context(), who, c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, envelope{t})
}

func (h *Handler) patch(c echo.Context) error {
	who, err := h.admit(c)
	if err != nil {
		return err
	}
	body, err := jsonbody.Read(c.Request())
	if err != nil {
		return err
	}
	fields, err := decodePatch(body)
	if err != nil {
		return err
	}
	t, err := h.service.Patch(c.Request().Context(), who, c.Param("id"), fields)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, envelope{t})
}

func (h *Handler) setCallback(c echo.Context) error {
	who, err := h.admit(c)
	if err != nil {
		return err
	}
	body, err := jsonbody.Read(c.Request())
	if err != nil {
		return err
	}
	url, err := decodeCallback(body)
	if err != nil {
		return err
	}
	if err := h.service.SetCallback(c.Request().Context(), who, c.Param("id"), url); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
