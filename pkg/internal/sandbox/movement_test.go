package sandbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// named is how the sandbox writes an asset.
func named(a txnbuild.CreditAsset) string { return a.Code + ":" + a.Issuer }

func (l *lab) rate(give, get string, units int64) {
	l.Helper()
	require.NoError(l, l.net.SetRate(give, get, units))
}

func (l *lab) balance(kp *keypair.Full, asset string) int64 {
	l.Helper()
	got, ok := l.net.Balance(kp.Address(), asset)
	require.True(l, ok)
	return got
}

// bazaar is a lab where one XLM buys 0.1 USDC, and 1.1 USDC one EURLONG12.
type bazaar struct {
	*lab
	sender, receiver *keypair.Full
	usdc, eur        txnbuild.CreditAsset
}

func newBazaar(t *testing.T) bazaar {
	l := newLab(t)
	b := bazaar{lab: l, sender: l.account(), receiver: l.account()}
	issuer := l.account()
	b.usdc = txnbuild.CreditAsset{Code: "USDC", Issuer: issuer.Address()}
	b.eur = txnbuild.CreditAsset{Code: "EURLONG12", Issuer: issuer.Address()}
	l.do(b.receiver, trust(b.usdc), trust(b.eur))
	l.rate("native", named(b.usdc), one/10)
	l.rate(named(b.usdc), named(b.eur), 9_090_910)
	return b
}

func (b bazaar) send(amount, least string) *txnbuild.PathPaymentStrictSend {
	return &txnbuild.PathPaymentStrictSend{
		SendAsset: txnbuild.NativeAsset{}, SendAmount: amount, Destination: b.receiver.Address(), DestAsset: b.usdc, DestMin: least,
	}
}

func (b bazaar) receive(amount, most string, path ...txnbuild.Asset) *txnbuild.PathPaymentStrictReceive {
	op := &txnbuild.PathPaymentStrictReceive{
		SendAsset: txnbuild.NativeAsset{}, SendMax: most, Destination: b.receiver.Address(), DestAsset: b.usdc, DestAmount: amount, Path: path,
	}
	if len(path) > 0 {
		op.DestAsset = b.eur
	}
	return op
}

// latestPayment is the newest record of the receiver, as a page's only one.
func (b bazaar) latestPayment(query string) string {
	return only(b.T, b.get("/accounts/"+b.receiver.Address()+"/payments?order=desc&limit=1"+query))
}

func TestMovement_of_every_kind_has_the_record_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]func(b bazaar) txnbuild.Operation{
		"record-path-payment-strict-send.json":          func(b bazaar) txnbuild.Operation { return b.send("100", "5") },
		"record-path-payment-strict-receive.json":       func(b bazaar) txnbuild.Operation { return b.receive("10", "500") },
		"record-path-payment-strict-receive-2hops.json": func(b bazaar) txnbuild.Operation { return b.receive("2", "500", b.usdc) },
		"record-account-merge.json": func(b bazaar) txnbuild.Operation {
			return &txnbuild.AccountMerge{Destination: b.receiver.Address()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBazaar(t)
			b.do(b.sender, op(b))
			requireSameShape(t, load(t, name).body, b.latestPayment(""))
		})
	}
	for name, muxedID := range map[string]uint64{
		"record-invoke-host-function-sac-transfer.json":       0,
		"record-invoke-host-function-sac-transfer-muxed.json": 421,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBazaar(t)
			b.do(b.sender, trust(b.usdc), &txnbuild.PathPaymentStrictSend{
				SendAsset: txnbuild.NativeAsset{}, SendAmount: "1000", Destination: b.sender.Address(), DestAsset: b.usdc, DestMin: "1",
			})
			to := b.receiver.Address()
			if muxedID > 0 {
				to = muxed(t, b.receiver, muxedID)
			}
			require.Equal(t, "tx_success", b.call(b.sender, b.usdc, "transfer", b.sender.Address(), to, 33*one).TransactionCode)
			requireSameShape(t, load(t, name).body, b.latestPayment(""))
		})
	}
}

