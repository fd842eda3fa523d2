package customers_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// agreements are the accounts that a business has agreed with.
type agreements struct {
	mu   sync.Mutex
	with map[string]bool
	err  error
}

func (a *agreements) make(accounts ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, account := range accounts {
		a.with[account] = true
	}
}

func (a *agreements) admit(_ context.Context, who anchor.SendingAnchor) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || a.with[who.Account] {
		return a.err
	}
	return anchor.RefuseAs(anchor.CodeForbidden, "invalid sending account")
}

// eachBounded runs a test on both databases with a desk that nobody has an agreement with yet.
func eachBounded(t *testing.T, q customers.Quota, test func(t *testing.T, d *desk, a *agreements)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := &agreements{with: map[string]bool{}}
		test(t, newDesk(t, db, customers.Strangers(a.admit, q)), a)
	})
}

var roomy = customers.Quota{Accounts: 100, Customers: 3, Bytes: 10_000}

func user(memo int) customers.Who { return customers.Who{Memo: strconv.Itoa(memo), MemoType: "id"} }

// requireOver wants a refusal that names the bound and says what to do.
func (d *desk) requireOver(code anchor.Code, names string, err error) {
	d.Helper()
	d.requireCode(code, err)
	require.ErrorContains(d, err, names)
	require.ErrorContains(d, err, "ask the business for one")
}

func TestAStranger_registers_a_few_customers_and_no_more(t *testing.T) {
	t.Parallel()
	eachBounded(t, roomy, func(t *testing.T, d *desk, a *agreements) {
		who, partner := plain(account()), plain(account())
		a.make(partner.Account)
		for memo := range 3 {
			d.mustPut(who, customers.Put{Who: user(memo), Values: adaSender()})
		}
		calls := d.business.calls()
		_, err := d.Put(t.Context(), who, customers.Put{Who: user(3), Values: adaSender()})
		d.requireOver(anchor.CodeForbidden, "3 customers", err)
		require.Equal(t, calls, d.business.calls())
		_, err = d.Get(t.Context(), who, customers.Query{Who: user(3), Type: sender})
		require.NoError(t, err, "everybody may still ask what is needed")
		d.mustPut(who, customers.Put{Who: user(2), Values: map[string]string{"city": "Berlin"}})
		for memo := range 10 {
			d.mustPut(partner, customers.Put{Who: user(memo), Values: adaSender()})
		}
		d.register(plain(account()))
	})
}

func TestAStranger_who_deletes_a_customer_may_register_another(t *testing.T) {
	t.Parallel()
	eachBounded(t, customers.Quota{Accounts: 10, Customers: 1, Bytes: 10_000}, func(t *testing.T, d *desk, _ *agreements) {
		who := plain(account())
		first := d.register(who)
		_, err := d.Put(t.Context(), who, customers.Put{Who: user(1), Values: adaSender()})
		d.requireOver(anchor.CodeForbidden, "1 customers", err)
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{Account: who.Account}))
		require.NotEqual(t, first, d.mustPut(who, customers.Put{Who: user(1), Values: adaSender()}))
	})
}

func TestAStranger_keeps_few_bytes_whether_as_values_or_as_files(t *testing.T) {
	t.Parallel()
	eachBounded(t, roomy, func(t *testing.T, d *desk, a *agreements) {
		who := plain(account())
		large := strings.Repeat("x", 4000)
		d.mustPut(who, customers.Put{Values: map[string]string{"first_name": "Ada", "address": large}})
		_, err := d.Put(t.Context(), who, customers.Put{Values: map[string]string{"employer_address": large}})
		d.requireOver(anchor.CodeTooLarge, "10000 bytes", err)
		require.NotContains(t, d.mustGet(who, customers.Query{}).Provided, "employer_address", "nothing of the request is kept")
		_, err = d.AddFile(t.Context(), who, photo(5000))
		d.requireOver(anchor.CodeTooLarge, "10000 bytes", err)
		f, err := d.AddFile(t.Context(), who, photo(2000))
		require.NoError(t, err)
		_, err = d.AddFile(t.Context(), who, photo(3000))
		d.requireOver(anchor.CodeTooLarge, "10000 bytes", err)

		d.mustPut(who, customers.Put{Values: map[string]string{"photo_id_front_file_id": f.ID}})
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{Account: who.Account}))
		_, err = d.AddFile(t.Context(), who, photo(9000))
		require.NoError(t, err, "what is deleted weighs nothing")

		partner := plain(account())
		a.make(partner.Account)
		_, err = d.AddFile(t.Context(), partner, photo(50_000))
		require.NoError(t, err)
		d.mustPut(partner, customers.Put{Values: map[string]string{"address": large, "employer_address": large, "city": large}})
	})
}

