package bench_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
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

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
)

// settings of an anchor that asks for little and whose bank pays after a moment, so that poll-outgoing has work.
const settings = `
customers:
  types:
    - name: sep31-sender
      side: sender
      description: the person who sends
      accept: automatic
      fields: [{name: first_name, description: given name}, {name: last_name, description: family name}]
    - name: sep31-receiver
      side: receiver
      description: the person who receives
      accept: automatic
      fields: [{name: first_name, description: given name}, {name: bank_account_number, description: account}]
rails:
  - {name: bank, kind: simulated, outcome: accepted, after: 500ms, file: bank.jsonl}
funding_methods:
  - {name: SEPA, rail: bank}
`

// site is an anchor as it is installed: the built binary, a folder, an environment and a database.
type site struct {
	binary, dir, home string
	environ           []string
	chain             chain
}

func newSite(b *testing.B, databaseURL string) *site { return newSiteOf(b, databaseURL, settings) }

// newSiteOf is newSite with an anchor.yaml of its own.
func newSiteOf(b *testing.B, databaseURL, settings string) *site {
	c := newChain(b)
	c.keepClosing(b, 200*time.Millisecond)
	s := &site{dir: b.TempDir(), home: "http://" + freeAddress(b), chain: c}
	s.binary = build(b)
	require.NoError(b, os.WriteFile(filepath.Join(s.dir, "anchor.yaml"), []byte(settings), 0o600))
	s.environ = []string{
		"LOCAL_MODE=1", "HOST_URL=" + s.home, "HORIZON_URI=" + c.url, "STELLAR_NETWORK_PASSPHRASE=" + passphrase,
		"DATABASE_URL=" + databaseURL, "SIGNING_SEED=" + keypair.MustRandom().Seed(), "SERVER_JWT_KEY=" + secret(),
		"ANCHOR_MASTER_KEYS=bench:" + secret(),
		// One address asks for everything here.
		"ANCHOR_LIMIT_REQUESTS_PER_ADDRESS=0", "ANCHOR_LIMIT_LOGINS_PER_ADDRESS=0", "ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS=0",
		"ANCHOR_LIMIT_REQUESTS_PER_ACCOUNT=0", "ANCHOR_LIMIT_CUSTOMERS_PER_ACCOUNT=0",
	}
	s.run(b, "migrate")
	s.run(b, "create-asset", assetCode, "--issue", "--funding-method", method)
	return s
}

// build makes the binary as `make build` does.
func build(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "anchor")
	command := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", path, "github.com/anchorkit/anchor/cmd/anchor")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := command.CombinedOutput()
	require.NoError(b, err, string(said))
	return path
}

func secret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw)
}

// freeAddress is one of this machine that nobody listens on.
func freeAddress(b *testing.B) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer func() { require.NoError(b, listener.Close()) }()
	return listener.Addr().String()
}

// issuer is the key of the asset's issuer, which create-asset has left in the folder.
func (s *site) issuer(b *testing.B) *keypair.Full {
	raw, err := os.ReadFile(filepath.Join(s.dir, assetCode+"-issuer.seed"))
	require.NoError(b, err)
	key, err := keypair.ParseFull(strings.TrimSpace(string(raw)))
	require.NoError(b, err)
	return key
}

func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.binary, args...)
	c.Dir, c.Env = s.dir, s.environ
	return c
}

// run runs a command to its end.
func (s *site) run(b *testing.B, args ...string) {
	said, err := s.command(b.Context(), args...).CombinedOutput()
	require.NoError(b, err, "anchor %v\n%s", args, said)
}

// process is one role at work.
type process struct {
	role    string
	command *exec.Cmd
	began   time.Time
	log     bytes.Buffer // to be read after its end only
	ended   chan error
}

// start starts a role, which is stopped when the benchmark ends unless it was before.
func (s *site) start(b *testing.B, args ...string) *process {
	p := &process{role: args[0], command: s.command(context.Background(), args...), ended: make(chan error, 1)}
	p.command.Stderr = &p.log
	p.began = time.Now()
	require.NoError(b, p.command.Start())
	go func() { p.ended <- p.command.Wait() }()
	b.Cleanup(func() { p.stop(b) })
	return p
}

// stop ends a role as systemd does and demands that it ends well.
func (p *process) stop(b *testing.B) {
	if p.command.Process == nil || p.ended == nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself: then Wait says why
	select {
	case err := <-p.ended:
		require.NoError(b, err, "anchor %s\n%s", p.role, p.log.String())
	case <-time.After(time.Minute):
		_ = p.command.Process.Kill()
		b.Errorf("anchor %s did not stop", p.role)
	}
	p.ended = nil
}

// ready waits for the first good answer and tells how long after the start of the process it came.
func (p *process) ready(b *testing.B, address string) time.Duration {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for time.Since(p.began) < time.Minute {
		if answer, err := client.Get(address); err == nil {
			took := time.Since(p.began)
			require.NoError(b, answer.Body.Close())
			if answer.StatusCode == http.StatusOK {
				return took
			}
		}
		select {
		case err := <-p.ended:
			p.ended = nil
			require.Failf(b, "it has ended", "anchor %s: %v\n%s", p.role, err, p.log.String())
		case <-tick.C:
		}
	}
	require.Failf(b, "it is not ready", "anchor %s", p.role)
	return 0
}

// memory is what the process holds in RAM now, and held at most, in MiB.
func (p *process) memory(b *testing.B) (now, most float64) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	require.NoError(b, err)
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "VmRSS:" && fields[0] != "VmHWM:" {
			continue
		}
		kib, err := strconv.ParseFloat(fields[1], 64)
		require.NoError(b, err)
		if fields[0] == "VmRSS:" {
			now = kib / 1024
		} else {
			most = kib / 1024
		}
	}
	return now, most
}
