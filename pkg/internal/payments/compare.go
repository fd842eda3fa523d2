package payments

import (
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// comparison is a sum that is not the one that is due.
type comparison struct {
	t        *store.Transaction
	group    []stellar.Payment
	policy   Policy
	due, sum int64
	keepFee  bool // a fee that the business named for another amount may stay
}

// less decides about less than is due.
func (c comparison) less() Decision {
	switch c.policy.Underpaid {
	case Accept:
		return c.accept()
	case Accumulate:
		return c.part()
	case Refund:
		return c.policy.apart(anchor.JudgedAmountMismatch, Refund, c.group, c.reason(""))
	default:
		return c.hold("")
	}
}

// more decides about more than is due.
func (c comparison) more() Decision {
	switch c.policy.Overpaid {
	case Accept:
		return c.accept()
	case RefundExcess:
		return c.excess()
	default:
		return c.hold("")
	}
}

// accept takes what came for what was agreed. More than a quote sells is never kept: the excess goes back.
func (c comparison) accept() Decision {
	if c.t.QuoteID != "" && c.sum > c.due {
		return c.excess()
	}
	priced, err := recomputed(c.t, c.t.CreditedUnits+c.sum, c.keepFee)
	if err != nil {
		return c.hold(err.Error())
	}
	d := c.credited(c.reason("it is accepted"))
	d.Funds, d.Priced = true, priced
	return d
}

// excess takes what is due; what is beyond it is credited as well and goes back.
func (c comparison) excess() Decision {
	back, ok := c.policy.shares(c.group, c.sum-c.due)
	if !ok {
		return c.hold("the excess is too small to go back by itself")
	}
	d := c.credited(c.reason("the excess goes back"))
	d.Funds, d.Refunds = true, back
	return d
}

// part takes a part of the sum, where it can go back should the rest not come.
func (c comparison) part() Decision {
	if !c.policy.partsReturnable(c.group) {
		return c.hold("as a part it is too small to go back by itself")
	}
	return c.credited("")
}

func (c comparison) credited(reason string) Decision {
	return Decision{Judgement: anchor.JudgedCredited, State: anchor.PaymentCredited, Units: c.sum, Reason: reason}
}

func (c comparison) hold(why string) Decision {
	return hold(anchor.JudgedAmountMismatch, c.reason(why))
}

// reason says, for operators, what was due and what came.
func (c comparison) reason(why string) string {
	text := "due were " + amount(c.due) + ", " + amount(c.sum) + " came"
	if why == "" {
		return text
	}
	return text + ": " + why
}
