package money_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/money"
)

func units(t require.TestingT, n int64, decimals int) money.Amount {
	a, err := money.New(n, decimals)
	require.NoError(t, err)
	return a
}

func TestAShareIsRoundedOnceInTheDirectionAskedFor(t *testing.T) {
	t.Parallel()
	down, err := units(t, 100, 2).Share(units(t, 1, 7), units(t, 3, 7), money.Down)
	require.NoError(t, err)
	require.Equal(t, units(t, 33, 2), down)
	up, err := units(t, 100, 2).Share(units(t, 1, 7), units(t, 3, 7), money.Up)
	require.NoError(t, err)
	require.Equal(t, units(t, 34, 2), up)
}

func TestAShareThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := units(t, 1, 7).Share(units(t, 1, 7), units(t, 0, 7), money.Down)
	require.ErrorIs(t, err, money.ErrRange)
	_, err = units(t, 1, 7).Share(units(t, 1, 7), units(t, 1, 2), money.Down)
	require.ErrorIs(t, err, money.ErrDecimals)
	_, err = units(t, math.MaxInt64, 7).Share(units(t, 2, 7), units(t, 1, 7), money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
}

func TestTwoSharesOfAWholeNeverMakeMoreThanIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		whole := rapid.Int64Range(1, math.MaxInt64).Draw(r, "whole")
		part := rapid.Int64Range(0, whole).Draw(r, "part")
		a := rapid.Int64Range(0, math.MaxInt64).Draw(r, "amount")
		one, err := units(r, a, 7).Share(units(r, part, 7), units(r, whole, 7), money.Down)
		require.NoError(r, err)
		other, err := units(r, a, 7).Share(units(r, whole-part, 7), units(r, whole, 7), money.Down)
		require.NoError(r, err)
		missing := a - one.Units() - other.Units()
		require.True(r, missing == 0 || missing == 1, "%d of %d is missing", missing, a)
	})
}
