package inspect

import (
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// ready is why a payout that may be sent is not: the first that applies, in the order in which the engine asks.
func (f *file) ready(p payoutFile) Reason {
	if f.restored != nil {
		return f.fromOlderCopy(fmt.Sprintf("payout %d ", p.p.Number))
	}
	for _, because := range []func(payoutFile) (Reason, bool){f.paused, f.tomorrow, f.closed, f.beforeBatch, f.late, f.triedAgain} {
		if r, ok := because(p); ok {
			return r
		}
	}
	return Reason{Why: fmt.Sprintf("payout %d is ready and about to be sent by the rail %s", p.p.Number, p.p.Rail)}
}

// paused is about what an operator has switched off.
func (f *file) paused(p payoutFile) (Reason, bool) {
	for _, is := range f.switches {
		rail := is.Kind == string(store.SwitchRail) && is.Name == p.p.Rail
		asset := is.Kind == string(store.SwitchAsset) && is.Name == store.AssetSwitch(f.t.AssetCode, f.t.AssetIssuer)
		if is.Paused && (rail || asset) {
			return Reason{
				Why: fmt.Sprintf("payout %d is ready, and the %s %s is paused since %s by %s: %s", p.p.Number, is.Kind, is.Name,
					instant(store.At(is.UpdatedUs)), is.Actor, is.Reason),
				Mend: fmt.Sprintf("when that is over: anchor payouts resume --%s %s --reason TEXT", is.Kind, is.Name),
			}, true
		}
	}
	return Reason{}, false
}

// tomorrow is about a payout that the limit of the day has postponed; the engine has said so in the history.
func (f *file) tomorrow(p payoutFile) (Reason, bool) {
	next := store.At(p.p.NextUs)
	if n := len(p.events); n > 0 && f.now.Before(next) {
		e := p.events[n-1]
		if e.FromStatus == string(anchor.PayoutReady) && e.ToStatus == string(anchor.PayoutReady) && e.Reason != "" {
			return Reason{Why: fmt.Sprintf("payout %d is ready and waits until %s: %s", p.p.Number, instant(next), e.Reason)}, true
		}
	}
	return Reason{}, false
}

// closed is about a rail that takes nothing at this time.
func (f *file) closed(p payoutFile) (Reason, bool) {
	terms := f.terms[p.p.Rail]
	at, ever := terms.Calendar.Opening(f.now)
	switch {
	case !ever:
		return Reason{
			Why:  fmt.Sprintf("payout %d is ready, and the calendar of the rail %s has no time at which it takes payouts", p.p.Number, p.p.Rail),
			Mend: "look at the rail's calendar in anchor.yaml",
		}, true
	case at.After(f.now) && !terms.Batches: // of batches the next one is told, which knows the calendar
		return Reason{Why: fmt.Sprintf("payout %d is ready, and the rail %s is closed until %s", p.p.Number, p.p.Rail, instant(at))}, true
	}
	return Reason{}, false
}

// beforeBatch is about a payout that goes with the next batch of its rail.
func (f *file) beforeBatch(p payoutFile) (Reason, bool) {
	terms, o := f.terms[p.p.Rail], f.outlook
	if o == nil {
		return Reason{}, false
	}
	if o.Writing {
		r := f.handingOver(o.Last)
		r.Why = fmt.Sprintf("payout %d is ready and goes with the next batch of the rail %s; the one before it, %s, is %s", p.p.Number, p.p.Rail, o.Last.Name(), r.Why)
		return r, true
	}
	at, ok := store.NextBatch(*o, terms.Calendar, terms.BatchMost, terms.BatchEvery)
	switch {
	case !ok:
		return Reason{
			Why:  fmt.Sprintf("payout %d is ready, and the calendar of the rail %s has no time at which a batch is made", p.p.Number, p.p.Rail),
			Mend: "look at the rail's calendar in anchor.yaml",
		}, true
	case at.After(f.now):
		return Reason{Why: fmt.Sprintf("payout %d is ready and goes with the next batch of the rail %s, which is made at %s", p.p.Number, p.p.Rail, instant(at))}, true
	}
	return Reason{}, false
}

// handingOver is about a batch of which it is not known that it was handed over; Why goes on after the word "is".
func (f *file) handingOver(b store.Batch) Reason {
	r := Reason{Why: "being handed over since " + instant(store.At(b.CreatedUs))}
	switch late := f.now.Sub(store.At(max(b.NextUs, b.LeaseUntilUs))); {
	case late > patience:
		r.Mend = notAtWork("execute-outgoing --loop")
	case b.Tries > 0:
		r.Why += fmt.Sprintf(", %d %s failed%s; it is tried again at %s", b.Tries, plural(int(b.Tries), "try", "tries"), because(b.LastError), instant(store.At(b.NextUs)))
		r.Mend = "look at the rail " + b.Rail + ": it gets the same batch until it takes it, and no other before"
	}
	return r
}

// late is about a payout that should have been sent.
func (f *file) late(p payoutFile) (Reason, bool) {
	next := store.At(p.p.NextUs)
	late := f.now.Sub(next)
	if late <= patience {
		return Reason{}, false
	}
	if f.lastBatch != nil {
		return Reason{
			Why: fmt.Sprintf("payout %d is ready since %s and goes with the next batch of the rail %s; the last one, %s, was made at %s",
				p.p.Number, instant(next), p.p.Rail, f.lastBatch.Name(), instant(store.At(f.lastBatch.CreatedUs))),
			Mend: "when the next one is made the program decides that brings the rail. Is 'anchor execute-outgoing --loop' running?",
		}, true
	}
	r := Reason{
		Why:  fmt.Sprintf("payout %d is ready since %s and nobody has sent it for %s", p.p.Number, instant(next), span(late)),
		Mend: notAtWork("execute-outgoing --loop"),
	}
	if pace := paceWords(f.terms[p.p.Rail].Limits); pace != "" {
		r.Why += "; the rail " + p.p.Rail + " takes at most " + pace
	}
	return r, true
}

// paceWords are the limits by which payouts wait for their turn.
func paceWords(l anchor.Limits) string {
	var words []string
	if l.CallsPerSecond > 0 {
		words = append(words, fmt.Sprintf("%g calls per second", l.CallsPerSecond))
	}
	if l.InFlight > 0 {
		words = append(words, fmt.Sprintf("%d at once", l.InFlight))
	}
	return strings.Join(words, " and ")
}

// triedAgain is about a payout that was certainly not sent.
func (f *file) triedAgain(p payoutFile) (Reason, bool) {
	next := store.At(p.p.NextUs)
	if !f.now.Before(next) || p.p.Tries == 0 {
		return Reason{}, false
	}
	return Reason{
		Why: fmt.Sprintf("payout %d could not be sent %d %s%s; it is tried again at %s", p.p.Number, p.p.Tries,
			plural(int(p.p.Tries), "time", "times"), because(p.lastWord()), instant(next)),
		Mend: "look at the rail " + p.p.Rail + "; nothing was paid so far",
	}, true
}

func (f *file) sending(p payoutFile) Reason {
	if p.batch != nil && p.batch.State == store.BatchWriting {
		r := f.handingOver(*p.batch)
		r.Why = fmt.Sprintf("payout %d is in the batch %s, which is %s", p.p.Number, p.batch.Name(), r.Why)
		return r
	}
	until := store.At(p.p.LeaseUntilUs)
	if f.now.Before(until) {
		return Reason{Why: fmt.Sprintf("payout %d is being sent by %s, which has until %s", p.p.Number, p.p.LeaseOwner, instant(until))}
	}
	return Reason{
		Why: fmt.Sprintf("payout %d was being sent by %s, which has not been heard of since %s: it may have been paid",
			p.p.Number, p.p.LeaseOwner, instant(until)),
		Mend: "poll-outgoing asks the rail what became of it: is 'anchor poll-outgoing --loop' running?",
	}
}

func (f *file) unknown(p payoutFile) Reason {
	r := Reason{
		Why: fmt.Sprintf("what became of payout %d is not known%s: it may have been paid", p.p.Number, because(p.lastWord())),
		Mend: "the rail is asked again at " + instant(store.At(p.p.NextUs)) + ". If it cannot tell, ask the bank, then: anchor payouts resolve " +
			p.p.ID + " --as delivered|failed --reason TEXT",
	}
	if sent := p.lastSent(); sent > 0 {
		r.Why += fmt.Sprintf("; it was sent at %s", instant(store.At(sent)))
	}
	if p.p.Tries > 0 {
		r.Why += fmt.Sprintf("; the rail was asked %d %s without news", p.p.Tries, plural(int(p.p.Tries), "time", "times"))
	}
	if late := f.now.Sub(store.At(p.p.NextUs)); late > patience {
		r.Mend = "nobody has asked the rail for " + span(late) + ": " + notAtWork("poll-outgoing --loop")
	}
	return r
}

// lastSent is when the present attempt was last handed to the rail, as UTC microseconds; 0: never.
func (p payoutFile) lastSent() int64 {
	if n := len(p.attempts); n > 0 {
		return p.attempts[n-1].LastSentUs
	}
	return 0
}
