package worker_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/worker"
)

func TestLife_ends_softly_at_the_first_signal_and_hard_when_the_bound_has_passed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan os.Signal, 2)
		life, end := worker.NewLife(t.Context(), stop, 30*time.Second)
		defer end()
		require.NoError(t, life.Soft.Err())

		begin := time.Now()
		stop <- syscall.SIGTERM
		<-life.Soft.Done()
		require.Zero(t, time.Since(begin))
		require.ErrorIs(t, context.Cause(life.Soft), worker.ErrStop)
		require.ErrorContains(t, context.Cause(life.Soft), "terminated")
		synctest.Wait()
		require.NoError(t, life.Hard.Err())

		<-life.Hard.Done()
		require.Equal(t, 30*time.Second, time.Since(begin))
		require.ErrorIs(t, context.Cause(life.Hard), worker.ErrStopBound)
	})
}

func TestLife_ends_hard_at_the_second_signal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan os.Signal, 2)
		life, end := worker.NewLife(t.Context(), stop, time.Hour)
		defer end()
		begin := time.Now()
		stop <- os.Interrupt
		stop <- os.Interrupt
		<-life.Hard.Done()
		require.Zero(t, time.Since(begin))
		require.ErrorIs(t, context.Cause(life.Hard), worker.ErrStopAtOnce)
		require.ErrorIs(t, context.Cause(life.Soft), worker.ErrStop)
	})
}

func TestLife_ends_with_its_parent_or_when_the_work_is_over(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		life, end := worker.NewLife(parent, make(chan os.Signal), time.Hour)
		cancel()
		<-life.Hard.Done()
		<-life.Soft.Done()
		end()

		life, end = worker.NewLife(t.Context(), nil, time.Hour)
		require.NoError(t, life.Hard.Err())
		end()
		end()
		require.ErrorIs(t, life.Soft.Err(), context.Canceled)
		require.ErrorIs(t, life.Hard.Err(), context.Canceled)
	})
}
