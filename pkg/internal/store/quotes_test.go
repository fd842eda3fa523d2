package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/money"
)

const quoteOwner = "GOWNER"

func units(t testing.TB, n int64, decimals int) money.Amount {
	t.Helper()
	a, err := money.New(n, decimals)
	require.NoError(t, err)
	return a
}

func quotedPair(t testing.TB) anchor.Pair {
	t.Helper()
	buy, err := money.Fiat("BRL")
	require.NoError(t, err)
	return anchor.Pair{Sell: money.Native(), Buy: buy}
}

// quotedPrice is 100 lumens, 1 of them kept, for 495 reais.
func quotedPrice(t testing.TB) anchor.Price {
	t.Helper()
	return anchor.Price{
		SellAmount: units(t, 1_000_000_000, 7), BuyAmount: units(t, 49500, 2),
		Fee: anchor.Fee{Total: units(t, 10_000_000, 7), Details: []anchor.FeePart{
			{Name: "PIX fee", Description: "of the bank", Amount: units(t, 7_500_000, 7)}, {Name: "Service fee", Amount: units(t, 25, 2)},
		}},
	}
}

// quoted stores a quote that is good for as long as given, by the database's clock.
func quoted(t testing.TB, db *store.DB, lifetime time.Duration) store.Quote {
	t.Helper()
	var q store.Quote
	q.ID, q.OwnerAccount, q.Context, q.BuyDeliveryMethod, q.CountryCode = store.NewID(), quoteOwner, "sep31", "PIX", "BR"
	require.NoError(t, q.SetPrice(quotedPair(t), quotedPrice(t)))
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		q.ExpiresUs = now + lifetime.Microseconds()
		return tx.InsertQuote(ctx, q)
	}))
	return q
}

func redeem(ctx context.Context, db *store.DB, owner, id, transaction string) (store.Quote, error) {
	var q store.Quote
	err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		q, err = tx.RedeemQuote(ctx, owner, id, transaction)
		return err
	})
	return q, err
}

func TestAQuoteSaysWhatItWasStoredWith(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		stored := quoted(t, db, time.Hour)
		q, err := db.QuoteOf(t.Context(), quoteOwner, stored.ID)
		require.NoError(t, err)
		require.NotZero(t, q.CreatedUs)
		stored.CreatedUs = q.CreatedUs
		require.Equal(t, stored, q)

		pair, err := q.Pair()
		require.NoError(t, err)
		require.Equal(t, quotedPair(t), pair)
		price, err := q.Price()
		require.NoError(t, err)
		want := quotedPrice(t)
		want.Fee.Details[1].Amount = units(t, 2_500_000, 7) // with the decimals of the total
		require.Equal(t, want, price)
		require.Equal(t, stored.ExpiresUs, q.ExpiresAt().UnixMicro())
	})
}

func TestAQuoteWithoutPartsOfItsFeeHasNone(t *testing.T) {
	t.Parallel()
	var q store.Quote
	price := quotedPrice(t)
	price.Fee.Details = nil
	require.NoError(t, q.SetPrice(quotedPair(t), price))
	require.Empty(t, q.FeeDetails)
	again, err := q.Price()
	require.NoError(t, err)
	require.Equal(t, price, again)
}

func TestAQuoteIsRedeemedOnceByItsOwnerBeforeItExpires(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		good, expired := quoted(t, db, time.Hour), quoted(t, db, -time.Microsecond)

		_, err := redeem(t.Context(), db, "GSTRANGER", good.ID, "t1")
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.QuoteOf(t.Context(), "GSTRANGER", good.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = redeem(t.Context(), db, quoteOwner, "nothing", "t1")
		require.ErrorIs(t, err, store.ErrNotFound)

		q, err := redeem(t.Context(), db, quoteOwner, good.ID, "t1")
		require.NoError(t, err)
		require.Equal(t, "t1", q.RedeemedBy)
		_, err = redeem(t.Context(), db, quoteOwner, good.ID, "t2")
		require.ErrorIs(t, err, store.ErrQuoteRedeemed)
		_, err = redeem(t.Context(), db, "GSTRANGER", good.ID, "t2")
		require.ErrorIs(t, err, store.ErrNotFound, "a stranger does not even learn that it was redeemed")

		_, err = redeem(t.Context(), db, quoteOwner, expired.ID, "t3")
		require.ErrorIs(t, err, store.ErrQuoteExpired)
		left, err := db.QuoteOf(t.Context(), quoteOwner, expired.ID)
		require.NoError(t, err, "it can be looked at still")
		require.Empty(t, left.RedeemedBy)
	})
}

func TestAQuoteIsFreeAgainWhenItsTransactionIsRolledBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q, refused := quoted(t, db, time.Hour), errors.New("refused")
		require.ErrorIs(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RedeemQuote(ctx, quoteOwner, q.ID, "t1")
			require.NoError(t, err)
			return refused
		}), refused)
		_, err := redeem(t.Context(), db, quoteOwner, q.ID, "t2")
		require.NoError(t, err)
	})
}

func TestOfManyWhoRedeemAQuoteAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q := quoted(t, db, time.Hour)
		var won atomic.Int32
		group, ctx := errgroup.WithContext(t.Context())
		for range 16 {
			group.Go(func() error {
				_, err := redeem(ctx, db, quoteOwner, q.ID, store.NewID())
				if err == nil {
					won.Add(1)
					return nil
				}
				if !errors.Is(err, store.ErrQuoteRedeemed) {
					return err
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		require.EqualValues(t, 1, won.Load())
	})
}

func TestAQuoteIdIsTakenOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q := quoted(t, db, time.Hour)
		require.ErrorIs(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertQuote(ctx, q)
		}), store.ErrExists)
	})
}

func TestTheDatabaseRefusesQuotesThatMustNeverBe(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first, second := quoted(t, db, time.Hour), quoted(t, db, time.Hour)
		_, err := redeem(t.Context(), db, quoteOwner, first.ID, "t1")
		require.NoError(t, err)
		_, err = redeem(t.Context(), db, quoteOwner, second.ID, "t1")
		require.ErrorContains(t, err, "constraint", "two quotes for one transaction")
		for name, statement := range map[string]string{
			"nothing sold":      "UPDATE quotes SET sell_units = 0, fee_units = 0 WHERE id = $1",
			"nothing bought":    "UPDATE quotes SET buy_units = 0 WHERE id = $1",
			"a negative fee":    "UPDATE quotes SET fee_units = -1 WHERE id = $1",
			"all of it fee":     "UPDATE quotes SET fee_units = sell_units WHERE id = $1",
			"no time of expiry": "UPDATE quotes SET expires_us = 0 WHERE id = $1",
			"nineteen decimals": "UPDATE quotes SET buy_decimals = 19 WHERE id = $1",
		} {
			_, err := db.WriterPool().ExecContext(t.Context(), statement, second.ID)
			require.ErrorContains(t, err, "constraint", name)
		}
	})
}

func TestQuotesThatNobodyUsedAreForgottenAWhileAfterTheyExpired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		good, expired, longGone := quoted(t, db, time.Hour), quoted(t, db, -time.Minute), quoted(t, db, -time.Hour)
		n, err := db.PruneQuotes(t.Context(), 30*time.Minute)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		for _, q := range []store.Quote{good, expired} {
			_, err = db.QuoteOf(t.Context(), quoteOwner, q.ID)
			require.NoError(t, err)
		}
		_, err = db.QuoteOf(t.Context(), quoteOwner, longGone.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
