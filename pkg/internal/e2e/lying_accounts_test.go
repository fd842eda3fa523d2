package e2e

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// account is what the books of the anchor and the bank's own ledger say of one payout.
type account struct {
	payout, transaction, rail, state, conflict, asset string
	amount                                            money.Amount
	reason                                            string // the last one in the payout's history
	keys                                              []string
	paid                                              []simulated.Payment // by the bank's ledger, refused ones left out
	booked                                            int                 // the most often that the ledger has one of its keys
	said                                              map[string]bool     // what the bank answered, by outcome
}

// accounts has all payouts, and nothing that is booked under a key of none.
func (w *lyingWorld) accounts() []*account {
	w.Helper()
	byPayout := map[string]*account{}
	w.db.each(`SELECT p.id, p.transaction_id, p.rail, p.state, t.conflict, p.amount_asset, p.amount_units, p.amount_decimals
		FROM payouts p JOIN transactions t ON t.id = p.transaction_id`, func(r *sql.Rows) error {
		a := &account{said: map[string]bool{}}
		var units, decimals int64
		if err := r.Scan(&a.payout, &a.transaction, &a.rail, &a.state, &a.conflict, &a.asset, &units, &decimals); err != nil {
			return err
		}
		var err error
		a.amount, err = money.New(units, int(decimals))
		byPayout[a.payout] = a
		return err
	})
	w.eachPair(`SELECT subject_id, reason FROM events WHERE subject_kind = 'payout' AND reason <> '' ORDER BY seq`, func(payout, reason string) {
		byPayout[payout].reason = reason
	})
	w.eachPair(`SELECT payout_id, outcome FROM attempt_answers`, func(payout, outcome string) { byPayout[payout].said[outcome] = true })
	booked := map[string]map[string][]simulated.Payment{}
	for rail := range w.books {
		booked[rail] = w.booked(rail)
	}
	w.eachPair(`SELECT payout_id, key FROM payout_attempts`, func(payout, key string) {
		a := byPayout[payout]
		a.keys = append(a.keys, key)
		a.book(booked[a.rail][key])
		delete(booked[a.rail], key)
	})
	for rail, left := range booked {
		require.Empty(w, left, "the bank of rail %s has booked under keys that no attempt by it has", rail)
	}
	return slices.Collect(maps.Values(byPayout))
}

func (a *account) book(list []simulated.Payment) {
	a.booked = max(a.booked, len(list))
	for _, p := range list {
		if !p.Refused {
			a.paid = append(a.paid, p)
		}
	}
}

func (w *lyingWorld) eachPair(query string, read func(first, second string)) {
	w.Helper()
	w.db.each(query, func(r *sql.Rows) error {
		var first, second string
		err := r.Scan(&first, &second)
		if err == nil {
			read(first, second)
		}
		return err
	})
}

// requireAccounts compares what the anchor says with what the bank did.
func (w *lyingWorld) requireAccounts(all []*account) {
	w.Helper()
	paidTransactions := map[string]int{}
	for _, a := range all {
		paidTransactions[a.transaction] += len(a.paid)
		w.requireBooked(a)
		w.requireExplained(a)
		w.requireContradictionShown(a)
	}
	require.Len(w, paidTransactions, w.seeded, "each transaction is there")
	for transaction, times := range paidTransactions {
		require.LessOrEqual(w, times, 1, "transaction %s is paid %d times", transaction, times)
	}
	for _, f := range neverSo() {
		if !strings.Contains(f.what, "what its payments come to") { // these transactions were funded without any
			require.Empty(w, w.db.texts(f.query), f.what)
		}
	}
	for name, log := range w.logs() {
		require.NotRegexp(w, `\bS[A-Z2-7]{55}\b|Lovelace|Alan`, log, "I13: %s", name)
	}
}

// requireEverybodyPaidOnce checks that each transaction is in the bank's books as paid once; some of it came back.
func (w *lyingWorld) requireEverybodyPaidOnce(all []*account) {
	w.Helper()
	paid := map[string]int{}
	for _, a := range all {
		paid[a.transaction] += len(a.paid)
	}
	for transaction, times := range paid {
		require.Equal(w, 1, times, "transaction %s", transaction)
	}
}

