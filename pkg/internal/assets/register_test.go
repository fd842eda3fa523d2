package assets_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestA_new_asset_has_the_values_of_its_documentation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		got, err := c.service(db).Register(t.Context(), c.spec())
		require.NoError(t, err)
		require.True(t, got.Created)

		stored, err := db.AssetByCode(t.Context(), code, c.issuer.Address())
		require.NoError(t, err)
		require.Equal(t, got.Asset, stored)
		require.EqualValues(t, 7, stored.Decimals)
		require.True(t, stored.Receivable())
		require.True(t, stored.Sep38Enabled)
		require.Equal(t, "0", stored.FeePercent)
		require.Zero(t, stored.FeeFixedUnits+stored.MinUnits+stored.MaxUnits)
		methods, err := stored.Methods()
		require.NoError(t, err)
		require.Empty(t, methods)

		watched, err := db.ReceivingAccounts(t.Context())
		require.NoError(t, err)
		require.Len(t, watched, 1)
		require.Equal(t, c.receiving.Address(), watched[0].Account)
		require.EqualValues(t, 101, watched[0].FromLedger, "what closed before it was registered is not looked at")
		require.False(t, watched[0].HasSeed())
	})
}

func TestRegistering_again_with_the_same_values_changes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		spec := c.spec()
		spec.Seed = seed(t, c.receiving)
		spec.Terms = assets.Terms{
			Decimals: new(2), FeeFixed: new("1.50"), FeePercent: new("0.50"), Min: new("5"), Max: new("1000"),
			FundingMethods: []string{"SEPA", "PIX"}, SEP31: new(true),
		}
		first, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		require.True(t, first.SeedKept)

		c.net.latest = 5000
		again, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		require.Equal(t, assets.Result{Asset: first.Asset}, again)

		bare := c.spec()
		bare.Account = ""
		again, err = c.service(db).Register(t.Context(), bare)
		require.NoError(t, err, "what is not named stays as it is")
		require.Equal(t, assets.Result{Asset: first.Asset}, again)

		history, err := db.History(t.Context(), store.SubjectAsset, first.Asset.ID)
		require.NoError(t, err)
		require.Len(t, history, 1)
		watched, err := db.ReceivingAccount(t.Context(), c.receiving.Address())
		require.NoError(t, err)
		require.EqualValues(t, 101, watched.FromLedger)
	})
}

func TestQuotes_of_an_asset_are_switched_off_and_on_when_that_is_asked_for(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		spec := c.spec()
		_, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		spec.Terms.SEP38 = new(false)
		_, err = c.service(db).Register(t.Context(), spec)
		var different *assets.DifferentError
		require.ErrorAs(t, err, &different)
		require.Equal(t, []assets.Difference{{Name: "sep38", Stored: "true", Given: "false"}}, different.Differences)
		spec.Update = true
		changed, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		require.False(t, changed.Asset.Sep38Enabled)
		require.True(t, changed.Asset.Sep31Enabled)
	})
}

func TestAmounts_are_stored_in_units_of_the_network_whatever_the_decimals(t *testing.T) {
	t.Parallel()
	c, db := newCast(t), storetest.SQLite(t)
	spec := c.spec()
	spec.Terms = assets.Terms{Decimals: new(2), FeeFixed: new("1.5"), Min: new("0.01"), Max: new("92233720368.54")}
	got, err := c.service(db).Register(t.Context(), spec)
	require.NoError(t, err)
	require.EqualValues(t, 15_000_000, got.Asset.FeeFixedUnits)
	require.EqualValues(t, 100_000, got.Asset.MinUnits)
	require.EqualValues(t, 922_337_203_685_400_000, got.Asset.MaxUnits)
}

