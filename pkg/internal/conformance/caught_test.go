package conformance_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/conformance"
)

// fault is something wrong with an anchor, and the checks that must find it themselves, not because another one failed.
type fault struct {
	name  string
	make  func(w *world) middleman
	found []int
}

func faults() []fault {
	return slices.Concat(tomlFaults(), loginFaults(), customerFaults(), transactionFaults(), quoteFaults())
}

func tomlFaults() []fault {
	missing := func(key string) func(*world) middleman { return always(tomlLine(key, "")) }
	return []fault{
		{"there is no stellar.toml", always(answersStatus("GET /.well-known/stellar.toml", 200, 404)), []int{1}},
		{"stellar.toml is no TOML", always(tomlLine("SIGNING_KEY", "SIGNING_KEY")), []int{1}},
		{"stellar.toml is HTML", always(func(c *call) reply {
			a := c.pass()
			a.header.Set("Content-Type", "text/html")
			return a
		}), []int{1}},
		{"stellar.toml is large", always(tomlLine("VERSION", "# "+strings.Repeat("x", 100_000))), []int{2}},
		{"the network is private", always(tomlLine("NETWORK_PASSPHRASE", `NETWORK_PASSPHRASE = "Standalone Network ; February 2017"`)), []int{3}},
		{"an asset is a collectible", always(tomlLine("anchor_asset_type", `anchor_asset_type = "nft"`)), []int{4}},
		{"an asset has no description", missing("desc"), []int{4}},
		{"a server is plain http", always(tomlLine("VERSION", `FEDERATION_SERVER = "http://example.com"`)), []int{5}},
		{"a server ends with a slash", always(tomlLine("VERSION", `FEDERATION_SERVER = "https://example.com/"`)), []int{5}},
		{"there is no WEB_AUTH_ENDPOINT", missing("WEB_AUTH_ENDPOINT"), []int{6}},
		{"SIGNING_KEY is no key", always(tomlLine("SIGNING_KEY", `SIGNING_KEY = "GABC"`)), []int{7}},
		{"there is no KYC_SERVER", missing("KYC_SERVER"), []int{22}},
		{"there is no DIRECT_PAYMENT_SERVER", missing("DIRECT_PAYMENT_SERVER"), []int{32}},
		{"there is no ANCHOR_QUOTE_SERVER", missing("ANCHOR_QUOTE_SERVER"), []int{43}},
	}
}

// tomlLine replaces the line of a key.
func tomlLine(key, line string) middleman {
	return func(c *call) reply {
		a := c.pass()
		if c.is("GET /.well-known/stellar.toml") {
			lines := strings.Split(string(a.body), "\n")
			for i, old := range lines {
				if name, _, _ := strings.Cut(old, "="); strings.TrimSpace(name) == key {
					lines[i] = line
				}
			}
			a.body = []byte(strings.Join(lines, "\n"))
		}
		return a
	}
}

func loginFaults() []fault {
	return []fault{
		{"a challenge is back-dated", backdated, []int{8}},
		{"a challenge comes with more than it should", always(edits("GET /auth", func(answer map[string]any, _ *call) {
			answer["memo"] = "1"
		})), []int{8}},
		{"a challenge without an account is not found", always(func(c *call) reply {
			a := c.pass()
			if c.is("GET /auth") && !c.URL.Query().Has("account") {
				a.status = http.StatusNotFound
			}
			return a
		}), []int{9}},
		{"errors have no text", always(func(c *call) reply {
			a := c.pass()
			if c.is(".* /auth") && a.status == http.StatusBadRequest {
				a.body = []byte("{}")
			}
			return a
		}), []int{9, 10, 13, 14, 15, 16, 17, 18, 20}},
		{"everybody gets a token", always(func(c *call) reply {
			a := c.pass()
			if c.is("POST /auth") && !a.ok() {
				a = reply{http.StatusOK, a.header, []byte(`{"token":"a.b.c"}`)}
			}
			return a
		}), []int{13, 14, 15, 16, 17, 18, 20}},
		{"nobody gets a token", always(refuses("POST /auth", http.StatusBadRequest, func(*call) bool { return true })), []int{11, 12, 19, 21}},
		{"a token is no JWT", always(edits("POST /auth", func(answer map[string]any, _ *call) { answer["token"] = "secret" })), []int{11}},
	}
}

