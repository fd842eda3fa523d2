package sender

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Person is somebody who takes part in transfers.
type Person struct {
	Memo   uint64            // names the person among the sender's customers
	Type   string            // SEP-12 type
	Fields map[string]string // SEP-9
}

// Register makes a person known to the receiving anchor and returns its id there once the person is accepted (SEP-12).
func (s *Sender) Register(ctx context.Context, p Person) (string, error) {
	body := map[string]string{"memo": strconv.FormatUint(p.Memo, 10), "memo_type": "id", "type": p.Type}
	for name, value := range p.Fields {
		body[name] = value
	}
	raw, err := s.call(ctx, call{method: http.MethodPut, url: s.info.KYC + "/customer", body: body, token: true})
	if err != nil {
		return "", fmt.Errorf("register a person: %w", err)
	}
	var customer struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	if err := read(raw, &customer); err != nil {
		return "", err
	}
	query := url.Values{"id": {customer.ID}, "type": {p.Type}}
	for customer.Status != "ACCEPTED" {
		raw, err := s.call(ctx, call{method: http.MethodGet, url: s.info.KYC + "/customer?" + query.Encode(), token: true})
		if err != nil {
			return "", fmt.Errorf("ask about a person: %w", err)
		}
		if err := read(raw, &customer); err != nil {
			return "", err
		}
		switch customer.Status {
		case "ACCEPTED":
		case "PROCESSING":
			if err := s.pause(ctx); err != nil {
				return "", err
			}
		default:
			return "", fmt.Errorf("a person is %s: %s", customer.Status, customer.Message)
		}
	}
	return query.Get("id"), nil
}

// Transfer is what shall reach somebody.
type Transfer struct {
	Key                  string // Idempotency-Key: the same transfer has the same key, whatever happens in between
	Amount               string
	SenderID, ReceiverID string // of Register
	FundingMethod        string
	Fields               map[string]string
	// DestinationAsset is what the recipient shall get, such as iso4217:BRL; empty: what is sent. QuoteID is a firm price for
	// it; without one it is priced when the payment arrives.
	DestinationAsset, QuoteID string
}

// State is a transaction as the receiving anchor shows it.
type State struct {
	ID         string  `json:"id"`
	Status     string  `json:"status"`
	Message    string  `json:"status_message"`
	AmountIn   string  `json:"amount_in"`
	AmountOut  string  `json:"amount_out"`
	Account    string  `json:"stellar_account_id"`
	MemoType   string  `json:"stellar_memo_type"`
	Memo       string  `json:"stellar_memo"`
	ExternalID string  `json:"external_transaction_id"`
	Refunds    Refunds `json:"refunds"`
}

// Refunds is what a receiving anchor says it sent back (SEP-31 refunds). Amounts are of the asset that was sent.
type Refunds struct {
	Amount   string `json:"amount_refunded"`
	Fee      string `json:"amount_fee"`
	Payments []struct {
		ID     string `json:"id"` // hash of the Stellar transaction
		Amount string `json:"amount"`
		Fee    string `json:"fee"`
	} `json:"payments"`
}

// final tells whether a status will not change by itself any more.
func (t State) final() bool {
	return t.Status == "completed" || t.Status == "refunded" || t.Status == "expired" || t.Status == "error"
}

// Send carries a transfer from its agreement to its end and returns the last state seen. watch, if any, is told of each new
// status. An error means that the end was not seen; sending the same transfer again goes on where it stands, except that
// its payment may already have been made: see Agree and Pay.
func (s *Sender) Send(ctx context.Context, t Transfer, watch func(State)) (State, error) {
	agreed, err := s.Agree(ctx, t)
	if err != nil {
		return State{}, err
	}
	if watch != nil {
		watch(agreed)
	}
	if err := s.Pay(ctx, agreed, t.Amount); err != nil {
		return agreed, err
	}
	return s.Follow(ctx, agreed, watch)
}

// Agree opens the transaction (SEP-31 POST), registers the callback and waits until the anchor says where to pay. Repeated
// with the same key it is the same transaction.
func (s *Sender) Agree(ctx context.Context, t Transfer) (State, error) {
	raw, err := s.call(ctx, call{
		method: http.MethodPost, url: s.info.Payments + "/transactions", body: s.agreement(t), token: true,
		header: http.Header{"Idempotency-Key": {t.Key}},
	})
	if err != nil {
		return State{}, fmt.Errorf("agree a transaction: %w", err)
	}
	agreed := State{Status: pendingSender}
	if err := read(raw, &agreed); err != nil {
		return State{}, err
	}
	if err := s.register(ctx, agreed.ID); err != nil {
		return State{}, err
	}
	if agreed.Account != "" {
		return agreed, nil
	}
	return s.awaitAccount(ctx, agreed.ID)
}

const pendingSender = "pending_sender"

func (s *Sender) agreement(t Transfer) map[string]any {
	body := map[string]any{
		"amount": json.Number(t.Amount), "asset_code": s.options.AssetCode, "funding_method": t.FundingMethod,
		"sender_id": t.SenderID, "receiver_id": t.ReceiverID,
	}
	if len(t.Fields) > 0 {
		body["fields"] = map[string]any{"transaction": t.Fields}
	}
	if t.DestinationAsset != "" {
		body["destination_asset"] = t.DestinationAsset
	}
	if t.QuoteID != "" {
		body["quote_id"] = t.QuoteID
	}
	return body
}

// register asks for status messages about a transaction (SEP-31 PUT callback).
func (s *Sender) register(ctx context.Context, id string) error {
	if s.options.CallbackURL == nil {
		return nil
	}
	_, err := s.call(ctx, call{
		method: http.MethodPut, url: s.info.Payments + "/transactions/" + url.PathEscape(id) + "/callback", token: true,
		body: map[string]string{"url": s.options.CallbackURL(id)},
	})
	if err != nil {
		return fmt.Errorf("register the callback: %w", err)
	}
	return nil
}

// awaitAccount waits until a transaction that was only requested is agreed: then account and memo appear (SEP-31 3.0.0).
func (s *Sender) awaitAccount(ctx context.Context, id string) (State, error) {
	for {
		t, err := s.State(ctx, id)
		switch {
		case err != nil:
			return State{}, err
		case t.Account != "" && t.Status == pendingSender:
			return t, nil
		case t.final():
			return t, fmt.Errorf("the transaction is %s before it was paid: %s", t.Status, t.Message)
		}
		if err := s.pause(ctx); err != nil {
			return t, err
		}
	}
}

// Follow waits for the end of a transaction.
func (s *Sender) Follow(ctx context.Context, t State, watch func(State)) (State, error) {
	for !t.final() {
		if err := s.pause(ctx); err != nil {
			return t, err
		}
		now, err := s.State(ctx, t.ID)
		if err != nil {
			return t, err
		}
		if now.Status != t.Status && watch != nil {
			watch(now)
		}
		t = now
	}
	return t, nil
}

// State asks for a transaction (SEP-31 GET).
func (s *Sender) State(ctx context.Context, id string) (State, error) {
	raw, err := s.call(ctx, call{method: http.MethodGet, url: s.info.Payments + "/transactions/" + url.PathEscape(id), token: true})
	if err != nil {
		return State{}, fmt.Errorf("ask about a transaction: %w", err)
	}
	var answer struct {
		Transaction State `json:"transaction"`
	}
	if err := read(raw, &answer); err != nil {
		return State{}, err
	}
	return answer.Transaction, nil
}

func (s *Sender) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.options.PollEvery):
		return nil
	}
}
