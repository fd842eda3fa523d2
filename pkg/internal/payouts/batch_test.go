package payouts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

func TestPayouts_of_a_rail_that_takes_batches_are_handed_over_together_oldest_first(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(5)
		b := &fileBank{}
		s := batching(db, b.atOnceRail(2), atOnce())
		require.True(t, execute(t, s))
		b.requireContract(t)
		require.Empty(t, b.sent(), "none is sent by itself")
		var order []string
		for i, batch := range b.taken() {
			require.EqualValues(t, i+1, batch.Number)
			require.Regexp(t, `^bank-[123]-[0-9a-f]{8}$`, batch.Name)
			require.Equal(t, payoutstest.Rail, batch.Rail)
			for _, p := range batch.Payouts {
				order = append(order, p.TransactionID)
			}
		}
		require.Equal(t, ids, order)
		require.Len(t, b.taken(), 3)
		requireStates(t, w, ids, anchor.PayoutAccepted)
		require.Equal(t, "file "+b.taken()[0].Name, w.Attempts(ids[0])[0].ExternalID)
		for _, row := range batches(t, db) {
			require.Equal(t, store.BatchWritten, row.State)
		}
		require.False(t, execute(t, s), "nothing is left")

		b.poll = says(anchor.Delivered("paid"))
		pollOnce(t, s)
		requireStates(t, w, ids, anchor.PayoutDelivered)
	})
}

func TestWith_cut_offs_payouts_stay_ready_until_the_next_one(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		now, err := db.Clock(t.Context())
		require.NoError(t, err)
		next := now.UTC().Add(2 * time.Hour)
		b := &fileBank{}
		rail := b.atOnceRail(10)
		rail.Calendar.CutOffs = []anchor.ClockTime{anchor.ClockTime(next.Hour()*60 + next.Minute())}
		ids := w.Funded(3)
		s := batching(db, rail, atOnce())
		require.False(t, execute(t, s))
		requireStates(t, w, ids, anchor.PayoutReady)
		at, ok, err := s.NextBatch(t.Context(), payoutstest.Rail)
		require.NoError(t, err)
		require.True(t, ok)
		require.WithinDuration(t, next, at, time.Minute)
		require.Empty(t, b.taken())
	})
}

func TestUntil_the_first_has_waited_long_enough_or_a_batch_is_full_payouts_are_collected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		b := &fileBank{}
		rail := b.atOnceRail(3)
		rail.BatchEvery = time.Hour
		s := batching(db, rail, atOnce())
		ids := w.Funded(2)
		require.False(t, execute(t, s))
		requireStates(t, w, ids, anchor.PayoutReady)
		ids = append(ids, w.Funded(3)...)
		require.True(t, execute(t, s))
		requireStates(t, w, ids[:3], anchor.PayoutAccepted)
		requireStates(t, w, ids[3:], anchor.PayoutReady)
	})
}

// What goes wrong while a batch is handed over.
func TestA_batch_that_could_not_be_handed_over_comes_again_byte_for_byte_and_none_before_it(t *testing.T) {
	t.Parallel()
	first := func(do func(context.Context) error) func(context.Context, int) error {
		return func(ctx context.Context, n int) error {
			if n <= 2 {
				return do(ctx)
			}
			return nil
		}
	}
	for name, f := range map[string]struct {
		before, after func(context.Context, int) error
		says          string
	}{
		"error before": {before: first(func(context.Context) error { return errBank }), says: errBank.Error()},
		"error after":  {after: first(func(context.Context) error { return errBank }), says: errBank.Error()},
		"panic":        {before: first(func(context.Context) error { panic("no paper") }), says: "panicked"},
		"timeout":      {after: first(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), says: "deadline"},
		"people": {
			before: first(func(context.Context) error { return errors.New("no account of Lovelace at 021000021") }), says: "rail failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				ids := w.Funded(3)
				b := &fileBank{before: f.before, after: f.after}
				o := atOnce()
				o.BatchTimeout = 3 * time.Second // in which the claim must be done as well, on a busy machine
				s := batching(db, b.atOnceRail(2), o)
				require.True(t, execute(t, s))
				row := batches(t, db)[0]
				require.Equal(t, store.BatchWriting, row.State)
				require.Contains(t, row.LastError, f.says)
				require.NotContains(t, row.LastError, "Lovelace")
				require.NotContains(t, row.LastError, "021000021")
				require.EqualValues(t, 1, row.Tries)
				requireStates(t, w, ids[:2], anchor.PayoutSending)
				requireStates(t, w, ids[2:], anchor.PayoutReady)

				pollOnce(t, s)
				require.Empty(t, b.asked, "nobody asks about members while their batch is being written")
				execute(t, s)
				require.Len(t, batches(t, db), 1, "no other batch comes before it")
				execute(t, s)
				b.requireContract(t)
				require.Len(t, b.taken(), 2)
				requireStates(t, w, ids, anchor.PayoutAccepted)
			})
		})
	}
}

