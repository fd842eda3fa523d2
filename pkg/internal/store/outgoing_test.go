package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func sentAt(operation int64) store.OutgoingMovement {
	var m store.OutgoingMovement
	m.Chain, m.Account, m.OperationID, m.Kind, m.InnerHash, m.OuterHash = "c", "GRECEIVING", operation, "payment", fmt.Sprint("h", operation), "o"
	m.Ledger, m.ToAccount, m.AssetCode, m.AssetIssuer, m.AmountUnits, m.MemoType = 1, "GTO", "USDC", "GI", 5, "none"
	return m
}

const (
	insertRefund = `INSERT INTO refunds (id, payment_id, number, from_held, version, state, account, destination, asset_code, asset_issuer, units,
	fee_units, memo_type, memo, automatic, actor, reason, created_us, updated_us)
	VALUES ($1, 'p1', $2, FALSE, 1, $3, 'GRECEIVING', 'G', 'USDC', 'G', 5, 0, '', '', FALSE, 'test', '', 1, 1)`
	insertRefundAttempt = `INSERT INTO refund_attempts (refund_id, number, account, sequence, inner_hash, max_time_us, fee_stroops, envelope, state,
	created_us, updated_us) VALUES ($1, 1, 'GRECEIVING', 1, $2, 1, 100, 'AAAA', $3, 1, 1)`
)

func TestInsertOutgoing_stores_each_movement_once_and_changes_none(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.must("INSERT INTO cursors (account, chain, position, through_ledger, through_closed_us, ledger_hash, started_ledger, fence, updated_us) VALUES ('GRECEIVING', 'c', 1, 1, 1, '', 1, 1, 1)")
		var list []store.OutgoingMovement
		for i := range int64(250) { // more than one statement takes
			list = append(list, sentAt(i+1))
		}
		insert := func(list ...store.OutgoingMovement) (n int) {
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				var err error
				n, err = tx.InsertOutgoing(ctx, list)
				return err
			})
			return n
		}
		require.Zero(t, insert())
		require.Equal(t, 200, insert(list[:200]...))
		b.must("UPDATE outgoing_movements SET explained = 'operator', reason = 'rent' WHERE operation_id = 7")
		require.Equal(t, 50, insert(list...))
		kept, err := db.OutgoingMovements(t.Context(), "GRECEIVING", store.PaymentKey{OperationID: 6}, 2)
		require.NoError(t, err)
		require.Len(t, kept, 2)
		require.Equal(t, store.PaymentKey{OperationID: 7}, kept[0].Key())
		require.Equal(t, "rent", kept[0].Reason)

		b.tx(func(ctx context.Context, tx *store.Tx) error {
			seen, err := tx.SeenOutgoing(ctx, "c", "GRECEIVING", 10, 12)
			require.Equal(t, map[store.PaymentKey]store.SeenPayment{
				{OperationID: 11}: {InnerHash: "h11", OuterHash: "o", Units: 5}, {OperationID: 12}: {InnerHash: "h12", OuterHash: "o", Units: 5},
			}, seen)
			return err
		})
	})
}

func TestRefundHashes_and_OwnAccounts_know_what_is_ours(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		s := setScene(b)
		b.must(insertRefund, "r1", 1, "sending")
		b.must(insertRefundAttempt, "r1", "ours", "sending")
		b.must(insertRefund, "r2", 2, "held")
		b.must(insertRefundAttempt, "r2", "buried", "dead")
		require.NotEmpty(t, s.transaction)
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			hashes, err := tx.RefundHashes(ctx, []string{"ours", "theirs", "buried", ""})
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"ours": true}, hashes)
			own, err := tx.OwnAccounts(ctx, []string{"GRECEIVING", "GRECEIVING", "GOTHER"})
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"GRECEIVING": true}, own)
			return nil
		})
	})
}

func TestRefundsAwaitLedger_while_one_is_ready_or_in_flight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		setScene(b)
		awaited := func() (yes bool) {
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				var err error
				yes, err = tx.RefundsAwaitLedger(ctx, "GRECEIVING")
				return err
			})
			return yes
		}
		require.False(t, awaited())
		b.must(insertRefund, "r1", 1, "ready")
		require.True(t, awaited(), "ready")
		b.must("UPDATE refunds SET state = 'held' WHERE id = 'r1'")
		require.False(t, awaited(), "held")
		b.must(insertRefundAttempt, "r1", "ours", "sending")
		require.True(t, awaited(), "in flight")
		b.must("UPDATE refund_attempts SET state = 'dead'")
		require.False(t, awaited(), "dead")
	})
}

func TestOutgoingStatements_use_their_indexes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, text := range store.OutgoingStatements(3) {
			requireIndexes(t, db, name, plan(t, db, text, []any{"a", "b", "c"}), nil)
		}
		for name, args := range map[string]map[string]any{
			"SeenOutgoing":       {"chain": "c", "account": "G", "after_position": int64(0), "up_to_position": int64(1)},
			"RefundsAwaitLedger": {"account": "G"},
			"ListOutgoing":       {"chain": "c", "account": "G", "after_operation": int64(0), "after_idx": int64(0), "most": int64(9)},
		} {
			text, list := numberedArguments(t, queryText(t, "outgoing", name), args)
			shown := plan(t, db, text, list)
			if db.Engine() == "sqlite" {
				shown = strings.ReplaceAll(shown, "SCAN CONSTANT ROW", "")
			}
			requireIndexes(t, db, name, shown, nil)
		}
	})
}
