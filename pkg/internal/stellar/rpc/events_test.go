package rpc_test

import (
	"encoding/json"
	"testing"

	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

// brief is what tells the movements of one contract call apart.
type brief struct {
	Index           int
	From, To, Muxed string
	Asset           string
	Units           int64
	Out, Unreadable bool
}

func briefs(page stellar.Page) []brief {
	var all []brief
	for out, list := range [][]stellar.Payment{page.Payments, page.Outgoing} {
		for _, p := range list {
			all = append(all, brief{p.Index, p.From, p.To, p.ToMuxedID, p.AssetCode, p.Units, out == 1, p.Unreadable != ""})
		}
	}
	return all
}

func Test_events_of_an_asset_s_own_contract_are_movements(t *testing.T) {
	t.Parallel()
	c := newCast()
	transfer := func(from, to string, data xdr.ScVal) xdr.ContractEvent {
		return said(c.usd, data, symbolVal("transfer"), addressVal(from), addressVal(to))
	}
	for name, test := range map[string]struct {
		version int32
		events  []xdr.ContractEvent
		want    []brief
	}{
		"a transfer of an older protocol": {3, []xdr.ContractEvent{transfer(c.them, c.us, amountVal(5))},
			[]brief{{0, c.them, c.us, "", "USD", 5, false, false}}},
		"a transfer": {4, []xdr.ContractEvent{transfer(c.vault, c.us, amountVal(5))},
			[]brief{{0, c.vault, c.us, "", "USD", 5, false, false}}},
		"a transfer to a muxed account": {4, []xdr.ContractEvent{transfer(c.them, c.us, mapVal(5, numberVal(0)))},
			[]brief{{0, c.them, c.us, "0", "USD", 5, false, false}}},
		"a mint of an older protocol names the admin": {3,
			[]xdr.ContractEvent{said(c.usd, amountVal(5), symbolVal("mint"), addressVal(c.issuer), addressVal(c.us))},
			[]brief{{0, "", c.us, "", "USD", 5, false, false}}},
		"a mint": {4, []xdr.ContractEvent{said(c.usd, amountVal(5), symbolVal("mint"), addressVal(c.us))},
			[]brief{{0, "", c.us, "", "USD", 5, false, false}}},
		"a burn": {4, []xdr.ContractEvent{said(c.usd, amountVal(5), symbolVal("burn"), addressVal(c.us))},
			[]brief{{0, c.us, "", "", "USD", 5, true, false}}},
		"a clawback is counted and no movement of ours": {3, []xdr.ContractEvent{
			said(c.usd, amountVal(5), symbolVal("clawback"), addressVal(c.issuer), addressVal(c.us)), transfer(c.them, c.us, amountVal(1)),
		}, []brief{{1, c.them, c.us, "", "USD", 1, false, false}}},
		"the ordinal counts what names the account, whatever the asset": {4, []xdr.ContractEvent{
			transfer(c.them, c.vault, amountVal(1)), transfer(c.us, c.vault, amountVal(2)), transfer(c.us, c.us, amountVal(3)),
			said(xdr.MustNewNativeAsset(), amountVal(4), symbolVal("transfer"), addressVal(c.vault), addressVal(c.us)),
			transfer(c.vault, c.us, amountVal(0)), transfer(c.vault, c.us, amountVal(6)),
		}, []brief{{2, c.vault, c.us, "", "native", 4, false, false}, {4, c.vault, c.us, "", "USD", 6, false, false}, {0, c.us, c.vault, "", "USD", 2, true, false}}},
		"an amount beyond any balance is kept as unreadable": {4, []xdr.ContractEvent{transfer(c.them, c.us, wideVal(1, 0))},
			[]brief{{0, c.them, c.us, "", "USD", 0, false, true}}},
		"a negative amount is kept as unreadable": {4, []xdr.ContractEvent{transfer(c.them, c.us, amountVal(-5))},
			[]brief{{0, c.them, c.us, "", "USD", 0, false, true}}},
		"no amount at all is kept as unreadable": {4, []xdr.ContractEvent{transfer(c.them, c.us, symbolVal("lots"))},
			[]brief{{0, c.them, c.us, "", "USD", 0, false, true}}},
		"a muxed id that is none is kept as unreadable": {4, []xdr.ContractEvent{transfer(c.them, c.us, mapVal(5, symbolVal("me")))},
			[]brief{{0, c.them, c.us, "", "USD", 0, false, true}}},
		"a form that is not known yet is kept as unreadable": {4, []xdr.ContractEvent{
			said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), addressVal(c.us), symbolVal("news")),
		}, []brief{{0, "", "", "", "USD", 0, false, true}}},
		"a receiver in a form that is not known yet is kept as unreadable": {4, []xdr.ContractEvent{
			transfer(c.them, muxed(t, c.us, 5), amountVal(5)),
		}, []brief{{0, "", "", "", "USD", 0, false, true}}},
		"a burn that is not understood brings nothing": {4, []xdr.ContractEvent{
			said(c.usd, amountVal(5), symbolVal("burn"), addressVal(c.us), symbolVal("news")),
		}, nil},
		"what strangers do": {4, []xdr.ContractEvent{
			transfer(c.them, c.vault, amountVal(5)), said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), symbolVal("x")),
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := rpc.Read(rawLedger(t, ledgerOf(t, calling(c.them, test.version, test.events...))), passphrase, c.us)
			require.NoError(t, err)
			require.Equal(t, test.want, briefs(page))
			for _, p := range page.Payments {
				require.Equal(t, stellar.KindContract, p.Kind)
				require.Equal(t, p.Unreadable != "", p.Raw != nil)
				require.True(t, p.Raw == nil || json.Valid(p.Raw))
			}
		})
	}
}

