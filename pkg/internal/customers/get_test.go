package customers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// Checks 22-31 of the conformance suite that are about what is answered; those about HTTP are with package sep12.

func TestSuite_24_a_customer_can_be_created(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) { d.register(plain(account())) })
}

func TestSuite_25_memos_differentiate_customers_of_one_account(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		one := d.mustPut(withMemo(owner, "1"), customers.Put{Who: customers.Who{Memo: "1", MemoType: "id"}, Values: adaSender()})
		two := d.mustPut(withMemo(owner, "2"), customers.Put{Who: customers.Who{Memo: "2", MemoType: "id"}, Values: adaSender()})
		require.NotEqual(t, one, two)
	})
}

func TestSuite_27_a_new_customer_needs_information_and_has_no_id(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		v := d.mustGet(plain(account()), customers.Query{Type: sender})
		require.Empty(t, v.ID)
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, anchor.Field{Type: anchor.FieldString, Description: "given name"}, v.Fields["first_name"])
		require.Equal(t, anchor.FieldDate, v.Fields["birth_date"].Type, "the type that SEP-9 gives a field where the business says none")
		require.Empty(t, v.Provided)
	})
}

func TestSuite_28_and_29_a_customer_is_found_by_id_and_by_the_token_alone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "1")
		id := d.register(who)
		for name, q := range map[string]customers.Query{"by id": {Who: customers.Who{ID: id}}, "by token": {}} {
			v := d.mustGet(who, q)
			require.Equal(t, id, v.ID, name)
			require.Equal(t, anchor.CustomerAccepted, v.Status, name)
			require.Equal(t, "given name", v.Provided["first_name"].Description, name)
		}
	})
}

func TestSuite_29_by_the_token_alone_a_customer_is_seen_in_the_role_it_is_known_for(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestSuite_31_a_customer_is_deleted_by_its_account(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		d.mustPut(plain(owner), customers.Put{Who: customers.Who{Account: owner}, Values: adaSender()})
		require.NotEmpty(t, d.mustGet(plain(owner), customers.Query{Who: customers.Who{Account: owner}}).ID)
		require.NoError(t, d.Delete(t.Context(), plain(owner), customers.Delete{Account: owner}))
		require.Empty(t, d.mustGet(plain(owner), customers.Query{Who: customers.Who{Account: owner}}).ID)
	})
}

func TestACustomer_named_by_a_hash_memo_and_put_without_a_type_as_the_demo_wallet_does_is_accepted_in_both_roles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		user := customers.Who{Account: owner, MemoType: "hash", Memo: "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}
		asked := d.mustGet(plain(owner), customers.Query{Who: user, Type: receiver})
		require.Contains(t, asked.Fields, "bank_account_number")

		id := d.mustPut(plain(owner), customers.Put{Who: user, Values: adaReceiver()})
		v := d.mustGet(plain(owner), customers.Query{Who: customers.Who{ID: id}, Type: receiver})
		require.Equal(t, anchor.CustomerAccepted, v.Status, "the type of a GET comes after the values")

		c, err := d.ForTransaction(t.Context(), owner, id, receiver)
		require.NoError(t, err)
		require.Equal(t, anchor.CustomerAccepted, c.Status())
		require.Equal(t, anchor.CustomerNeedsInfo, c.Statuses[sender], "the same customer stands elsewhere in another role")
		require.Equal(t, "Ada", c.Value("given_name"))
	})
}

func TestForTransaction_judges_a_customer_for_a_type_it_was_never_judged_for(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		id := d.mustPut(withMemo(owner, "2"), customers.Put{Values: adaReceiver()})
		c, err := d.ForTransaction(t.Context(), owner, id, receiver)
		require.NoError(t, err, "a transaction is authorized by the base account")
		require.Equal(t, anchor.CustomerAccepted, c.Status())

		_, err = d.ForTransaction(t.Context(), account(), id, receiver)
		d.requireCode(anchor.CodeNotFound, err)
	})
}

func TestAnAcceptedCustomer_is_never_asked_for_required_fields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.mustPut(who, customers.Put{Values: map[string]string{"first_name": "Ada"}})
		require.NoError(t, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerAccepted}, "operator:eve"))
		v := d.mustGet(who, customers.Query{})
		require.Equal(t, anchor.CustomerAccepted, v.Status)
		for name, field := range v.Fields {
			require.True(t, field.Optional, name)
		}
	})
}

