package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACustomer_rejected_between_credit_and_payout_is_not_paid(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		roles := []*role{w.start(roleServe), w.start(roleWatch)}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		anchors := w.sendingAnchors(ctx, 2)
		rejected, served := anchors[0], anchors[1]
		stopped := w.agreeSome(ctx, rejected, "stopped", 2)
		w.paySome(ctx, rejected, stopped)
		paid := w.agreeSome(ctx, served, "paid", 2)
		w.paySome(ctx, served, paid)
		w.awaitPayouts("ready", 4)

		w.must("customers", "reject", rejected.to, "--message", "screening")
		roles = append(roles, w.start(roleExecute), w.start(rolePoll))
		w.followSome(ctx, served, paid)
		w.must(roleExecute) // one more pass of each, to its end
		w.must(rolePoll)

		booked, err := w.bank.PaidTransactions()
		require.NoError(t, err)
		require.Len(t, booked, len(paid))
		for _, d := range stopped {
			require.Zero(t, booked[d.ID])
			require.EqualValues(t, 1, w.db.number("SELECT COUNT(*) FROM payouts WHERE transaction_id = $1 AND state = 'waiting' AND waits_for = 'kyc'", d.ID))
			require.Zero(t, w.db.number("SELECT COUNT(*) FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE p.transaction_id = $1", d.ID))
		}
		stopAll(roles)
		w.requireInvariants()
	})
}

func TestWhileTheBusinessServerIsDown_a_sending_anchor_reads_its_transactions_and_agrees_none(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w, b := newRemoteWorld(t, engine)
		roles := w.startAll()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		a := w.sendingAnchors(ctx, 1)[0]
		agreed := w.agreeSome(ctx, a, "agreed", 1)
		b.close()

		for range 10 {
			state, err := a.State(ctx, agreed[0].ID)
			require.NoError(t, err)
			require.Equal(t, "pending_sender", state.Status)
		}
		short, end := context.WithTimeout(ctx, 3*time.Second)
		defer end()
		_, err := a.Agree(short, a.of("while it is down", "50"))
		require.Error(t, err)
		require.EqualValues(t, 1, w.db.number("SELECT COUNT(*) FROM transactions"))

		b.open()
		w.paySome(ctx, a, agreed)
		w.followSome(ctx, a, agreed)
		stopAll(roles)
		w.requireInvariants()
	})
}
