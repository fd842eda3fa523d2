package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// FuzzSubmit posts what anybody may post, and what the owner of an account may sign.
func FuzzSubmit(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := New(Options{})
		_, err := n.Submit(base64.StdEncoding.EncodeToString(raw))
		require.Error(t, err, "nobody signed for the root account or friendbot")
		var envelope xdr.TransactionEnvelope
		if xdr.SafeUnmarshal(raw, &envelope) != nil || envelope.V1 == nil {
			return
		}
		_, _ = n.Submit(signed(t, n, envelope.V1.Tx)) // refused or not: the books must hold
		n.CloseLedger()
		requireSoundBooks(t, n)
	})
}

// signed makes a transaction one that the root account has signed.
func signed(t *testing.T, n *Network, tx xdr.Transaction) string {
	t.Helper()
	root := xdr.Uint256(keyOf(n.root))
	tx.SourceAccount = xdr.MuxedAccount{Type: xdr.CryptoKeyTypeKeyTypeEd25519, Ed25519: &root}
	tx.SeqNum, tx.Fee = 1, 10_000
	for i := range tx.Operations {
		tx.Operations[i].SourceAccount = nil
	}
	hash, err := network.HashTransaction(tx, n.Passphrase())
	require.NoError(t, err)
	signature, err := n.root.SignDecorated(hash[:])
	require.NoError(t, err)
	text, err := xdr.MarshalBase64(xdr.TransactionEnvelope{
		Type: xdr.EnvelopeTypeEnvelopeTypeTx,
		V1:   &xdr.TransactionV1Envelope{Tx: tx, Signatures: []xdr.DecoratedSignature{signature}},
	})
	require.NoError(t, err)
	return text
}

// requireSoundBooks checks that no lumen is made or lost and that every answer is JSON.
func requireSoundBooks(t *testing.T, n *Network) {
	t.Helper()
	sum := n.feePool
	for _, a := range n.accounts {
		require.GreaterOrEqual(t, a.balance, int64(0))
		sum += a.balance
	}
	for h, amount := range n.held {
		require.GreaterOrEqual(t, amount, int64(0))
		if h.asset.native() {
			sum += amount
		}
	}
	require.Equal(t, int64(totalCoins), sum)
	for _, path := range []string{
		"/transactions?include_failed=true", "/payments?include_failed=true&join=transactions", "/accounts/" + n.root.Address(),
		"/effects",
	} {
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
	}
}

// tokenTransfer is a call of the contract of the native asset by the root account.
func tokenTransfer(to *keypair.Full) *txnbuild.InvokeHostFunction {
	n := New(Options{})
	id := xdr.ContractId(n.terms.contracts.deploy(asset{}))
	from, receiver := keyOf(n.root), keyOf(to)
	holderOf := func(id accountID) xdr.ScVal { return holder{party: party{id: id, address: id.address()}}.value() }
	return &txnbuild.InvokeHostFunction{
		HostFunction: xdr.HostFunction{
			Type: xdr.HostFunctionTypeHostFunctionTypeInvokeContract,
			InvokeContract: &xdr.InvokeContractArgs{
				ContractAddress: xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeContract, ContractId: &id},
				FunctionName:    transferChange, Args: []xdr.ScVal{holderOf(from), holderOf(receiver), amountValue(5)},
			},
		},
		Ext: xdr.TransactionExt{V: 1, SorobanData: &xdr.SorobanTransactionData{ResourceFee: 5}},
	}
}

func seeds(f *testing.F) [][]byte {
	f.Helper()
	kp := keypair.MustRandom()
	of := txnbuild.CreditAsset{Code: "USDC", Issuer: kp.Address()}
	var all [][]byte
	for _, op := range []txnbuild.Operation{
		pay(kp, txnbuild.NativeAsset{}, "1"), pay(kp, of, "1"), trust(of),
		&txnbuild.CreateAccount{Destination: kp.Address(), Amount: "10"},
		tokenTransfer(kp),
		&txnbuild.AccountMerge{Destination: kp.Address()},
		&txnbuild.PathPaymentStrictSend{
			SendAsset: of, SendAmount: "1", Destination: kp.Address(), DestAsset: txnbuild.NativeAsset{}, DestMin: "1",
		},
		&txnbuild.PathPaymentStrictReceive{
			SendAsset: of, SendMax: "1", Destination: kp.Address(), DestAsset: txnbuild.NativeAsset{}, DestAmount: "1",
		},
		&txnbuild.ManageData{Name: "name", Value: []byte("value")},
		&txnbuild.SetOptions{
			HomeDomain: txnbuild.NewHomeDomain("a.example"), MasterWeight: txnbuild.NewThreshold(1),
			Signer: &txnbuild.Signer{Address: kp.Address(), Weight: 1}, SetFlags: []txnbuild.AccountFlag{txnbuild.AuthRequired},
		},
	} {
		tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
			SourceAccount: &txnbuild.SimpleAccount{AccountID: kp.Address(), Sequence: 1}, BaseFee: 100,
			Operations: []txnbuild.Operation{op}, Memo: txnbuild.MemoText("memo"),
			Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
		})
		require.NoError(f, err)
		raw, err := tx.MarshalBinary()
		require.NoError(f, err)
		all = append(all, raw)
	}
	return all
}
