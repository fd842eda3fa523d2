package payments

import (
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

func (g *group) judge(policy Policy) Decision {
	if g.contradicts {
		return policy.apart(anchor.JudgedUnmatched, policy.Unmatched, g.payments, contradiction)
	}
	return Judge(g.candidate, g.payments, policy)
}
