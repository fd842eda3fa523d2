package remote_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// contract is the document, as strict as it can be read: objects have no keys but those it names, so that nothing goes over
// the line that it does not tell of.
func contract(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../../../../docs/remote-integration.openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	return document
}

// checked holds what goes over the line against the document.
type checked struct {
	document *openapi3.T
	seen     map[string]bool
}

func (c *checked) check(t *testing.T, r request, status int, answer []byte) {
	t.Helper()
	path := strings.Replace(r.path, "/rails/bank/", "/rails/{rail}/", 1)
	item := c.document.Paths.Value(path)
	require.NotNil(t, item, path)
	c.seen[path] = true
	for _, p := range item.Post.Parameters {
		if p.Value.In == openapi3.ParameterInHeader {
			require.NoError(t, p.Value.Schema.Value.VisitJSON(r.header.Get(p.Value.Name)), "%s: %s", path, p.Value.Name)
		}
	}
	fits(t, path+", request", item.Post.RequestBody.Value.Content.Get("application/json").Schema, r.body)
	described := item.Post.Responses.Status(status)
	require.NotNil(t, described, "%s: %d", path, status)
	fits(t, path+", answer", described.Value.Content.Get("application/json").Schema, answer)
}

func fits(t *testing.T, what string, schema *openapi3.SchemaRef, raw []byte) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(raw, &value))
	require.NoError(t, schema.Value.VisitJSON(value, openapi3.EnableFormatValidation()), "%s: %s", what, raw)
	undescribed(t, what, schema.Value, value)
}

// undescribed fails the test for every key that the schema has no place for.
func undescribed(t *testing.T, what string, schema *openapi3.Schema, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			place, free := placeOf(schema, name)
			require.True(t, free || place != nil, "%s: the document has no %s", what, name)
			if place != nil {
				undescribed(t, what+"."+name, place, inner)
			}
		}
	case []any:
		for _, inner := range value {
			undescribed(t, what, schema.Items.Value, inner)
		}
	}
}

// placeOf is the schema of a key; free is true where a schema takes any.
func placeOf(schema *openapi3.Schema, name string) (place *openapi3.Schema, free bool) {
	if p := schema.Properties[name]; p != nil {
		return p.Value, false
	}
	if more := schema.AdditionalProperties; more.Schema != nil {
		return more.Schema.Value, false
	} else if more.Has != nil && *more.Has {
		return nil, true
	}
	for _, part := range schema.AllOf {
		if place, free = placeOf(part.Value, name); place != nil || free {
			return place, free
		}
	}
	return nil, false
}

