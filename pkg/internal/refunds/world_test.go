package refunds_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	passphrase = "Standalone Network ; February 2017"
	unit       = int64(10_000_000)
	timeBound  = time.Minute
)

// world is a network, a database with a receiving account and somebody who pays to it.
type world struct {
	*testing.T
	net      *sandbox.Network
	horizon  *stellar.Horizon
	second   *atomic.Int64
	db       *store.DB
	asset    store.Asset
	watcher  *payments.Watcher
	issuer   *keypair.Full
	account  *keypair.Full // receives
	payer    *keypair.Full
	stranger *keypair.Full // trusts the asset and has none
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{T: t, db: db, second: &atomic.Int64{}}
	w.second.Store(time.Date(2026, 11, 23, 4, 16, 0, 0, time.UTC).Unix())
	w.net = sandbox.New(sandbox.Options{
		Passphrase: passphrase, Now: func() time.Time { return time.Unix(w.second.Load(), 0) }, SubmitTimeout: 10 * time.Second,
	})
	server := httptest.NewServer(w.net.Handler())
	t.Cleanup(server.Close)
	horizon, err := stellar.NewHorizon(stellar.Options{URL: server.URL, Passphrase: passphrase})
	require.NoError(t, err)
	w.horizon = horizon
	w.issuer, w.account, w.payer, w.stranger = w.fund(), w.fund(), w.fund(), w.fund()
	w.trust(w.account)
	w.trust(w.payer)
	w.trust(w.stranger)
	w.send(w.issuer, txnbuild.MemoID(1), w.payment(w.payer.Address(), 1_000_000*unit))
	w.register()
	service := payments.New(db, nil, payments.Options{Passphrase: passphrase})
	w.watcher = payments.NewWatcher(service, horizon, payments.WatchOptions{Owner: "watcher"})
	w.read()
	w.closeLedgers()
	return w
}

// closeLedgers closes one whenever something waits for it, five seconds after the one before.
func (w *world) closeLedgers() {
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for w.net.AwaitQueued(ctx, 1) == nil {
			w.tick(1)
		}
	}()
	w.Cleanup(func() {
		end()
		<-done
	})
}

// tick closes ledgers.
func (w *world) tick(n int) {
	for range n {
		w.second.Add(5)
		w.net.CloseLedger()
	}
}

// outlive lets the time of an envelope run out.
func (w *world) outlive() { w.tick(int(timeBound/(5*time.Second)) + 5) }

func (w *world) fund() *keypair.Full {
	kp := keypair.MustRandom()
	_, err := w.net.Fund(kp.Address())
	require.NoError(w, err)
	w.tick(1)
	return kp
}

func (w *world) credit() txnbuild.CreditAsset {
	return txnbuild.CreditAsset{Code: "USDC", Issuer: w.issuer.Address()}
}

func (w *world) trust(kp *keypair.Full) {
	line, err := w.credit().ToChangeTrustAsset()
	require.NoError(w, err)
	w.send(kp, nil, &txnbuild.ChangeTrust{Line: line, Limit: txnbuild.MaxTrustlineLimit})
}

func (w *world) distrust(kp *keypair.Full) {
	line, err := w.credit().ToChangeTrustAsset()
	require.NoError(w, err)
	w.send(kp, nil, &txnbuild.ChangeTrust{Line: line, Limit: "0"})
}

func (w *world) payment(to string, units int64) *txnbuild.Payment {
	return &txnbuild.Payment{Destination: to, Amount: text(units), Asset: w.credit()}
}

func text(units int64) string { return fmt.Sprintf("%d.%07d", units/unit, units%unit) }

// send has an account do something, in a ledger of its own.
func (w *world) send(by *keypair.Full, memo txnbuild.Memo, operation txnbuild.Operation) string {
	w.Helper()
	a, err := w.horizon.Account(w.Context(), by.Address())
	require.NoError(w, err)
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: by.Address(), Sequence: a.Sequence + 1}, Operations: []txnbuild.Operation{operation},
		BaseFee: 10_000, Memo: memo, Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(w, err)
	tx, err = tx.Sign(passphrase, by)
	require.NoError(w, err)
	envelope, err := tx.Base64()
	require.NoError(w, err)
	hash, err := w.net.Submit(envelope)
	require.NoError(w, err)
	w.tick(1)
	return hash
}

