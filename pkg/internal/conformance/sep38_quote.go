package conformance

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

func postQuoteChecks() []check {
	return []check{
		{52, 38, "POST /quote without a token is forbidden", []int{43, 45}, func(v *visit) error {
			return v.quotes(func(r request) error {
				_, err := v.demandJSON(r.as(""), http.StatusForbidden, problem())
				return err
			})
		}},
		{53, 38, "POST /quote gives a quote", []int{11, 43, 45}, func(v *visit) error {
			return v.quotes(v.givesQuote)
		}},
		{54, 38, "POST /quote gives amounts that add up", []int{53}, quoteAddsUp},
	}
}

// quoteAddsUp refuses a fee in what is bought as well: the SEP allows it, but the suite adds it to the amount as a text.
func quoteAddsUp(v *visit) error {
	fee, _ := v.quote["fee"].(map[string]any)
	if textOf(fee, "asset") == v.exchange.offChain {
		return expected("the fee in "+v.exchange.stellar+", since the suite cannot calculate with another", show(fee))
	}
	return v.exchange.addsUp(v.quote)
}

// quotes asks for a quote in each context.
func (v *visit) quotes(demand func(request) error) error {
	for _, kind := range v.Contexts {
		body := with(texts(v.exchangeOf(kind)), map[string]any{"sell_amount": soldAmount, "buy_delivery_method": v.exchange.method})
		if err := demand(withJSON(http.MethodPost, v.exchange.url+"/quote", body).as(v.token)); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) givesQuote(r request) error {
	quote, err := v.demandObject(r, http.StatusCreated, quoteShape())
	if err != nil {
		return err
	}
	expires, err := time.Parse(time.RFC3339Nano, textOf(quote, "expires_at"))
	if err != nil {
		return err
	}
	amount, err := strconv.ParseFloat(textOf(quote, "sell_amount"), 64)
	if err != nil {
		return err
	}
	switch {
	case textOf(quote, "sell_asset") != v.exchange.stellar:
		return expected("sell_asset "+v.exchange.stellar, show(quote))
	case textOf(quote, "buy_asset") != v.exchange.offChain:
		return expected("buy_asset "+v.exchange.offChain, show(quote))
	case amount != sentAmount:
		return expected("sell_amount "+soldAmount, show(quote))
	case !expires.After(v.Now()):
		return expected("expires_at in the future", show(quote))
	}
	v.quote = quote
	return nil
}

func quoteShape() rule {
	return object{
		must: map[string]rule{
			"id": enough, "expires_at": moment, "price": notZero, "total_price": text, "fee": feeShape(text),
			"sell_asset": text, "buy_asset": text, "sell_amount": notZero, "buy_amount": notZero,
		},
		may: map[string]rule{"buy_delivery_method": text, "sell_delivery_method": text},
	}.is
}

// unknownQuote is the id that the suite asks for.
const unknownQuote = "18e413284"

func getQuoteChecks() []check {
	return []check{
		{55, 38, "GET /quote/:id without a token is forbidden", []int{53}, func(v *visit) error {
			_, err := v.demandJSON(v.askForQuote().as(""), http.StatusForbidden, problem())
			return err
		}},
		{56, 38, "GET /quote/:id gives what POST /quote gave", []int{53}, func(v *visit) error {
			quote, err := v.demandObject(v.askForQuote(), http.StatusOK, quoteShape())
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(quote, v.quote) {
				return expected(show(v.quote), show(quote))
			}
			return nil
		}},
		{57, 38, "GET /quote/:id does not find an unknown id", []int{11, 43}, func(v *visit) error {
			_, err := v.demandJSON(get(fmt.Sprintf("%s/quote/%s", v.exchange.url, unknownQuote), nil).as(v.token), http.StatusNotFound, problem())
			return err
		}},
	}
}

// askForQuote asks for the quote of check 53.
func (v *visit) askForQuote() request {
	return get(v.exchange.url+"/quote/"+textOf(v.quote, "id"), nil).as(v.token)
}
