package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// withTerms is a transaction of 100 units for a fee of 1 and 0.5 per cent, between 10 and 1000, in steps of 0.01.
func withTerms(changes ...func(*store.Transaction)) *store.Transaction {
	return candidate(func(t *store.Transaction) {
		t.Decimals, t.FeeFixedUnits, t.FeePercent, t.MinUnits, t.MaxUnits = 2, unit, "0.5", 10*unit, 1000*unit
		t.FeeUnits, t.OutUnits, t.OutDecimals, t.OutAsset = unit*3/2, unit*197/2, 7, "stellar:"+code+":"+issuer
		for _, change := range changes {
			change(t)
		}
	})
}

// quoted sells 100 for 500 of something with two decimals, of which 2 are the fee.
func quoted(t *store.Transaction) {
	t.QuoteID, t.FeeUnits, t.OutUnits, t.OutDecimals, t.OutAsset = "q", 2*unit, 500_00, 2, "iso4217:BRL"
	t.FeeDetails = `[{"name":"Service","amount":"2"}]`
}

func partPaid(units int64) func(*store.Transaction) {
	return func(t *store.Transaction) { t.CreditedUnits = units }
}

// feeOfTheBusiness is none that the terms give.
func feeOfTheBusiness(t *store.Transaction) { t.FeeUnits, t.OutUnits = 5*unit, 95*unit }

func priceToBeMade(t *store.Transaction) {
	t.Unpriced, t.FeeUnits, t.OutUnits, t.OutDecimals, t.OutAsset = true, 0, 0, 2, "iso4217:BRL"
}

