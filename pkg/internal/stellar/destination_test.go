package stellar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// The addresses are those of SEP-23's examples.
func TestParseDestination_reads_accounts_and_muxed_ones_and_nothing_else(t *testing.T) {
	t.Parallel()
	const account = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
	for address, want := range map[string][2]string{
		"":      {"", ""},
		account: {account, ""},
		"MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ": {account, "0"},
		"MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK": {account, "9223372036854775808"},
	} {
		got, muxedID, err := stellar.ParseDestination(address)
		require.NoError(t, err, address)
		require.Equal(t, want, [2]string{got, muxedID}, address)
	}
	for _, address := range []string{
		"bob", account[:55], account + " ", "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE",
		"SBU2RRGLXH3E5CQHTD3ODLDF2BWDCYUSSBLLZ5GNW7JXHDIYKXZWHOKR",
	} {
		_, _, err := stellar.ParseDestination(address)
		require.ErrorIs(t, err, stellar.ErrNotAnAccount, address)
	}
}
