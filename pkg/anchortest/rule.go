package anchortest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// rule is one promise that the anchor relies on, with what shows whether code keeps it.
type rule struct {
	name  string
	check func(t *report)
}

// follow checks rules one after the other, each as a subtest where t has those.
func follow(t testing.TB, rules []rule) {
	t.Helper()
	for _, r := range rules {
		if real, ok := t.(*testing.T); ok {
			real.Run(r.name, func(t *testing.T) { r.check(&report{TB: t, rule: r.name}) })
			continue
		}
		r.check(&report{TB: t, rule: r.name})
	}
}

// report is what a rule is checked with: it names the rule in whatever it reports.
type report struct {
	testing.TB
	rule string
}

// broken reports that the rule is broken; the check goes on.
func (r *report) broken(format string, args ...any) {
	r.Helper()
	r.Errorf("broken rule %q: %s", r.rule, fmt.Sprintf(format, args...))
}

// grace is how long a call may go on after its context has ended.
const grace = time.Second

// errNoResult means that a call panicked or did not end; it is reported already.
var errNoResult = errors.New("the call came to nothing")

// attempt makes a call of somebody else's code that must end, at the latest shortly after its context, and without a panic.
func attempt[T any](ctx context.Context, r *report, within time.Duration, name string, call func(context.Context) (T, error)) (T, error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	done := make(chan result[T], 1)
	go func() { done <- guarded(ctx, call) }()
	var got result[T]
	select {
	case got = <-done:
	case <-ctx.Done():
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case got = <-done:
		case <-timer.C:
			r.broken("%s did not end within %v of the end of its context", name, grace)
			return got.value, errNoResult
		}
	}
	if got.panicked != "" {
		r.broken("%s panicked: %s", name, got.panicked)
		return got.value, errNoResult
	}
	return got.value, got.err
}

// result is how a call ended.
type result[T any] struct {
	value    T
	err      error
	panicked string
}

func guarded[T any](ctx context.Context, call func(context.Context) (T, error)) (r result[T]) {
	defer func() {
		if value := recover(); value != nil {
			r.panicked = fmt.Sprintf("%v\n%s", value, debug.Stack())
		}
	}()
	r.value, r.err = call(ctx)
	return r
}

// shortest is how long a value must be, in bytes, before it is looked for in a text: shorter ones are found by chance.
const shortest = 6

// repeats tells which value of people a text has in it.
func repeats(text string, people []string) (string, bool) {
	for _, value := range people {
		if len(value) >= shortest && strings.Contains(text, value) {
			return value, true
		}
	}
	return "", false
}
