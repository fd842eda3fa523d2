package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// The second asset, for which the policies are others.
const otherCode = "EURC"

// crashPolicies say for both assets what becomes of payments that are not what was agreed, so that every course is taken.
const crashPolicies = `  - {name: REFUSED, rail: ` + refusingRail + `}
policies:
  - asset: stellar:USDC:%s
    underpaid: accumulate
    overpaid: refund_excess
    late: refund
    duplicate: refund
    unmatched: refund
    refund_fee: 0.1
    refund_floor: 0.2
  - asset: stellar:EURC:%s
    underpaid: refund
    wrong_asset: refund
    refund_floor: 0.2
  - asset: stellar:native
    wrong_asset: refund
    refund_floor: 0.2
`

// The roles are killed at the points that one round passes: right before and right after each commit, each call of a rail and
// each submission. Every round must end as the one in which nothing was killed.
func TestTortureKilledAtPoints_roles_lose_nothing_and_send_nothing_twice(t *testing.T) {
	full := os.Getenv("ANCHOR_TORTURE") == "full"
	eachEngine(t, func(t *testing.T, engine string) {
		for name, p := range map[string]crashPlan{
			"while money comes and goes back":        {lifetime: "24h", cases: casesInTime, few: 4},
			"while transactions run out":             {lifetime: shortLife.String(), cases: casesOutOfTime, few: 1},
			"while the network asks for higher fees": {lifetime: "24h", cases: casesUnderSurge, few: 1, surge: true},
			"while payouts go in files": {
				lifetime: "24h", cases: casesInFiles, few: 2, files: true, lease: 1500 * time.Millisecond, mortals: []string{roleExecute, rolePoll},
				deaths: 6, choice: 12, mustDie: fileMoments(),
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rounds := p.few
				if full {
					rounds = 0
				}
				newCrashing(t, engine, p).torture(rounds)
			})
		}
	})
}

// shortLife is how long transactions live that are to run out: long enough to be paid on a machine that is busy.
const shortLife = 8 * time.Second

// crashPlan says what is done in each round, and how often where not every point has its turn.
type crashPlan struct {
	lifetime string // of transactions
	cases    func() []*course
	surge    bool          // fees rise after the first envelope of a round was offered and lost
	files    bool          // payouts go to a bank in files
	lease    time.Duration // of what a process claims, a batch among it; zero: 2 s
	few      int
	mortals  []string // roles that are killed; none: all
	deaths   int      // of a role in one round; zero: one
	choice   int      // points at the first of which a role dies; zero: one
	mustDie  []string // what points begin with, at one of each of which a role must have died in the end
}

// crashing is a world whose roles are killed at points, one round after the other.
type crashing struct {
	*world
	crashPlan
	random *rand.Rand

	roles    []*mortal
	senders  map[string]*sendingAnchor // by asset
	payers   map[string]*payer
	accounts map[string]string
	round    int
	given    int            // commands of operators
	courses  []*course      // of all rounds
	byFile   *crashBank     // nil: no payouts go in files
	killed   map[string]int // by who was
	died     map[string]int // by the name of the point
}

// mortal is a role that kills itself at a point of the round.
type mortal struct {
	*role
	points string   // the file in which it tells what it passed
	deaths []string // where: at the first of them that it comes to; none: nowhere, or that is over
	left   []string
	lives  int            // of this round that are to end so
	missed map[string]int // how often a round did not come to a point
}

func newCrashing(t *testing.T, engine string, p crashPlan) *crashing {
	t.Helper()
	if p.lease == 0 {
		p.lease = 2 * time.Second
	}
	w := newWorld(t, engine, plan{after: 50 * time.Millisecond, closeEvery: 150 * time.Millisecond, environment: []string{
		"ANCHOR_LEASE=" + p.lease.String(), "ANCHOR_RAIL_TIMEOUT=" + (p.lease / 2).String(), "ANCHOR_INTERVAL=2s",
		"ANCHOR_TRANSACTION_LIFETIME=" + p.lifetime, "ANCHOR_BATCH_TIMEOUT=" + (p.lease / 2).String(),
	}})
	seed := rand.Uint64()
	t.Logf("seed of the kills: %d", seed)
	x := &crashing{
		world: w, crashPlan: p, random: rand.New(rand.NewPCG(seed, 0)), killed: map[string]int{}, died: map[string]int{},
		accounts: map[string]string{}, senders: map[string]*sendingAnchor{}, payers: map[string]*payer{},
	}
	if p.files {
		x.byFile = newCrashBank(x)
	}
	other := x.issueOther()
	for _, command := range allRoles() {
		x.roles = append(x.roles, &mortal{role: x.start(command), missed: map[string]int{}})
	}
	x.meet(other)
	return x
}

