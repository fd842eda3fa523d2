package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// twin is one transaction of a pair that differs in nothing but its id and memo: one is funded by Fund, the other step by
// step.
type twin struct {
	status           anchor.Status
	sender, receiver anchor.CustomerStatus
	conflict         bool
	callback         bool
	message          bool
	rail             string
	out              int64
}

func drawTwin(r *rapid.T) twin {
	customer := rapid.SampledFrom([]anchor.CustomerStatus{
		nobody, "", anchor.CustomerAccepted, anchor.CustomerAccepted, anchor.CustomerNeedsInfo, anchor.CustomerProcessing, anchor.CustomerRejected,
	})
	return twin{
		status: rapid.SampledFrom([]anchor.Status{
			anchor.StatusPendingSender, anchor.StatusPendingSender, anchor.StatusPendingReceiver, anchor.StatusPendingCustomerInfoUpdate,
		}).Draw(r, "status"),
		sender: customer.Draw(r, "sender"), receiver: customer.Draw(r, "receiver"),
		conflict: rapid.IntRange(0, 9).Draw(r, "conflict") == 0, callback: rapid.Bool().Draw(r, "callback"), message: rapid.Bool().Draw(r, "message"),
		rail: rapid.SampledFrom([]string{"bank", "bank", "bank", ""}).Draw(r, "rail"),
		out:  rapid.SampledFrom([]int64{990_000_000, 990_000_000, 0}).Draw(r, "out"),
	}
}

func (b *bench) twin(w twin, senderID, receiverID string) string {
	b.Helper()
	t := b.draft()
	t.OutUnits = w.out
	t.TakePart(senderID, "sep31-sender", receiverID, "sep31-receiver")
	if w.callback {
		t.CallbackUrl = "https://sender.example/callback"
	}
	if w.message {
		t.StatusMessage = "hurry up"
	}
	t = b.create(t)
	conflict := ""
	if w.conflict {
		conflict = "strange"
	}
	b.must("UPDATE transactions SET status = $1, conflict = $2 WHERE id = $3", string(w.status), conflict, t.ID)
	return t.ID
}

var fundedBecause = anchor.Change{Cause: anchor.CauseFunded, Actor: "watch-transactions", Reason: "the whole sum arrived", Detail: `{"a":1}`}

// fundStepwise is what Fund promises to be for one transaction.
func fundStepwise(ctx context.Context, tx *store.Tx, id string, w twin) error {
	t, err := tx.LockTransaction(ctx, id)
	if err != nil {
		return err
	}
	t.CreditedUnits, t.StellarHash = t.CreditedUnits+t.ExpectedUnits, "hash"
	waits, needsInfo, err := tx.Readiness(ctx, t)
	if err != nil {
		return err
	}
	var p store.Payout
	p.Number, p.Rail, p.DebitUnits = 1, w.rail, t.Held()
	p.AmountUnits, p.AmountDecimals, p.AmountAsset = t.OutUnits, t.OutDecimals, t.OutAsset
	p.State, p.WaitsFor = anchor.PayoutReady, anchor.WaitsForNothing
	if w.rail == "" || w.out == 0 {
		waits = anchor.WaitsForOperator
	}
	if waits != anchor.WaitsForNothing {
		p.State, p.WaitsFor = anchor.PayoutWaiting, waits
	}
	if _, err := tx.CreatePayout(ctx, &t, p, fundedBecause); err != nil {
		return err
	}
	if t, err = tx.Advance(ctx, t, fundedBecause); err != nil || !needsInfo {
		return err
	}
	_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseCustomerInfoNeeded, Actor: "watch-transactions", Reason: "a customer has to give information"})
	return err
}

