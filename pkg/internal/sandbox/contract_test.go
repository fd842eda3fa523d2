package sandbox

import (
	"crypto/sha256"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/support/contractevents"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// moved makes these changes in a ledger of their own.
func (l *lab) moved(changes ...AssetChange) Transaction {
	l.Helper()
	_, err := l.net.MoveByContract(xdr.Memo{}, changes...)
	require.NoError(l, err)
	l.net.CloseLedger()
	all := l.net.Transactions()
	return all[len(all)-1]
}

// events are those that the meta of a transaction has.
func (l *lab) events(hash string) []xdr.ContractEvent {
	l.Helper()
	var meta xdr.TransactionMeta
	require.NoError(l, xdr.SafeUnmarshalBase64(pluckOne(l.T, l.get("/transactions/"+hash).body, "result_meta_xdr"), &meta))
	var all []xdr.ContractEvent
	for _, o := range meta.MustV4().Operations {
		all = append(all, o.Events...)
	}
	return all
}

func aContract() string { return contractID{1, 2, 3}.address() }

func TestContract_call_moves_what_it_is_asked_to_by_who_may(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, other := l.account(), l.account()
	issuer, usdc := l.asset("USDC", holder, other)
	asset, million := named(usdc), int64(1_000_000*one)
	for _, c := range []struct {
		name, function string
		by             *keypair.Full
		from, to       string
		units          int64
		code           string
		holder, other  int64
	}{
		{"transfer", "transfer", holder, holder.Address(), other.Address(), 5, "op_success", -5, 5},
		{"transfer by somebody else", "transfer", other, holder.Address(), other.Address(), 5, "function_trapped", 0, 0},
		{"transfer of more than there is", "transfer", holder, holder.Address(), other.Address(), 2 * million, "function_trapped", 0, 0},
		{"mint", "mint", issuer, "", holder.Address(), 7, "op_success", 7, 0},
		{"mint by somebody else", "mint", holder, "", holder.Address(), 7, "function_trapped", 0, 0},
		{"burn", "burn", holder, holder.Address(), "", 7, "op_success", -7, 0},
		{"clawback", "clawback", issuer, other.Address(), "", 5, "op_success", 0, -5},
		{"no such function", "swap", issuer, other.Address(), "", 5, "function_trapped", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, beforeOther := l.balance(holder, asset), l.balance(other, asset)
			got := l.call(c.by, usdc, c.function, c.from, c.to, c.units)
			require.Equal(t, []string{c.code}, got.OperationCodes)
			require.Equal(t, int64(20_100), got.FeeCharged)
			require.Equal(t, before+c.holder, l.balance(holder, asset))
			require.Equal(t, beforeOther+c.other, l.balance(other, asset))
			require.Len(t, got.Payments, map[bool]int{true: 1}[c.code == success], "what failed is no payment")
		})
	}
	requireSoundBooks(t, l.net)
}

func TestContract_of_the_operator_makes_several_changes_in_one_operation(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, other := l.account(), l.account()
	issuer, usdc := l.asset("USDC", holder)
	l.do(other, trust(usdc))
	asset := named(usdc)
	got := l.moved(
		AssetChange{Kind: "mint", To: aContract(), Asset: asset, Units: 100},
		AssetChange{Kind: "transfer", From: aContract(), To: muxed(t, other, 9), Asset: asset, Units: 60},
		AssetChange{Kind: "transfer", From: holder.Address(), To: other.Address(), Asset: "native", Units: one},
		AssetChange{Kind: "transfer", From: issuer.Address(), To: other.Address(), Asset: asset, Units: 1},
		AssetChange{Kind: "transfer", From: other.Address(), To: issuer.Address(), Asset: asset, Units: 2},
		AssetChange{Kind: "forged", From: holder.Address(), To: other.Address(), Asset: asset, Units: 9999},
	)
	require.Equal(t, "tx_success", got.TransactionCode)
	require.Equal(t, int64(59), l.balance(other, asset))
	require.Equal(t, int64(DefaultFriendbotBalance+one-100), l.balance(other, "native"))
	want := []AssetChange{
		{Kind: "mint", To: aContract(), Asset: asset, Units: 100},
		{Kind: "transfer", From: aContract(), To: other.Address(), ToMuxed: "9", Asset: asset, Units: 60},
		{Kind: "transfer", From: holder.Address(), To: other.Address(), Asset: "native", Units: one},
		{Kind: "mint", To: other.Address(), Asset: asset, Units: 1},
		{Kind: "burn", From: other.Address(), Asset: asset, Units: 2},
	}
	require.Equal(t, want, got.Payments[0].Changes, "what an issuer sends is minted, what it gets is burnt")
	for _, kp := range []*keypair.Full{holder, other} {
		require.Contains(t, l.get("/accounts/"+kp.Address()+"/payments?order=desc&limit=1").body, got.Hash)
	}
	require.Equal(t, []string{
		"contract_credited", "contract_debited", "account_credited", "account_debited", "account_credited", "account_credited", "account_debited",
	}, pluck(t, l.get("/transactions/"+got.Hash+"/effects").body, "type"))
	requireSoundBooks(t, l.net)
}

