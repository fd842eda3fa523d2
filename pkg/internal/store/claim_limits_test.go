package store_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

const paidAsset = "iso4217:USD"

// limited are terms of a claim by a rail with limits.
func limited(limit int, l anchor.Limits) store.ClaimTerms {
	terms := terms(limit, time.Hour)
	terms.Limits = l
	return terms
}

// inUSD is an amount of what every payout of a World pays: 99.00 each.
func inUSD(t *testing.T, text string) map[string]money.Amount {
	amount, err := money.Parse(text, 2)
	require.NoError(t, err)
	return map[string]money.Amount{paidAsset: amount}
}

func claim(t *testing.T, db *store.DB, terms store.ClaimTerms) store.Claimed {
	t.Helper()
	claimed, err := db.ClaimReady(t.Context(), terms)
	require.NoError(t, err)
	return claimed
}

// twoProcesses are two ways into one database, as two processes have them.
func twoProcesses(t *testing.T, test func(t *testing.T, a, b *store.DB)) {
	for engine, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "anchor.db") },
		"postgres": func(t *testing.T) string { return storetest.PostgresURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			test(t, storetest.Open(t, at), storetest.Open(t, at))
		})
	}
}

// together lets both processes claim, from two goroutines each, until enough was claimed or nothing more can be.
func together(t *testing.T, a, b *store.DB, terms store.ClaimTerms, enough int) (claims []store.Claim, parked []store.Parked) {
	var mu sync.Mutex
	note := func(c store.Claimed) (full bool) {
		mu.Lock()
		defer mu.Unlock()
		claims, parked = append(claims, c.Claims...), append(parked, c.Parked...)
		return len(claims) >= enough
	}
	group, ctx := errgroup.WithContext(t.Context())
	for _, db := range []*store.DB{a, b, a, b} {
		group.Go(func() error {
			for nothing := 0; nothing < 3; nothing++ { // what others have locked is skipped and may come back
				c, err := db.ClaimReady(ctx, terms)
				if err != nil || note(c) {
					return err
				}
				if c.Wait > 0 || len(c.Claims)+len(c.Parked) > 0 {
					nothing = -1
				}
				<-time.After(c.Wait)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	return claims, parked
}

func TestTwo_processes_never_have_more_calls_in_flight_than_a_rail_allows(t *testing.T) {
	t.Parallel()
	twoProcesses(t, func(t *testing.T, a, b *store.DB) {
		payoutstest.New(t, a).Funded(40)
		terms := limited(2, anchor.Limits{InFlight: 3})
		claims, _ := together(t, a, b, terms, 40)
		require.Len(t, claims, 3)
		require.Empty(t, claim(t, b, terms).Claims)
		require.NoError(t, b.ReleaseClaims(t.Context(), claims[:1], "test"))
		require.Len(t, claim(t, a, terms).Claims, 1, "one has ended")
	})
}

func TestA_sender_that_lost_its_lease_has_no_call_in_flight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db).Funded(2)
		terms := limited(1, anchor.Limits{InFlight: 1})
		terms.Lease = time.Microsecond
		require.Len(t, claim(t, db, terms).Claims, 1)
		require.Len(t, claim(t, db, terms).Claims, 1, "also where nobody polls")
	})
}

func TestTwo_processes_give_a_rail_its_calls_no_faster_than_it_takes_them(t *testing.T) {
	t.Parallel()
	twoProcesses(t, func(t *testing.T, a, b *store.DB) {
		payoutstest.New(t, a).Funded(30)
		claims, _ := together(t, a, b, limited(8, anchor.Limits{CallsPerSecond: 80}), 30)
		require.Len(t, claims, 30)
		var turns []int64
		for _, c := range claims {
			turns = append(turns, c.Attempt.LastSentUs)
			require.LessOrEqual(t, c.Wait, 100*time.Millisecond, "a claim is not held long before its call")
		}
		slices.Sort(turns)
		for i := 1; i < len(turns); i++ {
			require.GreaterOrEqual(t, turns[i]-turns[i-1], int64(12_500))
		}
	})
}

func TestA_resend_has_a_turn_of_its_own_and_is_counted_once_for_the_day(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		terms := limited(1, anchor.Limits{CallsPerSecond: 10, PerDay: inUSD(t, "99.00")})
		first := claim(t, db, terms)
		require.Len(t, first.Claims, 1)
		require.NoError(t, db.ReleaseClaims(t.Context(), first.Claims, "test"))
		again := claim(t, db, terms)
		require.Len(t, again.Claims, 1)
		require.Equal(t, first.Claims[0].Key(), again.Claims[0].Key())
		require.GreaterOrEqual(t, again.Claims[0].Attempt.LastSentUs-first.Claims[0].Attempt.LastSentUs, int64(100_000))
		require.Equal(t, anchor.PayoutSending, w.Payout(id).State)
	})
}

func TestA_rail_that_takes_a_call_in_hours_says_how_long_it_takes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db).Funded(2)
		terms := limited(5, anchor.Limits{CallsPerSecond: 1.0 / 7200})
		require.Len(t, claim(t, db, terms).Claims, 1)
		rest := claim(t, db, terms)
		require.Empty(t, rest.Claims)
		require.InDelta(t, 2*time.Hour, rest.Wait, float64(time.Minute))
		now, due, err := db.RailsDue(t.Context(), store.TopicReady)
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.InDelta(t, (2 * time.Hour).Microseconds(), due[0].FreeUs-now, float64(time.Minute.Microseconds()))
	})
}

