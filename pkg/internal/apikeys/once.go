package apikeys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	// rememberFor is how long an Idempotency-Key counts at least.
	rememberFor = 24 * time.Hour
	// finishWithin is how long noting that a request has succeeded may take.
	finishWithin = 10 * time.Second
	mostKey      = 255
	done         = "done"
	onceTries    = 5 // a key can be forgotten between finding it taken and reading it: even once is next to impossible
)

// Request is what a caller asks for.
type Request struct {
	// IdempotencyKey makes repeating the request safe in whatever order; nil for a request without one.
	IdempotencyKey *string
	// Content is all that is asked for: two requests are the same if it is.
	Content []byte
}

// Once does what is asked for, unless the same request has succeeded under the same idempotency key of the caller before.
// Another request under that key is an error of CodeConflict: a key belongs to the first request that it came with, whatever
// became of it. do must be safe to repeat: it is run again if it failed, if the process died over it, and while the same
// request is under way elsewhere.
func (s *Service) Once(ctx context.Context, who Caller, r Request, do func(context.Context) error) error {
	if r.IdempotencyKey == nil {
		return do(ctx)
	}
	key := *r.IdempotencyKey
	if key == "" || len(key) > mostKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return anchor.Refusef("Idempotency-Key must be 1 to %d printable ASCII characters", mostKey)
	}
	hash := who.mark(r.Content)
	before, err := s.take(ctx, who.Actor(), key, hash)
	if err != nil || before {
		return err
	}
	if err := do(ctx); err != nil {
		return err
	}
	return s.finish(ctx, who, key, hash)
}

// finish notes that a request has succeeded, also for a caller that has gone meanwhile: it is the one who will ask again, perhaps
// after something that contradicts it.
func (s *Service) finish(ctx context.Context, who Caller, key, hash string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.FinishAnswer(ctx, who.Actor(), key, store.Remembered{RequestHash: hash, Text: done})
	})
}

// mark is the same for the same content, and tells nobody what it is who does not have the key: contents can be short.
func (c Caller) mark(content []byte) string {
	h := hmac.New(sha256.New, []byte(c.token.text))
	_, _ = h.Write(content) // never fails (hash.Hash)
	return hex.EncodeToString(h.Sum(nil))
}

// take makes an idempotency key that of a request, and tells whether the request has succeeded under it before.
func (s *Service) take(ctx context.Context, owner, key, hash string) (before bool, err error) {
	for range onceTries {
		earlier, err := s.db.RememberedAnswer(ctx, owner, key)
		if err == nil && earlier.RequestHash != hash {
			return false, anchor.RefuseAs(anchor.CodeConflict, "this Idempotency-Key was used for another request before")
		}
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return earlier.Text == done, err
		}
		err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			return tx.RememberAnswer(ctx, owner, key, store.Remembered{RequestHash: hash}, rememberFor)
		})
		if err == nil || !errors.Is(err, store.ErrExists) {
			return false, err
		}
	}
	return false, anchor.RefuseAs(anchor.CodeUnavailable, "this Idempotency-Key could not be taken; try again")
}
