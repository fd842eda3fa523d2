package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// takeover is how long payments may have to wait after the working watcher was killed.
const takeover = 10 * time.Second

func TestOfTwoWatchers_the_second_takes_over_soon_after_the_first_is_killed(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{environment: []string{"ANCHOR_LEASE=2m"}}) // of claims; the watchers' own is shorter
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		serve, first := w.start(roleServe), w.start(roleWatch)
		first.awaitReady()
		second := w.start(roleWatch)
		w.await("the second stands by", func() bool { return w.logged("standing by") })
		a := w.sendingAnchors(ctx, 1)[0]
		payer := w.payer(a.account)
		agreed := w.agreeAll(ctx, a, 1)[0]
		require.EqualValues(t, 1, w.fence())

		first.kill()
		killed := time.Now()
		payer.pay(agreed.Account, memoOf(t, agreed), a.transfer(0).Amount)
		payer.await()
		w.await("the payment is credited", func() bool { return w.payouts("ready") == 1 })

		require.Less(t, time.Since(killed), takeover)
		require.EqualValues(t, 2, w.fence())
		stopAll([]*role{serve, second})
		w.requireInvariants()
	})
}

func (w *world) fence() int64 {
	w.Helper()
	return w.db.number("SELECT fence FROM leases WHERE name = 'watch-transactions'")
}

func (w *world) logged(what string) bool {
	w.Helper()
	for _, log := range w.logs() {
		if strings.Contains(log, what) {
			return true
		}
	}
	return false
}

func TestWatch_reads_ledgers_again_beside_a_watcher_and_changes_nothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		w := newWorld(t, engine, plan{})
		w.funded(3)
		watch := w.start(roleWatch)
		watch.awaitReady()
		for range 2 {
			var told []struct {
				Payments, PaymentsMissing, Outgoing, OutgoingMissing int
			}
			printed := strings.ReplaceAll(w.must(roleWatch, "--from", "1", "--json"), "_missing", "Missing")
			require.NoError(t, json.Unmarshal([]byte(printed), &told))
			require.Len(t, told, 1)
			require.Equal(t, 3, told[0].Payments)
			require.Zero(t, told[0].PaymentsMissing+told[0].OutgoingMissing)
			require.EqualValues(t, 3, w.payouts("ready"))
		}
		require.Contains(t, w.must(roleWatch, "--from", "99000000"), "it has been read from ledger")
		refused := w.command(roleWatch, "--to", "7")
		require.Equal(t, 2, refused.code, refused.errors)
		require.Contains(t, refused.errors, "--from")
		watch.stop()
		w.requireInvariants()
	})
}