func TestEffects_are_those_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]func(b bazaar) txnbuild.Operation{
		"path-payment-effects.json": func(b bazaar) txnbuild.Operation { return b.receive("2", "500", b.usdc) },
		"account-merge-effects.json": func(b bazaar) txnbuild.Operation {
			return &txnbuild.AccountMerge{Destination: b.receiver.Address()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBazaar(t)
			got := b.apply(intent{by: b.sender, ops: []txnbuild.Operation{op(b)}})
			page := b.get("/operations/" + number(got.Payments[0].ID) + "/effects")
			want := load(t, name).body
			requireSameShape(t, want, page.body)
			require.Equal(t, pluck(t, want, "type"), pluck(t, page.body, "type"))
		})
	}
}

func TestPath_payment_moves_what_the_rates_say_rounded_against_the_sender(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	before := b.balance(b.sender, "native")
	b.do(b.sender, b.receive("2", "500", b.usdc))
	require.Equal(t, int64(2*one), b.balance(b.receiver, named(b.eur)))
	usdc := int64(21_999_998) // 2 / 0.909091, rounded up
	require.Equal(t, before-100-usdc*10, b.balance(b.sender, "native"))

	b.do(b.sender, b.send("0.0000019", "0.0000001"))
	require.Equal(t, int64(1), b.balance(b.receiver, named(b.usdc)), "0.00000019 rounded down")
}

func TestPath_payment_that_fails_says_why_in_the_words_of_a_real_Horizon(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	b.rate("native", named(b.eur), 0)
	stranger, ghost := b.account(), keypair.MustRandom()
	toStranger, toGhost := b.send("1", "0.01"), b.send("1", "0.01")
	toStranger.Destination, toGhost.Destination = stranger.Address(), ghost.Address()
	fromCredit := b.send("1", "0.01")
	fromCredit.SendAsset, fromCredit.DestAsset = b.usdc, b.eur
	unpriced := b.send("1", "0.01")
	unpriced.DestAsset = b.eur
	for want, op := range map[string]txnbuild.Operation{
		"op_under_dest_min":  b.send("10", "1.0000001"),
		"op_over_source_max": b.receive("1", "9.9999999"),
		"op_too_few_offers":  unpriced,
		"op_no_trust":        toStranger,
		"op_no_destination":  toGhost,
		"op_src_no_trust":    fromCredit,
		"op_underfunded":     b.send("99999", "1"),
	} {
		got := b.apply(intent{by: b.sender, ops: []txnbuild.Operation{op}})
		require.Equal(t, []string{want}, got.OperationCodes)
		require.Equal(t, "tx_failed", got.TransactionCode)
	}
	t.Run("and its record has no amount that was never known", func(t *testing.T) {
		b.apply(intent{by: b.sender, ops: []txnbuild.Operation{b.send("10", "5")}})
		record := b.latestPayment("&include_failed=true")
		require.Contains(t, record, `"amount": "0.0000000"`)
		require.Contains(t, record, `"source_amount": "10.0000000"`)
	})
	require.Error(t, b.net.SetRate("native", "native", 1))
	require.Error(t, b.net.SetRate("USDC", "native", 1))
	require.Error(t, b.net.SetRate("native", named(b.usdc), -1))
}

func TestPath_payment_within_one_asset_needs_no_market(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	op := b.send("3", "3")
	op.DestAsset = txnbuild.NativeAsset{}
	before := b.balance(b.receiver, "native")
	b.do(b.sender, op)
	require.Equal(t, before+3*one, b.balance(b.receiver, "native"))
}

