package conformance_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
)

const bought = "iso4217:EUR"

func misbehavioursOfSEP38() []misbehaviour {
	return []misbehaviour{
		{"the fee is in what is bought", always(boughtFee), []int{54}},
		{
			"no fee in GET /price", always(edits("GET /sep38/price", func(answer map[string]any, _ *call) {
				answer["fee"].(map[string]any)["total"] = "0.00"
			})), []int{48, 49, 50, 51},
		},
		{
			"no buy_delivery_methods", always(editsAssets38(func(asset map[string]any) { delete(asset, "buy_delivery_methods") })),
			exchangeChecks(),
		},
		{
			"400 for both assets in GET /prices", always(refuses("GET /sep38/prices", http.StatusBadRequest, func(c *call) bool {
				return c.URL.Query().Has("buy_asset")
			})), []int{47},
		},
		{"lumens come first in GET /info", lumensFirst, []int{58, 59, 60}},
		{
			"an empty list of countries of a Stellar asset", always(editsAssets38(func(asset map[string]any) {
				if strings.HasPrefix(asset["asset"].(string), "stellar:") {
					asset["country_codes"] = []any{}
				}
			})), append([]int{44}, exchangeChecks()...),
		},
		{
			"sell_assets beside buy_assets", always(edits("GET /sep38/prices", func(answer map[string]any, _ *call) {
				answer["sell_assets"] = []any{}
			})), exchangeChecks(),
		},
		{
			"expires_at without a zone", always(edits("POST /sep38/quote", func(answer map[string]any, _ *call) {
				answer["expires_at"] = strings.TrimSuffix(answer["expires_at"].(string), "Z")
			})), []int{53, 54, 55, 56, 58, 59, 60},
		},
	}
}

func editsAssets38(change func(asset map[string]any)) middleman {
	return edits("GET /sep38/info", func(answer map[string]any, _ *call) {
		assets, _ := answer["assets"].([]any)
		for _, asset := range assets {
			change(asset.(map[string]any))
		}
	})
}

// boughtFee turns the fee into one of 1.00 in what is bought, and the price into the one that SEP-38 then asks for.
func boughtFee(c *call) reply {
	a := c.pass()
	if !a.ok() || !c.is("GET /sep38/price") && !c.is("POST /sep38/quote") && !c.is("GET /sep38/quote/.*") {
		return a
	}
	answer := a.object()
	sell, _ := strconv.ParseFloat(answer["sell_amount"].(string), 64)
	buy, _ := strconv.ParseFloat(answer["buy_amount"].(string), 64)
	answer["fee"] = map[string]any{"total": "1.00", "asset": bought}
	answer["price"] = fmt.Sprintf("%.12f", sell/(buy+1))
	return a.with(answer)
}

// lumensFirst offers lumens on the same terms, before the asset that is really received.
func lumensFirst(w *world) middleman {
	received := []byte(fmt.Sprintf("stellar:%s:%s", assetCode, w.issuer.Address()))
	lumens := []byte("stellar:native")
	return func(c *call) reply {
		if c.is("GET /sep38/info") {
			a := c.pass()
			answer := a.object()
			assets, _ := answer["assets"].([]any)
			answer["assets"] = append([]any{map[string]any{"asset": string(lumens)}}, assets...)
			return a.with(answer)
		}
		if !strings.HasPrefix(c.URL.Path, "/sep38/") {
			return c.pass()
		}
		query := c.URL.Query()
		if query.Get("sell_asset") == string(lumens) {
			query.Set("sell_asset", string(received))
			c.URL.RawQuery = query.Encode()
		}
		c.sent = bytes.ReplaceAll(c.sent, lumens, received)
		a := c.pass()
		a.body = bytes.ReplaceAll(a.body, received, lumens)
		return a
	}
}

// backdated changes each challenge and signs it again, as its server could.
func backdated(w *world) middleman {
	return edits("GET /auth", func(answer map[string]any, _ *call) {
		var envelope xdr.TransactionEnvelope
		w.noError(xdr.SafeUnmarshalBase64(answer["transaction"].(string), &envelope))
		envelope.V1.Tx.Cond.TimeBounds.MinTime -= 60
		envelope.V1.Signatures = nil
		changed, err := xdr.MarshalBase64(envelope)
		w.noError(err)
		generic, err := txnbuild.TransactionFromXDR(changed)
		w.noError(err)
		tx, _ := generic.Transaction()
		tx, err = tx.Sign(w.network.Passphrase(), w.signing)
		w.noError(err)
		answer["transaction"], err = tx.Base64()
		w.noError(err)
	})
}

// noError is for goroutines of clients, where a test cannot be ended.
func (w *world) noError(err error) {
	if err != nil {
		w.Error(err)
	}
}
