package payments

import (
	"math"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Decision is what becomes of a group of payments: the operations of one Stellar transaction that bring one asset to one
// transaction. It is the same for each of them.
type Decision struct {
	Judgement anchor.Judgement
	State     anchor.PaymentState
	Units     int64  // credited to the transaction, 10^-7; 0 unless the judgement is credited
	Reason    string // for operators; empty where it was credited
}

// Judge decides about a group by the transaction that its memo names, as it stands; nil where it names none. Only the exact
// sum that is due, in time, is credited: everything else is held, open. It neither changes the transaction nor calls anyone.
func Judge(candidate *store.Transaction, group []stellar.Payment) Decision {
	if len(group) == 0 {
		return hold(anchor.JudgedUnmatched, "there is no payment")
	}
	first := &group[0]
	switch {
	case first.Unreadable != "":
		return hold(anchor.JudgedUnreadable, first.Unreadable)
	case candidate == nil:
		return hold(anchor.JudgedUnmatched, unmatchedBecause(first))
	case !sameAsset(candidate, first):
		return hold(anchor.JudgedWrongAsset, "agreed was "+assetName(candidate.AssetCode, candidate.AssetIssuer))
	case settled(candidate):
		return hold(anchor.JudgedDuplicate, "the transaction has been paid or is over: "+string(candidate.Status))
	case candidate.Status == anchor.StatusExpired:
		return hold(anchor.JudgedLate, "the transaction has expired")
	case ranOut(candidate, first):
		return hold(anchor.JudgedLate, "the ledger closed at "+instant(first.ClosedAt)+", the transaction ran out at "+instant(store.At(candidate.ExpiresUs)))
	}
	due := candidate.ExpectedUnits - candidate.CreditedUnits
	if sum, ok := sumOf(group); !ok || sum != due {
		return hold(anchor.JudgedAmountMismatch, "due were "+amount(due)+", "+amount(sum)+" came")
	}
	return Decision{Judgement: anchor.JudgedCredited, State: anchor.PaymentCredited, Units: due}
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

// settled tells whether the transaction takes no first payment any more.
func settled(t *store.Transaction) bool {
	return t.Funded || t.Status.Final() && t.Status != anchor.StatusExpired
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

func amount(units int64) string {
	a, err := money.New(units, money.StellarDecimals)
	if err != nil {
		return "less than nothing"
	}
	return a.Short()
}

func assetName(code, issuer string) string {
	if issuer == "" {
		return code
	}
	return code + ":" + issuer
}