func TestTwo_processes_give_a_rail_no_more_than_its_limit_of_the_day(t *testing.T) {
	t.Parallel()
	twoProcesses(t, func(t *testing.T, a, b *store.DB) {
		w := payoutstest.New(t, a)
		w.Funded(10)
		terms := limited(2, anchor.Limits{PerDay: inUSD(t, "250.00")})
		claims, parked := together(t, a, b, terms, 10)
		require.Len(t, claims, 2)
		require.Len(t, parked, 8)
		for _, p := range parked {
			payout := w.Payout(p.TransactionID)
			require.Equal(t, anchor.PayoutReady, payout.State)
			require.Equal(t, terms.Calendar.NextDay(store.At(payout.UpdatedUs)), store.At(payout.NextUs))
			history, err := a.History(t.Context(), store.SubjectPayout, payout.ID)
			require.NoError(t, err)
			require.Contains(t, history[len(history)-1].Reason, "250 of iso4217:USD, does not suffice for its 99")
		}
		small := w.FundedBy(1, func(tr *store.Transaction, p *store.Payout) { tr.OutUnits, p.AmountUnits = 1000, 1000 })[0]
		require.Len(t, claim(t, b, terms).Claims, 1, "a smaller one behind them may still go")
		require.Equal(t, anchor.PayoutSending, w.Payout(small).State)
		usage, err := a.RailUsageSince(t.Context(), "2000-01-01")
		require.NoError(t, err)
		require.Len(t, usage, 1)
		require.Equal(t, []int64{3, 208_00, 2}, []int64{usage[0].Payouts, usage[0].Units, usage[0].Decimals})
		require.Equal(t, terms.Calendar.Day(store.At(w.Payout(small).UpdatedUs)), usage[0].Day)
	})
}

func TestA_payout_above_a_limit_waits_for_an_operator_and_does_so_again_after_a_release(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits func(t *testing.T) anchor.Limits
		reason string
	}{
		"for a payout":    {func(t *testing.T) anchor.Limits { return anchor.Limits{PerPayout: inUSD(t, "98.99")} }, "above the limit of 98.99 that rail bank has for a payout"},
		"for a whole day": {func(t *testing.T) anchor.Limits { return anchor.Limits{PerDay: inUSD(t, "98.99")} }, "above the limit of 98.99 that rail bank has for a whole day"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				id := w.Funded(1)[0]
				for range 2 {
					claimed := claim(t, db, limited(1, c.limits(t)))
					require.Empty(t, claimed.Claims)
					require.Len(t, claimed.Parked, 1)
					require.Contains(t, claimed.Parked[0].Reason, c.reason)
					payout := w.Payout(id)
					require.Equal(t, anchor.WaitsForOperator, payout.WaitsFor)
					require.Empty(t, claim(t, db, limited(1, c.limits(t))).Parked, "it is not looked at again")
					letGo(t, db, payout)
				}
				require.Len(t, claim(t, db, limited(1, anchor.Limits{PerPayout: inUSD(t, "99.00"), PerDay: inUSD(t, "99.00")})).Claims, 1)
			})
		})
	}
}

// letGo has a payout that waits be ready, as an operator's retry does.
func letGo(t *testing.T, db *store.DB, p store.Payout) {
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		before := p.State
		p.State, p.WaitsFor, p.Tries = anchor.PayoutReady, anchor.WaitsForNothing, 0
		_, err := tx.MovePayout(ctx, p, before, anchor.Change{Cause: anchor.CauseNoted, Actor: "operator:ann"})
		return err
	}))
}

func TestAmounts_with_other_decimals_are_added_up_for_the_day(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(1)
		w.FundedBy(2, func(tr *store.Transaction, p *store.Payout) {
			tr.OutUnits, tr.OutDecimals, p.AmountUnits, p.AmountDecimals = 1_005, 3, 1_005, 3
		})
		claimed := claim(t, db, limited(5, anchor.Limits{PerDay: inUSD(t, "101.00")}))
		require.Len(t, claimed.Claims, 2)
		require.Len(t, claimed.Parked, 1)
		usage, err := db.RailUsageSince(t.Context(), "2000-01-01")
		require.NoError(t, err)
		require.Equal(t, []int64{2, 100_005, 3}, []int64{usage[0].Payouts, usage[0].Units, usage[0].Decimals})
	})
}

func TestA_rail_without_limits_locks_and_counts_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db).Funded(1)
		require.Len(t, claim(t, db, limited(1, anchor.Limits{PerPayout: inUSD(t, "99.00")})).Claims, 1)
		rows, err := store.LimitRows(t.Context(), db)
		require.NoError(t, err)
		require.Zero(t, rows)
	})
}

func TestA_rail_that_is_closed_takes_nothing_until_it_opens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		terms := terms(1, time.Hour)
		now, _, err := db.RailsDue(t.Context(), store.TopicReady)
		require.NoError(t, err)
		today, tomorrow := terms.Calendar.Day(store.At(now)), terms.Calendar.Day(store.At(now).AddDate(0, 0, 1))
		terms.Calendar.Holidays = []string{today, tomorrow}
		closed := claim(t, db, terms)
		require.Empty(t, closed.Claims)
		require.Greater(t, closed.Wait, 24*time.Hour)
		terms.Calendar = anchor.Calendar{Opens: 2, Closes: 1}
		never := claim(t, db, terms)
		require.Empty(t, never.Claims)
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
		terms.Calendar = anchor.Calendar{}
		require.Len(t, claim(t, db, terms).Claims, 1)
	})
}
