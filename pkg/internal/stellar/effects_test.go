package stellar_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const maker = "GDDFWESQM3Y4GJWUHCWE6OGVLOLOC5VYZPKN7XUSKHQ55YG4W555RNT6"

// effectsOf answers the effects of a sample that are an account's own, as its list of effects gives them.
func effectsOf(t testing.TB, account string, names ...string) [][]byte {
	t.Helper()
	var own [][]byte
	for _, name := range names {
		var page struct {
			Embedded struct {
				Records []json.RawMessage `json:"records"`
			} `json:"_embedded"`
		}
		require.NoError(t, json.Unmarshal(sample(t, name), &page))
		for _, r := range page.Embedded.Records {
			if members(t, r)["account"] == account {
				own = append(own, r)
			}
		}
	}
	return own
}

// withEffects is a Horizon that gives those records of an account's effects which lie behind the cursor.
func withEffects(t testing.TB, account string, records ...[]byte) network {
	t.Helper()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	n.HandleFunc("GET /accounts/"+account+"/effects", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil || r.URL.Query().Get("order") != "asc" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write(pageOf(records[:min(limit, len(records))]...))
	})
	return n
}

func effectRecord(t testing.TB, with map[string]any) []byte {
	t.Helper()
	record := map[string]any{"paging_token": "42949677057-1", "account": receiver, "created_at": "2026-11-23T04:14:57Z"}
	for key, value := range with {
		record[key] = value
	}
	return mustJSON(t, record)
}

func read(t testing.TB, account string, records ...[]byte) stellar.EffectsPage {
	t.Helper()
	page, err := withEffects(t, account, records...).Effects(t.Context(), account, stellar.EffectPosition{}, 200)
	require.NoError(t, err)
	return page
}

func TestThe_effects_of_a_real_path_payment_tell_each_side_what_moved(t *testing.T) {
	t.Parallel()
	page := read(t, receiver, effectsOf(t, receiver, "path-payment-effects.json")...)
	require.Len(t, page.Effects, 1)
	e := page.Effects[0]
	require.Equal(t, stellar.EffectPosition{Operation: 158913794049, Index: 1}, e.EffectPosition)
	require.Equal(t, stellar.EffectCredited, e.Kind)
	require.Equal(t, []stellar.BalanceChange{{AssetCode: "EURLONG12", AssetIssuer: issuer, Units: 20_000_000}}, e.Changes)
	require.EqualValues(t, 37, e.Ledger())
	require.Equal(t, e.EffectPosition, page.Position)
	require.False(t, page.Full)
	require.Positive(t, page.Through.Sequence)

	made := read(t, maker, effectsOf(t, maker, "path-payment-effects.json")...)
	require.Equal(t, []stellar.BalanceChange{
		{AssetCode: "USDC", AssetIssuer: issuer, Units: -22_000_000}, {AssetCode: "native", Units: 220_000_000},
	}, made.Effects[0].Changes, "whoever made the offer gave what was sold and got what was bought")
}

func TestThe_effects_of_a_real_merge_tell_the_amount_on_both_sides(t *testing.T) {
	t.Parallel()
	into := read(t, receiver, effectsOf(t, receiver, "account-merge-effects.json")...)
	require.Equal(t, []stellar.BalanceChange{{AssetCode: "native", Units: 19_999_900}}, into.Effects[0].Changes)
	from := read(t, merged, effectsOf(t, merged, "account-merge-effects.json")...)
	require.Equal(t, []stellar.BalanceChange{{AssetCode: "native", Units: -19_999_900}}, from.Effects[0].Changes)
	require.Equal(t, "account_removed", from.Effects[1].Kind)
	require.Empty(t, from.Effects[1].Changes)
}

func TestEffects_that_move_no_balance_of_the_account_change_nothing(t *testing.T) {
	t.Parallel()
	amounts := map[string]any{"amount": "5.0000000", "asset_type": "native", "starting_balance": "5.0000000"}
	for _, kind := range []string{
		"contract_credited", "contract_debited", "claimable_balance_created", "claimable_balance_claimed", "trustline_created",
		"liquidity_pool_trade", "signer_created", "something_new",
	} {
		amounts["type"] = kind
		require.Empty(t, read(t, receiver, effectRecord(t, amounts)).Effects[0].Changes, kind)
	}
}

func TestA_created_account_and_a_pool_move_what_they_say(t *testing.T) {
	t.Parallel()
	created := read(t, receiver, effectRecord(t, map[string]any{"type": "account_created", "starting_balance": "2.5000000"}))
	require.Equal(t, []stellar.BalanceChange{{AssetCode: "native", Units: 25_000_000}}, created.Effects[0].Changes)
	reserves := []map[string]string{{"asset": "native", "amount": "1.0000000"}, {"asset": "USDC:" + issuer, "amount": "2.0000000"}}
	in := read(t, receiver, effectRecord(t, map[string]any{"type": "liquidity_pool_deposited", "reserves_deposited": reserves}))
	require.Equal(t, []stellar.BalanceChange{
		{AssetCode: "native", Units: -10_000_000}, {AssetCode: "USDC", AssetIssuer: issuer, Units: -20_000_000},
	}, in.Effects[0].Changes)
	out := read(t, receiver, effectRecord(t, map[string]any{"type": "liquidity_pool_withdrew", "reserves_received": reserves}))
	require.Equal(t, int64(10_000_000), out.Effects[0].Changes[0].Units)
}

