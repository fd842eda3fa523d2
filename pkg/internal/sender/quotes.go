package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Exchange is what a firm price is asked for: how much of what is sold for what (SEP-38, context sep31).
type Exchange struct {
	Sell, Buy      string // asset identifiers such as stellar:USDC:G… and iso4217:BRL
	SellAmount     string
	DeliveryMethod string // by which the recipient gets what is bought
}

// Quote is a firm price as the receiving anchor gave it.
type Quote struct {
	ID         string    `json:"id"`
	ExpiresAt  time.Time `json:"expires_at"`
	SellAmount string    `json:"sell_amount"`
	BuyAmount  string    `json:"buy_amount"`
	Fee        struct {
		Total string `json:"total"`
		Asset string `json:"asset"`
	} `json:"fee"`
}

// Quote asks for a firm price (SEP-38 POST /quote), to be used with Transfer.QuoteID. Where an answer is lost it asks again:
// quotes that nobody uses run out.
func (s *Sender) Quote(ctx context.Context, e Exchange) (Quote, error) {
	if s.info.Quotes == "" {
		return Quote{}, errors.New("the receiving anchor does not offer SEP-38")
	}
	raw, err := s.call(ctx, call{method: http.MethodPost, url: s.info.Quotes + "/quote", token: true, body: map[string]string{
		"context": "sep31", "sell_asset": e.Sell, "buy_asset": e.Buy, "sell_amount": e.SellAmount, "buy_delivery_method": e.DeliveryMethod,
	}})
	if err != nil {
		return Quote{}, fmt.Errorf("ask for a quote: %w", err)
	}
	var q Quote
	return q, read(raw, &q)
}
