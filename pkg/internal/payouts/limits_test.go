package payouts_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

const otherRail = "other"

func byRail(rail string) func(*store.Transaction, *store.Payout) {
	return func(_ *store.Transaction, p *store.Payout) { p.Rail = rail }
}

// inUSD is a limit of what every payout pays: 99.00 each.
func inUSD(t *testing.T, text string) map[string]money.Amount {
	amount, err := money.Parse(text, 2)
	require.NoError(t, err)
	return map[string]money.Amount{"iso4217:USD": amount}
}

// within gets a value, or fails the test.
func within[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(30 * time.Second):
		require.Fail(t, "it did not happen")
	}
	return v
}

func TestA_rail_that_hangs_delays_no_payout_by_another_also_none_that_comes_later(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		hung := w.Funded(20)
		goOn, hangs, paid := make(chan struct{}), make(chan struct{}, 20), make(chan string, 20)
		slow := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			hangs <- struct{}{}
			<-goOn
			return anchor.Delivered("slow"), nil
		}}
		quick := &bank{execute: func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			paid <- p.TransactionID
			return anchor.Delivered("quick"), nil
		}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: slow}, otherRail: {Rails: quick}}, nil, atOnce())
		done := make(chan error, 1)
		go func() {
			_, err := s.Execute(t.Context(), t.Context())
			done <- err
		}()
		for range 4 { // every slot of the first rail hangs
			within(t, hangs)
		}
		for range 3 { // and each time the other has come to its end meanwhile
			later := w.FundedBy(1, byRail(otherRail))
			require.Equal(t, later[0], within(t, paid))
			require.Eventually(t, func() bool { return w.Transaction(later[0]).Status == anchor.StatusCompleted }, 30*time.Second, time.Millisecond)
		}
		close(goOn)
		require.NoError(t, within(t, done))
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 20}, states(w, hung))
	})
}

func TestA_rail_that_hangs_when_it_is_asked_delays_no_question_to_another(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(1)
		goOn, hangs, asked := make(chan struct{}), make(chan struct{}, 20), make(chan string, 20)
		accepts := always(anchor.Accepted("x"))
		slow := &bank{execute: accepts, poll: func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			hangs <- struct{}{}
			<-goOn
			return says(anchor.Delivered("slow"))(open)
		}}
		quick := &bank{execute: accepts, poll: func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			asked <- open[0].TransactionID
			return says(anchor.Delivered("quick"))(open)
		}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: slow}, otherRail: {Rails: quick}}, nil, atOnce())
		execute(t, s)
		done := make(chan error, 1)
		go func() {
			_, err := s.Poll(t.Context(), t.Context())
			done <- err
		}()
		within(t, hangs)
		later := w.FundedBy(1, byRail(otherRail))
		execute(t, s)
		require.Equal(t, later[0], within(t, asked))
		require.Eventually(t, func() bool { return w.Transaction(later[0]).Status == anchor.StatusCompleted }, 30*time.Second, time.Millisecond)
		close(goOn)
		require.NoError(t, within(t, done))
	})
}

func TestCalls_that_a_rail_has_left_behind_keep_no_other_rail_from_being_used(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		goOn := make(chan struct{})
		deaf := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			<-goOn
			return anchor.Delivered("late"), nil
		}}
		o := atOnce()
		o.RailTimeout = time.Millisecond
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: deaf}, otherRail: {Rails: &bank{}}}, nil, o)
		left := w.Funded(8)
		execute(t, s)
		require.EqualValues(t, 4, s.Counts().Abandoned, "no more than there are slots")
		ids := w.FundedBy(3, byRail(otherRail))
		execute(t, s)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 3}, states(w, ids))
		close(goOn)
		require.Eventually(t, func() bool { return s.Counts().Abandoned == 0 }, 30*time.Second, time.Millisecond)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 4, anchor.PayoutReady: 4}, states(w, left))
	})
}

