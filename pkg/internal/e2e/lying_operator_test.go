package e2e

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
)

// Who speaks in the history when all is over.
const (
	actorStatement = "the bank's statement"
	actorOperator  = "an operator with the bank's books"
)

// readStatement reports everything that came back, as a bank's webhook or statement does: a poll tells of it only while it is
// asked about something. It tells how much of it was news.
func (w *lyingWorld) readStatement() (news int) {
	w.Helper()
	w.awaitReturns()
	before := w.returned()
	engine := payouts.New(w.seeds.DB, nil, nil, payouts.Options{})
	for rail := range w.books {
		for key, list := range w.booked(rail) {
			if !list[0].ReturnedAt.IsZero() {
				require.NoError(w, engine.Report(w.Context(), anchor.PayoutKey(key), anchor.Returned("it came back"), actorStatement))
			}
		}
	}
	return w.returned() - before
}

func (w *lyingWorld) returned() int {
	return int(w.db.number("SELECT COUNT(*) FROM payouts WHERE state = 'returned'"))
}

// awaitReturns waits until everything is back that comes back.
func (w *lyingWorld) awaitReturns() {
	w.Helper()
	var last time.Time
	for rail := range w.books {
		for _, list := range w.booked(rail) {
			if back := list[0].ReturnedAt; back.After(last) {
				last = back
			}
		}
	}
	wait(w.Context(), time.Until(last))
}

// payWhomNobodyPaid does what an operator does who has the bank's books before him: whoever was not paid is to be paid after all.
func (w *lyingWorld) payWhomNobodyPaid(all []*account) (again int) {
	w.Helper()
	engine := payouts.New(w.seeds.DB, nil, nil, payouts.Options{})
	for _, a := range all {
		if len(a.paid) > 0 {
			continue
		}
		if a.state == string(anchor.PayoutUnknown) {
			require.NoError(w, engine.Resolve(w.Context(), a.payout, anchor.Failed("not in the bank's books"), "not in the bank's books", actorOperator))
		}
		_, err := engine.Retry(w.Context(), payouts.RetryRequest{
			TransactionID: a.transaction, Actor: actorOperator, Reason: "not in the bank's books", DespiteConflict: a.conflict != "",
		})
		require.NoError(w, err)
		again++
	}
	return again
}
