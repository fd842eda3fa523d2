package bench_test

import (
	"context"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const passphrase = network.TestNetworkPassphrase

// chain is a network on this machine and its address.
type chain struct {
	*sandbox.Network
	url string
}

// newChain starts a network whose ledgers close by CloseLedger only.
func newChain(b *testing.B) chain {
	n := sandbox.New(sandbox.Options{Passphrase: passphrase})
	server := httptest.NewServer(n.Handler())
	b.Cleanup(func() {
		server.CloseClientConnections() // streams never end by themselves
		server.Close()
	})
	return chain{n, server.URL}
}

// keepClosing closes ledgers until the benchmark ends.
func (c chain) keepClosing(b *testing.B, every time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.CloseLedger()
			}
		}
	}()
	b.Cleanup(func() {
		stop()
		<-ended
	})
}

// account makes an account that trusts the issuer's asset; without an issuer it is only funded.
func (c chain) account(b *testing.B, issuer string) *keypair.Full {
	key := keypair.MustRandom()
	_, err := c.Fund(key.Address())
	require.NoError(b, err)
	c.CloseLedger()
	if issuer == "" {
		return key
	}
	line, err := txnbuild.CreditAsset{Code: assetCode, Issuer: issuer}.ToChangeTrustAsset()
	require.NoError(b, err)
	p := c.payer(b, key, "", "")
	p.submit(b, txnbuild.MemoID(0), &txnbuild.ChangeTrust{Line: line})
	c.CloseLedger()
	return key
}

// payer pays from one account to another, one payment per Stellar transaction.
type payer struct {
	chain  chain
	key    *keypair.Full
	source *txnbuild.SimpleAccount
	to     string
	asset  txnbuild.CreditAsset
}

func (c chain) payer(b *testing.B, key *keypair.Full, to, issuer string) *payer {
	return &payer{
		chain: c, key: key, to: to, asset: txnbuild.CreditAsset{Code: assetCode, Issuer: issuer},
		source: &txnbuild.SimpleAccount{AccountID: key.Address(), Sequence: c.sequence(b, key.Address())},
	}
}

// pay pays an amount under each memo and closes a ledger after every few payments.
func (p *payer) pay(b *testing.B, amount string, memos []string) {
	const perLedger = 1000
	for i, memo := range memos {
		id, err := strconv.ParseUint(memo, 10, 64)
		require.NoError(b, err)
		p.submit(b, txnbuild.MemoID(id), &txnbuild.Payment{Destination: p.to, Amount: amount, Asset: p.asset})
		if (i+1)%perLedger == 0 || i+1 == len(memos) {
			p.chain.CloseLedger()
		}
	}
}

func (c chain) sequence(b *testing.B, account string) int64 {
	a, err := c.source(b).Account(b.Context(), account)
	require.NoError(b, err)
	return a.Sequence
}

// source reads the network as the watcher does.
func (c chain) source(b *testing.B) *stellar.Horizon {
	h, err := stellar.NewHorizon(stellar.Options{URL: c.url, Passphrase: passphrase})
	require.NoError(b, err)
	return h
}

func (p *payer) submit(b *testing.B, memo txnbuild.Memo, operations ...txnbuild.Operation) {
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: p.source, IncrementSequenceNum: true, BaseFee: 100, Memo: memo, Operations: operations,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(b, err)
	tx, err = tx.Sign(passphrase, p.key)
	require.NoError(b, err)
	envelope, err := tx.Base64()
	require.NoError(b, err)
	_, err = p.chain.Submit(envelope)
	require.NoError(b, err)
}
