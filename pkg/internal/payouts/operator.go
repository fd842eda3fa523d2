package payouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Report records what a rail says of an attempt without being asked, as a bank's webhook does; actor names who brought it
// for the history (empty: the business). It may be repeated. A key of no attempt changes nothing and is CodeNotFound; that a
// member of a batch has failed while the batch is still being handed over is kept, changes nothing, and is CodeConflict: it has
// to be reported again.
func (s *Service) Report(ctx context.Context, key anchor.PayoutKey, o anchor.Outcome, actor string) error {
	if actor == "" {
		actor = actorReport
	}
	tooEarly, err := s.settled(ctx, answer{key: key, outcome: o, source: SourceReport, actor: actor})
	switch {
	case errors.Is(err, errUnknownKey):
		return errNothingThere("payout key")
	case err == nil && tooEarly:
		return anchor.RefuseAs(anchor.CodeConflict, "it is in a batch that is still being handed over, and may be handed over again: report it again later")
	}
	return err
}

// Resolve records what an operator found out about a payout whose outcome is open: Delivered or Failed, nothing else. It is
// refused (CodeConflict) unless the payout is unknown, accepted, was being sent by a process that lost its lease, or waits to
// be sent again after it may have left.
func (s *Service) Resolve(ctx context.Context, payoutID string, o anchor.Outcome, reason, actor string) error {
	if o.Kind() != anchor.OutcomeDelivered && o.Kind() != anchor.OutcomeFailed {
		return anchor.Refusef("a payout is resolved as delivered or failed, not as %s", kindOf(o))
	}
	attempts, err := s.db.AttemptsOf(ctx, payoutID)
	if err != nil {
		return err
	}
	if len(attempts) == 0 {
		return s.neverSent(ctx, payoutID)
	}
	a := answer{
		key: anchor.PayoutKey(attempts[len(attempts)-1].Key), outcome: o, source: SourceOperator, actor: actor, why: reason,
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		locked, err := tx.LockAnswered(ctx, []anchor.PayoutKey{a.key})
		if err != nil {
			return err
		}
		g := settling{service: s, tx: tx, concerned: map[string]bool{}}
		if g.now, err = tx.Now(ctx); err != nil {
			return err
		}
		is := locked[a.key]
		if is.Payout.State == anchor.PayoutSending && is.Attempt.BatchID != "" {
			return errInBatch(payoutID)
		}
		if !resolvable(is, g.now) {
			return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf("payout %s is %s: there is nothing to resolve now", payoutID, is.Payout.State))
		}
		if err := g.one(ctx, a, is); err != nil {
			return err
		}
		return g.write(ctx)
	})
	if err != nil {
		return fmt.Errorf("resolve payout %s: %w", payoutID, err)
	}
	return nil
}

func (s *Service) neverSent(ctx context.Context, payoutID string) error {
	p, err := s.db.PayoutByID(ctx, payoutID)
	if errors.Is(err, store.ErrNotFound) {
		return errNothingThere("payout")
	}
	if err != nil {
		return err
	}
	return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf("payout %s is %s: it was never sent", payoutID, p.State))
}

// resolvable tells whether no process can be about to say more than the operator knows.
func resolvable(is store.Answered, now int64) bool {
	switch is.Payout.State {
	case anchor.PayoutUnknown, anchor.PayoutAccepted:
		return is.Present
	case anchor.PayoutSending:
		return is.Present && is.Payout.LeaseUntilUs <= now
	case anchor.PayoutWaiting: // before a resend: nobody asks about it, and it may never become ready again
		return is.Present && is.Attempt.State == anchor.AttemptUnknown
	default:
		return false
	}
}

// RetryRequest is an operator's wish that a transaction be paid out after all.
type RetryRequest struct {
	TransactionID, Actor, Reason string
	// DespiteConflict says that the operator has looked into the contradiction and found that the recipient was not paid. It
	// is taken off the transaction.
	DespiteConflict bool
	// Rail is the rail of the new payout; empty: that of the last one.
	Rail string
}

// Retry makes payout number n+1 of a transaction whose last one failed or was returned, when what is held suffices; a payout
// that waits for an operator moves on instead. Everything else is refused (CodeConflict), above all while money may be on
// its way. It returns the payout.
func (s *Service) Retry(ctx context.Context, r RetryRequest) (p store.Payout, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = retrying{tx, r}.run(ctx)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.Payout{}, errNothingThere("transaction")
	}
	if err != nil {
		return store.Payout{}, fmt.Errorf("retry the payout of transaction %s: %w", r.TransactionID, err)
	}
	return p, nil
}

// retrying is one run of the closure of Retry.
type retrying struct {
	tx *store.Tx
	r  RetryRequest
}

func (r retrying) noted() anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: r.r.Actor, Reason: r.r.Reason}
}

func (r retrying) run(ctx context.Context) (store.Payout, error) {
	t, err := r.tx.LockTransaction(ctx, r.r.TransactionID)
	if err != nil {
		return store.Payout{}, err
	}
	if t.Conflict != "" && !r.r.DespiteConflict {
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict, "it has a contradiction that somebody must look into first: "+t.Conflict)
	}
	t.Conflict = ""
	live, ok, err := r.tx.LivePayout(ctx, t.ID)
	if err != nil {
		return store.Payout{}, err
	}
	if ok {
		return r.release(ctx, t, live)
	}
	return r.again(ctx, t)
}

