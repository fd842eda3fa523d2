package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/money"
)

func amount(t require.TestingT, text string, decimals int) money.Amount {
	a, err := money.Parse(text, decimals)
	require.NoError(t, err)
	return a
}

func TestParse_reads_exactly_what_is_written(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		decimals int
		units    int64
		full     string
		short    string
	}{
		{"0", 0, 0, "0", "0"},
		{"0", 7, 0, "0.0000000", "0"},
		{"0.0", 7, 0, "0.0000000", "0"},
		{"12.34", 7, 123_400_000, "12.3400000", "12.34"},
		{"12.3400000", 7, 123_400_000, "12.3400000", "12.34"},
		{"0.0000001", 7, 1, "0.0000001", "0.0000001"},
		{"100", 7, 1_000_000_000, "100.0000000", "100"},
		{"100", 0, 100, "100", "100"},
		{"10", 2, 1000, "10.00", "10"},
		{"922337203685.4775807", 7, math.MaxInt64, "922337203685.4775807", "922337203685.4775807"},
		{"9223372036854775807", 0, math.MaxInt64, "9223372036854775807", "9223372036854775807"},
		{"9.223372036854775807", 18, math.MaxInt64, "9.223372036854775807", "9.223372036854775807"},
		{"0.000000000000000001", 18, 1, "0.000000000000000001", "0.000000000000000001"},
	} {
		a, err := money.Parse(c.text, c.decimals)
		require.NoError(t, err, c.text)
		require.Equal(t, c.units, a.Units(), c.text)
		require.Equal(t, c.decimals, a.Decimals(), c.text)
		require.Equal(t, c.full, a.String())
		require.Equal(t, c.short, a.Short())
		require.Equal(t, c.units == 0, a.IsZero())
	}
}

func TestParse_refuses_what_others_could_read_differently(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		reason error
		says   string
	}{
		{"", money.ErrSyntax, "at least one digit"},
		{".", money.ErrSyntax, "before any decimal point"},
		{".5", money.ErrSyntax, "before any decimal point"},
		{"5.", money.ErrSyntax, "must follow the decimal point"},
		{"1.2.3", money.ErrSyntax, "only one decimal point"},
		{"-1", money.ErrSyntax, "character 1"},
		{"-0", money.ErrSyntax, "character 1"},
		{"+1", money.ErrSyntax, "character 1"},
		{"1-", money.ErrSyntax, "character 2"},
		{" 1", money.ErrSyntax, "character 1"},
		{"1 ", money.ErrSyntax, "character 2"},
		{"1\n", money.ErrSyntax, "character 2"},
		{"1 000", money.ErrSyntax, "character 2"},
		{"1,5", money.ErrSyntax, "character 2"},
		{"1_000", money.ErrSyntax, "character 2"},
		{"1e3", money.ErrSyntax, "character 2"},
		{"1E-3", money.ErrSyntax, "character 2"},
		{"0x10", money.ErrSyntax, "character 2"},
		{"NaN", money.ErrSyntax, "character 1"},
		{"Infinity", money.ErrSyntax, "character 1"},
		{"١٢", money.ErrSyntax, "character 1"},
		{"1\x00", money.ErrSyntax, "character 2"},
		{"1\xff", money.ErrSyntax, "character 2"},
		{"1/2", money.ErrSyntax, "character 2"},
		{"00", money.ErrSyntax, "leading zeros"},
		{"01", money.ErrSyntax, "leading zeros"},
		{"00.1", money.ErrSyntax, "leading zeros"},
		{"1.12345678", money.ErrTooPrecise, "8 given, at most 7"},
		{"1.00000000", money.ErrTooPrecise, "8 given, at most 7"},
		{"922337203685.4775808", money.ErrOverflow, "at most 922337203685.4775807"},
		{"922337203686", money.ErrOverflow, "at most"},
		{"99999999999999999999999999", money.ErrOverflow, "at most"},
		{strings.Repeat("1", 65), money.ErrSyntax, "longer than 64"},
		{strings.Repeat("0", 1<<20), money.ErrSyntax, "longer than 64"},
	} {
		a, err := money.Parse(c.text, money.StellarDecimals)
		require.ErrorIs(t, err, c.reason, "%.80q", c.text)
		require.ErrorContains(t, err, c.says, "%.80q", c.text)
		require.Zero(t, a)
		var refused *money.ParseError
		require.ErrorAs(t, err, &refused)
		require.Less(t, len(err.Error()), 400, "the error must not repeat an endless text")
	}
}

