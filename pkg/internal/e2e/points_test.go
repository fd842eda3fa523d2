package e2e

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/cli"
	"github.com/anchorkit/anchor/pkg/internal/app"
)

// Variables of an anchor that tests of crashes start. They mean something to this test binary only.
const (
	pointsFile = "E2E_POINTS" // the file to which the points that the process passes are appended
	deathPoint = "E2E_DEATH"  // the points, one a line, at the first of which it kills itself; none: nowhere
)

// refusingRail is the name of the rail that sends everything back.
const refusingRail = "refusing"

// runWithPoints is cli.Main but for the points at which the process may be killed.
func runWithPoints(file string) {
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p := &points{file: log, deaths: strings.Split(os.Getenv(deathPoint), "\n"), passed: map[string]int{}}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(cli.Run(app.WithHooks(context.Background(), p.hooks()), cli.Process{
		Name: filepath.Base(os.Args[0]), Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
		Setup: p.setup,
	}))
}

// points are the places in a process' life where its end leaves something half done. Each has a name, and each passing of it
// a number.
type points struct {
	mu     sync.Mutex
	file   *os.File
	deaths []string
	passed map[string]int
}

func (p *points) pass(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed[name]++
	numbered := fmt.Sprintf("%s #%d", name, p.passed[name])
	_, _ = fmt.Fprintln(p.file, numbered) // who reads it finds out
	if slices.Contains(p.deaths, numbered) {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // until it takes effect
	}
}

func (p *points) hooks() app.Hooks {
	return app.Hooks{
		Commit: func(done bool) { p.pass(moment(done) + " the commit of " + committer()) },
		Submit: func(done bool) { p.pass(moment(done) + " the submission of an envelope") },
	}
}

func moment(done bool) string {
	if done {
		return "after"
	}
	return "before"
}

// committer names the function whose database transaction is being committed.
func committer() string {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		name := closure.ReplaceAllString(frame.Function[strings.LastIndexByte(frame.Function, '/')+1:], "")
		if !more || name != "store.(*DB).once" && name != "store.(*DB).Tx" && !strings.HasPrefix(name, "e2e.") {
			return name
		}
	}
}

// closure is how the runtime calls the functions within a function.
var closure = regexp.MustCompile(`(\.func\d+(\.\d+)*|-fm|\[\.\.\.\])+$`)

// setup puts points around every call of a rail, and has the one with that name refuse.
func (p *points) setup(_ context.Context, h anchor.Host) (anchor.Business, error) {
	own := anchor.Business{Rails: map[string]anchor.Rail{}}
	for name, rail := range h.Default.Rails {
		if name == refusingRail {
			rail.Rails = refusing{}
		}
		rail.Rails = pointedRails{rail.Rails, p}
		if rail.Batch != nil {
			rail.Batch = pointedBatches{rail.Batch, p}
		}
		own.Rails[name] = rail
	}
	return own, nil
}

type pointedRails struct {
	anchor.Rails
	points *points
}

func (r pointedRails) ExecuteOutgoing(ctx context.Context, payout anchor.Payout) (anchor.Outcome, error) {
	r.points.pass("before the payment by a rail")
	defer r.points.pass("after the payment by a rail")
	return r.Rails.ExecuteOutgoing(ctx, payout)
}

func (r pointedRails) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	r.points.pass("before asking a rail")
	defer r.points.pass("after asking a rail")
	return r.Rails.PollOutgoing(ctx, open)
}

type pointedBatches struct {
	anchor.BatchRails
	points *points
}

func (r pointedBatches) ExecuteBatch(ctx context.Context, batch anchor.Batch) (anchor.BatchTaken, error) {
	r.points.pass("before handing over a batch")
	taken, err := r.BatchRails.ExecuteBatch(ctx, batch)
	if err != nil {
		r.points.pass("after failing to hand over a batch")
		return taken, err
	}
	r.points.pass("after handing over a batch")
	return taken, nil
}

// refusing is a bank that can pay nobody.
type refusing struct{}

func (refusing) ExecuteOutgoing(context.Context, anchor.Payout) (anchor.Outcome, error) {
	return anchor.Refund("the recipient is not served"), nil
}

func (refusing) PollOutgoing(_ context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	said := map[anchor.PayoutKey]anchor.Outcome{}
	for _, p := range open {
		said[p.Key] = anchor.Refund("the recipient is not served")
	}
	return said, nil
}
