package customers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
)

// intruders are callers who must not reach the customer that M…(owner, 1) registered, each named after what would happen.
func intruders(t *testing.T, owner string) map[string]anchor.SendingAnchor {
	other := account()
	return map[string]anchor.SendingAnchor{
		"another sending anchor takes over a customer by its id":                      plain(other),
		"another sending anchor takes over a customer by the same memo":               withMemo(other, "1"),
		"another sending anchor takes over a customer by the same number":             muxed(t, other, 1, "1"),
		"one user of a custodian reads another user of the same account by its memo":  withMemo(owner, "2"),
		"muxed accounts of one custodian share a customer":                            muxed(t, owner, 2, "2"),
		"a number whose upper half is cut off reaches the customer of another number": muxed(t, owner, 1<<32+1, "4294967297"),
	}
}

func TestOwnership_prevents_that(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		user := muxed(t, owner, 1, "1")
		id := d.mustPut(user, customers.Put{Type: receiver, Values: adaReceiver()})
		for name, intruder := range intruders(t, owner) {
			t.Run(name, func(t *testing.T) {
				d := &desk{t, d.db, d.business, d.Service}
				by := customers.Who{ID: id}
				_, err := d.Get(t.Context(), intruder, customers.Query{Who: by})
				d.requireCode(anchor.CodeNotFound, err)
				_, err = d.Get(t.Context(), intruder, customers.Query{Who: by, Type: receiver})
				d.requireCode(anchor.CodeNotFound, err)
				require.Empty(t, d.mustGet(intruder, customers.Query{}).ID)

				_, err = d.Put(t.Context(), intruder, customers.Put{Who: by, Values: map[string]string{"bank_account_number": "STOLEN"}})
				d.requireCode(anchor.CodeNotFound, err)
				_, err = d.Put(t.Context(), intruder, customers.Put{
					Who: customers.Who{Account: owner, Memo: "1"}, Values: map[string]string{"bank_account_number": "STOLEN"},
				})
				d.requireCode(anchor.CodeForbidden, err)

				d.requireCode(anchor.CodeNotFound, d.Delete(t.Context(), intruder, customers.Delete{}))
				d.requireCode(anchor.CodeNotFound, d.Delete(t.Context(), intruder, customers.Delete{Account: owner, Memo: "1"}))
				if intruder.Account != owner {
					_, err = d.ForTransaction(t.Context(), intruder.Account, id, receiver)
					d.requireCode(anchor.CodeNotFound, err)
				}
			})
		}
		c, err := d.ForTransaction(t.Context(), owner, id, receiver)
		require.NoError(t, err)
		require.Equal(t, adaReceiver(), c.Values, "nobody overwrote where the money goes")
		require.Empty(t, d.business.deleted)
	})
}

func TestASendingAnchor_without_a_memo_sees_all_users_of_its_account(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		id := d.register(withMemo(owner, "1"))
		require.Equal(t, id, d.mustGet(plain(owner), customers.Query{Who: customers.Who{ID: id}}).ID)
		require.Equal(t, id, d.mustGet(plain(owner), customers.Query{Who: customers.Who{Memo: "1"}}).ID)
		require.Empty(t, d.mustGet(plain(owner), customers.Query{}).ID, "the account itself is another customer")
		_, err := d.Get(t.Context(), plain(owner), customers.Query{Who: customers.Who{ID: id, Memo: "2"}})
		d.requireCode(anchor.CodeNotFound, err)
	})
}

func TestAUser_with_a_memo_does_not_see_the_customer_of_the_account_itself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		id := d.register(plain(owner))
		_, err := d.Get(t.Context(), withMemo(owner, "0"), customers.Query{Who: customers.Who{ID: id}})
		d.requireCode(anchor.CodeNotFound, err)
	})
}

// The threads that Stellar's reference implementation had to mend, each with what it must not come to here.

func TestThread_1916_a_transaction_id_opens_no_customer_of_another_sending_anchor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, intruder := plain(account()), plain(account())
		deal := d.withhold(owner.Account)
		id := d.mustPut(owner, with(deal, receiver, adaReceiver()))
		for name, who := range map[string]customers.Who{"alone": {}, "with the id": {ID: id}, "with a memo": {Memo: "1"}} {
			_, err := d.Get(t.Context(), intruder, customers.Query{Who: who, TransactionID: deal.ID, Type: receiver})
			require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err), name)
			stolen := with(deal, receiver, map[string]string{"bank_account_number": "STOLEN"})
			stolen.Who = who
			_, err = d.Put(t.Context(), intruder, stolen)
			require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err), name)
		}
		c, err := d.ForTransaction(t.Context(), owner.Account, id, receiver)
		require.NoError(t, err)
		require.Equal(t, adaReceiver(), c.Values)
		require.Equal(t, id, d.transaction(deal.ID).ReceiverID.String)
	})
}

func TestThread_1946_an_id_does_not_let_another_overwrite_where_a_payout_goes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, id, deal := d.paid()
		intruder := plain(account())
		own := d.withhold(intruder.Account)
		f := d.mustAdd(intruder, photo(10))
		for name, p := range map[string]customers.Put{
			"by the id":                             {Who: customers.Who{ID: id}, Values: map[string]string{"bank_account_number": "STOLEN"}},
			"by the id and an own transaction":      {Who: customers.Who{ID: id}, TransactionID: own.ID, Type: receiver, Values: map[string]string{"bank_account_number": "STOLEN"}},
			"by the id and the transaction of both": {Who: customers.Who{ID: id}, TransactionID: deal.ID, Type: receiver, Values: map[string]string{"bank_account_number": "STOLEN"}},
			"by a file":                             {Who: customers.Who{ID: id}, Values: map[string]string{"photo_id_front_file_id": f.ID}},
			"by a code":                             {Who: customers.Who{ID: id}, Values: map[string]string{"mobile_number_verification": "1"}},
		} {
			_, err := d.Put(t.Context(), intruder, p)
			require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err), name)
		}
		c, err := d.ForTransaction(t.Context(), owner.Account, id, receiver)
		require.NoError(t, err)
		require.Equal(t, adaReceiver(), c.Values)
		require.Equal(t, anchor.PayoutReady, d.payout(deal.ID).State)
		require.Empty(t, d.transaction(own.ID).ReceiverID.String)
	})
}

func TestThread_1930_muxed_customers_of_one_custodian_share_no_customer_and_no_file(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		one, two := muxed(t, owner, 1, "1"), muxed(t, owner, 2, "2")
		first, second := d.register(one), d.register(two)
		require.NotEqual(t, first, second)
		_, err := d.Get(t.Context(), two, customers.Query{Who: customers.Who{ID: first}})
		d.requireCode(anchor.CodeNotFound, err)
		require.Empty(t, d.filesOf(two, d.mustAdd(one, photo(10)).ID, ""))
		d.requireCode(anchor.CodeNotFound, customers.New(d.db, d.business, nil, anyAddress()).SetCallback(t.Context(), two, customers.Who{ID: first}, "https://x.test/"))
		_, err = d.Verify(t.Context(), two, customers.Put{Who: customers.Who{ID: first}, Values: code("1")})
		d.requireCode(anchor.CodeNotFound, err)
	})
}
