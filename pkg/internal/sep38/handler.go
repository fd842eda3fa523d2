// Package sep38 speaks SEP-38 over HTTP: the wire structs and handlers of /info, /prices, /price and /quote.
//
// It promises that whatever comes in is answered as SEP-38 says or refused with an error that a client can be shown, that
// nothing of a request for a firm quote is judged before it is known who sent it, and that amounts keep the digits they were
// sent with. It must never decide anything about a price (package quotes and the business do), map errors to answers, or
// verify tokens. The wiring puts it on the server, with the middlewares that verify tokens.
package sep38

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
)

// Service is what the handlers hand requests to.
type Service interface {
	Info(ctx context.Context, who anchor.SendingAnchor, lang string) ([]quotes.Listed, error)
	Prices(ctx context.Context, who anchor.SendingAnchor, r quotes.Request) (quotes.Prices, error)
	Price(ctx context.Context, who anchor.SendingAnchor, r quotes.Request) (quotes.Priced, error)
	Admit(ctx context.Context, who anchor.SendingAnchor) (quotes.Admitted, error)
	Quote(ctx context.Context, by quotes.Admitted, r quotes.Request) (quotes.Firm, error)
	Get(ctx context.Context, who anchor.SendingAnchor, id string) (quotes.Firm, error)
}

// Handler answers requests; it is safe for concurrent use. Errors are returned for the server to map.
type Handler struct {
	service Service
	caller  func(echo.Context) anchor.SendingAnchor
}

// New makes the handlers. caller tells whom the token of a request names; the zero value for nobody.
func New(service Service, caller func(echo.Context) anchor.SendingAnchor) *Handler {
	return &Handler{service: service, caller: caller}
}

// Routes adds the endpoints below a group, which is /sep38. required refuses requests without a valid token; optional lets
// those pass that have none, and refuses a bad one (SEP-38 "Authentication").
func (h *Handler) Routes(g *echo.Group, required, optional echo.MiddlewareFunc) {
	g.GET("/info", h.info, optional)
	g.GET("/prices", h.prices, optional)
	g.GET("/price", h.price, optional)
	g.POST("/quote", h.quote, required)
	g.GET("/quote/:id", h.get, required)
}

func (h *Handler) info(c echo.Context) error {
	request, err := decodeQuery(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	list, err := h.service.Info(c.Request().Context(), h.caller(c), request.Lang)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, infoOf(list))
}

func (h *Handler) prices(c echo.Context) error {
	request, err := decodeQuery(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	prices, err := h.service.Prices(c.Request().Context(), h.caller(c), request)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pricesOf(prices))
}

func (h *Handler) price(c echo.Context) error {
	request, err := decodeQuery(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	priced, err := h.service.Price(c.Request().Context(), h.caller(c), request)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, priceOf(priced))
}

func (h *Handler) quote(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := h.service.Admit(ctx, h.caller(c))
	if err != nil {
		return err
	}
	body, err := jsonbody.Read(c.Request())
	if err != nil {
		return err
	}
	request, err := decodeBody(body)
	if err != nil {
		return err
	}
	firm, err := h.service.Quote(ctx, by, request)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, quoteOf(firm))
}

func (h *Handler) get(c echo.Context) error {
	who := h.caller(c)
	if who.Account == "" { // only if the middleware is missing
		return anchor.RefuseAs(anchor.CodeForbidden, "a token of SEP-10 is needed")
	}
	firm, err := h.service.Get(c.Request().Context(), who, c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, quoteOf(firm))
}
