package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTransfers_from_four_sending_anchors_at_once_all_complete_with_a_process_per_role(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		roles := w.startAll()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()

		const senders, each = 4, 50
		all := send(ctx, w.sendingAnchors(ctx, senders), load{each: each}).completed(w)

		w.awaitCallbacks(all, false)
		for _, r := range roles {
			r.awaitReady()
		}
		stopAll(roles)
		w.requireInvariants()
		w.requireNothingToComplainOf()
		require.EqualValues(t, senders*each, w.db.number("SELECT COUNT(*) FROM transactions WHERE status = 'completed'"))
		require.Zero(t, w.db.number("SELECT COUNT(*) FROM payments WHERE state = 'open'"))
	})
}

func TestTransfers_are_paid_out_once_where_two_of_each_process_run(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		roles := w.startAll()
		roles = append(roles, w.start(roleServe, "--listen", freeAddress(t)))
		for _, command := range []string{roleWatch, roleExecute, rolePoll} {
			roles = append(roles, w.start(command))
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()

		const senders, each = 4, 15
		all := send(ctx, w.sendingAnchors(ctx, senders), load{each: each}).completed(w)

		w.awaitCallbacks(all, false)
		stopAll(roles)
		w.requireInvariants()
		w.requireNothingToComplainOf()
		require.EqualValues(t, senders*each, w.db.number("SELECT COUNT(*) FROM transactions WHERE status = 'completed'"))
	})
}
