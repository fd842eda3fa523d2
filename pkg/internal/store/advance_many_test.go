package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// several creates n transactions whose sending anchor wants to be told, in the order of their ids.
func (b *bench) several(n int) []store.Transaction {
	b.Helper()
	list := make([]store.Transaction, n)
	for i := range list {
		draft := b.draft()
		draft.CallbackUrl = "https://sender.example/callback"
		list[i] = b.create(draft)
	}
	slices.SortFunc(list, func(a, b store.Transaction) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func happened(t store.Transaction, causes ...anchor.Cause) store.Happening {
	h := store.Happening{Transaction: t}
	for _, cause := range causes {
		h.Changes = append(h.Changes, anchor.Change{Cause: cause, Actor: "test", Reason: "because of " + string(cause)})
	}
	return h
}

func (b *bench) advanceMany(list ...store.Happening) (after []store.Transaction, err error) {
	err = b.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		after, err = tx.AdvanceMany(ctx, list)
		return err
	})
	return after, err
}

// requireTold checks that the callbacks about a transaction are those of these versions, with the bodies of these rows.
func (b *bench) requireTold(id string, rows ...store.Transaction) {
	b.Helper()
	want := make([][]string, len(rows))
	for i, row := range rows {
		body, err := store.CallbackBody(row)
		require.NoError(b, err)
		want[i] = []string{fmt.Sprint(row.Version), body, "pending", "owner"}
	}
	require.ElementsMatch(b, want, b.rows("SELECT seq, body, state, subscriber FROM callbacks WHERE subject_id = $1", id))
}

func TestAdvanceMany_writes_what_happened_to_each_of_many_transactions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		var list []store.Happening
		causes := []anchor.Cause{anchor.CauseNoted, anchor.CauseFunded, anchor.CauseExpired}
		for i, one := range b.several(40) { // more than one statement takes on SQLite
			if cause := causes[i%3]; cause == anchor.CauseFunded {
				one.CreditedUnits = int64(i) + one.ExpectedUnits
			}
			list = append(list, happened(one, causes[i%3]))
		}
		after, err := b.advanceMany(list...)
		require.NoError(t, err)
		require.Len(t, after, len(list))
		for i, is := range after {
			id := list[i].Transaction.ID
			require.Equal(t, b.reload(id), is, "what it gives is what it wrote")
			require.Equal(t, list[i].Transaction.CreditedUnits, is.CreditedUnits)
			require.Equal(t, []anchor.Status{
				anchor.StatusPendingSender, anchor.StatusPendingReceiver, anchor.StatusExpired,
			}[i%3], is.Status)
			b.requireHistory(id, 2)
			if i%3 == 0 {
				b.requireTold(id)
			} else {
				b.requireTold(id, is)
			}
		}
	})
}

func TestAdvanceMany_keeps_the_order_of_two_changes_of_one_transaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		list := b.several(2)
		for i := range list {
			list[i] = b.happens(list[i].ID, anchor.CauseFunded, func(t *store.Transaction) { t.CreditedUnits = t.ExpectedUnits })
			list[i] = b.happens(list[i].ID, anchor.CauseCustomerInfoNeeded, nil)
		}
		twice, once := list[0], list[1]
		between := twice
		after, err := b.advanceMany(
			happened(twice, anchor.CauseCustomerInfoGiven, anchor.CausePayoutDelivered),
			happened(once, anchor.CauseCustomerInfoGiven),
		)
		require.NoError(t, err)
		require.Equal(t, twice.Version+2, after[0].Version)
		require.Equal(t, anchor.StatusCompleted, after[0].Status)
		require.Equal(t, after[0].StatusUs, after[0].CompletedUs)
		require.Equal(t, b.reload(twice.ID), after[0])
		require.Equal(t, anchor.StatusPendingReceiver, b.reload(once.ID).Status)
		b.requireHistory(twice.ID, 5)
		b.requireHistory(once.ID, 4)

		history, err := db.History(t.Context(), store.SubjectTransaction, twice.ID)
		require.NoError(t, err)
		require.Equal(t, string(anchor.CauseCustomerInfoGiven), history[3].Kind)
		require.Equal(t, "because of payout_delivered", history[4].Reason)
		between.Version, between.Status, between.StatusUs = twice.Version+1, anchor.StatusPendingReceiver, after[0].StatusUs
		said := b.rows("SELECT seq, body FROM callbacks WHERE subject_id = $1 ORDER BY seq", twice.ID)
		require.Len(t, said, 4, "of every status that it came to")
		for i, row := range []store.Transaction{between, after[0]} {
			body, err := store.CallbackBody(row)
			require.NoError(t, err)
			require.Equal(t, []string{fmt.Sprint(row.Version), body}, said[2+i], "each as it was at that change")
		}
	})
}

