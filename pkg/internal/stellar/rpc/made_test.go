package rpc_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

const (
	madeSequence = 1000
	madeSecond   = 1_795_000_000
)

// cast are those who take part in ledgers made by hand. All of it follows from names, so that ids do.
type cast struct {
	us, them, issuer string
	usd              xdr.Asset
	vault            string
}

func newCast() cast {
	name := func(text string) string { return keypair.Root(text).Address() }
	c := cast{us: name("us"), them: name("them"), issuer: name("issuer")}
	c.usd = xdr.MustNewCreditAsset("USD", c.issuer)
	c.vault = strkey.MustEncode(strkey.VersionByteContract, bytes.Repeat([]byte{7}, 32))
	return c
}

// made is a transaction of a ledger made by hand.
type made struct {
	envelope xdr.TransactionEnvelope
	result   xdr.TransactionResult
	meta     xdr.TransactionMeta
}

func (m made) pair(t testing.TB) xdr.TransactionResultPair {
	t.Helper()
	hash, err := network.HashTransactionInEnvelope(m.envelope, passphrase)
	require.NoError(t, err)
	return xdr.TransactionResultPair{TransactionHash: hash, Result: m.result}
}

func accountXDR(address string) xdr.MuxedAccount {
	account := xdr.MustMuxedAddress(address)
	return account
}

// withOps is a successful transaction of one account with these operations and as many results.
func withOps(by string, results []xdr.OperationResultTr, ops ...xdr.OperationBody) made {
	m := made{envelope: xdr.TransactionEnvelope{Type: xdr.EnvelopeTypeEnvelopeTypeTx, V1: &xdr.TransactionV1Envelope{
		Tx: xdr.Transaction{SourceAccount: accountXDR(by), Fee: 100, SeqNum: 1, Memo: xdr.MemoText("made")},
	}}}
	for _, body := range ops {
		m.envelope.V1.Tx.Operations = append(m.envelope.V1.Tx.Operations, xdr.Operation{Body: body})
	}
	done := make([]xdr.OperationResult, len(results))
	for i := range results {
		done[i] = xdr.OperationResult{Code: xdr.OperationResultCodeOpInner, Tr: &results[i]}
	}
	m.result.Result = xdr.TransactionResultResult{Code: xdr.TransactionResultCodeTxSuccess, Results: &done}
	m.meta = xdr.TransactionMeta{V: 4, V4: &xdr.TransactionMetaV4{Operations: make([]xdr.OperationMetaV2, len(ops))}}
	return m
}

func paying(by, to string, of xdr.Asset, units int64) made {
	return withOps(by, []xdr.OperationResultTr{{Type: xdr.OperationTypePayment, PaymentResult: &xdr.PaymentResult{}}},
		xdr.OperationBody{Type: xdr.OperationTypePayment, PaymentOp: &xdr.PaymentOp{
			Destination: accountXDR(to), Asset: of, Amount: xdr.Int64(units),
		}})
}

// calling is a contract call that left these events.
func calling(by string, metaVersion int32, events ...xdr.ContractEvent) made {
	returned := xdr.Hash{1}
	m := withOps(by, []xdr.OperationResultTr{{
		Type:                     xdr.OperationTypeInvokeHostFunction,
		InvokeHostFunctionResult: &xdr.InvokeHostFunctionResult{Success: &returned},
	}}, xdr.OperationBody{Type: xdr.OperationTypeInvokeHostFunction, InvokeHostFunctionOp: &xdr.InvokeHostFunctionOp{
		HostFunction: xdr.HostFunction{
			Type:           xdr.HostFunctionTypeHostFunctionTypeInvokeContract,
			InvokeContract: &xdr.InvokeContractArgs{ContractAddress: *addressVal(newCast().vault).Address, FunctionName: "move"},
		},
	}})
	m.envelope.V1.Tx.Ext = xdr.TransactionExt{V: 1, SorobanData: &xdr.SorobanTransactionData{}}
	switch metaVersion {
	case 3:
		void := xdr.ScVal{Type: xdr.ScValTypeScvVoid}
		m.meta = xdr.TransactionMeta{V: 3, V3: &xdr.TransactionMetaV3{
			SorobanMeta: &xdr.SorobanTransactionMeta{Events: events, ReturnValue: void},
			Operations:  []xdr.OperationMeta{{}},
		}}
	case 4:
		m.meta.V4.Operations[0].Events = events
	default:
		m.meta = xdr.TransactionMeta{V: 2, V2: &xdr.TransactionMetaV2{Operations: []xdr.OperationMeta{{}}}}
	}
	return m
}

