package e2e

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// lyingExtent is how much is done to the processes of a world that lies.
type lyingExtent struct {
	payouts                int
	kills, pauses, crashes int           // kills and pauses of each process; crashes of the database, restarts of the server
	between                time.Duration // two blows, at most
	patience               time.Duration // until everything has ended
}

func lyingSize() lyingExtent {
	if os.Getenv("ANCHOR_TORTURE") == "full" {
		return lyingExtent{payouts: 10_000, kills: 15, pauses: 10, crashes: 10, between: time.Second, patience: 10 * time.Minute}
	}
	return lyingExtent{payouts: 500, kills: 3, pauses: 2, crashes: 2, between: 400 * time.Millisecond, patience: 2 * time.Minute}
}

func TestTortureByALyingBank_nobody_is_paid_twice_and_everybody_is_accounted_for(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		size := lyingSize()
		w := newLyingWorld(t, engine)
		w.work()
		seed := rand.Uint64()
		t.Logf("seed of the blows: %d", seed)

		blows := w.suffer(rand.New(rand.NewPCG(seed, 0)), size)
		w.awaitTried(size.patience)
		w.tellTheTruth()
		w.awaitEnds(size.patience)
		unheard := w.readStatement()
		accounts := w.accounts()
		w.tellSuffering(blows, unheard, accounts)
		w.requireAccounts(accounts)

		again := w.payWhomNobodyPaid(accounts)
		w.awaitEnds(size.patience)
		for _, each := range w.workers {
			each.stop()
		}
		accounts = w.accounts()
		t.Logf("%d whom nobody had paid were paid after all, under new keys", again)
		w.requireAccounts(accounts)
		w.requireEverybodyPaidOnce(accounts)
	})
}
