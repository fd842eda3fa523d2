package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// What every world has.
const (
	assetCode     = "USDC"
	fundingMethod = "SEPA"
)

// The roles, by the commands that run them.
const (
	roleServe   = "serve"
	roleWatch   = "watch-transactions"
	roleExecute = "execute-outgoing"
	rolePoll    = "poll-outgoing"
)

func allRoles() []string { return []string{roleServe, roleWatch, roleExecute, rolePoll} }

// plan says what is special about a world; what is zero is as usual.
type plan struct {
	outcome     simulated.Outcome // of the bank; usually accepted
	after       time.Duration     // until it delivers; 300 ms
	closeEvery  time.Duration     // between two ledgers; 100 ms
	environment []string          // of all roles
}

// world is an anchor with its network, its bank and its database. No role runs until it is started.
type world struct {
	*testing.T
	engine   string
	dir      string
	network  *sandbox.Network
	horizon  string
	home     string // where serve is
	database string // its URL
	bank     simulated.Bank
	issuer   *keypair.Full
	settings string // path of anchor.yaml
	env      []string
	db       *database
	started  int    // processes, which gives each a name and a folder of its own
	program  string // what the roles are; empty: the anchor itself
	asks     asks
}

// eachEngine runs a test on both databases at once.
func eachEngine(t *testing.T, test func(t *testing.T, engine string)) {
	t.Helper()
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// newWorld makes a network, migrates a database and issues the asset, all by commands.
func newWorld(t *testing.T, engine string, p plan) *world {
	t.Helper()
	w := &world{T: t, engine: engine, dir: t.TempDir()}
	showLogs(t, w.dir)
	w.database = "sqlite:" + filepath.Join(w.dir, "anchor.db")
	if engine == "postgres" {
		w.database = pgtest.URL(t)
	}
	w.runNetwork(p)
	w.bank = simulated.Bank(filepath.Join(w.dir, "bank.jsonl"))
	w.settings = filepath.Join(w.dir, "anchor.yaml")
	require.NoError(t, os.WriteFile(w.settings, []byte(anchorYAML(p, string(w.bank))), 0o600))
	w.home = "http://" + freeAddress(t)
	w.env = append(w.environment(), p.environment...)
	w.must("migrate")
	w.must("create-asset", assetCode, "--issue", "--funding-method", fundingMethod, "--fee-fixed", "0.5", "--fee-percent", "0.5")
	w.issuer = readSeed(t, filepath.Join(w.dir, "command", assetCode+"-issuer.seed"))
	w.db = openDatabase(t, w.database)
	return w
}

func (w *world) runNetwork(p plan) {
	if p.closeEvery == 0 {
		p.closeEvery = 100 * time.Millisecond
	}
	w.network = sandbox.New(sandbox.Options{CloseEvery: p.closeEvery})
	server := httptest.NewServer(w.network.Handler())
	w.horizon = server.URL
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.network.Run(ctx) }()
	w.Cleanup(func() {
		end()
		require.NoError(w, <-ended)
		server.CloseClientConnections()
		server.Close()
	})
}

// environment is what the machines of all roles have in common; there is nothing of the machine of the tests in it but the
// path by which the program is found.
func (w *world) environment() []string {
	signing, err := keypair.Random()
	require.NoError(w, err)
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir,
		"LOCAL_MODE=1", "HOST_URL=" + w.home, "HORIZON_URI=" + w.horizon, "STELLAR_NETWORK_PASSPHRASE=" + w.network.Passphrase(),
		"DATABASE_URL=" + w.database, "SIGNING_SEED=" + signing.Seed(), "SERVER_JWT_KEY=" + randomKey(), "ANCHOR_MASTER_KEYS=e2e:" + randomKey(),
		"ANCHOR_INTERVAL=10s", "ANCHOR_LEASE=6s", "ANCHOR_RAIL_TIMEOUT=2s",
	}
}

func randomKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw)
}

// freeAddress is an address of this machine that nobody listens on. It lies below the ports that the system gives to outgoing
// connections: a process that was killed finds its own free again.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 50 {
		n, err := rand.Int(rand.Reader, big.NewInt(10_000))
		require.NoError(t, err)
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+n.Int64())
		listener, err := net.Listen("tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.Fail(t, "no free port")
	return ""
}

func readSeed(t *testing.T, path string) *keypair.Full {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	kp, err := keypair.ParseFull(strings.TrimSpace(string(raw)))
	require.NoError(t, err)
	return kp
}

