package stellar_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

func at(clock string) time.Time {
	when, err := time.Parse(time.RFC3339, "2026-11-23T"+clock+"Z")
	if err != nil {
		return time.Time{}
	}
	return when
}

// usd is what most sample payments share.
func usd(id int64, closed, hash string, units int64) stellar.Payment {
	return stellar.Payment{
		Account: receiver, OperationID: id, Kind: stellar.KindPayment, InnerHash: hash, OuterHash: hash,
		Ledger: id >> 32, ClosedAt: at(closed), From: sender, To: receiver,
		AssetCode: "USDC", AssetIssuer: issuer, Units: units, MemoType: stellar.MemoNone,
	}
}

func with(p stellar.Payment, change func(*stellar.Payment)) *stellar.Payment {
	change(&p)
	return &p
}

func Test_every_kind_of_record_becomes_the_payment_it_is(t *testing.T) {
	t.Parallel()
	memo := func(kind, text string) func(*stellar.Payment) {
		return func(p *stellar.Payment) { p.MemoType, p.Memo = kind, text }
	}
	const bumpInner = "fa78f0a784b1a5f36080af2ee03f2d81f0e684f625b1d545099770856859a8fa"
	for _, c := range []struct {
		sample string
		want   *stellar.Payment
	}{
		{"record-payment-credit-memo-id-join.json", with(usd(107374186497, "04:14:45", "265cce9b02986d466dacdc1c3240df470084d63b171f1a07686dfff1cf02ae29", 123456789),
			memo("id", "18446744073709551615"))},
		{"record-payment-credit-memo-text-join.json", with(usd(111669153793, "04:14:46", "21779e3a0f83dbcfb2d90c78e4e8a677377942353fc84a338607edcd48bb8746", 100000000),
			memo("text", "xbzDs8WCdyAxMjM="))},
		{"record-payment-credit-memo-text-not-utf8-join.json", with(usd(115964121089, "04:14:47", "c2f9bc5dea314da23f23cdaae73313026a83c29f190f9bf3aec52c7f6dedea67", 105000000),
			memo("text", base64.StdEncoding.EncodeToString([]byte("a\xd1\x00b"))))},
		{"record-payment-credit-memo-text-empty-join.json", with(usd(120259088385, "04:14:48", "1bd93fb24f4f1c40085bfe396edf8429d4dd33f7347cff442879ce92ef46c72a", 106000000),
			memo("text", ""))},
		{"record-payment-credit-memo-hash-join.json", with(usd(124554055681, "04:14:49", "63d2892356af798d7a51ac02585667b2b40e06c44a70f179d0afdc11a39b9b4d", 110000000),
			memo("hash", "1f0887801b76b9223b3c73a60205b647f2652bb64d2d37630c30b4f39f907bc7"))},
		{"record-payment-credit-memo-return-join.json", with(usd(128849022977, "04:14:50", "8b75df47ff5d1903f8920f8a91e7ef8d5f5755c6b94f9d7b117f4ee07c81f4ae", 120000000),
			memo("return", "92afb464e471ed6b58c1fbe0ae16853d1b05f325c125d8cc0451b607fbe1e21b"))},
		{"record-payment-fee-bump-join.json", with(usd(141733924865, "04:14:53", "42034abf5d863b14983a62c18cfeb902d913006b84d9290b374d9356d245da7a", 140000000),
			func(p *stellar.Payment) { p.InnerHash, p.MemoType, p.Memo = bumpInner, "text", "YnVtcGVk" })},
		{"record-payment-failed-tx-join.json", nil},
		{"record-payment-credit-no-join.json", with(usd(94489284609, "04:14:42", "c423cd644ed2926b7b4cf05fb12e50cb04fa9f83f67161c7aa9dbf8a63b1e254", 1000000000000),
			func(p *stellar.Payment) { p.From = issuer })},
		{"record-payment-muxed-destination.json", with(usd(133143990273, "04:14:51", "28e5e0a37b1c4a4fcda92f0293f64ab8850ebe1df4c06354ed673b34af039264", 130000000),
			func(p *stellar.Payment) { p.ToMuxedID = "420" })},
		{"record-payment-muxed-source.json", with(usd(137438957569, "04:14:52", "62a1b71b7156d1adfe029f0c785620b93c76abcf5bde63c79103ee955c238cf5", 135000000),
			func(p *stellar.Payment) { p.FromMuxedID = "7" })},
		{"record-payment-native.json", with(usd(103079219201, "04:14:44", "497ba056a4bef5001f59de0298df46e57a10a80d66661274e4db07653ef0b735", 15000000),
			func(p *stellar.Payment) { p.AssetCode, p.AssetIssuer = stellar.NativeCode, "" })},
		{"record-path-payment-strict-receive-2hops.json", with(usd(158913794049, "04:14:57", "8c29140f9a047829221e6189ab7214bf1e700497e1ab6f7f8329976b0d70b059", 20000000),
			func(p *stellar.Payment) { p.Kind, p.AssetCode = stellar.KindPathPayment, "EURLONG12" })},
		{"record-path-payment-strict-receive.json", with(usd(150323859457, "04:14:55", "4c73baed3a473a1093d7062a2397c50437d561f30c70134b10d21818c695570b", 200000000),
			func(p *stellar.Payment) { p.Kind, p.From = stellar.KindPathPayment, trader })},
		{"record-path-payment-strict-send.json", with(usd(154618826753, "04:14:56", "2fb22c5358cc07036aa0507d0ee4b41cbed468f05f09c100230475b40e2f7369", 100000000),
			func(p *stellar.Payment) { p.Kind, p.From = stellar.KindPathPayment, trader })},
		{"record-create-account.json", with(usd(51539611649, "04:14:32", "ef64336db53e9dbdbbb4f1e8d605e97b63ffda296f3d98c7318909495d5ed449", 100000000000),
			func(p *stellar.Payment) {
				p.Kind, p.From, p.AssetCode, p.AssetIssuer = stellar.KindCreateAccount, creator, stellar.NativeCode, ""
			})},
		{"record-account-merge.json", with(usd(188978565121, "04:15:04", "d40c0c605d6ae0f83e191ff29cfb3da7b80bd0b00892241ea29ec68e9b41f594", 19999900),
			func(p *stellar.Payment) {
				p.Kind, p.From, p.AssetCode, p.AssetIssuer = stellar.KindAccountMerge, merged, stellar.NativeCode, ""
			})},
		{"record-invoke-host-function-sac-transfer.json", with(usd(167503728641, "04:14:59", "c7c0d6d21065dd0c16601887eb3725b996c330eac267a19053695bef40dbebb0", 330000000),
			func(p *stellar.Payment) { p.Kind = stellar.KindContract })},
		{"record-invoke-host-function-sac-transfer-muxed.json", with(usd(171798695937, "04:15:00", "df54d9126eae37fd02d26b277101c9c17366c043d3cbace6af8f19e68875763f", 340000000),
			func(p *stellar.Payment) { p.Kind, p.ToMuxedID = stellar.KindContract, "421" })},
	} {
		t.Run(c.sample, func(t *testing.T) {
			t.Parallel()
			record := sample(t, c.sample)
			if !strings.Contains(c.sample, "-join") || strings.Contains(c.sample, "no-join") {
				record = joinedWith(t, c.sample, nil)
			}
			n := newReadable(t, pageOf(record))
			n.Handle("GET /operations/188978565121/effects", serve(sample(t, "account-merge-effects.json")))
			page, err := n.Payments(t.Context(), receiver, 7, 200)
			require.NoError(t, err)
			require.Equal(t, 1, page.Records)
			if c.want == nil {
				require.Empty(t, page.Payments)
				require.Greater(t, page.Position, int64(7), "it is passed nevertheless")
				return
			}
			require.Equal(t, []stellar.Payment{*c.want}, page.Payments)
			require.Equal(t, c.want.OperationID, page.Position)
		})
	}
}

