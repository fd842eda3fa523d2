package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// AssignRequest is an operator's word that payments belong to a transaction.
type AssignRequest struct {
	PaymentIDs    []string // judged by their sum; each open, of the account and asset that the transaction is to be paid in
	TransactionID string
	// Accept has what came count, whatever the asset's policy says of another amount than agreed. The limits of the amount and
	// the rule that nothing is paid out below zero stay, and more than a quote sells goes back.
	Accept        bool
	Actor, Reason string
}

// Assign credits open payments to a transaction as if they had named it, however late they are: one that expired or is in
// error is opened again. The payout follows, of the amount that came. Doing it again changes nothing. Whatever contradicts
// the books is refused (CodeConflict), what is not there is CodeNotFound.
func (s *Service) Assign(ctx context.Context, r AssignRequest) (t store.Transaction, err error) {
	if err := explained(r.Actor, r.Reason); err != nil {
		return store.Transaction{}, err
	}
	if len(r.PaymentIDs) == 0 {
		return store.Transaction{}, anchor.Refuse("name a payment")
	}
	r.PaymentIDs = slices.Compact(slices.Sorted(slices.Values(r.PaymentIDs))) // the order in which rows are locked
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err = assigning{s, tx, r}.run(ctx)
		return err
	})
	if err != nil {
		return store.Transaction{}, fmt.Errorf("assign payments to transaction %s: %w", r.TransactionID, err)
	}
	return t, nil
}

// explained wants every change by a person to name the person and why.
func explained(who, reason string) error {
	if who == "" || strings.TrimSpace(reason) == "" {
		return anchor.Refuse("say who you are and why: it stays in the history")
	}
	return nil
}

// there turns a row that is not found into a refusal.
func there(what string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return anchor.RefuseAs(anchor.CodeNotFound, "there is no such "+what)
	}
	return err
}

func conflictf(format string, args ...any) error {
	return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf(format, args...))
}

// assigning is one run of the closure of Assign.
type assigning struct {
	service *Service
	tx      *store.Tx
	r       AssignRequest
}

func (a assigning) run(ctx context.Context) (store.Transaction, error) {
	t, err := a.tx.LockTransaction(ctx, a.r.TransactionID)
	if err != nil {
		return t, there("transaction", err)
	}
	list, err := a.payments(ctx)
	if err != nil {
		return t, err
	}
	if done(t, list) {
		return t, nil
	}
	if err := takes(&t, list); err != nil {
		return t, err
	}
	d, err := a.decide(&t, list)
	if err != nil {
		return t, err
	}
	return a.carryOut(ctx, t, list, d)
}

func (a assigning) payments(ctx context.Context) ([]store.Payment, error) {
	list := make([]store.Payment, len(a.r.PaymentIDs))
	for i, id := range a.r.PaymentIDs {
		var err error
		if list[i], err = a.tx.LockPayment(ctx, id); err != nil {
			return nil, there("payment", err)
		}
	}
	slices.SortFunc(list, func(x, y store.Payment) int {
		return cmp.Or(cmp.Compare(x.OperationID, y.OperationID), cmp.Compare(x.Idx, y.Idx))
	})
	return list, nil
}

// done tells whether all of them belong to the transaction already.
func done(t store.Transaction, list []store.Payment) bool {
	for _, p := range list {
		if p.State != anchor.PaymentCredited || p.TransactionID.String != t.ID {
			return false
		}
	}
	return true
}

// takes tells why payments cannot be the transaction's.
func takes(t *store.Transaction, list []store.Payment) error {
	switch {
	case t.Funded:
		return conflictf("transaction %s has been paid", t.ID)
	case t.Status == anchor.StatusRefunded || t.RefundUnits > 0:
		return conflictf("what was paid for transaction %s has gone back or is on its way", t.ID)
	case !t.Published():
		return conflictf("the memo of transaction %s has not been given out: nobody can have paid it", t.ID)
	}
	for i := range list {
		p := &list[i]
		switch {
		case p.State != anchor.PaymentOpen:
			return conflictf("payment %s is %s", p.ID, p.State)
		case p.RefundUnits > 0:
			return conflictf("%s of payment %s went back: what is left of it is no payment of its own", amount(p.RefundUnits), p.ID)
		case p.AmountUnits == 0:
			return conflictf("the amount of payment %s is not known", p.ID)
		case p.Account != t.ReceivingAccount:
			return conflictf("payment %s went to %s, the transaction is to be paid to %s", p.ID, p.Account, t.ReceivingAccount)
		case !sameAsset(t, asRead(p)):
			return conflictf("payment %s is in %s, the transaction is to be paid in %s", p.ID, store.AssetName{Code: p.AssetCode, Issuer: p.AssetIssuer}.String(),
				store.AssetName{Code: t.AssetCode, Issuer: t.AssetIssuer}.String())
		}
	}
	return nil
}

