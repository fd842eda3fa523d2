package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/cli"
)

// The test binary is, by the name it is called by, the programs that the manual calls: every process is a real one.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"anchor":      func() { cli.Main(nil) },
		"crossborder": main,
		"curl":        curl,
	})
}

const (
	manual = "../../docs/cross-border-payments.md"
	// What stands in the manual and is another thing in each run of the test.
	manualHost    = "localhost:8000"
	manualSandbox = "127.0.0.1:8001"
	manualSender  = "GBSENDINGANCHORXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
)

func TestManual_leads_from_an_empty_folder_to_transfers_that_complete(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(manual)
	require.NoError(t, err)
	account, err := keypair.Random()
	require.NoError(t, err)
	host, sandbox := "localhost:"+freePort(t), "127.0.0.1:"+freePort(t)
	text := strings.NewReplacer(manualHost, host, manualSandbox, sandbox, manualSender, account.Address()).Replace(string(raw))
	script := filepath.Join(t.TempDir(), "manual.txtar")
	require.NoError(t, os.WriteFile(script, []byte(scriptOf(t, text)), 0o600))
	testscript.Run(t, testscript.Params{
		Files: []string{script},
		Setup: func(env *testscript.Env) error {
			env.Values[walletKey{}] = newWallet(t.Context(), "http://"+host, "http://"+sandbox, account)
			env.Setenv("HOST_URL", "http://"+host) // what init writes has the manual's port
			return prepare(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"wallet": walletCommand},
	})
}

// prepare gives the script a home, the clone, and what the go command needs besides a home.
func prepare(env *testscript.Env) error {
	clone, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	env.Setenv("CLONE", clone)
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("GOBIN", filepath.Join(home, "bin")) // off the PATH: the test binary plays the programs
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN", "CGO_ENABLED"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return fmt.Errorf("go env %s: %w", name, err)
		}
		env.Setenv(name, strings.TrimSpace(string(value)))
	}
	return os.Mkdir(home, 0o755)
}

// freePort is one that nobody listens on, below those that the system gives to outgoing connections: it is only taken when
// the script has come so far.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// curl is as much of that program as the manual uses, so that the test needs none: it prints what is at its last argument, and
// tries again for a while where nobody listens yet.
func curl() {
	address := os.Args[len(os.Args)-1]
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	for {
		err := fetch(ctx, address, os.Stdout)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !errors.Is(err, syscall.ECONNREFUSED) {
			fmt.Fprintln(os.Stderr, "curl:", err)
			os.Exit(1)
		}
		<-again.C
	}
}

func fetch(ctx context.Context, address string, into io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(into, response.Body)
	return err
}

type walletKey struct{}

// scriptT lets a script's command make demands as tests do.
type scriptT struct{ *testscript.TestScript }

func (t scriptT) Errorf(format string, args ...any) { t.Logf(format, args...) }
func (t scriptT) FailNow()                          { t.Fatalf("the wallet did not get what it expects") }

// walletCommand is the wallet's part of the manual: a step and its arguments.
func walletCommand(ts *testscript.TestScript, neg bool, args []string) {
	steps := map[string]func(require.TestingT, *wallet, []string){
		"is-turned-away": isTurnedAway, "opens": opens, "is-asked-for-customers": isAskedForCustomers, "registers": registers,
		"is-asked-for": isAskedFor, "completes": completes, "corrects": corrects, "paid-each-once": paidEachOnce,
	}
	w, ok := ts.Value(walletKey{}).(*wallet)
	if neg || !ok || len(args) == 0 || steps[args[0]] == nil {
		ts.Fatalf("no such step: %v", args)
	}
	w.folder = ts.MkAbs(".")
	ts.Logf("the wallet %s", strings.Join(args, " "))
	steps[args[0]](scriptT{ts}, w, args[1:])
}
