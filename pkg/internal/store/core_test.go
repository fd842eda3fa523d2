package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// bench is a database with one asset, on which the tests of the core put transactions.
type bench struct {
	*testing.T
	db     *store.DB
	asset  store.Asset
	memo   atomic.Int64
	people atomic.Int64
}

func newBench(t *testing.T, db *store.DB) *bench {
	t.Helper()
	b := &bench{T: t, db: db}
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		account, err := tx.AddReceivingAccount(ctx, "GRECEIVING", 1)
		if err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.FeePercent, a.ReceivingAccount = "USDC", "GISSUER", 7, "0", account.Account
		a.Enabled, a.Sep31Enabled = true, true
		b.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	})
	return b
}

// tx runs f and fails the test if that fails.
func (b *bench) tx(f func(ctx context.Context, tx *store.Tx) error) {
	b.Helper()
	require.NoError(b, b.db.Tx(b.Context(), f))
}

// exec runs a statement as it stands, past everything that guards the tables.
func (b *bench) exec(statement string, args ...any) error {
	_, err := b.db.WriterPool().ExecContext(b.Context(), statement, args...)
	return err
}

func (b *bench) must(statement string, args ...any) {
	b.Helper()
	require.NoError(b, b.exec(statement, args...))
}

func (b *bench) count(query string, args ...any) (n int64) {
	b.Helper()
	require.NoError(b, b.db.ReaderPool().QueryRowContext(b.Context(), query, args...).Scan(&n))
	return n
}

// draft is a transaction of 100 units of the asset, ready to be stored, with a memo of its own.
func (b *bench) draft() store.Transaction {
	var t store.Transaction
	t.ID, t.OwnerAccount = store.NewID(), "GSENDER"
	t.AssetID, t.AssetCode, t.AssetIssuer, t.Decimals = b.asset.ID, b.asset.Code, b.asset.Issuer, b.asset.Decimals
	t.FeePercent, t.ReceivingAccount = "0", b.asset.ReceivingAccount
	t.ExpectedUnits, t.OutUnits, t.OutDecimals, t.OutAsset = 1_000_000_000, 1_000_000_000, money.StellarDecimals, "stellar:USDC:GISSUER"
	t.Publish("id", fmt.Sprint(b.memo.Add(1)))
	return t
}

func (b *bench) create(t store.Transaction) store.Transaction {
	b.Helper()
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.CreateTransaction(ctx, t, anchor.Change{Cause: anchor.CauseCreated, Actor: "sending anchor"})
		return err
	})
	return b.reload(t.ID)
}

func (b *bench) reload(id string) store.Transaction {
	b.Helper()
	t, err := b.db.TransactionByID(b.Context(), id)
	require.NoError(b, err)
	return t
}

// advance makes one change of a transaction in a Tx of its own.
func (b *bench) advance(id string, c anchor.Change, change func(*store.Transaction)) (store.Transaction, error) {
	var after store.Transaction
	err := b.db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		if change != nil {
			change(&t)
		}
		after, err = tx.Advance(ctx, t, c)
		return err
	})
	return after, err
}

func (b *bench) happens(id string, cause anchor.Cause, change func(*store.Transaction)) store.Transaction {
	b.Helper()
	t, err := b.advance(id, anchor.Change{Cause: cause, Actor: "test"}, change)
	require.NoError(b, err)
	return t
}

// funded creates a transaction with its whole sum credited and a payout in the state given.
func (b *bench) funded(t store.Transaction, state anchor.PayoutState, waits anchor.WaitsFor) (store.Transaction, store.Payout) {
	b.Helper()
	t = b.create(t)
	var p store.Payout
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		locked, err := tx.LockTransaction(ctx, t.ID)
		if err != nil {
			return err
		}
		locked.CreditedUnits = locked.ExpectedUnits
		p = store.Payout{}
		p.Number, p.State, p.WaitsFor, p.Rail = 1, state, waits, "simulated"
		p.DebitUnits, p.AmountUnits, p.AmountDecimals, p.AmountAsset = locked.CreditedUnits, locked.OutUnits, locked.OutDecimals, locked.OutAsset
		change := anchor.Change{Cause: anchor.CauseFunded, Actor: "watch-transactions"}
		if p, err = tx.CreatePayout(ctx, &locked, p, change); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, locked, change)
		return err
	})
	return b.reload(t.ID), p
}

// customer makes a customer with a status for one type, without any values.
func (b *bench) customer(customerType string, status anchor.CustomerStatus) string {
	b.Helper()
	id, now := store.NewID(), int64(1)
	b.must(`INSERT INTO customers (id, owner_account, memo_type, memo, key_id, sealed_key, version, created_us, updated_us)
		VALUES ($1, $2, 'id', $3, '', '', 1, $4, $4)`, id, "GSENDER", fmt.Sprint(b.people.Add(1)), now)
	if status != "" {
		b.must("INSERT INTO customer_statuses (customer_id, type, status, actor, updated_us) VALUES ($1, $2, $3, 'test', $4)",
			id, customerType, string(status), now)
	}
	return id
}

// rows reads all rows of a query as text, for comparisons.
func (b *bench) rows(query string, args ...any) [][]string {
	b.Helper()
	rows, err := b.db.ReaderPool().QueryContext(b.Context(), query, args...)
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(b, err)
	var all [][]string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		require.NoError(b, rows.Scan(targets...))
		row := make([]string, len(columns))
		for i, cell := range cells {
			row[i] = cell.String
		}
		all = append(all, row)
	}
	require.NoError(b, rows.Err())
	return all
}