func Test_movements_that_increase_nothing_are_passed_and_no_payments(t *testing.T) {
	t.Parallel()
	const plain = "record-payment-credit-memo-id-join.json"
	change := func(kind, from, to, amount string) map[string]any {
		return map[string]any{"asset_type": "native", "type": kind, "from": from, "to": to, "amount": amount}
	}
	for name, record := range map[string][]byte{
		"a payment to itself":      changed(t, plain, map[string]any{"from": receiver}),
		"a conversion of its own":  changed(t, plain, map[string]any{"from": receiver, "type": "path_payment_strict_send"}),
		"a payment between others": changed(t, plain, map[string]any{"to": trader}),
		"an account created with nothing": changed(t, "record-create-account.json", map[string]any{"starting_balance": "0.0000000", "transaction": map[string]any{
			"hash": "ef64336db53e9dbdbbb4f1e8d605e97b63ffda296f3d98c7318909495d5ed449", "memo_type": "none"}}),
		"a contract call that moves nothing": changed(t, "record-invoke-host-function-sac-transfer.json", map[string]any{"asset_balance_changes": nil}),
		"contract events of other kinds": changed(t, "record-invoke-host-function-sac-transfer.json", map[string]any{"asset_balance_changes": []any{
			change("clawback", receiver, "", "1.0000000"), change("mint", receiver, sender, "1.0000000"), change("burn", sender, "", "1.0000000"),
			change("transfer", receiver, receiver, "1.0000000"), change("transfer", sender, trader, "1.0000000"),
		}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := newReadable(t, pageOf(record)).Payments(t.Context(), receiver, 0, 200)
			require.NoError(t, err)
			require.Empty(t, page.Payments)
			require.Empty(t, page.Outgoing)
			require.Equal(t, 1, page.Records)
			require.Positive(t, page.Position)
		})
	}
}

