package transactions

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func asset(code string) store.Asset {
	var a store.Asset
	a.Code, a.Issuer, a.Decimals, a.Enabled, a.Sep31Enabled, a.FeePercent = code, "G", 7, true, true, "0"
	return a
}

func TestAChangeOfAnAssetIsNoticedAfterASecond(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	assets, reads := []store.Asset{asset("USDC")}, 0
	c := newCatalog(func(context.Context) ([]store.Asset, error) { reads++; return assets, nil }, func() time.Time { return now })
	for range 3 {
		_, err := c.find(t.Context(), "USDC", "")
		require.NoError(t, err)
	}
	require.Equal(t, 1, reads)
	assets = nil
	now = now.Add(999 * time.Millisecond)
	_, err := c.find(t.Context(), "USDC", "")
	require.NoError(t, err)
	now = now.Add(time.Millisecond)
	_, err = c.find(t.Context(), "USDC", "")
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	require.Equal(t, 2, reads)
}

func TestAssetsThatCannotBeReadAreAFaultAndReadAgain(t *testing.T) {
	t.Parallel()
	damaged := asset("USDC")
	damaged.FeePercent = "much"
	fault := errors.New("down")
	assets := []store.Asset{damaged}
	c := newCatalog(func(context.Context) ([]store.Asset, error) { return assets, fault }, time.Now)
	_, err := c.find(t.Context(), "USDC", "")
	require.ErrorIs(t, err, fault)
	fault = nil
	_, err = c.find(t.Context(), "USDC", "")
	require.Equal(t, anchor.CodeInternal, anchor.CodeOf(err))
	require.ErrorContains(t, err, "USDC")
	assets = []store.Asset{asset("USDC")}
	_, err = c.find(t.Context(), "USDC", "")
	require.NoError(t, err)
}
