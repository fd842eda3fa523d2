package inspect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Transaction tells the story of the transaction of that id; store.ErrNotFound if there is none.
func (e *Explainer) Transaction(ctx context.Context, id string) (Story, error) {
	f, err := e.file(ctx, id)
	if err != nil {
		return Story{}, err
	}
	s := newStory(store.SubjectTransaction, id)
	s.Why = f.why()
	f.facts(&s)
	f.history(&s)
	s.inOrder()
	return s, nil
}

func (f *file) facts(s *Story) {
	t := f.t
	s.fact("status", string(t.Status))
	s.fact("told the sender", t.StatusMessage)
	s.fact("contradiction", t.Conflict)
	s.fact("sending anchor", strings.TrimSpace(t.OwnerAccount+" "+t.OwnerMemo))
	s.fact("asset", t.AssetCode+":"+t.AssetIssuer)
	for _, money := range []struct {
		name  string
		units int64
	}{{"expected", t.ExpectedUnits}, {"credited", t.CreditedUnits}, {"paid out", t.PayoutUnits}, {"sent back", t.RefundUnits}, {"held", t.Held()}} {
		s.fact(money.name, units(money.units, stellarDecimals))
	}
	if !t.Unpriced {
		s.fact("fee", units(t.FeeUnits, stellarDecimals))
		s.fact("pays out", units(t.OutUnits, t.OutDecimals)+" "+t.OutAsset+" by "+t.FundingMethod)
	} else {
		s.fact("pays out", t.OutAsset+" by "+t.FundingMethod+", at the price of the moment")
	}
	if t.Published() {
		s.fact("paid to", t.ReceivingAccount+", "+memoWords(t.MemoType, t.Memo.String))
	} else {
		s.fact("paid to", "nobody yet: the memo was not given out")
	}
	s.fact("quote", f.quoteWords())
	s.fact("sender", f.sender.words())
	s.fact("receiver", f.receiver.words())
	if t.ExpiresUs > 0 {
		s.fact("runs out", instant(store.At(t.ExpiresUs)))
	}
	if f.cursor != nil {
		s.fact("account read", fmt.Sprintf("through ledger %d, closed %s", f.cursor.ThroughLedger, instant(f.cursor.ThroughClosed())))
	}
	if t.CallbackUrl == "" {
		s.fact("callbacks", "none: the sending anchor asks by itself")
	}
}

func (f *file) quoteWords() string {
	switch {
	case f.t.QuoteID == "":
		return ""
	case f.quote == nil:
		return f.t.QuoteID
	}
	return f.t.QuoteID + ", good until " + instant(store.At(f.quote.ExpiresUs))
}

func (p party) words() string {
	switch {
	case p.id == "" && len(p.types) > 0:
		return "nobody yet; " + strings.Join(p.types, " or ") + " is needed"
	case p.id == "":
		return ""
	case p.deleted:
		return p.id + ", deleted"
	default:
		return strings.Join(strings.Fields(p.id+", "+p.typ+" "+string(p.status)), " ")
	}
}

func (f *file) history(s *Story) {
	tellEvents(s, "transaction", f.events)
	for _, p := range []party{f.sender, f.receiver} {
		tellEvents(s, p.role, p.events)
	}
	for i, p := range f.payments {
		tellPayment(s, fmt.Sprintf("payment %d", i+1), p)
	}
	for _, p := range f.payouts {
		p.tell(s)
	}
	tellCallbacks(s, f.callbacks)
}

func tellEvents(s *Story, of string, events []store.Event) {
	for _, e := range events {
		what := strings.ReplaceAll(e.Kind, "_", " ")
		switch {
		case e.FromStatus != "" && e.FromStatus != e.ToStatus:
			what += ": " + e.FromStatus + " -> " + e.ToStatus
		case e.ToStatus != "":
			what += ": " + e.ToStatus
		}
		s.line(Line{At: store.At(e.AtUs), Of: of, What: what, By: e.Actor, Why: e.Reason})
	}
}

// tellPayment tells of a payment under a short name, by which the rest of the story calls it.
func tellPayment(s *Story, of string, f paymentFile) {
	p := f.p
	s.fact(of, fmt.Sprintf("%s, %s, %s, Stellar transaction %s", p.ID, stroops(p.AmountUnits, p.AssetCode), stands(p), p.OuterHash))
	memo := memoWords(p.MemoType, p.Memo)
	if p.ToMuxedID != "" {
		memo += ", for muxed id " + p.ToMuxedID
	}
	s.line(Line{
		At: store.At(p.ClosedUs), order: closing(p), Of: of, What: stroops(p.AmountUnits, p.AssetCode) + " arrived by " + strings.ReplaceAll(p.Kind, "_", " "),
		By: "ledger " + fmt.Sprint(p.Ledger), Why: "from " + p.FromAccount + " with " + memo,
	})
	s.line(Line{At: store.At(p.CreatedUs), Of: of, What: "judged " + strings.ReplaceAll(string(p.Judgement), "_", " "), By: "watch-transactions", Why: p.Reason})
	tellEvents(s, of, f.events)
	for _, r := range f.refunds {
		tellRefund(s, fmt.Sprintf("refund %d of %s", r.r.Number, of), r)
	}
}

