package sep38

import (
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/money"
)

// info is the answer of /info.
type info struct {
	Assets []asset `json:"assets"`
}

// asset is an asset that is exchanged. One of the network has its name only: clients take the other keys, even empty ones,
// for those of an asset off the network.
type asset struct {
	Asset               money.Asset      `json:"asset"`
	CountryCodes        []string         `json:"country_codes,omitempty"`
	SellDeliveryMethods []deliveryMethod `json:"sell_delivery_methods,omitempty"`
	BuyDeliveryMethods  []deliveryMethod `json:"buy_delivery_methods,omitempty"`
}

type deliveryMethod struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func infoOf(list []quotes.Listed) info {
	answer := info{Assets: make([]asset, len(list))}
	for i, l := range list {
		answer.Assets[i] = asset{
			Asset: l.Asset, CountryCodes: l.CountryCodes,
			SellDeliveryMethods: methodsOf(l.SellDeliveryMethods), BuyDeliveryMethods: methodsOf(l.BuyDeliveryMethods),
		}
	}
	return answer
}

func methodsOf(list []anchor.DeliveryMethod) []deliveryMethod {
	methods := make([]deliveryMethod, len(list))
	for i, m := range list {
		methods[i] = deliveryMethod(m)
	}
	return methods
}

// bought and sold are the answers of /prices; each has its one key, also where there is nothing to list.
type bought struct {
	BuyAssets []counter `json:"buy_assets"`
}

type sold struct {
	SellAssets []counter `json:"sell_assets"`
}

type counter struct {
	Asset    money.Asset `json:"asset"`
	Price    string      `json:"price"`
	Decimals int         `json:"decimals"`
}

func pricesOf(p quotes.Prices) any {
	list := make([]counter, len(p.List))
	for i, c := range p.List {
		list[i] = counter{Asset: c.Asset, Price: c.Price, Decimals: c.Decimals}
	}
	if p.Selling {
		return bought{list}
	}
	return sold{list}
}

// price is the answer of /price.
type price struct {
	TotalPrice string            `json:"total_price"`
	Price      string            `json:"price"`
	SellAmount string            `json:"sell_amount"`
	BuyAmount  string            `json:"buy_amount"`
	Fee        anchor.FeeDetails `json:"fee"`
}

func priceOf(p quotes.Priced) price {
	return price{
		TotalPrice: p.TotalPrice, Price: p.PerUnit, SellAmount: p.SellAmount.Short(), BuyAmount: p.BuyAmount.Short(), Fee: feeOf(p),
	}
}

// feeOf is a fee in units of what is sold.
func feeOf(p quotes.Priced) anchor.FeeDetails {
	fee := anchor.FeeDetails{Total: p.Fee.Total.Short(), Asset: p.Sell.String()}
	for _, part := range p.Fee.Details {
		fee.Details = append(fee.Details, anchor.FeeDetail{Name: part.Name, Description: part.Description, Amount: part.Amount.Short()})
	}
	return fee
}

// quote is the answer about a firm quote. The delivery methods are there only where the request named them.
type quote struct {
	ID                 string            `json:"id"`
	ExpiresAt          string            `json:"expires_at"` // without fractions, which not every client reads
	TotalPrice         string            `json:"total_price"`
	Price              string            `json:"price"`
	SellAsset          money.Asset       `json:"sell_asset"`
	SellAmount         string            `json:"sell_amount"`
	SellDeliveryMethod string            `json:"sell_delivery_method,omitempty"`
	BuyAsset           money.Asset       `json:"buy_asset"`
	BuyAmount          string            `json:"buy_amount"`
	BuyDeliveryMethod  string            `json:"buy_delivery_method,omitempty"`
	Fee                anchor.FeeDetails `json:"fee"`
}

func quoteOf(f quotes.Firm) quote {
	return quote{
		ID: f.ID, ExpiresAt: f.ExpiresAt.UTC().Format(time.RFC3339), TotalPrice: f.TotalPrice, Price: f.PerUnit,
		SellAsset: f.Sell, SellAmount: f.SellAmount.Short(), SellDeliveryMethod: f.SellDeliveryMethod,
		BuyAsset: f.Buy, BuyAmount: f.BuyAmount.Short(), BuyDeliveryMethod: f.BuyDeliveryMethod, Fee: feeOf(f.Priced),
	}
}