func Test_the_index_of_a_contract_payment_counts_the_events_that_name_the_account(t *testing.T) {
	t.Parallel()
	const name = "record-invoke-host-function-sac-transfer.json"
	contract := "C" + sender[1:]
	asset := func(kind, from, to, amount string) map[string]any {
		return map[string]any{"asset_type": "native", "type": kind, "from": from, "to": to, "amount": amount}
	}
	record := changed(t, name, map[string]any{
		"transaction": map[string]any{"hash": members(t, sample(t, name))["transaction_hash"], "memo_type": "id", "memo": "5"},
		"asset_balance_changes": []any{
			asset("transfer", sender, trader, "9.0000000"), // names others
			asset("transfer", contract, receiver, "0.0000001"),
			asset("burn", receiver, "", "9.0000000"),
			asset("mint", "", receiver, "922337203685.4775807"),
			asset("transfer", sender, receiver, "0.0000000"), // nothing
			asset("gift", sender, receiver, "9.0000000"),
			asset("transfer", sender, receiver, "922337203685.4775808"),
			asset("transfer", sender, receiver, "2.0000000"),
		},
	})
	page, err := newReadable(t, pageOf(record)).Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	var told []string
	for _, p := range page.Payments {
		require.Equal(t, int64(167503728641), p.OperationID)
		told = append(told, fmt.Sprintf("%d from %.1s: %d %s", p.Index, p.From, p.Units, p.Unreadable))
	}
	require.Equal(t, []string{
		"0 from C: 1 ",
		"2 from : 9223372036854775807 ",
		`4 from : 0 the kind of balance change "gift" is not known`,
		"5 from G: 0 the amount 922337203685.4775808 is more than an account can hold",
		"6 from G: 20000000 ",
	}, told)
}

