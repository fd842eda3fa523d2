package config

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzMasterKeys(f *testing.F) {
	good := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	for _, text := range []string{
		"", "first:" + good, "second:" + good + ",first:" + good, "first:" + good + ",first:" + good, "first:" + good[:40],
		good, ":" + good, "a b:" + good, "first:" + good + "=", " first : " + good + " , ", "first:\n" + good, "\x00:" + good, ",,,",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := Keys{MasterKeys: Secret(text)}.Master()
		if err != nil {
			requireSilentFault(t, err, text)
			return
		}
		ids := map[string]bool{}
		for _, key := range keys {
			require.Len(t, key.Key.Reveal(), 32)
			require.True(t, isName(key.ID))
			require.False(t, ids[key.ID], "one id names one key")
			ids[key.ID] = true
		}
		require.NotEmpty(t, keys)
	})
}

func FuzzPreviousJWTKeys(f *testing.F) {
	long := strings.Repeat("j", 32)
	for _, text := range []string{"", long, long + "," + strings.Repeat("k", 40), long + ",short", long + ",", " " + long + " "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := Keys{PreviousJWTKeys: Secret(text)}.PreviousJWT()
		if err != nil {
			requireSilentFault(t, err, text)
			return
		}
		for _, key := range keys {
			require.GreaterOrEqual(t, len(key.Reveal()), 32)
		}
	})
}

// requireSilentFault wants a fault with a mend that tells nothing of the keys (I13). Short pieces are in it by chance.
func requireSilentFault(t *testing.T, err error, secret string) {
	t.Helper()
	var fault *Fault
	require.ErrorAs(t, err, &fault)
	require.NotEmpty(t, fault.Mend)
	const piece = 24
	for start := 0; start+piece <= len(secret); start++ {
		require.NotContains(t, err.Error(), secret[start:start+piece])
	}
}
