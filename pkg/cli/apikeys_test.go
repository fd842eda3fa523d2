package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHowLongAKeyIsGoodFor_is_said_in_days_or_hours(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "1d": 24 * time.Hour} {
		got, err := lifetimeOf(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "d", "90", "never", "0d", "-1d", "1.5d", "90 d", "1y", "99999d", "70000000000000h"} {
		_, err := lifetimeOf(text)
		require.Error(t, err, text)
	}
}