// said is an event of the contract of an asset.
func said(of xdr.Asset, data xdr.ScVal, topics ...xdr.ScVal) xdr.ContractEvent {
	id, err := of.ContractID(passphrase)
	if err != nil {
		panic(err)
	}
	by := xdr.ContractId(id)
	return xdr.ContractEvent{
		ContractId: &by, Type: xdr.ContractEventTypeContract,
		Body: xdr.ContractEventBody{V: 0, V0: &xdr.ContractEventV0{Topics: append(topics, assetVal(of)), Data: data}},
	}
}

func symbolVal(name string) xdr.ScVal {
	symbol := xdr.ScSymbol(name)
	return xdr.ScVal{Type: xdr.ScValTypeScvSymbol, Sym: &symbol}
}

func assetVal(of xdr.Asset) xdr.ScVal {
	text := xdr.ScString(of.StringCanonical())
	return xdr.ScVal{Type: xdr.ScValTypeScvString, Str: &text}
}

func addressVal(text string) xdr.ScVal {
	var address xdr.ScAddress
	switch text[0] {
	case 'C':
		id := xdr.ContractId(strkey.MustDecode(strkey.VersionByteContract, text))
		address = xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeContract, ContractId: &id}
	case 'M':
		m := accountXDR(text).Med25519
		address = xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeMuxedAccount, MuxedAccount: &xdr.MuxedEd25519Account{
			Id: m.Id, Ed25519: m.Ed25519,
		}}
	default:
		account := xdr.MustAddress(text)
		address = xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeAccount, AccountId: &account}
	}
	return xdr.ScVal{Type: xdr.ScValTypeScvAddress, Address: &address}
}

func amountVal(units int64) xdr.ScVal { return wideVal(units>>63, uint64(units)) }

func wideVal(high int64, low uint64) xdr.ScVal {
	return xdr.ScVal{Type: xdr.ScValTypeScvI128, I128: &xdr.Int128Parts{Hi: xdr.Int64(high), Lo: xdr.Uint64(low)}}
}

// mapVal is an amount with what a muxed receiver adds to it.
func mapVal(units int64, muxedID xdr.ScVal) xdr.ScVal {
	entries := &xdr.ScMap{{Key: symbolVal("amount"), Val: amountVal(units)}, {Key: symbolVal("to_muxed_id"), Val: muxedID}}
	return xdr.ScVal{Type: xdr.ScValTypeScvMap, Map: &entries}
}

func numberVal(n uint64) xdr.ScVal {
	number := xdr.Uint64(n)
	return xdr.ScVal{Type: xdr.ScValTypeScvU64, U64: &number}
}

func madeHeader() xdr.LedgerHeaderHistoryEntry {
	return rpc.Sealed(xdr.LedgerHeader{
		LedgerVersion: 25, LedgerSeq: madeSequence, PreviousLedgerHash: xdr.Hash{9},
		ScpValue: xdr.StellarValue{CloseTime: madeSecond}, TotalCoins: math.MaxInt64,
	})
}

// ledgerOf is a ledger with these transactions, in the newest form.
func ledgerOf(t testing.TB, all ...made) xdr.LedgerCloseMeta {
	t.Helper()
	m := xdr.LedgerCloseMetaV2{LedgerHeader: madeHeader()}
	part := xdr.TxSetComponentTxsMaybeDiscountedFee{}
	for i := range all {
		part.Txs = append([]xdr.TransactionEnvelope{all[i].envelope}, part.Txs...)
		m.TxProcessing = append(m.TxProcessing, xdr.TransactionResultMetaV1{Result: all[i].pair(t), TxApplyProcessing: all[i].meta})
	}
	m.TxSet = xdr.GeneralizedTransactionSet{V: 1, V1TxSet: &xdr.TransactionSetV1{Phases: []xdr.TransactionPhase{
		{V: 0, V0Components: &[]xdr.TxSetComponent{{TxsMaybeDiscountedFee: &part}}},
	}}}
	return xdr.LedgerCloseMeta{V: 2, V2: &m}
}

func rawLedger(t testing.TB, meta xdr.LedgerCloseMeta) []byte {
	t.Helper()
	raw, err := meta.MarshalBinary()
	require.NoError(t, err)
	return raw
}
