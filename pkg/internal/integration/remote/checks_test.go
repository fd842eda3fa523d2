package remote_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// saying is a business whose server answers everything alike, rightly signed.
func saying(t *testing.T, body any) anchor.Business {
	t.Helper()
	s := newServer(t)
	s.answer = func(string, map[string]any) (int, any) { return http.StatusOK, body }
	return newBusiness(t, s.URL, key("k1"))
}

// faultOfTheBusiness tells that an error is one of which the sending anchor learns nothing.
func faultOfTheBusiness(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, anchor.Problem{Code: anchor.CodeInternal}, anchor.ProblemOf(err))
}

func TestAnAnswerWithoutADecision_decides_nothing(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"an empty object": `{}`, "other keys": `{"ok":true}`, "null": `{"valid":null,"accepted":null,"deleted":null}`,
		"texts": `{"valid":"true","accepted":"true","deleted":"true"}`, "a no to be refused with 422": `{"accepted":false,"deleted":false}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := saying(t, body)
			_, err := b.Receiver.Info(t.Context(), anchor.InfoRequest{})
			faultOfTheBusiness(t, err)
			ok, err := b.Receiver.ValidSendingAnchor(t.Context(), anchor.SendingAnchor{Account: "G"})
			faultOfTheBusiness(t, err)
			require.False(t, ok)
			_, err = b.Receiver.ProcessPostRequest(t.Context(), postOf(t, "1"))
			faultOfTheBusiness(t, err)
			faultOfTheBusiness(t, b.Receiver.ProcessPatchRequest(t.Context(), anchor.PatchRequest{}))
			_, err = b.Customers.Get(t.Context(), anchor.CustomerGet{})
			faultOfTheBusiness(t, err)
			_, err = b.Customers.Put(t.Context(), anchor.CustomerPut{})
			faultOfTheBusiness(t, err)
			faultOfTheBusiness(t, b.Customers.Delete(t.Context(), anchor.CustomerDelete{ID: "c"}))
			_, err = b.Quotes.Offers(t.Context(), anchor.OffersRequest{})
			faultOfTheBusiness(t, err)
			_, err = b.Quotes.Price(t.Context(), priceRequest(t))
			faultOfTheBusiness(t, err)
			_, err = b.Quotes.Quote(t.Context(), anchor.QuoteRequest{PriceRequest: priceRequest(t), ID: "q"})
			faultOfTheBusiness(t, err)
			_, err = b.Fee(t.Context(), anchor.FeeRequest{})
			faultOfTheBusiness(t, err)
			_, err = b.Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
			faultOfTheBusiness(t, err)
		})
	}
}

func priceRequest(t *testing.T) anchor.PriceRequest {
	t.Helper()
	brl, err := money.Fiat("BRL")
	require.NoError(t, err)
	sell := amount(t, "10", 2)
	return anchor.PriceRequest{Pair: anchor.Pair{Sell: money.Native(), Buy: brl}, SellDecimals: 2, BuyDecimals: 2, SellAmount: &sell}
}

func TestAPriceOtherThanAskedFor_is_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	said := func(sell, buy, fee string) string {
		return fmt.Sprintf(`{"sell_amount":%q,"buy_amount":%q,"fee":{"total":%q},"expires_at":"2030-01-01T00:00:00Z"}`, sell, buy, fee)
	}
	for name, body := range map[string]string{
		"another amount":       said("10.01", "50", "0.5"),
		"too many decimals":    said("10.00", "50.001", "0.5"),
		"a negative amount":    said("10.00", "-50", "0.5"),
		"an exponent":          said("10.00", "5e1", "0.5"),
		"a number":             `{"sell_amount":10.00,"buy_amount":"50","fee":{"total":"0.5"}}`,
		"nothing bought":       said("10.00", "0", "0.5"),
		"a fee that takes all": said("10.00", "50", "10"),
		"parts that do not add up": `{"sell_amount":"10","buy_amount":"50","fee":{"total":"0.5","details":[{"name":"a","amount":"0.4"}]},` +
			`"expires_at":"2030-01-01T00:00:00Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := saying(t, body).Quotes
			_, err := q.Price(t.Context(), priceRequest(t))
			faultOfTheBusiness(t, err)
			_, err = q.Quote(t.Context(), anchor.QuoteRequest{PriceRequest: priceRequest(t), ID: "q"})
			faultOfTheBusiness(t, err)
		})
	}
}