func Test_what_anybody_else_says_of_an_asset_is_no_payment(t *testing.T) {
	t.Parallel()
	c := newCast()
	genuine := func() xdr.ContractEvent {
		return said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), addressVal(c.us))
	}
	for name, forge := range map[string]func(e *xdr.ContractEvent){
		"another contract":                    func(e *xdr.ContractEvent) { e.ContractId = &xdr.ContractId{7} },
		"the contract of another asset":       func(e *xdr.ContractEvent) { e.ContractId = said(xdr.MustNewNativeAsset(), amountVal(1)).ContractId },
		"nobody":                              func(e *xdr.ContractEvent) { e.ContractId = nil },
		"an event of the system":              func(e *xdr.ContractEvent) { e.Type = xdr.ContractEventTypeSystem },
		"a diagnostic event":                  func(e *xdr.ContractEvent) { e.Type = xdr.ContractEventTypeDiagnostic },
		"an asset that is none":               func(e *xdr.ContractEvent) { e.Body.V0.Topics[3] = symbolVal("native") },
		"an asset with a code of other signs": func(e *xdr.ContractEvent) { e.Body.V0.Topics[3] = textVal("U D:" + c.issuer) },
		"an asset without an issuer":          func(e *xdr.ContractEvent) { e.Body.V0.Topics[3] = textVal("USD") },
		"another kind of event":               func(e *xdr.ContractEvent) { e.Body.V0.Topics[0] = symbolVal("approve") },
		"a kind that is no symbol":            func(e *xdr.ContractEvent) { e.Body.V0.Topics[0] = textVal("transfer") },
		"too little":                          func(e *xdr.ContractEvent) { e.Body.V0.Topics = e.Body.V0.Topics[2:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := genuine()
			forge(&forged)
			page, err := rpc.Read(rawLedger(t, ledgerOf(t, calling(c.them, 4, forged, genuine()))), passphrase, c.us)
			require.NoError(t, err)
			require.Equal(t, []brief{{0, c.them, c.us, "", "USD", 5, false, false}}, briefs(page), "it is not even counted")
		})
	}
	t.Run("the same contract on another network", func(t *testing.T) {
		t.Parallel()
		_, err := rpc.Read(rawLedger(t, ledgerOf(t, calling(c.them, 4, genuine()))), "another network", c.us)
		require.ErrorContains(t, err, "another network")
	})
}

func textVal(text string) xdr.ScVal {
	s := xdr.ScString(text)
	return xdr.ScVal{Type: xdr.ScValTypeScvString, Str: &s}
}

func Test_events_of_classic_operations_are_not_counted_twice(t *testing.T) {
	t.Parallel()
	c := newCast()
	classic := paying(c.them, c.us, c.usd, 5)
	classic.meta.V4.Operations[0].Events = []xdr.ContractEvent{
		said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), addressVal(c.us)),
	}
	page, err := rpc.Read(rawLedger(t, ledgerOf(t, classic)), passphrase, c.us)
	require.NoError(t, err)
	require.Len(t, page.Payments, 1)
	require.Equal(t, stellar.KindPayment, page.Payments[0].Kind)
}

// FuzzEvent puts any event into a sound ledger, where mutations reach further than in a ledger of random bytes.
func FuzzEvent(f *testing.F) {
	c := newCast()
	for _, e := range []xdr.ContractEvent{
		said(c.usd, amountVal(5), symbolVal("transfer"), addressVal(c.them), addressVal(c.us)),
		said(c.usd, mapVal(5, numberVal(7)), symbolVal("transfer"), addressVal(c.vault), addressVal(c.us)),
		said(c.usd, amountVal(5), symbolVal("mint"), addressVal(c.us)),
		said(c.usd, amountVal(5), symbolVal("clawback"), addressVal(c.issuer), addressVal(c.us)),
	} {
		raw, err := e.MarshalBinary()
		require.NoError(f, err)
		f.Add(raw, true)
		f.Add(raw, false)
	}
	ids := map[xdr.ContractId]bool{*said(c.usd, amountVal(0)).ContractId: true, *said(xdr.MustNewNativeAsset(), amountVal(0)).ContractId: true}
	f.Fuzz(func(t *testing.T, raw []byte, recent bool) {
		var e xdr.ContractEvent
		if xdr.SafeUnmarshal(raw, &e) != nil {
			return
		}
		version := int32(3)
		if recent {
			version = 4
		}
		page, err := rpc.Read(rawLedger(t, ledgerOf(t, calling(c.them, version, e))), passphrase, c.us)
		require.NoError(t, err)
		for _, p := range page.Payments {
			require.True(t, e.ContractId != nil && ids[*e.ContractId], "only an asset's own contract moves it")
			require.Equal(t, p.Unreadable == "", p.Units > 0)
		}
	})
}
