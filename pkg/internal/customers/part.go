package customers

import (
	"context"
	"errors"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// part is the side of a transaction that a request names by its transaction_id and type (SEP-31 "Customer KYC" after POST).
// nil: the request is about no transaction.
type part struct {
	row    store.Transaction
	public anchor.Transaction
	side   store.Side
}

// partOf finds the side that a request names. A transaction of another account is not found, like one that does not exist.
func (s *Service) partOf(ctx context.Context, caller anchor.SendingAnchor, transactionID, customerType string) (*part, error) {
	if transactionID == "" {
		return nil, nil
	}
	if err := tidy(transactionID); err != nil {
		return nil, err
	}
	if customerType == "" {
		return nil, anchor.Refuse("'transaction_id' needs 'type'")
	}
	row, err := s.db.TransactionOf(ctx, caller.Account, transactionID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, anchor.RefuseAs(anchor.CodeNotFound, "transaction not found")
	}
	if err != nil {
		return nil, err
	}
	side, wanted := row.SideOf(customerType)
	if !wanted {
		return nil, anchor.Refuse("'type': this transaction needs no customer of that type")
	}
	public, err := row.Public()
	return &part{row, public, side}, err
}

// about is the transaction for which more may be demanded than the type does.
func (p *part) about() *anchor.Transaction {
	if p == nil {
		return nil
	}
	return &p.public
}

// demands is about, as long as the transaction waits for what it demands: afterwards only the type counts.
func (p *part) demands() *anchor.Transaction {
	if p == nil || !p.row.Withheld() {
		return nil
	}
	return &p.public
}

// party is who stands on the side already, if that is whom a request means: one that names nobody, or the same by id.
func (p *part) party(w Who) string {
	if p == nil || w.Memo != "" {
		return ""
	}
	if there := p.row.Party(p.side); w.ID == "" || w.ID == there {
		return there
	}
	return ""
}

// findFor is find, for requests that may be about a side of a transaction. Where somebody stands who stands there is known to
// every user of the transaction's account: transactions belong to the account. Without id and memo nobody else is meant.
func (s *Service) findFor(ctx context.Context, sc scope, w Who, p *part) (store.Customer, error) {
	if there := p.party(w); there != "" {
		row, err := s.db.CustomerOf(ctx, sc.owner.Account, there)
		return row, refused(err)
	}
	if p != nil && w.ID == "" && w.Memo == "" {
		return store.Customer{}, refused(store.ErrNotFound)
	}
	return s.find(ctx, sc, w.ID)
}

// targetOf is whom a PUT is about: like findFor, but who is not there yet is to be made, on a side of a transaction as a user
// that is derived from it.
func (s *Service) targetOf(ctx context.Context, sc scope, w Who, p *part) (target, error) {
	row, err := s.findFor(ctx, sc, w, p)
	if err != nil && (w.ID != "" || !notFound(err)) {
		return target{}, err
	}
	if err == nil && !sc.mayChange(row, p) {
		return target{}, refused(store.ErrNotFound)
	}
	t := target{row: row, owner: sc.owner, named: w.ID != "" || p.party(w) != "" && err == nil}
	if p != nil && w.ID == "" && w.Memo == "" && !t.named {
		t.owner = store.PartyOwner(sc.owner.Account, p.row.ID, p.side)
		if t.row, err = s.db.CustomerByOwner(ctx, t.owner); err != nil && !errors.Is(err, store.ErrNotFound) {
			return target{}, err
		}
	}
	return t, p.admits(t.row.ID)
}

// mayChange tells whether a request may give values of a customer: a token that speaks for one user changes that user and
// those who are known by a side of a transaction alone, and no other user of the account.
func (sc scope) mayChange(row store.Customer, p *part) bool {
	owner := store.Owner{Account: row.OwnerAccount, MemoType: row.MemoType, Memo: row.Memo}
	return !sc.exact || owner == sc.owner || p != nil && owner == store.PartyOwner(sc.owner.Account, p.row.ID, p.side)
}

// admits refuses who can no longer stand on the side. It spares values that would be given in vain; Tx.Involve decides.
func (p *part) admits(id string) error {
	if p == nil || p.row.Withheld() || id != "" && id == p.row.Party(p.side) {
		return nil
	}
	return errInvolved()
}

func errInvolved() error {
	return anchor.RefuseAs(anchor.CodeConflict, "the transaction has another customer on that side, or waits for none any more")
}

// involve puts a customer on the side.
func (s *Service) involve(ctx context.Context, p *part, customerID, customerType string) error {
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, p.row.ID)
		if err != nil {
			return err
		}
		_, err = tx.Involve(ctx, t, p.side, customerID, customerType, sendingAnchor)
		return err
	})
	if errors.Is(err, store.ErrInvolved) {
		return errInvolved()
	}
	return refused(err)
}
