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

// meddling is a soft stop that does something when it is looked at for the second time: between a claim and its call.
type meddling struct {
	context.Context
	looks  int
	meddle func()
}

func (m *meddling) Err() error {
	if m.looks++; m.looks == 2 {
		m.meddle()
	}
	return m.Context.Err()
}

func TestA_rail_is_not_called_once_the_time_for_it_is_over(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{}
		hard, end := context.WithCancel(t.Context())
		_, err := service(db, b, atOnce()).Execute(&meddling{Context: t.Context(), meddle: end}, hard)
		require.NoError(t, err)
		require.Empty(t, b.sent())
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
		require.Equal(t, anchor.AttemptNotSent, w.Attempts(id)[0].State)

		execute(t, service(db, b, atOnce()))
		require.Len(t, b.sent(), 1)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestWho_slept_past_its_lease_sends_nothing_that_an_operator_has_had_paid_since(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b, other := &bank{}, &bank{}
		o := atOnce()
		o.Lease = time.Second
		asleep := &meddling{Context: t.Context()}
		asleep.meddle = func() {
			require.Eventually(t, func() bool {
				return service(db, other, atOnce()).Resolve(t.Context(), w.Payout(id).ID, anchor.Failed("the bank has nothing"), "asked", "operator:ann") == nil
			}, 10*time.Second, 10*time.Millisecond)
			_, err := service(db, other, atOnce()).Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann"})
			require.NoError(t, err)
			execute(t, service(db, other, atOnce()))
		}
		_, err := service(db, b, o).Execute(asleep, t.Context())
		require.NoError(t, err)
		require.Len(t, other.sent(), 1)
		require.Empty(t, b.sent())
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Empty(t, w.Transaction(id).Conflict)
		w.RequireBooks(id)
	})
}
