package refunds_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestA_refund_of_ours_that_comes_back_is_not_sent_back_again_by_itself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		automatic := func(p store.Payment) store.Refund {
			return w.request(store.RefundOrder{Payment: p, Units: p.AmountUnits, Automatic: true, Actor: "watch-transactions", Reason: "late"})
		}
		first := automatic(w.paid(txnbuild.MemoID(9), 3*unit))
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(first.ID).State, w.refund(first.ID).Trouble)

		again := automatic(w.paid(txnbuild.MemoID(9), 3*unit))
		w.finish()
		require.Equal(t, anchor.RefundHeld, w.refund(again.ID).State)
		require.Contains(t, w.refund(again.ID).Trouble, "came back")

		named := automatic(w.paid(txnbuild.MemoReturn(hashOf(t, w.refund(first.ID).StellarHash)), unit))
		w.finish()
		require.Equal(t, anchor.RefundHeld, w.refund(named.ID).State)

		other := automatic(w.paid(txnbuild.MemoID(10), unit))
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(other.ID).State, "something else from the same account goes back")

		_, err := refunds.NewOperator(w.db).Release(t.Context(), refunds.Decision{RefundID: again.ID, Actor: "operator:test", Reason: "it is another payment"})
		require.NoError(t, err)
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(again.ID).State, "an operator decides")
	})
}

func TestParts_of_one_transaction_all_go_back_by_themselves_although_they_have_one_memo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var list []store.Refund
		for range 3 {
			list = append(list, w.request(store.RefundOrder{
				Payment: w.paid(txnbuild.MemoID(9), unit), Units: unit, Automatic: true, Actor: "watch-transactions", Reason: "ran out",
			}))
		}
		w.finish()
		for _, r := range list {
			require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State, w.refund(r.ID).Trouble)
		}
	})
}

func TestWhat_goes_back_by_itself_on_a_day_has_a_cap_that_counts_what_was_sent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for i := range 3 {
			w.request(store.RefundOrder{
				Payment: w.paid(txnbuild.MemoID(uint64(20+i)), 4*unit), Units: 4 * unit, Automatic: true, Actor: "watch-transactions", Reason: "late",
			})
		}
		s := w.start(func(o *refunds.Options) {
			o.Policy = func(string, string) refunds.Policy { return refunds.Policy{DailyCap: 10 * unit} }
		})
		for range 8 {
			w.execute(s)
			w.read()
		}
		require.Len(t, w.back(), 2)
		counts, err := w.db.RefundCounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[anchor.RefundState]int64{anchor.RefundReady: 1}, counts)
	})
}

func TestOperators_cannot_cancel_what_may_land_nor_release_what_is_not_held(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		r := w.asked(unit)
		o, word := refunds.NewOperator(w.db), refunds.Decision{RefundID: r.ID, Actor: "operator:test", Reason: "no"}
		_, err := o.Release(t.Context(), word)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		w.execute(w.start())
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(o.Cancel(t.Context(), word)))
		w.finish()
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(o.Cancel(t.Context(), word)), "it is back")
		word.RefundID = "none"
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(o.Cancel(t.Context(), word)))
		word.To = "nowhere"
		_, err = o.Release(t.Context(), word)
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	})
}

// An older copy does not know the envelope that was made after it: the ledger must keep it from paying twice.
func TestA_database_that_came_back_older_than_the_world_sends_nothing_twice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lands, unseen int }{
		"the envelope has landed": {}, "the envelope lands later": {lands: 4}, "the envelope lands before anybody reads on": {lands: 3, unseen: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "anchor.db")
			first, err := store.Open(t.Context(), store.Options{URL: migrated(t, path), Keys: storetest.Keys(t), Unsafe: true})
			require.NoError(t, err)
			w := newWorld(t, first)
			w.paid(txnbuild.MemoID(2), 9*unit) // so that there is enough to pay twice
			r := w.asked(2 * unit)
			copied := filepath.Join(folder, "copy.db")
			require.NoError(t, first.Close())
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(copied, raw, 0o600))

			w.use(storetest.Open(t, "sqlite:"+path))
			if c.lands > 0 {
				w.net.Faults().DelaySubmissions(1, c.lands)
			}
			w.execute(w.start())
			w.use(storetest.Open(t, "sqlite:"+copied)) // the world goes on with the copy
			s := w.start()
			if c.unseen > 0 {
				w.tick(1)
				w.execute(s)
				w.read() // to the head of the moment in which the process began
				w.tick(c.unseen)
			}
			for range 30 {
				_, err := s.Execute(t.Context(), t.Context())
				require.NoError(t, err)
				w.tick(1)
				w.read()
			}
			require.Len(t, w.back(), 1)
			if c.lands == 0 || c.unseen > 0 {
				require.Equal(t, anchor.RefundReady, w.refund(r.ID).State)
				require.Contains(t, w.refund(r.ID).Trouble, "nothing here explains")
			}
		})
	}
}