// command runs an operator's command to its end.
func (w *world) command(args ...string) result {
	w.Helper()
	return run(w.T, launch{dir: w.folder("command"), env: w.env, args: append(args, "--config", w.settings)})
}

// must runs a command that has to succeed and returns what it printed.
func (w *world) must(args ...string) string {
	w.Helper()
	r := w.command(args...)
	require.Zero(w, r.code, "anchor %s: %s%s", strings.Join(args, " "), r.out, r.errors)
	return r.out
}

func (w *world) folder(name string) string {
	dir := filepath.Join(w.dir, name)
	require.NoError(w, os.MkdirAll(dir, 0o700))
	return dir
}

// role is a process of a role, with the address at which its operator asks it.
type role struct {
	*process
	world    *world
	launch   launch
	command  string
	operator string
	answers  string // what has to answer before the process is of use
}

// start starts a process of a role in a folder of its own and waits until it lives.
func (w *world) start(command string, args ...string) *role {
	w.Helper()
	w.started++
	name := fmt.Sprintf("%d-%s", w.started, command)
	r := &role{world: w, command: command, operator: freeAddress(w.T)}
	r.answers = "http://" + r.operator + "/healthz"
	if command == roleServe && len(args) == 0 { // at the address that clients know
		r.answers = w.home + "/.well-known/stellar.toml"
	}
	args = append([]string{command, "--config", w.settings, "--operator-listen", r.operator}, args...)
	if command == roleExecute || command == rolePoll {
		args = append(args, "--loop")
	}
	r.launch = launch{program: w.program, name: name, dir: w.folder(name), env: w.env, args: args}
	r.restart()
	w.awaitOK(r.answers)
	return r
}

// restart starts the role again as it was started before, without waiting for it.
func (r *role) restart() {
	r.world.Helper()
	r.process = start(r.world.T, r.launch)
}

// awaitReady waits until the process says that it does its work.
func (r *role) awaitReady() {
	r.world.Helper()
	r.world.awaitOK("http://" + r.operator + "/readyz")
}

func (w *world) awaitOK(url string) {
	w.Helper()
	w.await(url+" answers", func() bool { return answersOK(url) })
}

func answersOK(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// patience bounds every waiting of a test.
const patience = 2 * time.Minute

// await waits until something is so that other processes bring about.
func (w *world) await(what string, so func() bool) {
	w.Helper()
	tooLong := time.After(patience)
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-tooLong:
			require.FailNow(w, "waited in vain", "%s is not so after %v", what, patience)
		}
	}
}

// startAll starts one process of each role.
func (w *world) startAll() []*role {
	w.Helper()
	var roles []*role
	for _, command := range allRoles() {
		roles = append(roles, w.start(command))
	}
	return roles
}

// stopAll ends processes as an operator does; all must end well.
func stopAll(roles []*role) {
	for _, r := range roles {
		r.stop()
	}
}

// requireNothingToComplainOf checks the logs of a run in which nothing went wrong.
func (w *world) requireNothingToComplainOf() {
	w.Helper()
	for name, log := range w.logs() {
		require.NotRegexp(w, "level=(WARN|ERROR)", log, name)
	}
}

// requireDiscretion checks I13 for the logs.
func (w *world) requireDiscretion() {
	w.Helper()
	for name, log := range w.logs() {
		require.NotRegexp(w, `\bS[A-Z2-7]{55}\b|eyJ[\w-]+\.|Souza|Bruno|`+bankAccount, log, "I13: %s", name)
	}
}

// logs is what each process has logged, by file.
func (w *world) logs() map[string]string {
	w.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*", "*.log"))
	require.NoError(w, err)
	require.Len(w, files, w.started)
	logs := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(w, err)
		logs[file] = string(raw)
	}
	return logs
}

func anchorYAML(p plan, bank string) string {
	if p.outcome == "" {
		p.outcome = simulated.OutcomeAccepted
	}
	if p.after == 0 {
		p.after = 300 * time.Millisecond
	}
	return fmt.Sprintf(`customers:
  types:
    - name: sep31-sender
      side: sender
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
    - name: sep31-receiver
      side: receiver
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: bank_account_number, description: number of the bank account}
rails:
  - name: bank
    kind: simulated
    outcome: %s
    after: %s
    file: %s
funding_methods:
  - {name: %s, rail: bank}
`, p.outcome, p.after, bank, fundingMethod)
}
