package callbacks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestThe_default_attempts_are_spread_over_about_three_days(t *testing.T) {
	t.Parallel()
	s := New(nil, nil, nil, nil, Options{})
	var sum time.Duration
	for n := range int64(s.options.MaxAttempts - 1) {
		sum += s.pause(n + 1)
	}
	require.InDelta(t, 72, sum.Hours(), 15)
}

func TestA_pause_grows_up_to_its_limit(t *testing.T) {
	t.Parallel()
	s := New(nil, nil, nil, nil, Options{FirstWait: time.Second, MaxWait: 5 * time.Second, Spread: func(d time.Duration) time.Duration { return d }})
	var got []time.Duration
	for n := range int64(5) {
		got = append(got, s.pause(n+1))
	}
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}, got)
}

func TestThe_gate(t *testing.T) {
	t.Parallel()

	t.Run("bounds each receiver and all of them", func(t *testing.T) {
		t.Parallel()
		g := newGate(3, 2)
		require.True(t, g.enter("a"))
		require.True(t, g.enter("a"))
		require.False(t, g.enter("a"))
		require.True(t, g.enter("b"))
		require.True(t, g.full())
		require.False(t, g.enter("c"))
		g.leave("a", false)
		require.True(t, g.enter("c"))
	})

	t.Run("gives a poor receiver one message at a time until it is well again", func(t *testing.T) {
		t.Parallel()
		g := newGate(10, 5)
		require.True(t, g.enter("a"))
		g.leave("a", true)
		require.True(t, g.enter("a"))
		require.False(t, g.enter("a"))
		g.leave("a", false)
		require.True(t, g.enter("a"))
		require.True(t, g.enter("a"))
	})

	t.Run("keeps half of the room for receivers that are well", func(t *testing.T) {
		t.Parallel()
		g := newGate(4, 1)
		for _, host := range []string{"a", "b", "c"} {
			require.True(t, g.enter(host))
			g.leave(host, true)
		}
		require.True(t, g.enter("a"))
		require.True(t, g.enter("b"))
		require.False(t, g.enter("c"))
		require.True(t, g.enter("d"))
		g.leave("a", true)
		require.True(t, g.enter("c"))
	})

	t.Run("remembers nobody who is well and idle", func(t *testing.T) {
		t.Parallel()
		g := newGate(4, 1)
		require.True(t, g.enter("a"))
		g.leave("a", false)
		require.True(t, g.enter("b"))
		g.cancel("b")
		require.Empty(t, g.receivers)
	})
}

func TestPlaces_are_skipped_at_the_earliest(t *testing.T) {
	t.Parallel()
	p := picking{scan: &scan{skipped: map[string]store.CallbackPlace{}}}
	p.skip("a", store.CallbackPlace{NextUs: 5})
	p.skip("a", store.CallbackPlace{NextUs: 3, ID: "x"})
	p.skip("a", store.CallbackPlace{NextUs: 3, ID: "y"})
	require.Equal(t, store.CallbackPlace{NextUs: 3, ID: "x"}, p.scan.skipped["a"])
}
