package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stopWithin is how long a process may take to end after SIGTERM: the machine may be busy, but what is under way must not have to
// be cut off, which happens after 30 s (ANCHOR_STOP_TIMEOUT).
const stopWithin = 20 * time.Second

// process is one running anchor.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	held *os.File      // its lifeline
	done chan struct{} // closed when it has ended

	mu       sync.Mutex
	expected bool // its end is
}

// launch says how to start a process.
type launch struct {
	program string // its path; empty: the anchor itself
	name    string // of the process in failures and of its log
	dir     string // its working directory, where its log is as well
	env     []string
	args    []string
}

// start starts a process. It is stopped when the test ends and must then end well; so must it not end by itself. What it
// logged is shown when the test fails.
func start(t *testing.T, l launch) *process {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(l.dir, l.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = log.Close() }() // the process has its own
	end, held, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = end.Close() }()

	cmd := exec.Command(cmp.Or(l.program, "anchor"), l.args...)
	cmd.Dir, cmd.Env = l.dir, append(l.env, lifeline+"=3")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{end}
	p := &process{t: t, name: l.name, cmd: cmd, held: held, done: make(chan struct{})}
	require.NoError(t, cmd.Start(), l.name)
	t.Cleanup(func() { p.stop() })
	go p.await()
	return p
}

func (p *process) await() {
	defer close(p.done)
	err := p.cmd.Wait()
	_ = p.held.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.expected {
		p.t.Errorf("%s ended by itself: %v", p.name, err)
	}
}

// expect says that the process will end now; false if it has ended already.
func (p *process) expect() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = true
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		require.NoError(p.t, err, p.name)
	}
}

// ended waits for the end and returns the exit code; -1 if a signal ended it.
func (p *process) ended(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.t.Errorf("%s did not end within %v", p.name, within)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks for a clean end and waits for it. It does nothing to a process that has ended.
func (p *process) stop() {
	p.t.Helper()
	if !p.expect() {
		return
	}
	p.signal(syscall.SIGTERM)
	if code := p.ended(stopWithin); code != 0 {
		p.t.Errorf("%s ended with exit code %d after SIGTERM", p.name, code)
	}
}

// kill ends the process without warning.
func (p *process) kill() {
	p.t.Helper()
	p.expect()
	p.signal(syscall.SIGKILL)
	p.ended(stopWithin)
}

// result is what a command that ran to its end left behind.
type result struct {
	code        int
	out, errors string
}

// run runs a command to its end.
func run(t *testing.T, l launch) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "anchor", l.args...)
	var out, complaints bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.dir, l.env, &out, &complaints
	err := cmd.Run()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		require.NoError(t, err, strings.Join(l.args, " "))
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), complaints.String()}
}

// showLogs prints the ends of all logs in a folder when the test has failed.
func showLogs(t *testing.T, dir string) {
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		logs, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
		if err != nil {
			t.Error(err)
		}
		for _, log := range logs {
			raw, err := os.ReadFile(log)
			t.Logf("%s (%v):\n%s", filepath.Base(log), err, lastLines(string(raw), 60))
		}
	})
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n-1):], "")
}