func TestOther_values_are_listed_and_change_nothing_unless_an_update_is_asked_for(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		spec := c.spec()
		spec.Terms.FeeFixed = new("1")
		first, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)

		spec.Terms = assets.Terms{FeeFixed: new("2"), Max: new("100"), FundingMethods: []string{"SEPA"}}
		_, err = c.service(db).Register(t.Context(), spec)
		var different *assets.DifferentError
		require.ErrorAs(t, err, &different)
		require.Equal(t, []assets.Difference{
			{Name: "fixed fee", Stored: "1", Given: "2"},
			{Name: "greatest amount", Stored: "0", Given: "100"},
			{Name: "funding methods", Stored: "none", Given: `["SEPA"]`},
		}, different.Differences)
		require.ErrorContains(t, err, "fixed fee: 1 is registered, 2 was given")
		require.ErrorContains(t, err, "--update")
		stored, err := db.AssetByCode(t.Context(), code, c.issuer.Address())
		require.NoError(t, err)
		require.Equal(t, first.Asset, stored)

		spec.Update = true
		changed, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		require.Equal(t, different.Differences, changed.Changed)
		require.EqualValues(t, 20_000_000, changed.Asset.FeeFixedUnits)
		require.EqualValues(t, 2, changed.Asset.Version)
		history, err := db.History(t.Context(), store.SubjectAsset, first.Asset.ID)
		require.NoError(t, err)
		require.Len(t, history, 2)
		require.Equal(t, "operator:tester", history[1].Actor)
		require.JSONEq(t, `{"fixed fee":{"from":"1","to":"2"},"greatest amount":{"from":"0","to":"100"},"funding methods":{"from":"none","to":"[\"SEPA\"]"}}`, history[1].Detail)
	})
}

func TestWhat_never_changes_is_refused_even_as_an_update(t *testing.T) {
	t.Parallel()
	c, db := newCast(t), storetest.SQLite(t)
	_, err := c.service(db).Register(t.Context(), c.spec())
	require.NoError(t, err)
	for name, change := range map[string]func(*assets.Spec){
		"decimals":     func(s *assets.Spec) { s.Terms.Decimals = new(2) },
		"first ledger": func(s *assets.Spec) { s.FromLedger = new(int64(7)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := c.spec()
			spec.Update = true
			change(&spec)
			_, err := c.service(db).Register(t.Context(), spec)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, "it never changes")
			require.NotContains(t, err.Error(), "--update")
		})
	}
}

func TestA_seed_is_kept_sealed_and_another_one_needs_an_update(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		cosigner := keypair.MustRandom()
		c.add(c.receiving.Address(), func(a *stellar.Account) {
			a.Signers = append(a.Signers, stellar.Signer{Key: cosigner.Address(), Type: stellar.SignerEd25519, Weight: 1})
		})
		spec := c.spec()
		_, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		_, err = db.Seed(t.Context(), c.receiving.Address())
		require.ErrorIs(t, err, store.ErrNotFound)

		spec.Seed = seed(t, c.receiving)
		got, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err, "a seed where none was kept contradicts nothing")
		require.True(t, got.SeedKept)
		kept, err := db.Seed(t.Context(), c.receiving.Address())
		require.NoError(t, err)
		require.Equal(t, c.receiving.Seed(), kept)

		spec.Seed = seed(t, cosigner)
		_, err = c.service(db).Register(t.Context(), spec)
		require.ErrorContains(t, err, "seed")
		require.NotContains(t, err.Error(), cosigner.Seed())
		require.NotContains(t, err.Error(), c.receiving.Seed())

		spec.Update = true
		got, err = c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
		require.True(t, got.SeedKept)
		kept, err = db.Seed(t.Context(), c.receiving.Address())
		require.NoError(t, err)
		require.Equal(t, cosigner.Seed(), kept)
	})
}

func TestAn_account_named_by_its_seed_alone_is_received_on(t *testing.T) {
	t.Parallel()
	c, db := newCast(t), storetest.SQLite(t)
	spec := c.spec()
	spec.Account, spec.Seed = "", seed(t, c.receiving)
	got, err := c.service(db).Register(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, c.receiving.Address(), got.Asset.ReceivingAccount)
}

func TestTwo_assets_share_a_receiving_account(t *testing.T) {
	t.Parallel()
	c, db := newCast(t), storetest.SQLite(t)
	c.add(c.receiving.Address(), func(a *stellar.Account) {
		a.Balances = append(a.Balances, stellar.Balance{AssetCode: "EURC", AssetIssuer: c.issuer.Address(), Authorized: true})
	})
	for _, name := range []string{code, "EURC"} {
		spec := c.spec()
		spec.Code = name
		_, err := c.service(db).Register(t.Context(), spec)
		require.NoError(t, err)
	}
	watched, err := db.ReceivingAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, watched, 1)
	list, err := c.service(db).List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, code, list[0].Code, "in the order in which they were registered")
}

