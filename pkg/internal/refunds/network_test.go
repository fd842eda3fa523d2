package refunds_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func (w *world) attempts(id string) []store.RefundAttempt {
	w.Helper()
	list, err := w.db.RefundAttempts(w.Context(), id)
	require.NoError(w, err)
	return list
}

// asked is a refund of a payment that nobody expected.
func (w *world) asked(units int64) store.Refund {
	w.Helper()
	return w.request(store.RefundOrder{Payment: w.paid(txnbuild.MemoID(1), units), Units: units})
}

func TestAn_envelope_that_lands_after_a_timeout_is_the_only_one(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		s := w.start()
		w.net.Faults().DelaySubmissions(1, 6)
		w.execute(s)
		for range 4 {
			w.tick(1)
			w.read()
			w.net.Faults().TimeOutSubmissions(1, false)
			w.execute(s)
		}
		require.Empty(t, w.back())
		w.net.Faults().Clear()
		w.tick(3)
		w.read()
		w.execute(s)
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Len(t, w.attempts(r.ID), 1)
		require.Len(t, w.back(), 1)
	})
}

func TestAn_envelope_that_never_lands_is_dead_only_when_the_account_was_read_past_its_time(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		s := w.start()
		w.net.Faults().TimeOutSubmissions(-1, false)
		w.execute(s)
		w.outlive()
		w.execute(s)
		require.Len(t, w.attempts(r.ID), 1, "the watcher has not read as far")
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
		w.net.Faults().Clear()
		w.read()
		w.execute(s)
		attempts := w.attempts(r.ID)
		require.Len(t, attempts, 2)
		require.Equal(t, anchor.RefundAttemptDead, attempts[0].State)
		require.NotEqual(t, attempts[0].InnerHash, attempts[1].InnerHash)
		w.read()
		w.execute(s)
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Len(t, w.back(), 1)
	})
}

func TestA_fee_bump_takes_the_same_envelope_through_a_surge_within_what_may_be_spent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		w.net.SetSurge(700)
		s := w.start(func(o *refunds.Options) { o.MaxFeeStroops = 5000 })
		w.cheapen(s)
		w.read()
		w.execute(s)
		attempts := w.attempts(r.ID)
		require.Len(t, attempts, 1)
		back := w.back()
		require.Len(t, back, 1)
		require.Equal(t, attempts[0].OuterHash, back[0].Hash)
		require.Equal(t, attempts[0].InnerHash, back[0].InnerHash)
		require.LessOrEqual(t, back[0].FeeCharged, int64(5000))
		require.Equal(t, back[0].Hash, w.refund(r.ID).StellarHash)
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
	})
}

// cheapen makes the first envelope before the surge is known.
func (w *world) cheapen(s *refunds.Service) {
	w.Helper()
	w.net.SetSurge(0)
	s.CrashAt(func(point string) error {
		if point == "committed" {
			w.net.SetSurge(700)
		}
		return nil
	})
	w.execute(s)
}

func TestNo_fee_bump_exceeds_what_may_be_spent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		s := w.start(func(o *refunds.Options) { o.MaxFeeStroops = 1000 })
		w.cheapen(s)
		w.execute(s)
		require.Empty(t, w.back())
		a := w.attempts(r.ID)[0]
		require.LessOrEqual(t, 2*a.FeeStroops, int64(1000))
		w.net.SetSurge(0)
		w.outlive()
		w.finish()
		require.Len(t, w.back(), 1)
	})
}

func TestAn_envelope_that_the_ledger_took_as_failed_is_dead_and_its_refund_is_held_with_the_reason(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.request(store.RefundOrder{Payment: w.paid(txnbuild.MemoID(1), 3*unit), Units: 3 * unit, Destination: w.stranger.Address()})
		s := w.start()
		w.net.Faults().DelaySubmissions(1, 2)
		w.execute(s)
		w.distrust(w.stranger) // a ledger passes
		w.tick(2)
		w.execute(s)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State, "until the account was read through that ledger")
		w.read()
		w.execute(s)
		r = w.refund(r.ID)
		require.Equal(t, anchor.RefundHeld, r.State)
		require.Contains(t, r.Trouble, "op_no_trust")
		require.Equal(t, anchor.RefundAttemptDead, w.attempts(r.ID)[0].State)
		require.Empty(t, w.back())

		w.trust(w.stranger)
		_, err := refunds.NewOperator(w.db).Release(t.Context(), refunds.Decision{RefundID: r.ID, Actor: "operator:test", Reason: "it trusts again"})
		require.NoError(t, err)
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Len(t, w.attempts(r.ID), 2)
		require.Len(t, w.back(), 1)
	})
}

