package conformance_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// nowhere is an id that nobody has.
func nowhere() string { return uuid.Must(uuid.NewV7()).String() }

func TestAnotherSendingAnchor_cannot_read_or_change_a_transaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, other := w.party(), w.party()
		id := owner.agreed(owner.people()).text("id")
		before := owner.get("/sep31/transactions/" + id)

		callback := map[string]any{"url": w.home + "/callback"}
		patch := map[string]any{"fields": map[string]any{"transaction": map[string]any{"purpose": "theft"}}}
		for _, attack := range []func(id string) reply{
			func(id string) reply { return other.get("/sep31/transactions/" + id) },
			func(id string) reply { return other.send(http.MethodPatch, "/sep31/transactions/"+id, patch) },
			func(id string) reply { return other.put("/sep31/transactions/"+id+"/callback", callback) },
		} {
			a := attack(id)
			requireRefused(t, a, http.StatusNotFound)
			requireSameAs(t, attack(nowhere()), a)
		}
		require.Equal(t, string(before.body), string(owner.get("/sep31/transactions/"+id).body))
		require.Equal(t, http.StatusNoContent, owner.put("/sep31/transactions/"+id+"/callback", callback).status)
	})
}

func TestNobody_without_a_token_reads_or_changes_a_transaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		owner, nobody := w.party(), w.nobody()
		id := owner.agreed(owner.people()).text("id")
		requireRefused(t, nobody.get("/sep31/transactions/"+id), http.StatusForbidden)
		requireRefused(t, nobody.send(http.MethodPatch, "/sep31/transactions/"+id, map[string]any{}), http.StatusForbidden)
		requireRefused(t, nobody.put("/sep31/transactions/"+id+"/callback", map[string]any{}), http.StatusForbidden)
		forged := nobody
		forged.token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIifQ."
		requireRefused(t, forged.get("/sep31/transactions/"+id), http.StatusForbidden)
		requireRefused(t, forged.get("/kyc/customer"), http.StatusUnauthorized)
	})
}

func TestIdempotencyKey_of_another_sending_anchor_gives_away_nothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		const key = "Idempotency-Key: order-1"
		owner, other := w.party(), w.party()
		theirs, mine := owner.people(), other.people()
		first := owner.post("/sep31/transactions", agreement(theirs), key)
		require.Equal(t, http.StatusCreated, first.status, string(first.body))

		requireRefused(t, other.post("/sep31/transactions", agreement(theirs), key), http.StatusBadRequest, http.StatusNotFound)
		second := other.post("/sep31/transactions", agreement(mine), key)
		require.Equal(t, http.StatusCreated, second.status, string(second.body))
		require.NotEqual(t, first.text("id"), second.text("id"))
		require.NotEqual(t, first.text("stellar_memo"), second.text("stellar_memo"))

		require.Equal(t, string(first.body), string(owner.post("/sep31/transactions", agreement(theirs), key).body), "repeated, it is the same")
		requireRefused(t, owner.post("/sep31/transactions", with(agreement(theirs), "amount", 200), key), http.StatusConflict)
	})
}

func with(body map[string]any, key string, value any) map[string]any {
	more := maps.Clone(body)
	more[key] = value
	return more
}
