package anchortest_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder is a testing.TB that keeps what is reported instead of failing.
type recorder struct {
	testing.TB
	real testing.TB

	mu       sync.Mutex
	faults   []string
	cleanups []func()
}

func record(t testing.TB) *recorder { return &recorder{real: t} }

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.real.Context() }
func (r *recorder) Logf(string, ...any)      {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.faults) > 0
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) TempDir() string   { return r.real.TempDir() }
func (r *recorder) Output() io.Writer { return io.Discard }
func (r *recorder) Cleanup(do func()) { r.cleanups = append(r.cleanups, do) }

// cleanUp ends what was left to the end of the test.
func (r *recorder) cleanUp() {
	for _, do := range slices.Backward(r.cleanups) {
		do()
	}
}

// broken are the names of the rules that were reported broken, each once.
func (r *recorder) broken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, fault := range r.faults {
		name, _, _ := strings.Cut(strings.TrimPrefix(fault, `broken rule "`), `"`)
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.faults, "\n")
}
