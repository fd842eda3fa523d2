package payouts

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// awaiting is a pass with so many calls in flight.
func awaiting(calls int) *pass {
	p := &pass{answers: make(chan answer, 2*settleMost), gathering: make(chan struct{}, 1), changed: make(chan struct{}, 1), calling: calls}
	p.coming.Store(int64(calls))
	return p
}

// answered ends one of the calls.
func (p *pass) answered(key string) {
	p.answers <- answer{key: anchor.PayoutKey(key)}
	p.count(-1, 1)
}

func TestAnswers_that_come_within_a_moment_are_stored_together(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := awaiting(3), time.Now()
		p.answered("a")
		time.AfterFunc(moment/2, func() { p.answered("b"); p.answered("c") })
		require.Len(t, p.gather(), 3)
		require.Equal(t, moment/2, time.Since(began), "nothing is waited for when no call is in flight")
	})
}

func TestAnswers_do_not_wait_for_a_call_that_lasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := awaiting(2), time.Now()
		p.answered("a")
		require.Len(t, p.gather(), 1)
		require.Equal(t, moment, time.Since(began))
		p.answered("b")
		require.Len(t, p.gather(), 1)
		require.Equal(t, moment, time.Since(began), "the last one waits for nobody")
	})
}

func TestNo_more_answers_are_stored_together_than_the_bound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := awaiting(settleMost + 3)
		for range settleMost + 3 {
			p.answered("a")
		}
		close(p.answers)
		for _, want := range []int{settleMost, 3, 0} {
			require.Len(t, p.gather(), want)
		}
	})
}

func TestTwo_settlers_do_not_share_what_one_can_store(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, groups := awaiting(4), make(chan int, 2)
		for range 2 {
			go func() { groups <- len(p.gather()) }()
		}
		for range 4 {
			p.answered("a")
			synctest.Wait() // until it was taken
		}
		require.Equal(t, 4, <-groups)
		close(p.answers)
		require.Zero(t, <-groups)
	})
}

func TestA_claim_takes_the_slots_of_all_calls_that_end_within_a_moment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := awaiting(2), time.Now()
		time.AfterFunc(moment/4, func() { p.answered("a") })
		time.AfterFunc(moment/2, func() { p.answered("b") })
		require.True(t, p.collect(t.Context()))
		require.Equal(t, moment/2, time.Since(began))

		p = awaiting(1)
		require.True(t, p.collect(t.Context()))
		require.Equal(t, moment*3/2, time.Since(began), "a call that lasts keeps no slot from being used")
	})
}
