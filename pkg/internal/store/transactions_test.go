package store_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestA_sending_anchor_sees_its_own_transactions_only(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		mine := b.create(b.draft())
		got, err := db.TransactionOf(t.Context(), "GSENDER", mine.ID)
		require.NoError(t, err)
		require.Equal(t, mine, got)
		for _, stranger := range []string{"GOTHER", "", "gsender", "GSENDER "} {
			_, err := db.TransactionOf(t.Context(), stranger, mine.ID)
			require.ErrorIs(t, err, store.ErrNotFound, "%q", stranger)
		}
		for _, id := range []string{"", "x", mine.ID + "0", "' OR '1'='1"} {
			_, err := db.TransactionOf(t.Context(), "GSENDER", id)
			require.ErrorIs(t, err, store.ErrNotFound, "%q", id)
		}
	})
}

func TestA_transaction_shows_its_money_and_where_to_pay_it(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		draft.ExpectedUnits, draft.FeeUnits, draft.OutUnits, draft.OutDecimals, draft.OutAsset = 1_005_000_000, 5_000_000, 51_230, 2, "iso4217:BRL"
		draft.FeeDetails = `[{"name":"Service fee","amount":"0.5"}]`
		shown, err := b.create(draft).Public()
		require.NoError(t, err)
		require.Equal(t, "100.5", shown.AmountIn, "before anything arrives, what was agreed")
		require.Equal(t, "0.5", shown.AmountFee)
		require.Equal(t, "512.3", shown.AmountOut)
		require.Equal(t, "iso4217:BRL", shown.AmountOutAsset)
		require.Equal(t, "stellar:USDC:GISSUER", shown.AmountInAsset)
		require.Equal(t, &anchor.FeeDetails{Total: "0.5", Asset: "stellar:USDC:GISSUER", Details: []anchor.FeeDetail{{Name: "Service fee", Amount: "0.5"}}}, shown.FeeDetails)
		require.Equal(t, "GRECEIVING", shown.StellarAccountID)
		require.Equal(t, "id", shown.StellarMemoType)
		require.Equal(t, draft.Memo.String, shown.StellarMemo)
		require.Nil(t, shown.CompletedAt)

		funded := b.happens(draft.ID, anchor.CauseFunded, func(t *store.Transaction) { t.CreditedUnits, t.StellarHash = 1_005_000_001, "ab" })
		shown, err = funded.Public()
		require.NoError(t, err)
		require.Equal(t, "100.5000001", shown.AmountIn, "afterwards, what arrived")
		require.Equal(t, "ab", shown.StellarTransactionID)
		shown, err = b.happens(draft.ID, anchor.CausePayoutDelivered, func(t *store.Transaction) { t.ExternalID = "bank-1" }).Public()
		require.NoError(t, err)
		require.Equal(t, "bank-1", shown.ExternalTransactionID)
		require.Equal(t, shown.UpdatedAt, *shown.CompletedAt)
	})
}

func TestA_memo_that_was_not_given_out_is_not_shown(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.SQLite(t))
	draft := b.draft()
	draft.Memo.Valid = false
	shown, err := b.create(draft).Public()
	require.NoError(t, err)
	text, err := json.Marshal(shown)
	require.NoError(t, err)
	require.NotContains(t, string(text), "stellar_memo")
	require.NotContains(t, string(text), "stellar_account_id")
}

func TestWhat_is_damaged_is_an_error_and_not_shown_in_part(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.SQLite(t))
	for name, damage := range map[string]func(*store.Transaction){
		"fee details":          func(t *store.Transaction) { t.FeeDetails = "{" },
		"required information": func(t *store.Transaction) { t.RequiredInfo = "[]" },
		"hash memo":            func(t *store.Transaction) { t.Publish("hash", "zz") },
		"text memo":            func(t *store.Transaction) { t.Publish("text", "%") },
		"negative amount":      func(t *store.Transaction) { t.CreditedUnits = -1 },
		"decimals":             func(t *store.Transaction) { t.OutDecimals = 19 },
	} {
		t.Run(name, func(t *testing.T) {
			draft := b.draft()
			damage(&draft)
			_, err := draft.Public()
			require.Error(t, err)
		})
	}
}

func TestMemos_are_shown_as_SEP_31_writes_them(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typ, stored, shown string }{
		{"id", "18446744073709551615", "18446744073709551615"},
		{"hash", "00ff", "AP8="}, {"return", "00ff", "AP8="},
		{"text", "aMOpbGxv", "héllo"}, {"", "", ""},
	} {
		shown, err := store.WireMemo(c.typ, c.stored)
		require.NoError(t, err)
		require.Equal(t, c.shown, shown)
	}
}

func TestTransaction_fields_are_sealed_under_a_key_of_their_own(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		require.NoError(t, db.SealFields(&draft, map[string]string{"account_number": "canary-4711"}))
		stored := b.create(draft)
		fields, err := db.OpenFields(stored)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"account_number": "canary-4711"}, fields)
		for _, table := range []string{"transactions", "events", "callbacks"} {
			for _, row := range b.rows("SELECT * FROM " + table) {
				for _, cell := range row {
					require.NotContains(t, cell, "canary")
				}
			}
		}

		key := stored.SealedKey
		require.NoError(t, db.SealFields(&stored, map[string]string{"account_number": "12"}))
		require.Equal(t, key, stored.SealedKey, "the key stays")
		stolen := b.draft()
		stolen.KeyID, stolen.SealedKey, stolen.SealedFields = stored.KeyID, stored.SealedKey, stored.SealedFields
		_, err = db.OpenFields(stolen)
		require.Error(t, err, "copied to another transaction they do not open")
		stored.SealedKey = ""
		_, err = db.OpenFields(stored)
		require.Error(t, err, "without their key they are gone")

		none, err := db.OpenFields(b.draft())
		require.NoError(t, err)
		require.Nil(t, none)
	})
}
