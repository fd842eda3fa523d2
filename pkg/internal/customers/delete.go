package customers

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Delete names a customer to be erased (SEP-12 "DELETE Customer"): a user of the caller's account.
type Delete struct {
	Account  string // empty: the caller's own
	MemoType string
	Memo     string
}

// Delete hides a customer at once and destroys what is kept of it as soon as no open transaction needs it any more: at
// once, or by a later Sweep. What is not there and what is somebody else's are refused alike, with CodeNotFound.
func (s *Service) Delete(ctx context.Context, caller anchor.SendingAnchor, d Delete) error {
	sc, err := s.scopeOf(caller, Who{Account: d.Account, MemoType: d.MemoType, Memo: d.Memo})
	if anchor.CodeOf(err) == anchor.CodeForbidden && err != nil {
		return refused(store.ErrNotFound)
	}
	if err != nil {
		return err
	}
	row, err := s.find(ctx, sc, "")
	if err != nil {
		return err
	}
	// The business is told first: told and not done is repeated by the client, done and not told would be lost.
	if err := s.integration.Delete(ctx, anchor.CustomerDelete{ID: row.ID}); err != nil {
		return fmt.Errorf("tell that customer %s is deleted: %w", row.ID, err)
	}
	if err := s.hide(ctx, row.ID); err != nil {
		return refused(err)
	}
	if err := s.releaseOf(ctx, row.ID); err != nil {
		return err
	}
	_, err = s.db.EraseCustomer(ctx, row.ID, s.options.retention, eraser)
	return err
}

func (s *Service) hide(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		open, c, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		change := store.CustomerChange{Cause: store.CustomerDeleted, Actor: sendingAnchor, Delete: true}
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		return follow(ctx, tx, open, sendingAnchor, "a customer was deleted")
	})
}

// sweepAtOnce bounds how many rows a pass of Sweep reads at a time.
const sweepAtOnce = 100

// Sweep finishes what requests could not: it erases deleted customers whose last transaction has ended or whose retention
// is over, removes files that ran out and places that nobody needs, releases transactions, and has those judged whose values were stored by a process that ended before it could
// ask. One pass; safe to run in several processes at once. What fails is logged and tried again by the next pass.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.sweepDeleted(ctx), s.sweepFiles(ctx), s.sweepPlaces(ctx), s.sweepUnjudged(ctx), s.sweepWithheld(ctx))
}

func (s *Service) sweepDeleted(ctx context.Context) error {
	for after := ""; ; {
		ids, err := s.db.CustomersToErase(ctx, after, sweepAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if _, err := s.db.EraseCustomer(ctx, id, s.options.retention, eraser); err != nil {
				s.log.ErrorContext(ctx, "could not erase a customer", "customer", id, "error", err)
			}
		}
		after = ids[len(ids)-1]
	}
}

// sweepUnjudged leaves alone what a request may still be judging.
func (s *Service) sweepUnjudged(ctx context.Context) error {
	before := s.options.now().Add(-unjudgedFor).UnixMicro()
	ids, err := s.db.UnjudgedCustomers(ctx, sendingAnchor, before, sweepAtOnce)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.judge(ctx, id, judgement{}); err != nil {
			s.log.ErrorContext(ctx, "could not have a customer judged", "customer", id, "error", err)
		}
	}
	return nil
}