func TestA_rail_that_does_not_heed_the_end_of_its_time_is_left_and_believed_later(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		goOn := make(chan struct{})
		b := &fileBank{after: func(context.Context, int) error { <-goOn; return nil }}
		o := atOnce()
		o.BatchTimeout, o.Lease = 3*time.Second, 4*time.Second
		s := batching(db, b.atOnceRail(10), o)
		require.True(t, execute(t, s))
		require.EqualValues(t, 1, s.Counts().Abandoned)
		require.False(t, execute(t, s), "while the call goes on it is not made again by this process")
		requireStates(t, w, ids, anchor.PayoutSending)
		close(goOn)
		require.Eventually(t, func() bool { return batches(t, db)[0].State == store.BatchWritten }, 10*time.Second, 5*time.Millisecond)
		requireStates(t, w, ids, anchor.PayoutAccepted)
		require.Eventually(t, func() bool { return s.Counts().Abandoned == 0 }, 10*time.Second, 5*time.Millisecond)
		b.requireContract(t)
	})
}

func TestMembers_of_a_batch_never_become_ready_again_by_what_a_poll_says(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]anchor.Outcome{"not known": anchor.NotKnown(), "not sent": anchor.NotSent("no such file"), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				ids := w.Funded(2)
				b := &fileBank{}
				rail := b.atOnceRail(10)
				rail.NotKnownFinalAfter, rail.SameKeySafeFor = time.Microsecond, time.Hour
				s := batching(db, rail, atOnce())
				execute(t, s)
				b.poll = says(o)
				for range 3 {
					pollOnce(t, s)
					execute(t, s)
				}
				require.NotEmpty(t, b.asked)
				requireStates(t, w, ids, anchor.PayoutAccepted)
				require.Len(t, batches(t, db), 1)
				b.requireContract(t)
			})
		})
	}
}

func TestOf_an_attempt_in_a_batch_only_what_is_final_is_news(t *testing.T) {
	t.Parallel()
	unknown := payouts.Situation{
		Payout: anchor.PayoutUnknown, Attempt: anchor.AttemptUnknown, Present: true, Source: payouts.SourcePoll, Claimed: true,
		Batched: true, Sends: 1, FirstSentUs: 1, NowUs: time.Minute.Microseconds(),
	}
	rules := payouts.Rules{NotKnownFinalAfter: time.Second, SameKeySafeFor: time.Hour}
	for _, o := range []anchor.Outcome{anchor.NotSent("x"), anchor.NotKnown(), {}} {
		move := payouts.Decide(unknown, o, rules)
		require.False(t, move.Used)
		require.True(t, move.Postpone)
		single := unknown
		single.Batched = false
		require.Equal(t, o.Kind() != anchor.OutcomeUnknown, payouts.Decide(single, o, rules).Used, "of another it would be")
	}
	require.Equal(t, anchor.PayoutFailed, payouts.Decide(unknown, anchor.Failed("x"), rules).Payout)
	require.Equal(t, anchor.PayoutDelivered, payouts.Decide(unknown, anchor.Delivered("x"), rules).Payout)
}

func TestA_member_that_the_bank_refused_is_tried_again_by_an_operator_under_another_key_in_another_batch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		b := &fileBank{}
		s := batching(db, b.atOnceRail(10), atOnce())
		execute(t, s)
		first := b.taken()[0]
		require.NoError(t, s.Report(t.Context(), first.Payouts[0].Key, anchor.Failed("no such account"), ""))
		requireStates(t, w, ids[:1], anchor.PayoutFailed)
		execute(t, s)
		require.Len(t, b.taken(), 1, "nothing is tried again by itself")
		_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: ids[0], Actor: "operator:ann", Reason: "account mended"})
		require.NoError(t, err)
		execute(t, s)
		require.Len(t, b.taken(), 2)
		second := b.taken()[1]
		require.Len(t, second.Payouts, 1)
		require.NotEqual(t, first.Payouts[0].Key, second.Payouts[0].Key)
		b.requireContract(t)
	})
}

