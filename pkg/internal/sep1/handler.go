package sep1

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	// fresh is how long the assets are believed to be what they were.
	fresh = time.Second
	// changed is how often the business' hook is asked again while the assets stay the same: it may know something new.
	changed = time.Minute
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
	// Own is the business' own stellar.toml, whose entries are added; may be empty. What the anchor says itself it cannot
	// replace.
	Own []byte
	// Change lets the business change the document; may be nil. It is asked when an asset has changed, and every minute.
	Change func(context.Context, *anchor.Document) error

	Log *slog.Logger
	Now func() time.Time // nil: the host's clock
}

// Handler serves the document. It is safe for concurrent use.
type Handler struct {
	options Options
	own     own
	stale   atomic.Bool // set by Refresh

	mu     sync.Mutex // held while the document is made: others wait for it instead of making their own
	body   []byte     // the last good one
	tag    string     // names that body
	assets []Asset    // of which it was made
	made   time.Time
	err    error // of the last making
	until  time.Time
}

// New makes a Handler. Where there is a document of the business' own it reads the assets, and whatever in it contradicts the
// anchor's own words is an error that names the key and the mend.
func New(o Options) (*Handler, error) {
	if o.HostURL == "" || o.Passphrase == "" || o.Assets == nil || o.Log == nil {
		return nil, errors.New("sep1: the server's address, the network's passphrase, the assets or the log is missing")
	}
	o.Now = clockOf(o.Now)
	h := &Handler{options: o}
	if len(o.Own) == 0 {
		return h, nil
	}
	if err := h.takeOwn(); err != nil {
		return nil, fmt.Errorf("sep1: the business' own stellar.toml: %w", err)
	}
	return h, nil
}

func (h *Handler) takeOwn() error {
	var err error
	if h.own, err = parseOwn(h.options.Own); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	assets, err := h.options.Assets(ctx)
	if err != nil {
		return fmt.Errorf("read the assets: %w", err)
	}
	d := documentOf(h.options, assets)
	if err := h.own.mergeInto(d, receivedOf(assets)); err != nil {
		return err
	}
	_, err = encode(d, h.own)
	return err
}

// Routes adds the document to a group, which is /.well-known.
func (h *Handler) Routes(g *echo.Group) { g.GET("/stellar.toml", h.get) }

// Refresh has the next request look whether an asset has changed, however short ago the last one did.
func (h *Handler) Refresh() { h.stale.Store(true) }

// get answers whoever has the present document that it is the present one (If-None-Match); without asking nobody may rely on
// an old one.
func (h *Handler) get(c echo.Context) error {
	body, tag, err := h.document(c.Request().Context())
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/plain; charset=utf-8")
	header.Set(echo.HeaderCacheControl, "no-cache")
	header.Set("ETag", tag)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
	return nil
}

// document is the present one. When it cannot be made, the last one that could is served on; the fault is logged.
func (h *Handler) document(ctx context.Context) (body []byte, tag string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stale.Swap(false) || !h.options.Now().Before(h.until) {
		h.renew(ctx)
	}
	if h.body == nil {
		return nil, "", h.err
	}
	return h.body, h.tag, nil
}

func (h *Handler) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildTimeout)
	defer cancel()
	h.err = h.remake(ctx)
	h.until = h.options.Now().Add(fresh)
	if h.err != nil && h.body != nil {
		h.options.Log.ErrorContext(ctx, "stellar.toml cannot be renewed, the last one is served", "error", h.err)
	}
}

// remake makes the document anew where that can change it.
func (h *Handler) remake(ctx context.Context) error {
	assets, err := h.options.Assets(ctx)
	if err != nil {
		return fmt.Errorf("assets of stellar.toml: %w", err)
	}
	now := h.options.Now()
	if h.body != nil && slices.Equal(assets, h.assets) && (h.options.Change == nil || now.Before(h.made.Add(changed))) {
		return nil
	}
	body, err := h.build(ctx, assets)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	h.body, h.tag, h.assets, h.made = body, `"`+hex.EncodeToString(sum[:16])+`"`, slices.Clone(assets), now
	return nil
}

func (h *Handler) build(ctx context.Context, assets []Asset) ([]byte, error) {
	d := documentOf(h.options, assets)
	if err := h.own.mergeInto(d, receivedOf(assets)); err != nil { // an asset has changed since New found nothing
		h.options.Log.WarnContext(ctx, "parts of the business' own stellar.toml are left out", "error", err)
	}
	if h.options.Change != nil {
		if err := h.options.Change(ctx, d); err != nil {
			return nil, fmt.Errorf("the business' stellar.toml: %w", err)
		}
	}
	body, err := encode(d, h.own)
	if err != nil {
		return nil, fmt.Errorf("stellar.toml: %w", err)
	}
	return body, nil
}
