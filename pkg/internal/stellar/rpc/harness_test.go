package rpc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

const passphrase = "Standalone Network ; February 2017"

// lab is a network whose ledgers close when a test says so, read through its Horizon and through its RPC server.
type lab struct {
	*testing.T
	network *sandbox.Network
	server  *httptest.Server
	second  *atomic.Int64
	asked   *atomic.Int64 // requests for ledgers, with whatever else went to the RPC server
	horizon *stellar.Horizon
	rpc     *rpc.Source
}

func newLab(t *testing.T, with ...func(*rpc.Options)) *lab {
	t.Helper()
	l := &lab{T: t, second: &atomic.Int64{}, asked: &atomic.Int64{}}
	l.second.Store(time.Date(2026, 11, 23, 4, 16, 0, 0, time.UTC).Unix())
	l.network = sandbox.New(sandbox.Options{
		Passphrase: passphrase, CloseEvery: -1, Now: func() time.Time { return time.Unix(l.second.Load(), 0) },
	})
	served := l.network.Handler()
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/rpc" {
			l.asked.Add(1)
		}
		served.ServeHTTP(w, r)
	}))
	t.Cleanup(l.server.Close)
	var err error
	l.horizon, err = stellar.NewHorizon(stellar.Options{URL: l.server.URL, Passphrase: passphrase, HTTP: l.server.Client()})
	require.NoError(t, err)
	l.rpc = l.source(with...)
	return l
}

// source is a fresh reader of the RPC server, as after a restart.
func (l *lab) source(with ...func(*rpc.Options)) *rpc.Source {
	l.Helper()
	o := rpc.Options{URL: l.server.URL + "/rpc", Passphrase: passphrase, HTTP: l.server.Client(), PollEvery: 5 * time.Millisecond}
	for _, w := range with {
		w(&o)
	}
	s, err := rpc.New(o)
	require.NoError(l, err)
	return s
}

func (l *lab) close() {
	l.second.Add(5)
	l.network.CloseLedger()
}

func (l *lab) account() *keypair.Full {
	l.Helper()
	kp := keypair.MustRandom()
	_, err := l.network.Fund(kp.Address())
	require.NoError(l, err)
	l.close()
	return kp
}

// asset issues an asset to these accounts, a million each.
func (l *lab) asset(code string, holders ...*keypair.Full) txnbuild.CreditAsset {
	l.Helper()
	issuer := l.account()
	of := txnbuild.CreditAsset{Code: code, Issuer: issuer.Address()}
	for _, h := range holders {
		l.do(h, nil, &txnbuild.ChangeTrust{Line: of.MustToChangeTrustAsset(), Limit: txnbuild.MaxTrustlineLimit})
		l.do(issuer, nil, pay(h.Address(), of, "1000000"))
	}
	return of
}

// build signs a transaction of this account.
func (l *lab) build(by *keypair.Full, memo txnbuild.Memo, ops ...txnbuild.Operation) *txnbuild.Transaction {
	l.Helper()
	a, err := l.horizon.Account(l.Context(), by.Address())
	require.NoError(l, err)
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: by.Address(), Sequence: a.Sequence}, IncrementSequenceNum: true,
		Operations: ops, BaseFee: 100, Memo: memo, Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(l, err)
	tx, err = tx.Sign(passphrase, by)
	require.NoError(l, err)
	return tx
}

// queue leaves a transaction for the next ledger.
func (l *lab) queue(by *keypair.Full, memo txnbuild.Memo, ops ...txnbuild.Operation) {
	l.Helper()
	text, err := l.build(by, memo, ops...).Base64()
	require.NoError(l, err)
	_, err = l.network.Submit(text)
	require.NoError(l, err)
}

// do gets a transaction into a ledger of its own.
func (l *lab) do(by *keypair.Full, memo txnbuild.Memo, ops ...txnbuild.Operation) {
	l.Helper()
	l.queue(by, memo, ops...)
	l.close()
}

// bump pays for somebody else's transaction.
func (l *lab) bump(payer *keypair.Full, inner *txnbuild.Transaction) {
	l.Helper()
	tx, err := txnbuild.NewFeeBumpTransaction(txnbuild.FeeBumpTransactionParams{Inner: inner, FeeAccount: payer.Address(), BaseFee: 200})
	require.NoError(l, err)
	tx, err = tx.Sign(passphrase, payer)
	require.NoError(l, err)
	text, err := tx.Base64()
	require.NoError(l, err)
	_, err = l.network.Submit(text)
	require.NoError(l, err)
	l.close()
}

func pay(to string, of txnbuild.Asset, amount string) *txnbuild.Payment {
	return &txnbuild.Payment{Destination: to, Asset: of, Amount: amount}
}

// source is what both ways to read a ledger have.
type source interface {
	Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error)
}

// history is everything that a source tells of an account behind a position.
type history struct {
	Payments, Outgoing []stellar.Payment
	Through            stellar.Ledger
	position           int64
}

func (l *lab) read(from source, account string, after int64, limit int) history {
	l.Helper()
	h := history{position: after}
	for {
		page, err := from.Payments(l.Context(), account, h.position, limit)
		require.NoError(l, err)
		h.Payments, h.Outgoing = append(h.Payments, page.Payments...), append(h.Outgoing, page.Outgoing...)
		require.GreaterOrEqual(l, page.Position, h.position)
		h.position, h.Through = page.Position, page.Through
		if !page.Full {
			return h
		}
	}
}
