package inspect

import (
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// openPayment says what has to be decided about a payment. transaction is the one that it names; empty: none.
func openPayment(p store.Payment, transaction string) Reason {
	what := fmt.Sprintf("payment %s of %s", p.ID, stroops(p.AmountUnits, p.AssetCode))
	if p.Judgement == anchor.JudgedUnreadable {
		return Reason{
			Why:  "payment " + p.ID + " could not be understood" + because(p.Reason),
			Mend: "look at Stellar transaction " + p.OuterHash + ", then decide: " + decisions(p, transaction),
		}
	}
	return Reason{
		Why:  what + " " + judged(p.Judgement) + " and nobody has decided about it" + because(p.Reason),
		Mend: decisions(p, transaction),
	}
}

func decisions(p store.Payment, transaction string) string {
	if transaction == "" {
		transaction = "TRANSACTION"
	}
	return fmt.Sprintf("anchor payments assign %s %s --reason TEXT, or anchor payments refund %s --reason TEXT, or anchor payments ignore %s --reason TEXT",
		p.ID, transaction, p.ID, p.ID)
}

func judged(j anchor.Judgement) string {
	switch j {
	case anchor.JudgedDuplicate:
		return "came for a transaction that had been paid or was over"
	case anchor.JudgedLate:
		return "came too late"
	case anchor.JudgedAmountMismatch:
		return "is not the amount that was due"
	case anchor.JudgedWrongAsset:
		return "is in another asset than was agreed"
	case anchor.JudgedUnmatched:
		return "belongs to no transaction"
	default:
		return "was judged " + string(j)
	}
}

// refunds says what keeps the refunds of a payment.
func (s surroundings) refunds(p paymentFile) []Reason {
	var list []Reason
	for _, r := range p.refunds {
		switch r.r.State {
		case anchor.RefundHeld:
			list = append(list, Reason{
				Why:  fmt.Sprintf("refund %s of %s is held%s", r.r.ID, stroops(r.r.Units, r.r.AssetCode), because(r.r.Trouble)),
				Mend: "when that is mended: anchor refunds release " + r.r.ID + " --reason TEXT; else: anchor refunds cancel " + r.r.ID + " --reason TEXT",
			})
		case anchor.RefundReady:
			list = append(list, s.refundReady(r))
		case anchor.RefundSending:
			list = append(list, s.refundSending(r))
		default: // it is over
		}
	}
	return list
}

func (s surroundings) refundReady(r refundFile) Reason {
	what := fmt.Sprintf("refund %s of %s ", r.r.ID, stroops(r.r.Units, r.r.AssetCode))
	if s.restored != nil {
		return s.fromOlderCopy(what)
	}
	for _, u := range s.unexplained {
		if u.account == r.r.Account {
			return Reason{
				Why: fmt.Sprintf("%swaits: %d %s out of %s that no refund explains, such as Stellar transaction %s", what, u.number,
					plural(u.number, "movement", "movements"), u.account, u.hash),
				Mend: "find out who moved the money ('anchor refunds --help' says how to record it)",
			}
		}
	}
	if late, behind := behind(r.r.Account, s.cursor, s.now); behind {
		return Reason{Why: what + "waits, for no refund is sent while its account is behind: " + late.Why, Mend: late.Mend}
	}
	next := store.At(r.r.NextUs)
	switch late := s.now.Sub(next); {
	case late > patience:
		return Reason{Why: fmt.Sprintf("%sis ready and nobody has sent it for %s%s", what, span(late), because(r.r.Trouble)), Mend: notAtWork("execute-outgoing --loop")}
	case r.r.Trouble != "":
		return Reason{Why: what + "is tried again at " + instant(next) + because(r.r.Trouble)}
	default:
		return Reason{Why: what + "is about to be sent"}
	}
}

// fromOlderCopy is why nothing is sent at all (I14).
func (s surroundings) fromOlderCopy(what string) Reason {
	return Reason{Why: what + "waits: " + s.restored.Error(), Mend: "run 'anchor reconcile --after-restore'"}
}

func (s surroundings) refundSending(r refundFile) Reason {
	what := fmt.Sprintf("refund %s of %s is on its way", r.r.ID, stroops(r.r.Units, r.r.AssetCode))
	if len(r.attempts) == 0 {
		return Reason{Why: what}
	}
	a := r.attempts[len(r.attempts)-1]
	reason := Reason{Why: fmt.Sprintf("%s as Stellar transaction %s, which may land until %s%s", what, shown(a.OuterHash, a.InnerHash),
		instant(store.At(a.MaxTimeUs)), because(a.Result))}
	if late, behind := behind(r.r.Account, s.cursor, s.now); behind {
		reason.Why += "; nobody would see it: " + late.Why
		reason.Mend = late.Mend
	}
	return reason
}

func shown(outer, inner string) string {
	if outer != "" {
		return outer
	}
	return inner
}
