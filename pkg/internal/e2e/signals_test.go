package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// funded gives the world payouts that are ready, and nobody who sends them.
func (w *world) funded(payouts int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	roles := []*role{w.start(roleServe), w.start(roleWatch)}
	a := w.sendingAnchors(ctx, 1)[0]
	payer := w.payer(a.account)
	for i, state := range w.agreeAll(ctx, a, payouts) {
		payer.pay(state.Account, memoOf(w.T, state), a.transfer(i).Amount)
	}
	payer.await()
	w.await("payouts are ready", func() bool { return w.payouts("ready") == int64(payouts) })
	stopAll(roles)
}

func (w *world) payouts(state string) int64 {
	w.Helper()
	return w.db.number("SELECT COUNT(*) FROM payouts WHERE state = $1", state)
}

func TestExecute_finishes_its_calls_and_gives_the_rest_back_when_it_is_told_to_stop(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const payouts = 12
		w := newWorld(t, engine, plan{outcome: simulated.OutcomeDelivered, after: time.Second, environment: []string{"ANCHOR_CONCURRENCY=3"}})
		w.funded(payouts)

		execute := w.start(roleExecute)
		w.await("a payout is being sent", func() bool { return w.payouts("sending") > 0 })
		execute.stop()

		require.Zero(t, w.payouts("sending"))
		delivered, ready := w.payouts("delivered"), w.payouts("ready")
		require.Positive(t, delivered, "the calls in flight were finished")
		require.Positive(t, ready, "nothing new was begun")
		require.EqualValues(t, payouts, delivered+ready)
		w.requireInvariants()
		w.must(roleExecute) // one pass, without --loop
		require.EqualValues(t, payouts, w.payouts("delivered"))
		w.requireInvariants()
	})
}

func TestExecute_ends_at_once_at_a_second_signal(t *testing.T) {
	t.Parallel()
	const longer = 20 * time.Second
	w := newWorld(t, "sqlite", plan{
		outcome: simulated.OutcomeDelivered, after: longer, environment: []string{"ANCHOR_LEASE=2m", "ANCHOR_RAIL_TIMEOUT=30s"},
	})
	w.funded(1)
	execute := w.toldToStopWhileItPays()
	execute.signal(syscall.SIGINT)

	require.Zero(t, execute.ended(longer/2))
	require.Zero(t, w.payouts("sending"))
	w.requireInvariants()
}

// toldToStopWhileItPays is an executor that got SIGTERM while its call was under way. One that was told between its claim and
// the call gives the payout back and ends; then another one is started.
func (w *world) toldToStopWhileItPays() *role {
	w.Helper()
	for range 5 {
		execute := w.start(roleExecute)
		w.await("a payout is being sent", func() bool { return w.payouts("sending") == 1 })
		execute.expect()
		execute.signal(syscall.SIGTERM)
		select {
		case <-execute.done:
			require.EqualValues(w, 1, w.payouts("ready"), "it did not finish the call that was under way")
		case <-time.After(500 * time.Millisecond):
			return execute
		}
	}
	require.Fail(w, "it never came to a call")
	return nil
}

func TestServe_watch_and_poll_end_well_while_they_work(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{after: time.Hour})
		w.funded(3)
		w.must(roleExecute)
		require.EqualValues(t, 3, w.payouts("accepted"))
		roles := []*role{w.start(roleServe), w.start(roleWatch), w.start(rolePoll)}
		for _, r := range roles {
			r.awaitReady()
		}
		stopAll(roles)
		require.EqualValues(t, 3, w.payouts("accepted"))
		w.requireInvariants()
	})
}
