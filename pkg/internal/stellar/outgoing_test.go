package stellar_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// fromUs is what most movements out share: the sample payment as seen by its sender.
func fromUs(id int64, closed, hash, to string, units int64) stellar.Payment {
	p := usd(id, closed, hash, units)
	p.From, p.To = receiver, to
	return p
}

func Test_what_the_account_sends_is_outgoing_and_no_payment(t *testing.T) {
	t.Parallel()
	const (
		plain    = "record-payment-credit-memo-id-join.json"
		contract = "record-invoke-host-function-sac-transfer.json"
		received = "record-path-payment-strict-receive.json"
	)
	bumpedBy := func(p *stellar.Payment) {
		p.InnerHash, p.MemoType, p.Memo = "fa78f0a784b1a5f36080af2ee03f2d81f0e684f625b1d545099770856859a8fa", "text", "YnVtcGVk"
	}
	native := func(kind string) func(*stellar.Payment) {
		return func(p *stellar.Payment) { p.Kind, p.AssetCode, p.AssetIssuer = kind, stellar.NativeCode, "" }
	}
	out := map[string]any{"from": receiver, "to": trader}
	paid := fromUs(107374186497, "04:14:45", "265cce9b02986d466dacdc1c3240df470084d63b171f1a07686dfff1cf02ae29", trader, 123456789)
	paid.MemoType, paid.Memo = "id", "18446744073709551615"
	converted := fromUs(150323859457, "04:14:55", "4c73baed3a473a1093d7062a2397c50437d561f30c70134b10d21818c695570b", trader, 2000000000)
	invoked := fromUs(167503728641, "04:14:59", "c7c0d6d21065dd0c16601887eb3725b996c330eac267a19053695bef40dbebb0", trader, 10000000)
	for name, c := range map[string]struct {
		record []byte
		want   *stellar.Payment
	}{
		"a payment":                       {changed(t, plain, out), &paid},
		"a payment of a fee bump":         {changed(t, "record-payment-fee-bump-join.json", out), with(fromUs(141733924865, "04:14:53", "42034abf5d863b14983a62c18cfeb902d913006b84d9290b374d9356d245da7a", trader, 140000000), bumpedBy)},
		"a payment to a muxed account":    {changed(t, plain, map[string]any{"from": receiver, "to": trader, "to_muxed": muxedAddress(t, trader, 9), "to_muxed_id": "9"}), with(paid, func(p *stellar.Payment) { p.ToMuxedID = "9" })},
		"a path payment by what it costs": {withMemo(t, received, out), with(converted, native(stellar.KindPathPayment))},
		"an account that it creates":      {withMemo(t, "record-create-account.json", map[string]any{"funder": receiver, "account": trader}), with(fromUs(51539611649, "04:14:32", "ef64336db53e9dbdbbb4f1e8d605e97b63ffda296f3d98c7318909495d5ed449", trader, 100000000000), native(stellar.KindCreateAccount))},
		"its own merge by what it took":   {withMemo(t, "record-account-merge.json", map[string]any{"account": receiver, "into": trader}), with(fromUs(188978565121, "04:15:04", "d40c0c605d6ae0f83e191ff29cfb3da7b80bd0b00892241ea29ec68e9b41f594", trader, 19999900), native(stellar.KindAccountMerge))},
		"a transfer of an asset contract": {withMemo(t, contract, moves("transfer", receiver, trader)), with(invoked, native(stellar.KindContract))},
		"a burn":                          {withMemo(t, contract, moves("burn", receiver, "")), with(invoked, func(p *stellar.Payment) { native(stellar.KindContract)(p); p.To = "" })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newReadable(t, pageOf(c.record))
			n.Handle("GET /operations/188978565121/effects", serve([]byte(strings.ReplaceAll(strings.ReplaceAll(
				string(sample(t, "account-merge-effects.json")), receiver, trader), merged, receiver))))
			page, err := n.Payments(t.Context(), receiver, 7, 200)
			require.NoError(t, err)
			require.Empty(t, page.Payments)
			require.Equal(t, []stellar.Payment{*c.want}, page.Outgoing)
			require.Equal(t, c.want.OperationID, page.Position)
		})
	}
}

func moves(kind, from, to string) map[string]any {
	return map[string]any{"asset_balance_changes": []any{map[string]any{"asset_type": "native", "type": kind, "from": from, "to": to, "amount": "1.0000000"}}}
}

