package store_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

func TestMemosOfTypeIDFitSignedNumbersAndAreNeverZero(t *testing.T) {
	t.Parallel()
	for range 1000 {
		id, err := strconv.ParseUint(store.NewMemo("id"), 10, 64)
		require.NoError(t, err)
		require.Positive(t, id)
		require.LessOrEqual(t, id, uint64(math.MaxInt64))
	}
}

func TestMemosOfEveryTypeFitIntoAStellarTransactionAndDiffer(t *testing.T) {
	t.Parallel()
	for memoType, length := range map[string]int{"hash": 44, "text": 26} {
		one, err := store.WireMemo(memoType, store.NewMemo(memoType))
		require.NoError(t, err)
		other, err := store.WireMemo(memoType, store.NewMemo(memoType))
		require.NoError(t, err)
		require.Len(t, one, length)
		require.NotEqual(t, one, other)
	}
}
