package payouts_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestTime_until_not_known_is_final_is_counted_from_the_end_of_the_call_not_from_its_claim(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "anchor.db") // where the clock of the database is the program's
	storetest.Open(t, url)
	began := time.Now()
	var later atomic.Int64
	db, err := store.Open(t.Context(), store.Options{
		URL: url, Keys: storetest.Keys(t), Unsafe: true, Now: func() time.Time { return began.Add(time.Duration(later.Load())) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := payoutstest.New(t, db)
	id := w.Funded(1)[0]
	terms := dead()
	terms.Lease = 2 * time.Hour
	_, err = db.ClaimReady(t.Context(), terms)
	require.NoError(t, err)

	b := &bank{poll: says(anchor.NotKnown())}
	rail := anchor.Rail{Rails: b, NotKnownFinalAfter: time.Hour, SameKeySafeFor: 24 * time.Hour}
	s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, atOnce())
	for _, step := range []struct {
		at   time.Duration
		want anchor.PayoutState
	}{
		{2*time.Hour + time.Minute, anchor.PayoutUnknown}, // the lease is over; the call may have been made until then
		{2*time.Hour + 59*time.Minute, anchor.PayoutUnknown},
		{3*time.Hour + 2*time.Minute, anchor.PayoutReady},
	} {
		later.Store(int64(step.at))
		pollOnce(t, s)
		require.Equal(t, step.want, w.Payout(id).State, "after %s", step.at)
	}
}
