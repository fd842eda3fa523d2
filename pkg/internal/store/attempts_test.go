package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func terms(limit int, lease time.Duration) store.ClaimTerms {
	return store.ClaimTerms{
		Owner: "me", Actor: "test", Lease: lease, Limit: limit, Rail: payoutstest.Rail, SameKeySafeFor: time.Hour,
	}
}

func TestEight_workers_claim_thousands_of_payouts_and_none_twice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2000)
		claimed := race(t, func(ctx context.Context) ([]store.Claim, error) {
			claimed, err := db.ClaimReady(ctx, terms(10, time.Hour))
			if len(claimed.Parked) > 0 {
				err = fmt.Errorf("parked: %v", claimed.Parked[0])
			}
			return claimed.Claims, err
		})
		require.Len(t, claimed, len(ids))
		for key, times := range claimed {
			require.Equal(t, 1, times, "%s", key)
		}
	})
}

func TestEight_workers_ask_about_payouts_under_way_and_none_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(500)
		for left := len(ids); left > 0; left -= 100 {
			_, err := db.ClaimReady(t.Context(), terms(100, time.Microsecond)) // by a process that dies
			require.NoError(t, err)
		}
		claimed := race(t, func(ctx context.Context) ([]store.Claim, error) {
			return db.ClaimUnderWay(ctx, terms(10, time.Hour))
		})
		require.Len(t, claimed, len(ids))
		for key, times := range claimed {
			require.Equal(t, 1, times, "%s", key)
		}
	})
}

// race lets eight workers claim until nothing is left, and counts how often each key was claimed.
func race(t *testing.T, claim func(context.Context) ([]store.Claim, error)) map[anchor.PayoutKey]int {
	var mu sync.Mutex
	claimed := map[anchor.PayoutKey]int{}
	group, ctx := errgroup.WithContext(t.Context())
	for range 8 {
		group.Go(func() error {
			for nothing := 0; nothing < 3; { // what others have locked is skipped and may come back
				claims, err := claim(ctx)
				if err != nil {
					return err
				}
				if len(claims) == 0 {
					nothing++
				}
				mu.Lock()
				for _, c := range claims {
					claimed[c.Key()]++
				}
				mu.Unlock()
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	return claimed
}

func TestA_claim_is_the_oldest_first_and_written_before_it_is_known(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(5)
		claimed, err := db.ClaimReady(t.Context(), terms(3, time.Hour))
		require.NoError(t, err)
		require.Empty(t, claimed.Parked)
		claims := claimed.Claims
		require.Len(t, claims, 3)
		for i, c := range claims {
			require.Equal(t, ids[i], c.Payout.TransactionID)
			p := w.Payout(ids[i])
			require.Equal(t, p, c.Payout, "the row is as the claim says")
			require.Equal(t, anchor.PayoutSending, p.State)
			require.Equal(t, "me", p.LeaseOwner)
			require.Equal(t, int64(1), p.Fence)
			require.Equal(t, p.LeaseUntilUs, p.NextUs)
			require.Equal(t, []store.Attempt{c.Attempt}, w.Attempts(ids[i]))
			history, err := db.History(t.Context(), store.SubjectPayout, p.ID)
			require.NoError(t, err)
			require.Equal(t, p.Version, history[len(history)-1].Seq)
			require.Equal(t, "sending", history[len(history)-1].ToStatus)
		}
	})
}

func TestA_claim_that_passed_to_somebody_else_cannot_be_given_back(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		claimed, err := db.ClaimReady(t.Context(), terms(1, time.Microsecond))
		require.NoError(t, err)
		claims := claimed.Claims
		asked, err := db.ClaimUnderWay(t.Context(), terms(1, time.Hour))
		require.NoError(t, err)
		require.Len(t, asked, 1)
		require.Equal(t, claims[0].Request, asked[0].Request)
		require.Equal(t, w.Payout(id), asked[0].Payout)
		require.NoError(t, db.ReleaseClaims(t.Context(), claims, "test"))
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
	})
}

