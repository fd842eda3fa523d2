package payouts_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// states counts the payouts of transactions by state.
func states(w *payoutstest.World, ids []string) map[anchor.PayoutState]int {
	count := map[anchor.PayoutState]int{}
	for _, id := range ids {
		count[w.Payout(id).State]++
	}
	return count
}

func TestA_soft_stop_lets_calls_finish_and_leaves_nothing_half_done(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(12)
		soft, stop := context.WithCancel(t.Context())
		began, goOn := make(chan struct{}, 12), make(chan struct{})
		b := &bank{execute: func(ctx context.Context, _ anchor.Payout, _ int) (anchor.Outcome, error) {
			began <- struct{}{}
			<-goOn
			return anchor.Delivered("x"), ctx.Err()
		}}
		s := service(db, b, atOnce())
		done := make(chan error)
		go func() {
			_, err := s.Execute(soft, t.Context())
			done <- err
		}()
		for range 4 {
			<-began
		}
		stop()
		close(goOn)
		require.NoError(t, <-done)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 4, anchor.PayoutReady: 8}, states(w, ids))
	})
}

// ending is a soft stop that comes after so many looks at it.
type ending struct {
	context.Context
	looks int
}

func (e *ending) Err() error {
	if e.looks--; e.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestClaims_that_were_not_started_are_given_back_as_they_were(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(4)
		b := &bank{}
		s := service(db, b, atOnce())
		before := w.Payout(ids[3])
		_, err := s.Execute(&ending{t.Context(), 2}, t.Context())
		require.NoError(t, err)
		require.Len(t, b.sent(), 1)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 1, anchor.PayoutReady: 3}, states(w, ids))
		after, a := w.Payout(ids[3]), w.Attempts(ids[3])[0]
		require.Equal(t, before.NextUs, after.NextUs)
		require.Empty(t, after.LeaseOwner)
		require.Equal(t, anchor.AttemptNotSent, a.State)
		require.Zero(t, a.Sends)
		require.Zero(t, a.FirstSentUs)

		execute(t, s)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 4}, states(w, ids))
		for _, id := range ids {
			require.Len(t, w.Attempts(id), 1)
			w.RequireBooks(id)
		}
	})
}

func TestA_hard_stop_cancels_the_calls_and_still_stores_what_is_known(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		hard, stop := context.WithCancel(t.Context())
		began := make(chan struct{}, 2)
		b := &bank{execute: func(ctx context.Context, _ anchor.Payout, _ int) (anchor.Outcome, error) {
			began <- struct{}{}
			<-ctx.Done()
			return anchor.Outcome{}, ctx.Err()
		}}
		done := make(chan error)
		go func() {
			_, err := service(db, b, atOnce()).Execute(hard, hard)
			done <- err
		}()
		<-began
		<-began
		stop()
		require.NoError(t, <-done)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutUnknown: 2}, states(w, ids))
	})
}

func TestA_rail_that_heeds_no_context_is_left_behind_and_its_late_answer_is_read(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		goOn := make(chan struct{})
		b := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			<-goOn
			return anchor.Delivered("x"), nil
		}}
		o := atOnce()
		o.RailTimeout = time.Millisecond
		s := service(db, b, o)
		execute(t, s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		require.Equal(t, int64(1), s.Counts().Abandoned)
		close(goOn)
		require.Eventually(t, func() bool { return s.Counts().Abandoned == 0 }, 10*time.Second, time.Millisecond)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Len(t, w.Answers(id), 2)
	})
}

func TestA_slow_payout_keeps_no_other_from_being_paid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(10)
		paid := make(chan string, 20)
		b := &bank{}
		var more sync.Once
		b.execute = func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			if p.TransactionID != ids[0] {
				paid <- p.TransactionID
				return anchor.Delivered("x"), nil
			}
			for range 9 { // this one ends only after all the others, and some that came later
				<-paid
			}
			more.Do(func() { w.Funded(2) })
			<-paid
			<-paid
			return anchor.Delivered("slow"), nil
		}
		o := atOnce()
		o.Concurrency = 2
		execute(t, service(db, b, o))
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 10}, states(w, ids))
		require.Len(t, b.sent(), 12)
	})
}

func TestSeveral_executors_and_pollers_pay_everybody_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(150)
		b := &bank{}
		var mu sync.Mutex
		paid := map[string]int{}
		b.execute = func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			paid[p.TransactionID]++
			switch len(paid) % 3 {
			case 0:
				return anchor.Outcome{}, errBank
			case 1:
				return anchor.Accepted("x"), nil
			}
			return anchor.Delivered("x"), nil
		}
		b.poll = says(anchor.Delivered("x"))
		var group errgroup.Group
		for range 3 {
			s := service(db, b, atOnce())
			group.Go(func() error {
				_, err := s.Execute(t.Context(), t.Context())
				return err
			})
			group.Go(func() error {
				for range 20 {
					if _, err := s.Poll(t.Context(), t.Context()); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		pollOnce(t, service(db, b, atOnce()))
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 150}, states(w, ids))
		for id, times := range paid {
			require.Equal(t, 1, times, id)
		}
	})
}

