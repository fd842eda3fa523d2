package anchor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// bankRail pays through the HTTP API of a bank that knows transfers by an idempotency key.
type bankRail struct {
	url    string
	client *http.Client // its calls end with their context
}

// transfer is a transfer as the bank tells of it.
type transfer struct {
	Reference string `json:"reference"`
	State     string `json:"state"` // queued, paid or rejected
	Reason    string `json:"reason"`
}

func (t transfer) outcome() anchor.Outcome {
	switch t.State {
	case "queued":
		return anchor.Accepted(t.Reference)
	case "paid":
		return anchor.Delivered(t.Reference)
	case "rejected": // the bank promises that it never pays this key
		return anchor.Failed(t.Reason)
	default:
		return anchor.Outcome{} // not known: it will be asked about
	}
}

// ExecuteOutgoing sends the payout under its key. Whatever is not certain is an error, which means: unknown.
func (b bankRail) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	body, err := json.Marshal(map[string]string{"amount": p.Amount, "account": p.Receiver.Value("bank_account_number")})
	if err != nil {
		return anchor.Outcome{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/transfers", bytes.NewReader(body))
	if err != nil {
		return anchor.Outcome{}, err
	}
	request.Header.Set("Idempotency-Key", string(p.Key))
	answered, status, err := b.do(request)
	var network *net.OpError
	switch {
	case errors.As(err, &network) && network.Op == "dial":
		return anchor.NotSent("the bank cannot be reached"), nil // the only error after which nothing has left
	case err != nil:
		return anchor.Outcome{}, errors.New("the bank did not answer")
	case status == http.StatusUnprocessableEntity:
		return anchor.NeedsInfo(anchor.Need{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "there is no such account"}), nil
	case status != http.StatusOK:
		return anchor.Outcome{}, fmt.Errorf("the bank answered %d", status)
	}
	return answered.outcome(), nil
}

// PollOutgoing asks about each payout by its key. What could not be found out is left out: no news.
func (b bankRail) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	answers := map[anchor.PayoutKey]anchor.Outcome{}
	for _, p := range open {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/transfers/"+url.PathEscape(string(p.Key)), http.NoBody)
		if err != nil {
			return nil, err
		}
		answered, status, err := b.do(request)
		switch {
		case err != nil:
			return answers, nil //nolint:nilerr // what is known so far
		case status == http.StatusNotFound:
			answers[p.Key] = anchor.NotKnown()
		case status == http.StatusOK:
			answers[p.Key] = answered.outcome()
		}
	}
	return answers, nil
}

func (b bankRail) do(request *http.Request) (answered transfer, status int, err error) {
	response, err := b.client.Do(request)
	if err != nil {
		return transfer{}, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		err = json.NewDecoder(response.Body).Decode(&answered)
	}
	return answered, response.StatusCode, err
}

// A rail over the HTTP API of a bank. What the bank promises about its keys is declared beside it: this one refuses a key
// for good one minute after the request ended at the latest, and keeps keys for a day.
func ExampleRail() {
	queued := map[string]bool{}
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("Idempotency-Key"); {
		case r.Method == http.MethodPost:
			queued[key] = true
			fmt.Fprint(w, `{"reference": "T-1", "state": "queued"}`)
		case queued[r.URL.Path[len("/transfers/"):]]:
			fmt.Fprint(w, `{"reference": "T-1", "state": "paid"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer bank.Close()

	rail := anchor.Rail{
		Rails:              bankRail{url: bank.URL, client: http.DefaultClient},
		NotKnownFinalAfter: time.Minute,
		SameKeySafeFor:     24 * time.Hour,
	}

	sent := anchor.Payout{Key: anchor.NewPayoutKey("transaction", 1, 1), Amount: "99.00", Asset: "iso4217:BRL"}
	never := anchor.Payout{Key: anchor.NewPayoutKey("another", 1, 1)}
	outcome, err := rail.ExecuteOutgoing(context.Background(), sent)
	fmt.Println(outcome.Kind(), outcome.ExternalID(), err)

	answers, err := rail.PollOutgoing(context.Background(), []anchor.Payout{never, sent})
	fmt.Println(answers[sent.Key].Kind(), answers[never.Key].Kind(), err)
	// Output:
	// accepted T-1 <nil>
	// delivered not_known <nil>
}
