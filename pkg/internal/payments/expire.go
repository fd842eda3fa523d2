package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// expireAtOnce is how many transactions expire in one database transaction.
const expireAtOnce = 100

// expiryMargin is by how much the ledger through which an account was seen must have closed later than a transaction ran out. The
// ledger and the page of payments may come from two machines behind one address, one of which is a ledger or two behind: a payment
// in a ledger that the first one knows may be missing from a page that ends there. By then both have it.
const expiryMargin = 10 * time.Second

// Expire ends the transactions of an account that ran out more than ten seconds before the ledger through which the account
// has been seen closed: no payment can have come in time. No wall clock takes part, so nothing expires while the account is behind. Of one that was
// paid in part everything goes back; it is refunded once that is in the ledger. It answers how many there were.
func (s *Service) Expire(ctx context.Context, account string) (int, error) {
	total := 0
	for {
		n, err := s.expireSome(ctx, account)
		total += n
		if err != nil || n < expireAtOnce {
			return total, err
		}
	}
}

func (s *Service) expireSome(ctx context.Context, account string) (int, error) {
	c, err := s.db.CursorOf(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	before := c.ThroughClosedUs - expiryMargin.Microseconds()
	ids, err := s.db.ExpiredTransactions(ctx, account, before, expireAtOnce)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	slices.Sort(ids) // the order in which rows are locked
	n := 0
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n = 0
		for _, id := range ids {
			expired, err := s.expire(ctx, tx, id, before)
			if err != nil {
				return err
			}
			if expired {
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("expire transactions of %s: %w", account, err)
	}
	if n > 0 {
		s.log.InfoContext(ctx, "transactions ran out without their sum", "account", account, "transactions", n)
	}
	return n, nil
}

// expire looks again at what was found: it may have been paid or ended meanwhile.
func (s *Service) expire(ctx context.Context, tx *store.Tx, id string, beforeUs int64) (bool, error) {
	t, err := tx.LockTransaction(ctx, id)
	if err != nil {
		return false, err
	}
	if t.Funded || t.ExpiresUs == 0 || t.ExpiresUs >= beforeUs {
		return false, nil
	}
	if _, err := anchor.Next(t.Status, t.Funded, anchor.CauseExpired); err != nil {
		return false, nil //nolint:nilerr // it ended in another way
	}
	if t.CreditedUnits > 0 {
		return s.giveBackParts(ctx, tx, t)
	}
	message := "the payment did not arrive in time"
	_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseExpired, Actor: actor, Reason: message, Message: &message})
	return err == nil, err
}

// giveBackParts sends the parts of a sum back that did not come in time. It is false where that was asked for before: what an
// operator has given up since is the operator's.
func (s *Service) giveBackParts(ctx context.Context, tx *store.Tx, t store.Transaction) (bool, error) {
	list, err := tx.PaymentsToSendBack(ctx, t.ID)
	if err != nil || len(list) == 0 {
		return false, err
	}
	message := "the rest of the payment did not arrive in time: what arrived goes back"
	change := noted(actor, message)
	change.Message = &message
	if t, err = tx.Advance(ctx, t, change); err != nil {
		return false, err
	}
	for _, p := range list {
		if err := s.refund(ctx, tx, p, p.AmountUnits-p.RefundUnits, "the transaction ran out before its whole sum had arrived"); err != nil {
			return false, err
		}
	}
	return true, nil
}
