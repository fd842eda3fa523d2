package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// eachTwice runs a test on every engine with a database that is open twice, as in two processes.
func eachTwice(t *testing.T, test func(t *testing.T, one, two *store.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := "sqlite:" + t.TempDir() + "/anchor.db"
		test(t, storetest.Open(t, url), storetest.Open(t, url))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := pgtest.URL(t)
		test(t, storetest.Open(t, url), storetest.Open(t, url))
	})
}

// within waits for a wake-up and tells whether it came.
func within(woken <-chan struct{}, d time.Duration) bool {
	select {
	case <-woken:
		return true
	case <-time.After(d):
		return false
	}
}

const (
	soon  = 20 * time.Second       // for what must come, on a machine that is busy
	quiet = 300 * time.Millisecond // for what must not come
)

func wakeBy(t *testing.T, db *store.DB, topic store.Topic) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		tx.Wake(topic)
		_, err := tx.AddReceivingAccount(ctx, store.NewID(), 1)
		return err
	}))
}

func TestA_commit_wakes_the_worker_of_another_process(t *testing.T) {
	t.Parallel()
	eachTwice(t, func(t *testing.T, one, two *store.DB) {
		woken := two.Wake(t.Context(), store.TopicReady)
		require.True(t, within(woken, soon), "beginning to listen is a reason to look")
		for range 3 {
			for within(woken, quiet) { // nothing is left of what came before
			}
			wakeBy(t, one, store.TopicReady)
			require.True(t, within(woken, soon))
		}
	})
}

func TestA_commit_that_concerns_nobody_who_waits_wakes_nobody_here(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t) // on SQLite every commit wakes everybody: the file tells that something changed, not what
	woken := db.Wake(t.Context(), store.TopicReady)
	require.True(t, within(woken, soon))
	wakeBy(t, db, store.TopicCallbacks)
	require.False(t, within(woken, quiet))
}

func TestA_Tx_that_fails_wakes_nobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		woken := db.Wake(t.Context(), store.TopicReady)
		require.True(t, within(woken, soon))
		for within(woken, quiet) {
		}
		require.ErrorIs(t, db.Tx(t.Context(), func(_ context.Context, tx *store.Tx) error {
			tx.Wake(store.TopicReady)
			return errOdd
		}), errOdd)
		require.False(t, within(woken, quiet))
	})
}

func TestMany_commits_are_told_to_a_worker_that_is_busy_as_one(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		woken := db.Wake(t.Context(), store.TopicReady)
		for range 50 {
			wakeBy(t, db, store.TopicReady)
		}
		require.True(t, within(woken, soon))
		wakes := 1
		for within(woken, quiet) {
			wakes++
		}
		require.Less(t, wakes, 25)
	})
}

func TestWaiting_ends_with_its_context_and_begins_anew(t *testing.T) {
	t.Parallel()
	eachTwice(t, func(t *testing.T, one, two *store.DB) {
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			two.Wake(ctx, store.TopicReady, store.TopicCallbacks)
			cancel()
		}
		woken := two.Wake(t.Context(), store.TopicReady, store.TopicCallbacks)
		for within(woken, quiet) {
		}
		wakeBy(t, one, store.TopicCallbacks)
		require.True(t, within(woken, soon))
	})
}

func TestReady_payouts_and_changed_statuses_wake_their_workers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		payouts, callbacks := db.Wake(t.Context(), store.TopicReady), db.Wake(t.Context(), store.TopicCallbacks)
		for within(payouts, quiet) || within(callbacks, quiet) {
		}
		told := b.draft()
		told.CallbackUrl = "https://sender.example/callback"
		b.funded(told, anchor.PayoutReady, anchor.WaitsForNothing)
		require.True(t, within(payouts, soon))
		require.True(t, within(callbacks, soon))
	})
}
