package store_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func finding(kind store.FindingKind, operation, ledger, book int64) store.Finding {
	return store.Finding{ReconcileFinding: sqlgen.ReconcileFinding{
		Account: "GRECEIVING", Kind: string(kind), OperationID: operation, AssetCode: "USDC", AssetIssuer: "GISSUER",
		LedgerUnits: ledger, BookUnits: book, Detail: "transaction abc",
	}}
}

func (b *bench) note(f store.Finding) {
	b.Helper()
	b.tx(func(ctx context.Context, tx *store.Tx) error { return tx.Note(ctx, f) })
}

func (b *bench) openFindings() []store.Finding {
	b.Helper()
	list, err := b.db.OpenFindings(b.Context(), store.Finding{}, 1000)
	require.NoError(b, err)
	return list
}

func (b *bench) accept(id string) store.Finding {
	b.Helper()
	var f store.Finding
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		var err error
		f, err = tx.AcceptFinding(ctx, id, "operator:ada", "known")
		return err
	})
	return f
}

func TestA_finding_is_stored_once_and_opens_again_only_when_it_changes_after_it_was_accepted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		missing := finding(store.FoundMissingPayment, 4711, 100, 0)
		b.note(missing)
		b.note(missing)
		open := b.openFindings()
		require.Len(t, open, 1)
		require.EqualValues(t, 2, open[0].Version)

		require.Equal(t, store.FindingAccepted, b.accept(open[0].ID).State)
		require.Equal(t, store.FindingAccepted, b.accept(open[0].ID).State, "accepting it again changes nothing")
		b.note(missing)
		require.Empty(t, b.openFindings())
		history, err := db.History(t.Context(), store.SubjectFinding, open[0].ID)
		require.NoError(t, err)
		require.Len(t, history, 1)
		require.Equal(t, "operator:ada", history[0].Actor)
		require.Equal(t, "known", history[0].Reason)

		missing.LedgerUnits = 101
		b.note(missing)
		require.Len(t, b.openFindings(), 1, "this is not what was accepted")
		b.tx(func(ctx context.Context, tx *store.Tx) error { return tx.FindingGone(ctx, open[0].ID) })
		require.Empty(t, b.openFindings())
		b.note(missing)
		require.Equal(t, open[0].ID, b.openFindings()[0].ID)
	})
}

func TestOpen_findings_are_paged_and_added_up(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for i := range int64(5) {
			b.note(finding(store.FoundMissingPayment, 10+i, 100, 0))
		}
		b.note(finding(store.FoundBalance, 0, 1, 4))
		var seen []int64
		for after := (store.Finding{}); ; {
			list, err := db.OpenFindings(t.Context(), after, 2)
			require.NoError(t, err)
			if len(list) == 0 {
				break
			}
			for _, f := range list {
				seen = append(seen, f.OperationID)
			}
			after = list[len(list)-1]
		}
		require.Equal(t, []int64{0, 10, 11, 12, 13, 14}, seen)
		drift, err := db.OpenDrift(t.Context())
		require.NoError(t, err)
		asset := store.AssetName{Code: "USDC", Issuer: "GISSUER"}
		require.ElementsMatch(t, []store.Drift{
			{Account: "GRECEIVING", Asset: asset, Kind: store.FoundMissingPayment, Number: 5, Units: 500},
			{Account: "GRECEIVING", Asset: asset, Kind: store.FoundBalance, Number: 1, Units: 3},
		}, drift)
	})
}

func TestHow_far_an_account_was_compared_moves_only_from_where_it_was_read(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		usdc := store.AssetName{Code: "USDC", Issuer: "GISSUER"}
		var r store.Reconciliation
		b.tx(func(ctx context.Context, tx *store.Tx) (err error) {
			r, err = tx.BeginReconciliation(ctx, "GRECEIVING", "chain/1", 7)
			return err
		})
		require.Equal(t, int64(7)<<32-1, r.Position)
		r.Position, r.BasedUs = 1<<40, 1
		move := func(standings map[store.AssetName]store.Standing) error {
			var moved store.Reconciliation
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				moved, err = tx.MoveReconciliation(ctx, r, standings)
				return err
			})
			if err == nil {
				require.Equal(t, r.Version+1, moved.Version)
			}
			return err
		}
		require.NoError(t, move(map[store.AssetName]store.Standing{usdc: {Base: 5, Moved: -2}}))
		require.ErrorIs(t, move(nil), store.ErrStale, "somebody else has moved it")
		stored, standings, err := db.Reconciliation(t.Context(), "GRECEIVING")
		require.NoError(t, err)
		require.True(t, stored.Based())
		require.EqualValues(t, 3, standings[usdc].Now())

		balance := finding(store.FoundBalance, 0, 10, 3)
		b.note(balance)
		b.accept(b.openFindings()[0].ID)
		_, standings, err = db.Reconciliation(t.Context(), "GRECEIVING")
		require.NoError(t, err)
		require.EqualValues(t, 10, standings[usdc].Now(), "an accepted balance is what the account is taken to hold")
	})
}