func TestAn_operator_cannot_resolve_a_member_while_its_batch_is_being_handed_over(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &fileBank{}
		s := batching(db, b.atOnceRail(10), atOnce())
		deadBatch(t, db, 10)
		err := s.Resolve(t.Context(), w.Payout(id).ID, anchor.Failed("I think"), "called", "operator:ann")
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		require.ErrorContains(t, err, "batch")
		requireStates(t, w, []string{id}, anchor.PayoutSending)
		execute(t, s)
		require.NoError(t, s.Resolve(t.Context(), w.Payout(id).ID, anchor.Failed("no"), "called", "operator:ann"))
		requireStates(t, w, []string{id}, anchor.PayoutFailed)
	})
}

func TestWhoever_is_not_accepted_any_more_is_in_no_batch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		require.NoError(t, judgeAlone(t, w, anchor.CustomerRejected))
		b := &fileBank{}
		s := batching(db, b.atOnceRail(2), atOnce())
		execute(t, s)
		require.Empty(t, b.taken())
		require.Empty(t, batches(t, db))
		requireStates(t, w, ids, anchor.PayoutWaiting)
	})
}

func TestLimits_of_a_rail_hold_for_members_of_batches(t *testing.T) {
	t.Parallel()
	limit, err := money.Parse("198.00", 2)
	require.NoError(t, err)
	small, err := money.Parse("98.99", 2)
	require.NoError(t, err)
	t.Run("per day", func(t *testing.T) {
		t.Parallel()
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			w := payoutstest.New(t, db)
			ids := w.Funded(3) // of 99.00 each
			b := &fileBank{}
			rail := b.atOnceRail(10)
			rail.Limits = anchor.Limits{PerDay: map[string]money.Amount{"iso4217:USD": limit}, InFlight: 1, CallsPerSecond: 0.001}
			s := batching(db, rail, atOnce())
			execute(t, s)
			require.Len(t, b.taken(), 1)
			requireStates(t, w, ids[:2], anchor.PayoutAccepted)
			requireStates(t, w, ids[2:], anchor.PayoutReady)
			require.False(t, execute(t, s))
		})
	})
	t.Run("per payout", func(t *testing.T) {
		t.Parallel()
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			w := payoutstest.New(t, db)
			ids := w.Funded(1)
			b := &fileBank{}
			rail := b.atOnceRail(10)
			rail.Limits = anchor.Limits{PerPayout: map[string]money.Amount{"iso4217:USD": small}}
			execute(t, batching(db, rail, atOnce()))
			require.Empty(t, b.taken())
			require.Equal(t, anchor.WaitsForOperator, w.Payout(ids[0]).WaitsFor)
		})
	})
}

func TestWhat_is_paused_is_put_into_no_batch_and_a_batch_of_a_paused_rail_is_not_handed_over(t *testing.T) {
	t.Parallel()
	pause := func(t *testing.T, s *payouts.Service, kind store.SwitchKind, name string, paused bool) {
		_, err := s.Switch(t.Context(), payouts.SwitchRequest{Kind: kind, Name: name, Paused: paused, Actor: "operator:ann", Reason: "test"})
		require.NoError(t, err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		b := &fileBank{}
		s := batching(db, b.atOnceRail(1), atOnce())
		for kind, name := range map[store.SwitchKind]string{store.SwitchRail: payoutstest.Rail, store.SwitchAsset: "USDC:" + payoutstest.Issuer} {
			pause(t, s, kind, name, true)
			require.False(t, execute(t, s))
			_, ok, err := s.NextBatch(t.Context(), payoutstest.Rail)
			require.NoError(t, err)
			require.False(t, ok)
			pause(t, s, kind, name, false)
		}
		deadBatch(t, db, 1)
		pause(t, s, store.SwitchRail, payoutstest.Rail, true)
		require.False(t, execute(t, s))
		require.Empty(t, b.taken())
		pause(t, s, store.SwitchRail, payoutstest.Rail, false)
		execute(t, s)
		requireStates(t, w, ids, anchor.PayoutAccepted)
		b.requireContract(t)
	})
}

func TestOne_rail_that_cannot_hand_over_delays_no_other(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		stuck, fine := w.Funded(1), w.FundedBy(1, func(_ *store.Transaction, p *store.Payout) { p.Rail = "other" })
		paid := make(chan struct{})
		b := &fileBank{before: func(ctx context.Context, _ int) error {
			select {
			case <-paid:
				return errBank
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		other := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			close(paid)
			return anchor.Delivered("x"), nil
		}}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: b.atOnceRail(10), "other": {Rails: other}}, nil, atOnce())
		execute(t, s)
		requireStates(t, w, fine, anchor.PayoutDelivered)
		requireStates(t, w, stuck, anchor.PayoutSending)
		require.Contains(t, batches(t, db)[0].LastError, errBank.Error())
	})
}
