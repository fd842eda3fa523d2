package inspect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// payout is why the recipient of a funded transaction has not been paid.
func (f *file) payout() []Reason {
	if len(f.payouts) == 0 {
		return []Reason{{Why: "it is paid for and has no payout, which should not be", Mend: "report it with the output of this command"}}
	}
	last := f.payouts[len(f.payouts)-1]
	if !last.live() {
		return []Reason{f.ended(last)}
	}
	list := f.rail(last.p)
	switch last.p.State {
	case anchor.PayoutWaiting:
		return append(list, f.waiting(last)...)
	case anchor.PayoutReady:
		return append(list, f.ready(last))
	case anchor.PayoutSending:
		return append(list, f.sending(last))
	case anchor.PayoutUnknown:
		return append(list, f.unknown(last))
	case anchor.PayoutAccepted:
		return append(list, f.accepted(last))
	default:
		return list
	}
}

// rail says that nobody can pay by the rail of a payout.
func (f *file) rail(p store.Payout) []Reason {
	switch {
	case p.Rail == "":
		return []Reason{{
			Why:  fmt.Sprintf("no rail pays the funding method %q", f.t.FundingMethod),
			Mend: "name one under funding_methods in anchor.yaml, then: anchor transactions retry " + f.t.ID + " --rail NAME --reason TEXT",
		}}
	case f.rails != nil && !slices.Contains(f.rails, p.Rail):
		mend := "declare the rail"
		if p.State == anchor.PayoutReady || p.State == anchor.PayoutWaiting {
			mend += ", or: anchor transactions retry " + f.t.ID + " --rail NAME --reason TEXT"
		}
		return []Reason{{
			Why: fmt.Sprintf("its rail %q is not among those of the settings (%s)", p.Rail, strings.Join(f.rails, ", ")), Mend: mend,
		}}
	default:
		return nil
	}
}

func (f *file) ended(p payoutFile) Reason {
	how := map[anchor.PayoutState]string{
		anchor.PayoutFailed: "failed", anchor.PayoutReturned: "came back", anchor.PayoutCancelled: "was cancelled",
	}[p.p.State]
	return Reason{
		Why: fmt.Sprintf("payout %d %s at %s%s; %s are held", p.p.Number, how, instant(store.At(p.p.UpdatedUs)), because(p.lastWord()),
			stroops(f.t.Held(), f.t.AssetCode)),
		Mend: "pay again: anchor transactions retry " + f.t.ID + " --reason TEXT; or send it back: anchor payments refund PAYMENT --reason TEXT",
	}
}

func (f *file) waiting(p payoutFile) []Reason {
	number := fmt.Sprintf("payout %d ", p.p.Number)
	switch p.p.WaitsFor {
	case anchor.WaitsForKYC:
		return f.waitingForPeople(number)
	case anchor.WaitsForInfo:
		return []Reason{f.waitingForFields(number)}
	case anchor.WaitsForPrice:
		return []Reason{f.waitingForPrice(p)}
	case anchor.WaitsForOperator:
		return []Reason{{
			Why:  number + "waits for you" + because(p.lastWord()),
			Mend: f.decide(p),
		}}
	case anchor.WaitsForBatch:
		return []Reason{{Why: number + "waits for the cut-off of its batch"}}
	default:
		return []Reason{{Why: number + "waits for " + string(p.p.WaitsFor)}}
	}
}

// decide says what an operator can do about a payout that waits for one.
func (f *file) decide(p payoutFile) string {
	retry := "anchor transactions retry " + f.t.ID + " --reason TEXT"
	if n := len(p.attempts); n > 0 && p.attempts[n-1].State == anchor.AttemptUnknown {
		return "ask the bank whether it was paid. If so: anchor payouts resolve " + p.p.ID +
			" --as delivered --reason TEXT; if not, with --as failed, and then: " + retry
	}
	return retry
}

func (f *file) waitingForPeople(number string) []Reason {
	list := f.people()
	for i := range list {
		if rest, ok := strings.CutPrefix(list[i].Why, "it waits "); ok {
			list[i].Why = number + "waits " + rest
		} else {
			list[i].Why = number + "waits: " + list[i].Why
		}
	}
	if len(list) == 0 {
		return []Reason{{
			Why:  number + "waits for KYC, although both customers are accepted now",
			Mend: "is 'anchor execute-outgoing --loop' running? If it is: anchor transactions retry " + f.t.ID + " --reason TEXT",
		}}
	}
	return list
}