// everything is what the database holds of a transaction, without ids, memos and times.
func (b *bench) everything(id string) [][]string {
	all := b.rows(`SELECT version, status, status_message, funded, conflict, expected_units, credited_units, payout_units, refund_units, fee_units, out_units,
		required_info, required_message, callback_url, stellar_hash, external_id, completed_us, CASE WHEN status_us = updated_us THEN 1 ELSE 0 END
		FROM transactions WHERE id = $1`, id)
	all = append(all, b.rows(`SELECT number, version, state, waits_for, rail, debit_units, amount_units, amount_decimals, amount_asset, tries, lease_owner,
		lease_until_us, fence, CASE WHEN next_us = created_us AND created_us = updated_us THEN 1 ELSE 0 END FROM payouts WHERE transaction_id = $1`, id)...)
	all = append(all, b.rows(`SELECT subject_kind, seq, kind, from_status, to_status, actor, reason, detail FROM events
		WHERE subject_id = $1 OR subject_id IN (SELECT id FROM payouts WHERE transaction_id = $1) ORDER BY subject_kind, seq`, id)...)
	callbacks := b.rows(`SELECT seq, subscriber, state, attempts, lease_until_us, fence, body FROM callbacks WHERE subject_id = $1 ORDER BY seq`, id)
	for i, c := range callbacks {
		callbacks[i][len(c)-1] = withoutNames(b, c[len(c)-1])
	}
	return append(all, callbacks...)
}

func withoutNames(b *bench, body string) string {
	var message map[string]map[string]any
	require.NoError(b, json.Unmarshal([]byte(body), &message))
	for _, name := range []string{"id", "stellar_memo", "started_at", "updated_at"} {
		require.Contains(b, message["transaction"], name)
		delete(message["transaction"], name)
	}
	raw, err := json.Marshal(message)
	require.NoError(b, err)
	return string(raw)
}

func TestFund_is_CreatePayout_and_Advance_for_many_at_once(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		runs, failing := 0, false
		rapid.Check(t, func(r *rapid.T) {
			if runs++; runs > 12 && !failing {
				return // each run is many transactions
			}
			passed := false
			defer func() { failing = failing || !passed }()
			n := rapid.IntRange(1, 40).Draw(r, "transactions")
			twins, setwise, stepwise := make([]twin, n), make([]string, n), make([]string, n)
			for i := range n {
				twins[i] = drawTwin(r)
				senderID, receiverID := b.party(twins[i].sender, "sep31-sender"), b.party(twins[i].receiver, "sep31-receiver")
				setwise[i], stepwise[i] = b.twin(twins[i], senderID, receiverID), b.twin(twins[i], senderID, receiverID)
			}
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				fundings := make([]store.Funding, n)
				for i, id := range setwise {
					row, err := tx.LockTransaction(ctx, id)
					if err != nil {
						return err
					}
					fundings[i] = store.Funding{Transaction: row, Units: row.ExpectedUnits, StellarHash: "hash", Rail: twins[i].rail, Change: fundedBecause}
				}
				after, err := tx.Fund(ctx, fundings)
				require.Len(r, after, n)
				return err
			})
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				for i, id := range stepwise {
					if err := fundStepwise(ctx, tx, id, twins[i]); err != nil {
						return err
					}
				}
				return nil
			})
			for i := range n {
				require.Equal(r, b.everything(stepwise[i]), b.everything(setwise[i]), "%+v", twins[i])
			}
			passed = true
		})
	})
}

func TestFund_returns_the_rows_as_they_stand_afterwards(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		ids := []string{b.create(b.draft()).ID, b.twin(twin{status: anchor.StatusPendingSender, out: 1}, b.party(anchor.CustomerNeedsInfo, "sep31-sender"), "")}
		var after []store.Transaction
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			var fundings []store.Funding
			for _, id := range ids {
				row, err := tx.LockTransaction(ctx, id)
				if err != nil {
					return err
				}
				fundings = append(fundings, store.Funding{Transaction: row, Units: row.ExpectedUnits, Rail: "bank", Change: fundedBecause})
			}
			var err error
			after, err = tx.Fund(ctx, fundings)
			return err
		})
		for i, id := range ids {
			require.Equal(t, b.reload(id), after[i])
		}
	})
}

