package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/worker"
)

const ttl = 30 * time.Second

// table keeps one lease as the database would.
type table struct {
	mu      sync.Mutex
	owner   string
	fence   int64
	until   time.Time
	asked   []time.Time
	release []int64
	fail    func(owner string) error // asked before every grant, unless nil
	hang    bool                     // the database does not answer before the context ends
}

func (l *table) AcquireLease(ctx context.Context, _, owner string, ttl time.Duration) (int64, bool, error) {
	if l.begin(owner) {
		<-ctx.Done()
		return 0, false, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		if err := l.fail(owner); err != nil {
			return 0, false, err
		}
	}
	free := l.owner == "" || !time.Now().Before(l.until)
	if !free && l.owner != owner {
		return 0, false, nil
	}
	if free {
		l.fence++
	}
	l.owner, l.until = owner, time.Now().Add(ttl)
	return l.fence, true, nil
}

func (l *table) begin(string) (hang bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, time.Now())
	return l.hang
}

func (l *table) ReleaseLease(ctx context.Context, _, owner string, fence int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.release = append(l.release, fence)
	if l.owner == owner && l.fence == fence {
		l.owner = ""
	}
	return nil
}

func (l *table) change(to func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to()
}

// steal hands the lease to somebody else, as an operator or a restored database might.
func (l *table) steal(until time.Duration) {
	l.change(func() {
		l.owner, l.until = "thief", time.Now().Add(until)
		l.fence++
	})
}

func hold(t *testing.T, ctx context.Context, l worker.Leaser, run func(context.Context, int64) error) <-chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour) // of the bubble's clock: a test that hangs fails instead
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		defer cancel()
		ended <- worker.Hold(ctx, l, "watch", "me", ttl, slog.New(slog.DiscardHandler), run)
	}()
	return ended
}

func TestHold_runs_with_the_fence_and_gives_the_lease_back_at_the_end(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &table{fence: 41}
		ended := hold(t, t.Context(), l, func(_ context.Context, fence int64) error {
			require.Equal(t, int64(42), fence)
			return errAway
		})
		require.ErrorIs(t, <-ended, errAway)
		require.Equal(t, []int64{42}, l.release)
		require.Empty(t, l.owner)
	})
}

func TestHold_renews_at_a_third_for_as_long_as_the_work_takes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, begin := &table{}, time.Now()
		ended := hold(t, t.Context(), l, func(ctx context.Context, _ int64) error {
			<-time.After(10*ttl + ttl/6)
			return ctx.Err()
		})
		require.NoError(t, <-ended)
		require.Len(t, l.asked, 31)
		for i, asked := range l.asked {
			require.Equal(t, time.Duration(i)*ttl/3, asked.Sub(begin))
		}
		require.Equal(t, []int64{1}, l.release)
	})
}

func TestHold_stands_by_until_the_other_one_is_gone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, begin := &table{owner: "other", fence: 7, until: time.Now().Add(time.Hour)}, time.Now()
		ended := hold(t, t.Context(), l, func(_ context.Context, fence int64) error {
			require.Equal(t, int64(8), fence)
			return nil
		})
		require.NoError(t, <-ended)
		waited := time.Since(begin)
		require.GreaterOrEqual(t, waited, time.Hour)
		require.LessOrEqual(t, waited, time.Hour+ttl/2)
	})
}

func TestHold_ends_the_work_when_somebody_else_has_the_lease_and_then_stands_by_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, begin := &table{}, time.Now()
		var fences []int64
		ended := hold(t, t.Context(), l, func(ctx context.Context, fence int64) error {
			if fences = append(fences, fence); len(fences) == 2 {
				return nil
			}
			l.steal(5 * time.Minute)
			<-ctx.Done()
			require.Equal(t, ttl/3, time.Since(begin), "noticed at the first renewal")
			require.ErrorIs(t, context.Cause(ctx), worker.ErrLeaseLost)
			require.NoError(t, t.Context().Err())
			return ctx.Err()
		})
		require.NoError(t, <-ended)
		require.Equal(t, []int64{1, 3}, fences)
		require.Equal(t, []int64{3}, l.release, "what is lost is not given back")
		require.GreaterOrEqual(t, time.Since(begin), 5*time.Minute)
	})
}

func TestHold_takes_a_new_fence_for_a_loss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &table{}
		var fences []int64
		ended := hold(t, t.Context(), l, func(ctx context.Context, fence int64) error {
			if fences = append(fences, fence); len(fences) == 2 {
				return nil
			}
			l.steal(0) // lost and free again before the next renewal
			<-ctx.Done()
			return context.Cause(ctx)
		})
		require.NoError(t, <-ended)
		require.Equal(t, []int64{1, 3}, fences)
	})
}

