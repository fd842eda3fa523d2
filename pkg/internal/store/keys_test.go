package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// vault is a database that several processes open, each with master keys of its own.
type vault struct {
	*testing.T
	url string
}

func eachVault(t *testing.T, test func(v vault)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		v := vault{t, "sqlite:" + filepath.Join(t.TempDir(), "anchor.db")}
		storetest.Open(t, v.url)
		test(v)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(vault{t, storetest.PostgresURL(t)})
	})
}

// with opens the database as a process with these master keys; one id is always the same key.
func (v vault) with(ids ...string) *store.DB {
	v.Helper()
	var keys store.Keyring
	for _, id := range ids {
		var err error
		keys, err = keys.Add(id, bytes.Repeat([]byte(id[:1]), 32))
		require.NoError(v, err)
	}
	db, err := store.Open(v.Context(), store.Options{URL: v.url, Keys: keys, Unsafe: true})
	require.NoError(v, err)
	v.Cleanup(func() { require.NoError(v, db.Close()) })
	return db
}

// walk rewraps everything and returns how much that was and what was damaged.
func (v vault) walk(db *store.DB, limit int) (done int, damaged []string) {
	v.Helper()
	rewrap := db.NewRewrap()
	for {
		result, err := rewrap.Next(v.Context(), limit)
		require.NoError(v, err)
		if result.End {
			return done, damaged
		}
		done += result.Done
		damaged = append(damaged, result.Damaged...)
	}
}

// secrets is one of everything that lies under a master key.
type secrets struct {
	customer    store.Customer
	transaction store.Transaction
	file        store.CustomerFile
	bench       *bench
}

const seed = "a seed"

func (v vault) fill(db *store.DB, memo int) secrets {
	v.Helper()
	s := secrets{customer: person(v.T, db, store.Owner{Account: "GA", MemoType: "id", Memo: fmt.Sprint(memo)}, anchor.CustomerAccepted)}
	b := newBench(v.T, db)
	s.bench = b
	draft := b.draft()
	require.NoError(v, db.SealFields(&draft, map[string]string{"iban": "DE1"}))
	s.transaction = b.create(draft)
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		account, err := tx.ReceivingAccount(ctx, "GRECEIVING")
		if err != nil {
			return err
		}
		if _, err := tx.KeepSeed(ctx, account, seed); err != nil {
			return err
		}
		content := store.CustomerValue{Data: []byte("a photo"), ContentType: "image/png"}
		s.file, err = tx.AddFile(ctx, store.Owner{Account: "GA"}, content, time.Hour, store.FileRoom{Files: 9, Bytes: 999})
		return err
	})
	return s
}

func (v vault) requireReadable(db *store.DB, s secrets) {
	v.Helper()
	c, err := db.CustomerByID(v.Context(), s.customer.ID)
	require.NoError(v, err)
	values, err := db.CustomerValues(v.Context(), c)
	require.NoError(v, err)
	require.Equal(v, map[string]string{"first_name": "Ada"}, values)
	t, err := db.TransactionByID(v.Context(), s.transaction.ID)
	require.NoError(v, err)
	fields, err := db.OpenFields(t)
	require.NoError(v, err)
	require.Equal(v, map[string]string{"iban": "DE1"}, fields)
	kept, err := db.Seed(v.Context(), "GRECEIVING")
	require.NoError(v, err)
	require.Equal(v, seed, kept)
	require.NoError(v, db.Tx(v.Context(), func(ctx context.Context, tx *store.Tx) error {
		content, err := tx.FileContent(ctx, s.file)
		require.Equal(v, "a photo", string(content.Data))
		return err
	}))
}

func (v vault) uses(db *store.DB) []store.KeyUse {
	v.Helper()
	uses, err := db.KeysInUse(v.Context())
	require.NoError(v, err)
	return uses
}

