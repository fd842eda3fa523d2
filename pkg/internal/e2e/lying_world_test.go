package e2e

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// The rails of a world that lies, by who pays.
const (
	railBank    = "bank"    // the simulated bank, called in the process that executes
	railKeyless = "keyless" // the same, but it pays again what is sent again
	railRemote  = "remote"  // a business' server
	railFiles   = "files"   // files of payouts, for a bank that pays every line of every file
)

func lyingRails() []string { return []string{railBank, railKeyless, railRemote, railFiles} }

// What the processes are given: little, so that much can go wrong in a short time.
const (
	lyingLease   = 2 * time.Second
	lyingTimeout = time.Second
	clockSkew    = 90 * time.Second // by which half of the clocks are ahead
)

// lyingWorld is an anchor that pays by banks which lie, in processes that are killed and paused, from a database that crashes.
type lyingWorld struct {
	*world
	lies
	server   *lyingServer
	postgres *ownPostgres // nil on SQLite
	books    map[string]simulated.Bank
	seeds    *payoutstest.World
	seeded   int
	workers  []*worker
}

// worker is one of the processes that pay, or ask.
type worker struct {
	*role
	resumed chan struct{} // closed when it goes on after a pause; nil: it was never paused
}

func newLyingWorld(t *testing.T, engine string) *lyingWorld {
	t.Helper()
	w := &lyingWorld{world: &world{T: t, engine: engine, dir: t.TempDir()}}
	showLogs(t, w.dir)
	w.database = "sqlite:" + filepath.Join(w.dir, "anchor.db")
	if engine == "postgres" {
		w.postgres = startPostgres(t)
		w.database = w.postgres.url()
	}
	w.runNetwork(plan{closeEvery: 5 * time.Second})
	w.books = map[string]simulated.Bank{}
	for _, rail := range lyingRails() {
		w.books[rail] = simulated.Bank(filepath.Join(w.dir, rail+".jsonl"))
	}
	w.lies = lies{Books: string(w.books[railBank]), Met: filepath.Join(w.dir, "met"), Truth: filepath.Join(w.dir, "truth")}
	w.server = newLyingServer(t, w.of(railRemote), lyingTimeout*8/10)
	w.server.open()
	(&fileBank{lies: w.of(railFiles), t: t, random: rand.New(rand.NewPCG(rand.Uint64(), 0))}).run()
	w.settings = filepath.Join(w.dir, "anchor.yaml")
	require.NoError(t, os.WriteFile(w.settings, []byte(lyingYAML), 0o600))
	w.env = append(w.environment(), "ANCHOR_LEASE="+lyingLease.String(), "ANCHOR_RAIL_TIMEOUT="+lyingTimeout.String(), "ANCHOR_BATCH_TIMEOUT="+lyingTimeout.String())
	w.env = append(w.env, w.server.settings()...)
	w.must("migrate")
	w.db = openDatabase(t, w.database)
	w.seeds = payoutstest.New(t, w.openStore())
	return w
}

// of are the lies about another rail.
func (l lies) of(rail string) lies {
	l.Books = filepath.Join(filepath.Dir(l.Books), rail+".jsonl")
	return l
}

const lyingYAML = `rails:
  - {name: bank, kind: simulated, file: replaced-by-the-lying-one}
  - {name: remote, kind: remote, not_known_final_after: 24h, same_key_safe_for: 720h}
funding_methods:
  - {name: SEPA, rail: bank}
  - {name: SWIFT, rail: remote}
`

// openStore opens the database by the keys of the processes.
func (w *lyingWorld) openStore() *store.DB {
	w.Helper()
	var keys store.Keyring
	for _, variable := range w.env {
		if encoded, ok := strings.CutPrefix(variable, "ANCHOR_MASTER_KEYS=e2e:"); ok {
			raw, err := base64.StdEncoding.DecodeString(encoded)
			require.NoError(w, err)
			keys, err = keys.Add("e2e", raw)
			require.NoError(w, err)
		}
	}
	db, err := store.Open(w.Context(), store.Options{URL: w.database, Keys: keys})
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, db.Close()) })
	return db
}

// seed makes funded transactions whose payouts are ready, by one rail after the other.
func (w *lyingWorld) seed(count int) {
	w.Helper()
	rails := lyingRails()
	w.seeds.FundedBy(count, func(t *store.Transaction, p *store.Payout) {
		p.Rail = rails[w.seeded%len(rails)]
		p.AmountUnits -= int64(w.seeded % 1000) // so that what is mixed up shows
		w.seeded++
	})
}

// work starts two processes of each kind; the clock of the second is ahead.
func (w *lyingWorld) work() {
	w.Helper()
	honest := w.env
	for _, command := range []string{roleExecute, rolePoll} {
		for _, skew := range []time.Duration{0, clockSkew} {
			w.Skew = skew
			w.env = append(honest[:len(honest):len(honest)], w.variable())
			w.workers = append(w.workers, &worker{role: w.start(command)})
		}
	}
	w.env = honest
}

// blow is something that is done to a process, or to what all of them need.
type blow struct {
	what string
	does func()
}

