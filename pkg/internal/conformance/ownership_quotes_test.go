package conformance_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
)

// quote asks for a firm quote for 100 and returns its id.
func (p party) quote(w *world) string {
	p.Helper()
	a := p.post("/sep38/quote", map[string]any{
		"sell_asset": w.received(), "buy_asset": bought, "sell_amount": "100", "buy_delivery_method": "SEPA", "context": "sep31",
	})
	require.Equal(p, http.StatusCreated, a.status, string(a.body))
	return a.text("id")
}

func (p party) redeem(who people, quote string) reply {
	p.Helper()
	return p.post("/sep31/transactions", with(agreement(who), "quote_id", quote))
}

func TestAnotherSendingAnchor_can_neither_read_nor_redeem_a_quote(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		theirs, mine := owner.people(), other.people()
		quote := owner.quote(w)

		read := other.get("/sep38/quote/" + quote)
		requireRefused(t, read, http.StatusNotFound)
		requireSameAs(t, other.get("/sep38/quote/"+nowhere()), read)
		requireRefused(t, w.nobody().get("/sep38/quote/"+quote), http.StatusForbidden)

		stolen := other.redeem(mine, quote)
		requireRefused(t, stolen, http.StatusBadRequest, http.StatusNotFound)
		requireSameAs(t, other.redeem(mine, nowhere()), stolen)

		redeemed := owner.redeem(theirs, quote)
		require.Equal(t, http.StatusCreated, redeemed.status, "its owner still can: %s", redeemed.body)
	})
}

func TestQuote_is_redeemed_by_any_user_of_its_owners_account(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		account := keypair.MustRandom()
		owner, user := w.user(account, ""), w.user(account, "1")
		who := owner.people()
		redeemed := user.redeem(who, owner.quote(w))
		require.Equal(t, http.StatusCreated, redeemed.status, string(redeemed.body))
	})
}

func TestQuote_is_redeemed_once_however_many_try_at_once(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner := w.party()
		who, quote := owner.people(), owner.quote(w)
		const atOnce = 8
		var trying sync.WaitGroup
		var created, refused atomic.Int32
		for range atOnce {
			trying.Go(func() {
				switch a := owner.redeem(who, quote); a.status {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusBadRequest:
					refused.Add(1)
				default:
					t.Errorf("answered %d: %s", a.status, a.body)
				}
			})
		}
		trying.Wait()
		require.EqualValues(t, 1, created.Load())
		require.EqualValues(t, atOnce-1, refused.Load())
		requireRefused(t, owner.redeem(who, quote), http.StatusBadRequest)
	})
}

func TestQuote_does_not_fit_another_amount_or_asset(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner := w.party()
		who, quote := owner.people(), owner.quote(w)
		for key, value := range map[string]any{"amount": "99.9999999", "destination_asset": "iso4217:USD", "funding_method": "SWIFT"} {
			requireRefused(t, owner.post("/sep31/transactions", with(with(agreement(who), "quote_id", quote), key, value)), http.StatusBadRequest)
		}
		redeemed := owner.redeem(who, quote)
		require.Equal(t, http.StatusCreated, redeemed.status, "what was refused has not used it up: %s", redeemed.body)
	})
}