func TestSums_that_do_not_fit_are_errors(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int64{{math.MaxInt64, 1}, {math.MinInt64, -1}} {
		_, err := store.Add(c[0], c[1])
		require.ErrorIs(t, err, store.ErrSum)
	}
	sum, err := store.Add(math.MaxInt64, math.MinInt64)
	require.NoError(t, err)
	require.EqualValues(t, -1, sum)
}

func (b *bench) books() map[string]store.Entry {
	b.Helper()
	all := map[string]store.Entry{}
	for after := ""; ; {
		entries, err := b.db.Books(b.Context(), after, 2)
		require.NoError(b, err)
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all[e.ID] = e
		}
		after = entries[len(entries)-1].ID
	}
}

// credit stores a payment of a transaction, whatever that does to its sums.
func (b *bench) credit(id, state, asset string, operation, units int64) string {
	b.Helper()
	payment := store.NewID()
	b.must(`INSERT INTO payments (id, chain, account, operation_id, idx, kind, inner_hash, outer_hash, ledger, closed_us, from_account,
		from_muxed_id, to_muxed_id, asset_code, asset_issuer, amount_units, memo_type, memo, judgement, state, transaction_id, version,
		created_us, updated_us) VALUES ($1, 'c', 'GRECEIVING', $2, 0, 'payment', 'h', 'h', 1, 1, 'GPAYER', '', '', $3, 'GISSUER', $4, 'none', '',
		'credited', $5, $6, 1, 1, 1)`, payment, operation, asset, units, state, id)
	return payment
}

func (b *bench) refundRow(payment, id, state string, number, units int64, fromHeld bool) {
	b.Helper()
	hash := ""
	if state == "confirmed" {
		hash = "h"
	}
	b.must(`INSERT INTO refunds (id, payment_id, number, transaction_id, from_held, version, state, account, destination, asset_code,
		asset_issuer, units, fee_units, memo_type, memo, automatic, actor, reason, stellar_hash, created_us, updated_us)
		VALUES ($1, $2, $3, $4, $5, 1, $6, 'GRECEIVING', 'GPAYER', 'USDC', 'GISSUER', $7, 0, '', '', FALSE, 'a', 'r', $8, 1, 1)`,
		store.NewID(), payment, number, id, fromHeld, state, units, hash)
}

func TestThe_books_add_up_what_belongs_to_each_transaction_and_nothing_else(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		plain, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.credit(plain.ID, "credited", "USDC", 1, plain.CreditedUnits)

		rich := b.create(b.draft())
		first := b.credit(rich.ID, "credited", "USDC", 2, 600)
		back := b.credit(rich.ID, "refunded", "USDC", 3, 400)
		late := b.credit(rich.ID, "refunded", "USDC", 4, 9999) // never credited: sent back as it came
		b.credit(rich.ID, "open", "USDC", 5, 9999)
		b.credit(rich.ID, "credited", "EURC", 6, 9999)
		b.refundRow(first, rich.ID, "ready", 1, 30, true)
		b.refundRow(first, rich.ID, "cancelled", 2, 70, true)
		b.refundRow(back, rich.ID, "confirmed", 1, 400, true)
		b.refundRow(late, rich.ID, "confirmed", 1, 9999, false)
		b.must("UPDATE transactions SET credited_units = 1000, refund_units = 430 WHERE id = $1", rich.ID)

		twice := b.create(b.draft())
		part := b.credit(twice.ID, "credited", "USDC", 7, 100)
		b.refundRow(part, twice.ID, "confirmed", 1, 40, false)
		b.refundRow(part, twice.ID, "cancelled", 2, 60, false)

		ended, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.end(ended.ID, anchor.PayoutFailed)

		all := b.books()
		require.Len(t, all, 4)
		e := all[plain.ID]
		require.Equal(t, e.Credited, e.SumOfPayments)
		require.Equal(t, e.Payout, e.SumOfPayouts)
		require.Equal(t, e.Payout, e.UnderWay)
		require.Zero(t, e.Held())

		e = all[rich.ID]
		require.EqualValues(t, 1000, e.SumOfPayments)
		require.EqualValues(t, 430, e.SumOfRefunds)
		require.EqualValues(t, 30, e.UnderWay)
		require.EqualValues(t, 570, e.Held())
		require.Equal(t, 1, e.OtherAssets)

		require.EqualValues(t, 60, all[twice.ID].SumOfPayments, "what went back before it was credited cannot be credited")

		e = all[ended.ID]
		require.Zero(t, e.SumOfPayouts, "a payout that failed has given its units back")
		require.Equal(t, e.Credited, e.Held())

		single, err := db.BooksOf(t.Context(), []string{rich.ID, "nothing"})
		require.NoError(t, err)
		require.Equal(t, []store.Entry{all[rich.ID]}, single)
	})
}