func TestDecimals_outside_0_to_18_are_refused_everywhere(t *testing.T) {
	t.Parallel()
	rate, err := money.ParseRate("1")
	require.NoError(t, err)
	for _, decimals := range []int{-1, 19, 128, 256, math.MaxInt, math.MinInt} {
		for name, try := range map[string]func() (money.Amount, error){
			"new":     func() (money.Amount, error) { return money.New(1, decimals) },
			"parse":   func() (money.Amount, error) { return money.Parse("1", decimals) },
			"rescale": func() (money.Amount, error) { return amount(t, "1", 2).Rescale(decimals, money.Down) },
			"mul":     func() (money.Amount, error) { return rate.Mul(amount(t, "1", 2), decimals, money.Down) },
			"div":     func() (money.Amount, error) { return rate.Div(amount(t, "1", 2), decimals, money.Down) },
		} {
			_, err := try()
			require.ErrorIs(t, err, money.ErrDecimals, "%s with %d", name, decimals)
		}
	}
}

func TestNew_refuses_negative_units(t *testing.T) {
	t.Parallel()
	_, err := money.New(-1, 7)
	require.ErrorIs(t, err, money.ErrNegative)
	_, err = money.New(math.MinInt64, 0)
	require.ErrorIs(t, err, money.ErrNegative)
}

func TestAdd_and_Sub_refuse_what_does_not_fit(t *testing.T) {
	t.Parallel()
	most, err := money.New(math.MaxInt64, 7)
	require.NoError(t, err)
	one := amount(t, "0.0000001", 7)

	_, err = most.Add(one)
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = one.Sub(most)
	require.ErrorIs(t, err, money.ErrNegative)
	_, err = one.Add(amount(t, "1", 2))
	require.ErrorIs(t, err, money.ErrDecimals)
	_, err = one.Sub(amount(t, "0", 2))
	require.ErrorIs(t, err, money.ErrDecimals)

	less, err := most.Sub(one)
	require.NoError(t, err)
	again, err := less.Add(one)
	require.NoError(t, err)
	require.True(t, most == again)
}

func TestRescale_rounds_in_the_direction_asked_for(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		from, to int
		down, up string
	}{
		{"1.0000001", 7, 2, "1.00", "1.01"},
		{"1.0099999", 7, 2, "1.00", "1.01"},
		{"1.0100000", 7, 2, "1.01", "1.01"},
		{"0.0000001", 7, 0, "0", "1"},
		{"0", 7, 0, "0", "0"},
		{"12.34", 2, 7, "12.3400000", "12.3400000"},
		{"9223372036854775807", 0, 0, "9223372036854775807", "9223372036854775807"},
		{"9.223372036854775807", 18, 0, "9", "10"},
	} {
		down, err := amount(t, c.text, c.from).Rescale(c.to, money.Down)
		require.NoError(t, err)
		require.Equal(t, c.down, down.String())
		up, err := amount(t, c.text, c.from).Rescale(c.to, money.Up)
		require.NoError(t, err)
		require.Equal(t, c.up, up.String())
	}
	_, err := amount(t, "9223372036854775807", 0).Rescale(1, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = amount(t, "10", 0).Rescale(18, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
}

func TestAmount_is_a_string_in_json(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]money.Amount{"amount": amount(t, "1.5", 7)})
	require.NoError(t, err)
	require.JSONEq(t, `{"amount": "1.5000000"}`, string(text))
}

func TestZero_amount_is_usable(t *testing.T) {
	t.Parallel()
	var zero money.Amount
	require.Equal(t, "0", zero.String())
	require.Equal(t, "0", zero.Short())
	require.True(t, zero.IsZero())
	require.Zero(t, zero.Cmp(amount(t, "0.00", 2)))
}