func customerFaults() []fault {
	return []fault{
		{"customers need no token", always(func(c *call) reply {
			a := c.pass()
			if strings.HasPrefix(c.URL.Path, "/kyc/") && a.status == http.StatusUnauthorized {
				a.status = http.StatusOK
			}
			return a
		}), []int{23, 26, 30}},
		{"a customer's id is a number", always(edits("PUT /kyc/customer", func(answer map[string]any, _ *call) { answer["id"] = 1 })), []int{24, 25, 31}},
		{"all customers have one id", always(edits("PUT /kyc/customer", func(answer map[string]any, _ *call) { answer["id"] = "1" })), []int{25, 28}},
		{"a new customer is accepted", always(edits("GET /kyc/customer", func(answer map[string]any, _ *call) {
			answer["status"] = "ACCEPTED"
		})), []int{27}},
		{"a customer that gave all needs more", always(edits("GET /kyc/customer", func(answer map[string]any, c *call) {
			if !strings.Contains(c.subject(), ":") {
				answer["status"] = "NEEDS_INFO"
			}
		})), []int{28, 29}},
		{"a field has a name of its own", always(edits("GET /kyc/customer", func(answer map[string]any, _ *call) {
			field := map[string]any{"type": "string", "description": "what the SEP calls the proof of income"}
			answer["fields"] = map[string]any{"proof_of_income": field}
		})), []int{27, 28, 29, 37}},
		{"a deletion has no answer", always(answersStatus("DELETE /kyc/customer/G.*", 200, 204)), []int{31}},
	}
}

func transactionFaults() []fault {
	return []fault{
		{"a fee is a text", always(editsAssets31(func(asset map[string]any) { asset["fee_fixed"] = "1" })), []int{33}},
		{"no asset is enabled", always(editsAssets31(func(asset map[string]any) { asset["enabled"] = false })), []int{34}},
		{"a field is asked for that nobody told", always(editsAssets31(func(asset map[string]any) {
			asset["fields"] = map[string]any{"transaction": map[string]any{"purpose": map[string]any{"description": "purpose"}}}
		})), []int{35}},
		{"a transaction needs no token", always(answersStatus("POST /sep31/transactions", 403, 400)), []int{36}},
		{"a transaction is answered with more than it should", always(edits("POST /sep31/transactions", func(answer map[string]any, _ *call) {
			answer["status"] = "pending_sender"
		})), []int{37, 58}},
		{"a memo does not fit its type", always(edits("POST /sep31/transactions", func(answer map[string]any, _ *call) {
			answer["stellar_memo_type"] = "hash"
		})), []int{37, 58}},
		{"a request that lacks something is not understood", always(answersStatus("POST /sep31/transactions", 400, 422)), []int{38, 39}},
		{"transactions cannot be fetched", always(answersStatus("GET /sep31/transactions/.*", 200, 500)), []int{40, 59}},
		{"a new transaction is refunded", always(edits("GET /sep31/transactions/.*", func(answer map[string]any, _ *call) {
			answer["transaction"].(map[string]any)["status"] = "refunded"
		})), []int{41, 60}},
		{"amounts are numbers", always(edits("GET /sep31/transactions/.*", func(answer map[string]any, _ *call) {
			answer["transaction"].(map[string]any)["amount_in"] = 100
		})), []int{41, 60}},
		{"another transaction is shown", always(edits("GET /sep31/transactions/.*", func(answer map[string]any, _ *call) {
			answer["transaction"].(map[string]any)["id"] = "another"
		})), []int{41, 60}},
		{"an unknown transaction is a bad request", always(answersStatus("GET /sep31/transactions/.*", 404, 400)), []int{42}},
	}
}

func quoteFaults() []fault {
	return slices.Concat([]fault{
		{"no off-chain asset is listed", always(edits("GET /sep38/info", func(answer map[string]any, _ *call) {
			answer["assets"] = answer["assets"].([]any)[:1]
		})), []int{44}},
		{"there are no prices", always(edits("GET /sep38/prices", func(answer map[string]any, _ *call) { answer["buy_assets"] = []any{} })), []int{45}},
		{"what is bought is on the network only", always(refuses("GET /sep38/prices", http.StatusBadRequest, func(c *call) bool {
			return c.URL.Query().Get("sell_asset") == bought
		})), []int{46}},
		{"both assets are too many", always(refuses("GET /sep38/prices", http.StatusBadRequest, func(c *call) bool {
			return c.URL.Query().Has("buy_asset")
		})), []int{47}},
		{"a price has a date", always(edits("GET /sep38/price", func(answer map[string]any, _ *call) { answer["at"] = "now" })), []int{48}},
		{"amounts of prices do not add up", always(edits("GET /sep38/price", func(answer map[string]any, _ *call) { answer["price"] = "9.99" })), []int{49}},
		{"buy_amount is unknown", always(refuses("GET /sep38/price", http.StatusBadRequest, func(c *call) bool {
			return c.URL.Query().Has("buy_amount")
		})), []int{50}},
		{"a delivery method must be named", always(refuses("GET /sep38/price", http.StatusBadRequest, func(c *call) bool {
			return !c.URL.Query().Has("buy_delivery_method")
		})), []int{51}},
	}, firmQuoteFaults())
}