// blows are all that will be done, in a random order.
func (w *lyingWorld) blows(random *rand.Rand, size lyingExtent) []blow {
	var all []blow
	add := func(times int, b blow) {
		for range times {
			all = append(all, b)
		}
	}
	for _, victim := range w.workers {
		add(size.kills, blow{"kill -9", func() { w.killAgain(victim) }})
		add(size.pauses, blow{"pause past the lease", func() { w.pause(victim, random) }})
	}
	if w.postgres != nil {
		add(size.crashes, blow{"crash of Postgres", w.crashPostgres})
	}
	add(size.crashes, blow{"restart of the server", w.restartServer})
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (w *lyingWorld) killAgain(victim *worker) {
	w.awaitUp(victim)
	victim.kill()
	victim.restart()
}

// pause stops a process for longer than its claims hold. Others go on meanwhile.
func (w *lyingWorld) pause(victim *worker, random *rand.Rand) {
	w.awaitUp(victim)
	victim.signal(syscall.SIGSTOP)
	resumed := make(chan struct{})
	victim.resumed = resumed
	stopped := victim.cmd.Process
	time.AfterFunc(lyingLease*5/4+time.Duration(random.IntN(1000))*time.Millisecond, func() {
		_ = stopped.Signal(syscall.SIGCONT)
		close(resumed)
	})
}

// awaitUp waits until a process works that was started or paused before.
func (w *lyingWorld) awaitUp(victim *worker) {
	w.Helper()
	if victim.resumed != nil {
		<-victim.resumed
	}
	w.awaitOK(victim.answers)
}

// crashPostgres has the database go away and come back. Processes that begin while it is away would end, so none does.
func (w *lyingWorld) crashPostgres() {
	for _, each := range w.workers {
		if !each.paused() {
			w.awaitOK(each.answers)
		}
	}
	w.postgres.crash()
	wait(w.Context(), 300*time.Millisecond)
	w.postgres.start()
	w.seeds.DB = w.openStore() // the connections of the last one are gone
}

func (v *worker) paused() bool {
	if v.resumed == nil {
		return false
	}
	select {
	case <-v.resumed:
		return false
	default:
		return true
	}
}

func (w *lyingWorld) restartServer() {
	w.server.close()
	wait(w.Context(), 300*time.Millisecond)
	w.server.open()
}

// suffer has all of it happen while payouts are made, which come little by little.
func (w *lyingWorld) suffer(random *rand.Rand, size lyingExtent) map[string]int {
	w.Helper()
	all := w.blows(random, size)
	done := map[string]int{}
	for i, b := range all {
		w.seed(size.payouts*(i+1)/len(all) - size.payouts*i/len(all))
		// What is under way is to be hit anywhere, not at its beginning only.
		wait(w.Context(), time.Duration(random.IntN(int(size.between.Milliseconds())))*time.Millisecond)
		b.does()
		done[b.what]++
	}
	for _, victim := range w.workers {
		w.awaitUp(victim)
	}
	return done
}

// tellTheTruth has everybody stop lying.
func (w *lyingWorld) tellTheTruth() {
	w.Helper()
	require.NoError(w, os.WriteFile(w.Truth, nil, 0o600))
}

// awaitTried waits until each payout has met whatever there is to meet.
func (w *lyingWorld) awaitTried(within time.Duration) {
	w.Helper()
	w.awaitNone("were never tried", within, func() []string {
		return w.db.texts("SELECT p.id FROM payouts p WHERE NOT EXISTS (SELECT 1 FROM payout_attempts a WHERE a.payout_id = p.id)")
	})
}

// awaitEnds waits until everything has ended that can.
func (w *lyingWorld) awaitEnds(within time.Duration) {
	w.Helper()
	w.awaitNone("have not ended", within, w.open)
}

func (w *lyingWorld) awaitNone(what string, within time.Duration, left func() []string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), within)
	defer cancel()
	for list := left(); len(list) > 0; list = left() {
		wait(ctx, 100*time.Millisecond)
		require.NoError(w, ctx.Err(), "after %v these %s: %v", within, what, list)
	}
}

// open has the payouts that somebody still has to do something about by himself. What the banks of two rails do not know is none
// of them: of the one it is declared that nothing follows from that for a day, and of the other that nothing ever does.
func (w *lyingWorld) open() []string {
	w.Helper()
	open := w.db.texts(`SELECT id || ' ' || rail || ' ' || state FROM payouts WHERE state IN ('ready', 'sending', 'accepted')
		OR state = 'unknown' AND rail NOT IN ('remote', 'keyless')`)
	for _, rail := range []string{railRemote, railKeyless} {
		known := w.booked(rail)
		for _, key := range w.db.texts(`SELECT a.key FROM payouts p JOIN payout_attempts a ON a.payout_id = p.id AND a.state <> 'failed'
			WHERE p.state = 'unknown' AND p.rail = '` + rail + `'`) {
			if len(known[key]) > 0 {
				open = append(open, key+" is unknown and in the books of "+rail)
			}
		}
	}
	return open
}

// booked is what a bank's own ledger has, by key.
func (w *lyingWorld) booked(rail string) map[string][]simulated.Payment {
	w.Helper()
	list, err := w.books[rail].Payments()
	require.NoError(w, err)
	byKey := map[string][]simulated.Payment{}
	for _, p := range list {
		byKey[string(p.Key)] = append(byKey[string(p.Key)], p)
	}
	return byKey
}
