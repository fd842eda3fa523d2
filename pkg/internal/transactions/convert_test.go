package transactions_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
	"github.com/anchorkit/anchor/pkg/money"
)

// brazil exchanges USDC for reais, which are delivered by PIX or SEPA.
type brazil struct{ anchor.QuoteIntegration }

func (brazil) Offers(context.Context, anchor.OffersRequest) (anchor.Offers, error) {
	usdc, err := money.Stellar("USDC", issuer)
	if err != nil {
		return anchor.Offers{}, err
	}
	return anchor.Offers{
		OffChain: []anchor.OffChainAsset{
			{Asset: real(), Decimals: 2, BuyDeliveryMethods: []anchor.DeliveryMethod{{Name: "PIX"}, {Name: "SEPA"}}},
			{Asset: money.Asset{Scheme: money.SchemeFiat, Code: "EUR"}, Decimals: 2},
		},
		Pairs: []anchor.Pair{{Sell: usdc, Buy: real()}},
	}, nil
}

func real() money.Asset { return money.Asset{Scheme: money.SchemeFiat, Code: "BRL"} }

func exchanging(d *transactions.Deps) { d.Quotes = brazil{} }

// exchangeAll lets the asset of the world be exchanged.
func (w world) exchangeAll(t testing.TB) {
	t.Helper()
	w.changeAsset(t, func(a *store.Asset) error {
		a.Sep38Enabled = true
		return nil
	})
}

func (w world) changeAsset(t testing.TB, change func(*store.Asset) error) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := w.db.Assets(ctx)
		if err != nil {
			return err
		}
		after := list[0]
		if err := change(&after); err != nil {
			return err
		}
		_, err = tx.ChangeAsset(ctx, list[0], after, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	}))
}

// forgetful reads the assets anew for every request.
func forgetful(d *transactions.Deps) {
	now := time.Now()
	d.Options.Now = func() time.Time {
		now = now.Add(time.Minute)
		return now
	}
}

// quote is a firm quote of 100 USDC for 505.25 BRL with a fee of 1 USDC, changed as a test wants it.
func (w world) quote(t testing.TB, change ...func(*store.Quote)) string {
	t.Helper()
	var q store.Quote
	q.ID, q.OwnerAccount, q.Context = store.NewID(), sending, "sep31"
	q.SellAsset, q.SellUnits, q.SellDecimals = "stellar:USDC:"+issuer, 100_0000000, 7
	q.BuyAsset, q.BuyUnits, q.BuyDecimals = "iso4217:BRL", 50525, 2
	q.FeeUnits, q.FeeDetails = 1_0000000, `[{"name":"Service fee","amount":"1"}]`
	q.ExpiresUs = time.Now().Add(time.Hour).Truncate(time.Second).UnixMicro()
	for _, c := range change {
		c(&q)
	}
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertQuote(ctx, q)
	}))
	return q.ID
}

func quoted(id string) transactions.Request {
	r := hundred()
	r.QuoteID = id
	return r
}

func TestCreate_takes_amounts_fee_and_expiry_from_a_firm_quote(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		id := w.quote(t)
		created, err := w.service.Create(t.Context(), w.admit(t, sending), quoted(id))
		require.NoError(t, err)
		got, err := w.service.Get(t.Context(), w.admit(t, sending), created.ID)
		require.NoError(t, err)
		require.Equal(t, id, got.QuoteID)
		require.Equal(t, []string{"100", "505.25", "iso4217:BRL", "1"}, []string{got.AmountIn, got.AmountOut, got.AmountOutAsset, got.AmountFee})
		require.Equal(t, &anchor.FeeDetails{
			Total: "1", Asset: "stellar:USDC:" + issuer, Details: []anchor.FeeDetail{{Name: "Service fee", Amount: "1"}},
		}, got.FeeDetails)
		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		q, err := w.db.QuoteOf(t.Context(), sending, id)
		require.NoError(t, err)
		require.Equal(t, q.ExpiresUs, row.ExpiresUs, "it expires with its quote")
		require.Equal(t, created.ID, q.RedeemedBy)
	}, exchanging)
}

func TestCreate_redeems_a_quote_once_however_many_ask_at_once(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		id := w.quote(t)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = w.service.Create(t.Context(), w.admit(t, sending), quoted(id)) })
		}
		all.Wait()
		succeeded := 0
		for _, err := range errs {
			if err == nil {
				succeeded++
				continue
			}
			require.EqualError(t, err, "quote_id: this quote was used for another transaction")
		}
		require.Equal(t, 1, succeeded)
	}, exchanging)
}

func TestCreate_answers_a_repetition_of_a_quoted_request_like_the_first(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		r := keyed("same")
		r.QuoteID = w.quote(t)
		first, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		again, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}, exchanging)
}

