package anchor_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func TestA_transaction_leaves_out_what_it_does_not_have(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	text, err := json.Marshal(anchor.Transaction{ID: "t1", Status: anchor.StatusPendingSender, StartedAt: at, UpdatedAt: at})
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"t1","status":"pending_sender","started_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"}`, string(text))
	require.NotContains(t, string(text), "null")
}

func TestA_transaction_has_the_names_of_SEP_31(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	text, err := json.Marshal(anchor.Transaction{
		ID: "t1", Status: anchor.StatusPendingTransactionInfoUpdate, StatusETA: 60, StatusMessage: "m", AmountIn: "100", AmountInAsset: "stellar:USDC:G",
		AmountOut: "98", AmountOutAsset: "iso4217:BRL", AmountFee: "2", AmountFeeAsset: "stellar:USDC:G",
		FeeDetails: &anchor.FeeDetails{Total: "2", Asset: "stellar:USDC:G", Details: []anchor.FeeDetail{{Name: "Service fee", Amount: "2"}}},
		QuoteID:    "q", StellarAccountID: "GA", StellarMemoType: "id", StellarMemo: "7", StartedAt: at, UpdatedAt: at, CompletedAt: &at,
		StellarTransactionID: "h", ExternalTransactionID: "x", Refunded: true, RequiredInfoMessage: "please",
		RequiredInfoUpdates: map[string]map[string]anchor.Field{"transaction": {"account_number": {Description: "of the recipient", Choices: []string{"1"}, Optional: true}}},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"id": "t1", "status": "pending_transaction_info_update", "status_eta": 60, "status_message": "m", "amount_in": "100",
		"amount_in_asset": "stellar:USDC:G", "amount_out": "98", "amount_out_asset": "iso4217:BRL", "amount_fee": "2",
		"amount_fee_asset": "stellar:USDC:G",
		"fee_details": {"total": "2", "asset": "stellar:USDC:G", "details": [{"name": "Service fee", "amount": "2"}]},
		"quote_id": "q", "stellar_account_id": "GA", "stellar_memo_type": "id", "stellar_memo": "7",
		"started_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z", "completed_at": "2026-03-01T12:00:00Z",
		"stellar_transaction_id": "h", "external_transaction_id": "x", "refunded": true, "required_info_message": "please",
		"required_info_updates": {"transaction": {"account_number": {"description": "of the recipient", "choices": ["1"], "optional": true}}}
	}`, string(text))
}

func TestA_customer_of_whom_nothing_is_known_answers_all_the_same(t *testing.T) {
	t.Parallel()
	var nobody *anchor.Customer
	require.Empty(t, nobody.Value("first_name"))
	require.Equal(t, anchor.CustomerNeedsInfo, nobody.Status())
}

func TestA_customer_is_asked_by_any_spelling_of_a_field(t *testing.T) {
	t.Parallel()
	c := &anchor.Customer{
		Type: "sep31-sender", Statuses: map[string]anchor.CustomerStatus{"sep31-sender": anchor.CustomerAccepted},
		Values: map[string]string{anchor.SEP9Canonical("family_name"): "Silva"},
	}
	require.Equal(t, "Silva", c.Value("last_name"))
	require.Equal(t, "Silva", c.Value("family_name"))
	require.Equal(t, anchor.CustomerAccepted, c.Status())
}
