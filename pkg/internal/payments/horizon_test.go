package payments_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// sandboxed is a network of this machine, and a Horizon before it.
type sandboxed struct {
	*testing.T
	network *sandbox.Network
	horizon *stellar.Horizon
}

func newSandboxed(t *testing.T) *sandboxed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := sandbox.New(sandbox.Options{Passphrase: passphrase, CloseEvery: 50 * time.Millisecond})
	server := httptest.NewServer(n.Handler())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	h, err := stellar.NewHorizon(stellar.Options{URL: server.URL, Passphrase: passphrase, HTTP: server.Client()})
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		<-ended
		server.CloseClientConnections()
		server.Close()
	})
	return &sandboxed{T: t, network: n, horizon: h}
}

// pay submits one Stellar transaction of the network's own asset and waits until it is in the ledger.
func (s *sandboxed) pay(from *keypair.Full, memo txnbuild.Memo, ops ...txnbuild.Operation) {
	s.Helper()
	account, err := s.horizon.Account(s.Context(), from.Address())
	require.NoError(s, err)
	envelope, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: from.Address(), Sequence: account.Sequence}, IncrementSequenceNum: true,
		Operations: ops, BaseFee: 100, Memo: memo, Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimeout(300)},
	})
	require.NoError(s, err)
	envelope, err = envelope.Sign(passphrase, from)
	require.NoError(s, err)
	raw, err := envelope.Base64()
	require.NoError(s, err)
	_, err = s.horizon.Submit(s.Context(), raw)
	require.NoError(s, err)
}

func lumens(to, amount string) txnbuild.Operation {
	return &txnbuild.Payment{Destination: to, Amount: amount, Asset: txnbuild.NativeAsset{}}
}

func TestAWatcherOverHorizonCreditsAndNoticesAReset(t *testing.T) {
	t.Parallel()
	s := newSandboxed(t)
	receiver, payer := keypair.MustRandom(), keypair.MustRandom()
	for _, k := range []*keypair.Full{receiver, payer} {
		require.NoError(t, s.horizon.Friendbot(t.Context(), k.Address()))
	}
	b := newBooks(t, storetest.SQLite(t))
	b.account = receiver.Address()
	require.NoError(t, b.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddReceivingAccount(ctx, b.account, s.network.Latest().Sequence+1)
		return err
	}))
	native := func(row *store.Transaction) { row.AssetCode, row.AssetIssuer = stellar.NativeCode, "" }
	agreed := b.agree(t,
		terms{memoType: "id", memo: "1", units: 30 * unit, change: native}, terms{memoType: "id", memo: "2", units: 5 * unit, change: native},
		terms{memoType: "id", memo: "3", units: unit, expires: time.Now().Add(-8 * time.Second), change: native})

	o := quick("a")
	o.Interval, o.Lease = 500*time.Millisecond, 10*time.Second
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- payments.NewWatcher(b.service, s.horizon, o).Run(ctx) }()

	s.pay(payer, txnbuild.MemoID(1), lumens(b.account, "10"), lumens(b.account, "20"))
	b.eventually(t, "the sum of two operations", b.isFunded(agreed[0].ID))
	s.pay(payer, nil, lumens(muxed(t, b.account, 2), "5"))
	b.eventually(t, "a muxed destination", b.isFunded(agreed[1].ID))
	s.pay(payer, txnbuild.MemoText("1"), lumens(b.account, "7"))
	b.eventually(t, "what ran out", func() bool { return b.transaction(t, agreed[2].ID).Status == "expired" })
	require.Equal(t, "credited credited credited unmatched", judgements(b.payments(t)))

	s.network.Reset()
	err := <-ended
	var reset *payments.ResetError
	require.ErrorAs(t, err, &reset)
}

func muxed(t *testing.T, account string, id uint64) string {
	t.Helper()
	var m strkey.MuxedAccount
	require.NoError(t, m.SetAccountID(account))
	m.SetID(id)
	address, err := m.Address()
	require.NoError(t, err)
	return address
}