// withMemo changes a sample that was taken without join, and joins its transaction.
func withMemo(t testing.TB, name string, change map[string]any) []byte {
	t.Helper()
	m := members(t, joinedWith(t, name, nil))
	for key, value := range change {
		m[key] = value
	}
	return mustJSON(t, m)
}

func Test_a_contract_call_that_moves_both_ways_is_counted_once_through(t *testing.T) {
	t.Parallel()
	change := func(kind, from, to string) any {
		return map[string]any{"asset_type": "native", "type": kind, "from": from, "to": to, "amount": "1.0000000"}
	}
	record := withMemo(t, "record-invoke-host-function-sac-transfer.json", map[string]any{"asset_balance_changes": []any{
		change("transfer", receiver, trader), change("transfer", sender, trader), change("transfer", receiver, receiver),
		change("transfer", sender, receiver), change("clawback", receiver, ""), change("burn", receiver, ""),
	}})
	page, err := newReadable(t, pageOf(record)).Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.Equal(t, []int{2}, indexes(page.Payments))
	require.Equal(t, []int{0, 4}, indexes(page.Outgoing))
}

func indexes(list []stellar.Payment) []int {
	var found []int
	for _, p := range list {
		found = append(found, p.Index)
	}
	return found
}

func Test_a_movement_out_that_cannot_be_read_is_outgoing_all_the_same(t *testing.T) {
	t.Parallel()
	record := changed(t, "record-payment-credit-memo-id-join.json", map[string]any{"from": receiver, "to": trader, "amount": "lots"})
	page, err := newReadable(t, pageOf(record)).Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.Empty(t, page.Payments)
	require.Len(t, page.Outgoing, 1)
	require.Contains(t, page.Outgoing[0].Unreadable, "lots")
	require.Zero(t, page.Outgoing[0].Units)
}

func Test_a_page_that_ends_early_leaves_out_what_was_sent_behind_its_end(t *testing.T) {
	t.Parallel()
	merge := withMemo(t, "record-account-merge.json", map[string]any{"account": receiver, "into": trader})
	paid := changed(t, "record-payment-credit-memo-id-join.json", map[string]any{"from": receiver, "to": trader})
	n := newReadable(t, pageOf(paid, merge))
	n.HandleFunc("GET /operations/188978565121/effects", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	page, err := n.Payments(t.Context(), receiver, 0, 200)
	require.NoError(t, err)
	require.True(t, page.Full)
	require.Len(t, page.Outgoing, 1)
	require.Equal(t, int64(107374186497), page.Position)
}

// Test_every_sample_of_a_record_is_what_it_was_for_each_who_took_part reads every sample record as each account that it names.
func Test_every_sample_of_a_record_is_what_it_was_for_each_who_took_part(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/horizon/record-*.json")
	require.NoError(t, err)
	for _, path := range names {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := sample(t, name)
			if _, joined := members(t, record)["transaction"]; !joined {
				record = joinedWith(t, name, nil)
			}
			for _, account := range []string{receiver, issuer, sender, trader, merged, creator} {
				n := newNetwork(t)
				n.Handle("GET /{$}", serve(sample(t, "root.json")))
				n.Handle("GET /accounts/"+account+"/payments", serve(pageOf(record)))
				n.Handle("GET /operations/188978565121/effects", serve(sample(t, "account-merge-effects.json")))
				page, err := n.Payments(t.Context(), account, 0, 200)
				require.NoError(t, err)
				in, out := sides(t, record, account)
				require.Len(t, page.Payments, in, account)
				require.Len(t, page.Outgoing, out, account)
				for _, p := range append(page.Payments, page.Outgoing...) {
					require.Empty(t, p.Unreadable)
				}
			}
		})
	}
}

// sides tells from a record's own words how many movements in and out it is for an account.
func sides(t *testing.T, record []byte, account string) (in, out int) {
	t.Helper()
	type movement struct {
		From, To, Funder, Account, Into string
	}
	var r struct {
		movement
		Type       string
		Successful bool       `json:"transaction_successful"`
		Changes    []movement `json:"asset_balance_changes"`
	}
	require.NoError(t, json.Unmarshal(record, &r))
	if !r.Successful {
		return 0, 0
	}
	list := r.Changes
	switch r.Type {
	case "invoke_host_function":
	case "create_account":
		list = []movement{{From: r.Funder, To: r.Account}}
	case "account_merge":
		list = []movement{{From: r.Account, To: r.Into}}
	default:
		list = []movement{r.movement}
	}
	for _, m := range list {
		if m.To == account && m.From != account {
			in++
		}
		if m.From == account && m.To != account {
			out++
		}
	}
	return in, out
}