func TestA_refund_that_cannot_arrive_is_held_before_anything_is_sent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.distrust(w.stranger)
		r := w.request(store.RefundOrder{Payment: w.paid(txnbuild.MemoID(1), unit), Units: unit, Destination: w.stranger.Address()})
		w.finish()
		require.Equal(t, anchor.RefundHeld, w.refund(r.ID).State)
		require.Contains(t, w.refund(r.ID).Trouble, "trust line")
		require.Empty(t, w.attempts(r.ID))

		other := muxed(t, w.payer.Address(), 9)
		_, err := refunds.NewOperator(w.db).Release(t.Context(), refunds.Decision{RefundID: r.ID, To: other, Actor: "operator:test", Reason: "told by mail"})
		require.NoError(t, err)
		w.finish()
		require.Len(t, w.back(), 1)
		require.Equal(t, w.payer.Address(), w.back()[0].Payments[0].To)
		require.Equal(t, "9", w.back()[0].Payments[0].ToMuxedID)
	})
}

func TestA_process_that_ends_at_any_point_leaves_a_refund_that_the_next_one_sends_once(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"built", "signed", "committing", "committed", "claimed", "submitted", "answered", "settling", "settled", "bump signed", "bumped",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				r := w.asked(3 * unit)
				reached := w.crashAt(point, slices.Contains([]string{"bump signed", "bumped"}, point))
				require.True(t, reached)
				w.finish(func(o *refunds.Options) { o.MaxFeeStroops = 10_000 })
				require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
				require.Len(t, w.back(), 1)
				require.Equal(t, w.back()[0].Hash, w.refund(r.ID).StellarHash)
			})
		})
	}
}

var errEnd = errors.New("the process ended here")

// crashAt lets a process work until it has ended at the point.
func (w *world) crashAt(point string, surge bool) (reached bool) {
	w.Helper()
	s := w.start(func(o *refunds.Options) { o.MaxFeeStroops = 10_000 })
	s.CrashAt(func(at string) error {
		if surge && at == "committed" {
			w.net.SetSurge(700)
		}
		if at == point {
			return errEnd
		}
		return nil
	})
	for range 3 {
		_, err := s.Execute(w.Context(), w.Context())
		if err != nil {
			require.ErrorIs(w, err, errEnd)
			return true
		}
		w.read()
	}
	return false
}

func TestRefunds_wait_until_the_account_was_read_to_the_head_since_the_process_began(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(unit)
		w.tick(1)
		s := w.start()
		w.execute(s)
		require.Equal(t, anchor.RefundReady, w.refund(r.ID).State)
		require.Contains(t, w.refund(r.ID).Trouble, "head")
		w.read()
		w.execute(s)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
	})
}

func TestOne_pass_waits_for_the_watcher_where_it_is_told_to(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(unit)
		w.tick(1)
		s := w.start(func(o *refunds.Options) { o.AwaitHead = 20 * time.Second })
		done := make(chan error, 1)
		go func() {
			_, err := s.Execute(t.Context(), t.Context())
			done <- err
		}()
		require.Eventually(t, func() bool { return w.refund(r.ID).Trouble != "" }, 10*time.Second, 10*time.Millisecond)
		w.read()
		require.NoError(t, <-done)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
	})
}

func TestMoney_that_left_the_account_without_a_reason_stops_its_refunds_until_somebody_explains_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(unit)
		w.paid(txnbuild.MemoID(2), unit)
		w.send(w.account, txnbuild.MemoID(5), w.payment(w.stranger.Address(), unit))
		w.read()
		s := w.start()
		w.execute(s)
		require.Equal(t, anchor.RefundReady, w.refund(r.ID).State)
		require.Contains(t, w.refund(r.ID).Trouble, "nothing here explains")
		unexplained, err := w.db.UnexplainedCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]int64{w.account.Address(): 1}, unexplained)

		list, err := w.db.MovementsToExplain(t.Context(), 10)
		require.NoError(t, err)
		word := refunds.Movement{OperationID: list[0].OperationID, Actor: "operator:test", Reason: "by hand"}
		n, err := refunds.NewOperator(w.db).Explain(t.Context(), word)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = refunds.NewOperator(w.db).Explain(t.Context(), word)
		require.NoError(t, err)
		require.Zero(t, n)
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
	})
}

// knowing is a network of which somebody has seen every envelope land.
type knowing struct{ refunds.Network }

func (knowing) Transaction(_ context.Context, hash string) (stellar.Transaction, error) {
	return stellar.Transaction{InnerHash: hash, OuterHash: hash, Successful: true, Ledger: 1}, nil
}

func TestAn_envelope_that_somebody_knows_to_have_landed_is_not_dead_although_the_watcher_has_not_seen_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(3 * unit)
		w.net.Faults().TimeOutSubmissions(1, false)
		s := refunds.New(w.db, knowing{w.horizon}, refunds.NewSigners(w.db, nil), nil, refunds.Options{Passphrase: passphrase, TimeBound: timeBound})
		s.Hurry(func(time.Duration) time.Duration { return 0 })
		w.execute(s)
		w.outlive()
		w.read()
		w.execute(s)
		require.Len(t, w.attempts(r.ID), 1)
		require.Equal(t, anchor.RefundSending, w.refund(r.ID).State)
		require.Contains(t, w.refund(r.ID).Trouble, "which was read without it")
		w.finish()
		require.Len(t, w.attempts(r.ID), 2)
		require.Len(t, w.back(), 1)
	})
}