func TestContract_events_are_those_that_the_SDK_reads_and_forged_ones_are_none(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, other := l.account(), l.account()
	_, usdc := l.asset("USDC", holder, other)
	got := l.moved(
		AssetChange{Kind: "transfer", From: holder.Address(), To: other.Address(), Asset: named(usdc), Units: 5},
		AssetChange{Kind: "transfer", From: holder.Address(), To: other.Address(), Asset: "native", Units: 6},
		AssetChange{Kind: "burn", From: holder.Address(), Asset: named(usdc), Units: 7},
		AssetChange{Kind: "forged", From: holder.Address(), To: other.Address(), Asset: named(usdc), Units: 8},
	)
	events := l.events(got.Hash)
	require.Len(t, events, 4)
	var kinds []contractevents.EventType
	for _, e := range events[:3] {
		read, err := contractevents.NewStellarAssetContractEvent(&e, standalone)
		require.NoError(t, err)
		kinds = append(kinds, read.GetType())
	}
	require.Equal(t, []contractevents.EventType{contractevents.EventTypeTransfer, contractevents.EventTypeTransfer, contractevents.EventTypeBurn}, kinds)
	_, err := contractevents.NewStellarAssetContractEvent(&events[3], standalone)
	require.ErrorIs(t, err, contractevents.ErrEventIntegrity)

	var result xdr.TransactionResult
	require.NoError(t, xdr.SafeUnmarshalBase64(pluckOne(t, l.get("/transactions/"+got.Hash).body, "result_xdr"), &result))
	results, _ := result.OperationResults()
	preimage, err := xdr.InvokeHostFunctionSuccessPreImage{ReturnValue: voidValue(), Events: events}.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, xdr.Hash(sha256.Sum256(preimage)), *results[0].Tr.InvokeHostFunctionResult.Success)
}

func TestContract_call_that_changes_nothing_is_no_payment(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder, ghost := l.account(), keypair.MustRandom()
	forged := AssetChange{Kind: "forged", From: holder.Address(), To: holder.Address(), Asset: "native", Units: 1}
	require.Empty(t, l.moved(forged).Payments)
	for name, c := range map[string]AssetChange{
		"to nobody":                {Kind: "transfer", From: holder.Address(), To: ghost.Address(), Asset: "native", Units: 1},
		"of what a contract lacks": {Kind: "transfer", From: aContract(), To: holder.Address(), Asset: "native", Units: 1},
		"lumens out of nothing":    {Kind: "mint", To: holder.Address(), Asset: "native", Units: 1},
	} {
		got := l.moved(AssetChange{Kind: "transfer", From: holder.Address(), To: aContract(), Asset: "native", Units: 0}, c)
		require.Equal(t, []string{"function_trapped"}, got.OperationCodes, name)
		require.Empty(t, got.Payments)
	}
	for name, c := range map[string]AssetChange{
		"another kind":     {Kind: "swap", Asset: "native"},
		"no asset":         {Kind: "mint", To: holder.Address(), Asset: "USDC"},
		"a negative one":   {Kind: "mint", To: holder.Address(), Asset: "native", Units: -1},
		"from nobody":      {Kind: "burn", Asset: "native", Units: 1},
		"from an M…":       {Kind: "burn", From: muxed(t, holder, 1), Asset: "native", Units: 1},
		"to what is wrong": {Kind: "mint", To: "CABC", Asset: "native", Units: 1},
	} {
		_, err := l.net.MoveByContract(xdr.Memo{}, c)
		require.Error(t, err, name)
	}
}

func TestContract_call_without_its_resources_is_malformed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder := l.account()
	call := func() *txnbuild.InvokeHostFunction {
		id := xdr.ContractId(moverOf(standalone))
		return &txnbuild.InvokeHostFunction{HostFunction: xdr.HostFunction{
			Type: xdr.HostFunctionTypeHostFunctionTypeInvokeContract,
			InvokeContract: &xdr.InvokeContractArgs{
				ContractAddress: xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeContract, ContractId: &id}, FunctionName: "move",
			},
		}}
	}
	_, err := l.net.Submit(l.envelope(intent{by: holder, ops: []txnbuild.Operation{call()}}))
	require.Equal(t, "tx_malformed", refusalOf(t, err).TransactionCode)
	mine := call()
	mine.Ext = xdr.TransactionExt{V: 1, SorobanData: &xdr.SorobanTransactionData{ResourceFee: 10}}
	mine.HostFunction.InvokeContract.Args = []xdr.ScVal{change{
		kind: transferChange, from: holderOf(t, l.net.Root()), to: holderOf(t, holder), amount: 5,
	}.value()}
	require.Equal(t, []string{"function_trapped"}, l.apply(intent{by: holder, ops: []txnbuild.Operation{mine}}).OperationCodes,
		"the operator's contract does nothing for others")
}

func holderOf(t *testing.T, kp *keypair.Full) holder {
	t.Helper()
	h, ok := readHolder(kp.Address())
	require.True(t, ok)
	return h
}
