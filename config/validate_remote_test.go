package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

const remoteURL = "ANCHOR_REMOTE_URL=https://payouts.example.com/anchor/"

func badRemote() []badSetting {
	keys := "ANCHOR_REMOTE_KEYS=" + testMaster
	rail := func(text string) string {
		return "rails: [{name: bank, kind: remote, " + text + "}]\nfunding_methods: [{name: PIX, rail: bank}]\n"
	}
	return []badSetting{
		{name: "a part that the contract does not have", changes: []string{remoteURL, keys, "ANCHOR_REMOTE_PARTS=fee,rails"}, key: "ANCHOR_REMOTE_PARTS", problem: `"rails"`, mend: "receiver, customers, quotes, fee"},
		{name: "a part twice", changes: []string{remoteURL, keys, "ANCHOR_REMOTE_PARTS=fee,fee"}, key: "ANCHOR_REMOTE_PARTS", problem: `"fee"`},
		{name: "a part and no server", changes: []string{"ANCHOR_REMOTE_PARTS=fee"}, key: "ANCHOR_REMOTE_URL", problem: "is missing"},
		{name: "a server over plain http", changes: []string{"ANCHOR_REMOTE_URL=http://payouts.example.com", keys}, key: "ANCHOR_REMOTE_URL", problem: "unencrypted", mend: "https://"},
		{name: "a server that is no address", changes: []string{"ANCHOR_REMOTE_URL=payouts", keys}, key: "ANCHOR_REMOTE_URL", problem: "protocol"},
		{name: "a server and no keys", changes: []string{remoteURL}, key: "ANCHOR_REMOTE_KEYS", problem: "is missing", mend: "openssl"},
		{name: "a short key", changes: []string{remoteURL, "ANCHOR_REMOTE_KEYS=a:AAAA"}, key: "ANCHOR_REMOTE_KEYS", problem: "3 bytes"},
		{name: "certificates that are not there", changes: []string{remoteURL, keys, "ANCHOR_REMOTE_CA_FILE=/nowhere/file"}, key: "ANCHOR_REMOTE_CA_FILE", problem: "no such file", mend: "PEM"},
		{name: "no time for a question", changes: []string{remoteURL, keys, "ANCHOR_REMOTE_TIMEOUT=0s"}, key: "ANCHOR_REMOTE_TIMEOUT", problem: "not above zero"},
		{name: "a payout that outlasts the engine's patience", changes: []string{remoteURL, keys, "ANCHOR_REMOTE_RAIL_TIMEOUT=30s"}, key: "ANCHOR_REMOTE_RAIL_TIMEOUT", problem: "ANCHOR_RAIL_TIMEOUT (30s)"},
		{name: "a remote rail and no server", yaml: rail(""), key: "rails[0].kind", problem: "no server", mend: "remote.url"},
		{name: "a rail that says too early that it will not pay", changes: []string{remoteURL, keys}, yaml: rail("not_known_final_after: 5m"), key: "rails[0].not_known_final_after", problem: "is 5m", mend: "10m"},
		{name: "a rail that knows again for less than no time", changes: []string{remoteURL, keys}, yaml: rail("same_key_safe_for: -1h"), key: "rails[0].same_key_safe_for", problem: "is -1h", mend: "zero or more"},
	}
}

func TestAServerOfTheBusinessOnThisMachineMayBeAskedOverHTTP(t *testing.T) {
	t.Parallel()
	s := loaded(t, paying, "ANCHOR_REMOTE_URL=http://127.0.0.1:9000/", "ANCHOR_REMOTE_KEYS="+testMaster, "ANCHOR_REMOTE_PARTS=quotes")
	require.NoError(t, s.Validate(config.RoleRun, config.Supplied{}))
	require.Equal(t, "http://127.0.0.1:9000", s.Remote.URL)
	require.True(t, s.Remote.Asks(config.PartQuotes))
	require.False(t, s.Remote.Asks(config.PartReceiver))
}
