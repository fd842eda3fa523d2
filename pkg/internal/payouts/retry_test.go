package payouts_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestRetry_is_refused_while_money_may_be_on_its_way(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		retry := func() error {
			_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", DespiteConflict: true})
			return err
		}
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(retry()), "ready")
		b.execute = always(anchor.Outcome{})
		execute(t, s)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(retry()), "unknown")
		b.poll = says(anchor.Delivered("x"))
		pollOnce(t, s)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(retry()), "delivered")
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(func() error {
			_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: "none"})
			return err
		}()))
	})
}

func TestRetry_lets_a_payout_move_on_that_waits_for_an_operator(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		execute(t, payouts.New(w.DB, nil, nil, atOnce())) // an executor that lacks the rail
		require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor)
		_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", Reason: "rail is back"})
		require.NoError(t, err)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}

func TestRetry_by_another_rail_is_taken_at_its_word_or_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before  func(t *testing.T, w *payoutstest.World)
		refused bool
	}{
		"of a payout that was never tried": {func(*testing.T, *payoutstest.World) {}, false},
		"of one that was not sent": {func(t *testing.T, w *payoutstest.World) {
			execute(t, service(w.DB, &bank{execute: always(anchor.NotSent("closed"))}, payouts.Options{}))
		}, false},
		"of one that may have been sent": {mayHaveBeenSent, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				id := w.Funded(1)[0]
				c.before(t, w)
				parkForOperator(t, w, id)
				pigeon := &bank{}
				s := payouts.New(db, map[string]anchor.Rail{"pigeon": {Rails: pigeon}}, nil, atOnce())
				_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", Rail: "pigeon"})
				w.RequireBooks(id)
				if c.refused {
					require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
					require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor)
					return
				}
				require.NoError(t, err)
				require.Equal(t, int64(2), w.Payout(id).Number)
				execute(t, s)
				require.Len(t, pigeon.sent(), 1)
				require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
				w.RequireBooks(id)
			})
		})
	}
}

// mayHaveBeenSent has a payout sent without an answer, and a resend permitted.
func mayHaveBeenSent(t *testing.T, w *payoutstest.World) {
	t.Helper()
	b := &bank{execute: always(anchor.Outcome{}), poll: says(anchor.NotKnown())}
	rail := anchor.Rail{Rails: b, NotKnownFinalAfter: time.Microsecond, SameKeySafeFor: time.Hour}
	s := payouts.New(w.DB, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
	execute(t, s)
	pollOnce(t, s)
}

func TestAn_operator_resolves_what_may_have_left_and_waits_to_be_sent_again(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent    func(t *testing.T, w *payoutstest.World)
		outcome anchor.Outcome
		status  anchor.Status
		refused bool
	}{
		"as delivered":        {mayHaveBeenSent, anchor.Delivered("x"), anchor.StatusCompleted, false},
		"as failed":           {mayHaveBeenSent, anchor.Failed("no"), anchor.StatusPendingReceiver, false},
		"not what never left": {func(*testing.T, *payoutstest.World) {}, anchor.Delivered("x"), anchor.StatusPendingReceiver, true},
		"not what was not sent yet": {func(t *testing.T, w *payoutstest.World) {
			execute(t, service(w.DB, &bank{execute: always(anchor.NotSent("closed"))}, payouts.Options{}))
		}, anchor.Delivered("x"), anchor.StatusPendingReceiver, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				id := w.Funded(1)[0]
				c.sent(t, w)
				parkForOperator(t, w, id)
				err := payouts.New(db, nil, nil, atOnce()).Resolve(t.Context(), w.Payout(id).ID, c.outcome, "asked", "operator:ann")
				if c.refused {
					require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, c.status, w.Transaction(id).Status)
				w.RequireBooks(id)
			})
		})
	}
}

// parkForOperator lets a ready payout wait for an operator.
func parkForOperator(t *testing.T, w *payoutstest.World, id string) {
	t.Helper()
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p, ok, err := tx.LivePayout(ctx, id)
		if err != nil || !ok || p.State != anchor.PayoutReady {
			return fmt.Errorf("payout is %s: %w", p.State, err)
		}
		p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForOperator
		_, err = tx.MovePayout(ctx, p, anchor.PayoutReady, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	}))
}