func Test_a_record_that_cannot_be_understood_is_an_unreadable_payment_and_stops_nothing(t *testing.T) {
	t.Parallel()
	const plain = "record-payment-credit-memo-id-join.json"
	memoWith := func(with map[string]any) []byte {
		transaction := map[string]any{"hash": members(t, sample(t, plain))["transaction_hash"]}
		for key, value := range with {
			transaction[key] = value
		}
		return changed(t, plain, map[string]any{"transaction": transaction})
	}
	long := strings.Repeat("x", 29)
	for name, c := range map[string]struct {
		record []byte
		why    string
	}{
		"an unknown operation":           {changed(t, plain, map[string]any{"type": "airdrop"}), `operation type "airdrop" is not known`},
		"an amount without decimals":     {changed(t, plain, map[string]any{"amount": "12"}), "no amount with seven decimals"},
		"an amount with few decimals":    {changed(t, plain, map[string]any{"amount": "12.5"}), "no amount with seven decimals"},
		"an amount below zero":           {changed(t, plain, map[string]any{"amount": "-1.0000000"}), "no amount"},
		"an amount with a sign":          {changed(t, plain, map[string]any{"amount": "+1.0000000"}), "no amount"},
		"an amount with an exponent":     {changed(t, plain, map[string]any{"amount": "1e1.0000000"}), "no amount"},
		"an amount with a leading zero":  {changed(t, plain, map[string]any{"amount": "01.0000000"}), "no amount"},
		"an amount with an underscore":   {changed(t, plain, map[string]any{"amount": "1_0.0000000"}), "no amount"},
		"an amount that is too much":     {changed(t, plain, map[string]any{"amount": "922337203685.4775808"}), "more than an account can hold"},
		"an amount that is a number":     {changed(t, plain, map[string]any{"amount": 12.5}), "amount is no string"},
		"no amount":                      {changed(t, plain, map[string]any{"amount": nil}), "no amount"},
		"no receiver":                    {changed(t, plain, map[string]any{"to": nil}), "no address"},
		"a sender with NUL in it":        {changed(t, plain, map[string]any{"from": "G\x00"}), `"G?" is no address`},
		"an unknown kind of asset":       {changed(t, plain, map[string]any{"asset_type": "shares"}), "asset type"},
		"a strange asset code":           {changed(t, plain, map[string]any{"asset_code": "US D"}), "no asset code"},
		"no issuer":                      {changed(t, plain, map[string]any{"asset_issuer": nil}), "no issuer"},
		"no time":                        {changed(t, plain, map[string]any{"created_at": "today"}), "no time"},
		"no hash":                        {changed(t, plain, map[string]any{"transaction_hash": "AB"}), "no transaction hash"},
		"nothing about success":          {changed(t, plain, map[string]any{"transaction_successful": nil}), "whether the transaction succeeded"},
		"two ids":                        {changed(t, plain, map[string]any{"id": "5"}), "differ"},
		"a muxed id that is no number":   {changed(t, plain, map[string]any{"to_muxed_id": "x"}), "no number of 64 bits"},
		"a muxed account of another":     {changed(t, plain, map[string]any{"to_muxed": "MBFALODLIILMRX365H4FTMEKCETNCKRPTNCZGL7QCBJTWVA6HOODOAAAAAAAAAAAA6RHE"}), "belongs to another"},
		"another transaction joined":     {changed(t, plain, map[string]any{"transaction": map[string]any{"hash": strings.Repeat("0", 64), "memo_type": "none"}}), "joined is another one"},
		"a memo of an unknown type":      {memoWith(map[string]any{"memo_type": "poem"}), "memo type"},
		"a memo id that is none":         {memoWith(map[string]any{"memo_type": "id", "memo": "18446744073709551616"}), "no number of 64 bits"},
		"a memo hash that is short":      {memoWith(map[string]any{"memo_type": "hash", "memo": "HwiH"}), "the memo is no hash"},
		"a text memo without its bytes":  {memoWith(map[string]any{"memo_type": "text", "memo": "a\ufffdb"}), "bytes of the text memo are missing"},
		"a text memo that is too long":   {memoWith(map[string]any{"memo_type": "text", "memo_bytes": base64.StdEncoding.EncodeToString([]byte(long))}), "not readable"},
		"changes of balance of no list":  {changed(t, "record-invoke-host-function-sac-transfer.json", map[string]any{"asset_balance_changes": 5}), "is no list"},
		"a fee bump without inner hash":  {changed(t, plain, map[string]any{"transaction": map[string]any{"hash": "265cce9b02986d466dacdc1c3240df470084d63b171f1a07686dfff1cf02ae29", "memo_type": "none", "fee_bump_transaction": map[string]any{"hash": strings.Repeat("a", 64)}}}), "fee bump"},
		"a change of balance of no sort": {changed(t, "record-invoke-host-function-sac-transfer.json", map[string]any{"transaction": map[string]any{"hash": "c7c0d6d21065dd0c16601887eb3725b996c330eac267a19053695bef40dbebb0", "memo_type": "none"}, "asset_balance_changes": []any{5}}), "no object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := joinedWith(t, "record-account-merge.json", nil)
			n := newReadable(t, pageOf(c.record, next))
			n.Handle("GET /operations/188978565121/effects", serve(sample(t, "account-merge-effects.json")))
			page, err := n.Payments(t.Context(), receiver, 0, 200)
			require.NoError(t, err)
			require.Len(t, page.Payments, 2)
			bad, good := page.Payments[0], page.Payments[1]
			require.Contains(t, bad.Unreadable, c.why)
			require.Zero(t, bad.Units)
			require.JSONEq(t, string(c.record), string(bad.Raw))
			require.Positive(t, bad.OperationID)
			require.Empty(t, good.Unreadable)
			require.Equal(t, int64(19999900), good.Units)
			require.Equal(t, good.OperationID, page.Position)
		})
	}
}

