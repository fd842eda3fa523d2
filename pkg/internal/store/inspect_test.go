package store_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestSearchTransactions_narrows_by_status_owner_and_time(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		found := func(s store.TransactionSearch) (got []string) {
			list, err := db.SearchTransactions(t.Context(), s)
			require.NoError(t, err)
			for _, row := range list {
				got = append(got, row.ID)
			}
			return got
		}
		require.Equal(t, []string{ids[2], ids[1], ids[0]}, found(store.TransactionSearch{}))
		require.Equal(t, []string{ids[2], ids[1]}, found(store.TransactionSearch{Limit: 2}))
		require.Equal(t, []string{ids[0]}, found(store.TransactionSearch{Before: ids[1]}))
		require.Len(t, found(store.TransactionSearch{Status: "pending_receiver", Owner: payoutstest.Sending}), 3)
		require.Equal(t, []string{ids[1], ids[0]}, found(store.TransactionSearch{Owner: payoutstest.Sending, Before: ids[2]}))
		require.Empty(t, found(store.TransactionSearch{Owner: payoutstest.Issuer}))
		require.Empty(t, found(store.TransactionSearch{Owner: payoutstest.Sending, Status: "completed"}))
		now := w.Transaction(ids[2]).CreatedUs
		require.NotEmpty(t, found(store.TransactionSearch{SinceUs: now}))
		require.Empty(t, found(store.TransactionSearch{SinceUs: now + 1}))
		require.Empty(t, found(store.TransactionSearch{SinceUs: now + 1, Owner: payoutstest.Sending}))
	})
}

func TestSubjectsOfHash_finds_a_movement_out_that_no_refund_explains(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		payoutstest.New(t, db)
		var m store.OutgoingMovement
		m.Chain, m.Account, m.OperationID, m.Kind, m.InnerHash, m.OuterHash = "net/1", payoutstest.Account, 7<<32, "payment", "aa", "bb"
		m.ToAccount, m.AssetCode, m.AmountUnits, m.MemoType = payoutstest.Issuer, "USDC", 5, "none"
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InsertOutgoing(ctx, []store.OutgoingMovement{m})
			return err
		}))
		for _, hash := range []string{"aa", "bb"} {
			found, err := db.SubjectsOfHash(t.Context(), hash)
			require.NoError(t, err)
			require.Equal(t, []store.Subject{{Kind: store.SubjectMovement, ID: "aa"}}, found)
		}
		list, err := db.MovementsOfHash(t.Context(), "aa")
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, int64(5), list[0].AmountUnits)
	})
}

func TestTryKeys_names_what_does_not_open(t *testing.T) {
	t.Parallel()
	for engine, fresh := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + t.TempDir() + "/anchor.db" },
		"postgres": storetest.PostgresURL,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := fresh(t)
			db := storetest.Open(t, url)
			w := payoutstest.New(t, db)
			w.Funded(1)
			damaged, err := db.TryKeys(t.Context())
			require.NoError(t, err)
			require.Empty(t, damaged)

			wrong, err := store.Keyring{}.Add("test", bytes.Repeat([]byte{8}, 32))
			require.NoError(t, err)
			other, err := store.Open(t.Context(), store.Options{URL: url, Keys: wrong, Unsafe: true})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, other.Close()) })
			damaged, err = other.TryKeys(t.Context())
			require.NoError(t, err)
			require.Len(t, damaged, 2, "a customer and a transaction")
		})
	}
}

func TestBacklog_tells_of_work_of_every_role_that_nobody_takes_up(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.FundedBy(2, func(row *store.Transaction, _ *store.Payout) { row.CallbackUrl = "https://sending.example" })
		w.FundedBy(1, func(row *store.Transaction, p *store.Payout) {
			row.Unpriced, p.State, p.WaitsFor = true, anchor.PayoutWaiting, anchor.WaitsForPrice
		})
		_, err := db.ClaimReady(t.Context(), store.ClaimTerms{
			Owner: "test", Actor: "test", Lease: time.Microsecond, Limit: 1, Rail: payoutstest.Rail,
		})
		require.NoError(t, err)
		fence, ok, err := db.AcquireLease(t.Context(), "watch-transactions", "host/1", time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, int64(1), fence)

		soon, err := db.BacklogOf(t.Context(), -time.Hour) // as it will be in an hour, if nobody does anything
		require.NoError(t, err)
		require.Equal(t, [5]int64{1, 1, 1, 0, 2},
			[5]int64{soon.Ready[payoutstest.Rail].Number, soon.ToPrice.Number, soon.UnderWay.Number, soon.Refunds.Number, soon.Callbacks.Number})
		now, err := db.BacklogOf(t.Context(), time.Hour)
		require.NoError(t, err)
		require.Equal(t, store.Backlog{Ready: map[string]store.Overdue{}}, now)
		turn(t, db, store.SwitchRail, "other", true, "it is down")
		turn(t, db, store.SwitchAsset, "USDC:other", true, "it is in trouble")
		soon, err = db.BacklogOf(t.Context(), -time.Hour)
		require.NoError(t, err)
		require.EqualValues(t, 1, soon.Ready[payoutstest.Rail].Number, "which is not what is paused")
		for kind, name := range map[store.SwitchKind]string{
			store.SwitchRail: payoutstest.Rail, store.SwitchAsset: store.AssetSwitch("USDC", payoutstest.Issuer),
		} {
			turn(t, db, kind, name, true, "it is down")
			soon, err = db.BacklogOf(t.Context(), -time.Hour)
			require.NoError(t, err)
			require.Empty(t, soon.Ready, "what is paused lies by the will of an operator")
			turn(t, db, kind, name, false, "it is up")
		}
		leases, err := db.Leases(t.Context())
		require.NoError(t, err)
		require.Len(t, leases, 1)
		require.Equal(t, "host/1", leases[0].Owner)
	})
}

func TestPaymentsLike_lists_open_payments_of_the_sum_that_is_due(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		var list []store.Payment
		for i, change := range []func(*store.Payment){
			func(*store.Payment) {},
			func(p *store.Payment) { p.AmountUnits++ },
			func(p *store.Payment) { p.ClosedUs = 1 },
			func(p *store.Payment) { p.State = anchor.PaymentIgnored },
			func(p *store.Payment) { p.Judgement = anchor.JudgedWrongAsset },
			func(p *store.Payment) { p.AssetIssuer = payoutstest.Sending },
		} {
			var p store.Payment
			p.Chain, p.Account, p.OperationID, p.ClosedUs, p.AssetCode, p.AssetIssuer = "net/1", payoutstest.Account, int64(i), 1<<60, "USDC", payoutstest.Issuer
			p.AmountUnits, p.MemoType, p.Judgement, p.State = payoutstest.Credited, "none", anchor.JudgedUnmatched, anchor.PaymentOpen
			change(&p)
			list = append(list, p)
		}
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertPayments(ctx, list) }))
		wanted := w.Agreed()
		wanted.CreatedUs = 2
		found, err := db.PaymentsLike(t.Context(), wanted)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, int64(0), found[0].OperationID)
	})
}