func TestWhatBecomesOfAnotherAmountIsThePolicys(t *testing.T) {
	t.Parallel()
	type amounts struct{ fee, out int64 }
	agreed := (*amounts)(nil)
	held := func(why string) payments.Decision {
		return payments.Decision{Judgement: anchor.JudgedAmountMismatch, State: anchor.PaymentOpen, Reason: why}
	}
	credits := func(units int64, funds bool, back ...int64) payments.Decision {
		return payments.Decision{Judgement: anchor.JudgedCredited, State: anchor.PaymentCredited, Units: units, Funds: funds, Refunds: back}
	}
	for name, c := range map[string]struct {
		candidate *store.Transaction
		group     []stellar.Payment
		policy    payments.Policy
		want      payments.Decision // its Reason: a part of it
		priced    *amounts
	}{
		"less is held": {withTerms(), brings(60 * unit), payments.Policy{}, held("due were 100, 60 came"), agreed},
		"less is accepted for a fee computed anew": {
			withTerms(), brings(60 * unit), payments.Policy{Underpaid: payments.Accept},
			credits(60*unit, true), &amounts{unit * 13 / 10, unit * 587 / 10},
		},
		"what is finer than the asset's steps is fee": {
			withTerms(), brings(60*unit + 50_000), payments.Policy{Underpaid: payments.Accept},
			credits(60*unit+50_000, true), &amounts{unit * 1305 / 1000, unit * 587 / 10},
		},
		"less than the limits is held all the same": {
			withTerms(), brings(10*unit - 1), payments.Policy{Underpaid: payments.Accept}, held("less than the least amount, 10"), agreed,
		},
		"what leaves nothing after the fee is held": {
			withTerms(func(t *store.Transaction) { t.MinUnits = 0 }), brings(unit), payments.Policy{Underpaid: payments.Accept}, held("fee"), agreed,
		},
		"less than a quote sells is paid at its price": {
			withTerms(quoted), brings(50 * unit), payments.Policy{Underpaid: payments.Accept}, credits(50*unit, true), &amounts{unit, 250_00},
		},
		"the quote's price is rounded for the business": {
			withTerms(quoted), brings(33*unit + 1), payments.Policy{Underpaid: payments.Accept}, credits(33*unit+1, true),
			&amounts{6600001, 165_00},
		},
		"less for a fee that the business named is held": {
			withTerms(feeOfTheBusiness), brings(60 * unit), payments.Policy{Underpaid: payments.Accept}, held("the business named the fee"), agreed,
		},
		"unless it is within the tolerance: the fee stays": {
			withTerms(feeOfTheBusiness), brings(99 * unit), payments.Policy{Tolerance: unit}, credits(99*unit, true), &amounts{5 * unit, 94 * unit},
		},
		"less is accepted before its price is made": {
			withTerms(priceToBeMade), brings(60 * unit), payments.Policy{Underpaid: payments.Accept}, credits(60*unit, true), agreed,
		},
		"less goes back": {
			withTerms(), brings(60*unit, unit), payments.Policy{Underpaid: payments.Refund},
			payments.Decision{Judgement: anchor.JudgedAmountMismatch, State: anchor.PaymentOpen, Refunds: []int64{60 * unit, unit}, Reason: "61 came"}, agreed,
		},
		"but not what is below the floor": {
			withTerms(), brings(60*unit, unit), payments.Policy{Underpaid: payments.Refund, RefundFloor: 2 * unit},
			payments.Decision{Judgement: anchor.JudgedAmountMismatch, State: anchor.PaymentOpen, Refunds: []int64{60 * unit, 0}, Reason: "61 came"}, agreed,
		},
		"nor what the fee would eat": {
			withTerms(), brings(unit), payments.Policy{Underpaid: payments.Refund, RefundFee: unit}, held("1 came"), agreed,
		},
		"less is a part":                 {withTerms(), brings(60 * unit), payments.Policy{Underpaid: payments.Accumulate}, credits(60*unit, false), agreed},
		"a second part":                  {withTerms(partPaid(60 * unit)), brings(39 * unit), payments.Policy{Underpaid: payments.Accumulate}, credits(39*unit, false), agreed},
		"the part that completes it":     {withTerms(partPaid(60 * unit)), brings(40 * unit), payments.Policy{Underpaid: payments.Accumulate}, credits(40*unit, true), agreed},
		"a part too small to go back":    {withTerms(), brings(60*unit, unit), payments.Policy{Underpaid: payments.Accumulate, RefundFloor: 2 * unit}, held("too small"), agreed},
		"the last part may be too small": {withTerms(partPaid(99 * unit)), brings(unit), payments.Policy{Underpaid: payments.Accumulate, RefundFloor: 2 * unit}, credits(unit, true), agreed},
		"parts that come near enough": {
			withTerms(partPaid(60 * unit)), brings(30 * unit), payments.Policy{Underpaid: payments.Accumulate, Tolerance: 10 * unit},
			credits(30*unit, true), &amounts{unit * 145 / 100, unit * 8855 / 100},
		},
		"a last part that is too much goes back in part": {
			withTerms(partPaid(60 * unit)), brings(50 * unit), payments.Policy{Underpaid: payments.Accumulate, Overpaid: payments.RefundExcess},
			credits(50*unit, true, 10*unit), agreed,
		},
		"more is held": {withTerms(), brings(100*unit, 1), payments.Policy{Underpaid: payments.Accept}, held("due were 100, 100.0000001 came"), agreed},
		"more is accepted for a fee computed anew": {
			withTerms(), brings(200 * unit), payments.Policy{Overpaid: payments.Accept}, credits(200*unit, true), &amounts{2 * unit, 198 * unit},
		},
		"more than the limits is held all the same": {
			withTerms(), brings(1000*unit + 1), payments.Policy{Overpaid: payments.Accept}, held("more than the greatest amount, 1000"), agreed,
		},
		"more than a quote sells goes back although more is accepted": {
			withTerms(quoted), brings(100*unit, 20*unit), payments.Policy{Overpaid: payments.Accept}, credits(120*unit, true, 0, 20*unit), agreed,
		},
		"also within the tolerance": {
			withTerms(quoted), brings(100*unit, 1), payments.Policy{Tolerance: unit}, credits(100*unit+1, true, 0, 1), agreed,
		},
		"nothing of it is kept where it is too small to go back": {
			withTerms(quoted), brings(100*unit, 1), payments.Policy{Tolerance: unit, RefundFee: 1}, held("the excess is too small"), agreed,
		},
		"the excess goes back of the last payment that covers it": {
			withTerms(), brings(30*unit, 80*unit, 10*unit), payments.Policy{Overpaid: payments.RefundExcess}, credits(120*unit, true, 0, 20*unit, 0), agreed,
		},
		"or of several": {
			withTerms(), brings(70*unit, 80*unit, 90*unit), payments.Policy{Overpaid: payments.RefundExcess}, credits(240*unit, true, 0, 50*unit, 90*unit), agreed,
		},
		"the excess below the floor keeps all of it open": {
			withTerms(), brings(101 * unit), payments.Policy{Overpaid: payments.RefundExcess, RefundFloor: 2 * unit}, held("the excess is too small"), agreed,
		},
		"a stroop more within the tolerance is accepted": {
			withTerms(), brings(100*unit + 1), payments.Policy{Tolerance: 1}, credits(100*unit+1, true), &amounts{unit*3/2 + 1, unit * 197 / 2},
		},
		"nothing is no part":    {withTerms(), brings(0), payments.Policy{Underpaid: payments.Accumulate}, held("0 came"), agreed},
		"nothing completes not": {withTerms(partPaid(99 * unit)), brings(0), payments.Policy{Tolerance: unit}, held("0 came"), agreed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := payments.Judge(c.candidate, c.group, c.policy)
			require.Contains(t, d.Reason, c.want.Reason)
			if c.priced == nil {
				require.Nil(t, d.Priced)
			} else {
				require.Equal(t, &store.Priced{FeeUnits: c.priced.fee, OutUnits: c.priced.out}, d.Priced)
			}
			d.Reason, d.Priced, c.want.Reason = "", nil, ""
			require.Equal(t, c.want, d)
		})
	}
}

func TestWhatIsNotCreditedGoesBackWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	afterwards := func(p *stellar.Payment) { p.Ledger, p.ClosedAt = 21, closedAt(21) }
	another := func(p *stellar.Payment) { p.AssetCode = "EURC" }
	strange := func(p *stellar.Payment) { p.Unreadable = "no amount" }
	ran := func(s anchor.Status) func(*store.Transaction) {
		return func(t *store.Transaction) { t.Status = s }
	}
	for name, c := range map[string]struct {
		candidate *store.Transaction
		group     []stellar.Payment
		policy    payments.Policy
		judgement anchor.Judgement
	}{
		"too late":                                 {withTerms(), changed(brings(unit), afterwards), payments.Policy{Late: payments.Refund}, anchor.JudgedLate},
		"for what has expired":                     {withTerms(ran(anchor.StatusExpired)), brings(unit), payments.Policy{Late: payments.Refund}, anchor.JudgedLate},
		"while its parts go back":                  {withTerms(partPaid(unit), func(t *store.Transaction) { t.RefundUnits = unit }), brings(unit), payments.Policy{Late: payments.Refund}, anchor.JudgedLate},
		"after its parts went back":                {withTerms(ran(anchor.StatusRefunded)), changed(brings(unit), afterwards), payments.Policy{Late: payments.Refund}, anchor.JudgedLate},
		"a second time":                            {withTerms(funded(anchor.StatusPendingReceiver)), brings(unit), payments.Policy{Duplicate: payments.Refund}, anchor.JudgedDuplicate},
		"for what is in error":                     {withTerms(ran(anchor.StatusError)), brings(unit), payments.Policy{Duplicate: payments.Refund}, anchor.JudgedDuplicate},
		"in another asset":                         {withTerms(), changed(brings(unit), another), payments.Policy{WrongAsset: payments.Refund}, anchor.JudgedWrongAsset},
		"for nothing":                              {nil, brings(unit), payments.Policy{Unmatched: payments.Refund}, anchor.JudgedUnmatched},
		"but nothing whose amount nobody can read": {withTerms(), changed(brings(unit), strange), refundsAll, anchor.JudgedUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := payments.Judge(c.candidate, c.group, c.policy)
			require.Equal(t, c.judgement, d.Judgement)
			require.Equal(t, anchor.PaymentOpen, d.State)
			require.Zero(t, d.Units)
			if c.judgement == anchor.JudgedUnreadable {
				require.Nil(t, d.Refunds)
				return
			}
			require.Equal(t, []int64{unit}, d.Refunds)
			require.Nil(t, payments.Judge(c.candidate, c.group, payments.Policy{}).Refunds, "the default holds")
		})
	}
}

