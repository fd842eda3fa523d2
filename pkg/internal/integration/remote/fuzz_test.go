package remote_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// FuzzAnswers_of_a_server_that_can_sign tries any body as the signed answer to every call: nothing panics, and a payout is
// believed to be paid, or not to be, only if the answer says so of its key in plain words.
func FuzzAnswers_of_a_server_that_can_sign(f *testing.F) {
	for _, path := range []string{
		"/v1/info", "/v1/sending-anchor", "/v1/transactions/check", "/v1/customers/requirements", "/v1/quotes/offers", "/v1/fee",
	} {
		_, answer := honest(path, map[string]any{})
		seed, err := json.Marshal(answer)
		require.NoError(f, err)
		f.Add(seed, true)
	}
	for _, answer := range []any{
		paid(nil), map[string]any{"payouts": []any{paid(nil)}}, paid(func(a map[string]any) { a["outcome"], a["why"] = "failed", "x" }),
		map[string]any{"code": "invalid", "text": "x"}, map[string]any{"type": "sep31-sender", "status": "REJECTED", "message": "x"},
		map[string]any{"sell_amount": "10", "buy_amount": "50", "fee": map[string]any{"total": "1"}, "expires_at": "2030-01-01T00:00:00Z"},
	} {
		seed, err := json.Marshal(answer)
		require.NoError(f, err)
		f.Add(seed, true)
		f.Add(seed, false)
	}
	for _, body := range nonsense() {
		if text, ok := body.(string); ok && len(text) < 1000 {
			f.Add([]byte(text), true)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, granted bool) {
		s := newServer(t)
		status := http.StatusOK
		if !granted {
			status = http.StatusUnprocessableEntity
		}
		s.answer = func(string, map[string]any) (int, any) { return status, string(body) }
		b := newBusiness(t, s.URL, key("k1"))
		tryChecks(t, b)
		tryRail(t, b.Rails["bank"], body, granted)
	})
}

// tryChecks calls what decides; what comes back must be fit to go on with.
func tryChecks(t *testing.T, b anchor.Business) {
	t.Helper()
	ctx := t.Context()
	if _, err := b.Receiver.Info(ctx, anchor.InfoRequest{}); err != nil {
		require.True(t, utf8.ValidString(anchor.ProblemOf(err).Text))
	}
	_, _ = b.Receiver.ValidSendingAnchor(ctx, anchor.SendingAnchor{Account: "G"})
	_, _ = b.Receiver.ProcessPostRequest(ctx, postOf(t, "1"))
	_, _ = b.Customers.Get(ctx, anchor.CustomerGet{})
	v, err := b.Customers.Put(ctx, anchor.CustomerPut{Customer: &anchor.Customer{Version: 1}, Type: "sep31-sender"})
	require.True(t, err != nil || v.Version == 1 && v.Type == "sep31-sender" && v.Status != "")
	_, _ = b.Quotes.Offers(ctx, anchor.OffersRequest{})
	if price, err := b.Quotes.Price(ctx, priceRequest(t)); err == nil {
		require.NoError(t, price.Check(priceRequest(t)))
	}
	_, _ = b.Fee(ctx, anchor.FeeRequest{})
}

func tryRail(t *testing.T, rail anchor.Rail, body []byte, granted bool) {
	t.Helper()
	p := payoutOf("a")
	o, err := rail.ExecuteOutgoing(t.Context(), p)
	if o.Kind() != anchor.OutcomeUnknown {
		require.NoError(t, err)
		require.True(t, granted)
		var said map[string]any
		require.NoError(t, json.Unmarshal(body, &said))
		require.Equal(t, string(p.Key), folded(said, "key"))
		require.Equal(t, string(o.Kind()), folded(said, "outcome"))
	}
	news, err := rail.PollOutgoing(t.Context(), []anchor.Payout{p})
	require.True(t, granted || err != nil && news == nil)
}

// folded is the value of the one key that encoding/json takes for a name.
func folded(said map[string]any, name string) any {
	raw, _ := json.Marshal(said)
	switch name {
	case "key":
		var v struct{ Key any }
		_ = json.Unmarshal(raw, &v)
		return v.Key
	default:
		var v struct{ Outcome any }
		_ = json.Unmarshal(raw, &v)
		return v.Outcome
	}
}