func TestCreate_refuses_a_quote_that_does_not_fit_the_request(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		for name, row := range map[string]struct {
			quote   func(*store.Quote)
			request func(*transactions.Request)
			why     string
		}{
			"of another sending anchor": {
				quote: func(q *store.Quote) { q.OwnerAccount = stranger }, why: "quote_id: you have no quote of this id",
			},
			"that does not exist": {request: func(r *transactions.Request) { r.QuoteID = store.NewID() }, why: "quote_id: you have no quote of this id"},
			"that is no id":       {request: func(r *transactions.Request) { r.QuoteID = "x" }, why: "quote_id: you have no quote of this id"},
			"that has expired": {
				quote: func(q *store.Quote) { q.ExpiresUs = time.Now().Add(-time.Second).UnixMicro() },
				why:   "quote_id: this quote has expired; ask for a new one",
			},
			"made for another protocol": {quote: func(q *store.Quote) { q.Context = "sep6" }, why: "quote_id: this quote was made for sep6"},
			"of another asset": {
				quote: func(q *store.Quote) { q.SellAsset = "stellar:USDC:" + stranger },
				why:   "quote_id: the quote sells stellar:USDC:" + stranger + ", not stellar:USDC:" + issuer,
			},
			"for another amount":      {request: func(r *transactions.Request) { r.Amount = "100.01" }, why: "amount: the quote sells 100"},
			"for another destination": {request: func(r *transactions.Request) { r.DestinationAsset = "iso4217:EUR" }, why: "destination_asset: the quote is for iso4217:BRL"},
			"for another delivery":    {quote: func(q *store.Quote) { q.BuyDeliveryMethod = "PIX" }, why: "funding_method: the quote is for PIX"},
		} {
			t.Run(name, func(t *testing.T) {
				change := row.quote
				if change == nil {
					change = func(*store.Quote) {}
				}
				r := quoted(w.quote(t, change))
				if row.request != nil {
					row.request(&r)
				}
				_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
				requireCode(t, anchor.CodeInvalid, err)
				require.EqualError(t, err, row.why)
			})
		}
	}, exchanging)
}

func TestCreate_wants_a_method_that_delivers_what_a_quote_buys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.changeAsset(t, func(a *store.Asset) error {
			a.Sep38Enabled = true
			return a.SetMethods([]string{"SEPA", "SWIFT"})
		})
		r := quoted(w.quote(t))
		r.FundingMethod = "SWIFT"
		_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.EqualError(t, err, "funding_method: SWIFT does not deliver iso4217:BRL")
		r.FundingMethod = "SEPA"
		_, err = w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
	}, exchanging)
}

func TestCreate_leaves_the_price_open_without_a_firm_quote(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.exchangeAll(t)
		r := hundred()
		r.DestinationAsset = "iso4217:BRL"
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		got, err := w.service.Get(t.Context(), w.admit(t, sending), created.ID)
		require.NoError(t, err)
		require.Equal(t, "iso4217:BRL", got.AmountOutAsset)
		require.Equal(t, "100", got.AmountIn)
		require.Empty(t, got.AmountOut, "it follows from the price of the moment in which the payment arrives")
		require.Empty(t, got.AmountFee)
		require.Nil(t, got.FeeDetails)
		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.True(t, row.Unpriced)
		require.EqualValues(t, 2, row.OutDecimals)
	}, exchanging)
}

func TestCreate_refuses_a_destination_that_cannot_be_reached(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.exchangeAll(t)
		for destination, why := range map[string]string{
			"iso4217:EUR":             "destination_asset: USDC cannot be exchanged for it here; see SEP-38 GET /prices",
			"iso4217:XXX":             "destination_asset: USDC cannot be exchanged for it here; see SEP-38 GET /prices",
			"BRL":                     "destination_asset: USDC cannot be exchanged for it here; see SEP-38 GET /prices",
			"stellar:USDC:" + sending: "destination_asset: USDC cannot be exchanged for it here; see SEP-38 GET /prices",
		} {
			r := hundred()
			r.DestinationAsset = destination
			_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
			requireCode(t, anchor.CodeInvalid, err)
			require.EqualError(t, err, why)
		}
		w.changeAsset(t, func(a *store.Asset) error { return a.SetMethods([]string{"SEPA", "SWIFT"}) })
		r := hundred()
		r.DestinationAsset, r.FundingMethod = "iso4217:BRL", "SWIFT"
		_, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.EqualError(t, err, "funding_method: SWIFT does not deliver iso4217:BRL")
	}, exchanging, forgetful)
}

func TestCreate_demands_a_firm_quote_where_one_can_be_had_and_is_required(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		_, err := w.service.Create(t.Context(), w.admit(t, sending), hundred())
		require.NoError(t, err, "nobody exchanges this asset")
		w.exchangeAll(t)
		for _, destination := range []string{"", "iso4217:BRL"} {
			r := hundred()
			r.DestinationAsset = destination
			_, err = w.service.Create(t.Context(), w.admit(t, sending), r)
			require.EqualError(t, err, "quote_id is missing: a firm quote is needed, see SEP-38 POST /quote")
		}
		_, err = w.service.Create(t.Context(), w.admit(t, sending), quoted(w.quote(t)))
		require.NoError(t, err)
		info, err := w.service.Info(t.Context(), "")
		require.NoError(t, err)
		require.True(t, info[0].QuotesSupported)
		require.True(t, info[0].QuotesRequired)
	}, exchanging, forgetful, func(d *transactions.Deps) { d.Options.QuotesRequired = true })
}

func TestTheBusinessCannotChangeTheFeeOfAQuote(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.receiver.post = func(p anchor.PostRequest) (anchor.Acceptance, error) {
			require.Equal(t, "505.25", p.Price.BuyAmount.String())
			fee := p.Fee
			return anchor.Acceptance{Fee: &fee}, nil
		}
		id := w.quote(t)
		_, err := w.service.Create(t.Context(), w.admit(t, sending), quoted(id))
		requireCode(t, anchor.CodeInternal, err)
		q, err := w.db.QuoteOf(t.Context(), sending, id)
		require.NoError(t, err)
		require.Empty(t, q.RedeemedBy, "a request that failed uses nothing up")
	}, exchanging)
}
