package money_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/money"
)

func TestQuotient_is_written_plainly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b   money.Amount
		digits int
		r      money.Rounding
		want   string
	}{
		"an exact one is short":                  {amount(t, "542", 2), amount(t, "100", 7), 10, money.Up, "5.42"},
		"a whole one has no point":               {amount(t, "500", 2), amount(t, "100", 7), 10, money.Up, "5"},
		"one without end is cut":                 {amount(t, "1", 0), amount(t, "3", 0), 10, money.Down, "0.3333333333"},
		"one without end is rounded up":          {amount(t, "1", 0), amount(t, "3", 0), 10, money.Up, "0.3333333334"},
		"a small one has no exponent":            {amount(t, "1", 0), amount(t, "16000", 0), 10, money.Up, "0.0000625"},
		"a very small one as well":               {amount(t, "0.000000000000000001", 18), amount(t, "9223372036854775807", 0), 3, money.Down, "0.000000000000000000000000000000000000108"},
		"a large one has zeros below its digits": {amount(t, "9223372036854775807", 0), amount(t, "0.000000000000000001", 18), 3, money.Down, "9220000000000000000000000000000000000"},
		"rounding up may carry":                  {amount(t, "2", 0), amount(t, "3", 0), 1, money.Up, "0.7"},
		"rounding up may carry through":          {amount(t, "999", 0), amount(t, "1000", 0), 2, money.Up, "1"},
		"nothing costs nothing":                  {amount(t, "0", 2), amount(t, "3", 0), 10, money.Up, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := money.Quotient(c.a, c.b, c.digits, c.r)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestQuotient_refuses_what_has_no_answer(t *testing.T) {
	t.Parallel()
	_, err := money.Quotient(amount(t, "1", 0), amount(t, "0", 7), 10, money.Up)
	require.ErrorIs(t, err, money.ErrRange)
	_, err = money.Quotient(amount(t, "1", 0), amount(t, "1", 0), 0, money.Up)
	require.ErrorIs(t, err, money.ErrDecimals)
	_, err = money.UnitPrice(amount(t, "1", 0), money.Amount{})
	require.ErrorIs(t, err, money.ErrRange)
}

func TestQuotient_has_the_digits_asked_for_and_errs_to_its_side(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := anyAmount(rt, "a"), anyAmount(rt, "b")
		digits := rapid.IntRange(1, 40).Draw(rt, "digits")
		if b.IsZero() {
			return
		}
		exact := new(big.Rat).Quo(value(a), value(b))
		for r, sign := range map[money.Rounding]int{money.Down: -1, money.Up: 1} {
			text, err := money.Quotient(a, b, digits, r)
			require.NoError(rt, err)
			require.NotContains(rt, text, "e")
			got, ok := new(big.Rat).SetString(text)
			require.True(rt, ok)
			off := new(big.Rat).Sub(got, exact)
			require.Contains(rt, []int{0, sign}, off.Sign())
			// Less than one in the last of the digits: 10^(1-digits) of the value at most.
			bound := new(big.Rat).Mul(exact, new(big.Rat).SetFrac(big.NewInt(10), tenTo(digits)))
			require.LessOrEqual(rt, new(big.Rat).Abs(off).Cmp(bound), 0)
			significant := strings.Trim(strings.Replace(text, ".", "", 1), "0")
			require.LessOrEqual(rt, len(significant), digits)
		}
	})
}

func TestUnitPrice_times_what_was_bought_is_what_was_paid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		paid, bought := anyAmount(rt, "paid"), anyAmount(rt, "bought")
		if bought.IsZero() {
			return
		}
		text, err := money.UnitPrice(paid, bought)
		require.NoError(rt, err)
		price, ok := new(big.Rat).SetString(text)
		require.True(rt, ok)
		back := new(big.Rat).Mul(price, value(bought))
		for _, decimals := range []int{paid.Decimals(), bought.Decimals()} {
			require.Equal(rt, value(paid).FloatString(decimals), back.FloatString(decimals), "price %s", text)
		}
	})
}

func TestUnitPrice_has_ten_digits_where_it_has_no_end(t *testing.T) {
	t.Parallel()
	text, err := money.UnitPrice(amount(t, "1", 0), amount(t, "3", 0))
	require.NoError(t, err)
	require.Equal(t, "0.3333333334", text)
}