// issueOther issues the second asset, received by an account of its own, and settles what becomes of payments in either.
func (x *crashing) issueOther() *keypair.Full {
	x.must("create-asset", otherCode, "--issue", "--funding-method", fundingMethod)
	other := readSeed(x.T, filepath.Join(x.dir, "command", otherCode+"-issuer.seed"))
	x.writePolicies(other)
	methods := []string{"--funding-method", fundingMethod, "--funding-method", "REFUSED"}
	if x.byFile != nil {
		methods = append(methods, "--funding-method", byFileMethod)
	}
	x.must(append([]string{"create-asset", assetCode, "--update", "--issuer", x.issuer.Address()}, methods...)...)
	return other
}

func (x *crashing) writePolicies(other *keypair.Full) {
	raw, err := os.ReadFile(x.settings)
	require.NoError(x, err)
	rail := fmt.Sprintf("  - {name: %s, kind: simulated, file: %s}\n", refusingRail, filepath.Join(x.dir, "refusing.jsonl"))
	method := ""
	if x.byFile != nil {
		rail, method = rail+x.byFile.rail(), "  - {name: "+byFileMethod+", rail: "+railFiles+"}\n"
	}
	text := strings.Replace(string(raw), "funding_methods:", rail+"funding_methods:", 1)
	text += method + fmt.Sprintf(crashPolicies, x.issuer.Address(), other.Address())
	require.NoError(x, os.WriteFile(x.settings, []byte(text), 0o600))
}

// meet makes the sending anchors, one for each asset.
func (x *crashing) meet(other *keypair.Full) {
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	for i, asset := range []struct {
		code   string
		issuer *keypair.Full
	}{{assetCode, x.issuer}, {otherCode, other}} {
		a, err := x.sendingAnchorOf(ctx, i, asset.code, asset.issuer, new(sync.Mutex))
		require.NoError(x, err)
		x.senders[asset.code] = a
		x.payers[asset.code] = x.payer(a.account)
		x.payers[asset.code].asset = txnbuild.CreditAsset{Code: asset.code, Issuer: asset.issuer.Address()}
	}
}

// torture makes a round in which nothing is killed, to know its points, and then rounds with a death of each role; 0 rounds
// are as many as it takes until each point had its turn.
func (x *crashing) torture(rounds int) {
	x.play()
	for _, r := range x.roles {
		if len(x.mortals) > 0 && !slices.Contains(x.mortals, r.command) {
			continue
		}
		r.left = x.order(r.passed())
		require.NotEmpty(x, r.left, r.command)
		if rounds > 0 && r.command == roleServe {
			r.left = r.left[:rounds/4] // what it was delivering is not delivered again for half a minute, which other rounds are to fill
		}
	}
	points := 0
	for _, r := range x.roles {
		points += len(r.left)
	}
	for n := 0; rounds == 0 && x.anyLeft() || n < rounds || n < 2*rounds && len(x.spared()) > 0; n++ {
		x.play()
	}
	x.requireTold()
	deaths := 0
	for _, r := range x.roles {
		x.retire(r)
		deaths += x.killed[r.command]
	}
	x.Logf("%d points; %d rounds of %d courses; killed: %v", points, x.round-1, len(x.courses)/x.round, x.killed)
	for _, name := range slices.Sorted(maps.Keys(x.died)) {
		x.Logf("killed %3d times %s", x.died[name], name)
	}
	require.Empty(x, x.spared())
	require.Greater(x, 2*deaths, x.round-1, "a run in which nothing was killed proves nothing")
}

// spared are the points at which nobody has died yet, and somebody must.
func (x *crashing) spared() (points []string) {
	for _, beginning := range x.mustDie {
		begins := func(name string) bool { return strings.HasPrefix(name, beginning) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(x.died)), begins) {
			points = append(points, beginning)
		}
	}
	return points
}

func (x *crashing) anyLeft() bool {
	return slices.ContainsFunc(x.roles, func(r *mortal) bool { return len(r.left) > 0 })
}

// idling are commits that are made over and over, whether or not there is anything to do.
var idling = regexp.MustCompile(`AcquireLease|ClaimReady|ClaimUnderWay|Prune|Postpone`)

// waiting are those that are made at each ledger as long as an envelope may land.
var waiting = regexp.MustCompile(`ClaimSubmission|refunds\.\(\*Service\)\.settle`)

