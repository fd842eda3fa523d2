package payouts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// answer is what somebody said of an attempt.
type answer struct {
	key     anchor.PayoutKey
	outcome anchor.Outcome
	source  Source
	fence   int64 // of the claim under which it was asked for; 0 for none
	actor   string
	why     string // besides what the outcome says: the error of a rail
	rail    string // that said it without having been asked; empty: it was asked, or somebody else said it
}

// errUnknownKey means that no attempt has the key.
var errUnknownKey = errors.New("no attempt has this key")

// settle stores answers and does what follows from them, all in one database transaction. They must be about different
// transactions. An answer about a key of no attempt is counted, logged and left out, and makes the error errUnknownKey after
// the others were settled.
func (s *Service) settle(ctx context.Context, answers ...answer) error {
	_, err := s.settled(ctx, answers...)
	return err
}

// settled is settle, telling besides whether an answer came too early to count.
func (s *Service) settled(ctx context.Context, answers ...answer) (tooEarly bool, err error) {
	var g settling
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g = settling{service: s, tx: tx, concerned: map[string]bool{}, refunds: map[string]string{}}
		return g.run(ctx, answers)
	})
	if err != nil {
		return false, fmt.Errorf("settle %d answers: %w", len(answers), err)
	}
	for _, a := range g.strangers {
		s.unmatched.Add(1)
		s.log.ErrorContext(ctx, "a rail spoke of a key that no attempt has; nothing was changed",
			"key", printable(a.key), "outcome", kindOf(a.outcome), "source", a.source)
	}
	if len(g.strangers) > 0 {
		return false, errUnknownKey
	}
	return g.tooEarly, nil
}

