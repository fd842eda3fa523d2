package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
)

// Setup makes the values that a business plugs in. It runs once, in every command that serves, executes or polls; nil, or
// fields left nil, mean what anchor.yaml declares.
type Setup func(ctx context.Context, h anchor.Host) (anchor.Business, error)

// Exit codes of every command.
const (
	ExitOK       = 0 // done, or nothing to do, or ended by a signal
	ExitFailed   = 1 // it could not be done; the text says why
	ExitUsage    = 2 // unknown command or flag, or a wrong argument
	ExitSettings = 3 // settings are missing or wrong; each is named with its mend
	ExitDrift    = 4 // 'reconcile' only: books and ledger do not agree; what it found is listed
)

// Main runs the command that the process was started with and exits with its code.
func Main(setup Setup) {
	sparePauses()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(Run(context.Background(), Process{
		Name: filepath.Base(os.Args[0]), Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals, Setup: setup,
	}))
}

// sparePauses lets the collector run less often than it would for so small a heap, within a limit that keeps every role small.
// GOGC and GOMEMLIMIT, where they are set, count instead.
func sparePauses() {
	const percent, limit = 400, 40 << 20
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// Process is what a command knows of the process it runs in.
type Process struct {
	Name           string // of the program, for its help; empty: anchor
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Signals        <-chan os.Signal // the first asks for a clean end, the second ends at once
	Environ        []string         // NAME=value; nil: that of the process
	Dir            string           // where anchor.yaml, .env and relative paths are; empty: the working directory
	Setup          Setup
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, p Process) int {
	root := rootCommand(&p)
	args := slices.Clone(p.Args)
	if len(args) > 0 {
		args[0] = polarisName(args[0])
	}
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	var usage usageError
	switch faults, isSettings := errors.AsType[config.Faults](err); {
	case errors.As(err, &usage):
		fmt.Fprintf(p.Stderr, "%s: %v\nSee '%s --help'.\n", command.CommandPath(), err, command.CommandPath())
		return ExitUsage
	case isSettings:
		fmt.Fprintf(p.Stderr, "%s: settings are missing or wrong\n%v\n", command.CommandPath(), faults)
		return ExitSettings
	case errors.Is(err, errDrift):
		fmt.Fprintf(p.Stderr, "%s: %v\n", command.CommandPath(), err)
		return ExitDrift
	default:
		fmt.Fprintf(p.Stderr, "%s: %v\n", command.CommandPath(), err)
		return ExitFailed
	}
}

// usageError is a mistake in how the command was called.
type usageError struct{ err error }

func (u usageError) Error() string { return u.err.Error() }
func (u usageError) Unwrap() error { return u.err }

// noArguments refuses arguments as a mistake of usage.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// arguments demands exactly n arguments.
func arguments(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%d arguments are needed, %d were given: %s", n, len(args), c.UseLine())}
		}
		return nil
	}
}