func TestStrangers_altogether_have_so_many_places_however_many_accounts_log_in(t *testing.T) {
	t.Parallel()
	eachBounded(t, customers.Quota{Accounts: 3, Customers: 3, Bytes: 10_000}, func(t *testing.T, d *desk, a *agreements) {
		there := plain(account())
		d.register(there)
		d.register(plain(account()))
		_, err := d.AddFile(t.Context(), plain(account()), photo(100))
		require.NoError(t, err)
		late := plain(account())
		_, err = d.Put(t.Context(), late, customers.Put{Values: adaSender()})
		d.requireOver(anchor.CodeForbidden, "at most 3 such accounts", err)
		_, err = d.AddFile(t.Context(), late, photo(100))
		d.requireOver(anchor.CodeForbidden, "at most 3 such accounts", err)
		d.mustPut(there, customers.Put{Who: user(1), Values: adaSender()})

		a.make(late.Account)
		d.register(late)
		a.make(there.Account)
		d.mustPut(there, customers.Put{Who: user(2), Values: adaSender()})
		d.register(plain(account())) // whoever gets an agreement leaves a place to others
	})
}

func TestManyRequests_of_strangers_at_once_do_not_pass_the_bounds(t *testing.T) {
	t.Parallel()
	eachBounded(t, customers.Quota{Accounts: 8, Customers: 3, Bytes: 10_000}, func(t *testing.T, d *desk, _ *agreements) {
		one := plain(account())
		var ofOne, accounts atomic.Int64
		var group sync.WaitGroup
		count := func(n *atomic.Int64, err error) {
			switch {
			case err == nil:
				n.Add(1)
			case anchor.CodeOf(err) != anchor.CodeForbidden:
				t.Errorf("unexpected: %v", err)
			}
		}
		for memo := range 16 {
			group.Go(func() {
				_, err := d.Put(t.Context(), one, customers.Put{Who: user(memo), Values: adaSender()})
				count(&ofOne, err)
			})
		}
		group.Wait()
		require.EqualValues(t, 3, ofOne.Load())
		for range 4 {
			for range 8 {
				group.Go(func() {
					_, err := d.Put(t.Context(), plain(account()), customers.Put{Values: adaSender()})
					count(&accounts, err)
				})
			}
			group.Wait()
		}
		require.GreaterOrEqual(t, accounts.Load(), int64(7))
		require.LessOrEqual(t, accounts.Load(), int64(7+8), "at most those that came at the same moment")
	})
}

func TestAStranger_changes_things_so_often_a_day_because_history_stays(t *testing.T) {
	t.Parallel()
	eachBounded(t, customers.Quota{Accounts: 10, Customers: 1, Bytes: 10_000}, func(t *testing.T, d *desk, a *agreements) {
		who := plain(account())
		for range 5 {
			d.register(who)
			d.register(who) // the same again changes nothing, and is not counted
			d.mustPut(who, customers.Put{Values: map[string]string{"city": "Berlin"}})
			require.NoError(t, d.Delete(t.Context(), who, customers.Delete{Account: who.Account}))
			require.NoError(t, d.Sweep(t.Context()))
		}
		_, err := d.Put(t.Context(), who, customers.Put{Values: adaSender()})
		d.requireOver(anchor.CodeForbidden, "10 things in a day", err)
		a.make(who.Account)
		d.register(who)
	})
}

func TestWhether_there_is_an_agreement_must_be_known_before_anything_is_kept(t *testing.T) {
	t.Parallel()
	eachBounded(t, roomy, func(t *testing.T, d *desk, a *agreements) {
		a.err = errors.New("the list cannot be read")
		who := plain(account())
		_, err := d.Put(t.Context(), who, customers.Put{Values: adaSender()})
		d.requireCode(anchor.CodeInternal, err)
		_, err = d.AddFile(t.Context(), who, photo(100))
		d.requireCode(anchor.CodeInternal, err)
		_, err = d.Get(t.Context(), who, customers.Query{Type: sender})
		require.NoError(t, err)
		a.err = nil
		d.register(who)
	})
}

func TestNobody_is_bounded_where_everybody_is_admitted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, customers.Strangers(func(context.Context, anchor.SendingAnchor) error { return nil }, customers.Quota{}))
		d.register(plain(account()))
		_, err := d.AddFile(t.Context(), plain(account()), photo(100_000))
		require.NoError(t, err)
	})
}
