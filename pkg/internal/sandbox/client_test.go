package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/clients/horizonclient"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/protocols/horizon/operations"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

func TestSDK_client_works_with_the_sandbox_as_with_a_real_Horizon(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.CloseEvery = 5 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = l.net.Run(ctx) }()
	client := &horizonclient.Client{HorizonURL: l.server.URL, HTTP: l.server.Client()}
	sender, receiver := keypair.MustRandom(), keypair.MustRandom()
	for _, kp := range []*keypair.Full{sender, receiver} {
		_, err := client.Fund(kp.Address())
		require.NoError(t, err)
	}

	root, err := client.Root()
	require.NoError(t, err)
	require.Equal(t, standalone, root.NetworkPassphrase)
	fees, err := client.FeeStats()
	require.NoError(t, err)
	require.Equal(t, int64(100), fees.LastLedgerBaseFee)
	account, err := client.AccountDetail(horizonclient.AccountRequest{AccountID: sender.Address()})
	require.NoError(t, err)
	require.Equal(t, "10000.0000000", account.Balances[0].Balance)

	streamed := make(chan operations.Operation, 1)
	streaming, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_ = client.StreamPayments(streaming, horizonclient.OperationRequest{
			ForAccount: receiver.Address(), Cursor: "now", Join: "transactions",
		}, func(op operations.Operation) { streamed <- op })
	}()
	require.NoError(t, l.net.AwaitStreams(l.context(), 1))

	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &account, IncrementSequenceNum: true, BaseFee: txnbuild.MinBaseFee, Memo: txnbuild.MemoText("hello"),
		Operations:    native(receiver, "12.5"),
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimebounds(0, l.second.Load()+60)},
	})
	require.NoError(t, err)
	tx, err = tx.Sign(root.NetworkPassphrase, sender)
	require.NoError(t, err)
	landed, err := client.SubmitTransaction(tx)
	require.NoError(t, err)
	require.True(t, landed.Successful)

	fromStream := <-streamed
	page, err := client.Payments(horizonclient.OperationRequest{
		ForAccount: receiver.Address(), Join: "transactions", Order: horizonclient.OrderDesc, Limit: 1,
	})
	require.NoError(t, err)
	paid, ok := page.Embedded.Records[0].(operations.Payment)
	require.True(t, ok)
	require.Equal(t, "12.5000000", paid.Amount)
	require.Equal(t, "hello", paid.Transaction.Memo)
	require.Equal(t, landed.Hash, paid.Transaction.Hash)
	require.Equal(t, paid.ID, fromStream.GetID())

	_, err = client.SubmitTransaction(tx)
	require.NoError(t, err, "the same once more")
	account.Sequence--
	stale, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &account, IncrementSequenceNum: true, BaseFee: txnbuild.MinBaseFee, Operations: native(receiver, "1"),
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(t, err)
	stale, err = stale.Sign(root.NetworkPassphrase, sender)
	require.NoError(t, err)
	_, err = client.SubmitTransaction(stale)
	codes, err := horizonclient.GetError(err).ResultCodes()
	require.NoError(t, err)
	require.Equal(t, "tx_bad_seq", codes.TransactionCode)
}
