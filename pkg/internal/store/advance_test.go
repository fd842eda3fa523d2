package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestAdvance_gives_each_version_once_to_many_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const workers, changes = 8, 12
		b := newBench(t, db)
		for _, locking := range []bool{true, false} {
			id := b.create(b.draft()).ID
			var versions [workers*changes + 2]atomic.Int32
			group, ctx := errgroup.WithContext(t.Context())
			for worker := range workers {
				group.Go(func() error {
					for range changes {
						var version int64
						err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
							t, err := readToAdvance(ctx, tx, id, locking)
							if err != nil {
								return err
							}
							t, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: fmt.Sprint(worker)})
							version = t.Version
							return err
						})
						if err != nil {
							return err
						}
						versions[version].Add(1)
					}
					return nil
				})
			}
			require.NoError(t, group.Wait())
			for version := 2; version < len(versions); version++ {
				require.EqualValues(t, 1, versions[version].Load(), "version %d", version)
			}
			b.requireHistory(id, workers*changes+1)
		}
	})
}

// readToAdvance reads a row with its lock, or as somebody who forgot to take it.
func readToAdvance(ctx context.Context, tx *store.Tx, id string, locking bool) (store.Transaction, error) {
	if locking {
		return tx.LockTransaction(ctx, id)
	}
	return tx.TransactionForTest(ctx, id)
}

// requireHistory checks that the events of a transaction are numbered without a gap and that each begins where the one
// before ended.
func (b *bench) requireHistory(id string, length int) {
	b.Helper()
	t := b.reload(id)
	history, err := b.db.History(b.Context(), store.SubjectTransaction, id)
	require.NoError(b, err)
	require.Len(b, history, length)
	require.EqualValues(b, length, t.Version)
	status := ""
	for i, event := range history {
		require.EqualValues(b, i+1, event.Seq)
		require.Equal(b, status, event.FromStatus)
		status = event.ToStatus
	}
	require.Equal(b, string(t.Status), status)
}

func TestAdvance_decides_by_the_transition_table_and_writes_nothing_else(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		before := b.create(b.draft())
		for _, cause := range []anchor.Cause{anchor.CausePayoutDelivered, anchor.CauseCreated, anchor.CauseReopened, "bribed"} {
			_, err := b.advance(before.ID, anchor.Change{Cause: cause, Actor: "test"}, nil)
			require.ErrorContains(t, err, string(cause))
		}
		require.Equal(t, before, b.reload(before.ID))
		b.requireHistory(before.ID, 1)
	})
}

func TestAdvance_of_a_row_that_changed_meanwhile_is_stale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		old := b.create(b.draft())
		b.happens(old.ID, anchor.CauseExpired, nil)
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Advance(ctx, old, anchor.Change{Cause: anchor.CauseFunded, Actor: "test"})
			cancel()
			return err
		})
		require.ErrorIs(t, err, store.ErrStale)
		require.Equal(t, anchor.StatusExpired, b.reload(old.ID).Status)
		b.requireHistory(old.ID, 2)
	})
}

func TestAdvance_tells_the_sending_anchor_of_changed_statuses_only(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		told, silent := b.draft(), b.draft()
		told.CallbackUrl = "https://sender.example/callback"
		told, silent = b.create(told), b.create(silent)
		var bodies []string
		for _, id := range []string{told.ID, silent.ID} {
			b.happens(id, anchor.CauseNoted, nil)
			b.happens(id, anchor.CausePartPaid, func(t *store.Transaction) { t.CreditedUnits = 1 })
			funded := b.happens(id, anchor.CauseFunded, func(t *store.Transaction) { t.CreditedUnits = t.ExpectedUnits })
			b.happens(id, anchor.CausePayoutFailed, nil)
			completed := b.happens(id, anchor.CausePayoutDelivered, nil)
			for _, after := range []store.Transaction{funded, completed} {
				body, err := store.CallbackBody(after)
				require.NoError(t, err)
				bodies = append(bodies, body)
			}
		}
		rows := b.rows("SELECT subject_id, seq, body, state, subscriber FROM callbacks ORDER BY seq")
		require.Equal(t, [][]string{
			{told.ID, "4", bodies[0], "pending", "owner"},
			{told.ID, "6", bodies[1], "pending", "owner"},
		}, rows, "the body is fixed with the change")
		require.Contains(t, bodies[1], `"status":"completed"`)
		b.requireHistory(told.ID, 6)
	})
}

