package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
)

// policy puts one policy, in YAML's short form, over settings that are right otherwise.
func policy(text string) string {
	return "rails: [{name: bank, kind: simulated}]\nfunding_methods: [{name: PIX, rail: bank}]\npolicies: [" + text + "]\n"
}

func badRefunds() []badSetting {
	return []badSetting{
		{name: "a header for Horizon without a name", changes: []string{"ANCHOR_HORIZON_HEADERS=A: 1; secret"}, key: "ANCHOR_HORIZON_HEADERS", problem: "number 2", mend: "X-Api-Key: 0123"},
		{name: "a header for Horizon that would name another host", changes: []string{"ANCHOR_HORIZON_HEADERS=Host: evil.example"}, key: "ANCHOR_HORIZON_HEADERS", problem: "number 1"},
		{name: "a header for the RPC that is two lines", changes: []string{"ANCHOR_RPC_HEADERS=A: 1\nB: 2"}, key: "ANCHOR_RPC_HEADERS", problem: "number 1"},
		{name: "a ledger source that there is not", changes: []string{"ANCHOR_LEDGER_SOURCE=core"}, key: "ANCHOR_LEDGER_SOURCE", problem: `"core"`, mend: "horizon or rpc"},
		{name: "ledgers from an RPC that is not named", changes: []string{"ANCHOR_LEDGER_SOURCE=rpc"}, key: "ANCHOR_RPC_URL", problem: "is missing", mend: "Stellar RPC"},
		{name: "an RPC without a protocol", changes: []string{"ANCHOR_RPC_URL=rpc.example"}, key: "ANCHOR_RPC_URL", problem: "https://"},
		{name: "a second Horizon of another network", changes: []string{"HORIZON_URI=https://a.example,https://horizon.stellar.org"}, key: "HORIZON_URI", problem: "another network"},
		{name: "a signer without https", changes: []string{"ANCHOR_SIGNER_URL=http://signer.example"}, key: "ANCHOR_SIGNER_URL", problem: "not https"},
		{name: "a signer that is no address", changes: []string{"ANCHOR_SIGNER_URL=signer"}, key: "ANCHOR_SIGNER_URL", problem: "protocol"},
		{name: "envelopes that may land for ever", changes: []string{"ANCHOR_REFUND_TIME_BOUND=2h"}, key: "ANCHOR_REFUND_TIME_BOUND", problem: "is 2h", mend: "1m to 1h"},
		{name: "an excluded account that is none", changes: []string{"ANCHOR_REFUND_EXCLUDED_ACCOUNTS=GABC"}, key: "ANCHOR_REFUND_EXCLUDED_ACCOUNTS", problem: `"GABC"`, mend: "G…"},
		{name: "a treasury that is no account", changes: []string{"ANCHOR_TREASURY_ACCOUNTS=GABC"}, key: "ANCHOR_TREASURY_ACCOUNTS", problem: `"GABC"`},

		{name: "a policy for a currency", yaml: policy("{asset: 'iso4217:BRL'}"), key: "policies[0].asset", problem: "no Stellar asset", mend: "stellar:CODE:ISSUER"},
		{name: "two policies for everything", yaml: policy("{late: refund, refund_floor: 1}, {late: hold}"), key: "policies[1].asset", problem: "before", mend: "one policy"},
		{name: "less than agreed, thrown away", yaml: policy("{underpaid: ignore}"), key: "policies[0].underpaid", problem: `"ignore"`, mend: "accumulate"},
		{name: "more than agreed, accumulated", yaml: policy("{overpaid: accumulate, refund_floor: 1}"), key: "policies[0].overpaid", problem: `"accumulate"`, mend: "refund_excess"},
		{name: "late, accepted", yaml: policy("{late: accept}"), key: "policies[0].late", problem: `"accept"`, mend: "hold, refund"},
		{name: "twice, accepted", yaml: policy("{duplicate: accept}"), key: "policies[0].duplicate", problem: `"accept"`},
		{name: "another asset, accepted", yaml: policy("{wrong_asset: accept}"), key: "policies[0].wrong_asset", problem: `"accept"`},
		{name: "nobody's, accepted", yaml: policy("{unmatched: accept}"), key: "policies[0].unmatched", problem: `"accept"`},
		{name: "a tolerance in percent", yaml: policy("{tolerance: '1%'}"), key: "policies[0].tolerance", problem: `"1%"`, mend: "0.5"},
		{name: "a fee below zero", yaml: policy("{refund_fee: '-1'}"), key: "policies[0].refund_fee", problem: `"-1"`},
		{name: "a floor finer than the network", yaml: policy("{refund_floor: '0.00000001'}"), key: "policies[0].refund_floor", problem: "no amount"},
		{name: "dust that goes back", yaml: policy("{late: refund}"), key: "policies[0].refund_floor", problem: "dust", mend: "such as 1"},
		{name: "a speck too much that goes back", yaml: policy("{overpaid: refund_excess, refund_floor: '0.0000000'}"), key: "policies[0].refund_floor", problem: "dust"},
		{name: "a cap that is no number", yaml: policy("{refund_daily_cap: lots}"), key: "policies[0].refund_daily_cap", problem: `"lots"`},
	}
}

func TestAnAssetHasItsOwnPolicyElseThatForAllElseEverythingIsHeld(t *testing.T) {
	t.Parallel()
	s := loaded(t, policy("{late: refund, refund_floor: 1}, {asset: '"+usdc+"', overpaid: refund_excess, refund_floor: 1}"))
	require.NoError(t, s.Validate(config.RoleOperate, config.Supplied{}))

	own := s.PolicyOf(usdc)
	require.Equal(t, config.PolicyRefundExcess, own.Overpaid)
	require.Equal(t, config.PolicyHold, own.Late, "an entry of its own takes nothing from the one for all")
	require.Equal(t, config.PolicyRefund, s.PolicyOf("stellar:native").Late)

	without := loaded(t, paying).PolicyOf(usdc)
	require.Equal(t, config.PolicyHold, without.Underpaid)
	require.Equal(t, "0", without.Tolerance)
}

func TestHeadersForHorizonAreReadFromPairs(t *testing.T) {
	t.Parallel()
	s := loaded(t, paying, "ANCHOR_HORIZON_HEADERS=X-Api-Key: a:b ; Authorization: Bearer c;")
	header, err := s.Network.Headers()
	require.NoError(t, err)
	require.Equal(t, "a:b", header.Get("X-Api-Key"))
	require.Equal(t, "Bearer c", header.Get("Authorization"))
	require.Len(t, header, 2)
}