func TestWhat_was_never_credited_is_owed_until_it_is_back(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		none := b.create(b.draft())
		b.credit(none.ID, "open", "USDC", 1, 5)
		for i, state := range []string{"ready", "sending", "held", "confirmed", "cancelled"} {
			payment := b.credit(none.ID, "refunding", "USDC", int64(10+i), 100)
			b.refundRow(payment, none.ID, state, 1, 100, false)
		}
		owed, err := db.Uncredited(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[store.Place]int64{{Account: "GRECEIVING", Asset: store.AssetName{Code: "USDC", Issuer: "GISSUER"}}: 305}, owed)
	})
}

func TestReconciling_reads_its_stretches_by_index(t *testing.T) {
	t.Parallel()
	span := map[string]any{"chain": "c", "account": "G", "after_position": int64(0), "up_to_position": int64(1)}
	ids := map[string]any{"after_id": "a", "up_to_id": "b"}
	movement := map[string]any{
		"account": "G", "destination": "D", "destination_muxed_id": "", "asset_code": "A", "asset_issuer": "I", "sent_units": int64(1), "memo_type": "", "memo": "",
		"operation_id": int64(1),
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, q := range []hotQuery{
			{"reconcile", "BookedPayments", span, []string{"(payments_chain_account_operation_id_idx_key|sqlite_autoindex_payments_2)"}},
			{"reconcile", "BookedOutgoing", span, []string{"(outgoing_movements_pkey|sqlite_autoindex_outgoing_movements_1)"}},
			{"reconcile", "BooksOfTransactions", map[string]any{"after_id": "a", "most": int64(10)}, []string{"(transactions_pkey|sqlite_autoindex_transactions_1)"}},
			{"reconcile", "BookedCredits", ids, []string{"payments_by_transaction"}},
			{"reconcile", "BookedPayouts", ids, []string{"(payouts_live|payouts_transaction_id_number_key|sqlite_autoindex_payouts_2)"}},
			{"reconcile", "BookedRefunds", ids, []string{"refunds_by_transaction"}},
			{"reconcile", "UncreditedPayments", nil, []string{"payments_open"}},
			{"reconcile", "UncreditedRefunds", nil, []string{"refunds_ready", "refunds_under_way", "refunds_held"}},
			{
				"reconcile", "OpenFindings", map[string]any{"after_account": "", "after_operation": int64(0), "after_id": "", "most": int64(10)},
				[]string{"reconcile_findings_open"},
			},
			{"reconcile", "OpenFindingsOfAccount", map[string]any{"account": "G"}, []string{"reconcile_findings_open"}},
			{"reconcile", "OpenDrift", nil, []string{"reconcile_findings_open"}},
			{"reconcile", "PayoutsUnderLease", map[string]any{"now_us": int64(1)}, []string{"payouts_sending_by_rail"}},
			{"reconcile", "RefundsLikeMovement", movement, []string{"refunds_ready", "refunds_under_way", "refunds_held"}},
		} {
			text, args := numberedArguments(t, queryText(t, q.file, q.name), q.args)
			requireIndexes(t, db, q.name, plan(t, db, text, args), q.indexes)
		}
	})
}

func TestBooks_of_many_transactions_come_in_pages_of_one_moment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for range 5 {
			b.create(b.draft())
		}
		var pages []string
		for after := ""; ; {
			entries, err := db.Books(t.Context(), after, 2)
			require.NoError(t, err)
			if len(entries) == 0 {
				break
			}
			pages, after = append(pages, fmt.Sprint(len(entries))), entries[len(entries)-1].ID
		}
		require.Equal(t, []string{"2", "2", "1"}, pages)
	})
}
