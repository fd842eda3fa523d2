package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// person makes a customer with one value and a status for the type "receiver".
func person(t *testing.T, db *store.DB, o store.Owner, status anchor.CustomerStatus) (c store.Customer) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = tx.CreateCustomer(ctx, o, "test"); err != nil {
			return err
		}
		c, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerGave, Actor: "test",
			Values: map[string]store.CustomerValue{
				"first_name": {Data: []byte("Ada")}, "photo_id_front": {Data: []byte{0xff}, ContentType: "image/png"},
			},
			Statuses: map[string]store.DecidedStatus{"receiver": {Status: status}},
		})
		return err
	}))
	return c
}

func need(db *store.DB, c store.Customer, needs ...anchor.Need) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NeedCustomerInfo(ctx, c.ID, "receiver", needs, "execute-outgoing")
		}))
	}
}

func TestACustomer_is_read_by_its_owner_only(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, o := t.Context(), store.Owner{Account: "GA", MemoType: "id", Memo: "1"}
		c := person(t, db, o, anchor.CustomerAccepted)
		for name, read := range map[string]func() (store.Customer, error){
			"account": func() (store.Customer, error) { return db.CustomerOf(ctx, "GA", c.ID) },
			"user":    func() (store.Customer, error) { return db.CustomerOfUser(ctx, o, c.ID) },
			"owner":   func() (store.Customer, error) { return db.CustomerByOwner(ctx, o) },
		} {
			got, err := read()
			require.NoError(t, err, name)
			require.Equal(t, c, got, name)
		}
		for name, read := range map[string]func() (store.Customer, error){
			"another account": func() (store.Customer, error) { return db.CustomerOf(ctx, "GB", c.ID) },
			"another user": func() (store.Customer, error) {
				return db.CustomerOfUser(ctx, store.Owner{Account: "GA", MemoType: "id", Memo: "2"}, c.ID)
			},
			"another memo type": func() (store.Customer, error) {
				return db.CustomerOfUser(ctx, store.Owner{Account: "GA", MemoType: "text", Memo: "1"}, c.ID)
			},
			"the account itself": func() (store.Customer, error) { return db.CustomerByOwner(ctx, store.Owner{Account: "GA"}) },
		} {
			_, err := read()
			require.ErrorIs(t, err, store.ErrNotFound, name)
		}
	})
}

func TestCustomerValues_are_texts_and_open_inside_and_outside_of_a_transaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerAccepted)
		want := map[string]string{"first_name": "Ada"}
		values, err := db.CustomerValues(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, want, values)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			values, err := tx.CustomerValues(ctx, c.ID)
			require.Equal(t, want, values)
			return err
		}))
	})
}

func TestAChangeOfACustomer_decided_on_an_old_version_is_stale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		old := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerAccepted)
		need(db, old, anchor.Need{Field: "first_name", Problem: "wrong"})(t)
		runs := 0
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if runs++; runs > 1 {
				return context.Canceled // run again, as it should be
			}
			_, err := tx.AdvanceCustomer(ctx, old, store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true})
			return err
		})
		require.ErrorIs(t, err, context.Canceled)
		_, err = db.CustomerByID(t.Context(), old.ID)
		require.NoError(t, err)
	})
}

func TestNeedCustomerInfo_keeps_a_rejection_and_passes_over_the_deleted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rejected := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerRejected)
		need(db, rejected, anchor.Need{Field: "given_name", Problem: "wrong"})(t)
		statuses, err := db.StatusesOfCustomer(t.Context(), rejected.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.CustomerRejected, statuses["receiver"].Status)
		fields, err := db.FieldsOfCustomer(t.Context(), rejected.ID)
		require.NoError(t, err)
		require.Equal(t, "wrong", fields["first_name"].Error, "by its canonical name")
		require.True(t, fields["first_name"].Given(), "the value stays")
		require.NotContains(t, fields, "given_name")

		gone := person(t, db, store.Owner{Account: "GB"}, anchor.CustomerAccepted)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AdvanceCustomer(ctx, gone, store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true})
			return err
		}))
		need(db, gone, anchor.Need{Field: "first_name", Problem: "wrong"})(t)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CustomerVersion(ctx, gone.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			status, err := tx.CustomerStatus(ctx, gone.ID, "receiver")
			require.Equal(t, anchor.CustomerNeedsInfo, status)
			return err
		}))
	})
}

func TestTheHistoryOfACustomer_has_one_line_for_each_version_with_names_and_statuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := person(t, db, store.Owner{Account: "GA"}, anchor.CustomerAccepted)
		need(db, c, anchor.Need{Field: "first_name", Problem: "wrong"})(t)
		events, err := db.History(t.Context(), store.SubjectCustomer, c.ID)
		require.NoError(t, err)
		require.Len(t, events, 3)
		for i, event := range events {
			require.EqualValues(t, i+1, event.Seq)
		}
		require.JSONEq(t, `{"given":["first_name","photo_id_front"],"statuses":[{"type":"receiver","to":"ACCEPTED"}]}`, events[1].Detail)
		require.JSONEq(t, `{"judged":["first_name"],"statuses":[{"type":"receiver","from":"ACCEPTED","to":"NEEDS_INFO"}]}`, events[2].Detail)
		require.Equal(t, "ACCEPTED", events[2].FromStatus)
		require.Equal(t, "NEEDS_INFO", events[2].ToStatus)
	})
}

func TestCustomers_are_listed_in_pages_without_parting_one(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 7 {
			c := person(t, db, store.Owner{Account: "GA", MemoType: "id", Memo: fmt.Sprint(i)}, anchor.CustomerProcessing)
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.AdvanceCustomer(ctx, c, store.CustomerChange{
					Cause: store.CustomerJudged, Actor: "test",
					Statuses: map[string]store.DecidedStatus{"sender": {Status: anchor.CustomerAccepted}},
				})
				return err
			}))
		}
		for status, want := range map[anchor.CustomerStatus]int{"": 14, anchor.CustomerProcessing: 7, anchor.CustomerRejected: 0} {
			seen, after := 0, ""
			for {
				page, err := db.Customers(t.Context(), store.CustomerFilter{Status: status, After: after, Limit: 3})
				require.NoError(t, err)
				if len(page) == 0 {
					break
				}
				seen += len(page)
				after = page[len(page)-1].ID
			}
			require.Equal(t, want, seen, string(status))
		}
	})
}