func TestWhat_cannot_be_paid_out_waits_for_an_operator(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*store.Transaction, *store.Payout)
		reason string
	}{
		"a rail that is not configured": {func(_ *store.Transaction, p *store.Payout) { p.Rail = "pigeon" }, "its rail pigeon is not configured here"},
		"no amount":                     {func(_ *store.Transaction, p *store.Payout) { p.AmountUnits = 0 }, "no amount to pay out"},
		"a contradiction":               {func(t *store.Transaction, _ *store.Payout) {}, ""},
		"fields that do not open":       {func(t *store.Transaction, _ *store.Payout) { t.SealedFields += "AAAA" }, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				id := w.FundedBy(1, c.change)[0]
				other := w.Funded(1)[0]
				if c.reason == "" {
					setConflict(t, w, id)
				}
				b := &bank{}
				var log strings.Builder
				s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: b}, "pigeon": {}}, slog.New(slog.NewTextHandler(&log, nil)), atOnce())
				execute(t, s)
				require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor)
				require.Equal(t, anchor.StatusCompleted, w.Transaction(other).Status, "it keeps no other from being paid")
				require.Contains(t, log.String(), c.reason)
				require.False(t, execute(t, s))
			})
		})
	}
}

func setConflict(t *testing.T, w *payoutstest.World, id string) {
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		tr, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		tr.Conflict = "something"
		_, err = tx.Advance(ctx, tr, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	}))
}

func TestA_transaction_without_data_key_and_customers_is_paid_too(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.FundedBy(3, func(tr *store.Transaction, _ *store.Payout) {
			tr.KeyID, tr.SealedKey, tr.SealedFields = "", "", ""
			tr.TakePart("", "", "", "")
		})
		b := &bank{}
		execute(t, service(db, b, atOnce()))
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 3}, states(w, ids))
		require.Nil(t, b.sent()[0].Sender)
		require.Nil(t, b.sent()[0].Fields)
	})
}

func TestPayouts_under_way_by_a_rail_that_is_not_configured_stay_as_they_are(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Accepted("x"))
		execute(t, s)
		pollOnce(t, payouts.New(w.DB, nil, nil, atOnce()))
		require.Equal(t, anchor.PayoutAccepted, w.Payout(id).State)
		b.poll = says(anchor.Delivered("x"))
		pollOnce(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}

func TestA_poll_survives_whatever_a_rail_answers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		others := w.Funded(2)
		b.execute = always(anchor.Accepted("x"))
		execute(t, s)
		key := anchor.NewPayoutKey(others[0], 1, 1)
		answers := []map[anchor.PayoutKey]anchor.Outcome{
			nil, {}, {"stranger": anchor.Delivered("x")}, {"": anchor.Failed("x"), key: {}},
		}
		for _, answer := range answers {
			b.poll = func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) { return answer, nil }
			pollOnce(t, s)
		}
		b.poll = func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			return map[anchor.PayoutKey]anchor.Outcome{key: anchor.Delivered("x")}, errBank
		}
		pollOnce(t, s)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutAccepted: 3}, states(w, append(others, id)))
		require.Equal(t, int64(5), w.Payout(id).Tries)
		require.Equal(t, int64(2), s.Counts().Unmatched)

		b.poll = says(anchor.Delivered("x"))
		pollOnce(t, s)
		require.Equal(t, map[anchor.PayoutState]int{anchor.PayoutDelivered: 3}, states(w, append(others, id)))
	})
}

func TestAn_operator_resolves_only_what_nobody_can_be_about_to_answer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		resolve := func(o anchor.Outcome) error {
			return s.Resolve(t.Context(), w.Payout(id).ID, o, "bank statement of May", "operator:ann")
		}
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(resolve(anchor.Delivered("x"))), "never sent")
		b.execute = func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			require.Equal(t, anchor.CodeConflict, anchor.CodeOf(resolve(anchor.Delivered("x"))), "being sent")
			return anchor.Outcome{}, nil
		}
		execute(t, s)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(resolve(anchor.NotSent("x"))))
		require.NoError(t, resolve(anchor.Delivered("statement 7")))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		answers := w.Answers(id)
		require.Equal(t, string(payouts.SourceOperator), answers[1].Source)
		require.Equal(t, "bank statement of May", answers[1].Why)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(resolve(anchor.Failed("x"))), "over")
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(s.Resolve(t.Context(), "none", anchor.Delivered(""), "", "")))

		lost := w.Funded(1)[0]
		_, err := w.DB.ClaimReady(t.Context(), dead())
		require.NoError(t, err)
		require.NoError(t, s.Resolve(t.Context(), w.Payout(lost).ID, anchor.Failed("never arrived"), "asked them", "operator:ann"))
		require.Equal(t, anchor.PayoutFailed, w.Payout(lost).State)
		w.RequireBooks(lost)
	})
}

func TestWakes_tell_when_the_time_of_the_next_question_has_come(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{execute: always(anchor.Accepted("x")), poll: says(anchor.Delivered("x"))}
		o := atOnce()
		o.PollWait = payouts.Backoff{First: 300 * time.Millisecond, Max: time.Second}
		s := service(db, b, o)
		woken := s.Wakes(ctx, store.TopicUnderWay)
		execute(t, s)
		for w.Transaction(id).Status != anchor.StatusCompleted {
			select {
			case <-woken:
			case <-ctx.Done():
				t.Fatal("not woken")
			}
			pollOnce(t, s)
		}
	})
}