// twoProcesses gives a database two services, as two processes have them, with one rail under limits.
func twoProcesses(t *testing.T, l anchor.Limits, b *bank, test func(t *testing.T, w *payoutstest.World, run func())) {
	for engine, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "anchor.db") },
		"postgres": func(t *testing.T) string { return storetest.PostgresURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			at := url(t)
			dbs := []*store.DB{storetest.Open(t, at), storetest.Open(t, at)}
			test(t, payoutstest.New(t, dbs[0]), func() {
				var group errgroup.Group
				for _, db := range dbs {
					s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: b, Limits: l}}, nil, atOnce())
					group.Go(func() error {
						_, err := s.Execute(t.Context(), t.Context())
						return err
					})
				}
				require.NoError(t, group.Wait())
			})
		})
	}
}

func TestTwo_processes_together_call_a_rail_no_more_often_than_it_allows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var early []string
	var w *payoutstest.World
	b := &bank{execute: func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
		now := time.Now().UnixMicro() // the clock of the database is the same here
		turn := w.Attempts(p.TransactionID)[0].LastSentUs
		mu.Lock()
		defer mu.Unlock()
		if now+2000 < turn {
			early = append(early, fmt.Sprintf("%s: %d us too early", p.Key, turn-now))
		}
		return anchor.Delivered("x"), nil
	}}
	twoProcesses(t, anchor.Limits{CallsPerSecond: 40}, b, func(t *testing.T, world *payoutstest.World, run func()) {
		w = world
		ids := w.Funded(24)
		run()
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 24}, states(w, ids), "one pass waits for turns that come soon")
		require.Empty(t, early)
	})
}

func TestTwo_processes_together_have_no_more_calls_in_flight_than_a_rail_allows(t *testing.T) {
	t.Parallel()
	var inFlight, most atomic.Int64
	b := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
		defer inFlight.Add(-1)
		for now := inFlight.Add(1); ; {
			before := most.Load()
			if now <= before || most.CompareAndSwap(before, now) {
				return anchor.Delivered("x"), nil
			}
		}
	}}
	twoProcesses(t, anchor.Limits{InFlight: 3}, b, func(t *testing.T, w *payoutstest.World, run func()) {
		ids := w.Funded(60)
		run()
		require.LessOrEqual(t, most.Load(), int64(3))
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 60}, states(w, ids))
	})
}

func TestTwo_processes_together_give_a_rail_no_more_than_it_takes_in_a_day(t *testing.T) {
	t.Parallel()
	b := &bank{}
	twoProcesses(t, anchor.Limits{PerDay: inUSD(t, "500.00")}, b, func(t *testing.T, w *payoutstest.World, run func()) {
		ids := w.Funded(30)
		run()
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 5, anchor.PayoutReady: 25}, states(w, ids))
	})
}

func TestA_pass_ends_when_nothing_can_be_sent_now(t *testing.T) {
	t.Parallel()
	never := anchor.Calendar{Opens: 2, Closes: 1}
	for name, c := range map[string]struct {
		rail   anchor.Rail
		pause  bool
		worked bool
		sent   int
	}{
		"closed":                      {rail: anchor.Rail{Calendar: never}},
		"paused":                      {pause: true},
		"the day's limit is used up":  {rail: anchor.Rail{Limits: anchor.Limits{PerDay: inUSD(t, "100.00")}}, worked: true, sent: 1},
		"the next call is in an hour": {rail: anchor.Rail{Limits: anchor.Limits{CallsPerSecond: 1.0 / 3600}}, worked: true, sent: 1},
		"above the limit":             {rail: anchor.Rail{Limits: anchor.Limits{PerPayout: inUSD(t, "1.00")}}, worked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				w.Funded(3)
				if c.pause {
					require.NoError(t, pause(t, db, store.SwitchRail, payoutstest.Rail, true))
				}
				b := &bank{}
				rail := c.rail
				rail.Rails = b
				s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
				require.Equal(t, c.worked, execute(t, s))
				require.False(t, execute(t, s))
				require.Len(t, b.sent(), c.sent)
			})
		})
	}
}

func pause(t *testing.T, db *store.DB, kind store.SwitchKind, name string, paused bool) error {
	return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, _, err := tx.SetSwitch(ctx, kind, name, paused, "operator:ann", "the bank has trouble")
		return err
	})
}