func TestRewrap_leaves_nothing_under_another_key_and_touches_nothing_else(t *testing.T) {
	t.Parallel()
	eachVault(t, func(v vault) {
		old := v.with("old")
		s := v.fill(old, 1)
		b := &bench{T: v.T, db: old}
		before := append(b.rows("SELECT * FROM customer_fields ORDER BY name"), b.rows("SELECT * FROM events ORDER BY subject_id, seq")...)
		versions := b.rows("SELECT version, updated_us FROM customers UNION ALL SELECT version, updated_us FROM transactions")

		both := v.with("new", "old")
		require.Equal(v, []store.KeyUse{
			{ID: "new", Known: true}, {ID: "old", Known: true, Customers: 1, Transactions: 1, Files: 1, Seeds: 1},
		}, v.uses(both))
		done, damaged := v.walk(both, 1)
		require.Equal(v, 4, done)
		require.Empty(v, damaged)
		require.Equal(v, []store.KeyUse{
			{ID: "new", Known: true, Customers: 1, Transactions: 1, Files: 1, Seeds: 1}, {ID: "old", Known: true},
		}, v.uses(both))

		v.requireReadable(both, s)
		v.requireReadable(v.with("new"), s)
		_, err := old.Seed(v.Context(), "GRECEIVING")
		require.ErrorIs(v, err, store.ErrNoKey)
		require.Equal(v, before, append(b.rows("SELECT * FROM customer_fields ORDER BY name"), b.rows("SELECT * FROM events ORDER BY subject_id, seq")...))
		require.Equal(v, versions, b.rows("SELECT version, updated_us FROM customers UNION ALL SELECT version, updated_us FROM transactions"))
		done, _ = v.walk(both, 1)
		require.Zero(v, done, "a second time there is nothing to do")
	})
}

func TestRewrap_of_a_key_that_is_not_there_changes_nothing(t *testing.T) {
	t.Parallel()
	eachVault(t, func(v vault) {
		s := v.fill(v.with("old"), 1)
		stranger := v.with("new")
		_, err := stranger.NewRewrap().Next(v.Context(), 100)
		require.ErrorIs(v, err, store.ErrNoKey)
		require.ErrorContains(v, err, `"old"`)
		_, err = v.with().NewRewrap().Next(v.Context(), 100)
		require.ErrorIs(v, err, store.ErrNoKey)
		require.Equal(v, []store.KeyUse{
			{ID: "new", Known: true}, {ID: "old", Customers: 1, Transactions: 1, Files: 1, Seeds: 1},
		}, v.uses(stranger))
		v.requireReadable(v.with("old"), s)
	})
}

func TestRewrap_goes_past_what_is_damaged_and_names_it(t *testing.T) {
	t.Parallel()
	eachVault(t, func(v vault) {
		old := v.with("old")
		var last store.Customer
		for memo := range 3 {
			last = person(v.T, old, store.Owner{Account: "GA", MemoType: "id", Memo: fmt.Sprint(memo)}, anchor.CustomerAccepted)
			if memo == 1 {
				(&bench{T: v.T, db: old}).must("UPDATE customers SET sealed_key = 'AAAA' WHERE id = $1", last.ID)
			}
		}
		done, damaged := v.walk(v.with("new", "old"), 2)
		require.Equal(v, 2, done)
		require.Len(v, damaged, 1)
		require.Contains(v, damaged[0], "customers/")
		_, err := v.with("new").CustomerValues(v.Context(), (&bench{T: v.T, db: old}).person(last.ID))
		require.NoError(v, err)
	})
}

func (b *bench) person(id string) store.Customer {
	b.Helper()
	c, err := b.db.CustomerByID(b.Context(), id)
	require.NoError(b, err)
	return c
}

// erase deletes a customer and destroys what is kept of it.
func erase(ctx context.Context, db *store.DB, id string) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.LockCustomer(ctx, id)
		if err != nil {
			return err
		}
		_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{Cause: store.CustomerDeleted, Actor: "test", Delete: true})
		return err
	})
	if err != nil {
		return err
	}
	erased, err := db.EraseCustomer(ctx, id, 0, "test")
	if err == nil && !erased {
		err = errors.New("it is not erased")
	}
	return err
}

func TestRewrap_brings_no_key_back_that_was_destroyed_or_changed_meanwhile(t *testing.T) {
	t.Parallel()
	const customers, accounts = 0, 3
	eachVault(t, func(v vault) {
		both := v.with("new", "old")
		s := v.fill(v.with("old"), 1)
		b := &bench{T: v.T, db: both}
		result, err := both.NewRewrap().NextWhile(v.Context(), customers, func() { require.NoError(v, erase(v.Context(), both, s.customer.ID)) })
		require.NoError(v, err)
		require.Zero(v, result.Done)
		require.Zero(v, b.count("SELECT count(*) FROM customers WHERE sealed_key <> '' OR key_id <> ''"), "what is erased stays erased")

		result, err = both.NewRewrap().NextWhile(v.Context(), accounts, func() {
			b.tx(func(ctx context.Context, tx *store.Tx) error {
				account, err := tx.ReceivingAccount(ctx, "GRECEIVING")
				if err != nil {
					return err
				}
				_, err = tx.KeepSeed(ctx, account, "another seed")
				return err
			})
		})
		require.NoError(v, err)
		require.Zero(v, result.Done)
		kept, err := both.Seed(v.Context(), "GRECEIVING")
		require.NoError(v, err)
		require.Equal(v, "another seed", kept)
	})
}

