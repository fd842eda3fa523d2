package inspect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// roles looks at what the four processes leave undone.
func (x *examination) roles(ctx context.Context, b books) []Finding {
	found := x.watching(ctx, b)
	backlog, err := b.db.BacklogOf(ctx, patience)
	if err != nil {
		return append(found, unreadable("backlog", err))
	}
	ready, err := x.overdueByRail(ctx, b, backlog)
	if err != nil {
		return append(found, unreadable("rails", err))
	}
	for _, role := range []struct {
		name string
		work []idle
	}{
		{"execute-outgoing --loop", append(ready, []idle{
			{backlog.ToPrice, "payouts wait for a price"}, {backlog.Refunds, "refunds are ready and not sent"},
		}...)},
		{"poll-outgoing --loop", []idle{{backlog.UnderWay, "payouts are under way and not asked about"}}},
		{"serve", []idle{{backlog.Callbacks, "callbacks are due and not sent"}}},
	} {
		found = append(found, left(role.name, role.work, b.now))
	}
	found = append(found, x.payouts(ctx, b)...)
	return append(append(found, movements(ctx, b)...), drift(ctx, b)...)
}

// idle is work that lies about.
type idle struct {
	store.Overdue
	what string
}

// left says what a role leaves undone.
func left(role string, work []idle, now time.Time) Finding {
	for _, w := range work {
		if w.Number > 0 {
			return bad(role, fmt.Sprintf("%d %s, the oldest for %s", w.Number, w.what, span(now.Sub(w.Oldest))), notAtWork(role))
		}
	}
	return good(role, "leaves nothing undone")
}

// watching looks at each account's cursor: whether it is read, and whether what comes next is still kept by the server.
func (x *examination) watching(ctx context.Context, b books) []Finding {
	const check = "watch-transactions"
	now := b.now
	elder := int64(0)
	if root, ok := x.read(); ok {
		elder = root.Elder
		if closed := root.Latest.ClosedAt; closed.Before(now) {
			now = closed // what the network has not closed yet nobody can have read
		}
	}
	byAccount := map[string]store.Cursor{}
	for _, c := range b.cursors {
		byAccount[c.Account] = c
	}
	var found []Finding
	for _, a := range b.accounts {
		found = append(found, watched(check, a.Account, byAccount, now, elder))
	}
	return append(found, leases(ctx, b)...)
}

func watched(check, account string, cursors map[string]store.Cursor, now time.Time, elder int64) Finding {
	c, begun := cursors[account]
	at := &c
	if !begun {
		at = nil
	}
	if begun && elder > 0 && c.ThroughLedger+1 < elder {
		return bad(check, fmt.Sprintf("%s was read through ledger %d, and the history to be had begins at %d: payments between would be missed",
			account, c.ThroughLedger, elder), "read from a source with a longer history")
	}
	if r, late := behind(account, at, now); late {
		return bad(check, r.Why, r.Mend)
	}
	return good(check, fmt.Sprintf("%s is read through ledger %d", account, c.ThroughLedger))
}

// leases says who does what only one process may do.
func leases(ctx context.Context, b books) []Finding {
	list, err := b.db.Leases(ctx)
	if err != nil {
		return []Finding{unreadable("leases", err)}
	}
	var found []Finding
	for _, l := range list {
		if l.UntilUs > b.now.UnixMicro() {
			found = append(found, good("lease "+l.Name, "held by "+l.Owner))
		}
	}
	return found
}

func movements(ctx context.Context, b books) []Finding {
	const check = "movements out"
	list, err := movementsOut(ctx, b.db)
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	var found []Finding
	for _, u := range list {
		found = append(found, bad(check, fmt.Sprintf("%d out of %s that no refund explains, such as Stellar transaction %s: its refunds stop", u.number, u.account, u.hash),
			"find out who signed it: 'anchor explain "+u.hash+"'"))
	}
	return found
}

// drift is what anchor reconcile found and nobody has settled.
func drift(ctx context.Context, b books) []Finding {
	const check = "books"
	list, err := b.db.OpenDrift(ctx)
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	var found []Finding
	for _, d := range list {
		found = append(found, bad(check, fmt.Sprintf("%d %s of %s at %s", d.Number, strings.ReplaceAll(string(d.Kind), "_", " "), d.Asset.Code, d.Account),
			"'anchor reconcile' names each, down to the operation"))
	}
	return found
}