// everything calls every hook of a business once and fails the test if one of them returns an error.
func everything(t *testing.T, b anchor.Business) {
	t.Helper()
	ctx, usd := t.Context(), anchor.AssetInfo{Code: "USDC", Issuer: "GISSUER", Decimals: 2, FundingMethods: []string{"SEPA"}}
	who := anchor.SendingAnchor{Account: "GSENDER", MemoType: "id", Memo: "7", ClientDomain: "wallet.example.com"}

	info, err := b.Receiver.Info(ctx, anchor.InfoRequest{Asset: usd, Lang: "en"})
	require.NoError(t, err)
	require.Equal(t, anchor.Info{
		SenderTypes: map[string]anchor.CustomerType{"sep31-sender": {Description: "who sends"}}, ReceiverTypes: map[string]anchor.CustomerType{},
		Fields: map[string]anchor.Field{"purpose": {Description: "what for", Choices: []string{"rent"}, Optional: true}},
	}, info)
	valid, err := b.Receiver.ValidSendingAnchor(ctx, who)
	require.NoError(t, err)
	require.True(t, valid)

	post := postOf(t, "100.5")
	post.Fields, post.DestinationAsset = map[string]string{"purpose": "rent"}, "iso4217:BRL"
	post.Price = &anchor.Price{SellAmount: amount(t, "100.5", 2), BuyAmount: amount(t, "500", 2), Fee: anchor.Fee{Total: amount(t, "1", 2)}}
	accepted, err := b.Receiver.ProcessPostRequest(ctx, post)
	require.NoError(t, err)
	ours := amount(t, "1.5", 7)
	require.Equal(t, anchor.Acceptance{Fee: &anchor.Fee{Total: ours, Details: []anchor.FeePart{{Name: "ours", Amount: ours}}}, SenderType: "sep31-sender"}, accepted)
	transaction := anchor.Transaction{ID: "t1", Status: anchor.StatusPendingSender, AmountIn: "100.5", StartedAt: time.Unix(0, 0).UTC()}
	require.NoError(t, b.Receiver.ProcessPatchRequest(ctx, anchor.PatchRequest{Transaction: transaction, Fields: map[string]string{"purpose": "rent"}}))

	askCustomers(t, b.Customers, &transaction)
	askQuotes(t, b.Quotes, who)
	fee, err := b.Fee(ctx, anchor.FeeRequest{Asset: usd, Amount: amount(t, "100", 7), FundingMethod: "SEPA", From: who})
	require.NoError(t, err)
	require.Equal(t, "0.1234567", fee.Total.String())

	o, err := b.Rails["bank"].ExecuteOutgoing(ctx, payoutOf("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.Delivered("E-1"), o)
	news, err := b.Rails["bank"].PollOutgoing(ctx, []anchor.Payout{payoutOf("a"), payoutOf("b")})
	require.NoError(t, err)
	require.Equal(t, map[anchor.PayoutKey]anchor.Outcome{payoutOf("a").Key: anchor.Delivered("E-1"), payoutOf("b").Key: anchor.Delivered("E-1")}, news)
}

func askCustomers(t *testing.T, c anchor.CustomerIntegration, transaction *anchor.Transaction) {
	t.Helper()
	person := &anchor.Customer{
		ID: "c", Version: 4, Type: "sep31-sender", Values: map[string]string{"first_name": "A"},
		Statuses: map[string]anchor.CustomerStatus{"sep31-sender": anchor.CustomerProcessing},
	}
	for _, q := range []anchor.CustomerGet{{}, {Customer: person, Type: "sep31-sender", Lang: "en", Transaction: transaction}} {
		r, err := c.Get(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, anchor.CustomerRequirements{
			Type: "sep31-sender", Fields: map[string]anchor.Field{"first_name": {Type: anchor.FieldString, Description: "given name"}},
		}, r)
	}
	v, err := c.Put(t.Context(), anchor.CustomerPut{Customer: person, Type: "sep31-sender", Changed: []string{"first_name"}, Codes: map[string]string{"email_address": "1234"}})
	require.NoError(t, err)
	require.Equal(t, anchor.Verdict{
		Type: "sep31-sender", Version: 4, Status: anchor.CustomerNeedsInfo,
		Fields: map[string]anchor.FieldVerdict{"first_name": {Status: anchor.FieldRejected, Error: "too short"}},
	}, v)
	require.NoError(t, c.Delete(t.Context(), anchor.CustomerDelete{ID: "c"}))
}

func askQuotes(t *testing.T, q anchor.QuoteIntegration, who anchor.SendingAnchor) {
	t.Helper()
	offers, err := q.Offers(t.Context(), anchor.OffersRequest{Lang: "en"})
	require.NoError(t, err)
	brl, err := money.Fiat("BRL")
	require.NoError(t, err)
	require.Equal(t, anchor.Offers{
		OffChain: []anchor.OffChainAsset{{Asset: brl, Decimals: 2, CountryCodes: []string{"BR"}, BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "PIX", Description: "at once"}}}},
		Pairs:    []anchor.Pair{{Sell: money.Native(), Buy: brl}},
	}, offers)
	sell := amount(t, "10.00", 2)
	r := anchor.PriceRequest{
		From: who, Pair: offers.Pairs[0], SellDecimals: 2, BuyDecimals: 2, SellAmount: &sell, BuyDeliveryMethod: "PIX", CountryCode: "BR", Context: "sep31", Lang: "en",
	}
	want := anchor.Price{SellAmount: sell, BuyAmount: amount(t, "50", 2), Fee: anchor.Fee{Total: amount(t, "0.5", 2)}}
	got, err := q.Price(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, want, got)
	firm, err := q.Quote(t.Context(), anchor.QuoteRequest{PriceRequest: r, ID: "q1", ExpireAfter: time.Unix(1_800_000_000, 0)})
	require.NoError(t, err)
	require.Equal(t, anchor.Quote{Price: want, ExpiresAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}, firm)
}

func TestContract_describes_all_that_is_asked_and_answered_and_nothing_more(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := checked{document: contract(t), seen: map[string]bool{}}
	var answers [][]byte
	s.tamper = func(_ http.Header, body []byte) []byte {
		answers = append(answers, bytes.Clone(body)) // the calls come one after the other
		return body
	}
	everything(t, newBusiness(t, s.URL, key("k1")))
	for i, r := range s.seen() {
		c.check(t, r, http.StatusOK, answers[i])
	}
	for _, path := range c.document.Paths.InMatchingOrder() {
		require.True(t, c.seen[path], "%s is in the document and is never asked", path)
	}
}

