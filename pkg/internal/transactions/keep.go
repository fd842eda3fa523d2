package transactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// keepTries bounds how often a row is written again because its random memo was taken, or because its key was forgotten
// between losing to another request and looking for that one's answer. Even once is next to impossible.
const keepTries = 5

// idempotency is what a request says of being a repetition.
type idempotency struct {
	owner string // account and memo: keys of different sessions of one account do not meet
	key   string // empty: the request has none
	hash  string
}

func keyOf(who anchor.SendingAnchor, r Request) (idempotency, error) {
	if r.IdempotencyKey == nil {
		return idempotency{}, nil
	}
	if err := checkKey(*r.IdempotencyKey); err != nil {
		return idempotency{}, err
	}
	hash, err := r.hash()
	return idempotency{owner: who.Account + ":" + who.Memo, key: *r.IdempotencyKey, hash: hash}, err
}

// remembered finds the answer that was given under the key before; ok is false for a new one.
func (s *Service) remembered(ctx context.Context, i idempotency) (answer Created, ok bool, err error) {
	if i.key == "" {
		return Created{}, false, nil
	}
	earlier, err := s.db.RememberedAnswer(ctx, i.owner, i.key)
	if errors.Is(err, store.ErrNotFound) {
		return Created{}, false, nil
	}
	if err != nil {
		return Created{}, false, err
	}
	answer, err = i.repeated(earlier)
	return answer, err == nil, err
}

// repeated is the earlier answer again, where it was given to the same request.
func (i idempotency) repeated(earlier store.Remembered) (answer Created, err error) {
	if earlier.RequestHash != i.hash {
		return Created{}, anchor.RefuseAs(anchor.CodeConflict, "this Idempotency-Key was used for another request before")
	}
	if err := json.Unmarshal([]byte(earlier.Text), &answer); err != nil {
		return Created{}, fmt.Errorf("remembered answer: %w", err)
	}
	return answer, nil
}

// keep stores a transaction, once per idempotency key however many requests arrive at the same time.
func (s *Service) keep(ctx context.Context, i idempotency, t store.Transaction, withheld bool) (Created, error) {
	for range keepTries {
		if !withheld {
			t.Publish(t.MemoType, store.NewMemo(t.MemoType))
		}
		created, err := s.insert(ctx, i, t)
		if err == nil {
			if withheld {
				s.release(ctx, t.ID)
			}
			s.log.DebugContext(ctx, "transaction agreed", "transaction", t.ID, "asset", t.AssetCode, "sending_anchor", t.OwnerAccount)
			return created, nil
		}
		if !errors.Is(err, store.ErrExists) {
			return Created{}, err
		}
		if answer, ok, err := s.remembered(ctx, i); ok || err != nil {
			return answer, err
		}
	}
	return Created{}, fmt.Errorf("transaction %s: no free memo after %d tries", t.ID, keepTries)
}

func (s *Service) insert(ctx context.Context, i idempotency, t store.Transaction) (created Created, err error) {
	created, err = answerFor(t)
	if err != nil {
		return created, err
	}
	answer, err := json.Marshal(created)
	if err != nil {
		return created, fmt.Errorf("answer: %w", err)
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if i.key != "" {
			remember := store.Remembered{RequestHash: i.hash, Text: string(answer)}
			if err := tx.RememberAnswer(ctx, i.owner, i.key, remember, s.options.KeyLifetime); err != nil {
				return err
			}
		}
		row := t
		if s.options.Lifetime > 0 {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			row.ExpiresUs = now + s.options.Lifetime.Microseconds()
		}
		if err := redeem(ctx, tx, &row); err != nil {
			return err
		}
		return create(ctx, tx, row)
	})
	return created, err
}

// create stores the row.
func create(ctx context.Context, tx *store.Tx, t store.Transaction) error {
	change := anchor.Change{Cause: anchor.CauseCreated, Actor: actor}
	if !t.Published() {
		change.Cause = anchor.CauseRequested
	}
	_, err := tx.CreateTransaction(ctx, t, change)
	return err
}

// release looks at a transaction whose memo was withheld once it can be seen: whoever it waits for may have been accepted
// since the request was judged. It is agreed on in any case, and looked at again.
func (s *Service) release(ctx context.Context, id string) {
	if err := s.customers.Release(ctx, id); err != nil {
		s.log.ErrorContext(ctx, "a transaction whose memo is withheld could not be looked at; it is tried again", "transaction", id, "error", err)
	}
}

func answerFor(t store.Transaction) (Created, error) {
	if !t.Published() {
		return Created{ID: t.ID}, nil
	}
	wire, err := store.WireMemo(t.MemoType, t.Memo.String)
	return Created{ID: t.ID, StellarAccountID: t.ReceivingAccount, StellarMemoType: t.MemoType, StellarMemo: wire}, err
}
