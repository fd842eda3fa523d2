package assets_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// testNetwork runs a network on this machine and gives the Horizon before it.
func testNetwork(t *testing.T) (*stellar.Horizon, *sandbox.Network) {
	t.Helper()
	net := sandbox.New(sandbox.Options{CloseEvery: 5 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = net.Run(ctx) })
	server := httptest.NewServer(net.Handler())
	t.Cleanup(func() {
		stop()
		done.Wait()
		server.Close()
	})
	horizon, err := stellar.NewHorizon(stellar.Options{URL: server.URL, Passphrase: network.TestNetworkPassphrase})
	require.NoError(t, err)
	return horizon, net
}

func issuer(db *store.DB, net assets.Network) *assets.Service {
	return assets.New(db, net, slog.New(slog.DiscardHandler), assets.Options{Passphrase: network.TestNetworkPassphrase})
}

func issueSpec() assets.IssueSpec {
	return assets.IssueSpec{Spec: assets.Spec{Code: "TEST", Actor: "operator:tester"}}
}

func TestIssuing_makes_everything_that_an_asset_needs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		horizon, _ := testNetwork(t)
		spec := issueSpec()
		var kept string
		spec.KeepIssuer = func(account string, s assets.Seed) error {
			_, err := horizon.Account(t.Context(), account)
			require.ErrorIs(t, err, stellar.ErrNotFound, "the seed is kept before the network hears of it")
			kept = s.Reveal()
			return nil
		}
		spec.Terms.FeeFixed = new("0.5")
		got, err := issuer(db, horizon).Issue(t.Context(), spec)
		require.NoError(t, err)
		require.True(t, got.Created)
		require.Len(t, got.Done, 4)
		require.Equal(t, kept, got.IssuerSeed.Reveal())
		require.Equal(t, got.Issuer, got.Asset.Issuer)
		require.Equal(t, got.Issuer, keypair.MustParseFull(kept).Address())
		require.EqualValues(t, 5_000_000, got.Asset.FeeFixedUnits)

		account, err := horizon.Account(t.Context(), got.Asset.ReceivingAccount)
		require.NoError(t, err)
		line, ok := account.Balance("TEST", got.Issuer)
		require.True(t, ok)
		require.EqualValues(t, 1_000_000*10_000_000, line.Units)
		kept, err = db.Seed(t.Context(), got.Asset.ReceivingAccount)
		require.NoError(t, err)
		require.Equal(t, got.Asset.ReceivingAccount, keypair.MustParseFull(kept).Address())

		watched, err := db.ReceivingAccount(t.Context(), got.Asset.ReceivingAccount)
		require.NoError(t, err)
		page, err := horizon.Payments(t.Context(), watched.Account, watched.FromLedger<<32-1, 200)
		require.NoError(t, err)
		require.Empty(t, page.Payments, "the account's own beginnings are no payments to look at")
	})
}

func TestIssuing_again_does_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		horizon, _ := testNetwork(t)
		s := issuer(db, horizon)
		first, err := s.Issue(t.Context(), issueSpec())
		require.NoError(t, err)
		again, err := s.Issue(t.Context(), issueSpec())
		require.NoError(t, err)
		require.Empty(t, again.Done)
		require.True(t, again.IssuerSeed.IsZero(), "no other issuer was made")
		require.Equal(t, assets.Result{Asset: first.Asset}, again.Result)

		withSeed := issueSpec()
		withSeed.IssuerSeed = first.IssuerSeed
		again, err = s.Issue(t.Context(), withSeed)
		require.NoError(t, err)
		require.Empty(t, again.Done, "the first balance is there")
		require.Equal(t, first.Asset, again.Asset)
	})
}

func TestIssuing_uses_the_accounts_that_it_is_given(t *testing.T) {
	t.Parallel()
	horizon, net := testNetwork(t)
	db := storetest.SQLite(t)
	issues, receives := keypair.MustRandom(), keypair.MustRandom()
	spec := issueSpec()
	spec.IssuerSeed, spec.Seed, spec.Balance = seed(t, issues), seed(t, receives), "12.5"
	got, err := issuer(db, horizon).Issue(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, issues.Address(), got.Asset.Issuer)
	require.Equal(t, receives.Address(), got.Asset.ReceivingAccount)
	require.True(t, got.IssuerSeed.IsZero(), "a seed that the caller has is not handed back")
	account, err := horizon.Account(t.Context(), receives.Address())
	require.NoError(t, err)
	line, _ := account.Balance("TEST", issues.Address())
	require.EqualValues(t, 125_000_000, line.Units)

	net.Reset()
	again, err := issuer(db, horizon).Issue(t.Context(), spec)
	require.NoError(t, err, "after a reset of the test network everything is made anew")
	require.Len(t, again.Done, 4)
	require.Equal(t, got.Asset, again.Asset)
}

func TestIssuing_goes_on_where_an_earlier_run_was_cut(t *testing.T) {
	t.Parallel()
	horizon, _ := testNetwork(t)
	for cut := range 3 {
		db := storetest.SQLite(t)
		spec := issueSpec()
		spec.IssuerSeed, spec.Seed = seed(t, keypair.MustRandom()), seed(t, keypair.MustRandom())
		_, err := issuer(db, &cutNetwork{Horizon: horizon, after: cut}).Issue(t.Context(), spec)
		require.ErrorIs(t, err, errCut)
		requireNothingStored(t, db)
		got, err := issuer(db, horizon).Issue(t.Context(), spec)
		require.NoError(t, err)
		require.True(t, got.Created)
		require.Len(t, got.Done, 4-cut)
	}
}

