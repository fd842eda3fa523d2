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
	Verify(ctx context.Context, caller anchor.SendingAnchor, p customers.Put) (customers.View, error)
	Delete(ctx context.Context, caller anchor.SendingAnchor, d customers.Delete) error
	SetCallback(ctx context.Context, caller anchor.SendingAnchor, w customers.Who, url string) error
	AddFile(ctx context.Context, caller anchor.SendingAnchor, data []byte) (customers.FileView, error)
	Files(ctx context.Context, caller anchor.SendingAnchor, fileID, customerID string) ([]customers.FileView, error)
}

// Handler answers /customer. It is safe for concurrent use.
type Handler struct {
	customers Customers
	caller    func(echo.Context) anchor.SendingAnchor
	multipart int64
	room      room
}

// Option changes how a Handler works.
type Option func(*Handler)

// FileBytes tells how large one photo or document may be; without it, and with 0, 4 MiB.
func FileBytes(n int) Option { return func(h *Handler) { h.multipart = MultipartBytes(n) } }

// HeldBytes tells how many bytes of bodies all requests together may hold at once; without it 512 MiB. What comes beyond is
// refused with CodeUnavailable, except that the first 64 KiB of each body are always taken.
func HeldBytes(n int64) Option { return func(h *Handler) { h.room.most = n } }

// MultipartBytes is how large a multipart body is taken where one file may have so many bytes (0: 4 MiB): two of them, such
// as both sides of a document, and what goes with them. A server that limits bodies itself must let as much through.
func MultipartBytes(fileBytes int) int64 {
	if fileBytes <= 0 {
		fileBytes = 4 << 20
	}
	return 2*int64(fileBytes) + 1<<20
}

// New makes the handler; caller tells whom the request's token names.
func New(customers Customers, caller func(echo.Context) anchor.SendingAnchor, options ...Option) *Handler {
	h := &Handler{customers: customers, caller: caller, multipart: MultipartBytes(0), room: room{most: mostHeld}}
	for _, option := range options {
		option(h)
	}
	return h
}

// Routes mounts the endpoints on a group that lets authenticated requests through only.
func (h *Handler) Routes(g *echo.Group) {
	g.GET("/customer", h.get)
	g.PUT("/customer", h.put, h.bounded)
	g.PUT("/customer/verification", h.verify, h.bounded)
	g.PUT("/customer/callback", h.callback, h.bounded)
	g.POST("/customer/files", h.addFile, h.bounded)
	g.GET("/customer/files", h.files)
	g.DELETE("/customer", h.delete, h.bounded)
	g.DELETE("/customer/:account", h.delete, h.bounded)
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
	return c.JSON(http.StatusOK, view)
}

func (h *Handler) put(c echo.Context) error {
	b, err := h.decode(c.Request())
	if err != nil {
		return err
	}
	id, err := h.customers.Put(c.Request().Context(), h.caller(c), putOf(b))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, putAnswer{ID: id})
}

func (h *Handler) verify(c echo.Context) error {
	b, err := h.decode(c.Request())
	if err != nil {
		return err
	}
	view, err := h.customers.Verify(c.Request().Context(), h.caller(c), putOf(b))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, view)
}

func (h *Handler) callback(c echo.Context) error {
	b, err := h.decode(c.Request())
	if err != nil {
		return err
	}
	if err := h.customers.SetCallback(c.Request().Context(), h.caller(c), whoOf(b), b.texts["url"]); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}

func (h *Handler) addFile(c echo.Context) error {
	data, err := h.decodeFile(c.Request())
	if err != nil {
		return err
	}
	file, err := h.customers.AddFile(c.Request().Context(), h.caller(c), data)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, file)
}

func (h *Handler) files(c echo.Context) error {
	q := c.QueryParams()
	if err := checkQuery(q, "file_id", "customer_id"); err != nil {
		return err
	}
	files, err := h.customers.Files(c.Request().Context(), h.caller(c), q.Get("file_id"), q.Get("customer_id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, filesAnswer{Files: files})
}

func (h *Handler) delete(c echo.Context) error {
	b, err := h.decode(c.Request())
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
