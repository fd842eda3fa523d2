package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const (
	partsIssuer  = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	partsAccount = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
)

// agreeOn stores n transactions and returns their ids, the oldest first.
func agreeOn(t *testing.T, db *store.DB, n int) []string {
	t.Helper()
	ids := make([]string, n)
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.FeePercent = "USDC", partsIssuer, 7, partsAccount, "0"
		a.Enabled, a.Sep31Enabled = true, true
		if _, err := tx.AddReceivingAccount(ctx, partsAccount, 1); err != nil {
			return err
		}
		a, err := tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		if err != nil {
			return err
		}
		for i := range ids {
			var row store.Transaction
			row.ID, row.OwnerAccount, row.AssetID, row.AssetCode, row.AssetIssuer = store.NewID(), partsIssuer, a.ID, a.Code, a.Issuer
			row.Decimals, row.FeePercent, row.ReceivingAccount, row.ExpectedUnits = 7, "0", partsAccount, 100
			row.OutUnits, row.OutDecimals, row.OutAsset = 100, 7, "stellar:USDC:"+partsIssuer
			row.Publish("id", fmt.Sprint(i+1))
			if row, err = tx.CreateTransaction(ctx, row, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"}); err != nil {
				return err
			}
			ids[i] = row.ID
		}
		return nil
	}))
	return ids
}

func TestTransactionsAreListedTheNewestFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ids := agreeOn(t, db, 5)
		listed := func(f store.TransactionFilter) (got []string) {
			list, err := db.Transactions(t.Context(), f)
			require.NoError(t, err)
			for _, row := range list {
				got = append(got, row.ID)
			}
			return got
		}
		require.Equal(t, []string{ids[4], ids[3], ids[2], ids[1], ids[0]}, listed(store.TransactionFilter{}))
		require.Equal(t, []string{ids[4], ids[3]}, listed(store.TransactionFilter{Limit: 2}))
		require.Equal(t, []string{ids[2], ids[1]}, listed(store.TransactionFilter{Limit: 2, Before: ids[3]}))
		require.Equal(t, []string{ids[2], ids[1]}, listed(store.TransactionFilter{Limit: 2, Before: ids[3], Status: anchor.StatusPendingSender}))
		require.Empty(t, listed(store.TransactionFilter{Status: anchor.StatusCompleted}))
	})
}

func TestWhatAPayoutAskedForIsReadByName(t *testing.T) {
	t.Parallel()
	var row store.Transaction
	fields, err := row.Required()
	require.NoError(t, err)
	require.Empty(t, fields)
	row.RequiredInfo = `{"transaction":{"iban":{"description":"account","optional":true}}}`
	fields, err = row.Required()
	require.NoError(t, err)
	require.Equal(t, map[string]anchor.Field{"iban": {Description: "account", Optional: true}}, fields)
	row.RequiredInfo = "{"
	_, err = row.Required()
	require.Error(t, err)
}
