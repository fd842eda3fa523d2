package sep12

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/labstack/echo/v4"
)

const (
	// mostHeld is how many bytes of bodies are held at once: several dozen people sending both sides of a document.
	mostHeld = 512 << 20
	// freeBytes of each body need no room: what holds no file is let through whatever else is going on, and the number of
	// connections bounds it.
	freeBytes = 64 << 10
)

// errNoRoom ends the reading of a body that there is no room for.
var errNoRoom = errors.New("no room for the body")

// room bounds what all requests together hold of their bodies. Room is taken by what has arrived and not by what was
// announced: who announces much and sends nothing keeps nobody out. Nor does anybody wait for room while holding some.
type room struct {
	most int64
	held atomic.Int64
}

// take takes room for n bytes, or none if there is not enough.
func (r *room) take(n int64) bool {
	if r.held.Add(n) <= r.most {
		return true
	}
	r.held.Add(-n)
	return false
}

// bounded has the body of a request take room until the request is answered.
func (h *Handler) bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		b := &heldBody{ReadCloser: c.Request().Body, room: &h.room, free: freeBytes}
		c.Request().Body = b
		defer b.leave()
		return next(c)
	}
}

// heldBody is a body whose bytes take room as they are read.
type heldBody struct {
	io.ReadCloser
	room *room
	free int64 // bytes that need no room yet
	held int64
}

// Read implements io.Reader; errNoRoom where there is none for what was read.
func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	more := max(int64(n)-b.free, 0)
	b.free = max(b.free-int64(n), 0)
	if more > 0 && !b.room.take(more) {
		return 0, errNoRoom
	}
	b.held += more
	return n, err
}

// leave gives the room back.
func (b *heldBody) leave() { b.room.held.Add(-b.held) }