func TestMany_registrations_of_one_asset_at_once_make_one(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCast(t)
		c.add(c.receiving.Address(), func(a *stellar.Account) {
			a.Balances = append(a.Balances, stellar.Balance{AssetCode: "EURC", AssetIssuer: c.issuer.Address(), Authorized: true})
		})
		earlier := c.spec()
		earlier.Code = "EURC"
		_, err := c.service(db).Register(t.Context(), earlier)
		require.NoError(t, err)
		const many = 8
		group, ctx := errgroup.WithContext(t.Context())
		for range many {
			group.Go(func() error {
				_, err := c.service(db).Register(ctx, c.spec())
				return err
			})
		}
		require.NoError(t, group.Wait())
		list, err := db.Assets(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.EqualValues(t, 1, list[1].Version)
	})
}

func TestA_registration_that_comes_second_finds_the_first_one(t *testing.T) {
	t.Parallel()
	db, c := storetest.Postgres(t), newCast(t) // on SQLite one writes at a time
	spec := c.spec()
	spec.Terms.FundingMethods = []string{"SEPA"}
	var first assets.Result
	overtaken := false
	known := func(string) bool { // asked after the asset was looked for and before it is inserted
		if !overtaken {
			overtaken = true
			var err error
			first, err = c.service(db).Register(t.Context(), spec)
			require.NoError(t, err)
		}
		return true
	}
	c.add(c.receiving.Address(), func(a *stellar.Account) {
		a.Balances = append(a.Balances, stellar.Balance{AssetCode: "EURC", AssetIssuer: c.issuer.Address(), Authorized: true})
	})
	earlier := c.spec()
	earlier.Code = "EURC"
	_, err := c.service(db).Register(t.Context(), earlier) // so that the account is watched already
	require.NoError(t, err)

	second, err := c.with(db, assets.Options{KnownMethod: known}).Register(t.Context(), spec)
	require.NoError(t, err)
	require.True(t, first.Created)
	require.Equal(t, assets.Result{Asset: first.Asset}, second)
}

func TestWhat_the_network_contradicts_is_refused_before_anything_is_stored(t *testing.T) {
	t.Parallel()
	stranger := keypair.MustRandom()
	for name, test := range map[string]struct {
		change func(*testing.T, cast, *assets.Spec)
		says   string
	}{
		"an issuer that does not exist": {func(_ *testing.T, _ cast, s *assets.Spec) { s.Issuer = stranger.Address() }, "issuer " + stranger.Address() + " does not exist"},
		"a receiving account that does not exist": {func(_ *testing.T, _ cast, s *assets.Spec) {
			s.Account = stranger.Address()
		}, "receiving account " + stranger.Address() + " does not exist"},
		"no trust line": {func(_ *testing.T, c cast, _ *assets.Spec) {
			c.add(c.receiving.Address(), func(a *stellar.Account) { a.Balances = nil })
		}, "no trust line"},
		"a trust line to another issuer's asset of the same code": {func(_ *testing.T, c cast, _ *assets.Spec) {
			c.add(c.receiving.Address(), func(a *stellar.Account) { a.Balances[0].AssetIssuer = stranger.Address() })
		}, "no trust line"},
		"a trust line that is not authorized": {func(_ *testing.T, c cast, _ *assets.Spec) {
			c.add(c.receiving.Address(), func(a *stellar.Account) { a.Balances[0].Authorized = false })
		}, "not authorized"},
		"a seed of another account": {func(t *testing.T, _ cast, s *assets.Spec) { s.Seed = seed(t, stranger) }, "no signer"},
		"a seed whose weight does not reach": {func(t *testing.T, c cast, s *assets.Spec) {
			s.Seed = seed(t, c.receiving)
			c.add(c.receiving.Address(), func(a *stellar.Account) { a.Thresholds.Medium = 2 })
		}, "a payment needs 2"},
		"a master key that was switched off": {func(t *testing.T, c cast, s *assets.Spec) {
			s.Seed = seed(t, c.receiving)
			c.add(c.receiving.Address(), func(a *stellar.Account) { a.Signers = nil })
		}, "no signer"},
		"another network": {func(_ *testing.T, c cast, _ *assets.Spec) { c.net.passphrase = "Standalone Network ; February 2017" }, "Horizon serves the network"},
		"a network that does not answer": {func(_ *testing.T, c cast, _ *assets.Spec) {
			c.net.fails = &stellar.UnavailableError{Status: 503}
		}, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, c := storetest.SQLite(t), newCast(t)
			spec := c.spec()
			test.change(t, c, &spec)
			_, err := c.service(db).Register(t.Context(), spec)
			require.ErrorContains(t, err, test.says)
			requireNothingStored(t, db)
		})
	}
}

