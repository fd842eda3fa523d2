package payouts_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// talking is a bank that takes batches and tells of one payout whenever it is asked about anything.
type talking struct {
	anchor.Rails
	*fileBank
	says map[anchor.PayoutKey]anchor.Outcome
	len  []int // of the questions
}

func (b *talking) ExecuteOutgoing(context.Context, anchor.Payout) (anchor.Outcome, error) {
	return anchor.NotSent("takes batches"), nil
}

func (b *talking) PollOutgoing(_ context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	b.len = append(b.len, len(open))
	return b.says, nil
}

func TestA_bank_that_takes_batches_is_heard_although_nothing_is_under_way(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &talking{fileBank: &fileBank{}}
		s := batching(db, anchor.Rail{Rails: b, Batch: b.fileBank, BatchEvery: time.Nanosecond}, payouts.Options{})
		execute(t, s)
		key := anchor.NewPayoutKey(id, 1, 1)
		require.NoError(t, s.Report(t.Context(), key, anchor.Delivered("x"), ""))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)

		b.says = map[anchor.PayoutKey]anchor.Outcome{key: anchor.Returned("account closed")}
		_, err := s.Poll(t.Context(), t.Context())
		require.NoError(t, err)
		require.Equal(t, anchor.PayoutReturned, w.Payout(id).State)
		require.Contains(t, w.Transaction(id).Conflict, "returned after it was delivered")
		w.RequireBooks(id)

		_, err = s.Poll(t.Context(), t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{0}, b.len, "it is not listened to all the time")
	})
}

// mute is a bank that takes batches and hangs when it is asked.
type mute struct {
	*talking
	asked chan struct{}
}

func (b *mute) PollOutgoing(ctx context.Context, _ []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	close(b.asked)
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestA_bank_that_hangs_while_it_is_listened_to_delays_no_question_to_another(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		b := &mute{talking: &talking{fileBank: &fileBank{}}, asked: make(chan struct{})}
		other := &bank{execute: always(anchor.Accepted("1")), poll: says(anchor.Delivered("1"))}
		o := atOnce()
		o.RailTimeout = time.Hour // only the end of the test ends it
		s := payouts.New(db, map[string]anchor.Rail{"files": {Rails: b, Batch: b.fileBank}, payoutstest.Rail: {Rails: other}}, nil, o)
		soft, stop := context.WithCancel(t.Context())
		hard, end := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() {
			_, err := s.Poll(soft, hard)
			over <- err
		}()
		<-b.asked
		id := w.Funded(1)[0]
		execute(t, s)
		require.Eventually(t, func() bool { return w.Transaction(id).Status == anchor.StatusCompleted }, 20*time.Second, 10*time.Millisecond)
		stop()
		end()
		require.NoError(t, <-over)
	})
}
