package customers_test

import (
	"context"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// asset registers what the transactions of a test are paid in.
func (d *desk) asset() store.Asset {
	d.Helper()
	var a store.Asset
	a.Code, a.Issuer, a.Decimals, a.FeePercent, a.ReceivingAccount = "USDC", account(), 7, "0", account()
	a.Enabled, a.Sep31Enabled = true, true
	d.tx(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddReceivingAccount(ctx, a.ReceivingAccount, 1); err != nil {
			return err
		}
		var err error
		a, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	})
	return a
}

func (d *desk) tx(f func(ctx context.Context, tx *store.Tx) error) {
	d.Helper()
	require.NoError(d, d.db.Tx(d.Context(), f))
}

// agree makes a transaction of 10 USDC for a receiver, with sealed fields; nobody has paid it yet.
func (d *desk) agree(a store.Asset, owner, receiverID string, memo int) store.Transaction {
	d.Helper()
	var t store.Transaction
	t.ID, t.OwnerAccount, t.AssetID, t.AssetCode, t.AssetIssuer = store.NewID(), owner, a.ID, a.Code, a.Issuer
	t.Decimals, t.FeePercent, t.ExpectedUnits, t.ReceivingAccount = 7, "0", 10_0000000, a.ReceivingAccount
	t.OutUnits, t.OutDecimals, t.OutAsset, t.CallbackUrl = 10_0000000, 7, "stellar:USDC:"+a.Issuer, "https://sender.test/callback"
	t.Publish("id", strconv.Itoa(memo))
	t.TakePart("", "", receiverID, receiver)
	require.NoError(d, d.db.SealFields(&t, map[string]string{"account_number": "canary-of-the-transaction"}))
	d.tx(func(ctx context.Context, tx *store.Tx) (err error) {
		t, err = tx.CreateTransaction(ctx, t, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	})
	return t
}

// fund pays a transaction, which makes its payout.
func (d *desk) fund(t store.Transaction) store.Transaction {
	d.Helper()
	d.tx(func(ctx context.Context, tx *store.Tx) error {
		locked, err := tx.LockTransaction(ctx, t.ID)
		if err != nil {
			return err
		}
		_, err = tx.Fund(ctx, []store.Funding{{
			Transaction: locked, Units: locked.ExpectedUnits, StellarHash: "hash", Rail: "bank",
			Change: anchor.Change{Cause: anchor.CauseFunded, Actor: "test"},
		}})
		return err
	})
	return d.transaction(t.ID)
}

func (d *desk) transaction(id string) store.Transaction {
	d.Helper()
	t, err := d.db.TransactionByID(d.Context(), id)
	require.NoError(d, err)
	return t
}

func (d *desk) payout(transactionID string) store.Payout {
	d.Helper()
	list, err := d.db.PayoutsOf(d.Context(), transactionID)
	require.NoError(d, err)
	require.Len(d, list, 1)
	return list[0]
}

// deliver ends a transaction as if its payout had reached the recipient.
func (d *desk) deliver(id string) {
	d.Helper()
	d.tx(func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		p, _, err := tx.LivePayout(ctx, id)
		if err != nil {
			return err
		}
		before := p.State
		p.State, p.WaitsFor = anchor.PayoutDelivered, anchor.WaitsForNothing
		if _, err := tx.MovePayout(ctx, p, before, anchor.Change{Cause: anchor.CausePayoutDelivered, Actor: "test"}); err != nil {
			return err
		}
		_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CausePayoutDelivered, Actor: "test"})
		return err
	})
}