// release lets a payout move on that waits for an operator.
func (r retrying) release(ctx context.Context, t store.Transaction, p store.Payout) (store.Payout, error) {
	if p.State != anchor.PayoutWaiting || p.WaitsFor != anchor.WaitsForOperator {
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf("payout %d of it is %s", p.Number, p.State))
	}
	if r.r.Rail != "" && r.r.Rail != p.Rail {
		return r.reroute(ctx, t, p)
	}
	t, err := r.tx.Advance(ctx, t, r.noted())
	if err != nil {
		return store.Payout{}, err
	}
	state, waits, needsInfo, err := r.readiness(ctx, t)
	if err != nil {
		return store.Payout{}, err
	}
	now, err := r.tx.Now(ctx)
	if err != nil {
		return store.Payout{}, err
	}
	p.State, p.WaitsFor, p.NextUs, p.Tries = state, waits, now, 0
	if p, err = r.tx.MovePayout(ctx, p, anchor.PayoutWaiting, r.noted()); err != nil {
		return store.Payout{}, err
	}
	return p, r.follow(ctx, t, needsInfo)
}

// reroute replaces a payout that was certainly not sent by one of another rail.
func (r retrying) reroute(ctx context.Context, t store.Transaction, p store.Payout) (store.Payout, error) {
	a, tried, err := r.tx.LatestAttempt(ctx, p.ID)
	if err != nil {
		return store.Payout{}, err
	}
	if tried && a.State != anchor.AttemptNotSent && a.State != anchor.AttemptFailed {
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict,
			fmt.Sprintf("payout %d of it may have been sent by %s: it cannot go by another rail", p.Number, p.Rail))
	}
	if err := r.asked(ctx, t, p, a); err != nil {
		return store.Payout{}, err
	}
	p.State, p.WaitsFor = anchor.PayoutCancelled, anchor.WaitsForNothing
	if p, err = r.tx.EndPayout(ctx, &t, p, anchor.PayoutWaiting, r.noted()); err != nil {
		return store.Payout{}, err
	}
	return r.next(ctx, t, p)
}

// again makes the next payout.
func (r retrying) again(ctx context.Context, t store.Transaction) (store.Payout, error) {
	last, ok, err := r.tx.LastPayout(ctx, t.ID)
	if err != nil {
		return store.Payout{}, err
	}
	switch {
	case !ok || !t.Funded:
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict, "it has not been paid for")
	case t.Status != anchor.StatusPendingReceiver:
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict, "it is "+string(t.Status))
	case t.Held() < last.DebitUnits:
		return store.Payout{}, anchor.RefuseAs(anchor.CodeConflict, "what is held does not suffice for another payout")
	}
	if r.r.Rail != "" && r.r.Rail != last.Rail {
		a, _, err := r.tx.LatestAttempt(ctx, last.ID)
		if err != nil {
			return store.Payout{}, err
		}
		if err := r.asked(ctx, t, last, a); err != nil {
			return store.Payout{}, err
		}
	}
	return r.next(ctx, t, last)
}

// asked refuses another rail for what the books, an older copy, may not know to have gone by the present one: that is asked first,
// under the keys that follow from the transaction.
func (r retrying) asked(ctx context.Context, t store.Transaction, p store.Payout, latest store.Attempt) error {
	older, err := r.tx.MayBeOlder(ctx, t, latest)
	if err != nil || !older {
		return err
	}
	return anchor.RefuseAs(anchor.CodeConflict, fmt.Sprintf("the database was restored from an older copy since: %s may have been given this payout "+
		"in what the copy does not know; retry it there first, which asks before it sends, and take another rail when that has failed", p.Rail))
}

// next makes the payout after the last one, which has given its units back.
func (r retrying) next(ctx context.Context, t store.Transaction, last store.Payout) (store.Payout, error) {
	state, waits, needsInfo, err := r.readiness(ctx, t)
	if err != nil {
		return store.Payout{}, err
	}
	var next store.Payout
	next.Number, next.State, next.WaitsFor, next.Rail = last.Number+1, state, waits, last.Rail
	if r.r.Rail != "" {
		next.Rail = r.r.Rail
	}
	next.DebitUnits, next.AmountUnits = last.DebitUnits, last.AmountUnits
	next.AmountDecimals, next.AmountAsset = last.AmountDecimals, last.AmountAsset
	if next, err = r.tx.CreatePayout(ctx, &t, next, r.noted()); err != nil {
		return store.Payout{}, err
	}
	change := r.noted()
	change.Message = new("")
	if t, err = r.tx.Advance(ctx, t, change); err != nil {
		return store.Payout{}, err
	}
	return next, r.follow(ctx, t, needsInfo)
}

func (r retrying) readiness(ctx context.Context, t store.Transaction) (anchor.PayoutState, anchor.WaitsFor, bool, error) {
	waits, needsInfo, err := r.tx.Readiness(ctx, t)
	if waits != anchor.WaitsForNothing {
		return anchor.PayoutWaiting, waits, needsInfo, err
	}
	return anchor.PayoutReady, waits, needsInfo, err
}

// follow shows the sending anchor that a customer has to give something.
func (r retrying) follow(ctx context.Context, t store.Transaction, needsInfo bool) error {
	if !needsInfo || t.Status != anchor.StatusPendingReceiver {
		return nil
	}
	_, err := r.tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseCustomerInfoNeeded, Actor: r.r.Actor, Reason: r.r.Reason})
	return err
}
