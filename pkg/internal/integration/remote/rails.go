package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/decision"
)

// rail pays through the server.
type rail struct {
	part
	name string
}

type payout struct {
	Key           anchor.PayoutKey  `json:"key"`
	TransactionID string            `json:"transaction_id"`
	Amount        string            `json:"amount"`
	Asset         string            `json:"asset"`
	FundingMethod string            `json:"funding_method,omitempty"`
	Sender        *customer         `json:"sender,omitempty"`
	Receiver      *customer         `json:"receiver,omitempty"`
	Fields        map[string]string `json:"fields,omitempty"`
	ExternalID    string            `json:"external_id,omitempty"` // when it is asked about
}

// payoutOf is the same for the same payout, byte for byte: encoding/json sorts what is in maps.
func payoutOf(p anchor.Payout) payout {
	return payout{
		Key: p.Key, TransactionID: p.TransactionID, Amount: p.Amount, Asset: p.Asset, FundingMethod: p.FundingMethod,
		Sender: customerOf(p.Sender), Receiver: customerOf(p.Receiver), Fields: p.Fields,
	}
}

// questionOf names an attempt without the people in it: asking needs none of their data.
func questionOf(p anchor.Payout) payout {
	return payout{
		Key: p.Key, TransactionID: p.TransactionID, Amount: p.Amount, Asset: p.Asset, FundingMethod: p.FundingMethod, ExternalID: p.ExternalID,
	}
}

// ExecuteOutgoing sends a payout once. It is NotSent only when there was no connection by which it could have left; after
// that whatever is not a signed outcome of this very payout is an error, and so unknown.
func (r rail) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	path := "/v1/rails/" + r.name + "/execute"
	answer, err := r.send(ctx, call{path: path, body: payoutOf(p), key: p.Key, timeout: r.railTimeout, tries: 1})
	if f, ok := errors.AsType[fault](err); ok && f.notSent {
		return anchor.NotSent(err.Error()), nil
	}
	if err != nil {
		return anchor.Outcome{}, err
	}
	if answer.status != http.StatusOK {
		return anchor.Outcome{}, nonsense(path, errors.New("a payout is not refused with status 422 but answered with an outcome"))
	}
	var said decision.Outcome
	if err := decode(answer.body, &said); err != nil {
		return anchor.Outcome{}, nonsense(path, err)
	}
	if said.Key != p.Key {
		return anchor.Outcome{}, nonsense(path, errors.New("the answer is about another key"))
	}
	o, err := outcomeOf(said, &p)
	if err == nil && (o.Kind() == anchor.OutcomeNotKnown || o.Kind() == anchor.OutcomeReturned) {
		err = fmt.Errorf("%s is no answer to a payout that is sent", o.Kind())
	}
	if err != nil {
		return anchor.Outcome{}, nonsense(path, err)
	}
	return o, nil
}

// PollOutgoing asks once; the engine asks again. What is wrong about one payout keeps no other from being answered.
func (r rail) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	type request struct {
		Payouts []payout `json:"payouts"`
	}
	asked := make(map[anchor.PayoutKey]*anchor.Payout, len(open))
	question := request{Payouts: make([]payout, len(open))}
	for i, p := range open {
		asked[p.Key], question.Payouts[i] = &open[i], questionOf(p)
	}
	path := "/v1/rails/" + r.name + "/poll"
	answer, err := r.send(ctx, call{path: path, body: question, timeout: r.railTimeout, tries: 1})
	if err != nil {
		return nil, err
	}
	if answer.status != http.StatusOK {
		return nil, nonsense(path, errors.New("a question about payouts is not refused"))
	}
	var said struct {
		Payouts []decision.Outcome `json:"payouts"`
	}
	if err := decode(answer.body, &said); err != nil {
		return nil, nonsense(path, err)
	}
	if said.Payouts == nil {
		return nil, nonsense(path, errors.New("payouts must be there, if only as []"))
	}
	return r.news(ctx, said.Payouts, asked), nil
}

// news leaves out what cannot be believed of a payout: no news is safe. What is said of payouts that were not asked about is
// handed on; the engine counts it and changes nothing.
func (r rail) news(ctx context.Context, said []decision.Outcome, asked map[anchor.PayoutKey]*anchor.Payout) map[anchor.PayoutKey]anchor.Outcome {
	news := make(map[anchor.PayoutKey]anchor.Outcome, len(said))
	times := make(map[anchor.PayoutKey]int, len(said))
	for _, s := range said {
		if times[s.Key]++; times[s.Key] > 1 {
			delete(news, s.Key)
			r.log.ErrorContext(ctx, "the business' server says several things of one payout; none is believed", "part", r.name, "key", shownKey(s.Key))
			continue
		}
		o, err := outcomeOf(s, asked[s.Key])
		if err != nil {
			r.log.ErrorContext(ctx, "what the business' server says of a payout is not believed", "part", r.name, "key", shownKey(s.Key), "error", err)
			continue
		}
		news[s.Key] = o
	}
	return news
}

// shownKey is a key fit for a log: one that was made up can be anything.
func shownKey(key anchor.PayoutKey) string { return anchor.CleanText(string(key[:min(len(key), 64)])) }

// outcomeOf makes an outcome of what was said of a payout; nil is one that was not asked about.
func outcomeOf(said decision.Outcome, p *anchor.Payout) (anchor.Outcome, error) {
	if p != nil && said.Moves() && (said.Amount != p.Amount || said.Asset != p.Asset) {
		return anchor.Outcome{}, errors.New("amount and asset are not those of the payout")
	}
	return said.Read()
}
