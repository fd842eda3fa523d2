package oracle

import (
	"maps"
	"net/http/httptest"
	"testing"

	"github.com/stellar/go-stellar-sdk/clients/rpcclient"
	"github.com/stellar/go-stellar-sdk/keypair"
	protocol "github.com/stellar/go-stellar-sdk/protocols/rpc"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

const passphrase = "Standalone Network ; February 2017"

// lab is a sandbox that is spoken to by the SDK's RPC client only.
type lab struct {
	*testing.T
	network *sandbox.Network
	address string
	client  *rpcclient.Client
	last    map[string]int64 // sequence numbers used
}

func newLab(t *testing.T) *lab {
	t.Helper()
	n := sandbox.New(sandbox.Options{Passphrase: passphrase, CloseEvery: -1})
	server := httptest.NewServer(n.Handler())
	t.Cleanup(server.Close)
	l := &lab{T: t, network: n, address: server.URL + "/rpc", last: map[string]int64{}}
	l.client = rpcclient.NewClient(l.address, server.Client())
	t.Cleanup(func() { _ = l.client.Close() })
	return l
}

func (l *lab) account() *keypair.Full {
	l.Helper()
	kp := keypair.MustRandom()
	_, err := l.network.Fund(kp.Address())
	require.NoError(l, err)
	l.last[kp.Address()] = l.network.CloseLedger().Sequence << 32
	return kp
}

func (l *lab) do(by *keypair.Full, ops ...txnbuild.Operation) {
	l.Helper()
	l.last[by.Address()]++
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: by.Address(), Sequence: l.last[by.Address()]},
		Operations:    ops, BaseFee: 100, Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(l, err)
	tx, err = tx.Sign(passphrase, by)
	require.NoError(l, err)
	text, err := tx.Base64()
	require.NoError(l, err)
	sent, err := l.client.SendTransaction(l.Context(), protocol.SendTransactionRequest{Transaction: text})
	require.NoError(l, err)
	require.Equal(l, "PENDING", sent.Status)
	l.network.CloseLedger()
	done, err := l.client.PollTransaction(l.Context(), sent.Hash)
	require.NoError(l, err)
	require.Equal(l, protocol.TransactionStatusSuccess, done.Status)
}

func Test_the_SDK_reads_the_sandbox_and_finds_the_increases_that_we_find(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	us, them, issuer, gone := l.account(), l.account(), l.account(), l.account()
	usd := txnbuild.CreditAsset{Code: "USD", Issuer: issuer.Address()}
	name := "USD:" + issuer.Address()
	for _, kp := range []*keypair.Full{us, them} {
		l.do(kp, &txnbuild.ChangeTrust{Line: usd.MustToChangeTrustAsset(), Limit: txnbuild.MaxTrustlineLimit})
		l.do(issuer, &txnbuild.Payment{Destination: kp.Address(), Asset: usd, Amount: "1000"})
	}
	require.NoError(t, l.network.SetRate("native", name, 3_333_333))
	l.do(them, &txnbuild.Payment{Destination: us.Address(), Asset: usd, Amount: "1.5"}, &txnbuild.Payment{Destination: us.Address(), Asset: txnbuild.NativeAsset{}, Amount: "2"})
	l.do(them, &txnbuild.PathPaymentStrictSend{SendAsset: txnbuild.NativeAsset{}, SendAmount: "10", Destination: us.Address(), DestAsset: usd, DestMin: "1"})
	l.do(them, &txnbuild.PathPaymentStrictReceive{SendAsset: txnbuild.NativeAsset{}, SendMax: "99", Destination: us.Address(), DestAsset: usd, DestAmount: "3"})
	l.do(them, &txnbuild.CreateAccount{Destination: keypair.MustRandom().Address(), Amount: "20"})
	l.do(gone, &txnbuild.AccountMerge{Destination: us.Address()})
	_, err := l.network.MoveByContract(xdr.MemoText("moved"),
		sandbox.AssetChange{Kind: "transfer", From: them.Address(), To: us.Address(), Asset: name, Units: 7},
		sandbox.AssetChange{Kind: "forged", From: them.Address(), To: us.Address(), Asset: name, Units: 8},
		sandbox.AssetChange{Kind: "mint", To: us.Address(), Asset: name, Units: 9},
		sandbox.AssetChange{Kind: "burn", From: us.Address(), Asset: name, Units: 10},
		sandbox.AssetChange{Kind: "transfer", From: them.Address(), To: us.Address(), Asset: "native", Units: 11},
	)
	require.NoError(t, err)
	l.network.CloseLedger()

	want := map[increase]int{}
	accounts := map[string]bool{}
	for _, meta := range l.ledgers() {
		maps.Copy(want, byTheSDK(t, meta, passphrase))
	}
	for gained := range want {
		accounts[gained.account] = true
	}
	accounts[issuer.Address()] = true
	source, err := rpc.New(rpc.Options{URL: l.address, Passphrase: passphrase})
	require.NoError(t, err)
	got := map[increase]int{}
	for account := range accounts {
		maps.Copy(got, byUs(t, source, []string{account}, 0))
	}
	require.Equal(t, want, got)
	require.Greater(t, len(got), 12)
}

// ledgers are all but the first, as the SDK's client gets them.
func (l *lab) ledgers() []xdr.LedgerCloseMeta {
	l.Helper()
	health, err := l.client.GetHealth(l.Context())
	require.NoError(l, err)
	latest, err := l.client.GetLatestLedger(l.Context())
	require.NoError(l, err)
	require.Equal(l, health.LatestLedger, latest.Sequence)
	served, err := l.client.GetNetwork(l.Context())
	require.NoError(l, err)
	require.Equal(l, passphrase, served.Passphrase)
	answer, err := l.client.GetLedgers(l.Context(), protocol.GetLedgersRequest{StartLedger: 2, Pagination: &protocol.LedgerPaginationOptions{Limit: 200}})
	require.NoError(l, err)
	all := make([]xdr.LedgerCloseMeta, len(answer.Ledgers))
	for i, info := range answer.Ledgers {
		require.NoError(l, xdr.SafeUnmarshalBase64(info.LedgerMetadata, &all[i]))
		require.Equal(l, info.Hash, all[i].LedgerHash().HexString())
	}
	return all
}