func TestAQuoteWithoutAnEndInWholeSeconds_is_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	for _, end := range []string{``, `,"expires_at":"2030-01-01T00:00:00.5Z"`, `,"expires_at":"tomorrow"`, `,"expires_at":1893456000`, `,"expires_at":null`} {
		_, err := saying(t, `{"sell_amount":"10","buy_amount":"50","fee":{"total":"0.5"}`+end+`}`).Quotes.
			Quote(t.Context(), anchor.QuoteRequest{PriceRequest: priceRequest(t), ID: "q"})
		faultOfTheBusiness(t, err)
	}
	quote, err := saying(t, `{"sell_amount":"10","buy_amount":"50","fee":{"total":"0.5"},"expires_at":"2030-01-01T01:00:00+01:00"}`).Quotes.
		Quote(t.Context(), anchor.QuoteRequest{PriceRequest: priceRequest(t), ID: "q"})
	require.NoError(t, err)
	require.Equal(t, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), quote.ExpiresAt)
}

func TestOffersThatMakeNoSense_are_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"off_chain":[],"pairs":null}`,
		`{"off_chain":[{"asset":"BRL","decimals":2}],"pairs":[]}`,
		`{"off_chain":[{"asset":"stellar:native","decimals":2}],"pairs":[]}`,
		`{"off_chain":[{"asset":"iso4217:BRL"}],"pairs":[]}`,
		`{"off_chain":[{"asset":"iso4217:BRL","decimals":8}],"pairs":[]}`,
		`{"off_chain":[{"asset":"iso4217:BRL","decimals":-1}],"pairs":[]}`,
		`{"off_chain":[],"pairs":[{"sell":"stellar:native"}]}`,
		`{"off_chain":[],"pairs":[{"sell":"stellar:native","buy":""}]}`,
	} {
		_, err := saying(t, body).Quotes.Offers(t.Context(), anchor.OffersRequest{})
		faultOfTheBusiness(t, err)
	}
}

func TestAVerdictThatIsNotAboutWhoWasJudged_is_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	put := anchor.CustomerPut{Customer: &anchor.Customer{ID: "c", Version: 4}, Type: "sep31-sender"}
	for name, body := range map[string]string{
		"another type":             `{"type":"sep31-receiver","status":"ACCEPTED"}`,
		"no type":                  `{"status":"ACCEPTED"}`,
		"an older version":         `{"type":"sep31-sender","version":3,"status":"ACCEPTED"}`,
		"no status":                `{"type":"sep31-sender"}`,
		"a status of its own":      `{"type":"sep31-sender","status":"FINE"}`,
		"a status in small":        `{"type":"sep31-sender","status":"accepted"}`,
		"rejected, not why":        `{"type":"sep31-sender","status":"REJECTED"}`,
		"a field without a status": `{"type":"sep31-sender","status":"ACCEPTED","fields":{"first_name":{}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := saying(t, body).Customers.Put(t.Context(), put)
			faultOfTheBusiness(t, err)
			require.Equal(t, anchor.Verdict{}, v)
		})
	}
	v, err := saying(t, `{"type":"sep31-sender","status":"ACCEPTED"}`).Customers.Put(t.Context(), put)
	require.NoError(t, err)
	require.Equal(t, int64(4), v.Version, "a verdict is about the version that was sent")
}

func TestRequirementsWithATypeThatSEP12DoesNotHave_are_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	for _, field := range []string{`{"description":"x"}`, `{"type":"text","description":"x"}`} {
		_, err := saying(t, `{"type":"t","fields":{"first_name":`+field+`}}`).Customers.Get(t.Context(), anchor.CustomerGet{})
		faultOfTheBusiness(t, err)
	}
}

func TestAFeeThatIsNoAmount_is_a_fault_of_the_business(t *testing.T) {
	t.Parallel()
	for _, total := range []string{`"-1"`, `1`, `"1.00000001"`, `""`, `"99999999999999"`} {
		b := saying(t, `{"total":`+total+`,"accepted":true,"fee":{"total":`+total+`}}`)
		_, err := b.Fee(t.Context(), anchor.FeeRequest{})
		faultOfTheBusiness(t, err)
		_, err = b.Receiver.ProcessPostRequest(t.Context(), postOf(t, "1"))
		faultOfTheBusiness(t, err)
	}
}
