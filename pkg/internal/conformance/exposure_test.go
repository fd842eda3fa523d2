package conformance_test

import (
	"fmt"
	"math/big"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHealth_is_answered_at_the_operators_address_only(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	inside := w.nobody()
	inside.home = w.operator
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		requireRefused(t, w.party().get(path), http.StatusNotFound)
		require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, inside.get(path).status, path)
	}
	for _, path := range []string{"/sep31/info", "/auth", "/kyc/customer", "/.well-known/stellar.toml"} {
		requireRefused(t, inside.get(path), http.StatusNotFound)
	}
}

func TestOperatorsActions_have_no_address(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	p := w.party()
	for _, path := range []string{
		"/", "/admin", "/event", "/rpc", "/transactions", "/payments", "/payouts", "/customers", "/assets", "/debug/pprof/", "/debug/vars",
		"/sep31/transactions/" + nowhere() + "/refund", "/sep31/admin", "/kyc/customers", "/.env", "/anchor.yaml", "/anchor.db",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			requireRefused(t, p.send(method, path, map[string]any{}), http.StatusNotFound, http.StatusMethodNotAllowed)
		}
	}
	requireRefused(t, p.get("/sep31/transactions"), http.StatusNotFound, http.StatusMethodNotAllowed)
}

func TestStranger_without_an_agreement_opens_nothing(t *testing.T) {
	t.Parallel()
	w := publicWorld(t)
	stranger, admitted := w.party(), w.user(w.sender, "")
	theirs := admitted.people()
	id := admitted.agreed(theirs).text("id")
	requireRefused(t, stranger.post("/sep31/transactions", agreement(stranger.people())), http.StatusForbidden)
	requireRefused(t, stranger.get("/sep31/transactions/"+id), http.StatusForbidden, http.StatusNotFound)
	requireRefused(t, stranger.post("/sep38/quote", map[string]any{
		"sell_asset": w.received(), "buy_asset": bought, "sell_amount": "100", "context": "sep31",
	}), http.StatusForbidden)
}

// promptly is how long refusals may take on a busy machine where they cost next to nothing.
const promptly = 5 * time.Second

// hugeAmounts are small to write and would be huge to calculate with.
func hugeAmounts() []string {
	return []string{"1e500000000", "1E+500000000", "1e-500000000", "0.1e999999999", strings.Repeat("9", 10_000), "0." + strings.Repeat("0", 10_000) + "1"}
}

// This test runs alone, since it counts what the process allocates.
func TestHugeAmounts_are_refused_at_once_and_cheaply(t *testing.T) {
	w := newWorld(t, "sqlite", plan{})
	p := w.party()
	who := p.people()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	n := 0
	for _, amount := range hugeAmounts() {
		for _, written := range []string{amount, `"` + amount + `"`} {
			body := fmt.Sprintf(`{"amount":%s,"asset_code":%q,"funding_method":"SEPA","sender_id":%q,"receiver_id":%q}`, written, assetCode, who.sender, who.receiver)
			requireRefused(t, p.ask(http.MethodPost, "/sep31/transactions", "application/json", []byte(body)), http.StatusBadRequest)
			quote := fmt.Sprintf(`{"sell_asset":%q,"buy_asset":%q,"sell_amount":%s,"context":"sep31"}`, w.received(), bought, written)
			requireRefused(t, p.ask(http.MethodPost, "/sep38/quote", "application/json", []byte(quote)), http.StatusBadRequest)
			n += 2
		}
		for _, path := range []string{"/sep38/price", "/sep38/prices"} {
			requireRefused(t, p.get(path+"?context=sep31&sell_asset="+w.received()+"&buy_asset="+bought+"&sell_amount="+amount), http.StatusBadRequest)
			n++
		}
	}
	require.Less(t, time.Since(began), promptly)
	runtime.ReadMemStats(&after)
	const each = 1 << 20 // bytes, those of the test's own client included
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(n*each))
}

func (w *world) received() string {
	return "stellar:" + assetCode + ":" + w.issuer.Address()
}

func TestMemos_are_unique_and_cannot_be_guessed(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		p := w.party()
		who := p.people()
		const transactions = 100
		var memos []*big.Int
		for range transactions {
			memo, ok := new(big.Int).SetString(p.agreed(who).text("stellar_memo"), 10)
			require.True(t, ok)
			memos = append(memos, memo)
		}
		falling, high := 0, 0
		for i, memo := range memos[1:] {
			if memo.Cmp(memos[i]) < 0 {
				falling++
			}
			if memo.BitLen() > 56 {
				high++
			}
		}
		require.Greater(t, falling, transactions/5, "they follow no order")
		require.Greater(t, high, transactions*9/10, "they use the whole range")
		slices.SortFunc(memos, (*big.Int).Cmp)
		require.Len(t, slices.CompactFunc(memos, func(a, b *big.Int) bool { return a.Cmp(b) == 0 }), transactions)
	})
}