func TestAccount_merge_gives_everything_and_ends_the_account_but_not_its_history(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	from, to := l.account(), l.account()
	all := l.balance(from, "native") - 100
	before := l.balance(to, "native")
	got := l.apply(intent{by: from, ops: []txnbuild.Operation{&txnbuild.AccountMerge{Destination: muxed(t, to, 7)}}})
	require.Equal(t, "tx_success", got.TransactionCode)
	require.Equal(t, before+all, l.balance(to, "native"))
	require.Equal(t, []Payment{{
		ID: got.Payments[0].ID, Kind: "account_merge", From: from.Address(), To: to.Address(), ToMuxedID: "7", Asset: "native", Units: all,
	}}, got.Payments)
	require.Equal(t, 404, l.get("/accounts/"+from.Address()).status)
	require.Equal(t, 200, l.get("/accounts/"+from.Address()+"/payments").status)
	require.Equal(t, []string{"account_created"}, pluck(t, l.get("/accounts/"+from.Address()+"/effects?limit=1").body, "type"))
	_, err := l.net.Submit(l.envelope(intent{by: from, sequence: 1 << 40, ops: native(to, "1")}))
	require.Equal(t, "tx_no_source_account", refusalOf(t, err).TransactionCode)

	t.Run("one that was queued behind it lands as failed", func(t *testing.T) {
		doomed := l.account()
		sequence := l.sequence(doomed)
		for i, op := range []txnbuild.Operation{&txnbuild.AccountMerge{Destination: to.Address()}, pay(to, txnbuild.NativeAsset{}, "1")} {
			_, err := l.net.Submit(l.envelope(intent{by: doomed, sequence: sequence + int64(i) + 1, ops: []txnbuild.Operation{op}}))
			require.NoError(t, err)
		}
		require.Equal(t, 1, l.net.CloseLedger().Failed)
		last := l.net.Transactions()[len(l.net.Transactions())-1]
		require.Equal(t, "tx_no_source_account", last.TransactionCode)
	})
	requireSoundBooks(t, l.net)
}

func TestAccount_merge_that_cannot_be_says_why(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, other, fresh := l.account(), l.account(), keypair.MustRandom()
	l.asset("USDC", holder)
	for want, i := range map[string]intent{
		"op_has_sub_entries": {by: holder, ops: []txnbuild.Operation{&txnbuild.AccountMerge{Destination: other.Address()}}},
		"op_no_account":      {by: other, ops: []txnbuild.Operation{&txnbuild.AccountMerge{Destination: fresh.Address()}}},
	} {
		require.Equal(t, []string{want}, l.apply(i).OperationCodes)
	}
	_, err := l.net.Submit(l.envelope(intent{by: other, ops: []txnbuild.Operation{&txnbuild.AccountMerge{Destination: other.Address()}}}))
	require.Equal(t, []string{"op_malformed"}, refusalOf(t, err).OperationCodes)
	young := l.apply(intent{by: other, signers: []*keypair.Full{other, fresh}, ops: []txnbuild.Operation{
		&txnbuild.CreateAccount{Destination: fresh.Address(), Amount: "2"},
		&txnbuild.AccountMerge{SourceAccount: fresh.Address(), Destination: other.Address()},
	}})
	require.Equal(t, []string{"op_success", "op_seq_num_too_far"}, young.OperationCodes)
}

func TestEffects_of_an_account_are_paged_and_streamed_by_cursors_of_two_parts(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	b.do(b.sender, b.receive("2", "500", b.usdc), pay(b.receiver, txnbuild.NativeAsset{}, "1"))
	path := "/accounts/" + b.sender.Address() + "/effects"
	want := []string{"account_created", "signer_created", "account_debited", "trade", "trade", "account_debited"}
	all := b.get(path)
	require.Equal(t, want, pluck(t, all.body, "type"))
	tokens := pluck(t, all.body, "paging_token")
	for i, token := range tokens[:len(tokens)-1] {
		require.Equal(t, tokens[i+1:i+2], pluck(t, b.get(path+"?limit=1&cursor="+token).body, "paging_token"))
	}
	require.Equal(t, want[4:], pluck(t, b.get(path+"?cursor="+tokens[3]).body, "type"))
	require.Equal(t, []string{"trade", "account_debited"}, pluck(t, b.get(path+"?limit=2&order=desc&cursor="+tokens[4]).body, "type"))
	require.Equal(t, 400, b.get(path+"?cursor=1-x").status)
	require.Equal(t, 400, b.get("/payments?cursor=1-2").status)
	id, _, _ := strings.Cut(tokens[2], "-")
	require.Equal(t, want[5:], pluck(t, b.get(path+"?cursor="+id).body, "type"), "a single number is behind all effects of its operation")

	stream := b.open(path + "?limit=1&cursor=" + tokens[4])
	require.Contains(t, stream.all(), "id: "+tokens[5]+"\n")
	for _, empty := range []string{"/operations/1/effects", "/effects?cursor=now"} {
		require.Empty(t, pluck(t, b.get(empty).body, "type"), empty)
	}
	require.Equal(t, 400, b.get("/operations/x/effects").status)
}

