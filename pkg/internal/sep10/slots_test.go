package sep10

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOneSiteCannotTakeAllSlots(t *testing.T) {
	t.Parallel()
	s := newSlots(4, 2)
	var release []func()
	take := func(name string) bool {
		done, ok := s.take(siteOf(name), 0)
		if ok {
			release = append(release, done)
		}
		return ok
	}
	require.True(t, take("a.evil.example"))
	require.True(t, take("b.c.evil.example:8443"))
	require.False(t, take("d.evil.example"))
	require.False(t, take("evil.example:9000"))
	require.True(t, take("wallet.example"))
	require.True(t, take("8.8.8.8:1024"))
	require.False(t, take("other.example"), "there are four altogether")
	for _, done := range release {
		done()
	}
	release = nil
	require.Empty(t, s.sites, "nothing is remembered of whom nobody asks")
	require.True(t, take("8.8.8.8:1024"))
	require.True(t, take("8.8.8.8:1025"))
	require.False(t, take("8.8.8.8:1026"))
	require.True(t, take("8.8.4.4"))
}

func TestWhoeverWaitsForASlotGetsTheNextOne(t *testing.T) {
	t.Parallel()
	s := newSlots(1, 1)
	done, ok := s.take("a.example", 0)
	require.True(t, ok)
	got := make(chan bool)
	go func() {
		again, ok := s.take("b.example", time.Minute)
		if ok {
			again()
		}
		got <- ok
	}()
	done()
	require.True(t, <-got)
}
