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

// misbehaviour is a way in which an anchor may depart from what the suite demands, and the checks that it loses by that.
type misbehaviour struct {
	name string
	make func(w *world) middleman
	lost []int
}

// The checks that need a transaction, and those that need prices.
func transactionChecks() []int { return []int{37, 38, 39, 40, 41, 58, 59, 60} }

func exchangeChecks() []int { return []int{45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 58, 59, 60} }

func always(m middleman) func(*world) middleman { return func(*world) middleman { return m } }

// misbehaviours are those whose cost is known from the suite itself.
func misbehaviours() []misbehaviour {
	return slices.Concat(misbehavioursOfSEP10And12(), misbehavioursOfSEP31(), misbehavioursOfSEP38())
}

func misbehavioursOfSEP10And12() []misbehaviour {
	return []misbehaviour{
		{"a challenge that is back-dated by 60 s", backdated, []int{8}},
		{
			"an id for a customer that is not known", always(edits("GET /kyc/customer", func(answer map[string]any, _ *call) {
				if answer["id"] == nil {
					answer["id"] = "new"
				}
			})), []int{27},
		},
		{
			"200 for PUT /customer", always(answersStatus("PUT /kyc/customer", 202, 200)),
			[]int{24, 25, 28, 29, 31, 37, 38, 39, 40, 41, 42, 58, 59, 60},
		},
		{
			"an account is used either with memos or without", func(*world) middleman { return eitherSharedOrNot() },
			[]int{25, 37, 38, 39, 40, 41, 42, 58, 59, 60},
		},
	}
}

// eitherSharedOrNot enforces what SEP-12 recommends.
func eitherSharedOrNot() middleman {
	var shared sync.Map // account -> whether it was first seen with a memo
	return refuses("PUT /kyc/customer", http.StatusBadRequest, func(c *call) bool {
		account, memo, _ := strings.Cut(c.subject(), ":")
		first, _ := shared.LoadOrStore(account, memo != "")
		return first.(bool) != (memo != "")
	})
}

func misbehavioursOfSEP31() []misbehaviour {
	return []misbehaviour{
		{"SEPA is no funding method", always(onlySWIFT), transactionChecks()},
		{
			"a receiver is known to account and memo only", func(*world) middleman {
				return boundToSubject("PUT /kyc/customer", "POST /sep31/transactions", "receiver_id")
			}, transactionChecks(),
		},
		{
			"M… as stellar_account_id", always(edits("POST /sep31/transactions", func(answer map[string]any, _ *call) {
				answer["stellar_account_id"] = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK"
			})), transactionChecks(),
		},
		{
			"null for account and memo", always(edits("POST /sep31/transactions", func(answer map[string]any, _ *call) {
				answer["stellar_account_id"], answer["stellar_memo_type"], answer["stellar_memo"] = nil, nil, nil
			})), transactionChecks(),
		},
		{
			"no enabled in GET /info", always(editsAssets31(func(asset map[string]any) { delete(asset, "enabled") })),
			append([]int{34, 35}, transactionChecks()...),
		},
		{
			"401 instead of 403", always(func(c *call) reply {
				a := c.pass()
				if a.status == http.StatusForbidden {
					a.status = http.StatusUnauthorized
				}
				return a
			}), []int{36, 52, 55},
		},
		{
			"a quote is known to account and memo only", func(*world) middleman {
				return boundToSubject("POST /sep38/quote", "POST /sep31/transactions", "quote_id")
			}, []int{58, 59, 60},
		},
	}
}

func editsAssets31(change func(asset map[string]any)) middleman {
	return edits("GET /sep31/info", func(answer map[string]any, _ *call) {
		assets, _ := answer["receive"].(map[string]any)
		for _, asset := range assets {
			change(asset.(map[string]any))
		}
	})
}

func onlySWIFT(c *call) reply {
	if c.is("POST /sep31/transactions") && c.text("funding_method") == "SEPA" {
		return refusal(http.StatusBadRequest)
	}
	return editsAssets31(func(asset map[string]any) { asset["funding_methods"] = []any{"SWIFT"} })(c)
}

// boundToSubject refuses what was made with the token of one user when another user of the account refers to it.
func boundToSubject(made, used, by string) middleman {
	var owners sync.Map // id -> subject
	return func(c *call) reply {
		if owner, ok := owners.Load(c.text(by)); ok && c.is(used) && owner != c.subject() {
			return refusal(http.StatusBadRequest)
		}
		a := c.pass()
		if c.is(made) && a.ok() {
			owners.Store(a.object()["id"], c.subject())
		}
		return a
	}
}

func TestChecks_catch_what_costs_checks_of_the_suite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", unlimited())
	for _, m := range misbehaviours() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			results := m.make(w).judged(w.suite()).Run(t.Context())
			var lost []int
			for _, r := range conformance.Failed(results) {
				lost = append(lost, r.Number)
			}
			require.Equal(t, m.lost, lost, conformance.Report(results))
		})
	}
}

func TestChecks_lose_nothing_by_what_the_suite_tolerates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", unlimited())
	for name, m := range tolerated() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requirePassed(t, m.judged(w.suite()).Run(t.Context()))
		})
	}
}

// tolerated are departures that cost nothing.
func tolerated() map[string]middleman {
	return map[string]middleman{
		"quotes are required": func(c *call) reply {
			if c.is("POST /sep31/transactions") && c.subject() != "" && c.text("quote_id") == "" {
				return refusal(http.StatusBadRequest)
			}
			return editsAssets31(func(asset map[string]any) { asset["quotes_required"] = true })(c)
		},
		"account and memo come later": edits("POST /sep31/transactions", func(answer map[string]any, _ *call) {
			delete(answer, "stellar_account_id")
			delete(answer, "stellar_memo_type")
			delete(answer, "stellar_memo")
		}),
		"GET /info has no fields":                           editsAssets31(func(asset map[string]any) { delete(asset, "fields") }),
		"a customer is shown to the user only that made it": shownToMaker(),
		"a transaction without a funding method is refused": refuses("POST /sep31/transactions", http.StatusBadRequest, func(c *call) bool {
			return c.subject() != "" && c.text("funding_method") == ""
		}),
	}
}

func shownToMaker() middleman {
	var makers sync.Map // id -> subject
	return func(c *call) reply {
		if maker, ok := makers.Load(c.URL.Query().Get("id")); ok && c.is("GET /kyc/customer") && maker != c.subject() {
			return refusal(http.StatusNotFound)
		}
		a := c.pass()
		if c.is("PUT /kyc/customer") && a.ok() {
			makers.Store(a.object()["id"], c.subject())
		}
		return a
	}
}