// migrated makes the schema of a database in a file.
func migrated(t *testing.T, path string) string {
	t.Helper()
	url := "sqlite:" + path
	db, err := store.OpenUnchecked(t.Context(), store.Options{URL: url, Unsafe: true})
	require.NoError(t, err)
	_, err = db.MigrateUp(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return url
}

// use goes on with another database.
func (w *world) use(db *store.DB) {
	w.Helper()
	w.db = db
	w.watcher = payments.NewWatcher(payments.New(db, nil, payments.Options{Passphrase: passphrase}), w.horizon, payments.WatchOptions{Owner: "watcher"})
}

func TestA_refund_in_the_networks_own_asset_leaves_the_accounts_reserve(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		native := &txnbuild.Payment{Destination: w.account.Address(), Amount: "500", Asset: txnbuild.NativeAsset{}}
		p := w.stored(w.send(w.payer, txnbuild.MemoID(3), native))
		require.Empty(t, p.AssetIssuer)
		r := w.request(store.RefundOrder{Payment: p, Units: 500 * unit})
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State, w.refund(r.ID).Trouble)
		require.Equal(t, "native", w.back()[0].Payments[0].Asset)
	})
}

func TestA_refund_without_a_payer_is_held_until_somebody_says_where_it_goes_to(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.paid(txnbuild.MemoID(8), 5*unit) // what it is paid of
		w.tx(func(ctx context.Context, tx *store.Tx) error {
			var p store.Payment
			p.Chain, p.Account, p.OperationID, p.Kind, p.MemoType = passphrase+"/1", w.account.Address(), 1, "contract", "none"
			p.AssetCode, p.AssetIssuer, p.AmountUnits, p.Judgement, p.State = "USDC", w.issuer.Address(), unit, anchor.JudgedUnmatched, anchor.PaymentOpen
			return tx.InsertPayments(ctx, []store.Payment{p})
		})
		list, err := w.db.Payments(t.Context(), store.PaymentFilter{Open: true})
		require.NoError(t, err)
		var minted store.Payment
		for _, p := range list {
			if p.FromAccount == "" {
				minted = p
			}
		}
		r := w.request(store.RefundOrder{Payment: minted, Units: unit, Automatic: true})
		require.Equal(t, anchor.RefundHeld, r.State)
		o := refunds.NewOperator(w.db)
		_, err = o.Release(t.Context(), refunds.Decision{RefundID: r.ID, Actor: "operator:test", Reason: "as it is"})
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		_, err = o.Release(t.Context(), refunds.Decision{RefundID: r.ID, To: w.payer.Address(), Actor: "operator:test", Reason: "told by mail"})
		require.NoError(t, err)
		w.finish()
		require.Equal(t, anchor.RefundConfirmed, w.refund(r.ID).State)
		require.Len(t, w.back(), 1)
	})
}

func TestWakes_tells_of_refunds_that_were_asked_for_and_of_news_from_the_ledger(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.start()
		p := w.paid(txnbuild.MemoID(1), unit)
		woken := s.Wakes(t.Context())
		w.request(store.RefundOrder{Payment: p, Units: unit})
		for range 2 { // for the request; for what is due
			<-woken
		}
		w.execute(s)
		w.read()
		<-woken
		w.execute(s)
		require.Len(t, w.back(), 1)
	})
}
