package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// tooLongUnknown is for how long nobody may know what became of a payout before it is said.
const tooLongUnknown = time.Hour

// overdueByRail is what should have been sent, by rail: not what waits for its rail to open or for the next batch.
func (x *examination) overdueByRail(ctx context.Context, b books, backlog store.Backlog) ([]idle, error) {
	var list []idle
	for _, rail := range slices.Sorted(maps.Keys(backlog.Ready)) {
		terms := x.plan.Terms[rail]
		waits, err := waitsForRail(ctx, b, rail, terms)
		if err != nil {
			return nil, err
		}
		if waits {
			continue
		}
		what := "payouts are ready and not sent by the rail " + rail
		if pace := paceWords(terms.Limits); pace != "" {
			what += ", which takes at most " + pace
		}
		list = append(list, idle{backlog.Ready[rail], what})
	}
	return list, nil
}

// waitsForRail tells whether what is ready by a rail waits as it should.
func waitsForRail(ctx context.Context, b books, rail string, terms RailTerms) (bool, error) {
	if !terms.Batches {
		batches, err := b.db.ListBatches(ctx, rail, 1)
		begun := b.now.Add(-patience) // one that has just opened has not sent everything yet
		opening, ever := terms.Calendar.Opening(begun)
		return len(batches) > 0 || !ever || opening.After(begun), err
	}
	o, err := b.db.LookAtBatches(ctx, rail, terms.BatchMost)
	if err != nil {
		return false, err
	}
	o.NowUs -= patience.Microseconds()
	_, due := store.CutOffOf(o, terms.Calendar, terms.BatchMost, terms.BatchEvery)
	return o.Writing || !due, nil // of one that is being handed over another line tells
}

// payouts looks at what needs somebody and at what somebody has paused.
func (x *examination) payouts(ctx context.Context, b books) []Finding {
	const check = "payouts"
	figures, err := b.db.PayoutFigures(ctx)
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	contradictions, err := b.db.Contradictions(ctx, 1)
	if err != nil {
		return []Finding{unreadable(check, err)}
	}
	example := ""
	if len(contradictions) > 0 {
		example = contradictions[0].TransactionID
	}
	return payoutFindings(figures, example)
}

// payoutFindings is pure. contradicted is the id of a transaction with a contradiction; empty: there is none.
func payoutFindings(f store.PayoutFigures, contradicted string) []Finding {
	var found []Finding
	if f.Contradictions > 0 {
		found = append(found, bad("payouts", fmt.Sprintf("%d %s a contradiction, such as %s: nothing goes on by itself", f.Contradictions,
			plural(int(f.Contradictions), "transaction has", "transactions have"), contradicted),
			"ask the bank: 'anchor payouts list' has them first, 'anchor explain "+contradicted+"' says what there is to do"))
	}
	now := store.At(f.NowUs)
	for _, age := range f.Unknown {
		if since := now.Sub(store.At(age.OldestUs)); since > tooLongUnknown {
			found = append(found, bad("payouts", fmt.Sprintf("what became of a payout by the rail %s is not known for %s", age.Rail, span(since)),
				"ask the bank: 'anchor payouts list --state unknown --rail "+age.Rail+"' names them, 'anchor payouts resolve' records the answer"))
		}
	}
	for _, b := range f.Writing {
		if b.Tries > 0 || now.Sub(store.At(max(b.NextUs, b.LeaseUntilUs))) > patience {
			found = append(found, stuckBatch(b, now))
		}
	}
	found = append(found, needingSomebody(f)...)
	if len(found) == 0 {
		found = append(found, good("payouts", "none needs anybody"))
	}
	return append(found, pausedAndDead(f)...)
}

func stuckBatch(b store.Batch, now time.Time) Finding {
	text := fmt.Sprintf("the batch %s of %d %s has not been handed over for %s", b.Name(), b.Payouts, plural(int(b.Payouts), "payout", "payouts"), span(now.Sub(store.At(b.CreatedUs))))
	if b.Tries == 0 {
		return bad("batches", text, notAtWork("execute-outgoing --loop"))
	}
	return bad("batches", text+fmt.Sprintf(", after %d %s%s", b.Tries, plural(int(b.Tries), "try", "tries"), because(b.LastError)),
		"look at the rail "+b.Rail+": it gets the same batch until it takes it, and no other before")
}

// needingSomebody are payouts that wait for an operator, and those that ended unpaid.
func needingSomebody(f store.PayoutFigures) []Finding {
	var found []Finding
	for _, c := range f.Open {
		if c.WaitsFor == anchor.WaitsForOperator {
			found = append(found, bad("payouts", fmt.Sprintf("%d by the rail %s %s for an operator", c.Number, c.Rail, plural(int(c.Number), "waits", "wait")),
				"'anchor payouts list --waits-for operator' names them, 'anchor explain ID' says why"))
		}
	}
	for _, c := range f.Unpaid {
		found = append(found, bad("payouts", fmt.Sprintf("%d by the rail %s failed or came back, and what was paid for them is held", c.Number, c.Rail),
			"'anchor payouts list' names them: pay again with 'anchor payouts retry', or send back with 'anchor payments refund'"))
	}
	return found
}

func pausedAndDead(f store.PayoutFigures) []Finding {
	var found []Finding
	for _, s := range f.Switches {
		if s.Paused {
			found = append(found, bad("pauses", fmt.Sprintf("the %s %s is paused since %s by %s: %s", s.Kind, s.Name, instant(store.At(s.UpdatedUs)), s.Actor, s.Reason),
				fmt.Sprintf("when that is over: anchor payouts resume --%s %s --reason TEXT", s.Kind, s.Name)))
		}
	}
	if f.DeadCallbacks > 0 {
		found = append(found, bad("callbacks", fmt.Sprintf("%d %s given up", f.DeadCallbacks, plural(int(f.DeadCallbacks), "was", "were")),
			"'anchor callbacks list --dead' says to whom and why, 'anchor callbacks retry' sends them after all"))
	}
	return found
}
