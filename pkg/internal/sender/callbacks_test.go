package sender_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

const host = "sender.example:8443"

// told sends a status message as a receiving anchor does.
func told(c *sender.Callbacks, signature, body string) int {
	r := httptest.NewRequest(http.MethodPost, "https://"+host+"/callback", strings.NewReader(body))
	if signature != "" {
		r.Header.Set("Signature", signature)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code
}

// signed is a Signature header for a message.
func signed(t *testing.T, by *keypair.Full, at time.Time, host, body string) string {
	t.Helper()
	signature, err := by.Sign(fmt.Appendf(nil, "%d.%s.%s", at.Unix(), host, body))
	require.NoError(t, err)
	return fmt.Sprintf("t=%d, s=%s", at.Unix(), base64.StdEncoding.EncodeToString(signature))
}

func TestStatus_messages_are_kept_in_order(t *testing.T) {
	t.Parallel()
	signer := keypair.MustRandom()
	c, err := sender.NewCallbacks(signer.Address())
	require.NoError(t, err)
	for _, status := range []string{"pending_receiver", "completed"} {
		body := `{"transaction":{"id":"1","status":"` + status + `"}}`
		require.Equal(t, http.StatusNoContent, told(c, signed(t, signer, time.Now(), host, body), body))
	}
	require.Equal(t, []string{"pending_receiver", "completed"}, c.Statuses("1"))
	require.Empty(t, c.Statuses("2"))
	require.Zero(t, c.Refused())
}

func TestStatus_messages_that_are_not_the_anchors_are_refused(t *testing.T) {
	t.Parallel()
	const body = `{"transaction":{"id":"1","status":"completed"}}`
	signer := keypair.MustRandom()
	now := time.Now()
	for name, signature := range map[string]string{
		"without a signature":     "",
		"signed by somebody else": signed(t, keypair.MustRandom(), now, host, body),
		"for another host":        signed(t, signer, now, "sender.example", body),
		"with another body":       signed(t, signer, now, host, body+" "),
		"from yesterday":          signed(t, signer, now.Add(-24*time.Hour), host, body),
		"from tomorrow":           signed(t, signer, now.Add(24*time.Hour), host, body),
		"signed with a word":      fmt.Sprintf("t=%d, s=!", now.Unix()),
		"without a time":          "s=" + base64.StdEncoding.EncodeToString([]byte("x")),
	} {
		c, err := sender.NewCallbacks(signer.Address())
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, told(c, signature, body), name)
		require.Equal(t, 1, c.Refused(), name)
		require.Empty(t, c.Statuses("1"), name)
	}
	_, err := sender.NewCallbacks("nobody")
	require.Error(t, err)
}