func Test_the_muxed_id_0_which_Horizon_leaves_out_is_read_from_the_address(t *testing.T) {
	t.Parallel()
	record := changed(t, "record-payment-credit-memo-id-join.json", map[string]any{"to_muxed": muxedAddress(t, receiver, 0)})
	page, err := newReadable(t, pageOf(record)).Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.Equal(t, "0", page.Payments[0].ToMuxedID)
	require.Empty(t, page.Payments[0].Unreadable)
}

func Test_a_page_asks_for_the_transactions_and_tells_how_far_it_reaches(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	rooted, asked := false, ""
	n.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		rooted = true
		serve(sample(t, "root.json"))(w, r)
	})
	n.HandleFunc("GET /accounts/"+receiver+"/payments", func(w http.ResponseWriter, r *http.Request) {
		asked = fmt.Sprint(rooted, " ", r.URL.RawQuery)
		serve(sample(t, "payments-page.json"))(w, r)
	})
	n.HandleFunc("GET /transactions/{hash}", func(w http.ResponseWriter, r *http.Request) {
		m := members(t, sample(t, "transaction-memo-id.json"))
		m["hash"] = r.PathValue("hash")
		serve(mustJSON(t, m))(w, r)
	})
	n.Handle("GET /ledgers/113", serve(ledgerNumbered(t, 113)))

	t.Run("a full page", func(t *testing.T) {
		page, err := n.Payments(t.Context(), receiver, 42, 3)
		require.NoError(t, err)
		require.Equal(t, "true cursor=42&join=transactions&limit=3&order=asc", asked)
		require.True(t, page.Full)
		require.Equal(t, 3, page.Records)
		require.Equal(t, int64(103079219201), page.Position)
		require.Equal(t, stellar.Ledger{Sequence: 113, ClosedAt: at("04:16:13")}, page.Through)
		require.Equal(t, int64(8), page.Elder)
		require.Equal(t, "18446744073709551615", page.Payments[0].Memo, "asked for, as the page was not joined")
	})
	t.Run("a page that is not full names the ledger by its hash", func(t *testing.T) {
		page, err := n.Payments(t.Context(), receiver, 42, 4)
		require.NoError(t, err)
		require.False(t, page.Full)
		require.Equal(t, stellar.Ledger{
			Sequence: 113, ClosedAt: at("04:16:13"), Hash: "9c2261f5fbd7733dd41669d067146856c110b6f40fb77456cace7003dae6fa11",
		}, page.Through)
	})
}