// requireBooked checks that the bank paid at most once, and what it was to pay.
func (w *lyingWorld) requireBooked(a *account) {
	w.Helper()
	require.LessOrEqual(w, len(a.paid), 1, "payout %s is paid twice: %+v", a.payout, a.paid)
	require.LessOrEqual(w, a.booked, 1, "a key of payout %s was ordered again after it was decided", a.payout)
	for _, p := range a.paid {
		require.Equal(w, a.transaction, p.TransactionID, "payout %s", a.payout)
		require.Equal(w, a.amount.String(), p.Amount, "payout %s", a.payout)
		require.Equal(w, a.asset, p.Asset, "payout %s", a.payout)
	}
}

// requireExplained checks that a delivered payout is paid, and that everybody can see why any other is not.
func (w *lyingWorld) requireExplained(a *account) {
	w.Helper()
	switch anchor.PayoutState(a.state) {
	case anchor.PayoutDelivered:
		require.Len(w, a.paid, 1, "payout %s is delivered and not in the bank's ledger", a.payout)
		require.True(w, a.paid[0].ReturnedAt.IsZero(), "payout %s came back, and nobody knows", a.payout)
	case anchor.PayoutReturned:
		require.Len(w, a.paid, 1, "payout %s", a.payout)
		require.False(w, a.paid[0].ReturnedAt.IsZero(), "payout %s never came back", a.payout)
	case anchor.PayoutFailed:
		require.True(w, a.said["failed"], "payout %s failed, and the bank never said so", a.payout)
	case anchor.PayoutUnknown:
		require.Empty(w, a.paid, "payout %s: the bank would say that it is paid", a.payout)
	case anchor.PayoutWaiting:
	default:
		require.Fail(w, "still under way", "payout %s is %s", a.payout, a.state)
	}
	if a.state != string(anchor.PayoutDelivered) {
		require.NotEmpty(w, a.reason, "payout %s is %s, and nobody is told why", a.payout, a.state)
	}
}

// requireContradictionShown checks that answers which exclude each other are shown to somebody.
func (w *lyingWorld) requireContradictionShown(a *account) {
	w.Helper()
	ended := 0
	for _, outcome := range []string{"delivered", "failed", "returned"} {
		if a.said[outcome] {
			ended++
		}
	}
	failedAndBack := !a.said["delivered"] // it failed, and then came back: nobody has more or less than was thought
	if ended > 1 && !failedAndBack {
		require.NotEmpty(w, a.conflict, "payout %s: the bank said %v of it", a.payout, slices.Sorted(maps.Keys(a.said)))
	}
}

// tellSuffering logs what was done, and what became of the payouts: a run in which nothing happened proves nothing.
func (w *lyingWorld) tellSuffering(blows map[string]int, unheard int, all []*account) {
	w.Helper()
	var text strings.Builder
	counted := func(title string, counts map[string]int) {
		_, _ = fmt.Fprintf(&text, "\n%s\n", title)
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			_, _ = fmt.Fprintf(&text, "  %6d  %s\n", counts[name], name)
		}
	}
	met, err := w.met()
	require.NoError(w, err)
	counted("done to the processes, on "+w.engine, blows)
	counted("faults of the banks", met)
	for _, rail := range lyingRails() {
		counted("payouts by rail "+rail+", by where they ended and by how often the bank's own ledger has them paid", ends(rail, all))
	}
	counted("besides", map[string]int{
		"payouts that came back, told by the bank's statement only": unheard,
		"payouts sent again under the same key":                     int(w.db.number("SELECT COUNT(*) FROM payout_attempts WHERE sends > 1")),
		"payouts whose sender did not say what became":              int(w.db.number("SELECT COUNT(*) FROM events WHERE subject_kind = 'payout' AND reason = 'whoever sent it did not say what became of it'")),
		"answers that changed nothing":                              int(w.db.number("SELECT COUNT(*) FROM attempt_answers WHERE used = FALSE")),
		"transactions with a contradiction that is shown":           int(w.db.number("SELECT COUNT(*) FROM transactions WHERE conflict <> ''")),
	})
	w.Log(text.String())
}

// ends counts the payouts of a rail.
func ends(rail string, all []*account) map[string]int {
	counts := map[string]int{}
	for _, a := range all {
		if a.rail != rail {
			continue
		}
		times := [...]string{"never", "once", "twice"}[min(len(a.paid), 2)]
		what := a.state + ", paid " + times
		if a.conflict != "" {
			what += ", with a contradiction"
		}
		counts[what]++
	}
	return counts
}