func TestAn_effect_that_cannot_be_understood_is_handed_on_as_unreadable(t *testing.T) {
	t.Parallel()
	for _, amount := range []string{"", "1", "-1.0000000", "99999999999999999999.0000000"} {
		page := read(t, receiver, effectRecord(t, map[string]any{"type": "account_credited", "asset_type": "native", "amount": amount}))
		require.NotEmpty(t, page.Effects[0].Unreadable, amount)
		require.Empty(t, page.Effects[0].Changes)
	}
}

func TestA_page_of_effects_that_cannot_be_passed_is_refused(t *testing.T) {
	t.Parallel()
	credited := map[string]any{"type": "account_credited", "asset_type": "native", "amount": "1.0000000"}
	with := func(key string, value any) []byte {
		changed := map[string]any{key: value}
		for k, v := range credited {
			changed[k] = v
		}
		return effectRecord(t, changed)
	}
	for name, records := range map[string][][]byte{
		"without a position":      {with("paging_token", "1")},
		"of another account":      {with("account", sender)},
		"that does not ascend":    {with("paging_token", "42949677057-2"), with("paging_token", "42949677057-1")},
		"that is given twice":     {effectRecord(t, credited), effectRecord(t, credited)},
		"of another form":         {[]byte(`7`)},
		"with a negative ordinal": {with("paging_token", "42949677057--1")},
	} {
		n := withEffects(t, receiver, records...)
		_, err := n.Effects(t.Context(), receiver, stellar.EffectPosition{}, 200)
		var unreadable *stellar.AnswerError
		require.ErrorAs(t, err, &unreadable, name)
	}
}

func paidEnvelope(position, fee any, account string) []byte {
	return fmt.Appendf(nil, `{"paging_token":"%v","fee_account":%q,"fee_charged":%s,"successful":false}`, position, account, fee)
}

func TestFees_are_those_that_the_account_itself_paid(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	n.HandleFunc("GET /accounts/"+receiver+"/transactions", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("include_failed") != "true" { // failed ones cost as well
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write(pageOf(paidEnvelope(4096, `"100"`, receiver), paidEnvelope(8192, `"300"`, sender), paidEnvelope(12288, `200`, receiver)))
	})
	page, err := n.Fees(t.Context(), receiver, 0, 3)
	require.NoError(t, err)
	require.Equal(t, []stellar.Fee{{Position: 4096, Units: 100}, {Position: 12288, Units: 200}}, page.Fees)
	require.EqualValues(t, 12288, page.Position)
	require.True(t, page.Full)
}

func TestThe_fee_of_a_real_fee_bump_is_paid_by_its_fee_account(t *testing.T) {
	t.Parallel()
	payer := members(t, sample(t, "transaction-fee-bump.json"))["fee_account"].(string)
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	n.Handle("GET /accounts/{account}/transactions", serve(pageOf(sample(t, "transaction-fee-bump.json"))))
	paid, err := n.Fees(t.Context(), payer, 0, 200)
	require.NoError(t, err)
	require.Equal(t, []stellar.Fee{{Position: 141733924864, Units: 200}}, paid.Fees)
	inner, err := n.Fees(t.Context(), sender, 0, 200)
	require.NoError(t, err)
	require.Empty(t, inner.Fees)
}

func accountAnswer(t testing.TB, latest string, missing bool) network {
	t.Helper()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	n.HandleFunc("GET /accounts/{account}", func(w http.ResponseWriter, r *http.Request) {
		if latest != "" {
			w.Header().Set("Latest-Ledger", latest)
		}
		if missing {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(sample(t, "account-detail.json"))
	})
	return n
}

func TestAn_account_is_told_with_the_ledger_that_it_is_of(t *testing.T) {
	t.Parallel()
	id := members(t, sample(t, "account-detail.json"))["account_id"].(string)
	_, at, err := accountAnswer(t, "4711", false).AccountAt(t.Context(), id)
	require.NoError(t, err)
	require.EqualValues(t, 4711, at)

	n := accountAnswer(t, "", false)
	root, err := n.Root(t.Context())
	require.NoError(t, err)
	a, at, err := n.AccountAt(t.Context(), id)
	if a.LastModifiedLedger > root.Latest.Sequence {
		require.ErrorIs(t, err, stellar.ErrMoved)
	} else {
		require.NoError(t, err)
		require.Equal(t, root.Latest.Sequence, at, "without the header, the ledger announced before")
	}

	_, at, err = accountAnswer(t, "4712", true).AccountAt(t.Context(), id)
	require.ErrorIs(t, err, stellar.ErrNotFound)
	require.EqualValues(t, 4712, at)
}

func TestAn_account_that_changed_since_the_announcement_is_asked_for_again(t *testing.T) {
	t.Parallel()
	id := members(t, sample(t, "account-detail.json"))["account_id"].(string)
	n := newNetwork(t)
	n.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		serve(sample(t, "root.json"))(rec, r)
		root := members(t, rec.Body.Bytes())
		root["history_latest_ledger"] = 2
		_, _ = w.Write(mustJSON(t, root))
	})
	n.Handle("GET /accounts/{account}", serve(sample(t, "account-detail.json")))
	_, _, err := n.AccountAt(t.Context(), id)
	require.ErrorIs(t, err, stellar.ErrMoved)
}