// asRead is as much of a stored payment as is judged.
func asRead(p *store.Payment) *stellar.Payment {
	return &stellar.Payment{
		AssetCode: p.AssetCode, AssetIssuer: p.AssetIssuer, Units: p.AmountUnits, ClosedAt: store.At(p.ClosedUs), OuterHash: p.OuterHash,
	}
}

func (a assigning) decide(t *store.Transaction, list []store.Payment) (Decision, error) {
	policy := a.policy(t)
	group := make([]stellar.Payment, len(list))
	over := t.Status.Final()
	for i := range list {
		group[i] = *asRead(&list[i])
		over = over || ranOut(t, &group[i])
	}
	d := judgeSum(t, group, policy, a.r.Accept)
	switch {
	case d.Judgement != anchor.JudgedCredited && a.r.Accept:
		return d, conflictf("%s", d.Reason)
	case d.Judgement != anchor.JudgedCredited:
		return d, conflictf("%s; it counts only if you accept it as it is", d.Reason)
	case !d.Funds && over:
		return d, conflictf("it is a part only and the transaction ran out; it counts only if you accept it as it is")
	}
	return d, nil
}

// policy is that of the asset, unless the operator accepts what came: an excess then goes back whole, however small.
func (a assigning) policy(t *store.Transaction) Policy {
	p := a.service.policyOf(t.AssetCode, t.AssetIssuer)
	if a.r.Accept {
		p.Underpaid, p.Overpaid, p.RefundFee, p.RefundFloor = Accept, Accept, 0, 0
	}
	return p
}

func (a assigning) carryOut(ctx context.Context, t store.Transaction, list []store.Payment, d Decision) (store.Transaction, error) {
	hash := list[len(list)-1].OuterHash
	t, err := a.reopen(ctx, t, hash, d)
	if err != nil {
		return t, err
	}
	for i, p := range list {
		p.State = anchor.PaymentCredited
		p.BelongsTo(t.ID)
		if list[i], err = a.tx.MovePayment(ctx, p, anchor.PaymentOpen, noted(a.r.Actor, a.r.Reason)); err != nil {
			return t, err
		}
	}
	f := a.service.funding(t, hash, d)
	f.Change.Actor, f.Change.Reason = a.r.Actor, a.r.Reason
	if t, err = credit(ctx, a.tx, f, d); err != nil || d.Refunds == nil {
		return t, err
	}
	for i, units := range d.Refunds {
		if err := a.sendBack(ctx, t, list[i], units); err != nil {
			return t, err
		}
	}
	return a.tx.LockTransaction(ctx, t.ID)
}

func (a assigning) sendBack(ctx context.Context, t store.Transaction, p store.Payment, units int64) error {
	if units == 0 {
		return nil
	}
	_, err := a.tx.RequestRefund(ctx, store.RefundOrder{
		Payment: p, Units: units, FeeUnits: a.policy(&t).feeOf(units), Actor: a.r.Actor, Reason: a.r.Reason,
	})
	return err
}

// reopen opens a transaction again that is over. Its sending anchor is told the amounts of what was accepted at once.
func (a assigning) reopen(ctx context.Context, t store.Transaction, hash string, d Decision) (store.Transaction, error) {
	if !t.Status.Final() {
		return t, nil
	}
	if d.Priced != nil {
		t.FeeUnits, t.FeeDetails, t.OutUnits = d.Priced.FeeUnits, d.Priced.FeeDetails, d.Priced.OutUnits
	}
	t.StellarHash = hash
	return a.tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseReopened, Actor: a.r.Actor, Reason: a.r.Reason, Message: new("")})
}