func TestHold_ends_the_work_before_a_lease_that_cannot_be_renewed_runs_out(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*table){
		"because the database answers errors": func(l *table) { l.fail = func(string) error { return errAway } },
		"because the database is silent":      func(l *table) { l.hang = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, begin := &table{}, time.Now()
				runs := 0
				ended := hold(t, t.Context(), l, func(ctx context.Context, _ int64) error {
					if runs++; runs == 2 {
						return nil
					}
					l.change(func() { spoil(l) })
					<-ctx.Done()
					require.Equal(t, ttl*2/3, time.Since(begin))
					require.ErrorIs(t, context.Cause(ctx), worker.ErrLeaseLost)
					l.change(func() {
						require.Greater(t, len(l.asked), 2, "it was tried more than once")
						l.fail, l.hang = nil, false
					})
					return ctx.Err()
				})
				require.NoError(t, <-ended)
				require.Equal(t, 2, runs)
			})
		})
	}
}

func TestHold_ends_the_work_in_time_even_if_the_leaser_ignores_its_context(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, begin, release := &table{}, time.Now(), make(chan struct{})
		deaf := deafLeaser{table: l, release: release}
		runs := 0
		ended := hold(t, t.Context(), deaf, func(ctx context.Context, _ int64) error {
			if runs++; runs == 2 {
				return nil
			}
			<-ctx.Done()
			require.Equal(t, ttl*2/3, time.Since(begin))
			close(release)
			return ctx.Err()
		})
		require.NoError(t, <-ended)
		require.Equal(t, 2, runs)
	})
}

type deafLeaser struct {
	*table
	release chan struct{}
}

func (d deafLeaser) AcquireLease(ctx context.Context, name, owner string, ttl time.Duration) (int64, bool, error) {
	var first bool
	d.change(func() { first = len(d.asked) == 0 })
	if !first {
		<-d.release
	}
	return d.table.AcquireLease(ctx, name, owner, ttl)
}

func TestHold_survives_a_short_trouble_of_the_database(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, failures := &table{}, 0
		l.fail = func(string) error {
			if len(l.asked) > 1 && failures < 3 {
				failures++
				return errAway
			}
			return nil
		}
		ended := hold(t, t.Context(), l, func(ctx context.Context, _ int64) error {
			<-time.After(3 * ttl)
			return ctx.Err()
		})
		require.NoError(t, <-ended)
		require.Equal(t, 3, failures)
		require.Equal(t, int64(1), l.fence)
	})
}

func TestHold_ends_cleanly_when_it_is_stopped(t *testing.T) {
	t.Parallel()
	t.Run("while standing by", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			l := &table{owner: "other", until: time.Now().Add(time.Hour)}
			ended := hold(t, ctx, l, nil)
			synctest.Wait()
			stop()
			require.NoError(t, <-ended)
			require.Empty(t, l.release)
		})
	})
	t.Run("while working, and keeps the lease until the work has ended", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			l := &table{}
			ended := hold(t, ctx, l, func(ctx context.Context, _ int64) error {
				stop()
				<-ctx.Done()
				<-time.After(2 * ttl)
				l.change(func() {
					require.Equal(t, "me", l.owner)
					require.True(t, time.Now().Before(l.until))
				})
				return ctx.Err()
			})
			require.NoError(t, <-ended)
			require.Equal(t, []int64{1}, l.release, "given back although the context had ended")
			require.Empty(t, l.owner)
		})
	})
	t.Run("while working, with an error of its own", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			ended := hold(t, ctx, &table{}, func(context.Context, int64) error {
				stop()
				return errAway
			})
			require.ErrorIs(t, <-ended, errAway)
		})
	})
	t.Run("before it was given the lease it asked for", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			l := &table{fail: func(string) error { stop(); return nil }}
			ended := hold(t, ctx, l, func(context.Context, int64) error { return errors.New("begun after the stop") })
			require.NoError(t, <-ended)
			require.Equal(t, []int64{1}, l.release)
		})
	})
}

func TestHold_does_not_stand_by_again_after_a_fatal_error(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &table{}
		ended := hold(t, t.Context(), l, func(ctx context.Context, _ int64) error {
			l.steal(time.Hour)
			<-ctx.Done()
			return worker.Fatal{Err: errAway}
		})
		require.ErrorIs(t, <-ended, errAway)
	})
}

func TestHold_never_lets_two_work_at_once_whatever_the_database_does(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			l := &table{}
			l.fail = func(string) error {
				if random.IntN(100) < 60 {
					return errAway
				}
				return nil
			}
			var working, terms atomic.Int32
			var all sync.WaitGroup
			ctx, stop := context.WithTimeout(t.Context(), 6*time.Hour)
			defer stop()
			for _, owner := range []string{"a", "b", "c"} {
				all.Go(func() {
					require.NoError(t, worker.Hold(ctx, l, "watch", owner, ttl, nil, func(ctx context.Context, _ int64) error {
						terms.Add(1)
						require.Equal(t, int32(1), working.Add(1))
						defer working.Add(-1)
						<-ctx.Done()
						return ctx.Err()
					}))
				})
			}
			all.Wait()
			require.Greater(t, terms.Load(), int32(10), "the lease changed hands")
		})
	}
}