// refundsAll sends back whatever it can.
var refundsAll = payments.Policy{
	Underpaid: payments.Refund, Overpaid: payments.RefundExcess, Late: payments.Refund, Duplicate: payments.Refund,
	WrongAsset: payments.Refund, Unmatched: payments.Refund,
}

func drawPolicy(r *rapid.T) payments.Policy {
	course := func(of ...payments.Course) payments.Course { return rapid.SampledFrom(of).Draw(r, "course") }
	either := func() payments.Course { return course(payments.Hold, payments.Refund) }
	return payments.Policy{
		Underpaid: course(payments.Hold, payments.Accept, payments.Accumulate, payments.Accumulate, payments.Refund),
		Overpaid:  course(payments.Hold, payments.Accept, payments.RefundExcess),
		Tolerance: rapid.Int64Range(0, 1).Draw(r, "tolerance"), Late: either(), Duplicate: either(), WrongAsset: either(), Unmatched: either(),
		RefundFee: rapid.Int64Range(0, 1).Draw(r, "fee"), RefundFloor: rapid.Int64Range(0, 2).Draw(r, "floor"),
	}
}

func TestADecisionNeverGivesAwayMoreThanCame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		row := withTerms(func(t *store.Transaction) {
			t.ExpectedUnits = rapid.Int64Range(1, 1000).Draw(r, "expected")
			t.CreditedUnits = rapid.Int64Range(0, t.ExpectedUnits-1).Draw(r, "credited")
			t.MinUnits, t.Decimals, t.FeeFixedUnits = 0, 7, rapid.Int64Range(0, 3).Draw(r, "fixed")
			t.FeeUnits = rapid.Int64Range(0, t.ExpectedUnits-1).Draw(r, "fee")
			t.OutUnits = t.ExpectedUnits - t.FeeUnits
			if rapid.Bool().Draw(r, "quoted") {
				t.QuoteID, t.OutAsset, t.OutUnits = "q", "iso4217:BRL", rapid.Int64Range(1, 1e9).Draw(r, "out")
			}
		})
		units := rapid.SliceOfN(rapid.Int64Range(0, 1200), 1, 4).Draw(r, "units")
		p := drawPolicy(r)
		p.Tolerance = rapid.Int64Range(0, 50).Draw(r, "tolerance")
		before := *row
		d := payments.Judge(row, brings(units...), p)
		require.Equal(r, before, *row, "judging changes nothing")

		sum, back := int64(0), int64(0)
		for i, u := range units {
			sum += u
			if d.Refunds != nil {
				require.LessOrEqual(r, d.Refunds[i], u)
				require.True(r, d.Refunds[i] == 0 || d.Refunds[i] > p.RefundFee && d.Refunds[i] >= p.RefundFloor)
				back += d.Refunds[i]
			}
		}
		if d.Judgement != anchor.JudgedCredited {
			require.Zero(r, d.Units)
			return
		}
		require.Equal(r, sum, d.Units, "all of it is credited, or nothing")
		debit := row.CreditedUnits + sum - back
		if !d.Funds {
			require.Less(r, debit, row.ExpectedUnits)
			require.Zero(r, back)
			return
		}
		require.Positive(r, debit)
		fee, out := row.FeeUnits, row.OutUnits
		if d.Priced != nil {
			fee, out = d.Priced.FeeUnits, d.Priced.OutUnits
		}
		require.Positive(r, out, "nothing is paid out below zero")
		if row.QuoteID != "" {
			require.LessOrEqual(r, out, row.OutUnits, "never more than the quote")
			require.LessOrEqual(r, debit, row.ExpectedUnits)
		} else {
			require.Equal(r, debit, fee+out)
		}
	})
}
