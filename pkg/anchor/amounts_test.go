package anchor_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

func amount(t require.TestingT, units int64) money.Amount {
	a, err := money.New(units, money.StellarDecimals)
	require.NoError(t, err)
	return a
}

func percent(t require.TestingT, text string) money.Percent {
	p, err := money.ParsePercent(text)
	require.NoError(t, err)
	return p
}

// terms draws terms as an operator may set them.
func terms(t *rapid.T) anchor.Terms {
	share := rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "percent")
	hundredth, err := money.New(share, 10)
	require.NoError(t, err)
	return anchor.Terms{
		Decimals:   rapid.IntRange(0, 7).Draw(t, "decimals"),
		FeeFixed:   amount(t, rapid.OneOf(rapid.Int64Range(0, 100_000_000), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "fixed")),
		FeePercent: percent(t, hundredth.Short()),
	}
}

func units(t *rapid.T, label string) int64 {
	return rapid.OneOf(rapid.Int64Range(0, 1_000_000_000), rapid.Int64Range(0, math.MaxInt64)).Draw(t, label)
}

func TestAmounts_split_what_came_in_without_a_rest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		term, in := terms(t), amount(t, units(t, "in"))
		got, err := anchor.Amounts(term, in)
		if err != nil {
			return
		}
		sum, err := got.Fee.Add(got.Out)
		require.NoError(t, err)
		require.Equal(t, in, got.In)
		require.Equal(t, in, sum, "in = fee + out, to the last unit")
		require.Positive(t, got.Out.Units(), "nothing is paid out for nothing")
		require.LessOrEqual(t, got.Out.Units(), in.Units(), "never more out than in")
		require.GreaterOrEqual(t, got.Fee.Units(), term.FeeFixed.Units(), "the fee is at least the fixed one")

		coarse, err := got.Out.Rescale(term.Decimals, money.Down)
		require.NoError(t, err)
		require.Zero(t, got.Out.Cmp(coarse), "what is paid out has no more decimals than the asset")
	})
}

func TestAmounts_pay_out_no_less_for_more(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		term, a, b := terms(t), units(t, "a"), units(t, "b")
		less, errLess := anchor.Amounts(term, amount(t, min(a, b)))
		more, errMore := anchor.Amounts(term, amount(t, max(a, b)))
		if errLess != nil {
			return
		}
		require.NoError(t, errMore, "more covers every fee that less covers")
		require.LessOrEqual(t, less.Out.Units(), more.Out.Units())
	})
}

func TestAmounts_charge_exactly_what_the_terms_say_rounded_up(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		decimals         int
		fixed            int64
		percent          string
		in, fee, out     int64
		refused, because string
	}{
		{name: "no fee", decimals: 7, percent: "0", in: 123, fee: 0, out: 123},
		{name: "fixed", decimals: 7, fixed: 10_000_000, percent: "0", in: 1_000_000_000, fee: 10_000_000, out: 990_000_000},
		{name: "percent", decimals: 7, percent: "0.5", in: 1_000_000_000, fee: 5_000_000, out: 995_000_000},
		{name: "percent of a little is rounded up", decimals: 7, percent: "0.5", in: 3, fee: 1, out: 2},
		{name: "both", decimals: 7, fixed: 1, percent: "1", in: 1000, fee: 11, out: 989},
		{name: "dust below the asset's decimals is fee", decimals: 2, percent: "0", in: 100_123_456, fee: 23_456, out: 100_100_000},
		{name: "the greatest amount", decimals: 7, percent: "0.0000000001", in: math.MaxInt64, fee: 9_223_373, out: math.MaxInt64 - 9_223_373},
		{name: "nothing came in", decimals: 7, percent: "0", in: 0, refused: "does not cover the fee"},
		{name: "all of it is fee", decimals: 7, fixed: 5, percent: "0", in: 5, refused: "does not cover the fee"},
		{name: "a hundred per cent", decimals: 7, percent: "100", in: 500, refused: "does not cover the fee"},
		{name: "only dust is left", decimals: 0, fixed: 5, percent: "0", in: 10_000_004, refused: "leaves nothing to pay out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := anchor.Amounts(anchor.Terms{
				Decimals: c.decimals, FeeFixed: amount(t, c.fixed), FeePercent: percent(t, c.percent),
			}, amount(t, c.in))
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err), "the sending anchor is told")
				return
			}
			require.NoError(t, err)
			require.Equal(t, anchor.Breakdown{In: amount(t, c.in), Fee: amount(t, c.fee), Out: amount(t, c.out)}, got)
		})
	}
}

func TestAmounts_of_fees_that_do_not_fit_are_an_error_and_no_breakdown(t *testing.T) {
	t.Parallel()
	got, err := anchor.Amounts(anchor.Terms{
		Decimals: 7, FeeFixed: amount(t, math.MaxInt64), FeePercent: percent(t, "100"),
	}, amount(t, math.MaxInt64))
	require.ErrorIs(t, err, money.ErrOverflow)
	require.Zero(t, got)
}

func TestAmountsWithFee_take_the_fee_that_the_business_named(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, fee, decimals := units(t, "in"), units(t, "fee"), rapid.IntRange(0, 7).Draw(t, "decimals")
		got, err := anchor.AmountsWithFee(decimals, amount(t, in), amount(t, fee))
		if fee >= in {
			require.Error(t, err)
			return
		}
		if err != nil {
			require.ErrorContains(t, err, "leaves nothing to pay out")
			return
		}
		require.Equal(t, in, got.Fee.Units()+got.Out.Units())
		require.GreaterOrEqual(t, got.Fee.Units(), fee)
	})
}
