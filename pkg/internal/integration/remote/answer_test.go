package remote

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/decision"
)

// FuzzDecode tries any bytes as an answer about a payout: what is read is what every other reader of JSON would read.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"key":"a","outcome":"delivered","amount":"1","asset":"iso4217:BRL"}`, `{"outcome":"failed","why":"x","OUTCOME":"delivered"}`,
		`{"outcome":"needs_info","needs":[{"of":"sender","field":"x"}]}`, `{"aſset":"x","asset":"y"}`, `{} {}`, `[]`, "{\"key\":\"\\u0000\"}", `{"a":[[[]]]}`,
	} {
		f.Add([]byte(seed))
	}
	payout := anchor.Payout{Key: "a", Amount: "1", Asset: "iso4217:BRL"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var said decision.Outcome
		if decode(raw, &said) != nil {
			return
		}
		var plain map[string]any
		require.NoError(t, json.Unmarshal(raw, &plain))
		for name, read := range map[string]string{"key": string(said.Key), "outcome": string(said.Outcome), "amount": said.Amount, "asset": said.Asset, "why": said.Why} {
			if value, there := plain[name]; there && value != nil {
				require.Equal(t, value, read)
			}
		}
		o, err := outcomeOf(said, &payout)
		require.True(t, err == nil || o.Kind() == anchor.OutcomeUnknown)
		if o.Kind() == anchor.OutcomeDelivered || o.Kind() == anchor.OutcomeAccepted {
			require.Equal(t, []string{payout.Amount, payout.Asset}, []string{said.Amount, said.Asset})
		}
	})
}