func TestContract_names_the_outcomes_and_refusals_that_are_understood(t *testing.T) {
	t.Parallel()
	document := contract(t)
	outcomes := document.Components.Schemas["Outcome"].Value.Properties["outcome"].Value.Enum
	for _, o := range outcomes {
		s := newServer(t)
		s.answer = func(_ string, asked map[string]any) (int, any) {
			one := map[string]any{
				"key": payoutOf("a").Key, "outcome": o, "amount": "12.30", "asset": "iso4217:BRL", "why": "because",
				"needs": []any{map[string]any{"of": "sender", "field": "last_name"}},
			}
			return 200, map[string]any{"payouts": []any{one}}
		}
		news, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
		require.NoError(t, err)
		got, said := news[payoutOf("a").Key]
		require.True(t, said, o)
		if o != "unknown" {
			require.EqualValues(t, o, got.Kind())
		}
	}
	require.Len(t, outcomes, 9)
	for _, code := range document.Components.Schemas["Refusal"].Value.Properties["code"].Value.Enum {
		err := refusedBy(t, map[string]any{"code": code, "text": "no", "fields": map[string]any{"a": map[string]any{"description": "b"}}})
		require.EqualValues(t, code, anchor.CodeOf(err))
	}
}

// refusedBy is the error for a transaction that the server refuses so.
func refusedBy(t *testing.T, refusal any) error {
	t.Helper()
	s := newServer(t)
	s.answer = func(string, map[string]any) (int, any) { return http.StatusUnprocessableEntity, refusal }
	_, err := newBusiness(t, s.URL, key("k1")).Receiver.ProcessPostRequest(t.Context(), postOf(t, "1"))
	require.Error(t, err)
	return err
}

func TestRefusals_reach_the_sending_anchor_as_the_server_meant_them(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for name, c := range map[string]struct {
		said object
		want anchor.Problem
	}{
		"a text":                      {object{"code": "invalid", "text": "too much"}, anchor.Problem{Code: anchor.CodeInvalid, Text: "too much"}},
		"a customer type":             {object{"code": "customer_info_needed", "customer_type": "s"}, anchor.Problem{Code: anchor.CodeCustomerInfoNeeded, Type: "s"}},
		"that it cannot now":          {object{"code": "unavailable", "text": "busy"}, anchor.Problem{Code: anchor.CodeUnavailable}},
		"no text":                     {object{"code": "invalid"}, anchor.Problem{Code: anchor.CodeInternal}},
		"a code of its own":           {object{"code": "not_found", "text": "x"}, anchor.Problem{Code: anchor.CodeInternal}},
		"fields without naming any":   {object{"code": "transaction_info_needed", "fields": object{}}, anchor.Problem{Code: anchor.CodeInternal}},
		"something that is no object": {nil, anchor.Problem{Code: anchor.CodeInternal}},
		"fields": {
			object{"code": "transaction_info_needed", "fields": object{"purpose": object{"description": "what for", "choices": []string{"rent"}}}},
			anchor.Problem{Code: anchor.CodeTransactionInfoNeeded, Fields: map[string]anchor.Field{"purpose": {Description: "what for", Choices: []string{"rent"}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, anchor.ProblemOf(refusedBy(t, c.said)))
		})
	}
}

func TestPayouts_are_sent_under_their_key_and_byte_for_byte_alike_each_time(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
	for range 5 {
		_, err := rail.ExecuteOutgoing(t.Context(), payoutOf("a"))
		require.NoError(t, err)
	}
	sent := s.seen()
	require.Len(t, sent, 5)
	nonces := map[string]bool{}
	for _, r := range sent {
		require.Equal(t, string(sent[0].body), string(r.body))
		require.Equal(t, []string{string(payoutOf("a").Key)}, r.header.Values("Idempotency-Key"))
		nonces[r.header.Get("Anchor-Nonce")] = true
	}
	require.Len(t, nonces, 5, "each request has a nonce of its own")
}

func TestQuestions_about_payouts_carry_nothing_personal(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, err := newBusiness(t, s.URL, key("k1")).Rails["bank"].PollOutgoing(t.Context(), []anchor.Payout{payoutOf("a")})
	require.NoError(t, err)
	body := string(s.seen()[0].body)
	require.Contains(t, body, `"external_id":"B-1"`)
	for _, personal := range []string{"Ada", "Lovelace", "DE7512345", "rent"} {
		require.False(t, slices.Contains(strings.Split(body, `"`), personal))
	}
}

func TestTheExampleInTheManual_is_what_is_signed(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../../../docs/remote-integration.md")
	require.NoError(t, err)
	sign := func(lines ...string) string {
		h := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
		_, _ = h.Write([]byte(strings.Join(lines, "\n")))
		return hex.EncodeToString(h.Sum(nil))
	}
	const nonce = "00112233445566778899aabbccddeeff"
	require.Contains(t, string(manual), sign("anchor-request-v1", "1800000000", nonce, "POST", "/v1/sending-anchor", `{"from":{"account":"GA"}}`))
	require.Contains(t, string(manual), sign("anchor-answer-v1", nonce, "200", `{"valid":true}`))
}
