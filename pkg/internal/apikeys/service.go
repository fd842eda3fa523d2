package apikeys

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// noteEvery is how often the use of a key is written down at most.
const noteEvery = time.Minute

// Service makes, ends and recognises keys. It is safe for use from several goroutines and processes; it keeps nothing in
// memory, so a key that is revoked is refused from the next request on, in every process.
type Service struct {
	db  *store.DB
	log *slog.Logger
	now func() time.Time
}

// New makes the service; now is the clock by which keys expire.
func New(db *store.DB, log *slog.Logger, now func() time.Time) *Service {
	return &Service{db: db, log: log, now: now}
}

// Create makes a key. The token is returned here and never again. What is wrong with the order is refused (CodeInvalid).
func (s *Service) Create(ctx context.Context, o Order) (Key, Token, error) {
	o, err := o.checked()
	if err != nil {
		return Key{}, Token{}, err
	}
	id, token := newToken()
	var row store.APIKey
	row.ID, row.Name, row.Hash, row.Scopes = id, o.Name, token.hash(), joined(o.Scopes, " ")
	var created store.APIKey
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		created, err = tx.CreateAPIKey(ctx, row, o.Lifetime, anchor.Change{Actor: o.Actor, Reason: o.Name, Detail: row.Scopes})
		return err
	})
	if err != nil {
		return Key{}, Token{}, err
	}
	return keyOf(created), token, nil
}

// List tells of all keys, those that are over included, the oldest first.
func (s *Service) List(ctx context.Context) ([]Key, error) {
	rows, err := s.db.APIKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = keyOf(row)
	}
	return keys, nil
}

// Revoke ends a key for good; done is false for one that was revoked before. An unknown id is an error of CodeNotFound, no
// reason one of CodeInvalid.
func (s *Service) Revoke(ctx context.Context, id, reason, actor string) (done bool, err error) {
	if reason = anchor.CleanText(reason); strings.TrimSpace(reason) == "" {
		return false, anchor.Refuse("a reason is needed: it stays in the history")
	}
	if !wellFormed(id) { // the whole key perhaps, which must not end up in a message
		return false, anchor.RefuseAs(anchor.CodeNotFound, "there is no key of this id: 'anchor keys list' shows them")
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		done, err = tx.RevokeAPIKey(ctx, id, anchor.Change{Actor: actor, Reason: reason})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, anchor.RefuseAs(anchor.CodeNotFound, "there is no key of this id: 'anchor keys list' shows them")
	}
	return done, err
}

// Caller is who showed a valid key.
type Caller struct {
	Key
	token Token
}

// String names the caller, without the key.
func (c Caller) String() string { return c.Actor() }

// GoString names the caller in %#v, without the key.
func (c Caller) GoString() string { return c.Actor() }

// Authenticate tells whose key this is. Whatever is no valid key is an error of CodeUnauthenticated, always the same.
func (s *Service) Authenticate(ctx context.Context, text string) (Caller, error) {
	id, ok := idOf(text)
	if !ok {
		return Caller{}, errNoKey()
	}
	row, err := s.db.APIKey(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Caller{}, err
	}
	token := Token{text}
	stored := cmp.Or(row.Hash, hashOfNobody()) // as long as a real one, so that an unknown id takes as long as a known one
	right := subtle.ConstantTimeCompare([]byte(token.hash()), []byte(stored)) == 1
	key, now := keyOf(row), s.now()
	if !right || key.State(now) != Valid {
		return Caller{}, errNoKey()
	}
	s.noteUse(ctx, key, now)
	return Caller{key, token}, nil
}

func errNoKey() error {
	return anchor.RefuseAs(anchor.CodeUnauthenticated, "a valid key is needed: Authorization: Bearer anchor_…")
}

// noteUse writes down that a key is in use; it does not fail the request.
func (s *Service) noteUse(ctx context.Context, k Key, now time.Time) {
	if now.Sub(k.LastUsedAt) < noteEvery {
		return
	}
	if err := s.db.NoteUseOfAPIKey(ctx, k.ID, now, noteEvery); err != nil {
		s.log.WarnContext(ctx, "the use of an API key could not be noted", "key", k.ID, "error", err)
	}
}
