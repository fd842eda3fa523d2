package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// queues opens one file twice, as two processes do, and gives the write queue of each.
func queues(t *testing.T) (one, two engine) {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "anchor.db")
	open := func() engine {
		db, err := OpenUnchecked(t.Context(), Options{URL: url, Unsafe: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db.engine
	}
	return open(), open()
}

// patience is long enough to have come to wait for a lock.
const patience = 20 * time.Millisecond

func lockWithin(e engine, d time.Duration) (func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return e.lock(ctx)
}

func TestThe_write_queue_admits_one_of_several_processes(t *testing.T) {
	t.Parallel()
	one, two := queues(t)
	release, err := one.lock(t.Context())
	require.NoError(t, err)
	_, err = lockWithin(two, patience)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = lockWithin(one, patience)
	require.ErrorIs(t, err, context.DeadlineExceeded, "nor another goroutine of the same process")
	release()
	release()
	release, err = two.lock(t.Context())
	require.NoError(t, err)
	release()
}

func TestA_writer_that_gave_up_waiting_takes_nothing_from_the_next_one(t *testing.T) {
	t.Parallel()
	one, two := queues(t)
	for range 10 {
		releaseOne, err := one.lock(t.Context())
		require.NoError(t, err)
		_, err = lockWithin(two, patience)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		next := make(chan func(), 1)
		failed := make(chan error, 1)
		go func() {
			release, err := two.lock(context.Background())
			failed <- err
			next <- release
		}()
		releaseOne()
		require.NoError(t, <-failed)
		releaseTwo := <-next
		_, err = lockWithin(one, patience)
		require.ErrorIs(t, err, context.DeadlineExceeded, "while one writes nobody else does")
		releaseTwo()
		// The one that gave up last holds its process' turn until it has got the lock and given it back.
		releaseOne, err = one.lock(t.Context())
		require.NoError(t, err)
		releaseOne()
	}
}