func anyAmount(rt *rapid.T, label string) money.Amount {
	a, err := money.New(
		rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.Int64Range(0, 1000)).Draw(rt, label),
		rapid.IntRange(0, money.MaxDecimals).Draw(rt, label+" decimals"))
	require.NoError(rt, err)
	return a
}

// value is the oracle: the same number as a fraction of arbitrary size.
func value(a money.Amount) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(a.Units()), tenTo(a.Decimals()))
}

func tenTo(exponent int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
}

func TestAmounts_survive_being_written_and_read(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := anyAmount(rt, "a")
		require.Equal(rt, a, amount(rt, a.String(), a.Decimals()))
		require.Equal(rt, a, amount(rt, a.Short(), a.Decimals()))
		read, ok := new(big.Rat).SetString(a.String())
		require.True(rt, ok)
		require.Zero(rt, value(a).Cmp(read))
	})
}

func TestCmp_agrees_with_exact_fractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := anyAmount(rt, "a"), anyAmount(rt, "b")
		require.Equal(rt, value(a).Cmp(value(b)), a.Cmp(b))
		require.Equal(rt, -a.Cmp(b), b.Cmp(a))
	})
}

func TestRescale_is_exact_or_off_by_less_than_a_unit_in_the_right_direction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := anyAmount(rt, "a")
		decimals := rapid.IntRange(0, money.MaxDecimals).Draw(rt, "decimals")
		checkRounded(rt, value(a), decimals, func(r money.Rounding) (money.Amount, error) {
			return a.Rescale(decimals, r)
		})
	})
}

// checkRounded holds a rounded operation against its exact result.
func checkRounded(
	rt require.TestingT, exact *big.Rat, decimals int, operation func(money.Rounding) (money.Amount, error),
) {
	scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(tenTo(decimals)))
	want := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	checkResult(rt, want, money.Down, operation)
	if !scaled.IsInt() {
		want = new(big.Int).Add(want, big.NewInt(1))
	}
	checkResult(rt, want, money.Up, operation)
}

func checkResult(
	rt require.TestingT, want *big.Int, r money.Rounding, operation func(money.Rounding) (money.Amount, error),
) {
	got, err := operation(r)
	if !want.IsInt64() {
		require.ErrorIs(rt, err, money.ErrOverflow)
		return
	}
	require.NoError(rt, err)
	require.Equal(rt, want.Int64(), got.Units())
}

func TestAdd_and_Sub_agree_with_exact_sums(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := anyAmount(rt, "a")
		b, err := money.New(rapid.Int64Range(0, math.MaxInt64).Draw(rt, "b"), a.Decimals())
		require.NoError(rt, err)
		sum, err := a.Add(b)
		exact := new(big.Int).Add(big.NewInt(a.Units()), big.NewInt(b.Units()))
		if !exact.IsInt64() {
			require.ErrorIs(rt, err, money.ErrOverflow)
			return
		}
		require.NoError(rt, err)
		require.Equal(rt, exact.Int64(), sum.Units())
		back, err := sum.Sub(b)
		require.NoError(rt, err)
		require.Equal(rt, a, back)
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"0", "12.34", "0.0000001", "922337203685.4775807", "1e5", "-1", " 1", "NaN", "1.", "01"} {
		f.Add(text, 7)
	}
	f.Add("9.223372036854775807", 18)
	f.Add("1", -1)
	f.Fuzz(func(t *testing.T, text string, decimals int) {
		a, err := money.Parse(text, decimals)
		if err != nil {
			require.Zero(t, a)
			require.True(t, isReason(err), "%v", err)
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		require.Zero(t, exact.Cmp(value(a)), "%q became %s", text, a)
		again, err := money.Parse(a.String(), decimals)
		require.NoError(t, err)
		require.Equal(t, a, again)
		require.True(t, strings.HasPrefix(a.String(), text) || strings.HasPrefix(text, a.Short()),
			"%q was written in another way than %s", text, a)
	})
}

func isReason(err error) bool {
	for _, reason := range []error{money.ErrSyntax, money.ErrTooPrecise, money.ErrOverflow, money.ErrDecimals} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
