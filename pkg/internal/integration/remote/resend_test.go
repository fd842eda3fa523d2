package remote_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// ordered are the requests to pay that reached a server.
func (s *server) ordered() []request {
	var orders []request
	for _, r := range s.seen() {
		if strings.HasSuffix(r.path, "/execute") {
			orders = append(orders, r)
		}
	}
	return orders
}

func TestAResend_is_the_first_request_byte_for_byte_whatever_the_customer_has_changed_since(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		s := newServer(t)
		s.answer = func(path string, asked map[string]any) (int, any) {
			if strings.HasSuffix(path, "/poll") {
				return http.StatusOK, map[string]any{"payouts": []any{map[string]any{"key": anchor.NewPayoutKey(id, 1, 1), "outcome": "not_known"}}}
			}
			if len(s.ordered()) == 1 {
				return http.StatusServiceUnavailable, map[string]any{}
			}
			return honest(path, asked)
		}
		rail := newBusiness(t, s.URL, key("k1")).Rails["bank"]
		rail.NotKnownFinalAfter, rail.SameKeySafeFor = time.Microsecond, time.Hour
		soon := payouts.Backoff{First: time.Nanosecond, Max: time.Nanosecond}
		engine := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, nil, payouts.Options{PollWait: soon, RetryWait: soon})

		_, err := engine.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "4711"})
		_, err = engine.Poll(t.Context(), t.Context())
		require.NoError(t, err)
		_, err = engine.Execute(t.Context(), t.Context())
		require.NoError(t, err)

		orders := s.ordered()
		require.Len(t, orders, 2)
		require.Equal(t, string(orders[0].body), string(orders[1].body))
		require.Contains(t, string(orders[1].body), `"0042"`)
		require.Equal(t, orders[0].header.Get("Idempotency-Key"), orders[1].header.Get("Idempotency-Key"))
		require.NotEqual(t, orders[0].header.Get("Anchor-Nonce"), orders[1].header.Get("Anchor-Nonce"), "it is signed anew, so it is no replay")
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}
