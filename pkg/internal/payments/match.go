package payments

import (
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// memosOf are the memos by which a payment may name a transaction: that of its Stellar transaction, and the number of a
// muxed destination, which counts as a memo of type id. A return memo belongs to refunds and names nothing.
func memosOf(p *stellar.Payment) (memo, muxed store.Memo) {
	switch p.MemoType {
	case stellar.MemoID, stellar.MemoHash, stellar.MemoText:
		memo = store.Memo{Type: p.MemoType, Memo: p.Memo}
	}
	if p.ToMuxedID != "" {
		muxed = store.Memo{Type: stellar.MemoID, Memo: p.ToMuxedID}
	}
	return memo, muxed
}

// allMemos lists what the payments may name, each once.
func allMemos(list []stellar.Payment) []store.Memo {
	found := map[store.Memo]bool{}
	var memos []store.Memo
	for i := range list {
		if list[i].Unreadable != "" {
			continue
		}
		memo, muxed := memosOf(&list[i])
		for _, m := range []store.Memo{memo, muxed} {
			if m.Type != "" && !found[m] {
				found[m] = true
				memos = append(memos, m)
			}
		}
	}
	return memos
}

// contradiction is why a payment whose memo and muxed destination name different transactions belongs to neither.
const contradiction = "its memo and its muxed destination name different transactions"

// match finds the transaction that a payment names. The muxed destination counts only where there is no memo; beside one
// it may not name another transaction.
func match(p *stellar.Payment, by map[store.Memo]*store.Transaction) (t *store.Transaction, contradicts bool) {
	if p.Unreadable != "" {
		return nil, false
	}
	memo, muxed := memosOf(p)
	if p.MemoType == stellar.MemoNone {
		return by[muxed], false
	}
	named, other := by[memo], by[muxed]
	if named != nil && other != nil && named.ID != other.ID {
		return nil, true
	}
	return named, false
}

// group is the operations of one Stellar transaction that bring one asset to one transaction. What names no transaction
// stands alone.
type group struct {
	candidate   *store.Transaction
	contradicts bool
	payments    []stellar.Payment
}

type groupKey struct{ hash, transaction, code, issuer string }

// groups puts payments together that are decided about together, in the order of their first operations.
func groups(list []stellar.Payment, by map[store.Memo]*store.Transaction) []*group {
	found := make([]*group, 0, len(list))
	open := map[groupKey]*group{}
	for i := range list {
		p := list[i]
		candidate, contradicts := match(&p, by)
		if candidate == nil {
			found = append(found, &group{contradicts: contradicts, payments: []stellar.Payment{p}})
			continue
		}
		key := groupKey{p.InnerHash, candidate.ID, p.AssetCode, p.AssetIssuer}
		g := open[key]
		if g == nil {
			g = &group{candidate: candidate}
			open[key] = g
			found = append(found, g)
		}
		g.payments = append(g.payments, p)
	}
	return found
}

func (g *group) judge() Decision {
	if g.contradicts {
		return hold(anchor.JudgedUnmatched, contradiction)
	}
	return Judge(g.candidate, g.payments)
}

// verdict is what a page comes to.
type verdict struct {
	rows     []store.Payment
	fundings []store.Funding
}

// judgeAll decides about all payments of a page, one group after the other: what one credits, the next one finds paid.
func (s *Service) judgeAll(chain string, list []stellar.Payment, by map[store.Memo]*store.Transaction) verdict {
	v := verdict{rows: make([]store.Payment, 0, len(list))}
	for _, g := range groups(list, by) {
		d := g.judge()
		for i := range g.payments {
			v.rows = append(v.rows, rowOf(chain, &g.payments[i], g.candidate, d))
		}
		if d.Judgement == anchor.JudgedCredited {
			v.fundings = append(v.fundings, s.funding(*g.candidate, &g.payments[0], d))
			g.candidate.Funded = true
		}
	}
	slices.SortFunc(v.fundings, func(a, b store.Funding) int { return strings.Compare(a.Transaction.ID, b.Transaction.ID) })
	return v
}

func (s *Service) funding(t store.Transaction, p *stellar.Payment, d Decision) store.Funding {
	return store.Funding{
		Transaction: t, Units: d.Units, StellarHash: p.OuterHash, Rail: s.railOf(t.FundingMethod),
		Change: anchor.Change{Actor: actor, Reason: "the whole sum arrived", Detail: `{"stellar_hash":"` + p.OuterHash + `"}`},
	}
}

// instant writes a time as the ledger has it.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
