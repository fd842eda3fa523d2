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

// settle makes a customer with texts and a photo, accepted as sep31-sender.
func settle(t *testing.T, db *store.DB, o store.Owner, name string) store.Customer {
	t.Helper()
	var c store.Customer
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = tx.CreateCustomer(ctx, o, "test"); err != nil {
			return err
		}
		c, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerGave, Actor: "test",
			Values: map[string]store.CustomerValue{
				"first_name": {Data: []byte(name)}, "photo": {Data: []byte{1, 2}, ContentType: "image/png"},
			},
			Statuses: map[string]store.DecidedStatus{
				"sep31-sender": {Status: anchor.CustomerAccepted}, "sep31-receiver": {Status: anchor.CustomerNeedsInfo},
			},
		})
		return err
	}))
	return c
}

func TestThePeopleOfATransactionAreReadAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		alice := settle(t, db, store.Owner{Account: "G", MemoType: "id", Memo: "1"}, "Alice")
		bob := settle(t, db, store.Owner{Account: "G", MemoType: "id", Memo: "2"}, "Bob")
		carol := settle(t, db, store.Owner{Account: "OTHER"}, "Carol")
		dave := settle(t, db, store.Owner{Account: "G", MemoType: "id", Memo: "3"}, "Dave")
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AdvanceCustomer(ctx, dave, store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true})
			return err
		}))

		person := func(c store.Customer, name string) *anchor.Customer {
			return &anchor.Customer{
				ID: c.ID, Version: c.Version, Values: map[string]string{"first_name": name},
				Statuses: map[string]anchor.CustomerStatus{"sep31-sender": anchor.CustomerAccepted, "sep31-receiver": anchor.CustomerNeedsInfo},
			}
		}
		for name, row := range map[string]struct {
			first, second string
			want          map[string]*anchor.Customer
		}{
			"two":            {alice.ID, bob.ID, map[string]*anchor.Customer{alice.ID: person(alice, "Alice"), bob.ID: person(bob, "Bob")}},
			"one":            {"", bob.ID, map[string]*anchor.Customer{bob.ID: person(bob, "Bob")}},
			"the same twice": {bob.ID, bob.ID, map[string]*anchor.Customer{bob.ID: person(bob, "Bob")}},
			"another's":      {carol.ID, alice.ID, map[string]*anchor.Customer{alice.ID: person(alice, "Alice")}},
			"a deleted one":  {dave.ID, "", map[string]*anchor.Customer{}},
			"nobody":         {"", "", map[string]*anchor.Customer{}},
		} {
			before := store.Before{KeyOwner: "G:", Key: "k", Account: "G", FirstID: row.first, SecondID: row.second}
			answer, people, err := db.AnswerOrPeople(t.Context(), before)
			require.NoError(t, err, name)
			require.Nil(t, answer, name)
			require.Equal(t, row.want, people, name)
		}
	})
}

func TestWhatWasAnsweredBeforeIsReadInsteadOfThePeople(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		alice := settle(t, db, store.Owner{Account: "G", MemoType: "id", Memo: "1"}, "Alice")
		first := store.Remembered{RequestHash: "h", Text: `{"id":"1"}`}
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.RememberAnswer(ctx, "G:", "k", first, time.Hour)
		}))
		for name, row := range map[string]struct {
			owner, key string
			want       *store.Remembered
		}{
			"the key":           {"G:", "k", &first},
			"another key":       {"G:", "l", nil},
			"another's same":    {"OTHER:", "k", nil},
			"none":              {"", "", nil},
			"nobody's same key": {"", "k", nil},
		} {
			answer, people, err := db.AnswerOrPeople(t.Context(), store.Before{KeyOwner: row.owner, Key: row.key, Account: "G", FirstID: alice.ID})
			require.NoError(t, err, name)
			require.Equal(t, row.want, answer, name)
			if row.want == nil {
				require.Contains(t, people, alice.ID, name)
			} else {
				require.Nil(t, people, name)
			}
		}
	})
}
