package money_test

import (
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/money"
)

const issuer = "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"

func TestParseAsset_reads_and_writes_the_identification_format(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Asset{
		"stellar:USDC:" + issuer:         {Scheme: "stellar", Code: "USDC", Issuer: issuer},
		"stellar:usdc:" + issuer:         {Scheme: "stellar", Code: "usdc", Issuer: issuer},
		"stellar:A:" + issuer:            {Scheme: "stellar", Code: "A", Issuer: issuer},
		"stellar:ABCDEFGHIJ12:" + issuer: {Scheme: "stellar", Code: "ABCDEFGHIJ12", Issuer: issuer},
		"stellar:native:" + issuer:       {Scheme: "stellar", Code: "native", Issuer: issuer},
		"stellar:native":                 money.Native(),
		"iso4217:BRL":                    {Scheme: "iso4217", Code: "BRL"},
	} {
		asset, err := money.ParseAsset(text)
		require.NoError(t, err, text)
		require.Equal(t, want, asset)
		require.Equal(t, text, asset.String())
		require.Equal(t, want.Scheme == "stellar", asset.IsStellar())
		require.Equal(t, text == "stellar:native", asset.IsNative())
	}
}

func TestParseAsset_refuses_everything_else(t *testing.T) {
	t.Parallel()
	muxed := "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ"
	for _, text := range []string{
		"", "USDC", "stellar", "stellar:", "stellar:USDC", "stellar:XLM", "stellar:Native", "stellar:USDC:", "stellar::" + issuer,
		"stellar:USDC:" + issuer[:55], "stellar:USDC:" + issuer[:55] + "6", "stellar:USDC:" + muxed,
		"stellar:USDC:" + issuer + ":", "stellar:USDC:" + issuer + " ", "stellar:ABCDEFGHIJ123:" + issuer,
		"stellar:US-D:" + issuer, "stellar:USDÇ:" + issuer, "stellar: USDC:" + issuer, "Stellar:native", "stellar:native:",
		"iso4217:", "iso4217:brl", "iso4217:BR", "iso4217:BRLL", "iso4217:BR1", "iso4217:BRL:" + issuer, "ISO4217:BRL", "crypto:BTC",
	} {
		asset, err := money.ParseAsset(text)
		require.ErrorIs(t, err, money.ErrAsset, "%q", text)
		require.Zero(t, asset)
	}
}

func TestStellar_and_Fiat_make_what_ParseAsset_reads(t *testing.T) {
	t.Parallel()
	usdc, err := money.Stellar("USDC", issuer)
	require.NoError(t, err)
	require.Equal(t, "stellar:USDC:"+issuer, usdc.String())
	lumens, err := money.Stellar("native", "")
	require.NoError(t, err)
	require.True(t, lumens.IsNative())
	brl, err := money.Fiat("BRL")
	require.NoError(t, err)
	require.Equal(t, "iso4217:BRL", brl.String())

	_, err = money.Stellar("USDC", "")
	require.ErrorIs(t, err, money.ErrAsset)
	_, err = money.Stellar("USDC", "not an account")
	require.ErrorIs(t, err, money.ErrAsset)
	_, err = money.Fiat("brl")
	require.ErrorIs(t, err, money.ErrAsset)
	require.Empty(t, money.Asset{}.String())
}

func TestAsset_errors_never_repeat_a_seed(t *testing.T) {
	t.Parallel()
	pair, err := keypair.Random()
	require.NoError(t, err)
	for _, text := range []string{pair.Seed(), "stellar:USDC:" + pair.Seed(), "stellar:" + pair.Seed()} {
		_, err := money.ParseAsset(text)
		require.ErrorIs(t, err, money.ErrAsset)
		require.NotContains(t, err.Error(), pair.Seed())
	}
	_, err = money.Stellar("USDC", pair.Seed())
	require.NotContains(t, err.Error(), pair.Seed())
}
