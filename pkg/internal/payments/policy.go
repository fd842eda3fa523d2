package payments

import "github.com/anchorkit/anchor/pkg/internal/stellar"

// Course is what becomes of a payment that is not what was agreed. Its words are those of the settings.
type Course string

// The courses. Which of them a situation knows is said at the fields of Policy; any other holds, as the zero value does.
const (
	Hold         Course = "hold"          // kept open until somebody decides
	Accept       Course = "accept"        // what came counts, and the amounts are computed anew
	Accumulate   Course = "accumulate"    // parts are credited until the sum is there or the transaction runs out
	Refund       Course = "refund"        // goes back as it came
	RefundExcess Course = "refund_excess" // what was agreed counts, the rest goes back
)

// Policy says what becomes of payments in an asset that are not exactly what was agreed. The zero Policy holds everything.
// Amounts are in units of 10^-7 of that asset.
type Policy struct {
	Underpaid Course // less than agreed: Hold, Accept, Accumulate, Refund
	Overpaid  Course // more than agreed: Hold, Accept, RefundExcess
	// Tolerance is the difference up to which another amount is accepted whatever Underpaid and Overpaid say.
	Tolerance  int64
	Late       Course // after the transaction ran out: Hold, Refund
	Duplicate  Course // for a transaction that was paid or is over: Hold, Refund
	WrongAsset Course // in this asset for a transaction in another: Hold, Refund
	Unmatched  Course // without a transaction to belong to: Hold, Refund
	// RefundFee is kept of each refund. What is not more than it, or less than RefundFloor, does not go back by itself.
	RefundFee, RefundFloor int64
}

// returnable tells whether so much goes back by itself.
func (p Policy) returnable(units int64) bool {
	return units > 0 && units > p.RefundFee && units >= p.RefundFloor
}

// feeOf is what is kept of a refund: never so much that nothing is left of it.
func (p Policy) feeOf(units int64) int64 {
	if p.RefundFee >= units {
		return 0
	}
	return p.RefundFee
}

// whole has every payment of a group go back as it came, but for those too small for it; nil if all are.
func (p Policy) whole(group []stellar.Payment) []int64 {
	var back []int64
	for i := range group {
		if !p.returnable(group[i].Units) {
			continue
		}
		if back == nil {
			back = make([]int64, len(group))
		}
		back[i] = group[i].Units
	}
	return back
}

// shares takes an excess from the payments of a group: from the last that covers it alone, else from the last ones. It is
// false where a share is too small to go back.
func (p Policy) shares(group []stellar.Payment, excess int64) ([]int64, bool) {
	back := make([]int64, len(group))
	for i := len(group) - 1; i >= 0; i-- {
		if group[i].Units >= excess {
			back[i] = excess
			return back, p.returnable(excess)
		}
	}
	for i := len(group) - 1; i >= 0 && excess > 0; i-- {
		back[i] = min(excess, group[i].Units)
		if back[i] > 0 && !p.returnable(back[i]) {
			return nil, false
		}
		excess -= back[i]
	}
	return back, excess == 0
}

// partsReturnable tells whether each payment of a group could go back if the rest never comes.
func (p Policy) partsReturnable(group []stellar.Payment) bool {
	for i := range group {
		if !p.returnable(group[i].Units) {
			return false
		}
	}
	return true
}