// Everything that happens to customers and transactions happens at once, in a process that still wraps under the old key and
// in one that wraps under the new one, while two walks go on and on.
func TestRewrap_is_safe_while_everything_runs(t *testing.T) {
	t.Parallel()
	eachVault(t, func(v vault) {
		const people, rounds = 12, 8
		before, after := v.with("old", "new"), v.with("new", "old")
		first := v.fill(before, 0)
		var ids, paid []string
		for memo := 1; memo <= people; memo++ {
			ids = append(ids, person(v.T, before, store.Owner{Account: "GA", MemoType: "id", Memo: fmt.Sprint(memo)}, anchor.CustomerAccepted).ID)
			draft := first.bench.draft()
			require.NoError(v, before.SealFields(&draft, map[string]string{"iban": "DE1"}))
			paid = append(paid, first.bench.create(draft).ID)
		}
		working, stop := context.WithCancel(v.Context())
		var walks, work errgroup.Group
		for range 2 {
			walks.Go(func() error { return walkUntil(working, after) })
		}
		for i := range ids {
			db := []*store.DB{before, after}[i%2]
			work.Go(func() error {
				if err := changeOften(v.Context(), db, ids[i], rounds); err != nil || !erasedAtEnd(i) {
					return err
				}
				return erase(v.Context(), db, ids[i])
			})
			work.Go(func() error { return noteOften(v.Context(), db, paid[i], rounds) })
		}
		require.NoError(v, work.Wait())
		stop()
		require.NoError(v, walks.Wait())
		v.requireSettled(after, first, ids, paid)
	})
}

// requireSettled walks once more, and then wants everything to be readable without the old key, and what is erased gone.
func (v vault) requireSettled(db *store.DB, first secrets, people, paid []string) {
	v.Helper()
	_, damaged := v.walk(db, 5)
	require.Empty(v, damaged)
	require.Zero(v, v.uses(db)[1].Total())
	alone := v.with("new")
	v.requireReadable(alone, first)
	b := &bench{T: v.T, db: alone}
	for i, id := range people {
		if erasedAtEnd(i) {
			require.EqualValues(v, 1, b.count("SELECT count(*) FROM customers WHERE id = $1 AND sealed_key = '' AND key_id = ''", id))
			continue
		}
		values, err := alone.CustomerValues(v.Context(), b.person(id))
		require.NoError(v, err)
		require.Equal(v, "Ada", values["first_name"])
		fields, err := alone.OpenFields(b.reload(paid[i]))
		require.NoError(v, err)
		require.Equal(v, map[string]string{"iban": "DE1"}, fields)
	}
}

func erasedAtEnd(i int) bool { return i%3 == 2 }

// changeOften gives values and reads them back, as requests do.
func changeOften(ctx context.Context, db *store.DB, id string, rounds int) error {
	for range rounds {
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.CustomerByID(ctx, id)
			if err != nil {
				return err
			}
			given := map[string]store.CustomerValue{"first_name": {Data: []byte("Ada")}}
			_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{Cause: store.CustomerGave, Actor: "test", Values: given})
			return err
		})
		if err != nil {
			return err
		}
		c, err := db.CustomerByID(ctx, id)
		if err != nil {
			return err
		}
		if _, err := db.CustomerValues(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// noteOften changes a transaction, whose row is written with its key.
func noteOften(ctx context.Context, db *store.DB, id string, rounds int) error {
	for range rounds {
		err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			t, err := tx.LockTransaction(ctx, id)
			if err != nil {
				return err
			}
			fields, err := db.OpenFields(t)
			if err != nil {
				return err
			}
			if err := db.SealFields(&t, fields); err != nil {
				return err
			}
			_, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func walkUntil(ctx context.Context, db *store.DB) error {
	for ctx.Err() == nil {
		rewrap := db.NewRewrap()
		for result := (store.Rewrapped{}); !result.End; {
			var err error
			if result, err = rewrap.Next(ctx, 5); errors.Is(err, context.Canceled) {
				return nil
			} else if err != nil {
				return err
			}
			if len(result.Damaged) > 0 {
				return fmt.Errorf("damaged: %v", result.Damaged)
			}
		}
	}
	return nil
}