func TestCalls_in_flight_of_another_process_end_a_pass_too(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(2)
		terms := dead()
		terms.Lease, terms.Limit = time.Hour, 1
		_, err := db.ClaimReady(t.Context(), terms)
		require.NoError(t, err)
		b := &bank{}
		rail := anchor.Rail{Rails: b, Limits: anchor.Limits{InFlight: 1}}
		require.False(t, execute(t, payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())))
		require.Empty(t, b.sent())
	})
}

func TestWhoever_resumes_a_rail_wakes_those_who_send(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		require.NoError(t, pause(t, db, store.SwitchRail, payoutstest.Rail, true))
		s := service(db, &bank{}, atOnce())
		woken := s.Wakes(ctx, store.TopicReady)
		require.NoError(t, pause(t, db, store.SwitchRail, payoutstest.Rail, false))
		for w.Transaction(id).Status != anchor.StatusCompleted {
			within(t, woken)
			execute(t, s)
		}
	})
}

func TestWakes_tell_when_the_turn_of_the_next_call_has_come(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		rail := anchor.Rail{Rails: &bank{}, Limits: anchor.Limits{CallsPerSecond: 1.0 / 2}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
		execute(t, s)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 1, anchor.PayoutReady: 1}, states(w, ids))
		woken, wakes := s.Wakes(ctx, store.TopicReady), 0
		for w.Transaction(ids[1]).Status != anchor.StatusCompleted {
			within(t, woken)
			wakes++
			execute(t, s)
		}
		require.LessOrEqual(t, wakes, 3, "nobody is woken over and over for what cannot be sent yet")
	})
}

func TestWhat_a_rail_will_not_send_waits_for_an_operator_after_so_many_tries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{execute: always(anchor.NotSent("bank closed"))}
		o := atOnce()
		o.MaxTries = 3
		s := service(db, b, o)
		for round := 1; round <= 2; round++ {
			for execute(t, s) {
			}
			require.Len(t, b.sent(), 3*round)
			p := w.Payout(id)
			require.Equal(t, anchor.WaitsForOperator, p.WaitsFor)
			history, err := db.History(t.Context(), store.SubjectPayout, p.ID)
			require.NoError(t, err)
			require.Equal(t, "it was not sent 3 times in a row; the last time: bank closed", history[len(history)-1].Reason)
			released, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
			require.NoError(t, err)
			require.Zero(t, released.Tries)
		}
		b.execute = nil
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Len(t, w.Attempts(id), 1, "under one key all the time")
		w.RequireBooks(id)
	})
}

func TestTries_are_counted_also_where_only_the_poll_says_that_it_was_not_sent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{
			execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { return anchor.Outcome{}, errBank },
			poll:    says(anchor.NotSent("bank closed")),
		}
		o := atOnce()
		o.MaxTries = 3
		s := service(db, b, o)
		for w.Payout(id).WaitsFor != anchor.WaitsForOperator {
			execute(t, s)
			pollOnce(t, s)
			require.LessOrEqual(t, len(b.sent()), 3)
		}
		require.Len(t, b.sent(), 3)
	})
}

func TestQuestions_about_what_is_unknown_end_never_and_count_as_no_try(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { return anchor.Outcome{}, errBank }}
		o := atOnce()
		o.MaxTries = 2
		s := service(db, b, o)
		execute(t, s)
		for range 5 {
			pollOnce(t, s)
		}
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		b.poll, b.execute = says(anchor.NotSent("it never came")), nil
		pollOnce(t, s)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}

func TestA_payout_above_a_limit_is_refused_again_after_a_retry(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{}
		rail := anchor.Rail{Rails: b, Limits: anchor.Limits{PerPayout: inUSD(t, "98.00")}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
		for range 2 {
			require.True(t, execute(t, s))
			require.False(t, execute(t, s))
			require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor)
			_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
			require.NoError(t, err)
		}
		require.Empty(t, b.sent())
		require.Empty(t, w.Attempts(id))
	})
}