func firmQuoteFaults() []fault {
	return []fault{
		{"quotes have no owner", always(answersStatus(".* /sep38/.*", 403, 400)), []int{52, 55}},
		{"a quote has run out", always(edits("POST /sep38/quote", func(answer map[string]any, _ *call) {
			answer["expires_at"] = "2020-01-02T03:04:05Z"
		})), []int{53}},
		{"a quote sells another amount", always(edits("POST /sep38/quote", func(answer map[string]any, _ *call) { answer["sell_amount"] = "99" })), []int{53}},
		{"amounts of quotes do not add up", always(edits("POST /sep38/quote", func(answer map[string]any, _ *call) {
			answer["total_price"] = "9.99"
		})), []int{54}},
		{"a quote changes", always(edits("GET /sep38/quote/.*", func(answer map[string]any, _ *call) {
			answer["expires_at"] = "2120-01-02T03:04:05Z"
		})), []int{56}},
		{"an unknown quote is a bad request", always(answersStatus("GET /sep38/quote/.*", 404, 400)), []int{57}},
		{"quotes cannot be redeemed", always(refuses("POST /sep31/transactions", http.StatusBadRequest, func(c *call) bool {
			return c.text("quote_id") != ""
		})), []int{58}},
		{"transactions with quotes cannot be fetched", func(*world) middleman { return hidesQuoted() }, []int{59}},
		{"transactions with quotes have no status", always(edits("GET /sep31/transactions/.*", func(answer map[string]any, _ *call) {
			delete(answer["transaction"].(map[string]any), "status")
		})), []int{60}},
	}
}

// hidesQuoted does not find transactions that have a quote.
func hidesQuoted() middleman {
	var quoted sync.Map
	return func(c *call) reply {
		a := c.pass()
		if c.is("POST /sep31/transactions") && c.text("quote_id") != "" {
			quoted.Store("/sep31/transactions/"+a.text("id"), true)
		}
		if _, hidden := quoted.Load(c.URL.Path); hidden {
			a.status = http.StatusNotFound
		}
		return a
	}
}

func TestEachCheck_finds_a_fault_itself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", unlimited())
	found := map[int]bool{}
	for _, f := range faults() {
		for _, number := range f.found {
			found[number] = true
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			results := f.make(w).judged(w.suite()).Run(t.Context())
			for _, number := range f.found {
				r := results[number-1]
				require.False(t, r.Passed(), "%s", r)
				require.Zero(t, r.Needed, "%s", r)
			}
		})
	}
	for number := 1; number <= 60; number++ {
		require.True(t, found[number], "nothing shows that check %d can fail", number)
	}
}

func TestReport_says_what_was_expected_and_what_came(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	results := answersStatus("PUT /kyc/customer", 202, 200).judged(w.suite()).Run(t.Context())
	require.Regexp(t, `^24 SEP-12 PUT /customer can create a customer: expected status 202, came 200 \{"id":".+"\} \(PUT http://localhost:\d+/kyc/customer\)$`,
		results[23].String())
	require.Equal(t, "28 SEP-12 GET /customer finds a customer by id: did not run, since it needs check 24, which failed", results[27].String())
	require.Equal(t, "22 SEP-12 the TOML file has a valid KYC_SERVER: passed", results[21].String())
	require.Len(t, strings.Split(conformance.Report(results), "\n"), len(conformance.Failed(results)))
}

func TestAnchor_that_is_not_there_fails_every_check(t *testing.T) {
	t.Parallel()
	closed := listen(t)
	require.NoError(t, closed.Close())
	results := conformance.Suite{Home: "http://" + closed.Addr().String()}.Run(t.Context())
	require.Len(t, conformance.Failed(results), 60)
}
