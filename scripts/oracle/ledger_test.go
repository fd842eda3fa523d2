package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
)

// realLedger is the ledger of the public network that the SDK's own tests use.
func realLedger(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/stellar/go-stellar-sdk").Output()
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "xdr", "testdata", "ledger_58752000.bin"))
	require.NoError(t, err)
	return raw
}

func Test_a_real_ledger_increases_the_balances_that_the_SDK_says_it_does(t *testing.T) {
	t.Parallel()
	raw := realLedger(t)
	var meta xdr.LedgerCloseMeta
	require.NoError(t, xdr.SafeUnmarshal(raw, &meta))
	source, err := rpc.New(rpc.Options{URL: serving(t, raw, meta.LedgerSequence()), Passphrase: network.PublicNetworkPassphrase})
	require.NoError(t, err)

	want := byTheSDK(t, meta, network.PublicNetworkPassphrase)
	accounts := accountsOf(t, meta, network.PublicNetworkPassphrase)
	got := byUs(t, source, accounts, int64(meta.LedgerSequence())<<32)
	require.Equal(t, want, got)
	require.Greater(t, len(got), 10, "there is something to compare")
	t.Logf("%d increases among %d accounts", len(got), len(accounts))
}
