package refunds

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// plan is a refund that is due with what the database knows about it.
type plan struct {
	refund store.Refund
	facts  store.RefundFacts
}

// begin makes and commits the envelope of the next refund of an account that is due; false: there is none, or it has to
// wait. The envelope is submitted by the next step, as one that a process left behind would be.
func (p *pass) begin(account string) (moved bool, err error) {
	plan, ok, err := p.next(account)
	if err != nil || !ok {
		return false, err
	}
	r := plan.refund
	head, err := p.head(p.hard)
	if err != nil {
		return false, p.keep(r, p.away(err))
	}
	if v := p.judge(plan, head); !v.Go() {
		return v.Hold, p.keep(r, v)
	}
	sight, err := p.look(r)
	if err != nil {
		return false, p.keep(r, p.away(err))
	}
	if v := JudgeNetwork(r, plan.facts.Cursor, p.Behind, sight); !v.Go() {
		return v.Hold, p.keep(r, v)
	}
	return p.prepare(plan, head, sight)
}

// next reads the refund that is due and everything that may keep it.
func (p *pass) next(account string) (found plan, ok bool, err error) {
	err = p.db.Tx(p.hard, func(ctx context.Context, tx *store.Tx) error {
		var r store.Refund
		if r, ok, err = tx.DueRefund(ctx, account); err != nil || !ok {
			return err
		}
		found, err = p.read(ctx, tx, r.ID)
		return err
	})
	return found, ok, err
}

func (s *Service) read(ctx context.Context, tx *store.Tx, id string) (plan, error) {
	l, err := tx.LockRefund(ctx, id)
	if err != nil {
		return plan{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return plan{}, err
	}
	facts, err := tx.RefundFacts(ctx, l, dayOf(now))
	return plan{l.Refund, facts}, err
}

func (s *Service) judge(p plan, head stellar.Ledger) Verdict {
	return Judge(p.refund, p.facts, Terms{
		Head: head, Policy: s.Policy(p.refund.AssetCode, p.refund.AssetIssuer),
		Excluded: func(account string) bool { return s.excluded[account] },
	})
}

// away is the verdict while the network does not answer.
func (s *Service) away(err error) Verdict {
	return waitAll(5*soon, "the network cannot be asked: %v", err)
}

// look asks the network about a refund. The ledger comes first, so that accounts are never older than it.
func (p *pass) look(r store.Refund) (n Sight, err error) {
	ctx, cancel := context.WithTimeout(p.hard, p.CallTimeout)
	defer cancel()
	if n.Latest, err = p.net.LatestLedger(ctx); err != nil {
		return n, err
	}
	if n.Source, err = p.net.Account(ctx, r.Account); err != nil {
		return n, err
	}
	if n.Destination, err = p.net.Account(ctx, r.Destination); err != nil && !errors.Is(err, stellar.ErrNotFound) {
		return n, err
	}
	n.Fees, err = p.net.FeeStats(ctx)
	return n, err
}

// keep writes why a refund is not sent now.
func (p *pass) keep(r store.Refund, v Verdict) error {
	switch {
	case v.Hold:
		return p.hold(r, v.Why)
	case v.Account:
		if v.Wait <= soon { // it will be otherwise when the watcher has read on
			p.late()
		}
		p.tell(p.hard, r.Account, v.Why, v.Wait <= soon)
		return p.db.KeepRefundsWaiting(p.hard, r.Account, p.Owner, v.Why, p.paced(v.Wait))
	}
	return p.db.PostponeRefund(p.hard, r, v.Why, p.paced(v.Wait))
}

func (p *pass) late() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.early = true
}

// hold leaves a refund to an operator, unless it has changed meanwhile.
func (s *Service) hold(r store.Refund, why string) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.CallTimeout)
	defer cancel()
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := tx.LockRefund(ctx, r.ID)
		if err != nil || l.Refund.Version != r.Version {
			return err
		}
		_, err = tx.HoldRefund(ctx, l.Refund, actor, why)
		return err
	})
	if err == nil {
		s.log.WarnContext(ctx, "a refund is held; see 'anchor refunds list --state held'", "refund", r.ID, "account", r.Account, "reason", why)
	}
	return err
}

// prepare builds, has signed and commits. Nothing of it is seen by the network.
func (p *pass) prepare(found plan, head stellar.Ledger, n Sight) (bool, error) {
	r := found.refund
	e, err := build(r, n, p.Options)
	if err != nil {
		return true, p.keep(r, hold("no envelope can be made: %v", err))
	}
	if err := p.point("built"); err != nil {
		return false, err
	}
	signed, v := p.sign(e.toSign)
	if !v.Go() {
		return v.Hold, p.keep(r, v)
	}
	if err := p.point("signed"); err != nil {
		return false, err
	}
	return p.commit(found, head, n, e, signed)
}

// sign asks the custodian, and believes only the envelope that was asked for.
func (p *pass) sign(asked anchor.RefundToSign) (signed string, v Verdict) {
	ctx, cancel := context.WithTimeout(p.hard, p.CallTimeout)
	defer cancel()
	got, err := p.custody.SignRefund(ctx, asked)
	if err == nil {
		err = checkSigned(asked, got)
	}
	if err == nil {
		return got.EnvelopeXDR, Verdict{}
	}
	if why, no := refused(err); no {
		return "", hold("the signer refused: %s", why)
	}
	p.log.WarnContext(ctx, "a refund could not be signed", "refund", asked.RefundID, "account", asked.Account, "error", err)
	return "", wait(5*soon, "it could not be signed: %v", err)
}

// errMoved means that what an envelope was built on is not so any more.
var errMoved = errors.New("something changed while the envelope was made")

// commit stores the envelope before anybody is shown it, if everything is still as it was when it was built.
func (p *pass) commit(found plan, head stellar.Ledger, n Sight, e envelope, signed string) (bool, error) {
	a := store.RefundAttempt{}
	a.Account, a.Sequence, a.InnerHash = found.refund.Account, e.sequence, e.toSign.Hash
	a.MaxTimeUs, a.FeeStroops, a.Envelope = e.maxTime.UnixMicro(), e.rate, signed
	err := p.db.Tx(p.hard, func(ctx context.Context, tx *store.Tx) error {
		now, err := p.read(ctx, tx, found.refund.ID)
		if err != nil {
			return err
		}
		if now.refund.Version != found.refund.Version || now.refund.State != anchor.RefundReady || !p.judge(now, head).Go() ||
			!JudgeNetwork(now.refund, now.facts.Cursor, p.Behind, n).Go() {
			return errMoved
		}
		if _, _, err := tx.BeginRefund(ctx, now.refund, a, actor); err != nil {
			return err
		}
		return p.point("committing")
	})
	switch {
	case errors.Is(err, errMoved), errors.Is(err, store.ErrExists):
		return false, nil // somebody else was quicker, or the next pass sees what changed
	case err != nil:
		return false, fmt.Errorf("commit the envelope of refund %s: %w", found.refund.ID, err)
	}
	p.tell(p.hard, a.Account, "", true)
	return true, p.point("committed")
}

// The waits between two submissions of the same envelope. The watcher's news come at once; these are for what is lost.
const (
	againFirst  = 5 * time.Second
	againMost   = 30 * time.Second
	againLanded = 30 * time.Second
)

// again is how long to wait before the next submission.
func again(submits int64) time.Duration {
	d := againFirst
	for range min(max(submits-1, 0), 8) {
		d *= 2
	}
	return min(d, againMost)
}