func TestAdvance_sets_what_follows_from_a_status(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		created := b.create(b.draft())
		id := created.ID
		require.False(t, created.Funded)
		require.Equal(t, created.CreatedUs, created.StatusUs)

		noted := b.happens(id, anchor.CauseNoted, nil)
		require.Equal(t, created.StatusUs, noted.StatusUs, "a fact that is noted is no new status")
		require.Greater(t, noted.UpdatedUs, created.UpdatedUs)

		funded := b.happens(id, anchor.CauseFunded, func(t *store.Transaction) { t.CreditedUnits = t.ExpectedUnits })
		require.True(t, funded.Funded)
		require.Greater(t, funded.StatusUs, created.StatusUs)

		asked, err := b.advance(id, anchor.Change{Cause: anchor.CauseTransactionInfoNeeded, Actor: "bank", Message: new("wrong account")}, func(t *store.Transaction) {
			t.RequiredInfo, t.RequiredMessage = `{"transaction":{"account_number":{"description":"d"}}}`, "m"
		})
		require.NoError(t, err)
		require.Equal(t, "wrong account", asked.StatusMessage)
		required, err := asked.Required()
		require.NoError(t, err)
		require.Contains(t, required, "account_number")

		given := b.happens(id, anchor.CauseTransactionInfoGiven, nil)
		require.Empty(t, given.RequiredInfo+given.RequiredMessage, "what was asked for was given")
		require.Equal(t, "wrong account", given.StatusMessage, "a message stays until another one replaces it")

		completed := b.happens(id, anchor.CausePayoutDelivered, nil)
		require.Equal(t, completed.StatusUs, completed.CompletedUs)
		returned := b.happens(id, anchor.CausePayoutReturned, nil)
		require.Zero(t, returned.CompletedUs, "it is not completed any more")
		require.Equal(t, returned, b.reload(id), "what Advance gives is what it wrote")
	})
}

func TestEvents_hold_who_did_what_and_why(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		id := b.create(b.draft()).ID
		_, err := b.advance(id, anchor.Change{Cause: anchor.CauseGivenUp, Actor: "operator:ana", Reason: "asked for", Detail: `{"ticket":7}`}, nil)
		require.NoError(t, err)
		history, err := db.History(t.Context(), store.SubjectTransaction, id)
		require.NoError(t, err)
		last := history[len(history)-1]
		require.Equal(t, "given_up|operator:ana|asked for|{\"ticket\":7}|pending_sender|error",
			strings.Join([]string{last.Kind, last.Actor, last.Reason, last.Detail, last.FromStatus, last.ToStatus}, "|"))
		require.Equal(t, b.reload(id).UpdatedUs, last.AtUs)
	})
}

func TestCreateTransaction_gives_a_memo_to_one_transaction_for_ever(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		first := b.create(b.draft())
		b.happens(first.ID, anchor.CauseExpired, nil)
		second := b.draft()
		second.Memo = first.Memo
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CreateTransaction(ctx, second, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
			return err
		})
		require.ErrorIs(t, err, store.ErrExists)
		_, err = db.TransactionByID(t.Context(), second.ID)
		require.ErrorIs(t, err, store.ErrNotFound)

		second.Publish("hash", first.Memo.String)
		b.create(second) // the same text as a memo of another type is another memo
		for range 2 {    // several may wait for theirs
			withheld := b.draft()
			withheld.Memo.Valid = false
			b.create(withheld)
		}
	})
}

func TestCreateTransaction_begins_by_its_cause(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for cause, want := range map[anchor.Cause]anchor.Status{
			anchor.CauseCreated: anchor.StatusPendingSender, anchor.CauseRequested: anchor.StatusPendingReceiver,
		} {
			draft := b.draft()
			draft.Version, draft.Status = 9, anchor.StatusCompleted // not the caller's to say
			var created store.Transaction
			b.tx(func(ctx context.Context, tx *store.Tx) (err error) {
				created, err = tx.CreateTransaction(ctx, draft, anchor.Change{Cause: cause, Actor: "test"})
				return err
			})
			require.Equal(t, want, created.Status)
			require.EqualValues(t, 1, created.Version)
			require.Equal(t, created, b.reload(draft.ID))
			b.requireHistory(draft.ID, 1)
		}
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CreateTransaction(ctx, b.draft(), anchor.Change{Cause: anchor.CauseFunded, Actor: "test"})
			return err
		})
		require.ErrorContains(t, err, "funded")
	})
}
