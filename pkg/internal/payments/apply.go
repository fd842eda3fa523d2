package payments

import (
	"context"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// applying carries out, within one Tx, what was decided about the payments of a page.
type applying struct {
	service *Service
	tx      *store.Tx
	rows    []store.Payment
	now     map[string]store.Transaction // as this Tx has left them, where that is known
}

// applyAll carries out effects in the order of the ledger.
func (s *Service) applyAll(ctx context.Context, tx *store.Tx, v verdict) error {
	a := applying{service: s, tx: tx, rows: v.rows, now: map[string]store.Transaction{}}
	for i := range v.effects {
		if err := a.apply(ctx, &v.effects[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) apply(ctx context.Context, e *effect) error {
	if e.decision.Units > 0 {
		t, err := a.present(ctx, e.candidate.ID)
		if err != nil {
			return err
		}
		if t, err = credit(ctx, a.tx, a.service.funding(t, e.hash, e.decision), e.decision); err != nil {
			return err
		}
		a.now[t.ID] = t
	}
	if e.decision.Refunds == nil {
		return nil
	}
	if e.candidate != nil {
		delete(a.now, e.candidate.ID) // a refund may write it
	}
	return a.sendBack(ctx, e)
}

// present is a transaction as this Tx has left it.
func (a *applying) present(ctx context.Context, id string) (store.Transaction, error) {
	if t, ok := a.now[id]; ok {
		return t, nil
	}
	return a.tx.LockTransaction(ctx, id)
}

// credit writes one decision that credits something.
func credit(ctx context.Context, tx *store.Tx, f store.Funding, d Decision) (store.Transaction, error) {
	if d.Funds {
		return tx.FundOne(ctx, store.Crediting{Funding: f, Priced: d.Priced, Spare: d.spare()})
	}
	return tx.CreditPart(ctx, f)
}

// sendBack asks for the refunds of an effect, one per payment.
func (a *applying) sendBack(ctx context.Context, e *effect) error {
	for i, units := range e.decision.Refunds {
		if units == 0 {
			continue
		}
		row := a.rows[e.from+i]
		if err := a.service.refund(ctx, a.tx, row, units, e.decision.Reason); err != nil {
			return err
		}
	}
	return nil
}

// refund asks for one refund that nobody but a policy wants.
func (s *Service) refund(ctx context.Context, tx *store.Tx, p store.Payment, units int64, reason string) error {
	_, err := tx.RequestRefund(ctx, store.RefundOrder{
		Payment: p, Units: units, FeeUnits: s.policyOf(p.AssetCode, p.AssetIssuer).feeOf(units), Automatic: true, Actor: actor, Reason: reason,
	})
	return err
}

func (s *Service) policyOf(code, issuer string) Policy {
	if s.options.PolicyOf == nil {
		return Policy{}
	}
	return s.options.PolicyOf(code, issuer)
}

// noted is a change that leaves the status as it is.
func noted(who, reason string) anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: who, Reason: reason}
}
