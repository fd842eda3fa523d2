package payments

import (
	"slices"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// verdict is what a page comes to.
type verdict struct {
	rows []store.Payment
	// fundings are the transactions of which the page brings the sum that was agreed and nothing else: they are written
	// together. They are in the order of their ids.
	fundings []store.Funding
	// effects are whatever else follows, in the order of the ledger: one after the other.
	effects []effect
}

// effect is what follows from one decision beyond the payments' own rows.
type effect struct {
	candidate *store.Transaction // nil where none is named
	credited  int64              // of it, before this effect
	hash      string             // of the envelope
	decision  Decision
	from      int // the first of the rows of its payments
}

// before is the transaction as it was locked, at the first effect that the page has on it.
func (e *effect) before() store.Transaction {
	t := *e.candidate
	t.CreditedUnits, t.Funded = e.credited, false
	return t
}

// plain tells whether an effect is no more than the funding that was agreed.
func (e *effect) plain() bool {
	return e.decision.Funds && e.decision.Priced == nil && e.decision.Refunds == nil
}

// judgeAll decides about all payments of a page, one group after the other: what one credits, the next one finds paid.
func (s *Service) judgeAll(chain string, list []stellar.Payment, by map[store.Memo]*store.Transaction) verdict {
	v := verdict{rows: make([]store.Payment, 0, len(list))}
	policies := policies{of: s.options.PolicyOf}
	var effects []effect
	on := map[string]int{} // effects by transaction
	for _, g := range groups(list, by) {
		d := g.judge(policies.about(&g.payments[0]))
		first := len(v.rows)
		for i := range g.payments {
			v.rows = append(v.rows, rowOf(chain, &g.payments[i], g.candidate, d))
		}
		if d.Units == 0 && d.Refunds == nil {
			continue
		}
		e := effect{candidate: g.candidate, decision: d, hash: g.payments[0].OuterHash, from: first}
		if g.candidate != nil {
			e.credited = g.candidate.CreditedUnits
			on[g.candidate.ID]++
			g.foresee(d)
		}
		effects = append(effects, e)
	}
	s.split(&v, effects, on)
	return v
}

// funded is how many transactions the page completes.
func (v *verdict) funded() int {
	n := len(v.fundings)
	for i := range v.effects {
		if v.effects[i].decision.Funds {
			n++
		}
	}
	return n
}

// sentBack tells of which rows something goes back.
func (v *verdict) sentBack() map[int]bool {
	rows := map[int]bool{}
	for i := range v.effects {
		for j, units := range v.effects[i].decision.Refunds {
			if units > 0 {
				rows[v.effects[i].from+j] = true
			}
		}
	}
	return rows
}

// foresee changes the candidate as the decision will, for the groups that follow.
func (g *group) foresee(d Decision) {
	g.candidate.CreditedUnits += d.Units
	g.candidate.Funded = g.candidate.Funded || d.Funds
}

// split parts what can be written together from what has to be written one after the other.
func (s *Service) split(v *verdict, effects []effect, on map[string]int) {
	v.fundings = make([]store.Funding, 0, len(on))
	for i := range effects {
		e := &effects[i]
		if e.plain() && on[e.candidate.ID] == 1 {
			v.fundings = append(v.fundings, s.funding(e.before(), e.hash, e.decision))
			continue
		}
		v.effects = append(v.effects, *e)
	}
	slices.SortFunc(v.fundings, func(a, b store.Funding) int { return strings.Compare(a.Transaction.ID, b.Transaction.ID) })
}

// policies looks a policy up once for payments of one asset in a row.
type policies struct {
	of           func(code, issuer string) Policy
	known        bool
	code, issuer string
	last         Policy
}

func (p *policies) about(payment *stellar.Payment) Policy {
	if p.of == nil || payment.Unreadable != "" {
		return Policy{}
	}
	if !p.known || p.code != payment.AssetCode || p.issuer != payment.AssetIssuer {
		p.known, p.code, p.issuer = true, payment.AssetCode, payment.AssetIssuer
		p.last = p.of(p.code, p.issuer)
	}
	return p.last
}

// funding is what a transaction is credited with. What its sending anchor was told of parts is over when the sum is there.
func (s *Service) funding(t store.Transaction, hash string, d Decision) store.Funding {
	c := anchor.Change{Actor: actor, Reason: "the whole sum arrived", Detail: `{"stellar_hash":"` + hash + `"}`}
	switch {
	case !d.Funds:
		c.Reason = "a part of the sum arrived: " + amount(d.Units)
		c.Message = new("of " + amount(t.ExpectedUnits) + " " + t.AssetCode + ", " + amount(t.CreditedUnits+d.Units) + " have arrived")
	case d.Reason != "":
		c.Reason = d.Reason
	}
	if d.Funds && t.CreditedUnits > 0 {
		c.Message = new("")
	}
	return store.Funding{Transaction: t, Units: d.Units, StellarHash: hash, Rail: s.railOf(t.FundingMethod), Change: c}
}
