package sep31

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
)

// FuzzPost: whatever a body holds, it is refused with a text or read without changing the digits of its amount.
func FuzzPost(f *testing.F) {
	for _, seed := range []string{
		`{"amount":100,"asset_code":"USDC","funding_method":"SEPA","fields":{"transaction":{"a":"b"}}}`,
		`{"amount":"100.5","sender_id":"x","refund_memo":"1","refund_memo_type":"id","lang":"en","quote_id":null}`,
		`{"amount":1e3}`, `{"amount":-0}`, `{"amount":"\u0000"}`, `{"amount":"\ud800"}`, `{"fields":{"transaction":{"\u0000":""}}}`,
		`{"amount" : 1 , "amount":2}`, `[]`, `{}`, `null`, "\xff", `{"fields":null}`, `{"fields":{"transaction":null}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := jsonbody.Decode(body)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		_, _ = decodePatch(o)
		_, _ = decodeCallback(o)
		r, err := decodePost(o)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		texts := []string{r.Amount, r.AssetCode, r.AssetIssuer, r.DestinationAsset, r.FundingMethod, r.QuoteID, r.SenderID, r.ReceiverID,
			r.Lang, r.RefundMemo, r.RefundMemoType}
		for name, value := range r.Fields {
			texts = append(texts, name, value)
		}
		for _, text := range texts {
			require.True(t, utf8.ValidString(text))
			require.NotContains(t, text, "\x00")
		}
	})
}

func requireRefusal(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	require.NotEmpty(t, err.Error())
	require.True(t, utf8.ValidString(err.Error()))
}

func TestAnAmountKeepsTheTextItWasSentAs(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"100": "100", "100.50": "100.50", `"7"`: "7", "9007199254740993": "9007199254740993", "1E400": "1E400",
	} {
		o, err := jsonbody.Decode([]byte(`{ "amount" : ` + sent + ` }`))
		require.NoError(t, err)
		got, err := amountOf(o)
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSpace(got))
	}
}