func TestAdvanceMany_with_one_row_that_changed_meanwhile_runs_the_whole_closure_again(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for name, meanwhile := range map[string]func(b *bench, id string){
			"another version": func(b *bench, id string) { b.happens(id, anchor.CauseNoted, nil) },
			"another status": func(b *bench, id string) {
				b.must("UPDATE transactions SET status = 'pending_stellar' WHERE id = $1", id)
			},
		} {
			old := b.several(20)
			meanwhile(b, old[17].ID)
			runs := 0
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				runs++
				var list []store.Happening
				for _, one := range old {
					if runs > 1 {
						var err error
						if one, err = tx.LockTransaction(ctx, one.ID); err != nil {
							return err
						}
					}
					list = append(list, happened(one, anchor.CauseNoted))
				}
				_, err := tx.AdvanceMany(ctx, list)
				return err
			})
			require.Equal(t, 2, runs, name)
			for i, one := range old {
				if i != 17 {
					b.requireHistory(one.ID, 2)
				}
			}
			events := b.count("SELECT COUNT(*) FROM events WHERE subject_id = $1", old[17].ID)
			require.Equal(t, events, b.reload(old[17].ID).Version, name)
		}
	})
}

func TestAdvanceMany_writes_nothing_when_one_change_is_not_allowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		list := b.several(3)
		_, err := b.advanceMany(happened(list[0], anchor.CauseNoted), happened(list[1], anchor.CausePayoutDelivered), happened(list[2], anchor.CauseNoted))
		require.ErrorContains(t, err, list[1].ID)
		_, err = b.advanceMany(happened(list[0], anchor.CauseNoted), happened(list[1]))
		require.ErrorContains(t, err, "nothing happened")
		for _, one := range list {
			require.Equal(t, one, b.reload(one.ID))
			b.requireHistory(one.ID, 1)
			b.requireTold(one.ID)
		}
		after, err := b.advanceMany()
		require.NoError(t, err)
		require.Empty(t, after)
	})
}

func TestAdvanceMany_of_a_transaction_that_is_named_twice_is_stale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		one := b.several(1)[0]
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AdvanceMany(ctx, []store.Happening{happened(one, anchor.CauseNoted), happened(one, anchor.CauseExpired)})
			cancel()
			return err
		})
		require.ErrorIs(t, err, store.ErrStale)
		require.Equal(t, one, b.reload(one.ID))
		b.requireHistory(one.ID, 1)
	})
}

func TestAdvanceMany_writes_every_column_that_may_change_to_its_own_place(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		sender, receiver := b.customer("sep31-sender", ""), b.customer("sep31-receiver", "")
		changed, withheld := b.happens(b.several(1)[0].ID, anchor.CauseFunded, nil), b.draft()
		withheld.Memo.Valid = false
		withheld = b.create(withheld)
		withheld.Unpriced = true
		changed.Conflict, changed.Memo.String = "conflict", "4711"
		changed.CreditedUnits, changed.PayoutUnits, changed.RefundUnits, changed.FeeUnits, changed.OutUnits = 31, 17, 3, 5, 7
		changed.FeeDetails, changed.KeyID, changed.SealedKey, changed.SealedFields = "[]", "key", "sealed key", "sealed fields"
		changed.CallbackUrl, changed.StellarHash, changed.ExternalID, changed.ExpiresUs = "https://other.example", "hash", "external", 11
		changed.RequiredInfo, changed.RequiredMessage = `{"transaction":{}}`, "give it"
		changed.TakePart(sender, "sep31-sender", receiver, "sep31-receiver")
		changed.Refunds = "{}"
		asked := happened(changed, anchor.CauseTransactionInfoNeeded)
		asked.Changes[0].Message = new("said")

		after, err := b.advanceMany(asked, happened(withheld, anchor.CauseNoted))
		require.NoError(t, err)
		want := changed
		want.Version, want.Status, want.StatusMessage, want.Funded = 3, anchor.StatusPendingTransactionInfoUpdate, "said", true
		want.UpdatedUs, want.StatusUs = after[0].UpdatedUs, after[0].UpdatedUs
		require.Equal(t, want, b.reload(changed.ID))
		withheld.Version, withheld.UpdatedUs = 2, after[1].UpdatedUs
		require.Equal(t, withheld, b.reload(withheld.ID), "what is NULL stays so")
	})
}

func TestAdvanceMany_finds_its_rows_by_their_key(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		index := map[string]string{"sqlite": "sqlite_autoindex_transactions_1", "postgres": "transactions_pkey"}[db.Engine()]
		requireShown(t, db, "advanceTransactions", store.AdvanceStatement(3), index)
	})
}

// requireShown checks that a statement of many rows uses the indexes and reads no table as a whole.
func requireShown(t *testing.T, db *store.DB, name string, s store.Shown, indexes ...string) {
	t.Helper()
	args := make([]any, s.Parameters)
	for i := range args {
		args[i] = "1"
	}
	requireIndexes(t, db, name, plan(t, db, s.Text, args), indexes)
}
