package httpserver

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bucket is the plain token bucket that paces stand for: it is filled little by little and forgets nobody.
type bucket struct {
	tokens float64
	at     time.Duration
}

func TestPaces_say_what_a_bucket_per_client_says_that_forgets_nobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 2, 5, 40, 200}).Draw(t, "rate")
		burst := float64(2 * rate)
		paces, buckets, now := newPaces[int](rate, mostClients), map[int]*bucket{}, time.Duration(0)
		for range rapid.IntRange(1, 150).Draw(t, "requests") {
			now += time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 5, 20, 200, 999, 1000, 2500}).Draw(t, "pause")) * time.Millisecond
			client := rapid.IntRange(0, 3).Draw(t, "client")
			b := buckets[client]
			if b == nil {
				b = &bucket{tokens: burst}
				buckets[client] = b
			}
			b.tokens, b.at = min(burst, b.tokens+(now-b.at).Seconds()*float64(rate)), now
			wait := paces.take(client, now)
			const dust = 1e-6 // of floating point
			if wait > 0 {
				require.Less(t, b.tokens, 1+dust, "refused without a reason")
				require.InDelta(t, (1-b.tokens)/float64(rate), wait.Seconds(), dust)
				continue
			}
			require.Greater(t, b.tokens, 1-dust, "let through beyond the rate")
			b.tokens--
		}
	})
}

func TestPaces_allow_a_burst_of_twice_the_rate_and_then_the_rate(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 3, 7, 40, 200, 10_000} {
		paces, now := newPaces[string](rate, mostClients), 5*time.Hour
		for range 2 * rate {
			require.Zero(t, paces.take("a", now))
		}
		require.Positive(t, paces.take("a", now))
		require.Zero(t, paces.take("b", now), "others are not touched")
		now += time.Second
		for range rate {
			require.Zero(t, paces.take("a", now))
		}
		require.Positive(t, paces.take("a", now))
	}
}

func TestPaces_allow_no_more_when_many_ask_at_the_same_moment(t *testing.T) {
	t.Parallel()
	const rate, askers = 100, 8
	paces := newPaces[string](rate, mostClients)
	var allowed atomic.Int64
	var group sync.WaitGroup
	for range askers {
		group.Go(func() {
			for range rate {
				if paces.take("a", 0) == 0 {
					allowed.Add(1)
				}
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 2*rate, allowed.Load())
}

func TestPaces_asking_again_and_again_does_not_prolong_the_wait(t *testing.T) {
	t.Parallel()
	paces, now := newPaces[string](1, mostClients), time.Duration(0)
	require.Zero(t, paces.take("a", now))
	require.Zero(t, paces.take("a", now))
	for range 1000 {
		require.Equal(t, time.Second-now, paces.take("a", now))
		now += time.Millisecond / 2
	}
	require.Zero(t, paces.take("a", time.Second))
}

func TestPaces_a_flood_of_clients_does_not_grow_the_memory_without_bound(t *testing.T) {
	t.Parallel()
	const most = 100
	paces, now := newPaces[int](10, most), time.Duration(0)
	for client := range 100_000 {
		now += time.Microsecond
		require.Zero(t, paces.take(client, now))
		require.LessOrEqual(t, len(paces.young), most)
		require.LessOrEqual(t, len(paces.old), most)
	}
}

func TestLimits_all_remember_a_bounded_number_of_clients(t *testing.T) {
	t.Parallel()
	l := newLimits(Limits{1, 1, 1, 1, 1}, clockOr(nil))
	for _, one := range l.addresses {
		require.Equal(t, mostClients, one.paces.most, one.name)
	}
	for _, one := range l.accounts {
		require.Equal(t, mostClients, one.paces.most, one.name)
	}
}

func TestPaces_a_flood_of_others_does_not_lend_a_client_more_while_they_fit(t *testing.T) {
	t.Parallel()
	const most = 1000
	paces, now := newPaces[string](1, most), time.Duration(0)
	require.Zero(t, paces.take("greedy", now))
	require.Zero(t, paces.take("greedy", now))
	for other := range 2*most - 2 {
		paces.take(fmt.Sprint(other), now)
	}
	require.Positive(t, paces.take("greedy", now))
}

func TestPaces_forget_who_has_gone(t *testing.T) {
	t.Parallel()
	paces, now := newPaces[int](10, mostClients), time.Duration(0)
	for client := range 10_000 {
		paces.take(client, now)
	}
	for range 3 {
		now += 2 * time.Second
		paces.take(-1, now)
	}
	require.Len(t, paces.young, 1)
	require.Len(t, paces.old, 1)
}

func TestPaces_no_rate_is_no_limit(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{0, -1} {
		paces := newPaces[string](rate, mostClients)
		for range 10_000 {
			require.Zero(t, paces.take("a", 0))
		}
	}
	huge := newPaces[string](1<<40, mostClients)
	require.Zero(t, huge.take("a", 0), "a rate beyond what a clock can tell apart")
}

func BenchmarkPaces(b *testing.B) {
	paces, now := newPaces[address](200, mostClients), time.Duration(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += 50 * time.Microsecond
		paces.take(address{byte(i), byte(i >> 8)}, now)
	}
}
