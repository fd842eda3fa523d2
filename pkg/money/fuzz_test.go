package money_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/money"
)

func FuzzParseAsset(f *testing.F) {
	for _, text := range []string{
		"stellar:USDC:" + issuer, "stellar:native", "stellar:native:" + issuer, "iso4217:BRL", "iso4217:brl", "stellar:USDC:" + issuer[:55],
		"stellar::" + issuer, "stellar:ABCDEFGHIJ123:" + issuer, "STELLAR:native", "iso4217:BRL:", "", ":", "stellar:U\x00:" + issuer,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asset, err := money.ParseAsset(text)
		if err != nil {
			require.Zero(t, asset)
			require.ErrorIs(t, err, money.ErrAsset)
			return
		}
		require.Equal(t, text, asset.String(), "an asset has one name")
		require.True(t, asset.Issuer == "" || strkey.IsValidEd25519PublicKey(asset.Issuer))
		require.NotEqual(t, asset.IsStellar(), asset.Scheme == money.SchemeFiat)
	})
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{
		"1", "5.4200", "0.0000000000000000000000000001", "1234567890123456789012345678", "1.234567890123456789012345678",
		"0", "0.000", "-1", "1e2", "1e999999999", "NaN", "01", ".5", "5.", "+1", "1_0", strings.Repeat("9", 100),
	} {
		f.Add(text, int64(1_234_567), 7, 2)
	}
	f.Add("5.42", int64(1<<62), 0, 18)
	f.Add("0.00006", int64(1), 18, -1)
	f.Fuzz(func(t *testing.T, text string, units int64, from, to int) {
		rate, err := money.ParseRate(text)
		if err != nil {
			require.True(t, rate.IsZero())
			require.True(t, isRateReason(err), "%v", err)
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		written, ok := new(big.Rat).SetString(rate.String())
		require.True(t, ok)
		require.Zero(t, exact.Cmp(written), "%q became %s", text, rate)
		again, err := money.ParseRate(rate.String())
		require.NoError(t, err)
		require.Equal(t, rate, again)
		requireSoundProducts(t, rate, exact, units, from, to)
	})
}

// requireSoundProducts compares Mul and Div with exact arithmetic: within one unit, on the side that was asked for.
func requireSoundProducts(t *testing.T, rate money.Rate, exact *big.Rat, units int64, from, to int) {
	t.Helper()
	amount, err := money.New(units, from)
	if err != nil {
		return
	}
	for _, product := range []struct {
		of   func(money.Amount, int, money.Rounding) (money.Amount, error)
		want *big.Rat
	}{
		{rate.Mul, new(big.Rat).Mul(value(amount), exact)},
		{rate.Div, new(big.Rat).Quo(value(amount), exact)},
	} {
		low, errLow := product.of(amount, to, money.Down)
		high, errHigh := product.of(amount, to, money.Up)
		if errLow != nil || errHigh != nil {
			require.True(t, isRateReason(errors.Join(errLow, errHigh)), "%v, %v", errLow, errHigh)
			continue
		}
		require.LessOrEqual(t, value(low).Cmp(product.want), 0)
		require.GreaterOrEqual(t, value(high).Cmp(product.want), 0)
		require.LessOrEqual(t, high.Units()-low.Units(), int64(1))
	}
}

func FuzzParsePercent(f *testing.F) {
	for _, text := range []string{"0", "0.5", "100", "100.0000000001", "0.0000000001", "0.00000000001", "-1", "1e1", "1e-9", "0.50", "101", "NaN", "5%"} {
		f.Add(text, int64(1_000_001), 7)
	}
	f.Add("99.9999999999", int64(1<<62), 18)
	f.Fuzz(func(t *testing.T, text string, units int64, decimals int) {
		percent, err := money.ParsePercent(text)
		if err != nil {
			require.True(t, percent.IsZero())
			require.True(t, isRateReason(err), "%v", err)
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		amount, err := money.New(units, decimals)
		if err != nil {
			return
		}
		want := new(big.Rat).Mul(value(amount), new(big.Rat).Quo(exact, big.NewRat(100, 1)))
		low, err := percent.Of(amount, money.Down)
		require.NoError(t, err)
		high, err := percent.Of(amount, money.Up)
		require.NoError(t, err)
		require.LessOrEqual(t, value(low).Cmp(want), 0)
		require.GreaterOrEqual(t, value(high).Cmp(want), 0)
		require.LessOrEqual(t, high.Units()-low.Units(), int64(1))
		require.LessOrEqual(t, high.Cmp(amount), 0, "a share is never more than the whole")
	})
}

func isRateReason(err error) bool {
	return isReason(err) || errors.Is(err, money.ErrRange) || errors.Is(err, money.ErrNoRate)
}
