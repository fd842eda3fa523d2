package payments_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// audited is a receiving account on a network of this machine, with books about it.
type audited struct {
	*sandboxed
	*books
	own, payer, maker *keypair.Full
	dollars           txnbuild.CreditAsset
	// lie changes what the watcher reads.
	lie func(*stellar.Page)
	// tamper changes what the reconciler reads.
	tamper *tampered
}

// newAudited begins with an account that holds 10,000 of the network's own asset and a trust line, watched from its creation on.
func newAudited(t *testing.T, db *store.DB) *audited {
	t.Helper()
	a := &audited{sandboxed: newSandboxed(t), books: &books{db: db}}
	a.service = payments.New(db, nil, payments.Options{Passphrase: passphrase, RailOf: railOf})
	for _, k := range []**keypair.Full{&a.own, &a.payer, &a.maker} {
		*k = keypair.MustRandom()
		require.NoError(t, a.horizon.Friendbot(t.Context(), (*k).Address()))
	}
	a.dollars = txnbuild.CreditAsset{Code: "USDC", Issuer: a.maker.Address()}
	a.account = a.own.Address()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddReceivingAccount(ctx, a.account, 2); err != nil {
			return err
		}
		var row store.Asset
		row.Code, row.Issuer, row.Decimals, row.ReceivingAccount, row.FeePercent = "USDC", a.dollars.Issuer, 7, a.account, "0"
		row.Enabled, row.Sep31Enabled = true, true
		var err error
		a.asset, err = tx.CreateAsset(ctx, row, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	trust := func() txnbuild.Operation {
		return &txnbuild.ChangeTrust{Line: a.dollars.MustToChangeTrustAsset(), Limit: "1000000"}
	}
	a.pay(a.own, nil, trust())
	a.pay(a.payer, nil, trust())
	a.pay(a.maker, nil, a.dollarsTo(a.payer.Address(), "1000"))
	a.tamper = &tampered{Horizon: a.horizon}
	return a
}

func (a *audited) dollarsTo(to, amount string) txnbuild.Operation {
	return &txnbuild.Payment{Destination: to, Amount: amount, Asset: a.dollars}
}

// lying is what the watcher reads: the network's pages, changed.
type lying struct {
	*stellar.Horizon
	change func(*stellar.Page)
}

func (l lying) Payments(ctx context.Context, account string, after int64, limit int) (stellar.Page, error) {
	page, err := l.Horizon.Payments(ctx, account, after, limit)
	if err == nil && l.change != nil {
		l.change(&page)
	}
	return page, err
}

// tampered is what the reconciler reads: the network's word on balances, changed.
type tampered struct {
	*stellar.Horizon
	change func(*stellar.Account)
	elder  int64
}

func (a *tampered) AccountAt(ctx context.Context, id string) (stellar.Account, int64, error) {
	account, at, err := a.Horizon.AccountAt(ctx, id)
	if err == nil && a.change != nil {
		a.change(&account)
	}
	return account, at, err
}

func (a *tampered) Root(ctx context.Context) (stellar.Root, error) {
	root, err := a.Horizon.Root(ctx)
	root.Elder = max(root.Elder, a.elder)
	return root, err
}

// watch reads the account to the head, as watch-transactions --once does.
func (a *audited) watch() {
	a.Helper()
	from := a.open(a.T, 1)
	for {
		page, err := lying{a.horizon, a.lie}.Payments(a.Context(), a.account, from.Position, 200)
		require.NoError(a, err)
		from, err = a.service.Apply(a.Context(), from, page, 1)
		require.NoError(a, err)
		if !page.Full {
			return
		}
	}
}

func (a *audited) reconciler() *payments.Reconciler {
	return payments.NewReconciler(a.db, a.tamper, nil, payments.ReconcileOptions{Owner: "test", Lease: 5 * time.Second, Limit: 3})
}

// audit reads the account and compares it.
func (a *audited) audit() payments.AccountReport {
	a.Helper()
	a.watch()
	return a.compare()
}

func (a *audited) compare() payments.AccountReport {
	a.Helper()
	report, err := a.reconciler().Once(a.Context())
	require.NoError(a, err)
	require.Len(a, report.Accounts, 1)
	require.Len(a, report.Findings, len(a.openFindings()))
	return report.Accounts[0]
}

func (a *audited) openFindings() []store.Finding {
	a.Helper()
	list, err := a.db.OpenFindings(a.Context(), store.Finding{}, 100)
	require.NoError(a, err)
	return list
}

// found is what is open, as kinds.
func (a *audited) found() string {
	a.Helper()
	var kinds []string
	for _, f := range a.openFindings() {
		kinds = append(kinds, f.Kind)
	}
	return strings.Join(kinds, " ")
}

// byContract has the network's operator call a contract that moves something, in a ledger that has closed when it returns.
func (a *audited) byContract(changes ...sandbox.AssetChange) {
	a.Helper()
	hash, err := a.network.MoveByContract(xdr.Memo{}, changes...)
	require.NoError(a, err)
	require.Eventually(a, func() bool {
		_, err := a.horizon.Transaction(a.Context(), hash)
		return err == nil
	}, 20*time.Second, 5*time.Millisecond, "the contract's call is in a ledger")
}

// eachAudited runs a test over both databases.
func eachAudited(t *testing.T, test func(t *testing.T, a *audited)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newAudited(t, db)) })
}

func noted(why string) anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: "test", Reason: why}
}