func stands(p store.Payment) string {
	if string(p.State) == string(p.Judgement) {
		return string(p.State)
	}
	return strings.ReplaceAll(string(p.Judgement), "_", " ") + ", " + string(p.State)
}

// closing is when a payment comes in the story: ledgers tell whole seconds, and it was seen after it happened.
func closing(p store.Payment) time.Time {
	at, seen := store.At(p.ClosedUs).Add(time.Second), store.At(p.CreatedUs).Add(-time.Microsecond)
	if seen.Before(at) {
		return seen
	}
	return at
}

func tellRefund(s *Story, of string, f refundFile) {
	r := f.r
	s.fact(of, fmt.Sprintf("%s, %s%s", r.ID, r.State, because(r.Trouble)))
	what := "asked for: " + stroops(r.Units, r.AssetCode)
	if r.FeeUnits > 0 {
		what += ", " + stroops(r.FeeUnits, r.AssetCode) + " of it kept as fee"
	}
	s.line(Line{At: store.At(r.CreatedUs), Of: of, What: what, By: r.Actor, Why: strings.TrimPrefix(r.Reason+", to "+r.Destination, ", ")})
	for _, a := range f.attempts {
		s.line(Line{
			At: store.At(a.CreatedUs), Of: of, What: fmt.Sprintf("envelope %d signed, may land until %s", a.Number, instant(store.At(a.MaxTimeUs))),
			Why: "Stellar transaction " + shown(a.OuterHash, a.InnerHash),
		})
		s.line(Line{
			At: store.At(a.UpdatedUs), Of: of, Why: a.Result,
			What: fmt.Sprintf("envelope %d: %s, submitted %d %s", a.Number, a.State, a.Submits, plural(int(a.Submits), "time", "times")),
		})
	}
	tellEvents(s, of, f.events)
}

func (f payoutFile) tell(s *Story) {
	p := f.p
	of := fmt.Sprintf("payout %d", p.Number)
	s.fact(of, fmt.Sprintf("%s, %s%s, %s %s by %s", p.ID, p.State, f.waitsFor(), units(p.AmountUnits, p.AmountDecimals), p.AmountAsset, p.Rail))
	tellEvents(s, of, f.events)
	for _, a := range f.attempts {
		s.line(Line{At: store.At(a.CreatedUs), Of: of, What: fmt.Sprintf("attempt %d made", a.Number), Why: "key " + a.Key})
		if a.FirstSentUs > 0 {
			s.line(Line{At: store.At(a.FirstSentUs), Of: of, What: fmt.Sprintf("attempt %d handed to the rail %s", a.Number, p.Rail)})
		}
		if a.LastSentUs > a.FirstSentUs {
			s.line(Line{At: store.At(a.LastSentUs), Of: of, What: fmt.Sprintf("attempt %d handed over again (%d times in all)", a.Number, a.Sends)})
		}
	}
	f.tellAnswers(s, of)
}

// tellAnswers tells what was said of the attempts; the same said again and again without effect is one line.
func (f payoutFile) tellAnswers(s *Story, of string) {
	again := 0
	for i, a := range f.answers {
		if i > 0 && !a.Used && sameAnswer(a, f.answers[i-1]) {
			again++
			last := &s.Lines[len(s.Lines)-1]
			last.What = fmt.Sprintf("%s; said again %d %s, last at %s", answerLine(of, f.answers[i-again]).What, again, plural(again, "time", "times"), instant(store.At(a.AtUs)))
			continue
		}
		again = 0
		s.line(answerLine(of, a))
	}
}

func sameAnswer(a, b store.AttemptAnswer) bool {
	return a.Number == b.Number && a.Outcome == b.Outcome && a.ExternalID == b.ExternalID && a.Why == b.Why
}

func (f payoutFile) waitsFor() string {
	if f.p.WaitsFor == "" {
		return ""
	}
	return " for " + string(f.p.WaitsFor)
}

func answerLine(of string, a store.AttemptAnswer) Line {
	outcome := string(a.Outcome)
	if outcome == "" {
		outcome = "unknown"
	}
	what := fmt.Sprintf("attempt %d: the answer is %s", a.Number, strings.ReplaceAll(outcome, "_", " "))
	if a.ExternalID != "" {
		what += " as " + a.ExternalID
	}
	if !a.Used {
		what += ", which changed nothing"
	}
	return Line{At: store.At(a.AtUs), Of: of, What: what, By: a.Source, Why: a.Why}
}

func tellCallbacks(s *Story, callbacks []store.Callback) {
	for _, c := range callbacks {
		what := fmt.Sprintf("about event %d: %s", c.Seq, c.State)
		if c.Topic != "" {
			what = fmt.Sprintf("about %s: %s", c.Topic, c.State)
		}
		if c.Attempts > 0 {
			what += fmt.Sprintf(" after %d %s", c.Attempts, plural(int(c.Attempts), "attempt", "attempts"))
		}
		s.line(Line{At: store.At(c.UpdatedUs), Of: "callback", What: what, Why: c.LastAnswer})
	}
}