// order is the order in which points have their turn: at random, but each name once before any comes again, and what is idle
// after all others. Where there is a choice of points they come as a process passes them: it dies over and over, each time a step
// further.
func (x *crashing) order(points []string) []string {
	if x.choice == 0 {
		x.random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	}
	const most = 12 // turns of what happens also when there is nothing to do
	turns, turn := map[string]int{}, map[string]int{}
	var ordered []string
	for _, p := range points {
		name, _, _ := strings.Cut(p, " #")
		turns[name]++
		if turn[p] = turns[name]; turn[p] <= most || !idling.MatchString(name) && !waiting.MatchString(name) {
			ordered = append(ordered, p)
		}
	}
	slices.SortStableFunc(ordered, func(a, b string) int {
		if one, other := idling.MatchString(a), idling.MatchString(b); x.choice == 0 && one != other {
			return cmp.Compare(fmt.Sprint(one), fmt.Sprint(other)) // false before true
		}
		return turn[a] - turn[b]
	})
	return ordered
}

// live starts the role with its next death before it, if it has one.
func (x *crashing) live(r *mortal, points string) {
	x.Helper()
	if n := min(len(r.left), max(1, x.choice)); n > 0 && r.lives > 0 {
		r.deaths, r.left = r.left[:n:n], r.left[n:]
		r.lives--
	}
	r.points = points
	r.launch.env = append(slices.Clone(x.env), pointsFile+"="+points, deathPoint+"="+strings.Join(r.deaths, "\n"))
	r.restart()
	if len(r.deaths) > 0 {
		r.expect()
	}
}

// passed are the points that the role has told of.
func (r *mortal) passed() []string {
	raw, err := os.ReadFile(r.points)
	require.NoError(r.world, err)
	return strings.FieldsFunc(string(raw), func(c rune) bool { return c == '\n' })
}

// prepare starts each role anew, with its death before it.
func (x *crashing) prepare() {
	for _, r := range x.roles {
		x.retire(r)
		r.lives = max(1, x.deaths)
		x.live(r, filepath.Join(r.launch.dir, fmt.Sprintf("points-%d", x.round)))
	}
}

// retire ends a role cleanly, unless it dies of what was meant for it on its way.
func (x *crashing) retire(r *mortal) {
	if !r.expect() {
		x.bury(r)
		return
	}
	r.signal(syscall.SIGTERM)
	if code := r.ended(stopWithin); code != 0 && !x.bury(r) {
		require.Zero(x, code, "%s after SIGTERM", r.command)
	}
	r.escape()
}

// escape gives points that the round did not come to another turn, a few times: what happens in a round depends on who died.
func (r *mortal) escape() {
	const turns = 3
	for _, death := range r.deaths {
		if r.missed[death] < turns {
			r.missed[death]++
			r.left = append(r.left, death)
		}
	}
	r.deaths = nil
}

// bury notes the death of a role, whose process has ended; false if it was not one that was meant for it.
func (x *crashing) bury(r *mortal) bool {
	passed := r.passed()
	if len(r.deaths) == 0 || r.cmd.ProcessState.ExitCode() != -1 || !slices.Contains(r.deaths, passed[len(passed)-1]) {
		return false
	}
	death := passed[len(passed)-1]
	name, _, _ := strings.Cut(death, " #")
	x.Logf("round %d: %s died %s", x.round, r.command, death)
	x.killed[r.command]++
	x.died[name]++
	others := slices.DeleteFunc(r.deaths, func(p string) bool { return p == death })
	r.deaths, r.left = nil, append(others, r.left...)
	return true
}

// revive starts what has died. It dies again only where a role dies more than once in a round.
func (x *crashing) revive() {
	x.Helper()
	for _, r := range x.roles {
		select {
		case <-r.done:
			require.True(x, x.bury(r), "%s ended by itself, and was to die %q", r.command, r.deaths)
			x.live(r, r.points+"-again")
		default:
		}
	}
}

// until waits for something, reviving what dies.
func (x *crashing) until(what string, so func() bool) {
	x.Helper()
	x.await(what, func() bool {
		x.revive()
		if x.byFile != nil {
			x.byFile.turn()
		}
		return so()
	})
}

// during does something that needs the roles.
func (x *crashing) during(what string, do func(ctx context.Context) error) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	x.until(what, func() bool {
		select {
		case err := <-done:
			require.NoError(x, err, what)
			return true
		default:
			return false
		}
	})
}