func TestA_spec_that_makes_no_sense_is_refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(cast, *assets.Spec)
		says   string
	}{
		"no issuer":                  {func(_ cast, s *assets.Spec) { s.Issuer = "" }, "issuer"},
		"lumens":                     {func(_ cast, s *assets.Spec) { s.Code, s.Issuer = "native", "" }, "lumens"},
		"no code":                    {func(_ cast, s *assets.Spec) { s.Code = "" }, "1 to 12 letters"},
		"a long code":                {func(_ cast, s *assets.Spec) { s.Code = "ABCDEFGHIJKLM" }, "1 to 12 letters"},
		"a code with a sign":         {func(_ cast, s *assets.Spec) { s.Code = "U$D" }, "1 to 12 letters"},
		"an issuer that is no key":   {func(_ cast, s *assets.Spec) { s.Issuer = "GABC" }, "G…"},
		"an account that is no key":  {func(_ cast, s *assets.Spec) { s.Account = "GABC" }, "G…"},
		"no account":                 {func(_ cast, s *assets.Spec) { s.Account = "" }, "name the account"},
		"the issuer as receiver":     {func(_ cast, s *assets.Spec) { s.Account = s.Issuer }, "cannot receive its own asset"},
		"ledger zero":                {func(_ cast, s *assets.Spec) { s.FromLedger = new(int64(0)) }, "1 or later"},
		"eight decimals":             {func(_ cast, s *assets.Spec) { s.Terms.Decimals = new(8) }, "0 to 7"},
		"negative decimals":          {func(_ cast, s *assets.Spec) { s.Terms.Decimals = new(-1) }, "0 to 7"},
		"a fee finer than the asset": {func(_ cast, s *assets.Spec) { s.Terms.Decimals, s.Terms.FeeFixed = new(2), new("0.001") }, "fixed fee"},
		"a negative fee":             {func(_ cast, s *assets.Spec) { s.Terms.FeeFixed = new("-1") }, "fixed fee"},
		"a fee in exponents":         {func(_ cast, s *assets.Spec) { s.Terms.FeeFixed = new("1e3") }, "fixed fee"},
		"an amount beyond the range": {func(_ cast, s *assets.Spec) { s.Terms.Max = new("922337203686") }, "greatest amount"},
		"an amount beyond the network's range": {func(_ cast, s *assets.Spec) {
			s.Terms.Decimals, s.Terms.Max = new(0), new("922337203686")
		}, "greatest amount"},
		"a percentage of 101":      {func(_ cast, s *assets.Spec) { s.Terms.FeePercent = new("101") }, "percent fee"},
		"a percentage with a sign": {func(_ cast, s *assets.Spec) { s.Terms.FeePercent = new("1%") }, "percent fee"},
		"a fee of everything":      {func(_ cast, s *assets.Spec) { s.Terms.FeePercent = new("100") }, "nothing is left"},
		"a fee above the greatest amount": {func(_ cast, s *assets.Spec) {
			s.Terms.FeeFixed, s.Terms.Max = new("10"), new("10")
		}, "nothing is left"},
		"limits crossed":               {func(_ cast, s *assets.Spec) { s.Terms.Min, s.Terms.Max = new("10"), new("9") }, "less than the least"},
		"a funding method twice":       {func(_ cast, s *assets.Spec) { s.Terms.FundingMethods = []string{"SEPA", "SEPA"} }, "twice"},
		"a funding method of no name":  {func(_ cast, s *assets.Spec) { s.Terms.FundingMethods = []string{""} }, "empty"},
		"a funding method of no rail":  {func(_ cast, s *assets.Spec) { s.Terms.FundingMethods = []string{"carrier pigeon"} }, "no rail"},
		"a seed as the issuer by slip": {func(c cast, s *assets.Spec) { s.Issuer = c.receiving.Seed() }, "[secret]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, c := storetest.SQLite(t), newCast(t)
			spec := c.spec()
			test.change(c, &spec)
			known := func(method string) bool { return method == "SEPA" || method == "" }
			_, err := c.with(db, assets.Options{KnownMethod: known}).Register(t.Context(), spec)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
			require.NotContains(t, err.Error(), c.receiving.Seed())
			requireNothingStored(t, db)
		})
	}
}

