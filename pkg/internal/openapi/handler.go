package openapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Handler serves the document and the page, both made once. It is safe for concurrent use.
type Handler struct {
	document *Document
	json     file
	page     file
}

// file is what an address answers, always the same.
type file struct {
	contentType string
	policy      string // Content-Security-Policy; empty for what browsers do not show
	tag         string
	body        []byte
}

// New makes the document and the page.
func New(o Options) (*Handler, error) {
	d, err := Load(o)
	if err != nil {
		return nil, err
	}
	page, style, err := render(d.model)
	if err != nil {
		return nil, fmt.Errorf("openapi: page: %w", err)
	}
	return &Handler{
		document: d,
		json:     newFile("application/json", "", d.json),
		page:     newFile("text/html; charset=utf-8", policy(style), page),
	}, nil
}

func newFile(contentType, policy string, body []byte) file {
	sum := sha256.Sum256(body)
	return file{contentType: contentType, policy: policy, tag: `"` + hex.EncodeToString(sum[:12]) + `"`, body: body}
}

// policy allows the page its own style and nothing else.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// Document is what is served.
func (h *Handler) Document() *Document { return h.document }

// Server makes the groups of routes: Group for browsers of any origin, Plain for those who look at the anchor itself.
type Server interface {
	Group(prefix string, middleware ...echo.MiddlewareFunc) *echo.Group
	Plain(prefix string, middleware ...echo.MiddlewareFunc) *echo.Group
}

// Routes adds /openapi.json, which tools in browsers read, and /docs.
func (h *Handler) Routes(s Server) {
	s.Group("/openapi.json").GET("", h.json.get)
	s.Plain("/docs").GET("", h.page.get)
}

func (f file) get(c echo.Context) error {
	header := c.Response().Header()
	header.Set("ETag", f.tag)
	header.Set(echo.HeaderCacheControl, "public, max-age=300")
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	if f.policy != "" {
		header.Set(echo.HeaderContentSecurityPolicy, f.policy)
		header.Set("Referrer-Policy", "no-referrer")
	}
	if f.known(c.Request().Header.Values("If-None-Match")) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, f.contentType, f.body)
}

// known tells whether the client has this version (RFC 9110, 13.1.2).
func (f file) known(headers []string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == f.tag || tag == "*" {
				return true
			}
		}
	}
	return false
}
