package inspect

import (
	"fmt"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// patience is how long due work may lie before it is said that nobody is at work, and how far behind the network's time an
// account may be read before it is said that nobody reads it. The readiness of processes uses the same.
const patience = time.Minute

// why says what keeps a transaction where it is, the most important first; it is never empty. It is pure: all it looks at is in the
// file.
func (f *file) why() []Reason {
	var list []Reason
	if f.t.Conflict != "" {
		list = append(list, f.conflict())
	}
	if main := f.main(); len(main) > 0 {
		list = append(list, main...)
	}
	list = append(list, f.openPayments()...)
	for _, p := range f.payments {
		list = append(list, f.refunds(p)...)
	}
	list = append(list, f.told()...)
	if len(list) == 0 {
		list = append(list, f.nothing())
	}
	return list
}

func (f *file) conflict() Reason {
	return Reason{
		Why: "there is a contradiction, which stops everything automatic for it: " + f.t.Conflict,
		Mend: "ask the bank what became of the payout. If the recipient was not paid: anchor transactions retry " + f.t.ID +
			" --despite-conflict --reason TEXT; if it was, leave it",
	}
}

// main is why the status does not change.
func (f *file) main() []Reason {
	switch {
	case f.t.Status.Final():
		return f.over()
	case !f.t.Published():
		return f.withheld()
	case !f.t.Funded:
		return f.unpaid()
	default:
		return f.payout()
	}
}

// over is about what ended and yet holds money.
func (f *file) over() []Reason {
	if f.t.Held() <= 0 || f.t.Status == anchor.StatusCompleted && f.t.Conflict != "" {
		return nil
	}
	return []Reason{{
		Why:  fmt.Sprintf("it is %s, and %s of it are still held", f.t.Status, stroops(f.t.Held(), f.t.AssetCode)),
		Mend: "send it back: anchor payments refund PAYMENT --reason TEXT",
	}}
}

func (f *file) withheld() []Reason {
	list := f.people()
	if len(list) == 0 {
		return []Reason{{
			Why:  "its memo was not given out yet, although nothing is known to be missing of its customers",
			Mend: "it is given out within a minute while 'anchor serve' runs: is it?",
		}}
	}
	for i := range list {
		list[i].Why = "its memo was not given out yet, so nobody can pay: " + list[i].Why
	}
	return list
}

func (f *file) people() []Reason {
	var list []Reason
	for _, p := range []party{f.sender, f.receiver} {
		if r, waits := p.waiting(); waits {
			list = append(list, r)
		}
	}
	return list
}

// unpaid is about a transaction whose money has not come, or not all of it.
func (f *file) unpaid() []Reason {
	due := stroops(f.t.ExpectedUnits-f.t.CreditedUnits, f.t.AssetCode)
	r := Reason{Mend: "the sending anchor pays " + due + " to " + f.t.ReceivingAccount + " with " + memoWords(f.t.MemoType, f.t.Memo.String) + f.until()}
	switch {
	case f.t.CreditedUnits > 0:
		r.Why = fmt.Sprintf("it waits for %s more: %s of %s have come", due,
			stroops(f.t.CreditedUnits, f.t.AssetCode), stroops(f.t.ExpectedUnits, f.t.AssetCode))
	case len(f.payments) > 0:
		r.Why = "nothing that came could be credited; " + due + " are due"
	default:
		r.Why = "nothing has been seen of its payment of " + due + "; the memo is " + strings.TrimPrefix(memoWords(f.t.MemoType, f.t.Memo.String), "memo ")
	}
	list := f.reader()
	if late, ok := f.ranOut(); ok {
		r = late
	}
	list = append(list, r)
	for _, p := range f.lookalikes {
		list = append(list, f.lookalike(p))
	}
	return list
}

func (f *file) until() string {
	if f.t.ExpiresUs == 0 {
		return ""
	}
	return " until " + instant(store.At(f.t.ExpiresUs))
}

// ranOut is about a transaction that would have expired if its account had been read far enough.
func (f *file) ranOut() (Reason, bool) {
	at := store.At(f.t.ExpiresUs)
	if f.t.ExpiresUs == 0 || f.now.Before(at) {
		return Reason{}, false
	}
	r := Reason{Why: "it ran out at " + instant(at) + " and expires as soon as its account has been read through a ledger that closed later"}
	if f.t.CreditedUnits > 0 {
		r.Why = fmt.Sprintf("it ran out at %s with only %s of %s paid; what came goes back once its account has been read that far",
			instant(at), stroops(f.t.CreditedUnits, f.t.AssetCode), stroops(f.t.ExpectedUnits, f.t.AssetCode))
	}
	return r, true
}

// reader says that nobody reads the account, without which nothing that is paid is seen.
func (f *file) reader() []Reason {
	if r, behind := behind(f.t.ReceivingAccount, f.cursor, f.now); behind {
		return []Reason{r}
	}
	return nil
}

func behind(account string, c *store.Cursor, now time.Time) (Reason, bool) {
	mend := "is 'anchor watch-transactions' running? Its log says what keeps it; 'anchor doctor' looks at the network"
	switch {
	case c == nil:
		return Reason{Why: "no watcher has read the account " + account + " yet", Mend: mend}, true
	case c.ThroughClosedUs == 0:
		return Reason{Why: "the account " + account + " has never been read to the present end yet", Mend: mend}, true
	}
	if lag := now.Sub(c.ThroughClosed()); lag > patience {
		return Reason{
			Why:  fmt.Sprintf("no watcher has read the account %s for %s (it was read through ledger %d)", account, span(lag), c.ThroughLedger),
			Mend: mend,
		}, true
	}
	return Reason{}, false
}

func (f *file) lookalike(p store.Payment) Reason {
	return Reason{
		Why: fmt.Sprintf("payment %s brought exactly that at %s from %s with %s, which names no transaction: it may be meant for this one",
			p.ID, instant(store.At(p.ClosedUs)), p.FromAccount, memoWords(p.MemoType, p.Memo)),
		Mend: fmt.Sprintf("ask the sending anchor, then: anchor payments assign %s %s --reason TEXT", p.ID, f.t.ID),
	}
}

// openPayments are what came for it and nobody has decided about.
func (f *file) openPayments() []Reason {
	var list []Reason
	for _, p := range f.payments {
		if p.p.State == anchor.PaymentOpen {
			list = append(list, openPayment(p.p, f.t.ID))
		}
	}
	return list
}

// nothing is said of what is done, or about to go on by itself.
func (f *file) nothing() Reason {
	switch f.t.Status {
	case anchor.StatusCompleted:
		return Reason{Why: "nothing keeps it: the recipient was paid"}
	case anchor.StatusRefunded:
		return Reason{Why: "nothing keeps it: the money went back to the sending anchor"}
	case anchor.StatusExpired:
		return Reason{Why: "nothing keeps it: it ran out unpaid, which is final"}
	case anchor.StatusError:
		return Reason{Why: "it was given up, which is final" + because(f.t.StatusMessage)}
	default:
		return Reason{Why: "nothing keeps it: it goes on by itself"}
	}
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