// printable bounds what a stranger may put into the log.
func printable(key anchor.PayoutKey) string { return cut(string(key), 64) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func kindOf(o anchor.Outcome) string {
	if o.Kind() == anchor.OutcomeUnknown {
		return "unknown"
	}
	return string(o.Kind())
}

// settling is one run of the closure of settle.
type settling struct {
	service   *Service
	tx        *store.Tx
	now       int64
	concerned map[string]bool // transactions

	strangers []answer
	tooEarly  bool // an answer was
	answers   []store.AttemptAnswer
	attempts  []store.AttemptMove
	payouts   []store.PayoutMove
	postponed []store.Postponed
	told      []store.Happening
	refunds   map[string]string // by transaction that cannot be paid out: why; what it holds goes back
}

func (g *settling) run(ctx context.Context, answers []answer) error {
	var err error
	if g.now, err = g.tx.Now(ctx); err != nil {
		return err
	}
	keys := make([]anchor.PayoutKey, len(answers))
	for i, a := range answers {
		keys[i] = a.key
	}
	locked, err := g.tx.LockAnswered(ctx, keys)
	if err != nil {
		return err
	}
	for _, a := range answers {
		is, known := locked[a.key]
		if !known {
			g.strangers = append(g.strangers, a)
			continue
		}
		if g.concerned[is.Transaction.ID] {
			return fmt.Errorf("two answers about transaction %s at once", is.Transaction.ID)
		}
		g.concerned[is.Transaction.ID] = true
		if err := g.one(ctx, a, is); err != nil {
			return err
		}
	}
	return g.write(ctx)
}

// one decides about one answer and prepares what is written.
func (g *settling) one(ctx context.Context, a answer, is store.Answered) error {
	if a.rail != "" && a.rail != is.Payout.Rail {
		a.why = "said by the rail " + a.rail + ", which does not carry it: " + reason(a)
		g.answers = append(g.answers, recorded(a, is, Move{}))
		return nil
	}
	move := Decide(g.situation(a, is), a.outcome, g.service.rules(is.Payout.Rail))
	if move.NeedsInfo && !answerable(a.outcome, is.Transaction) {
		// Nobody can be asked, so it ends as any other failure does.
		move = Decide(g.situation(a, is), anchor.Failed(""), g.service.rules(is.Payout.Rail))
	}
	g.answers, g.tooEarly = append(g.answers, recorded(a, is, move)), g.tooEarly || move.TooEarly
	if move.Postpone {
		g.postponed = append(g.postponed, store.Postponed{
			PayoutID: is.Payout.ID, Version: is.Payout.Version, Fence: is.Payout.Fence, NextUs: g.now + move.Wait.Microseconds(),
		})
	}
	if !move.Used {
		return nil
	}
	g.moveAttempt(a, is, move)
	if move.NeedsInfo {
		return g.needInfo(ctx, a, is)
	}
	g.movePayout(a, is, move)
	return nil
}

func (g *settling) situation(a answer, is store.Answered) Situation {
	held := a.fence != 0 && a.fence == is.Payout.Fence
	return Situation{
		Payout: is.Payout.State, Attempt: is.Attempt.State, Present: is.Present, Source: a.source, Claimed: held, Batched: is.Attempt.BatchID != "",
		Sends: is.Attempt.Sends, FirstSentUs: is.Attempt.FirstSentUs, EndedUs: is.Attempt.UpdatedUs, NowUs: g.now,
		Tries: is.Payout.Tries, Spread: spread(),
	}
}

// recorded is the answer as it is kept. Reasons are for operators; what a rail puts into them is bounded.
func recorded(a answer, is store.Answered, move Move) store.AttemptAnswer {
	var row store.AttemptAnswer
	row.PayoutID, row.Number, row.Key, row.Source = is.Payout.ID, is.Attempt.Number, string(a.key), string(a.source)
	row.Outcome, row.ExternalID, row.Fence, row.Used = a.outcome.Kind(), cut(a.outcome.ExternalID(), 500), a.fence, move.Used
	row.Why = cut(reason(a), 500)
	row.Needs = needsText(a.outcome.Needs())
	return row
}

func reason(a answer) string {
	if a.why != "" {
		return a.why
	}
	return a.outcome.Why()
}

func (g *settling) moveAttempt(a answer, is store.Answered, move Move) {
	after := is.Attempt
	if move.Attempt != "" {
		after.State = move.Attempt
	}
	if after.State == is.Attempt.State && move.Payout == "" {
		return // a contradiction leaves the attempt as it was
	}
	after.Sends, after.Outcome = move.Sends, a.outcome.Kind()
	if after.Sends == 0 {
		after.FirstSentUs, after.LastSentUs = 0, 0
	}
	if id := cut(a.outcome.ExternalID(), 500); id != "" {
		after.ExternalID = id
	}
	g.attempts = append(g.attempts, store.AttemptMove{Before: is.Attempt, After: after})
}

func (g *settling) movePayout(a answer, is store.Answered, move Move) {
	t := is.Transaction
	if move.Payout != "" {
		g.movePayoutTo(a, is, move.Payout, anchor.WaitsForNothing, move)
		if move.Payout == anchor.PayoutFailed || move.Payout == anchor.PayoutReturned {
			t.PayoutUnits -= is.Payout.DebitUnits
		}
	}
	if id := cut(a.outcome.ExternalID(), 500); id != "" && move.Cause != "" {
		t.ExternalID = id
	}
	g.tell(t, changesOf(a, &t, is, move))
	if move.Refund && t.Conflict == "" { // with a contradiction nothing goes by itself
		g.refunds[t.ID] = cut(reason(a), 500)
	}
}

// movePayoutTo prepares the payout's own row; the claim is over.
func (g *settling) movePayoutTo(a answer, is store.Answered, state anchor.PayoutState, waits anchor.WaitsFor, move Move) {
	after := is.Payout
	after.State, after.WaitsFor, after.LeaseOwner, after.LeaseUntilUs = state, waits, "", 0
	after.NextUs, after.Tries = g.now+move.Wait.Microseconds(), 0
	if state == anchor.PayoutReady && a.outcome.Kind() == anchor.OutcomeNotSent {
		after.Tries = is.Payout.Tries + 1
	}
	g.payouts = append(g.payouts, store.PayoutMove{Before: is.Payout, After: after, Change: anchor.Change{
		Cause: causeOf(state), Actor: a.actor, Reason: cut(reason(a), 500),
	}})
}

// causeOf names in the payout's history what happened.
func causeOf(state anchor.PayoutState) anchor.Cause {
	switch state {
	case anchor.PayoutDelivered:
		return anchor.CausePayoutDelivered
	case anchor.PayoutAccepted:
		return anchor.CausePayoutAccepted
	case anchor.PayoutFailed:
		return anchor.CausePayoutFailed
	case anchor.PayoutReturned:
		return anchor.CausePayoutReturned
	default:
		return anchor.CauseNoted
	}
}

func (g *settling) tell(t store.Transaction, changes []anchor.Change) {
	if len(changes) > 0 {
		g.told = append(g.told, store.Happening{Transaction: t, Changes: changes})
	}
}

func (g *settling) write(ctx context.Context) error {
	if err := g.tx.InsertAnswers(ctx, g.answers); err != nil {
		return err
	}
	if err := g.tx.MoveAttempts(ctx, g.attempts); err != nil {
		return err
	}
	if err := g.tx.MovePayouts(ctx, g.payouts); err != nil {
		return err
	}
	if err := g.tx.PostponePayouts(ctx, g.postponed); err != nil {
		return err
	}
	after, err := g.tx.AdvanceMany(ctx, g.told) // all are locked
	if err != nil {
		return err
	}
	return g.refund(ctx, after)
}

// refund has everything go back that transactions hold now that their payouts have failed; advanced are the rows as they were
// written last. They are locked, those of their payments follow.
func (g *settling) refund(ctx context.Context, advanced []store.Transaction) error {
	var list []store.HeldRefund
	for _, t := range advanced {
		why, back := g.refunds[t.ID]
		if !back {
			continue
		}
		list = append(list, store.HeldRefund{Transaction: t, Order: store.RefundOrder{
			FeeUnits: g.service.refundFee(t.AssetCode, t.AssetIssuer), Automatic: true, Actor: actorRail,
			Reason: strings.TrimSuffix("it cannot be paid out: "+why, ": "),
		}})
	}
	_, err := g.tx.RefundHeld(ctx, list)
	return err
}
