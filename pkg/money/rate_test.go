package money_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/money"
)

func TestParseRate_keeps_every_digit_and_drops_trailing_zeros(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1":                              "1",
		"5.4200":                         "5.42",
		"1.0":                            "1",
		"100":                            "100",
		"0.5":                            "0.5",
		"0.0000000000000000000000000001": "0.0000000000000000000000000001",
		"1234567890123456789012345678":   "1234567890123456789012345678",
		"1.234567890123456789012345678":  "1.234567890123456789012345678",
	} {
		rate, err := money.ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, rate.String())
		same, err := money.ParseRate(want)
		require.NoError(t, err)
		require.True(t, rate == same, text)
		require.False(t, rate.IsZero())
	}
}

func TestParseRate_refuses_what_is_no_exact_positive_rate(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]error{
		"":                                money.ErrSyntax,
		"-1":                              money.ErrSyntax,
		"1e2":                             money.ErrSyntax,
		"NaN":                             money.ErrSyntax,
		"01":                              money.ErrSyntax,
		"0":                               money.ErrRange,
		"0.000":                           money.ErrRange,
		"12345678901234567890123456789":   money.ErrTooPrecise,
		"0.00000000000000000000000000001": money.ErrTooPrecise,
		strings.Repeat("9", 100):          money.ErrSyntax,
	} {
		rate, err := money.ParseRate(text)
		require.ErrorIs(t, err, reason, text)
		require.True(t, rate.IsZero())
	}
}

func TestRate_rounds_once_in_the_direction_asked_for(t *testing.T) {
	t.Parallel()
	rate, err := money.ParseRate("3")
	require.NoError(t, err)
	ten := amount(t, "10", 7)

	down, err := rate.Div(ten, 2, money.Down)
	require.NoError(t, err)
	require.Equal(t, "3.33", down.String())
	up, err := rate.Div(ten, 2, money.Up)
	require.NoError(t, err)
	require.Equal(t, "3.34", up.String())
	product, err := rate.Mul(ten, 0, money.Up)
	require.NoError(t, err)
	require.Equal(t, "30", product.String())
}

func TestRate_refuses_results_that_do_not_fit_and_the_rate_that_is_none(t *testing.T) {
	t.Parallel()
	large, err := money.ParseRate("1234567890123456789012345678")
	require.NoError(t, err)
	_, err = large.Mul(amount(t, "1000", 7), 7, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
	small, err := money.ParseRate("0.0000000000000000000000000001")
	require.NoError(t, err)
	_, err = small.Div(amount(t, "1", 7), 7, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)

	var none money.Rate
	_, err = none.Mul(amount(t, "1", 7), 7, money.Down)
	require.ErrorIs(t, err, money.ErrNoRate)
	_, err = none.Div(amount(t, "1", 7), 7, money.Down)
	require.ErrorIs(t, err, money.ErrNoRate)
}

func anyRate(rt *rapid.T) money.Rate {
	digits := rapid.StringMatching(`[1-9][0-9]{0,27}`).Draw(rt, "digits")
	decimals := rapid.IntRange(0, 28).Draw(rt, "rate decimals")
	if lacking := decimals + 1 - len(digits); lacking > 0 {
		digits = strings.Repeat("0", lacking) + digits
	}
	text := digits[:len(digits)-decimals]
	if decimals > 0 {
		text += "." + digits[len(digits)-decimals:]
	}
	rate, err := money.ParseRate(text)
	require.NoError(rt, err)
	return rate
}

func TestMul_and_Div_agree_with_exact_fractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, rate := anyAmount(rt, "a"), anyRate(rt)
		decimals := rapid.IntRange(0, money.MaxDecimals).Draw(rt, "decimals")
		factor, ok := new(big.Rat).SetString(rate.String())
		require.True(rt, ok)
		checkRounded(rt, new(big.Rat).Mul(value(a), factor), decimals, func(r money.Rounding) (money.Amount, error) {
			return rate.Mul(a, decimals, r)
		})
		checkRounded(rt, new(big.Rat).Quo(value(a), factor), decimals, func(r money.Rounding) (money.Amount, error) {
			return rate.Div(a, decimals, r)
		})
	})
}

func TestPercent_of_an_amount_agrees_with_exact_fractions_and_never_exceeds_it(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := anyAmount(rt, "a")
		share, err := money.New(rapid.Int64Range(0, 1_000_000_000_000).Draw(rt, "share"), 10)
		require.NoError(rt, err)
		percent, err := money.ParsePercent(share.String())
		require.NoError(rt, err)
		exact := new(big.Rat).Mul(value(a), value(share))
		exact.Quo(exact, new(big.Rat).SetInt64(100))
		checkRounded(rt, exact, a.Decimals(), func(r money.Rounding) (money.Amount, error) {
			part, err := percent.Of(a, r)
			require.LessOrEqual(rt, part.Cmp(a), 0)
			return part, err
		})
	})
}

func TestParsePercent_accepts_0_to_100_only(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0", "0.50": "0.5", "100": "100", "100.000": "100", "0.0000000001": "0.0000000001"} {
		percent, err := money.ParsePercent(text)
		require.NoError(t, err, text)
		require.Equal(t, want, percent.String())
		require.Equal(t, want == "0", percent.IsZero())
	}
	for text, reason := range map[string]error{
		"100.0000000001": money.ErrRange,
		"101":            money.ErrRange,
		"99999999999999": money.ErrRange,
		"0.00000000001":  money.ErrTooPrecise,
		"-1":             money.ErrSyntax,
		"1%":             money.ErrSyntax,
		"":               money.ErrSyntax,
	} {
		_, err := money.ParsePercent(text)
		require.ErrorIs(t, err, reason, text)
		require.ErrorContains(t, err, "percentage")
	}
}

func TestRates_percentages_and_assets_survive_json(t *testing.T) {
	t.Parallel()
	type terms struct {
		Rate    money.Rate
		Percent money.Percent
		Asset   money.Asset
		None    money.Rate
		Unnamed money.Asset
	}
	rate, err := money.ParseRate("5.42")
	require.NoError(t, err)
	percent, err := money.ParsePercent("0.5")
	require.NoError(t, err)
	given := terms{Rate: rate, Percent: percent, Asset: money.Native()}
	text, err := json.Marshal(given)
	require.NoError(t, err)
	require.JSONEq(t, `{"Rate":"5.42","Percent":"0.5","Asset":"stellar:native","None":"","Unnamed":""}`, string(text))
	var read terms
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, given, read)

	for _, wrong := range []string{`{"Rate":"0"}`, `{"Percent":"101"}`, `{"Asset":"EUR"}`, `{"Rate":5.42}`} {
		require.Error(t, json.Unmarshal([]byte(wrong), &terms{}), wrong)
	}
}
