package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// clock reads "Mon 15:04:05" in the week of Monday 2026-11-23.
func clock(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	require.NoError(t, err)
	return at
}

func TestWhen_a_batch_is_made(t *testing.T) {
	t.Parallel()
	weekdays := []time.Weekday{1, 2, 3, 4, 5}
	office := anchor.Calendar{Days: weekdays, Opens: 8 * 60, Closes: 16 * 60, CutOffs: []anchor.ClockTime{16 * 60, 12 * 60}}
	hours := anchor.Calendar{Days: weekdays, Opens: 8 * 60, Closes: 16 * 60}
	const monday, friday, sunday = "2026-11-23 ", "2026-11-20 ", "2026-11-22 "
	for name, c := range map[string]struct {
		calendar    anchor.Calendar
		ready       int
		oldest, now string
		due         string // the cut-off; empty: not due
		next        string // when it will be; empty: never
	}{
		"nothing is ready":                             {office, 0, monday + "09:00:00", monday + "12:00:01", "", ""},
		"the cut-off is to come":                       {office, 1, monday + "09:00:00", monday + "11:59:59", "", monday + "12:00:00"},
		"the cut-off has come":                         {office, 1, monday + "09:00:00", monday + "12:00:00", monday + "12:00:00", monday + "12:00:00"},
		"it was ready at the cut-off itself":           {office, 1, monday + "12:00:00", monday + "12:00:00", monday + "12:00:00", monday + "12:00:00"},
		"it became ready after the cut-off":            {office, 1, monday + "12:00:01", monday + "12:00:01", "", monday + "16:00:00"},
		"the rail closes at the cut-off":               {office, 1, monday + "15:00:00", monday + "16:00:01", monday + "16:00:00", monday + "16:00:01"},
		"two cut-offs have passed":                     {office, 1, monday + "09:00:00", monday + "23:00:00", monday + "16:00:00", monday + "23:00:00"},
		"nobody was there at the cut-off of a Friday":  {office, 1, friday + "15:00:00", sunday + "10:00:00", "", monday + "08:00:00"},
		"and then it is Monday":                        {office, 1, friday + "15:00:00", monday + "08:00:00", friday + "16:00:00", monday + "08:00:00"},
		"it will only be ready later":                  {office, 1, monday + "13:00:00", monday + "12:30:00", "", monday + "16:00:00"},
		"there are no cut-offs, and it has not waited": {hours, 1, monday + "09:00:00", monday + "09:00:59", "", monday + "09:01:00"},
		"there are no cut-offs, and it has waited":     {hours, 1, monday + "09:00:00", monday + "09:01:00", monday + "09:01:00", monday + "09:01:00"},
		"there are no cut-offs, and a batch is full":   {hours, 5, monday + "09:00:00", monday + "09:00:00", monday + "09:00:00", monday + "09:00:00"},
		"a batch is full, and the rail is closed":      {hours, 5, sunday + "09:00:00", sunday + "10:00:00", "", monday + "08:00:00"},
		"there are no cut-offs and no hours":           {anchor.Calendar{}, 1, sunday + "09:00:00", sunday + "09:01:00", sunday + "09:01:00", sunday + "09:01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := clock(t, c.now)
			o := store.BatchOutlook{NowUs: now.UnixMicro(), Ready: c.ready, OldestUs: clock(t, c.oldest).UnixMicro()}
			at, due := store.CutOffOf(o, c.calendar, 5, time.Minute)
			require.Equal(t, c.due != "", due)
			if due {
				require.WithinDuration(t, clock(t, c.due), at, 0)
			}
			next, ok := store.NextBatch(o, c.calendar, 5, time.Minute)
			require.Equal(t, c.next != "", ok)
			if ok {
				require.WithinDuration(t, clock(t, c.next), next, 0)
			}
			o.Paused = true
			_, due = store.CutOffOf(o, c.calendar, 5, time.Minute)
			require.False(t, due, "paused")
			_, ok = store.NextBatch(o, c.calendar, 5, time.Minute)
			require.False(t, ok, "paused")
		})
	}
}

func TestA_batch_that_is_being_written_comes_again_when_it_is_due_and_nobody_has_it(t *testing.T) {
	t.Parallel()
	now := clock(t, "2026-11-23 12:00:00")
	o := store.BatchOutlook{NowUs: now.UnixMicro(), Writing: true}
	at, ok := store.NextBatch(o, anchor.Calendar{}, 5, time.Minute)
	require.True(t, ok)
	require.WithinDuration(t, now, at, 0)
	o.Last.NextUs, o.Last.LeaseUntilUs = now.Add(time.Minute).UnixMicro(), now.Add(time.Hour).UnixMicro()
	at, _ = store.NextBatch(o, anchor.Calendar{}, 5, time.Minute)
	require.WithinDuration(t, now.Add(time.Hour), at, 0)
}

