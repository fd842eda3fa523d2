package conformance

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
)

func priceChecks() []check {
	return []check{
		{48, 38, "GET /price gives a price", []int{11, 43, 45}, func(v *visit) error {
			_, err := v.price(true, "sell_amount", true)
			return err
		}},
		{49, 38, "GET /price gives amounts that add up", []int{48}, func(v *visit) error {
			answer, err := v.price(true, "sell_amount", true)
			if err != nil {
				return err
			}
			return v.exchange.addsUp(answer)
		}},
		{50, 38, "GET /price takes buy_amount", []int{48}, func(v *visit) error {
			_, err := v.price(true, "buy_amount", false)
			return err
		}},
		{51, 38, "GET /price needs no delivery method", []int{48}, func(v *visit) error {
			_, err := v.price(false, "sell_amount", false)
			return err
		}},
	}
}

// exchangeOf is what is asked for in every question about the pair.
func (v *visit) exchangeOf(kind string) map[string]string {
	return map[string]string{"sell_asset": v.exchange.stellar, "buy_asset": v.exchange.offChain, "context": kind}
}

// price asks for a price in each context and returns the last answer.
func (v *visit) price(method bool, amount string, numbers bool) (answer map[string]any, err error) {
	for _, kind := range v.Contexts {
		query := url.Values{amount: {soldAmount}}
		for key, value := range v.exchangeOf(kind) {
			query.Set(key, value)
		}
		if method {
			query.Set("buy_delivery_method", v.exchange.method)
		}
		answer, err = v.demandObject(get(v.exchange.url+"/price", query).as(v.token), http.StatusOK, priceShape(numbers).is)
		if err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// priceShape is the answer about a price; with numbers its amounts must not be zero, the fee's included.
func priceShape(numbers bool) object {
	amount := text
	if numbers {
		amount = notZero
	}
	return object{must: map[string]rule{
		"price": amount, "total_price": amount, "sell_amount": amount, "buy_amount": amount, "fee": feeShape(amount),
	}}
}

func feeShape(amount rule) rule {
	return object{
		must: map[string]rule{"total": amount, "asset": text}, more: true,
		may: map[string]rule{"details": list(object{
			must: map[string]rule{"name": text, "amount": text}, may: map[string]rule{"description": text}, more: true,
		}.is)},
	}.is
}

// notZero is a text with a number other than zero.
func notZero(at string, value any) error {
	s, ok := value.(string)
	if !ok {
		return expected(at+" to be a text", show(value))
	}
	if n, err := strconv.ParseFloat(s, 64); err != nil || n == 0 {
		return expected(at+" to be a number other than zero", s)
	}
	return nil
}

// addsUp calculates as the suite does, in floating point, rounded to the decimals of what is bought.
func (x exchange) addsUp(answer map[string]any) error {
	fee, _ := answer["fee"].(map[string]any)
	sell, buy, total, price, kept, err := amountsOf(answer, fee)
	if err != nil {
		return err
	}
	scale := math.Pow(10, float64(x.decimals))
	same := func(a, b float64) bool { return math.Round(a*scale) == math.Round(b*scale) }
	if !same(sell/total, buy) {
		return expected(fmt.Sprintf("sell_amount / total_price = buy_amount to %d decimals", x.decimals), show(answer))
	}
	switch asset := textOf(fee, "asset"); asset {
	case x.stellar:
		if !same(sell-kept, price*buy) {
			return expected(fmt.Sprintf("sell_amount - fee = price * buy_amount to %d decimals", x.decimals), show(answer))
		}
	case x.offChain:
		if !same(sell/price, buy+kept) {
			return expected(fmt.Sprintf("sell_amount / price = buy_amount + fee to %d decimals", x.decimals), show(answer))
		}
	default:
		return expected("the fee in one of the two assets", asset)
	}
	return nil
}

func amountsOf(answer, fee map[string]any) (sell, buy, total, price, kept float64, err error) {
	read := func(from map[string]any, key string) float64 {
		n, fault := strconv.ParseFloat(textOf(from, key), 64)
		if fault != nil {
			err = errors.Join(err, expected(key+" to be a number", show(from[key])))
		}
		return n
	}
	sell, buy = read(answer, "sell_amount"), read(answer, "buy_amount")
	total, price, kept = read(answer, "total_price"), read(answer, "price"), read(fee, "total")
	return sell, buy, total, price, kept, err
}
