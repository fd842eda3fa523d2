package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

type object = map[string]any

// bought is what the business exchanges what it receives for: 5.40 for one, after a fee of 0.50.
const bought = "iso4217:BRL"

// mostAccepted is the largest amount that the business takes, unserved the family name of people whom it does not serve.
const (
	mostAccepted = "100000"
	unserved     = "Nemo"
)

// decide is the business' answer to what it is asked.
func (b *business) decide(r *http.Request, path string, body []byte) (any, error) {
	switch path {
	case "/v1/info":
		return object{
			"sender_types":   object{"sep31-sender": object{"description": "the person who sends the money"}},
			"receiver_types": object{"sep31-receiver": object{"description": "the person who is paid"}}, "fields": object{},
		}, nil
	case "/v1/sending-anchor":
		return b.admit(body)
	case "/v1/transactions/check":
		return accept(body)
	case "/v1/customers/requirements":
		return demand(body)
	case "/v1/customers/verdict":
		return judge(body)
	case "/v1/quotes/offers":
		method := []object{{"name": fundingMethod, "description": "into the bank account"}}
		return object{
			"off_chain": []object{{"asset": bought, "decimals": 2, "country_codes": []string{"BR"}, "buy_delivery_methods": method}},
			"pairs":     []object{{"sell": b.sells, "buy": bought}},
		}, nil
	case "/v1/quotes/price", "/v1/quotes/quote":
		return b.price(body)
	case "/v1/fee":
		return charge(body)
	case "/v1/rails/bank/execute":
		return b.pay(r, body)
	case "/v1/rails/bank/poll":
		return b.tell(r.Context(), body)
	}
	return nil, fmt.Errorf("%s is not of the contract", path)
}

func (b *business) admit(body []byte) (any, error) {
	var asked struct{ From struct{ Account string } }
	err := json.Unmarshal(body, &asked)
	return object{"valid": !b.bars(asked.From.Account)}, err
}

func accept(body []byte) (any, error) {
	var asked struct{ Amount string }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	amount, err := money.Parse(asked.Amount, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	most, err := money.Parse(mostAccepted, money.StellarDecimals)
	if err == nil && amount.Units() > most.Units() {
		err = refused("at most " + mostAccepted + " are accepted")
	}
	return object{"accepted": true}, err
}

// demanded is what each type of person has to give.
func demanded(customerType string) []string {
	if customerType == "sep31-receiver" {
		return []string{"first_name", "bank_account_number"}
	}
	return []string{"first_name", "last_name"}
}

func demand(body []byte) (any, error) {
	var asked struct{ Type string }
	err := json.Unmarshal(body, &asked)
	if asked.Type == "" {
		asked.Type = "sep31-sender"
	}
	fields := object{}
	for _, name := range demanded(asked.Type) {
		fields[name] = object{"type": "string", "description": "as in the passport"}
	}
	return object{"type": asked.Type, "fields": fields}, err
}

func judge(body []byte) (any, error) {
	var asked struct {
		Type     string
		Customer struct {
			Version int64
			Values  map[string]string
		}
	}
	err := json.Unmarshal(body, &asked)
	verdict := object{"type": asked.Type, "version": asked.Customer.Version, "status": "ACCEPTED"}
	if asked.Customer.Values["last_name"] == unserved {
		verdict["status"], verdict["message"] = "REJECTED", "we cannot serve this person"
	}
	return verdict, err
}

// charge takes one percent.
func charge(body []byte) (any, error) {
	var asked struct{ Amount string }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	amount, err := money.Parse(asked.Amount, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	const cent = 100_000 // units
	total, err := money.New((amount.Units()/100+cent-1)/cent*cent, money.StellarDecimals)
	return object{"total": total.String()}, err
}

// price prices an exchange, the answer to both questions about one.
func (b *business) price(body []byte) (any, error) {
	var asked struct {
		Sell         string
		SellDecimals int    `json:"sell_decimals"`
		SellAmount   string `json:"sell_amount"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	sold, err := money.Parse(asked.SellAmount, asked.SellDecimals)
	if err != nil {
		return nil, err
	}
	if asked.Sell != b.sells {
		return nil, refused("that is not exchanged here")
	}
	one := int64(math.Pow10(asked.SellDecimals))
	got, err := money.New((sold.Units()-one/2)*540/one, 2)
	return object{
		"sell_amount": asked.SellAmount, "buy_amount": got.String(), "fee": object{"total": "0.50"},
		"expires_at": time.Now().UTC().Truncate(time.Second).Add(15 * time.Minute),
	}, err
}

// pay makes a payout, unless the server dies over it.
func (b *business) pay(r *http.Request, body []byte) (any, error) {
	var p anchor.Payout
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, err
	}
	if r.Header.Get("Idempotency-Key") != string(p.Key) || p.Receiver == nil || p.Receiver.Values["bank_account_number"] != bankAccount {
		return nil, fmt.Errorf("payout %s has another key in its header, or the recipient's account is not in it", p.Key)
	}
	meets := b.order(p.Key)
	if meets == diesBeforePaying {
		b.close()
	}
	if b.hasDied(r) { // over this or over another payout
		return nil, errDied
	}
	// What the bank has begun it ends, whoever has gone.
	outcome, err := b.bank.ExecuteOutgoing(context.WithoutCancel(r.Context()), p)
	if meets == diesAfterPaying {
		b.close()
		return nil, errDied
	}
	return said(p, outcome), err
}

// order notes an order to pay and tells what is to happen over it.
func (b *business) order(key anchor.PayoutKey) fate {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = append(b.keys, key)
	if len(b.fates) == 0 {
		return survives
	}
	next := b.fates[0]
	b.fates = b.fates[1:]
	return next
}

// tell says what became of payouts.
func (b *business) tell(ctx context.Context, body []byte) (any, error) {
	var asked struct{ Payouts []anchor.Payout }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	news, err := b.bank.PollOutgoing(ctx, asked.Payouts)
	list := []object{}
	for _, p := range asked.Payouts {
		if outcome, ok := news[p.Key]; ok {
			list = append(list, said(p, outcome))
		}
	}
	return object{"payouts": list}, err
}

func said(p anchor.Payout, o anchor.Outcome) object {
	kind := string(o.Kind())
	if o.Kind() == anchor.OutcomeUnknown {
		kind = "unknown"
	}
	return object{
		"key": p.Key, "outcome": kind, "amount": p.Amount, "asset": p.Asset, "external_id": o.ExternalID(), "why": o.Why(),
	}
}
