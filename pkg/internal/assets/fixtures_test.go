package assets_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// world is a network of a few accounts that never changes.
type world struct {
	passphrase string
	latest     int64
	accounts   map[string]stellar.Account
	fails      error
}

func (w *world) Root(context.Context) (stellar.Root, error) {
	return stellar.Root{Passphrase: w.passphrase, Latest: stellar.Ledger{Sequence: w.latest}}, w.fails
}

func (w *world) Account(_ context.Context, id string) (stellar.Account, error) {
	account, ok := w.accounts[id]
	if !ok {
		return stellar.Account{}, stellar.ErrNotFound
	}
	return account, w.fails
}

func (w *world) Submit(context.Context, string) (stellar.Submitted, error) {
	return stellar.Submitted{}, &stellar.FailedError{TransactionCode: "tx_not_supported"}
}

func (w *world) Friendbot(context.Context, string) error { return stellar.ErrNoFriendbot }

// cast are the accounts of most tests.
type cast struct {
	net               *world
	issuer, receiving *keypair.Full
}

const code = "USDC"

// newCast makes a network on which the receiving account trusts the issuer's asset.
func newCast(t *testing.T) cast {
	c := cast{
		net:    &world{passphrase: network.TestNetworkPassphrase, latest: 100, accounts: map[string]stellar.Account{}},
		issuer: keypair.MustRandom(), receiving: keypair.MustRandom(),
	}
	c.add(c.issuer.Address(), nil)
	c.add(c.receiving.Address(), func(a *stellar.Account) {
		a.Balances = append(a.Balances, stellar.Balance{AssetCode: code, AssetIssuer: c.issuer.Address(), Limit: 1 << 60, Authorized: true})
	})
	return c
}

func (c cast) add(id string, change func(*stellar.Account)) {
	account, ok := c.net.accounts[id]
	if !ok {
		account = stellar.Account{ID: id, Signers: []stellar.Signer{{Key: id, Type: stellar.SignerEd25519, Weight: 1}}}
	}
	if change != nil {
		change(&account)
	}
	c.net.accounts[id] = account
}

func (c cast) service(db *store.DB) *assets.Service { return c.with(db, assets.Options{}) }

func (c cast) with(db *store.DB, o assets.Options) *assets.Service {
	if o.Passphrase == "" {
		o.Passphrase = network.TestNetworkPassphrase
	}
	return assets.New(db, c.net, slog.New(slog.DiscardHandler), o)
}

// spec is the asset with nothing said that has a default.
func (c cast) spec() assets.Spec {
	return assets.Spec{Code: code, Issuer: c.issuer.Address(), Account: c.receiving.Address(), Actor: "operator:tester"}
}

func seed(t *testing.T, kp *keypair.Full) assets.Seed {
	s, err := assets.ParseSeed(kp.Seed())
	require.NoError(t, err)
	return s
}
