package anchor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// webhook is where the bank tells of transfers by itself. Who calls it must be checked before, as the bank's manual says.
type webhook struct{ operations anchor.Operations }

// ServeHTTP answers 200 only when the anchor has taken the news; a bank repeats the rest, and repeating is harmless.
func (h webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var news struct{ Key, Reference, State, Reason string }
	if err := json.NewDecoder(r.Body).Decode(&news); err != nil {
		http.Error(w, "the news cannot be read", http.StatusBadRequest)
		return
	}
	var outcome anchor.Outcome
	switch news.State {
	case "paid":
		outcome = anchor.Delivered(news.Reference)
	case "rejected":
		outcome = anchor.Failed(news.Reason)
	case "reversed": // after it was paid: the money goes back into what the transaction holds, for an operator to decide
		outcome = anchor.Returned(news.Reason)
	default:
		return // nothing that the anchor has to know
	}
	if err := h.operations.ReportPayout(r.Context(), anchor.PayoutKey(news.Key), outcome); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// A bank that tells of its transfers by itself. The key names the attempt; what is said of it is recorded like the answer to
// a poll, and may come late, twice or before the answer to the call.
func ExampleOperations_ReportPayout() {
	var operations anchor.Operations = printer{} // in earnest: Host.Anchor
	for _, news := range []string{
		`{"key": "a", "state": "paid", "reference": "T-1"}`,
		`{"key": "a", "state": "reversed", "reason": "the account was closed"}`,
	} {
		answer := httptest.NewRecorder()
		webhook{operations}.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/bank", strings.NewReader(news)))
		fmt.Println(answer.Code)
	}
	// Output:
	// the payout is delivered T-1
	// 200
	// the payout is returned the account was closed
	// 200
}
