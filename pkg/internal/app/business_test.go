package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

const usdc = "stellar:USDC:GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"

// declares makes the business that a settings file describes.
func declares(t *testing.T, yaml string) anchor.Business {
	t.Helper()
	business, err := declaredBusiness(loads(t, yaml))
	require.NoError(t, err)
	return business
}

func loads(t *testing.T, yaml string) config.Settings {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "anchor.yaml"), []byte(yaml), 0o600))
	s, err := config.Load(config.Source{Dir: dir, Environ: []string{}, Setenv: func(string, string) error { return nil }})
	require.NoError(t, err)
	return s
}

func TestTheDeclaredBusiness_speaks_the_languages_of_the_settings(t *testing.T) {
	t.Parallel()
	business := declares(t, `
customers:
  types:
    - {name: s, side: sender, description: {en: who sends, pt: quem envia}, fields: [{name: given_name, description: {en: given name, pt: nome}}]}
transaction_fields: [{name: purpose, description: {en: what for, pt: para que}}]
offchain_assets: [{asset: 'iso4217:BRL', buy_delivery_methods: [{name: PIX, description: {en: to a key, pt: para uma chave}}]}]
exchange_pairs: [{sell: '`+usdc+`', buy: 'iso4217:BRL', rate: 5}]
`)
	for lang, want := range map[string][]string{
		"pt-BR": {"quem envia", "nome", "para que", "para uma chave"},
		"":      {"who sends", "given name", "what for", "to a key"},
		"fr":    {"who sends", "given name", "what for", "to a key"},
	} {
		info, err := business.Receiver.Info(t.Context(), anchor.InfoRequest{Lang: lang})
		require.NoError(t, err)
		needs, err := business.Customers.Get(t.Context(), anchor.CustomerGet{Type: "s", Lang: lang})
		require.NoError(t, err)
		offers, err := business.Quotes.Offers(t.Context(), anchor.OffersRequest{Lang: lang})
		require.NoError(t, err)
		require.Equal(t, want, []string{
			info.SenderTypes["s"].Description, needs.Fields["first_name"].Description, info.Fields["purpose"].Description,
			offers.OffChain[0].BuyDeliveryMethods[0].Description,
		}, lang)
	}
}

// The example of anchor.yaml.example, whose comment says what comes of it.
func TestTheDeclaredBusiness_prices_as_the_settings_say(t *testing.T) {
	t.Parallel()
	business := declares(t, `
offchain_assets: [{asset: 'iso4217:BRL', country_codes: [BR]}]
exchange_pairs: [{sell: '`+usdc+`', buy: 'iso4217:BRL', rate: 5.12, spread_percent: 1, fee_fixed: 1, fee_percent: 0.5, min: 1, max: 5000}]
`)
	offers, err := business.Quotes.Offers(t.Context(), anchor.OffersRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{"BR"}, offers.OffChain[0].CountryCodes)
	require.Equal(t, 2, offers.OffChain[0].Decimals)
	sell, err := money.Parse("100", 7)
	require.NoError(t, err)
	ask := anchor.PriceRequest{Pair: offers.Pairs[0], SellDecimals: 7, BuyDecimals: 2, SellAmount: &sell}
	price, err := business.Quotes.Price(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, "1.5", price.Fee.Total.Short())
	require.Equal(t, "499.27", price.BuyAmount.String())

	more, err := money.Parse("5000.0000001", 7)
	require.NoError(t, err)
	ask.SellAmount = &more
	_, err = business.Quotes.Price(t.Context(), ask)
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
}

func TestTheDeclaredBusiness_exchanges_nothing_without_pairs(t *testing.T) {
	t.Parallel()
	require.Nil(t, declares(t, "").Quotes)
}

func TestRailsGetTheLimitsAndCalendarsOfTheSettings_whoeverBringsThem(t *testing.T) {
	t.Parallel()
	settings := loads(t, `
rails:
  - {name: trial, kind: simulated, limits: {in_flight: 2}}
  - {name: bank, kind: own, limits: {calls_per_second: 5}, calendar: {opens: "08:00", closes: "17:00"}}
  - {name: elsewhere, kind: own}
`)
	rails := map[string]anchor.Rail{
		"trial": {}, "bank": {SameKeySafeFor: time.Hour, Limits: anchor.Limits{InFlight: 9}}, "free": {Limits: anchor.Limits{InFlight: 1}},
	}
	require.NoError(t, limit(rails, settings))
	require.Len(t, rails, 3)
	require.Equal(t, 2, rails["trial"].Limits.InFlight)
	require.InDelta(t, 5.0, rails["bank"].Limits.CallsPerSecond, 0)
	require.Zero(t, rails["bank"].Limits.InFlight, "the settings' entry is the whole of its limits")
	require.Equal(t, "17:00", rails["bank"].Calendar.Closes.String())
	require.Equal(t, time.Hour, rails["bank"].SameKeySafeFor)
	require.Equal(t, 1, rails["free"].Limits.InFlight, "what is not in the settings keeps its own")
}

func TestACSVRailWritesWhereTheSettingsSay(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	settings := loads(t, "rails: [{name: files, kind: csv, directory: '"+out+"', columns: [receiver.last_name], batch_most: 7}]\n")
	rails := map[string]anchor.Rail{}
	require.NoError(t, addFileRails(rails, settings, slog.New(slog.DiscardHandler)))
	require.Equal(t, 7, rails["files"].BatchMost)
	require.Equal(t, time.Minute, rails["files"].BatchEvery)
	batch := anchor.Batch{Name: "files-1", Rail: "files", Number: 1, Payouts: []anchor.Payout{{Key: "k", Amount: "1.00"}}}
	_, err := rails["files"].Batch.ExecuteBatch(t.Context(), batch)
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(out, "files-1.csv"))
	require.NoError(t, err)
	require.Contains(t, string(raw), "receiver.last_name")
}

func TestACSVRailWithoutItsFolderIsAFault(t *testing.T) {
	t.Parallel()
	settings := loads(t, "rails: [{name: files, kind: csv, directory: /nowhere/at/all}]\n")
	faults := FileRailFaults(settings)
	require.Len(t, faults, 1)
	require.Equal(t, "rails[0]", faults[0].Key)
	require.Contains(t, faults[0].Problem, "directory")
	require.Contains(t, faults[0].Mend, "make the folders")
	_, isFaults := errors.AsType[config.Faults](addFileRails(map[string]anchor.Rail{}, settings, nil))
	require.True(t, isFaults, "it ends a process as any other fault of the settings does")
}