func Test_an_empty_page_stays_where_it_was_asked(t *testing.T) {
	t.Parallel()
	page, err := newReadable(t, sample(t, "payments-page-empty-at-head.json")).Payments(t.Context(), receiver, 493921239039, 200)
	require.NoError(t, err)
	require.Equal(t, int64(493921239039), page.Position)
	require.False(t, page.Full)
	require.Zero(t, page.Records)
	require.Empty(t, page.Through.Hash, "the endpoint would not tell it")
	require.Equal(t, int64(113), page.Through.Sequence)
}

func Test_what_cannot_be_asked_now_ends_the_page_before_it(t *testing.T) {
	t.Parallel()
	merge := joinedWith(t, "record-account-merge.json", nil)
	before := sample(t, "record-payment-credit-memo-id-join.json")
	busy := recorded(t, "rate-limited-429.txt")

	t.Run("after others", func(t *testing.T) {
		t.Parallel()
		n := newReadable(t, pageOf(before, merge))
		n.Handle("GET /operations/188978565121/effects", busy)
		page, err := n.Payments(t.Context(), receiver, 0, 200)
		require.NoError(t, err)
		require.Equal(t, 1, page.Records)
		require.Len(t, page.Payments, 1)
		require.Equal(t, int64(107374186497), page.Position)
		require.True(t, page.Full, "there is more to read")
	})
	t.Run("as the first", func(t *testing.T) {
		t.Parallel()
		n := newReadable(t, pageOf(merge))
		n.Handle("GET /operations/188978565121/effects", busy)
		_, err := n.Payments(t.Context(), receiver, 0, 200)
		var limited *stellar.RateLimitedError
		require.ErrorAs(t, err, &limited)
	})
	t.Run("in the middle of an operation, which is read whole or not at all", func(t *testing.T) {
		t.Parallel()
		const name = "record-invoke-host-function-sac-transfer.json"
		changes := members(t, sample(t, name))["asset_balance_changes"].([]any)
		twice := changed(t, name, map[string]any{"asset_balance_changes": append(changes, changes[0])})
		n := newReadable(t, pageOf(before, twice))
		var asked atomic.Int32
		n.HandleFunc("GET /transactions/{hash}", func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 1 {
				busy(w, r)
				return
			}
			m := members(t, sample(t, "transaction-memo-id.json"))
			m["hash"] = r.PathValue("hash")
			serve(mustJSON(t, m))(w, r)
		})
		page, err := n.Payments(t.Context(), receiver, 0, 200)
		require.NoError(t, err)
		require.Equal(t, 1, page.Records)
		require.Len(t, page.Payments, 1)
	})
	t.Run("what will never be told makes the payment unreadable", func(t *testing.T) {
		t.Parallel()
		n := newReadable(t, pageOf(merge))
		n.Handle("GET /operations/188978565121/effects", serve([]byte(`{"_embedded":{"records":[]}}`)))
		page, err := n.Payments(t.Context(), receiver, 0, 200)
		require.NoError(t, err)
		require.Contains(t, page.Payments[0].Unreadable, "0 effects credit the account")
	})
}

func Test_a_record_without_an_id_ends_the_page_and_fails_it_only_as_the_first(t *testing.T) {
	t.Parallel()
	good := sample(t, "record-payment-credit-memo-id-join.json")
	bad := changed(t, "record-payment-credit-memo-id-join.json", map[string]any{"id": nil, "paging_token": "x"})
	page, err := newReadable(t, pageOf(good, bad, good)).Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.Equal(t, 1, page.Records)
	require.True(t, page.Full)

	_, err = newReadable(t, pageOf(bad, good)).Payments(t.Context(), receiver, 0, 200)
	var unreadable *stellar.AnswerError
	require.ErrorAs(t, err, &unreadable)
	require.ErrorContains(t, err, "first record has no id")
}