func requireNothingStored(t *testing.T, db *store.DB) {
	t.Helper()
	list, err := db.Assets(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
	watched, err := db.ReceivingAccounts(t.Context())
	require.NoError(t, err)
	require.Empty(t, watched)
}

func TestA_disabled_asset_stays_and_is_switched_on_by_an_update(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, c := t.Context(), newCast(t)
		s := c.service(db)
		_, _, err := s.Disable(ctx, code, "", "operator:tester")
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err))
		_, _, err = s.Disable(ctx, code, c.issuer.Address(), "operator:tester")
		require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err))

		_, err = s.Register(ctx, c.spec())
		require.NoError(t, err)
		off, changed, err := s.Disable(ctx, code, "", "operator:tester")
		require.NoError(t, err)
		require.True(t, changed)
		require.False(t, off.Receivable())
		again, changed, err := s.Disable(ctx, code, c.issuer.Address(), "operator:tester")
		require.NoError(t, err)
		require.False(t, changed)
		require.Equal(t, off, again)

		_, err = s.Register(ctx, c.spec())
		require.ErrorContains(t, err, "enabled: false is registered, true was given")
		spec := c.spec()
		spec.Update = true
		on, err := s.Register(ctx, spec)
		require.NoError(t, err)
		require.True(t, on.Asset.Receivable())

		history, err := db.History(ctx, store.SubjectAsset, on.Asset.ID)
		require.NoError(t, err)
		var moves []string
		for _, event := range history {
			moves = append(moves, event.FromStatus+">"+event.ToStatus)
		}
		require.Equal(t, []string{">enabled", "enabled>disabled", "disabled>enabled"}, moves)
	})
}

func TestA_code_of_two_issuers_is_not_switched_off_by_its_code_alone(t *testing.T) {
	t.Parallel()
	ctx, c, db := t.Context(), newCast(t), storetest.SQLite(t)
	other := keypair.MustRandom()
	c.add(other.Address(), nil)
	c.add(c.receiving.Address(), func(a *stellar.Account) {
		a.Balances = append(a.Balances, stellar.Balance{AssetCode: code, AssetIssuer: other.Address(), Authorized: true})
	})
	for _, issuer := range []string{c.issuer.Address(), other.Address()} {
		spec := c.spec()
		spec.Issuer = issuer
		_, err := c.service(db).Register(ctx, spec)
		require.NoError(t, err)
	}
	_, _, err := c.service(db).Disable(ctx, code, "", "operator:tester")
	require.ErrorContains(t, err, "name the issuer")
	off, _, err := c.service(db).Disable(ctx, code, other.Address(), "operator:tester")
	require.NoError(t, err)
	require.Equal(t, other.Address(), off.Issuer)
}

func TestA_seed_shows_nothing_of_itself(t *testing.T) {
	t.Parallel()
	kp := keypair.MustRandom()
	secret := seed(t, kp)
	spec := assets.Spec{Seed: secret}
	text, err := json.Marshal(spec)
	require.NoError(t, err)
	for _, shown := range []string{
		fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s %q", secret, secret, secret, secret, secret), fmt.Sprintf("%v %+v %#v", spec, spec, spec), string(text),
	} {
		require.NotContains(t, shown, kp.Seed())
		require.NotContains(t, shown, kp.Seed()[:12])
	}
	_, err = assets.ParseSeed(kp.Seed() + "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), kp.Seed())
	_, err = assets.ParseSeed(kp.Address())
	require.Error(t, err, "an account id is no seed")
}

func TestA_seed_without_a_master_key_is_refused(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	url := "sqlite:" + t.TempDir() + "/anchor.db"
	storetest.Open(t, url)
	db, err := store.Open(t.Context(), store.Options{URL: url, Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	spec := c.spec()
	_, err = c.service(db).Register(t.Context(), spec)
	require.NoError(t, err, "receiving needs no seed and no master key")
	spec.Seed = seed(t, c.receiving)
	_, err = c.service(db).Register(t.Context(), spec)
	require.ErrorIs(t, err, store.ErrNoKey)
}