// register makes the receiving account and its asset known, with the seed that signs.
func (w *world) register() {
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		account, err := tx.AddReceivingAccount(ctx, w.account.Address(), w.net.Latest().Sequence+1)
		if err != nil {
			return err
		}
		if _, err := tx.KeepSeed(ctx, account, w.account.Seed()); err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.FeePercent, a.ReceivingAccount = "USDC", w.issuer.Address(), 7, "0", account.Account
		a.Enabled, a.Sep31Enabled = true, true
		w.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	})
	w.tick(1)
}

func (w *world) tx(f func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	require.NoError(w, w.db.Tx(w.Context(), f))
}

// read has the watcher read to the network's head.
func (w *world) read() {
	w.Helper()
	require.NoError(w, w.watcher.Once(w.Context()))
}

// start makes an engine as a process that has just begun has it.
func (w *world) start(with ...func(*refunds.Options)) *refunds.Service {
	o := refunds.Options{Owner: "test", Passphrase: passphrase, TimeBound: timeBound, Lease: time.Nanosecond, SubmitTimeout: 5 * time.Second}
	for _, f := range with {
		f(&o)
	}
	s := refunds.New(w.db, w.horizon, refunds.NewSigners(w.db, nil), nil, o)
	s.Hurry(func(time.Duration) time.Duration { return 0 })
	return s
}

// execute makes one pass.
func (w *world) execute(s *refunds.Service) {
	w.Helper()
	_, err := s.Execute(w.Context(), w.Context())
	require.NoError(w, err)
}

// paid is a payment to the receiving account as the watcher stored it.
func (w *world) paid(memo txnbuild.Memo, units int64) store.Payment {
	w.Helper()
	return w.stored(w.send(w.payer, memo, w.payment(w.account.Address(), units)))
}

// stored is the payment that a Stellar transaction brought.
func (w *world) stored(hash string) store.Payment {
	w.Helper()
	w.read()
	list, err := w.db.Payments(w.Context(), store.PaymentFilter{Limit: 10_000})
	require.NoError(w, err)
	for _, p := range list {
		if p.OuterHash == hash {
			return p
		}
	}
	require.FailNow(w, "the watcher stored no payment of "+hash)
	return store.Payment{}
}

func (w *world) request(o store.RefundOrder) (r store.Refund) {
	w.Helper()
	if o.Actor == "" {
		o.Actor, o.Reason = "operator:test", "asked for"
	}
	w.tx(func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = tx.RequestRefund(ctx, o)
		return err
	})
	return r
}

func (w *world) refund(id string) store.Refund {
	w.Helper()
	r, err := w.db.RefundByID(w.Context(), id)
	require.NoError(w, err)
	return r
}

func (w *world) reloaded(p store.Payment) store.Payment {
	w.Helper()
	p, err := w.db.PaymentByID(w.Context(), p.ID)
	require.NoError(w, err)
	return p
}

// back are the payments that left the receiving account, by the network's own books.
func (w *world) back() (list []sandbox.Transaction) {
	for _, t := range w.net.Transactions() {
		if t.Successful && t.Source == w.account.Address() && len(t.Payments) > 0 {
			list = append(list, t)
		}
	}
	return list
}

func muxed(t testing.TB, account string, id uint64) string {
	var m strkey.MuxedAccount
	m.SetID(id)
	require.NoError(t, m.SetAccountID(account))
	address, err := m.Address()
	require.NoError(t, err)
	return address
}

func hashOf(t testing.TB, text string) (hash [32]byte) {
	raw, err := hex.DecodeString(text)
	require.NoError(t, err)
	copy(hash[:], raw)
	return hash
}
