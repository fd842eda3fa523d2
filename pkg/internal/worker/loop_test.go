package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("the database is away")

// script is a pass that does what its steps say, then ends the loop.
type script struct {
	steps []func() (bool, error)
	at    []time.Duration // when each step ran, since the start
	start time.Time
	stop  context.CancelFunc
}

func play(t *testing.T, loop worker.Loop, steps ...func() (bool, error)) (*script, error) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := &script{steps: steps, start: time.Now(), stop: stop}
	err := loop.Run(ctx, s.pass)
	return s, err
}

func (s *script) pass(context.Context) (bool, error) {
	s.at = append(s.at, time.Since(s.start))
	step := s.steps[0]
	if s.steps = s.steps[1:]; len(s.steps) == 0 {
		s.stop()
	}
	return step()
}

func (s *script) waits() []time.Duration {
	waits := make([]time.Duration, 0, len(s.at))
	for i := 1; i < len(s.at); i++ {
		waits = append(waits, s.at[i]-s.at[i-1])
	}
	return waits
}

func worked() (bool, error) { return true, nil }
func idle() (bool, error)   { return false, nil }
func failed() (bool, error) { return false, errAway }

func TestLoop_runs_again_at_once_while_there_is_work_and_then_waits_its_interval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := play(t, worker.Loop{Interval: time.Minute}, worked, worked, idle, idle, worked, idle, idle)
		require.NoError(t, err)
		waits := s.waits()
		for _, i := range []int{0, 1, 4} {
			require.Zero(t, waits[i])
		}
		for _, i := range []int{2, 3, 5} {
			require.InDelta(t, time.Minute, waits[i], float64(6*time.Second))
		}
	})
}

func TestLoop_spreads_its_waits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		steps := make([]func() (bool, error), 50)
		for i := range steps {
			steps[i] = idle
		}
		s, err := play(t, worker.Loop{}, steps...)
		require.NoError(t, err)
		different := map[time.Duration]bool{}
		for _, wait := range s.waits() {
			require.InDelta(t, 30*time.Second, wait, float64(3*time.Second))
			different[wait] = true
		}
		require.Greater(t, len(different), 10)
	})
}

func TestLoop_is_woken_before_its_interval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		go func() {
			synctest.Wait() // the loop waits
			wake <- struct{}{}
		}()
		s, err := play(t, worker.Loop{Interval: time.Hour, Wake: wake}, idle, idle)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0}, s.waits())
	})
}

func TestLoop_falls_back_to_its_interval_when_nobody_wakes_it_any_more(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		close(wake)
		s, err := play(t, worker.Loop{Interval: time.Minute, Wake: wake}, idle, idle, idle)
		require.NoError(t, err)
		require.Zero(t, s.waits()[0])
		require.InDelta(t, time.Minute, s.waits()[1], float64(6*time.Second))
	})
}

func TestLoop_uses_the_clock_it_is_given(t *testing.T) {
	t.Parallel()
	var asked []time.Duration
	after := func(d time.Duration) <-chan time.Time {
		asked = append(asked, d)
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	_, err := play(t, worker.Loop{Interval: time.Hour, After: after}, idle, failed, idle)
	require.NoError(t, err)
	require.InDelta(t, time.Hour, asked[0], float64(6*time.Minute))
	require.Less(t, asked[1], time.Second)
}

func TestLoop_backs_off_after_errors_and_no_wake_up_shortens_that(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		steps := make([]func() (bool, error), 12)
		for i := range steps {
			steps[i] = func() (bool, error) {
				select {
				case wake <- struct{}{}:
				default:
				}
				return failed()
			}
		}
		s, err := play(t, worker.Loop{Wake: wake}, steps...)
		require.NoError(t, err)
		waits := s.waits()
		require.InDelta(t, 500*time.Millisecond, waits[0], float64(250*time.Millisecond))
		for i, wait := range waits {
			require.GreaterOrEqual(t, wait, 250*time.Millisecond, "wait %d", i)
			require.LessOrEqual(t, wait, 30*time.Second, "wait %d", i)
		}
		require.GreaterOrEqual(t, waits[10], 10*time.Second, "it has grown")
	})
}

func TestLoop_forgets_its_backoff_once_a_pass_works(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		loop := worker.Loop{Name: "pay", Log: slog.New(slog.NewTextHandler(&text, nil))}
		s, err := play(t, loop, failed, failed, failed, failed, failed, failed, worked, failed, idle)
		require.NoError(t, err)
		require.Less(t, s.waits()[7], time.Second)
		require.Equal(t, 7, strings.Count(text.String(), errAway.Error()), "each error is logged once")
		require.Contains(t, text.String(), `msg="pass works again" loop=pay failures=6`)
	})
}

func TestLoop_ends_with_a_fatal_error_only(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		fatal := func() (bool, error) { return false, fmt.Errorf("reading: %w", worker.Fatal{Err: errAway}) }
		loop := worker.Loop{Name: "watch", Log: slog.New(slog.NewTextHandler(&text, nil))}
		s, err := play(t, loop, worked, fatal, idle)
		require.ErrorIs(t, err, errAway)
		require.ErrorContains(t, err, "watch: reading")
		require.Len(t, s.at, 2)
		require.Empty(t, text.String(), "whoever receives the error tells it")
	})
}

func TestLoop_ends_cleanly_wherever_it_is_stopped(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]worker.Pass{
		"while it waits":       func(context.Context) (bool, error) { return false, nil },
		"while it backs off":   func(context.Context) (bool, error) { return false, errAway },
		"in the midst of work": func(ctx context.Context) (bool, error) { <-ctx.Done(); return true, nil },
		"by an error that follows from the stop": func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var text bytes.Buffer
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				log := slog.New(slog.NewTextHandler(&text, nil))
				go func() { ended <- worker.Loop{Interval: time.Hour, Log: log}.Run(ctx, pass) }()
				synctest.Wait()
				stop()
				synctest.Wait()
				require.NoError(t, <-ended)
				require.NotContains(t, text.String(), "canceled")
			})
		})
	}
}

func TestLoop_begins_nothing_after_a_stop(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	never := func(context.Context) (bool, error) {
		require.FailNow(t, "a pass was begun")
		return false, nil
	}
	require.NoError(t, worker.Loop{}.Run(ctx, never))
	require.NoError(t, worker.Once(ctx, never))
}

func TestOnce_goes_on_until_nothing_is_left(t *testing.T) {
	t.Parallel()
	left := 3
	require.NoError(t, worker.Once(t.Context(), func(context.Context) (bool, error) {
		left--
		return left > 0, nil
	}))
	require.Zero(t, left)

	require.ErrorIs(t, worker.Once(t.Context(), func(context.Context) (bool, error) { return failed() }), errAway)

	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, worker.Once(ctx, func(context.Context) (bool, error) {
		stop()
		return false, ctx.Err()
	}))
}