func TestHistory_is_listed_by_ledger_and_transaction_too(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	got := b.apply(intent{by: b.sender, ops: []txnbuild.Operation{b.send("10", "1"), pay(b.receiver, txnbuild.NativeAsset{}, "1")}})
	for path, want := range map[string]int{
		"/transactions/" + got.Hash + "/payments":            2,
		"/transactions/" + got.Hash + "/effects":             6,
		"/ledgers/" + number(got.Ledger) + "/payments":       2,
		"/ledgers/" + number(got.Ledger) + "/transactions":   1,
		"/ledgers/" + number(got.Ledger) + "/effects":        6,
		"/ledgers/" + number(got.Ledger-1) + "/payments":     0,
		"/ledgers/" + number(got.Ledger-1) + "/transactions": 1,
	} {
		require.Len(t, pluck(t, b.get(path).body, "paging_token"), want, path)
	}
	require.Equal(t, http.StatusNotFound, b.get("/ledgers/"+number(got.Ledger+1)+"/payments").status)
	b.do(b.sender, trust(b.usdc), &txnbuild.PathPaymentStrictSend{
		SendAsset: txnbuild.NativeAsset{}, SendAmount: "1000", Destination: b.sender.Address(), DestAsset: b.usdc, DestMin: "1",
	})
	part := pay(b.receiver, b.usdc, "1")
	thrice := b.apply(intent{by: b.sender, ops: []txnbuild.Operation{part, part, part}})
	requireSameShape(t, load(t, "transaction-two-payments.json").body, b.get("/transactions/"+thrice.Hash+"/payments").body)
}

func TestTrust_line_has_effects_when_it_begins_changes_and_ends(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder := l.account()
	issuer := l.account()
	usdc := txnbuild.CreditAsset{Code: "USDC", Issuer: issuer.Address()}
	for _, limit := range []string{"10", "20", "0"} {
		l.do(holder, &txnbuild.ChangeTrust{Line: usdc.MustToChangeTrustAsset(), Limit: limit})
	}
	page := l.get("/accounts/" + holder.Address() + "/effects?order=desc&limit=3").body
	require.Equal(t, []string{"trustline_removed", "trustline_updated", "trustline_created"}, pluck(t, page, "type"))
	require.Equal(t, []string{"0.0000000", "20.0000000", "10.0000000"}, pluck(t, page, "limit"))
}

// call invokes the contract of an asset: function, holders and an amount.
func (l *lab) call(by *keypair.Full, of txnbuild.CreditAsset, function, from, to string, units int64) Transaction {
	l.Helper()
	a, ok := readAsset(named(of))
	require.True(l, ok)
	id := xdr.ContractId(newAssetContracts(standalone).deploy(a))
	var args []xdr.ScVal
	for _, text := range []string{from, to} {
		if text == "" {
			continue
		}
		h, ok := readHolder(text)
		require.True(l, ok)
		args = append(args, h.muxedValue())
	}
	return l.apply(intent{by: by, fee: 30_000, ops: []txnbuild.Operation{&txnbuild.InvokeHostFunction{
		HostFunction: xdr.HostFunction{
			Type: xdr.HostFunctionTypeHostFunctionTypeInvokeContract,
			InvokeContract: &xdr.InvokeContractArgs{
				ContractAddress: xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeContract, ContractId: &id},
				FunctionName:    xdr.ScSymbol(function), Args: append(args, amountValue(units)),
			},
		},
		Ext: xdr.TransactionExt{V: 1, SorobanData: &xdr.SorobanTransactionData{ResourceFee: 20_000}},
	}}})
}