func takeBatch(t *testing.T, db *store.DB, lease time.Duration, most int) store.Batch {
	t.Helper()
	taken, err := db.TakeBatch(t.Context(), store.BatchTerms{
		Claim:  store.ClaimTerms{Owner: "here", Actor: "test", Lease: lease, Limit: most, Rail: payoutstest.Rail},
		CutOff: func(o store.BatchOutlook) (time.Time, bool) { return store.At(o.NowUs), o.Ready > 0 },
	})
	require.NoError(t, err)
	return taken.Batch
}

func pause(t *testing.T, db *store.DB, kind store.SwitchKind, name string, paused bool) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, _, err := tx.SetSwitch(ctx, kind, name, paused, "ann", "test")
		return err
	}))
}

func TestTheMembersOfABatchAreWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		b := takeBatch(t, db, time.Hour, 2)
		require.Equal(t, store.BatchWriting, b.State)
		require.EqualValues(t, 1, b.Number)
		require.EqualValues(t, 2, b.Payouts)
		require.Equal(t, "bank-1-"+b.Hash[:8], b.Name())
		members, err := db.BatchMembers(t.Context(), b)
		require.NoError(t, err)
		require.Len(t, members, 2)
		for i, p := range members {
			require.Equal(t, ids[i], p.TransactionID)
			require.Equal(t, "0042", p.Receiver.Value("bank_account_number"))
			require.Empty(t, p.ExternalID)
			require.Equal(t, b.ID, w.Attempts(ids[i])[0].BatchID)
		}
		keys, err := db.UnansweredOfBatch(t.Context(), b.ID)
		require.NoError(t, err)
		require.Equal(t, []anchor.PayoutKey{members[0].Key, members[1].Key}, keys)

		other := b
		other.Hash = "0123456789abcdef"
		_, err = db.BatchMembers(t.Context(), other)
		require.ErrorContains(t, err, "not those that it was made of")
		other = b
		other.Payouts = 3
		_, err = db.BatchMembers(t.Context(), other)
		require.Error(t, err)
	})
}

func TestOneBatchOfARailIsBeingWrittenAndBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(3)
		first := takeBatch(t, db, time.Hour, 2)
		require.Empty(t, takeBatch(t, db, time.Hour, 2).ID, "it is held, and there is no other before it")
		n, until, err := db.UnderLease(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.WithinDuration(t, store.At(first.LeaseUntilUs), until, 0)
		require.NoError(t, db.DelayBatch(t.Context(), first, "no paper", time.Hour))
		require.Empty(t, takeBatch(t, db, time.Hour, 2).ID, "it is not due yet")
		require.NoError(t, db.DelayBatch(t.Context(), first, "no paper", 0))
		pause(t, db, store.SwitchRail, payoutstest.Rail, true)
		require.Empty(t, takeBatch(t, db, time.Hour, 2).ID, "its rail is paused")
		pause(t, db, store.SwitchRail, payoutstest.Rail, false)
		again := takeBatch(t, db, time.Hour, 2)
		require.Equal(t, first.ID, again.ID)
		require.EqualValues(t, 2, again.Tries)
		require.Equal(t, first.Fence+1, again.Fence)
		require.NoError(t, db.FinishBatch(t.Context(), first.ID, "x"))
		second := takeBatch(t, db, time.Hour, 2)
		require.EqualValues(t, 2, second.Number)
		require.EqualValues(t, 1, second.Payouts)
	})
}

func TestWhatABatchIsLookedForByUsesItsIndexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, q := range []hotQuery{
			{"batches", "LastBatch", map[string]any{"rail": "bank"}, []string{"(payout_batches_rail_number_key|sqlite_autoindex_payout_batches_2)"}},
			{"batches", "ReadyForBatch", map[string]any{"rail": "bank", "most": int64(10)}, []string{"payouts_ready_by_rail"}},
			{"batches", "MembersOfBatch", map[string]any{"batch_id": "x"}, []string{"payout_attempts_by_batch"}},
		} {
			text, args := numberedArguments(t, queryText(t, q.file, q.name), q.args)
			requireIndexes(t, db, q.name, plan(t, db, text, args), q.indexes)
		}
		requireIndexes(t, db, "members", plan(t, db, store.BatchMembersText, []any{"x"}), []string{"payout_attempts_by_batch"})
	})
}

func TestAnOutlookCountsWhatIsReadyAndNotPaused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(3)
		look := func() store.BatchOutlook {
			o, err := db.LookAtBatches(t.Context(), payoutstest.Rail, 2)
			require.NoError(t, err)
			return o
		}
		o := look()
		require.Equal(t, 2, o.Ready, "up to one batch")
		require.Positive(t, o.OldestUs)
		require.LessOrEqual(t, o.OldestUs, o.NowUs)
		require.False(t, o.Writing)
		pause(t, db, store.SwitchAsset, "USDC:"+payoutstest.Issuer, true)
		require.Zero(t, look().Ready)
	})
}
