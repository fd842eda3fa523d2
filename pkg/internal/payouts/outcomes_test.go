package payouts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// each gives every case a fresh funded transaction, its bank and a service, on both engines.
func each(t *testing.T, test func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b := payoutstest.New(t, db), &bank{}
		test(t, w, w.Funded(1)[0], b, service(db, b, atOnce()))
	})
}

func TestA_payout_that_was_accepted_is_delivered_when_the_poll_says_so(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Accepted("ref-1"))
		execute(t, s)
		require.Equal(t, anchor.StatusPendingExternal, w.Transaction(id).Status)
		require.Equal(t, anchor.PayoutAccepted, w.Payout(id).State)

		pollOnce(t, s) // no news
		require.Equal(t, anchor.PayoutAccepted, w.Payout(id).State)
		require.Equal(t, int64(1), w.Payout(id).Tries)
		require.Equal(t, "ref-1", b.asked[0].ExternalID)
		require.Equal(t, payoutstest.Amount, b.asked[0].Amount)

		b.poll = says(anchor.Delivered("ref-2"))
		pollOnce(t, s)
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusCompleted, tr.Status)
		require.Equal(t, "ref-2", tr.ExternalID)
		require.Len(t, b.sent(), 1)
		w.RequireBooks(id)
	})
}

func TestA_payout_that_failed_gives_its_units_back_and_is_not_paid_again_by_itself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Failed("account closed"))
		require.True(t, execute(t, s))
		require.False(t, execute(t, s))
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusPendingReceiver, tr.Status)
		require.Contains(t, tr.StatusMessage, "the payout failed")
		require.Equal(t, int64(payoutstest.Credited), tr.Held())
		require.Equal(t, anchor.PayoutFailed, w.Payout(id).State)
		require.Equal(t, "account closed", w.Answers(id)[0].Why)
		require.Len(t, b.sent(), 1)
		w.RequireBooks(id)

		b.execute = nil
		p, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", Reason: "another account"})
		require.NoError(t, err)
		require.Equal(t, int64(2), p.Number)
		execute(t, s)
		tr = w.Transaction(id)
		require.Equal(t, anchor.StatusCompleted, tr.Status)
		require.Empty(t, tr.StatusMessage)
		require.Equal(t, anchor.NewPayoutKey(id, 2, 1), b.sent()[1].Key)
		w.RequireBooks(id)
	})
}

func TestAn_error_of_a_rail_is_unknown_and_nothing_is_sent_again(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { return anchor.Failed("x"), errBank }
		b.poll = says(anchor.NotKnown())
		execute(t, s)
		pollOnce(t, s)
		execute(t, s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		require.Equal(t, anchor.AttemptUnknown, w.Attempts(id)[0].State)
		require.Len(t, b.sent(), 1)
		require.Equal(t, "the rail failed: connection reset", w.Answers(id)[0].Why)
		require.Equal(t, anchor.StatusPendingReceiver, w.Transaction(id).Status)

		b.poll = says(anchor.Delivered("x"))
		pollOnce(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestA_rail_that_panics_leaves_the_outcome_unknown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { panic("account 0042 of Lovelace") }
		b.poll = func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) { panic("again") }
		execute(t, s)
		pollOnce(t, s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		require.Equal(t, "the rail panicked", w.Answers(id)[0].Why)
	})
}

func TestWhat_was_not_sent_is_sent_again_under_the_same_key_with_the_same_bytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = func(_ context.Context, _ anchor.Payout, times int) (anchor.Outcome, error) {
			if times < 4 {
				return anchor.NotSent("bank closed"), nil
			}
			return anchor.Delivered("x"), nil
		}
		for execute(t, s) {
		}
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Len(t, b.sent(), 4)
		require.Len(t, b.calls, 1)
		require.Empty(t, b.changed)
		require.Equal(t, int64(1), w.Attempts(id)[0].Sends)
		w.RequireBooks(id)
	})
}

func TestWhat_was_not_sent_is_made_anew_after_a_customer_has_changed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		var last anchor.Payout
		soft, stop := context.WithCancel(t.Context())
		b.execute = func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			stop()
			if last = p; p.Receiver.Value("first_name") != "Changed" {
				return anchor.NotSent("bank closed"), nil
			}
			return anchor.Delivered("x"), nil
		}
		_, err := s.Execute(soft, t.Context())
		require.NoError(t, err)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"first_name": "Changed"})
		for execute(t, s) {
		}
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		attempts := w.Attempts(id)
		require.Len(t, attempts, 2)
		require.Equal(t, anchor.AttemptFailed, attempts[0].State)
		require.Equal(t, attempts[1].Key, string(last.Key), "other bytes go under another key")
		require.NotEqual(t, attempts[0].Key, attempts[1].Key)
		w.RequireBooks(id)
	})
}

func TestNot_known_permits_a_resend_under_the_same_key_only_where_the_rail_declares_so(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{poll: says(anchor.NotKnown())}
		b.execute = func(_ context.Context, _ anchor.Payout, times int) (anchor.Outcome, error) {
			if times == 1 {
				return anchor.Outcome{}, errBank
			}
			return anchor.Delivered("x"), nil
		}
		s := payouts.New(db, map[string]anchor.Rail{
			payoutstest.Rail: {Rails: b, NotKnownFinalAfter: time.Microsecond, SameKeySafeFor: time.Hour},
		}, nil, atOnce())
		execute(t, s)
		pollOnce(t, s)
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Len(t, b.calls, 1)
		require.Len(t, b.sent(), 2)
		require.Empty(t, b.changed)
		require.Len(t, w.Attempts(id), 1)
	})
}

