package payouts_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

// prices answers every question for a price as a test says.
type prices struct {
	anchor.QuoteIntegration
	mu     sync.Mutex
	asked  []anchor.PriceRequest
	answer func(anchor.PriceRequest) (anchor.Price, error)
}

func (p *prices) Price(_ context.Context, r anchor.PriceRequest) (anchor.Price, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	return p.answer(r)
}

// fiveToOne keeps 1 of what is sold and gives 5 for each of the rest.
func fiveToOne(r anchor.PriceRequest) (anchor.Price, error) {
	fee, err := money.Parse("1", r.SellDecimals)
	if err != nil {
		return anchor.Price{}, err
	}
	rest, err := r.SellAmount.Sub(fee)
	if err != nil {
		return anchor.Price{}, err
	}
	rate, err := money.ParseRate("5")
	if err != nil {
		return anchor.Price{}, err
	}
	buy, err := rate.Mul(rest, r.BuyDecimals, money.Down)
	return anchor.Price{
		SellAmount: *r.SellAmount, BuyAmount: buy,
		Fee: anchor.Fee{Total: fee, Details: []anchor.FeePart{{Name: "Service fee", Amount: fee}}},
	}, err
}

// unpriced funds a transaction whose price is open.
func unpriced(w *payoutstest.World) string {
	return w.FundedBy(1, func(t *store.Transaction, p *store.Payout) {
		t.Unpriced, t.FeeUnits, t.OutUnits, t.OutAsset = true, 0, 0, "iso4217:BRL"
		p.State, p.WaitsFor, p.AmountUnits, p.AmountAsset = anchor.PayoutWaiting, anchor.WaitsForPrice, 0, "iso4217:BRL"
	})[0]
}

// exchange is a payout engine with a bank and prices.
func exchange(db *store.DB, b *bank, p anchor.QuoteIntegration) *payouts.Service {
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: b}}, nil, payouts.Options{
		Quotes: p, RetryWait: payouts.Backoff{First: time.Nanosecond, Max: time.Nanosecond},
	})
}

func price(t *testing.T, s *payouts.Service) bool {
	t.Helper()
	worked, err := s.Price(t.Context(), t.Context())
	require.NoError(t, err)
	return worked
}

func TestAPayoutWithoutAFirmQuoteIsPricedOnceAndThenPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b, p := payoutstest.New(t, db), &bank{}, &prices{answer: fiveToOne}
		id := unpriced(w)
		s := exchange(db, b, p)
		_, err := s.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		require.Empty(t, b.sent(), "nothing leaves without a price")

		require.True(t, price(t, s))
		require.False(t, price(t, s), "once")
		require.Len(t, p.asked, 1)
		require.Equal(t, "100.00", p.asked[0].SellAmount.String())
		require.Equal(t, "sep31", p.asked[0].Context)
		got, err := w.Transaction(id).Public()
		require.NoError(t, err)
		require.Equal(t, []string{"100", "1", "495", "iso4217:BRL"}, []string{got.AmountIn, got.AmountFee, got.AmountOut, got.AmountOutAsset})
		require.Equal(t, []anchor.FeeDetail{{Name: "Service fee", Amount: "1"}}, got.FeeDetails.Details)

		_, err = s.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		require.Len(t, b.sent(), 1)
		require.Equal(t, "495.00", b.sent()[0].Amount)
		require.Equal(t, "iso4217:BRL", b.sent()[0].Asset)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestTheFirstOfTwoPricesCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, p := payoutstest.New(t, db), &prices{answer: fiveToOne}
		id := unpriced(w)
		var both sync.WaitGroup
		for range 4 {
			both.Go(func() { price(t, exchange(db, &bank{}, p)) })
		}
		both.Wait()
		history, err := db.History(t.Context(), store.SubjectTransaction, id)
		require.NoError(t, err)
		fixed := 0
		for _, e := range history {
			if e.Reason == "the price was fixed" && e.Kind == string(anchor.CauseNoted) {
				fixed++
			}
		}
		require.Equal(t, 1, fixed)
	})
}

func TestAPriceThatTheBusinessRefusesKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		refused := w.FundedBy(1, func(t *store.Transaction, p *store.Payout) {
			t.Unpriced, t.FundingMethod = true, "bad"
			p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForPrice
		})[0]
		good := unpriced(w)
		s := exchange(db, &bank{}, &prices{answer: func(r anchor.PriceRequest) (anchor.Price, error) {
			if r.BuyDeliveryMethod == "bad" {
				return anchor.Price{}, anchor.Refuse("upstream said \x00\xff")
			}
			return fiveToOne(r)
		}})
		price(t, s)
		require.False(t, w.Transaction(good).Unpriced)
		require.Equal(t, anchor.WaitsForOperator, w.Payout(refused).WaitsFor)
	})
}

// deaf does not heed its context.
type deaf struct {
	anchor.QuoteIntegration
	release chan struct{}
}

func (d deaf) Price(context.Context, anchor.PriceRequest) (anchor.Price, error) {
	<-d.release
	return anchor.Price{}, errors.New("too late")
}

func TestABusinessThatNeverAnswersDoesNotHoldPricingUp(t *testing.T) {
	t.Parallel()
	w := payoutstest.New(t, storetest.SQLite(t))
	id := unpriced(w)
	hanging := deaf{release: make(chan struct{})}
	s := payouts.New(w.DB, nil, nil, payouts.Options{Quotes: hanging, RailTimeout: 50 * time.Millisecond, Lease: 10 * time.Second})
	price(t, s)
	require.Equal(t, anchor.WaitsForPrice, w.Payout(id).WaitsFor)
	require.EqualValues(t, 1, s.Counts().Abandoned)
	close(hanging.release)
	require.Eventually(t, func() bool { return s.Counts().Abandoned == 0 }, 5*time.Second, time.Millisecond)
}

func TestAPriceIsMadeWhateverTheKYCSaysAndThePayoutWaitsForIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b := payoutstest.New(t, db), &bank{}
		id := unpriced(w)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerProcessing, nil)
		require.Equal(t, anchor.WaitsForPrice, w.Payout(id).WaitsFor)
		s := exchange(db, b, &prices{answer: fiveToOne})
		price(t, s)
		require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
		_, err := s.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		require.Empty(t, b.sent())
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, nil)
		_, err = s.Execute(t.Context(), t.Context())
		require.NoError(t, err)
		require.Len(t, b.sent(), 1)
	})
}

func TestAPayoutThatNobodyCanPriceIsNotPaid(t *testing.T) {
	t.Parallel()
	zero := func(r anchor.PriceRequest) (anchor.Price, error) {
		p, err := fiveToOne(r)
		if err == nil {
			p.BuyAmount, err = money.New(0, r.BuyDecimals)
		}
		return p, err
	}
	for name, row := range map[string]struct {
		quotes anchor.QuoteIntegration
		waits  anchor.WaitsFor
	}{
		"the business cannot be asked now: later again": {
			&prices{answer: func(anchor.PriceRequest) (anchor.Price, error) { return anchor.Price{}, errors.New("down") }}, anchor.WaitsForPrice,
		},
		"the business panics: later again": {
			&prices{answer: func(anchor.PriceRequest) (anchor.Price, error) { panic("secret") }}, anchor.WaitsForPrice,
		},
		"nothing would be left to pay out": {&prices{answer: zero}, anchor.WaitsForPrice},
		"it is not exchanged any more: for an operator": {
			&prices{answer: func(anchor.PriceRequest) (anchor.Price, error) { return anchor.Price{}, anchor.Refuse("not today") }}, anchor.WaitsForOperator,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w, b := payoutstest.New(t, db), &bank{}
				id := unpriced(w)
				s := exchange(db, b, row.quotes)
				price(t, s)
				_, err := s.Execute(t.Context(), t.Context())
				require.NoError(t, err)
				require.Equal(t, row.waits, w.Payout(id).WaitsFor)
				require.Empty(t, b.sent())
				require.True(t, w.Transaction(id).Unpriced)
				w.RequireBooks(id)
				if row.waits == anchor.WaitsForOperator {
					return
				}
				for range 20 {
					price(t, s)
				}
				require.Equal(t, anchor.WaitsForOperator, w.Payout(id).WaitsFor, "somebody has to look into it")
				_, err = s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator", Reason: "mended"})
				require.NoError(t, err)
				require.Equal(t, anchor.WaitsForPrice, w.Payout(id).WaitsFor, "a retry does not pay without a price")
				price(t, s)
				require.Equal(t, anchor.WaitsForPrice, w.Payout(id).WaitsFor, "and asks as often as before")
			})
		})
	}
}
