package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/openapi"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// opened is an anchor with these SEPs over an empty database.
func opened(t *testing.T, seps string) *App {
	t.Helper()
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "anchor.db")
	storetest.Open(t, url)
	settings, err := config.Load(config.Source{Dir: dir, Environ: []string{
		"ACTIVE_SEPS=" + seps, "HOST_URL=http://localhost:8000", "LOCAL_MODE=1", "DATABASE_URL=" + url,
		"SIGNING_SEED=" + keypair.MustRandom().Seed(), "SERVER_JWT_KEY=0123456789abcdef0123456789abcdef",
		"ANCHOR_MASTER_KEYS=one:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	}})
	require.NoError(t, err)
	settings.Rails = []config.Rail{{Name: "bank", Kind: config.RailSimulated, Outcome: config.OutcomeDelivered, File: filepath.Join(dir, "bank.jsonl")}}
	settings.FundingMethods = []config.FundingMethod{{Name: "SEPA", Rail: "bank"}}
	settings.ExchangePairs = []config.ExchangePair{{
		Sell: "stellar:USDC:GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN", Buy: "iso4217:BRL", Rate: "5",
		SpreadPercent: "0", FeeFixed: "0", FeePercent: "0", Min: "0", Max: "0",
	}}
	settings.OffChainAssets = []config.OffChainAsset{{Asset: "iso4217:BRL", Decimals: 2}}
	a, err := Open(context.WithoutCancel(t.Context()), Options{Settings: settings, Role: config.RoleServe, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func TestTheDescriptionOfTheAPINamesEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	for _, seps := range []string{"sep-1,sep-10,sep-12,sep-31,sep-38", "sep-1,sep-10,sep-12,sep-31", "sep-10,sep-12"} {
		a := opened(t, seps)
		server, err := a.server()
		require.NoError(t, err)
		docs, err := openapi.Load(openapi.Options{Title: "test", ServerURL: "http://localhost:8000", ActiveSEPs: a.settings.Server.ActiveSEPs})
		require.NoError(t, err)
		var described []string
		for _, route := range docs.Paths() {
			described = append(described, route.Method+" "+route.Pattern())
		}
		slices.Sort(described)
		require.Equal(t, described, server.Routes(), seps)
	}
}
