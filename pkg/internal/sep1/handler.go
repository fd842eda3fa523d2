package sep1

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	// fresh is how long a document is served before it is made anew.
	fresh = time.Second
	// buildTimeout bounds the making, which does not end with the request that began it.
	buildTimeout = 10 * time.Second
)

// Options are what the document is made of. All of it is published.
type Options struct {
	HostURL       string // public address of the server
	Passphrase    string
	SigningKey    string            // G…
	ActiveSEPs    []string          // "sep-10", …
	HorizonURL    string            // empty: not published, as is right for one with a key in it
	Documentation map[string]string // by the names of SEP-1, ORG_NAME say
	Principals    []map[string]string

	// Assets lists the assets in the order to publish them.
	Assets func(context.Context) ([]Asset, error)
	// Change lets the business change the document; may be nil.
	Change func(context.Context, *anchor.Document) error

	Log *slog.Logger
	Now func() time.Time // nil: the host's clock
}

// Handler serves the document. It is safe for concurrent use.
type Handler struct {
	options Options

	mu    sync.Mutex // held while the document is made: others wait for it instead of making their own
	body  []byte     // the last good one
	err   error      // of the last making
	until time.Time
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	if o.HostURL == "" || o.Passphrase == "" || o.Assets == nil || o.Log == nil {
		return nil, errors.New("sep1: the server's address, the network's passphrase, the assets or the log is missing")
	}
	o.Now = clockOf(o.Now)
	return &Handler{options: o}, nil
}

// Routes adds the document to a group, which is /.well-known.
func (h *Handler) Routes(g *echo.Group) { g.GET("/stellar.toml", h.get) }

func (h *Handler) get(c echo.Context) error {
	body, err := h.document(c.Request().Context())
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", body)
}

// document is the present one. When it cannot be made, the last one that could is served on; the fault is logged.
func (h *Handler) document(ctx context.Context) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.options.Now().Before(h.until) {
		h.renew(ctx)
	}
	if h.body == nil {
		return nil, h.err
	}
	return h.body, nil
}

func (h *Handler) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildTimeout)
	defer cancel()
	body, err := h.build(ctx)
	h.err, h.until = err, h.options.Now().Add(fresh)
	switch {
	case err == nil:
		h.body = body
	case h.body != nil:
		h.options.Log.ErrorContext(ctx, "stellar.toml cannot be renewed, the last one is served", "error", err)
	}
}

func (h *Handler) build(ctx context.Context) ([]byte, error) {
	assets, err := h.options.Assets(ctx)
	if err != nil {
		return nil, fmt.Errorf("assets of stellar.toml: %w", err)
	}
	d := documentOf(h.options, assets)
	if h.options.Change != nil {
		if err := h.options.Change(ctx, d); err != nil {
			return nil, fmt.Errorf("the business' stellar.toml: %w", err)
		}
	}
	return encode(d)
}