func TestA_resend_that_was_permitted_is_not_made_once_the_rail_may_have_forgotten_the_key(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{poll: says(anchor.NotKnown())}
		b.execute = func(context.Context, anchor.Payout, int) (anchor.Outcome, error) { return anchor.Outcome{}, errBank }
		rail := anchor.Rail{Rails: b, NotKnownFinalAfter: time.Microsecond, SameKeySafeFor: time.Hour}
		s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
		execute(t, s)
		pollOnce(t, s)
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)

		rail.SameKeySafeFor = time.Minute // less than the lease of two minutes leaves
		s = payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
		execute(t, s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		require.Len(t, b.sent(), 1)
	})
}

func TestA_payout_that_comes_back_after_it_was_delivered_is_a_conflict_with_its_units_back(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		execute(t, s)
		key := b.sent()[0].Key
		require.NoError(t, s.Report(t.Context(), key, anchor.Returned("account closed"), "bank webhook"))
		require.NoError(t, s.Report(t.Context(), key, anchor.Returned("account closed"), "bank webhook"))
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusPendingReceiver, tr.Status)
		require.Contains(t, tr.Conflict, "returned after it was delivered")
		require.Equal(t, int64(payoutstest.Credited), tr.Held())
		require.Equal(t, anchor.PayoutReturned, w.Payout(id).State)
		w.RequireBooks(id)

		_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		_, err = s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", DespiteConflict: true})
		require.NoError(t, err)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Empty(t, w.Transaction(id).Conflict)
		w.RequireBooks(id)
	})
}

func TestDelivered_after_failed_is_noted_shown_first_and_stops_automation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Failed("no"))
		execute(t, s)
		_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
		require.NoError(t, err)
		key := b.sent()[0].Key
		for range 2 {
			require.NoError(t, s.Report(t.Context(), key, anchor.Delivered("x"), ""))
		}
		tr := w.Transaction(id)
		require.Equal(t, "payout 1, attempt 1: delivered after it was failed", tr.Conflict)
		require.Equal(t, anchor.StatusPendingReceiver, tr.Status)

		execute(t, s)
		require.Len(t, b.sent(), 1, "the second payout is not sent")
		require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor)
		w.Funded(3)
		list, err := w.DB.Payouts(t.Context(), store.PayoutFilter{}, 2)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, id, list[0].Payout.TransactionID)
		require.NotEmpty(t, list[0].Conflict)
		w.RequireBooks(id)
	})
}

func TestFailed_after_delivered_changes_nothing_but_is_noted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		execute(t, s)
		require.NoError(t, s.Report(t.Context(), b.sent()[0].Key, anchor.Failed("no"), ""))
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusCompleted, tr.Status)
		require.Contains(t, tr.Conflict, "failed after it was delivered")
		require.Equal(t, anchor.PayoutDelivered, w.Payout(id).State)
		require.Len(t, w.Answers(id), 2)
		w.RequireBooks(id)
	})
}

func TestA_contradiction_with_the_transactions_status_is_noted_and_never_lost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Outcome{})
		execute(t, s)
		require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			tr, err := tx.LockTransaction(ctx, id)
			if err != nil {
				return err
			}
			_, err = tx.Advance(ctx, tr, anchor.Change{Cause: anchor.CauseGivenUp, Actor: "operator:ann"})
			return err
		}))
		b.poll = says(anchor.Delivered("x"))
		pollOnce(t, s)
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusError, tr.Status)
		require.Contains(t, tr.Conflict, "delivered while the transaction was error")
		require.Equal(t, anchor.PayoutDelivered, w.Payout(id).State)
		w.RequireBooks(id)
	})
}

func TestReport_of_an_unknown_key_changes_nothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, _ *bank, s *payouts.Service) {
		err := s.Report(t.Context(), "nobody's", anchor.Delivered("x"), "")
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err))
		require.Equal(t, int64(1), s.Counts().Unmatched)
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
	})
}

func TestA_webhook_may_be_faster_than_the_call_that_sent_it(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = func(ctx context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			require.NoError(t, s.Report(ctx, p.Key, anchor.Delivered("hook"), ""))
			return anchor.Outcome{}, errBank
		}
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Empty(t, w.Transaction(id).Conflict)
		require.Equal(t, anchor.AttemptDelivered, w.Attempts(id)[0].State)
		w.RequireBooks(id)
	})
}

func TestAn_answer_that_comes_after_the_lease_is_stored_and_read(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		claimed, err := w.DB.ClaimReady(t.Context(), dead())
		require.NoError(t, err)
		claims := claimed.Claims
		require.Len(t, claims, 1)
		pollOnce(t, s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State, "the lease is over, nobody knows")
		require.Equal(t, anchor.AttemptUnknown, w.Attempts(id)[0].State)

		// the process that slept speaks at last
		require.NoError(t, s.Report(t.Context(), claims[0].Key(), anchor.Delivered("late"), ""))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		execute(t, s)
		require.Empty(t, b.sent())
		w.RequireBooks(id)
	})
}

func TestWhateverARailWritesIsStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		b := &bank{execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			return anchor.Failed("closed\x00\xff\n" + strings.Repeat("x", 1<<20)), nil
		}}
		id := w.Funded(1)[0]
		_, err := service(db, b, atOnce()).Execute(t.Context(), t.Context())
		require.NoError(t, err)
		answers := w.Answers(id)
		require.Len(t, answers, 1)
		require.Equal(t, anchor.OutcomeFailed, answers[0].Outcome)
	})
}