func TestFund_of_a_row_that_has_changed_is_stale_and_writes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for name, change := range map[string]func(*store.Transaction){
			"version": func(row *store.Transaction) { row.Version++ },
			"status":  func(row *store.Transaction) { row.Status = anchor.StatusPendingReceiver },
		} {
			fresh, stale := b.create(b.draft()), b.create(b.draft())
			tries := 0
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if tries++; tries > 2 {
					return context.Canceled
				}
				seen := stale
				change(&seen)
				_, err := tx.Fund(ctx, []store.Funding{
					{Transaction: fresh, Units: 1, Rail: "bank", Change: fundedBecause}, {Transaction: seen, Units: 1, Rail: "bank", Change: fundedBecause},
				})
				require.ErrorIs(t, err, store.ErrStale, name)
				return err
			})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 3, tries, "a stale closure runs again")
			require.Equal(t, fresh, b.reload(fresh.ID))
			require.Zero(t, b.count("SELECT COUNT(*) FROM payouts WHERE transaction_id = $1", fresh.ID))
		}
	})
}

func TestFund_refuses_what_cannot_be_funded(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.SQLite(t))
	paid, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
	expired := b.create(b.draft())
	expired = b.happens(expired.ID, anchor.CauseExpired, nil)
	fresh := b.create(b.draft())
	for name, f := range map[string]store.Funding{
		"one that is funded": {Transaction: paid, Units: 1}, "one that has expired": {Transaction: expired, Units: 1},
		"nothing": {Transaction: fresh, Units: 0}, "less than nothing": {Transaction: fresh, Units: -1},
	} {
		err := b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Fund(ctx, []store.Funding{f})
			return err
		})
		require.ErrorIs(t, err, store.ErrUnfit, name)
		require.True(t, store.Unfit(err))
	}
}

func TestUnfit_tells_data_from_the_moment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		one := b.create(b.draft())
		require.True(t, store.Unfit(b.exec("UPDATE transactions SET credited_units = -1 WHERE id = $1", one.ID)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := db.WriterPool().ExecContext(ctx, "UPDATE transactions SET conflict = ''")
		require.Error(t, err)
		require.False(t, store.Unfit(err))
		require.False(t, store.Unfit(store.ErrStale))
		require.False(t, store.Unfit(nil))
	})
}

func TestLockByMemo_reads_every_column(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		var memos []store.Memo
		want := map[store.Memo]store.Transaction{}
		for i := range 30 { // more than one statement's share on SQLite
			draft := b.draft()
			switch i % 3 {
			case 1:
				draft.Publish("text", fmt.Sprint(i))
			case 2:
				draft.Publish("hash", fmt.Sprint(i))
			}
			draft.CallbackUrl, draft.ExpiresUs, draft.QuoteID = "https://sender.example", int64(i), fmt.Sprint("quote ", i)
			row := b.create(draft)
			m := store.Memo{Type: row.MemoType, Memo: row.Memo.String}
			memos, want[m] = append(memos, m, m, store.Memo{Type: m.Type, Memo: "none " + m.Memo}), row
		}
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			found, err := tx.LockByMemo(ctx, "GRECEIVING", memos)
			require.NoError(t, err)
			require.Len(t, found, len(want))
			for m, row := range want {
				require.Equal(t, row, *found[m])
			}
			none, err := tx.LockByMemo(ctx, "GOTHER", memos)
			require.Empty(t, none)
			return err
		})
	})
}

func TestCreditingUsesItsIndexes(t *testing.T) {
	t.Parallel()
	carriers := map[string]map[string][]string{
		"transactionsByMemo": {
			"sqlite": {"sqlite_autoindex_transactions_2"}, "postgres": {"transactions_receiving_account_memo_type_memo_key"},
		},
		"lockTransactions":    {"sqlite": {"sqlite_autoindex_transactions_1"}, "postgres": {"transactions_pkey"}},
		"fundTransactions":    {"sqlite": {"sqlite_autoindex_transactions_1"}, "postgres": {"transactions_pkey"}},
		"statusesOfCustomers": {"sqlite": {"sqlite_autoindex_customer_statuses_1"}, "postgres": {"customer_statuses_pkey"}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, s := range store.CreditStatements(db, 3) {
			args := make([]any, s.Fixed+3*strings.Count(rowOf(name), "?"))
			for i := range args {
				args[i] = "1"
			}
			requireIndexes(t, db, name, plan(t, db, s.Text, args), carriers[name][db.Engine()])
		}
	})
}

// rowOf is the shape of a row of parameters.
func rowOf(name string) string {
	if name == "fundTransactions" {
		return strings.Repeat("?", 12)
	}
	return "?"
}
