package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// passTime has what strangers and codes were counted in begin so many microseconds earlier.
func passTime(t *testing.T, db *store.DB, table, column string, us int64) {
	t.Helper()
	_, err := db.WriterPool().ExecContext(t.Context(), "UPDATE "+table+" SET "+column+" = "+column+" - $1 WHERE "+column+" > 0", us)
	require.NoError(t, err)
}

const dayUs = int64(24 * 3600 * 1e6)

func take(t *testing.T, db *store.DB, s store.Stranger) error {
	t.Helper()
	return db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.TakePlace(ctx, s) })
}

func TestAPlace_is_free_again_a_day_after_its_account_keeps_nothing_any_more(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := store.Stranger{Account: "GA", Places: 1, Changes: 2, Customers: 1, Bytes: 1}
		other := s
		other.Account = "GB"
		require.NoError(t, db.PlaceFor(t.Context(), s))
		require.NoError(t, take(t, db, s))
		require.NoError(t, db.PlaceFor(t.Context(), s))
		require.ErrorIs(t, db.PlaceFor(t.Context(), other), store.ErrNoPlace)
		require.ErrorIs(t, take(t, db, other), store.ErrNoPlace)
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerAccepted)

		passTime(t, db, "strangers", "since_us", dayUs)
		n, err := db.PrunePlaces(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "it has a customer")
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AdvanceCustomer(ctx, c, store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true})
			return err
		}))
		n, err = db.PrunePlaces(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		require.NoError(t, take(t, db, other))
	})
}

func TestChanges_of_a_stranger_are_counted_for_a_day(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := store.Stranger{Account: "GA", Places: 1, Changes: 2}
		require.NoError(t, take(t, db, s))
		require.NoError(t, take(t, db, s))
		require.ErrorIs(t, take(t, db, s), store.ErrManyChanges)
		passTime(t, db, "strangers", "since_us", dayUs)
		require.NoError(t, take(t, db, s))
		require.NoError(t, take(t, db, s))
		require.ErrorIs(t, take(t, db, s), store.ErrManyChanges)
	})
}

func TestCodes_that_a_field_was_sent_are_counted_for_an_hour(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerAccepted)
		judge := func(field store.JudgedField) (sent int64) {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				if c, err = tx.LockCustomer(ctx, c.ID); err != nil {
					return err
				}
				c, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
					Cause: store.CustomerJudged, Actor: "test", Fields: map[string]store.JudgedField{"first_name": field},
				})
				if err != nil {
					return err
				}
				fields, err := tx.FieldsOfCustomer(ctx, c.ID)
				if err != nil {
					return err
				}
				now, err := tx.Now(ctx)
				sent, _ = fields["first_name"].SentWithin(now)
				return err
			}))
			return sent
		}
		waits := store.JudgedField{Status: anchor.FieldVerificationRequired}
		withCode := waits
		withCode.Code = &store.NewCode{Text: "1", Tries: 5, Lifetime: time.Hour}
		require.EqualValues(t, 1, judge(waits))
		require.EqualValues(t, 1, judge(waits), "it waits already")
		require.EqualValues(t, 2, judge(withCode))
		require.EqualValues(t, 2, judge(store.JudgedField{Status: anchor.FieldAccepted}))
		passTime(t, db, "customer_fields", "codes_since_us", 3600*1e6)
		require.EqualValues(t, 1, judge(withCode), "an hour later")
	})
}
