package payments

import (
	"math"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Decision is what becomes of a group of payments: the operations of one Stellar transaction that bring one asset to one
// transaction. Amounts are in units of 10^-7.
type Decision struct {
	Judgement anchor.Judgement    // of each of them
	State     anchor.PaymentState // in which each is stored, before anything of it is sent back
	Units     int64               // credited to the transaction by all of them; 0 unless the judgement is credited
	Funds     bool                // they complete its sum; else what is credited is a part of it
	Priced    *store.Priced       // fee and amount out, where they are computed anew; nil: as agreed
	Refunds   []int64             // what goes back of each of them; nil: nothing
	Reason    string              // for operators; empty where the sum was credited as agreed
}

// Spare is what is credited and goes back.
func (d Decision) spare() (units int64) {
	if d.Units == 0 {
		return 0
	}
	for _, back := range d.Refunds {
		units += back
	}
	return units
}

// Judge decides about a group by the transaction that its memo names, as it stands, nil where it names none, and by the
// policy for the payments' asset. It neither changes the transaction nor calls anyone.
func Judge(candidate *store.Transaction, group []stellar.Payment, policy Policy) Decision {
	if len(group) == 0 {
		return hold(anchor.JudgedUnmatched, "there is no payment")
	}
	first := &group[0]
	switch {
	case first.Unreadable != "":
		return hold(anchor.JudgedUnreadable, first.Unreadable)
	case candidate == nil:
		return policy.apart(anchor.JudgedUnmatched, policy.Unmatched, group, unmatchedBecause(first))
	case !sameAsset(candidate, first):
		return policy.apart(anchor.JudgedWrongAsset, policy.WrongAsset, group, "agreed was "+store.AssetName{Code: candidate.AssetCode, Issuer: candidate.AssetIssuer}.String())
	case settled(candidate, first):
		return policy.apart(anchor.JudgedDuplicate, policy.Duplicate, group, settledBecause(candidate))
	}
	if reason := late(candidate, first); reason != "" {
		return policy.apart(anchor.JudgedLate, policy.Late, group, reason)
	}
	return judgeSum(candidate, group, policy, false)
}

// judgeSum decides about a group that is in time, of the right asset, and for a transaction that takes it. word is that of
// an operator, by which a fee may stay as the business named it for another amount.
func judgeSum(t *store.Transaction, group []stellar.Payment, policy Policy, word bool) Decision {
	due := t.ExpectedUnits - t.CreditedUnits
	sum, ok := sumOf(group)
	c := comparison{t: t, group: group, policy: policy, due: due, sum: sum, keepFee: word}
	switch {
	case !ok || sum <= 0:
		return c.hold("")
	case sum == due:
		return Decision{Judgement: anchor.JudgedCredited, State: anchor.PaymentCredited, Units: sum, Funds: true}
	case max(sum-due, due-sum) <= policy.Tolerance:
		c.keepFee = true
		return c.accept()
	case sum < due:
		return c.less()
	}
	return c.more()
}

// apart is what becomes of payments that are not credited.
func (p Policy) apart(j anchor.Judgement, course Course, group []stellar.Payment, reason string) Decision {
	d := hold(j, reason)
	if course == Refund {
		d.Refunds = p.whole(group)
	}
	return d
}

func hold(j anchor.Judgement, reason string) Decision {
	return Decision{Judgement: j, State: anchor.PaymentOpen, Reason: reason}
}

func unmatchedBecause(p *stellar.Payment) string {
	switch {
	case p.MemoType == stellar.MemoReturn:
		return "a return memo names no transaction"
	case p.MemoType == stellar.MemoNone && p.ToMuxedID == "":
		return "it has no memo"
	}
	return "no transaction has its memo"
}

// sameAsset: only the network's own asset has no issuer.
func sameAsset(t *store.Transaction, p *stellar.Payment) bool {
	return p.AssetIssuer == t.AssetIssuer && (p.AssetCode == t.AssetCode || p.AssetIssuer == "")
}

// settled tells whether the transaction takes no first payment any more, for another reason than that it ran out: what comes
// after that for one that was never funded is late, whether or not what came before has gone back already.
func settled(t *store.Transaction, p *stellar.Payment) bool {
	return t.Funded || t.Status.Final() && t.Status != anchor.StatusExpired && !ranOut(t, p)
}

// settledBecause names no status of a funded transaction: how far its payout is when the payment is read is chance.
func settledBecause(t *store.Transaction) string {
	if t.Funded {
		return "the transaction has been paid"
	}
	return "the transaction is over: " + string(t.Status)
}

// late says why a payment comes too late; empty where it does not. Whether the transaction has been marked as expired yet
// when the payment is read is chance.
func late(t *store.Transaction, p *stellar.Payment) string {
	switch {
	case ranOut(t, p):
		return "the ledger closed at " + instant(p.ClosedAt) + ", the transaction ran out at " + instant(store.At(t.ExpiresUs))
	case t.Status == anchor.StatusExpired:
		return "the transaction has expired"
	case t.RefundUnits > 0: // not funded, or it would be settled
		return "what was paid of it before is on its way back"
	}
	return ""
}

// ranOut goes by the close time of the ledger alone: no clock of ours, nor how late we read it, matters.
func ranOut(t *store.Transaction, p *stellar.Payment) bool {
	return t.ExpiresUs > 0 && p.ClosedAt.UnixMicro() > t.ExpiresUs
}

// sumOf is false where the sum exceeds what there can be; it is then the largest amount there is.
func sumOf(group []stellar.Payment) (int64, bool) {
	var sum int64
	for _, p := range group {
		if p.Units > math.MaxInt64-sum {
			return math.MaxInt64, false
		}
		sum += p.Units
	}
	return sum, true
}

// instant writes a time as the ledger has it.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func amount(units int64) string {
	a, err := money.New(units, money.StellarDecimals)
	if err != nil {
		return "less than nothing"
	}
	return a.Short()
}
