package store_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func (b *bench) due() (r store.Refund, ok bool) {
	b.Helper()
	b.tx(func(ctx context.Context, tx *store.Tx) (err error) {
		r, ok, err = tx.DueRefund(ctx, "GRECEIVING")
		return err
	})
	return r, ok
}

// dust queues refunds that anybody can ask for by paying.
func (b *bench) dust(n int) (first store.Refund) {
	b.Helper()
	for i := range n {
		r, err := b.ask(store.RefundOrder{Payment: b.arrived(nil), Units: 1, Automatic: true})
		require.NoError(b, err)
		if i == 0 {
			first = r
		}
	}
	return first
}

func TestDueRefund_gives_what_an_operator_asked_for_before_what_was_queued_by_itself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		first := b.dust(3)
		asked, err := b.ask(store.RefundOrder{Payment: b.arrived(nil), Units: 100})
		require.NoError(t, err)
		due, ok := b.due()
		require.True(t, ok)
		require.Equal(t, asked.ID, due.ID)
		require.NoError(t, db.PostponeRefund(t.Context(), due, "later", time.Hour))
		due, ok = b.due()
		require.True(t, ok)
		require.Equal(t, first.ID, due.ID, "one that has to wait keeps no other one")
		wait, ok, err := db.RefundDueIn(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Zero(t, wait)
	})
}

func TestKeepRefundsWaiting_keeps_all_of_an_account_and_writes_few_of_them(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.dust(60)
		keep := func(why string) {
			require.NoError(t, db.KeepRefundsWaiting(t.Context(), "GRECEIVING", "test", why, time.Hour))
		}
		keep("the network is away")
		require.Equal(t, int64(50), b.count("SELECT COUNT(*) FROM refunds WHERE trouble = 'the network is away'"))
		_, ok := b.due()
		require.False(t, ok)
		accounts, err := db.AccountsWithRefunds(t.Context())
		require.NoError(t, err)
		require.Empty(t, accounts)
		wait, ok, err := db.RefundDueIn(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Greater(t, wait, 50*time.Minute, "nobody is woken for them")

		b.must("UPDATE refunds SET updated_us = 7")
		keep("the network is away")
		require.Equal(t, int64(60), b.count("SELECT COUNT(*) FROM refunds WHERE updated_us = 7"), "what is written there already is not written again")

		b.tx(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExplainMovement(ctx, store.OutgoingMovement{}, anchor.Change{Actor: "operator:test", Reason: "by hand"})
			return err
		})
		_, ok = b.due()
		require.False(t, ok, "what was explained is another account's")
		var movement store.OutgoingMovement
		movement.Account = "GRECEIVING"
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExplainMovement(ctx, movement, anchor.Change{Actor: "operator:test", Reason: "by hand"})
			return err
		})
		_, ok = b.due()
		require.True(t, ok)
	})
}

func TestAn_account_that_waits_still_has_its_envelope_in_flight_worked_on(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		require.NoError(t, b.begin(b.dust(2), beginning("hash")))
		require.NoError(t, db.KeepRefundsWaiting(t.Context(), "GRECEIVING", "test", "why", time.Hour))
		accounts, err := db.AccountsWithRefunds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"GRECEIVING"}, accounts)
	})
}

func TestRefundFacts_hold_more_than_a_number_can_as_the_most_that_it_can(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		byItself := func() (units int64) {
			r := b.dust(1)
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				l, err := tx.LockRefund(ctx, r.ID)
				if err != nil {
					return err
				}
				f, err := tx.RefundFacts(ctx, l, 1)
				units = f.ByItself
				return err
			})
			return units
		}
		sent := func(units int64) {
			r := b.dust(1)
			b.must("UPDATE refunds SET units = $2, state = 'confirmed', stellar_hash = id, sent_us = 5 WHERE id = $1", r.ID, units)
		}
		require.Zero(t, byItself())
		sent(3_999_999_999)
		sent(2_000_000_001)
		require.Equal(t, int64(6_000_000_000), byItself())
		sent(math.MaxInt64 - 1)
		sent(math.MaxInt64)
		require.Equal(t, int64(math.MaxInt64), byItself())
	})
}