func TestAMemo_is_one_user_however_it_is_written(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		hexed := strings.Repeat("ab", 32)
		same := map[string][]customers.Who{
			"id":   {{Memo: "7"}, {Memo: "7", MemoType: "id"}, {Memo: "007", MemoType: "id"}},
			"hash": {{Memo: hexed, MemoType: "hash"}, {Memo: "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", MemoType: "hash"}},
			"text": {{Memo: "7", MemoType: "text"}},
		}
		ids := map[string]bool{}
		for kind, spellings := range same {
			id := d.mustPut(plain(owner), customers.Put{Who: spellings[0], Values: adaSender()})
			for _, who := range spellings {
				require.Equal(t, id, d.mustGet(plain(owner), customers.Query{Who: who}).ID, kind)
			}
			ids[id] = true
		}
		require.Len(t, ids, 3, "memos of different types are different users")
		d.requireSame(plain(owner), customers.Who{Memo: "7"}, withMemo(owner, "7"), customers.Who{})
		d.requireSame(plain(owner), customers.Who{Memo: "7"}, muxed(t, owner, 7, "7"), customers.Who{})
	})
}

func (d *desk) requireSame(a anchor.SendingAnchor, aWho customers.Who, b anchor.SendingAnchor, bWho customers.Who) {
	d.Helper()
	require.Equal(d, d.mustGet(a, customers.Query{Who: aWho}).ID, d.mustGet(b, customers.Query{Who: bWho}).ID)
}

func TestIdentity_parameters_that_are_wrong_are_refused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, other := account(), account()
		big := muxedAddress(t, owner, 1<<63+5)
		for name, c := range map[string]struct {
			caller anchor.SendingAnchor
			who    customers.Who
			code   anchor.Code
		}{
			"another account":                       {plain(owner), customers.Who{Account: other}, anchor.CodeForbidden},
			"an account that is none":               {plain(owner), customers.Who{Account: "GABC"}, anchor.CodeInvalid},
			"a muxed account that is none":          {plain(owner), customers.Who{Account: "MABC"}, anchor.CodeInvalid},
			"a muxed account by its base account":   {plain(owner), customers.Who{Account: big}, anchor.CodeForbidden},
			"a muxed account of another number":     {withMemo(owner, "5"), customers.Who{Account: big}, anchor.CodeForbidden},
			"a memo that the token does not name":   {withMemo(owner, "5"), customers.Who{Memo: "6"}, anchor.CodeForbidden},
			"a hash where the token names a number": {withMemo(owner, "5"), customers.Who{Memo: strings.Repeat("ab", 32), MemoType: "hash"}, anchor.CodeForbidden},
			"an unknown memo type":                  {plain(owner), customers.Who{Memo: "5", MemoType: "return"}, anchor.CodeInvalid},
			"a negative id":                         {plain(owner), customers.Who{Memo: "-5", MemoType: "id"}, anchor.CodeInvalid},
			"an id beyond 64 bits":                  {plain(owner), customers.Who{Memo: "18446744073709551616"}, anchor.CodeInvalid},
			"a hash that is too short":              {plain(owner), customers.Who{Memo: "q6ur", MemoType: "hash"}, anchor.CodeInvalid},
			"a text of 29 bytes":                    {plain(owner), customers.Who{Memo: strings.Repeat("x", 29), MemoType: "text"}, anchor.CodeInvalid},
			"a memo with a zero byte":               {plain(owner), customers.Who{Memo: "a\x00b", MemoType: "text"}, anchor.CodeInvalid},
			"an id that is no text":                 {plain(owner), customers.Who{ID: "\xff"}, anchor.CodeInvalid},
			"an endless id":                         {plain(owner), customers.Who{ID: strings.Repeat("a", 1000)}, anchor.CodeInvalid},
			"an unknown id":                         {plain(owner), customers.Who{ID: store.NewID()}, anchor.CodeNotFound},
			"an id that is not one of ours":         {plain(owner), customers.Who{ID: "not-an-id"}, anchor.CodeNotFound},
			"nobody":                                {anchor.SendingAnchor{}, customers.Who{}, anchor.CodeUnauthenticated},
		} {
			_, err := d.Get(t.Context(), c.caller, customers.Query{Who: c.who})
			require.Equal(t, c.code, anchor.CodeOf(err), "GET with %s: %v", name, err)
			_, err = d.Put(t.Context(), c.caller, customers.Put{Who: c.who, Values: adaSender()})
			require.Equal(t, c.code, anchor.CodeOf(err), "PUT with %s: %v", name, err)
		}
		list, err := d.db.Customers(t.Context(), store.CustomerFilter{})
		require.NoError(t, err)
		require.Empty(t, list, "a refused request leaves nothing behind")
	})
}