// anyShare is less than 100 %.
func anyShare(rt *rapid.T) money.Percent {
	p, err := money.ParsePercent(rapid.StringMatching(`[0-9]{1,1}(\.[0-9]{1,10})?|[1-9][0-9](\.[0-9]{1,10})?`).Draw(rt, "share"))
	require.NoError(rt, err)
	return p
}

// left is what a share leaves of one.
func left(p money.Percent) *big.Rat {
	share, _ := new(big.Rat).SetString(p.String())
	share.Quo(share, big.NewRat(100, 1))
	return share.Sub(big.NewRat(1, 1), share)
}

func TestMulLess_is_exact_but_for_one_rounding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, q, p := anyAmount(rt, "a"), anyRate(rt), anyShare(rt)
		decimals := rapid.IntRange(0, 7).Draw(rt, "decimals")
		rate, _ := new(big.Rat).SetString(q.String())
		exact := new(big.Rat).Mul(value(a), rate)
		exact.Mul(exact, left(p))
		down, err := q.MulLess(a, p, decimals, money.Down)
		if err != nil {
			require.ErrorIs(rt, err, money.ErrOverflow)
			require.Positive(rt, exact.Cmp(new(big.Rat).SetFrac(big.NewInt(math.MaxInt64), tenTo(decimals))))
			return
		}
		require.LessOrEqual(rt, value(down).Cmp(exact), 0)
		unit := new(big.Rat).SetFrac(big.NewInt(1), tenTo(decimals))
		require.Positive(rt, new(big.Rat).Add(value(down), unit).Cmp(exact))
	})
}

func TestDivLess_rounded_up_is_the_least_that_makes_the_amount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		wanted, q, p := anyAmount(rt, "wanted"), anyRate(rt), anyShare(rt)
		decimals := rapid.IntRange(0, 7).Draw(rt, "decimals")
		least, err := q.DivLess(wanted, p, decimals, money.Up)
		if err != nil {
			require.ErrorIs(rt, err, money.ErrOverflow)
			return
		}
		makes := func(a money.Amount) bool {
			made, err := q.MulLess(a, p, wanted.Decimals(), money.Down)
			return err != nil || made.Cmp(wanted) >= 0 // what does not fit is more
		}
		require.True(rt, makes(least))
		if less, err := money.New(least.Units()-1, decimals); err == nil {
			require.False(rt, makes(less))
		}
	})
}

func TestBefore_rounded_up_is_the_least_that_leaves_the_amount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		wanted, p := anyAmount(rt, "wanted"), anyShare(rt)
		least, err := p.Before(wanted, money.Up)
		if err != nil {
			require.ErrorIs(rt, err, money.ErrOverflow)
			return
		}
		leaves := func(a money.Amount) bool {
			share, err := p.Of(a, money.Up)
			require.NoError(rt, err)
			rest, err := a.Sub(share)
			require.NoError(rt, err)
			return rest.Cmp(wanted) >= 0
		}
		require.True(rt, leaves(least))
		if less, err := money.New(least.Units()-1, least.Decimals()); err == nil {
			require.False(rt, leaves(less))
		}
	})
}

func TestWhatHasNoRateOrLeavesNothingIsAnError(t *testing.T) {
	t.Parallel()
	one := amount(t, "1", 0)
	all, err := money.ParsePercent("100")
	require.NoError(t, err)
	rate, err := money.ParseRate("2")
	require.NoError(t, err)

	_, err = money.Rate{}.MulLess(one, money.Percent{}, 0, money.Down)
	require.ErrorIs(t, err, money.ErrNoRate)
	_, err = money.Rate{}.DivLess(one, money.Percent{}, 0, money.Up)
	require.ErrorIs(t, err, money.ErrNoRate)
	_, err = rate.MulLess(one, money.Percent{}, 19, money.Down)
	require.ErrorIs(t, err, money.ErrDecimals)
	_, err = rate.DivLess(one, all, 0, money.Up)
	require.ErrorIs(t, err, money.ErrRange)
	_, err = all.Before(one, money.Up)
	require.ErrorIs(t, err, money.ErrRange)
	nothing, err := rate.MulLess(one, all, 0, money.Down)
	require.NoError(t, err)
	require.True(t, nothing.IsZero())
}
