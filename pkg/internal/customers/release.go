package customers

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	releaseTries = 5
	releaseMost  = 100 // transactions of one customer in the request that changed it; a sweep does the rest
)

// Release lets a transaction whose memo is withheld follow its customers: once all are accepted and have given what this
// transaction demands, its memo is given out (SEP-31 3.0). The business is asked what it demands outside of any database
// transaction, so what was found counts only while the customers are in the versions that were looked at. Safe to call at any
// time; what is not withheld is left alone.
func (s *Service) Release(ctx context.Context, transactionID string) error {
	for range releaseTries {
		err := s.releaseOnce(ctx, transactionID)
		if !errors.Is(err, store.ErrOutdated) {
			return err
		}
	}
	return anchor.RefuseAs(anchor.CodeConflict, "the customers of the transaction are being changed by other requests; try again")
}

func (s *Service) releaseOnce(ctx context.Context, transactionID string) error {
	t, err := s.db.TransactionByID(ctx, transactionID)
	if err != nil || !t.Withheld() {
		return err
	}
	assessed, err := s.assess(ctx, t)
	if err != nil {
		return fmt.Errorf("look at the customers of transaction %s: %w", t.ID, err)
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, transactionID)
		if err != nil {
			return err
		}
		_, err = tx.Release(ctx, t, assessed, integration)
		return err
	})
}

// assess looks at everybody who stands on a side. Who was deleted is left out.
func (s *Service) assess(ctx context.Context, t store.Transaction) (map[store.Side]store.Assessed, error) {
	public, err := t.Public()
	if err != nil {
		return nil, err
	}
	assessed := map[store.Side]store.Assessed{}
	for _, side := range []store.Side{store.SideSender, store.SideReceiver} {
		id, role := t.Party(side), t.Role(side)
		if id == "" {
			continue
		}
		row, err := s.db.CustomerByID(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		k, err := s.load(ctx, row, false)
		if err != nil {
			return nil, err
		}
		lacks, err := s.unmet(ctx, k, role, &public)
		if err != nil {
			return nil, err
		}
		assessed[side] = store.Assessed{Version: row.Version, Lacks: lacks}
	}
	return assessed, nil
}

// unmet tells whether a transaction demands something of the customer that its type does not and that was not given. A type
// that the business has dropped can no longer be met.
func (s *Service) unmet(ctx context.Context, k known, name string, about *anchor.Transaction) (bool, error) {
	person := *k.person
	person.Type = name
	base, err := s.role(ctx, anchor.CustomerGet{Customer: &person, Type: name})
	if err != nil {
		return refusedType(err), unlessRefused(err)
	}
	more, err := s.role(ctx, anchor.CustomerGet{Customer: &person, Type: name, Transaction: about})
	if err != nil {
		return refusedType(err), unlessRefused(err)
	}
	for field, demanded := range more.fields {
		of, known := base.fields[field]
		missing := !k.fields[field].Given() || k.fields[field].Status == anchor.FieldRejected
		if !demanded.Optional && (!known || of.Optional) && missing {
			return true, nil
		}
	}
	return false, nil
}

func unlessRefused(err error) error {
	if refusedType(err) {
		return nil
	}
	return err
}

// releaseOf releases the transactions that wait for a customer. What cannot be released now is for the sweep.
func (s *Service) releaseOf(ctx context.Context, customerID string) error {
	ids, err := s.db.WithheldOf(ctx, customerID, releaseMost)
	if err != nil {
		return err
	}
	s.releaseAll(ctx, ids)
	return nil
}

func (s *Service) releaseAll(ctx context.Context, ids []string) {
	for _, id := range ids {
		if err := s.Release(ctx, id); err != nil {
			s.log.ErrorContext(ctx, "a transaction whose memo is withheld could not be looked at; it is tried again", "transaction", id, "error", err)
		}
	}
}

// sweepWithheld releases what whoever recorded the last verdict could not.
func (s *Service) sweepWithheld(ctx context.Context) error {
	for after := ""; ; {
		ids, err := s.db.Releasable(ctx, after, sweepAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		s.releaseAll(ctx, ids)
		after = ids[len(ids)-1]
	}
}