func TestA_customer_judged_while_payouts_are_claimed_stops_each_or_comes_too_late(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(60)
		var group errgroup.Group
		sent := map[string]bool{}
		group.Go(func() error {
			for range 12 {
				claimed, err := db.ClaimReady(t.Context(), terms(5, time.Hour))
				if err != nil {
					return err
				}
				for _, c := range claimed.Claims {
					sent[c.Payout.TransactionID] = true
				}
			}
			return nil
		})
		group.Go(func() error {
			w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerRejected, nil)
			return nil
		})
		require.NoError(t, group.Wait())
		for _, id := range ids {
			if sent[id] {
				require.Equal(t, anchor.PayoutSending, w.Payout(id).State)
			} else {
				require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
			}
		}
	})
}

func TestA_customer_who_is_judged_moves_a_payout_that_was_paid_for_meanwhile(t *testing.T) {
	t.Parallel()
	w := payoutstest.New(t, storetest.Postgres(t)) // SQLite has one writer at a time
	w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerProcessing, nil)
	var late string
	require.NoError(t, w.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		open, err := tx.LockOpenTransactionsOf(ctx, w.Receiver.ID)
		if err != nil {
			return err
		}
		if late == "" {
			late = w.FundedBy(1, func(_ *store.Transaction, p *store.Payout) {
				p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForKYC
			})[0]
		}
		c, err := tx.LockCustomerAfter(ctx, open, w.Receiver.ID)
		if err != nil {
			return err
		}
		change := store.CustomerChange{Cause: store.CustomerJudged, Actor: "test", Statuses: map[string]store.DecidedStatus{
			payoutstest.ReceiverType: {Status: anchor.CustomerAccepted},
		}}
		if _, err := tx.AdvanceCustomer(ctx, c, change); err != nil {
			return err
		}
		for _, one := range open {
			if _, err := tx.Reconsider(ctx, one, "test", "judged"); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Equal(t, anchor.PayoutReady, w.Payout(late).State)
}

func TestClaims_find_their_rows_by_their_partial_indexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.FundedBy(1500, func(_ *store.Transaction, p *store.Payout) { p.State = anchor.PayoutDelivered })
		w.Funded(300)
		for range 2 {
			_, err := db.ClaimReady(t.Context(), terms(75, time.Microsecond))
			require.NoError(t, err)
		}
		require.NoError(t, store.Analyze(t.Context(), db))
		answered, err := store.LockAnsweredText(t.Context(), db, 2)
		require.NoError(t, err)
		for _, c := range []struct {
			text  string
			args  []any
			index []string
		}{
			{store.DuePayouts, []any{int64(1) << 60, payoutstest.Rail, 8}, []string{"payouts_ready_by_rail"}},
			{store.UnderWay, []any{int64(1) << 60, payoutstest.Rail, 8}, []string{"payouts_under_way_by_rail"}},
			{answered, []any{"a", "b"}, []string{"payout_attempts_key"}},
		} {
			plan, err := store.PlanOf(t.Context(), db, c.text, c.args...)
			require.NoError(t, err)
			for _, index := range c.index {
				if db.Engine() == "sqlite" && index == "payout_attempts_key" {
					index = "(key=?)" // SQLite gives the index of a UNIQUE column another name
				}
				require.Contains(t, plan, index, c.text)
			}
			require.NotContains(t, plan, "Seq Scan on payouts", c.text)
			require.NotContains(t, plan, "Seq Scan on transactions", c.text)
			require.NotRegexp(t, `SCAN (p|t|a)\n`, plan, c.text) // a scan of an index names it
			if c.text != answered {                              // which sorts the few that it locks
				require.NotContains(t, plan, "Sort", c.text)
				require.NotContains(t, plan, "TEMP B-TREE", c.text)
			}
		}
	})
}