func Test_records_that_come_twice_are_one_payment_and_records_out_of_order_an_error(t *testing.T) {
	t.Parallel()
	first := sample(t, "record-payment-credit-memo-id-join.json")
	second := sample(t, "record-payment-credit-memo-text-join.json")
	page, err := newReadable(t, pageOf(first, first, second)).Payments(t.Context(), receiver, 0, 3)
	require.NoError(t, err)
	require.Len(t, page.Payments, 2)
	require.Equal(t, 2, page.Records)
	require.True(t, page.Full, "the server filled its page")

	_, err = newReadable(t, pageOf(second, first)).Payments(t.Context(), receiver, 0, 200)
	require.ErrorContains(t, err, "does not come after")
	_, err = newReadable(t, pageOf(first)).Payments(t.Context(), receiver, 107374186497, 200)
	require.ErrorContains(t, err, "does not come after", "a server that ignores the cursor")
}

func Test_a_page_of_another_network_is_not_read(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, func(o *stellar.Options) { o.Passphrase = "Test SDF Network ; September 2015" })
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	_, err := n.Payments(t.Context(), receiver, 0, 200)
	var wrong *stellar.WrongNetworkError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, passphrase, wrong.Got)
	require.Equal(t, "Test SDF Network ; September 2015", wrong.Want)
}

func Test_a_page_that_is_too_large_is_asked_for_in_halves(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Handle("GET /{$}", serve(sample(t, "root.json")))
	var limits []string
	record := sample(t, "record-payment-credit-memo-id-join.json")
	n.HandleFunc("GET /accounts/"+receiver+"/payments", func(w http.ResponseWriter, r *http.Request) {
		limit := r.URL.Query().Get("limit")
		limits = append(limits, limit)
		if limit != "1" {
			w.Header().Set("Content-Length", "999999999")
			return
		}
		serve(pageOf(record))(w, r)
	})
	page, err := n.Payments(t.Context(), receiver, 0, 4)
	require.NoError(t, err)
	require.Equal(t, []string{"4", "2", "1"}, limits)
	require.Len(t, page.Payments, 1)
	require.True(t, page.Full)
}

func Test_what_is_asked_is_checked_before_it_is_sent(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, account := range []string{"", "GABC", receiver + "/../x", muxedAddress(t, receiver, 5)} {
		_, err := n.Payments(context.Background(), account, 0, 10)
		require.ErrorContains(t, err, "not the address of an account")
		require.ErrorContains(t, n.Wait(context.Background(), account, 0), "not the address of an account")
		_, err = n.Account(context.Background(), account)
		require.ErrorContains(t, err, "not the address of an account")
		require.ErrorContains(t, n.Friendbot(context.Background(), account), "not the address of an account")
	}
	for _, limit := range []int{-1, 0, 201} {
		_, err := n.Payments(context.Background(), receiver, 0, limit)
		require.ErrorContains(t, err, "limit")
	}
	_, err := n.Payments(context.Background(), receiver, -1, 1)
	require.ErrorContains(t, err, "negative")
}

func Test_several_operations_of_one_transaction_are_several_payments(t *testing.T) {
	t.Parallel()
	n := newReadable(t, sample(t, "transaction-two-payments.json"))
	n.HandleFunc("GET /transactions/{hash}", func(w http.ResponseWriter, r *http.Request) {
		m := members(t, sample(t, "transaction-memo-id.json"))
		m["hash"] = r.PathValue("hash")
		serve(mustJSON(t, m))(w, r)
	})
	page, err := n.Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.Equal(t, 3, page.Records, "the third goes to somebody else")
	require.Len(t, page.Payments, 2)
	require.Equal(t, page.Payments[0].OperationID+1, page.Payments[1].OperationID)
	require.Equal(t, page.Payments[0].OuterHash, page.Payments[1].OuterHash)
	require.Equal(t, []int64{150000000, 160000000}, []int64{page.Payments[0].Units, page.Payments[1].Units})
	require.Equal(t, int64(146028892163), page.Position)
}
