package sep38

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
)

// FuzzQuery: whatever a query holds, it is refused with a text or read as texts that a database takes.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"sell_asset=stellar:native&buy_asset=iso4217:BRL&sell_amount=100&context=sep31&country_code=BR&buy_delivery_method=PIX",
		"sell_asset=a&sell_asset=b", "buy_amount=%00", "buy_amount=%ff", "%zz", "a;b", "context=&context=", "expire_after=2026-01-02T03:04:05Z",
		"lang=en&lang=%ff", "", "=", "&&", "sell_amount=1e5",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := decodeQuery(raw)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		requireTexts(t, r)
	})
}

// FuzzBody: the same for a body.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"sell_asset":"stellar:native","buy_asset":"iso4217:BRL","sell_amount":"100","context":"sep31","expire_after":"2026-01-02T03:04:05Z"}`,
		`{"sell_amount":100.50}`, `{"buy_amount":-0}`, `{"sell_amount":1e400}`, `{"context":"\u0000"}`, `{"context":"\ud800"}`,
		`{"context":null}`, `{"sell_asset" : 1 , "sell_asset":"2"}`, `[]`, `{}`, `null`, "\xff", `{"":""}`, `{"buy_delivery_method":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := jsonbody.Decode(raw)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		r, err := decodeBody(o)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		requireTexts(t, r)
	})
}

func requireTexts(t *testing.T, r quotes.Request) {
	t.Helper()
	for _, p := range parametersOf(&r) {
		require.True(t, utf8.ValidString(*p.into))
		require.NotContains(t, *p.into, "\x00")
		require.LessOrEqual(t, len(*p.into), maxText)
	}
}

func requireRefusal(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, anchor.CodeInvalid, anchor.CodeOf(err))
	require.NotEmpty(t, err.Error())
	require.True(t, utf8.ValidString(err.Error()))
}

func TestAnAmountThatIsANumberKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{"100": "100", "100.50": "100.50", `"7"`: "7", "9007199254740993": "9007199254740993", "1E400": "1E400"} {
		o, err := jsonbody.Decode([]byte(`{ "sell_amount" : ` + sent + ` }`))
		require.NoError(t, err)
		r, err := decodeBody(o)
		require.NoError(t, err)
		require.Equal(t, want, r.SellAmount)
	}
}