func TestAToken_with_a_memo_may_repeat_it_and_its_accounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, number := account(), uint64(1<<63+5)
		caller := muxed(t, owner, number, "9223372036854775813")
		id := d.register(caller)
		for name, who := range map[string]customers.Who{
			"memo": {Memo: "9223372036854775813"}, "base account": {Account: owner}, "its own account": {Account: muxedAddress(t, owner, number)}, "id": {ID: id},
		} {
			require.Equal(t, id, d.mustGet(caller, customers.Query{Who: who}).ID, name)
		}
	})
}

func TestMuxedAccounts_are_refused_where_they_are_switched_off(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t), customers.RefuseMuxed())
	owner := account()
	_, err := d.Get(t.Context(), muxed(t, owner, 5, "5"), customers.Query{})
	d.requireCode(anchor.CodeInvalid, err)
	_, err = d.Get(t.Context(), withMemo(owner, "5"), customers.Query{Who: customers.Who{Account: muxedAddress(t, owner, 5)}})
	d.requireCode(anchor.CodeInvalid, err)
}

func TestATransactionID_needs_a_type_and_a_transaction_of_the_callers_account(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, stranger := account(), account()
		id := d.mustPut(plain(owner), customers.Put{Type: receiver, Values: adaReceiver()})
		deal := d.agree(d.asset(), owner, id, 1)

		v := d.mustGet(withMemo(owner, "9"), customers.Query{Type: receiver, TransactionID: deal.ID})
		require.Equal(t, id, v.ID, "who stands on a side is known to every user of the account")
		_, err := d.Get(t.Context(), plain(owner), customers.Query{TransactionID: deal.ID})
		d.requireCode(anchor.CodeInvalid, err)
		_, err = d.Get(t.Context(), plain(stranger), customers.Query{Type: receiver, TransactionID: deal.ID})
		d.requireCode(anchor.CodeNotFound, err)
		_, err = d.Put(t.Context(), plain(stranger), customers.Put{Type: receiver, TransactionID: deal.ID, Values: adaReceiver()})
		d.requireCode(anchor.CodeNotFound, err)
		_, err = d.Get(t.Context(), plain(owner), customers.Query{Type: receiver, TransactionID: "not-an-id"})
		d.requireCode(anchor.CodeNotFound, err)
	})
}

func TestAnUnknownType_is_refused_and_leaves_nothing_behind(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		_, err := d.Get(t.Context(), who, customers.Query{Type: "wizard"})
		d.requireCode(anchor.CodeInvalid, err)
		_, err = d.Put(t.Context(), who, customers.Put{Type: "wizard", Values: adaSender()})
		d.requireCode(anchor.CodeInvalid, err)
		require.Empty(t, d.mustGet(who, customers.Query{}).ID)

		id := d.register(who)
		_, err = d.Get(t.Context(), who, customers.Query{Who: customers.Who{ID: id}, Type: "wizard"})
		d.requireCode(anchor.CodeInvalid, err)
		_, err = d.ForTransaction(t.Context(), who.Account, id, "wizard")
		d.requireCode(anchor.CodeInvalid, err)
	})
}

func TestALanguage_is_passed_on_wherever_texts_are_made_for_the_client(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	who := plain(account())
	d.mustGet(who, customers.Query{Lang: "de"})
	require.Equal(t, []string{"de"}, d.business.langs, "of somebody unknown")
	d.mustPut(who, customers.Put{Lang: "pt", Values: adaSender()})
	require.Equal(t, "pt", d.business.langs[1], "of a new customer")
	d.mustPut(who, customers.Put{Type: receiver, Lang: "fr", Values: adaReceiver()})
	require.Contains(t, d.business.langs, "fr")
	d.mustGet(who, customers.Query{Type: receiver, Lang: "es"})
	require.Equal(t, "es", d.business.langs[len(d.business.langs)-1])
}
