package quotes_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

const (
	issuer   = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	sending  = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
	stranger = "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ"
	outsider = "GDQNY3PBOJOKYZSRMK2S7LHHGWZIUISD4QORETLMXEWXBI7KFZZMKTL3"

	usdcID = "stellar:USDC:" + issuer
)

func asset(t testing.TB, id string) money.Asset {
	t.Helper()
	a, err := money.ParseAsset(id)
	require.NoError(t, err)
	return a
}

func amount(t testing.TB, text string, decimals int) money.Amount {
	t.Helper()
	a, err := money.Parse(text, decimals)
	require.NoError(t, err)
	return a
}

func pair(t testing.TB, sell, buy string) anchor.Pair {
	return anchor.Pair{Sell: asset(t, sell), Buy: asset(t, buy)}
}

// business sells five of anything off the network for one USDC, and keeps one of what is sold.
type business struct {
	t       testing.TB
	offers  anchor.Offers
	price   func(anchor.PriceRequest) (anchor.Price, error)
	expires func(anchor.QuoteRequest) time.Time
	asked   []anchor.PriceRequest
}

func (b *business) Offers(context.Context, anchor.OffersRequest) (anchor.Offers, error) {
	return b.offers, nil
}

func (b *business) Price(_ context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	b.asked = append(b.asked, r)
	return b.price(r)
}

func (b *business) Quote(_ context.Context, r anchor.QuoteRequest) (anchor.Quote, error) {
	b.asked = append(b.asked, r.PriceRequest)
	p, err := b.price(r.PriceRequest)
	return anchor.Quote{Price: p, ExpiresAt: b.expires(r)}, err
}

func (b *business) fiveForOne(r anchor.PriceRequest) (anchor.Price, error) {
	p := anchor.Price{Fee: anchor.Fee{
		Total: amount(b.t, "1", r.SellDecimals), Details: []anchor.FeePart{{Name: "Service fee", Amount: amount(b.t, "1", 0)}},
	}}
	p.SellAmount, p.BuyAmount = amount(b.t, "100", r.SellDecimals), amount(b.t, "495", r.BuyDecimals)
	if r.SellAmount != nil && *r.SellAmount != p.SellAmount {
		return p, anchor.Refuse("only 100 at a time")
	}
	return p, nil
}

// world exchanges USDC and lumens for reais and yens, and knows of more.
type world struct {
	db       *store.DB
	business *business
	service  *quotes.Service
	now      time.Time
	reads    int // of the assets
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{db: db, now: time.Now().UTC()}
	w.business = &business{t: t, offers: anchor.Offers{
		OffChain: []anchor.OffChainAsset{
			{
				Asset: asset(t, "iso4217:BRL"), Decimals: 2, CountryCodes: []string{"BR"},
				BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "PIX", Description: "at once"}, {Name: "TED", Description: "tomorrow"}},
			},
			{Asset: asset(t, "iso4217:EUR"), Decimals: 2},
			{
				Asset: asset(t, "iso4217:JPY"), Decimals: 0, CountryCodes: []string{"JP-13"},
				BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "ZENGIN"}},
			},
		},
		Pairs: []anchor.Pair{
			pair(t, usdcID, "iso4217:BRL"), pair(t, "stellar:native", "iso4217:BRL"), pair(t, usdcID, "iso4217:JPY"),
			pair(t, usdcID, "iso4217:XAF"), pair(t, "iso4217:EUR", "iso4217:JPY"), pair(t, "stellar:EURC:"+issuer, "iso4217:BRL"),
		},
	}}
	w.business.price = w.business.fiveForOne
	w.business.expires = func(anchor.QuoteRequest) time.Time { return w.inAnHour() }
	w.service = quotes.New(quotes.Deps{
		DB: db, Integration: w.business, Now: func() time.Time { return w.now },
		Assets: func(context.Context) ([]quotes.Received, error) {
			w.reads++
			return []quotes.Received{
				{Asset: asset(t, "stellar:native"), Decimals: 7}, {Asset: asset(t, usdcID), Decimals: 7},
				{Asset: asset(t, "stellar:IDLE:"+issuer), Decimals: 7},
			}, nil
		},
		Admit: func(_ context.Context, who anchor.SendingAnchor) error {
			if who.Account == outsider {
				return anchor.RefuseAs(anchor.CodeForbidden, "no agreement")
			}
			return nil
		},
	})
	return w
}

func (w *world) inAnHour() time.Time { return w.now.Add(time.Hour).Truncate(time.Second) }

func (w *world) admit(t testing.TB, account string) quotes.Admitted {
	t.Helper()
	by, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: account, MemoType: "id", Memo: "1"})
	require.NoError(t, err)
	return by
}

// reais is a request for what 100 USDC are worth in reais, by PIX.
func reais(change ...func(*quotes.Request)) quotes.Request {
	r := quotes.Request{
		SellAsset: usdcID, BuyAsset: "iso4217:BRL", SellAmount: "100", BuyDeliveryMethod: "PIX", CountryCode: "BR", Context: "sep31",
	}
	for _, c := range change {
		c(&r)
	}
	return r
}
