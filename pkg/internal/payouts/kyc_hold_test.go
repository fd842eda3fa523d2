package payouts_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// counter is a bank with books of its own, behind a service that asks and resends at once.
type counter struct {
	*bank
	s     *payouts.Service
	books simulated.Bank
}

// openCounter opens a bank that misbehaves as said; by its word a key that it does not know was never paid.
func openCounter(t *testing.T, db *store.DB, misbehave func(simulated.Call) simulated.Fault) counter {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	rail, err := simulated.New(simulated.Options{File: file, Misbehave: misbehave})
	require.NoError(t, err)
	b := &bank{}
	b.execute = func(ctx context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
		return rail.ExecuteOutgoing(ctx, p)
	}
	b.poll = func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
		return rail.PollOutgoing(context.WithoutCancel(t.Context()), open)
	}
	return counter{b, declaring(db, b, time.Microsecond, time.Hour), simulated.Bank(file)}
}

// paid tells from the bank's books how often a transaction was paid.
func (c counter) paid(t *testing.T, id string) int {
	t.Helper()
	transactions, err := c.books.PaidTransactions()
	require.NoError(t, err)
	return transactions[id]
}

// work lets both roles do whatever they find to do, several times over.
func (c counter) work(t *testing.T) {
	t.Helper()
	for range 3 {
		execute(t, c.s)
		pollOnce(t, c.s)
	}
}

// first is a fault of the first sending of each payout.
func first(fault simulated.Fault) func(simulated.Call) simulated.Fault {
	return func(call simulated.Call) simulated.Fault {
		if call.Method == simulated.MethodExecute && call.Number == 0 {
			return fault
		}
		return ""
	}
}

// deleteReceiver hides the receiver as SEP-12 DELETE does, and lets its transactions follow.
func deleteReceiver(t *testing.T, w *payoutstest.World) {
	t.Helper()
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.LockOpenTransactionsOf(ctx, w.Receiver.ID)
		if err != nil {
			return err
		}
		c, err := tx.LockCustomerAfter(ctx, list, w.Receiver.ID)
		if err != nil {
			return err
		}
		change := store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true}
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		for _, deal := range list {
			if _, err := tx.Reconsider(ctx, deal, "test", "deleted"); err != nil {
				return err
			}
		}
		return nil
	}))
}

// refusals are the ways in which a customer stops being somebody who may be paid, or pay.
func refusals() map[string]func(t *testing.T, w *payoutstest.World) {
	return map[string]func(t *testing.T, w *payoutstest.World){
		"a receiver who is rejected": func(_ *testing.T, w *payoutstest.World) {
			w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerRejected, nil)
		},
		"a sender who is rejected": func(_ *testing.T, w *payoutstest.World) {
			w.Judge(w.Sender, payoutstest.SenderType, anchor.CustomerRejected, nil)
		},
		"a receiver who is rejected without a word to the payout": func(t *testing.T, w *payoutstest.World) {
			require.NoError(t, judgeAlone(t, w, anchor.CustomerRejected))
		},
		"a receiver who is deleted": deleteReceiver,
	}
}

func eachRefusal(t *testing.T, test func(t *testing.T, w *payoutstest.World, refuse func())) {
	t.Helper()
	for name, refuse := range refusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				test(t, w, func() { refuse(t, w) })
			})
		})
	}
}

func TestBetween_credit_and_payout_a_customer_who_may_not_be_served_any_more_stops_it(t *testing.T) {
	t.Parallel()
	eachRefusal(t, func(t *testing.T, w *payoutstest.World, refuse func()) {
		c := openCounter(t, w.DB, nil)
		id := w.Funded(1)[0]
		refuse()
		c.work(t)
		require.Zero(t, c.paid(t, id))
		require.Empty(t, c.sent(), "the rail never heard of it")
		require.Equal(t, anchor.PayoutWaiting, w.Payout(id).State)
		require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
		w.RequireBooks(id)
	})
}

func TestWhat_was_certainly_not_sent_stays_unsent_once_a_customer_may_not_be_served_any_more(t *testing.T) {
	t.Parallel()
	eachRefusal(t, func(t *testing.T, w *payoutstest.World, refuse func()) {
		c := openCounter(t, w.DB, first(simulated.FaultNotSent))
		id := w.Funded(1)[0]
		execute(t, service(w.DB, c.bank, patient()))
		require.Equal(t, anchor.AttemptNotSent, w.Attempts(id)[0].State)
		refuse()
		hasten(t, w.DB, id)
		c.work(t)
		require.Zero(t, c.paid(t, id))
		require.Len(t, c.sent(), 1)
		require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
		w.RequireBooks(id)
	})
}

// patient is options under which nothing is tried again during a test.
func patient() payouts.Options {
	o := atOnce()
	o.RetryWait = payouts.Backoff{First: time.Hour, Max: time.Hour}
	return o
}

func TestWhat_is_unknown_is_asked_about_and_not_sent_again_once_a_customer_may_not_be_served_any_more(t *testing.T) {
	t.Parallel()
	eachRefusal(t, func(t *testing.T, w *payoutstest.World, refuse func()) {
		c := openCounter(t, w.DB, first(simulated.FaultErrorBefore))
		id := w.Funded(1)[0]
		execute(t, c.s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		refuse()
		c.work(t)
		require.NotEmpty(t, c.asked)
		require.Equal(t, anchor.OutcomeNotKnown, w.Answers(id)[1].Outcome, "the bank has permitted a resend")
		require.Len(t, c.sent(), 1, "and none was made")
		require.Zero(t, c.paid(t, id))
		require.Equal(t, anchor.AttemptUnknown, w.Attempts(id)[0].State, "whether it left stays open")
		w.RequireBooks(id)

		require.NoError(t, c.s.Resolve(t.Context(), w.Payout(id).ID, anchor.Failed(""), "not in the statement", "operator:ann"))
		c.work(t)
		require.Len(t, c.sent(), 1)
		require.Equal(t, anchor.PayoutFailed, w.Payout(id).State)
		w.RequireBooks(id)
	})
}

func TestWhat_had_left_before_a_customer_was_refused_is_told_as_it_is(t *testing.T) {
	t.Parallel()
	eachRefusal(t, func(t *testing.T, w *payoutstest.World, refuse func()) {
		c := openCounter(t, w.DB, first(simulated.FaultErrorAfter))
		id := w.Funded(1)[0]
		execute(t, c.s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		refuse()
		c.work(t)
		require.Equal(t, 1, c.paid(t, id))
		require.Len(t, c.sent(), 1)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestA_webhook_is_read_also_of_what_waits_for_KYC_after_it_may_have_left(t *testing.T) {
	t.Parallel()
	eachRefusal(t, func(t *testing.T, w *payoutstest.World, refuse func()) {
		c := openCounter(t, w.DB, first(simulated.FaultErrorBefore))
		id := w.Funded(1)[0]
		execute(t, c.s)
		refuse()
		c.work(t)
		require.Equal(t, anchor.PayoutWaiting, w.Payout(id).State)
		require.NoError(t, c.s.Report(t.Context(), c.sent()[0].Key, anchor.Delivered("after all"), ""))
		require.Equal(t, anchor.PayoutDelivered, w.Payout(id).State)
		w.RequireBooks(id)
	})
}
