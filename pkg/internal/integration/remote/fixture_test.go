package remote_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
	"github.com/anchorkit/anchor/pkg/money"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key makes up a key that is the same for the same name.
func key(id string) remote.Key {
	secret := sha256.Sum256([]byte("secret of " + id))
	return remote.Key{ID: id, Secret: secret[:]}
}

// options ask a server about everything.
func options(url string, keys ...remote.Key) remote.Options {
	return remote.Options{
		URL: url, Keys: keys,
		Parts: remote.Parts{Receiver: true, Customers: true, Quotes: true, Fee: true, Rails: map[string]remote.RailTerms{"bank": {}}},
	}
}

func newBusiness(t *testing.T, url string, keys ...remote.Key) anchor.Business {
	t.Helper()
	return newBusinessWith(t, options(url, keys...))
}

func newBusinessWith(t *testing.T, o remote.Options) anchor.Business {
	t.Helper()
	b, err := remote.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func amount(t *testing.T, text string, decimals int) money.Amount {
	t.Helper()
	a, err := money.Parse(text, decimals)
	require.NoError(t, err)
	return a
}

func payoutOf(transaction string) anchor.Payout {
	return anchor.Payout{
		Key: anchor.NewPayoutKey(transaction, 1, 1), TransactionID: transaction, Amount: "12.30", Asset: "iso4217:BRL", FundingMethod: "SEPA",
		Sender:   &anchor.Customer{ID: "s", Version: 2, Type: "sep31-sender", Values: map[string]string{"first_name": "Ada", "last_name": "Lovelace"}},
		Receiver: &anchor.Customer{ID: "r", Version: 1, Type: "sep31-receiver", Values: map[string]string{"bank_account_number": "DE7512345"}},
		Fields:   map[string]string{"purpose": "rent"}, ExternalID: "B-1",
	}
}

func postOf(t *testing.T, sum string) anchor.PostRequest {
	t.Helper()
	zero := anchor.Fee{Total: amount(t, "0", 7)}
	return anchor.PostRequest{
		ID: "t1", From: anchor.SendingAnchor{Account: "GSENDER", MemoType: "id", Memo: "7"},
		Asset:  anchor.AssetInfo{Code: "USDC", Issuer: "GISSUER", Decimals: 2, FundingMethods: []string{"SEPA"}},
		Amount: amount(t, sum, 7), Fee: zero, FundingMethod: "SEPA", Sender: payoutOf("x").Sender, Receiver: payoutOf("x").Receiver, Lang: "en",
	}
}

// server is a business' server as the contract describes it, written without a look at the client's code. What it lies
// about is set by the tests.
type server struct {
	*httptest.Server
	t    *testing.T
	keys map[string][]byte

	mu       sync.Mutex
	requests []request
	// answer decides; nil for the answers of honest.
	answer func(path string, body map[string]any) (status int, answer any)
	// raw takes the place of everything, signing included.
	raw func(w http.ResponseWriter, r *http.Request, s *server)
	// tamper changes what is about to be sent.
	tamper func(header http.Header, body []byte) []byte
}

type request struct {
	path   string
	header http.Header
	body   []byte
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := unstarted(t)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func unstarted(t *testing.T) *server {
	t.Helper()
	return &server{t: t, keys: map[string][]byte{"k1": key("k1").Secret}}
}

func (s *server) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.requests...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, request{r.URL.Path, r.Header.Clone(), body})
	s.mu.Unlock()
	if s.raw != nil {
		s.raw(w, r, s)
		return
	}
	if want := s.mac(r, "anchor-request-v1", r.Header.Get("Anchor-Timestamp"), r.Header.Get("Anchor-Nonce"), r.Method, r.RequestURI, string(body)); want != r.Header.Get("Anchor-Signature") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var asked map[string]any
	if json.Unmarshal(body, &asked) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	decide := s.answer
	if decide == nil {
		decide = honest
	}
	status, answer := decide(r.URL.Path, asked)
	s.send(w, r, status, answer)
}

// send signs an answer and sends it; a string is sent as it is.
func (s *server) send(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, isText := []byte(nil), false
	if text, ok := answer.(string); ok {
		body, isText = []byte(text), true
	}
	if !isText {
		body, _ = json.Marshal(answer)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Anchor-Key", r.Header.Get("Anchor-Key"))
	w.Header().Set("Anchor-Signature", s.mac(r, "anchor-answer-v1", r.Header.Get("Anchor-Nonce"), strconv.Itoa(status), string(body)))
	if s.tamper != nil {
		body = s.tamper(w.Header(), body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// mac joins its parts by line feeds.
func (s *server) mac(r *http.Request, parts ...string) string {
	h := hmac.New(sha256.New, s.keys[r.Header.Get("Anchor-Key")])
	_, _ = io.WriteString(h, strings.Join(parts, "\n"))
	return hex.EncodeToString(h.Sum(nil))
}

// honest answers everything in the affirmative.
func honest(path string, asked map[string]any) (int, any) {
	type object = map[string]any
	switch path {
	case "/v1/info":
		return 200, object{
			"sender_types": object{"sep31-sender": object{"description": "who sends"}}, "receiver_types": object{},
			"fields": object{"purpose": object{"description": "what for", "choices": []string{"rent"}, "optional": true}},
		}
	case "/v1/sending-anchor":
		return 200, object{"valid": true}
	case "/v1/transactions/check":
		return 200, object{"accepted": true, "fee": object{"total": "1.5", "details": []object{{"name": "ours", "amount": "1.5"}}}, "sender_type": "sep31-sender"}
	case "/v1/transactions/check-update":
		return 200, object{"accepted": true}
	case "/v1/customers/requirements":
		return 200, object{"type": "sep31-sender", "fields": object{"first_name": object{"type": "string", "description": "given name"}}}
	case "/v1/customers/verdict":
		return 200, object{"type": asked["type"], "status": "NEEDS_INFO", "fields": object{"first_name": object{"status": "REJECTED", "error": "too short"}}}
	case "/v1/customers/deleted":
		return 200, object{"deleted": true}
	case "/v1/quotes/offers":
		return 200, object{
			"off_chain": []object{{"asset": "iso4217:BRL", "decimals": 2, "country_codes": []string{"BR"}, "buy_delivery_methods": []object{{"name": "PIX", "description": "at once"}}}},
			"pairs":     []object{{"sell": "stellar:native", "buy": "iso4217:BRL"}},
		}
	case "/v1/quotes/price":
		return 200, object{"sell_amount": asked["sell_amount"], "buy_amount": "50", "fee": object{"total": "0.5"}}
	case "/v1/quotes/quote":
		return 200, object{"sell_amount": asked["sell_amount"], "buy_amount": "50", "fee": object{"total": "0.5"}, "expires_at": "2030-01-01T00:00:00Z"}
	case "/v1/fee":
		return 200, object{"total": "0.1234567"}
	case "/v1/rails/bank/execute":
		return 200, object{"key": asked["key"], "outcome": "delivered", "amount": asked["amount"], "asset": asked["asset"], "external_id": "E-1"}
	case "/v1/rails/bank/poll":
		return 200, object{"payouts": polled(asked)}
	}
	return 404, object{}
}

// polled says that each payout was delivered.
func polled(asked map[string]any) []any {
	said := []any{}
	list, _ := asked["payouts"].([]any)
	for _, p := range list {
		one, _ := p.(map[string]any)
		said = append(said, map[string]any{"key": one["key"], "outcome": "delivered", "amount": one["amount"], "asset": one["asset"], "external_id": "E-1"})
	}
	return said
}