func (f *file) waitingForFields(number string) Reason {
	required, err := f.t.Required()
	if err != nil || len(required) == 0 {
		return Reason{Why: number + "waits for information about the transaction" + because(f.t.RequiredMessage)}
	}
	names := sortedKeys(required)
	return Reason{
		Why: fmt.Sprintf("%swaits for the %s %s of the transaction%s", number, plural(len(names), "field", "fields"),
			strings.Join(names, ", "), because(f.t.RequiredMessage)),
		Mend: "the sending anchor gives it with PATCH /sep31/transactions/" + f.t.ID + "; it was told by the status",
	}
}

func (f *file) waitingForPrice(p payoutFile) Reason {
	r := Reason{Why: fmt.Sprintf("payout %d waits for a price: %s of %s", p.p.Number, f.t.OutAsset, stroops(f.t.ExpectedUnits, f.t.AssetCode))}
	next := store.At(p.p.NextUs)
	switch {
	case f.now.Sub(next) > patience:
		r.Why += fmt.Sprintf("; nobody has asked the business for one for %s", span(f.now.Sub(next)))
		r.Mend = notAtWork("execute-outgoing --loop")
	case p.p.Tries > 0:
		r.Why += fmt.Sprintf("; the business could not say one %d times%s; it is asked again at %s", p.p.Tries, because(p.lastWord()), instant(next))
		r.Mend = "look at the source of prices; the log of execute-outgoing has its errors"
	default:
		r.Why += "; the business is about to be asked"
	}
	return r
}

func (f *file) accepted(p payoutFile) Reason {
	since := store.At(p.p.UpdatedUs)
	if n := len(p.attempts); n > 0 {
		since = store.At(p.attempts[n-1].UpdatedUs)
	}
	r := Reason{
		Why: fmt.Sprintf("the rail %s took payout %d on at %s%s and has not said yet that it was delivered", p.p.Rail, p.p.Number,
			instant(since), reference(p)),
		Mend: "it is asked again at " + instant(store.At(p.p.NextUs)) + "; if that takes too long, ask the bank",
	}
	if late := f.now.Sub(store.At(p.p.NextUs)); late > patience {
		r.Mend = "nobody has asked it for " + span(late) + ": " + notAtWork("poll-outgoing --loop")
	}
	return r
}

func reference(p payoutFile) string {
	if n := len(p.attempts); n > 0 && p.attempts[n-1].ExternalID != "" {
		return " as " + p.attempts[n-1].ExternalID
	}
	return ""
}

func notAtWork(role string) string {
	return "is 'anchor " + role + "' running? If it is, its log says what keeps it"
}

// told is about callbacks that the sending anchor does not take.
func (f *file) told() []Reason { return callbackTrouble(f.callbacks, f.now, "the sending anchor") }

func callbackTrouble(callbacks []store.Callback, now time.Time, whom string) []Reason {
	var list []Reason
	if dead := unsaid(callbacks); len(dead) > 0 {
		list = append(list, Reason{
			Why: fmt.Sprintf("%d %s to %s %s given up; the last answer was %s", len(dead), plural(len(dead), "callback", "callbacks"), whom,
				plural(len(dead), "was", "were"), dead[len(dead)-1].LastAnswer),
			Mend: whom + " can ask by GET how it stands; or send it after all: anchor callbacks retry " + dead[len(dead)-1].ID + " --reason TEXT",
		})
	}
	for _, c := range callbacks { // the oldest that is pending keeps those behind it
		if c.State == store.CallbackPending {
			return append(list, pendingCallback(c, now, whom)...)
		}
	}
	return list
}

// unsaid are callbacks that were given up and that nothing later has made up for; they are in order.
func unsaid(callbacks []store.Callback) []store.Callback {
	var dead []store.Callback
	for i, c := range callbacks {
		later := slices.ContainsFunc(callbacks[i:], func(l store.Callback) bool {
			return l.Subscriber == c.Subscriber && l.State == store.CallbackDelivered
		})
		if c.State == store.CallbackDead && !later {
			dead = append(dead, c)
		}
	}
	return dead
}

func pendingCallback(c store.Callback, now time.Time, whom string) []Reason {
	late := now.Sub(store.At(max(c.NextUs, c.LeaseUntilUs)))
	switch {
	case late > patience:
		return []Reason{{
			Why:  fmt.Sprintf("callbacks to %s have not been sent for %s", whom, span(late)),
			Mend: notAtWork("serve"),
		}}
	case c.Attempts > 0:
		return []Reason{{
			Why: fmt.Sprintf("callbacks to %s fail since %s: %d %s, last answer %s", whom, instant(store.At(c.CreatedUs)), c.Attempts,
				plural(int(c.Attempts), "attempt", "attempts"), c.LastAnswer),
			Mend: "ask them to look at their address; the next attempt is at " + instant(store.At(c.NextUs)),
		}}
	default:
		return nil
	}
}
