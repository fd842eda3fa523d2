// Package sep12 is the HTTP side of SEP-12: it reads requests about customers and writes answers.
//
// It promises that whatever a client sends is either understood exactly or refused with a text that says what is wrong with
// it and never repeats a value. It must never decide about a customer or know the database: package customers does. The
// wiring mounts it below the path that stellar.toml names as KYC_SERVER, behind SEP-10 authentication.
package sep12

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
)

// Customers is what requests are about.
type Customers interface {
	Get(ctx context.Context, caller anchor.SendingAnchor, q customers.Query) (customers.View, error)
	Put(ctx context.Context, caller anchor.SendingAnchor, p customers.Put) (id string, err error)
	Delete(ctx context.Context, caller anchor.SendingAnchor, d customers.Delete) error
}

// Handler answers /customer. It is safe for concurrent use.
type Handler struct {
	customers Customers
	caller    func(echo.Context) anchor.SendingAnchor
}

// New makes the handler; caller tells whom the request's token names.
func New(customers Customers, caller func(echo.Context) anchor.SendingAnchor) *Handler {
	return &Handler{customers, caller}
}

// Routes mounts the endpoints on a group that lets authenticated requests through only.
func (h *Handler) Routes(g *echo.Group) {
	g.GET("/customer", h.get)
	g.PUT("/customer", h.put)
	g.DELETE("/customer", h.delete)
	g.DELETE("/customer/:account", h.delete)
}

func (h *Handler) get(c echo.Context) error {
	q, err := queryOf(c.QueryParams())
	if err != nil {
		return err
	}
	view, err := h.customers.Get(c.Request().Context(), h.caller(c), q)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answerOf(view))
}

func (h *Handler) put(c echo.Context) error {
	b, err := decode(c.Request())
	if err != nil {
		return err
	}
	id, err := h.customers.Put(c.Request().Context(), h.caller(c), putOf(b))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, putAnswer{ID: id})
}

func (h *Handler) delete(c echo.Context) error {
	b, err := decode(c.Request())
	if err != nil {
		return err
	}
	d := customers.Delete{Account: c.Param("account"), MemoType: b.texts["memo_type"], Memo: b.texts["memo"]}
	if d.Account == "" {
		d.Account = b.texts["account"]
	}
	if err := h.customers.Delete(c.Request().Context(), h.caller(c), d); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}