var errCut = errors.New("the cable was cut")

// cutNetwork changes nothing any more after some changes.
type cutNetwork struct {
	*stellar.Horizon
	after int
}

func (c *cutNetwork) cut() bool { c.after--; return c.after < 0 }

func (c *cutNetwork) Friendbot(ctx context.Context, account string) error {
	if c.cut() {
		return errCut
	}
	return c.Horizon.Friendbot(ctx, account)
}

func (c *cutNetwork) Submit(ctx context.Context, envelope string) (stellar.Submitted, error) {
	if c.cut() {
		return stellar.Submitted{}, errCut
	}
	return c.Horizon.Submit(ctx, envelope)
}

func TestA_submission_of_unknown_outcome_is_repeated_as_it_is(t *testing.T) {
	t.Parallel()
	horizon, _ := testNetwork(t)
	unsure := &unsureNetwork{Horizon: horizon}
	spec := issueSpec()
	spec.Balance = "1"
	got, err := issuer(storetest.SQLite(t), unsure).Issue(t.Context(), spec)
	require.NoError(t, err)
	require.Len(t, unsure.envelopes, 4)
	require.Equal(t, unsure.envelopes[0], unsure.envelopes[1])
	require.Equal(t, unsure.envelopes[2], unsure.envelopes[3])
	account, err := horizon.Account(t.Context(), got.Asset.ReceivingAccount)
	require.NoError(t, err)
	line, _ := account.Balance("TEST", got.Issuer)
	require.EqualValues(t, 10_000_000, line.Units, "it happened once")
}

// unsureNetwork forgets every second answer.
type unsureNetwork struct {
	*stellar.Horizon
	envelopes []string
}

func (u *unsureNetwork) Submit(ctx context.Context, envelope string) (stellar.Submitted, error) {
	u.envelopes = append(u.envelopes, envelope)
	done, err := u.Horizon.Submit(ctx, envelope)
	if len(u.envelopes)%2 == 1 {
		return stellar.Submitted{}, stellar.ErrUnknownOutcome
	}
	return done, err
}

func TestNothing_is_issued_on_the_public_network(t *testing.T) {
	t.Parallel()
	c, db := newCast(t), storetest.SQLite(t)
	c.net.passphrase = network.PublicNetworkPassphrase
	spec := issueSpec()
	spec.KeepIssuer = func(string, assets.Seed) error { return errors.New("no key may be made") }
	_, err := c.with(db, assets.Options{Passphrase: network.PublicNetworkPassphrase}).Issue(t.Context(), spec)
	require.ErrorContains(t, err, "test networks only")

	_, err = c.service(db).Issue(t.Context(), spec)
	var wrong *stellar.WrongNetworkError
	require.ErrorAs(t, err, &wrong, "nor where the settings name a test network")
	requireNothingStored(t, db)
}

func TestIssuing_refuses_what_it_cannot_do(t *testing.T) {
	t.Parallel()
	horizon, _ := testNetwork(t)
	stranger := keypair.MustRandom()
	for name, test := range map[string]struct {
		change func(*assets.IssueSpec)
		says   string
	}{
		"an issuer and the seed of another": {func(s *assets.IssueSpec) {
			s.Issuer, s.IssuerSeed = stranger.Address(), seed(t, keypair.MustRandom())
		}, "belongs to"},
		"an account that trusts nothing and has no seed": {func(s *assets.IssueSpec) { s.Account = stranger.Address() }, "needs its seed"},
		"a balance that is no amount":                    {func(s *assets.IssueSpec) { s.Balance = "much" }, "first balance"},
		"a code that is none":                            {func(s *assets.IssueSpec) { s.Code = "T€ST" }, "1 to 12 letters"},
		"a seed that could not be kept": {func(s *assets.IssueSpec) {
			s.KeepIssuer = func(string, assets.Seed) error { return errors.New("disk full") }
		}, "disk full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, spec := storetest.SQLite(t), issueSpec()
			test.change(&spec)
			_, err := issuer(db, horizon).Issue(t.Context(), spec)
			require.ErrorContains(t, err, test.says)
			requireNothingStored(t, db)
		})
	}
	t.Run("a network without friendbot", func(t *testing.T) {
		t.Parallel()
		c := newCast(t)
		_, err := c.service(storetest.SQLite(t)).Issue(t.Context(), issueSpec())
		require.ErrorIs(t, err, stellar.ErrNoFriendbot)
	})
	t.Run("a code of two issuers", func(t *testing.T) {
		t.Parallel()
		db := storetest.SQLite(t)
		for range 2 {
			spec := issueSpec()
			spec.IssuerSeed, spec.Seed = seed(t, keypair.MustRandom()), seed(t, keypair.MustRandom())
			_, err := issuer(db, horizon).Issue(t.Context(), spec)
			require.NoError(t, err)
		}
		_, err := issuer(db, horizon).Issue(t.Context(), issueSpec())
		require.ErrorContains(t, err, "name the issuer")
		require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	})
}
