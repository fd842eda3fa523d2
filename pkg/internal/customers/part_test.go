package customers_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// withhold makes a transaction that waits for its sender and its receiver before its memo is given out.
func (d *desk) withhold(owner string) store.Transaction {
	d.Helper()
	a := d.asset()
	var t store.Transaction
	t.ID, t.OwnerAccount, t.AssetID, t.AssetCode, t.AssetIssuer = store.NewID(), owner, a.ID, a.Code, a.Issuer
	t.Decimals, t.FeePercent, t.ExpectedUnits, t.ReceivingAccount, t.MemoType = 7, "0", 10_0000000, a.ReceivingAccount, "id"
	t.OutUnits, t.OutDecimals, t.OutAsset = 10_0000000, 7, "stellar:USDC:"+a.Issuer
	require.NoError(d, t.Want([]string{sender}, []string{receiver}))
	d.tx(func(ctx context.Context, tx *store.Tx) (err error) {
		t, err = tx.CreateTransaction(ctx, t, anchor.Change{Cause: anchor.CauseRequested, Actor: "test"})
		return err
	})
	require.True(d, t.Withheld())
	return t
}

func of(t store.Transaction, customerType string) customers.Query {
	return customers.Query{TransactionID: t.ID, Type: customerType}
}

func with(t store.Transaction, customerType string, values map[string]string) customers.Put {
	return customers.Put{TransactionID: t.ID, Type: customerType, Values: values}
}

func TestKYC_after_POST_a_memo_is_given_out_once_both_people_were_given_and_accepted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "7")
		deal := d.withhold(who.Account)
		v := d.mustGet(who, of(deal, sender))
		require.Empty(t, v.ID)
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Contains(t, v.Fields, "last_name")

		id := d.mustPut(who, with(deal, sender, map[string]string{"first_name": "Ada"}))
		v = d.mustGet(who, of(deal, sender))
		require.Equal(t, id, v.ID)
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(deal.ID).Status)
		require.Equal(t, id, d.mustPut(who, with(deal, sender, map[string]string{"last_name": "Lovelace"})))
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, of(deal, sender)).Status)
		require.Equal(t, anchor.StatusPendingReceiver, d.transaction(deal.ID).Status)
		require.False(t, d.transaction(deal.ID).Published())
		require.Empty(t, d.mustGet(who, of(deal, receiver)).ID, "nobody is on the other side")

		other := d.mustPut(who, with(deal, receiver, adaReceiver()))
		require.NotEqual(t, id, other)
		done := d.transaction(deal.ID)
		require.Equal(t, anchor.StatusPendingSender, done.Status)
		require.True(t, done.Published())
		require.Equal(t, []string{id, other}, []string{done.SenderID.String, done.ReceiverID.String})

		require.Equal(t, other, d.mustPut(who, with(deal, receiver, adaReceiver())), "the same request again means the same person")
		require.Equal(t, done, d.transaction(deal.ID))
		require.Empty(t, d.mustGet(who, customers.Query{}).ID, "the user of the token was never meant")
	})
}

func TestSomebody_who_was_accepted_before_is_named_by_id_or_memo_and_gives_nothing_anew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		one := d.mustPut(plain(owner), customers.Put{Who: customers.Who{Memo: "1"}, Type: sender, Values: adaSender()})
		two := d.mustPut(plain(owner), customers.Put{Who: customers.Who{Memo: "2"}, Type: receiver, Values: adaReceiver()})
		deal := d.withhold(owner)
		byID := with(deal, sender, nil)
		byID.ID = one
		require.Equal(t, one, d.mustPut(plain(owner), byID))
		byMemo := with(deal, receiver, nil)
		byMemo.Memo = "2"
		require.Equal(t, two, d.mustPut(plain(owner), byMemo))
		require.True(t, d.transaction(deal.ID).Published())

		third := with(d.withhold(owner), receiver, adaReceiver())
		third.Memo = "3"
		id := d.mustPut(plain(owner), third)
		require.Equal(t, id, d.mustGet(plain(owner), customers.Query{Who: customers.Who{Memo: "3"}}).ID, "made as that user")
	})
}

func TestSomebody_else_can_be_named_until_the_memo_is_given_out(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		deal := d.withhold(owner.Account)
		first := d.mustPut(owner, with(deal, sender, adaSender()))
		instead := d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "5"}, Type: sender, Values: adaSender()})
		named := with(deal, sender, nil)
		named.ID = instead
		require.Equal(t, instead, d.mustPut(owner, named))
		require.Equal(t, instead, d.mustGet(owner, of(deal, sender)).ID)
		d.mustPut(owner, with(deal, receiver, adaReceiver()))
		done := d.transaction(deal.ID)
		require.True(t, done.Published())

		for name, who := range map[string]customers.Who{"by id": {ID: first}, "by memo": {Memo: "6"}} {
			late := with(deal, sender, map[string]string{"last_name": "Byron"})
			late.Who = who
			_, err := d.Put(t.Context(), owner, late)
			require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "%s: %v", name, err)
		}
		require.Equal(t, done, d.transaction(deal.ID))
		require.Empty(t, d.mustGet(owner, customers.Query{Who: customers.Who{Memo: "6"}}).ID)
		d.mustPut(owner, named)
	})
}

func TestWhatATransaction_demands_beyond_the_type_holds_its_memo_back(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		id := d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "1"}, Type: sender, Values: adaSender()})
		large, small := d.withhold(owner.Account), d.withhold(owner.Account)
		d.business.mu.Lock()
		d.business.demands = func(about *anchor.Transaction) map[string]anchor.Field {
			if about.ID != large.ID {
				return nil
			}
			require.Equal(t, "10", about.AmountIn)
			return map[string]anchor.Field{"id_number": {Description: "number of the passport"}}
		}
		d.business.mu.Unlock()
		values := adaReceiver()
		values["id_number"] = "2"
		d.mustPut(owner, with(large, receiver, values))
		d.mustPut(owner, with(small, receiver, adaReceiver()))

		query := of(large, sender)
		query.ID = id
		v := d.mustGet(owner, query)
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Contains(t, v.Fields, "id_number")

		named := with(small, sender, nil)
		named.ID = id
		d.mustPut(owner, named)
		require.True(t, d.transaction(small.ID).Published())
		named.TransactionID = large.ID
		d.mustPut(owner, named)
		require.False(t, d.transaction(large.ID).Published())
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(large.ID).Status)
		d.mustPut(owner, customers.Put{Who: customers.Who{ID: id}, Values: map[string]string{"city": "Berlin"}})
		require.False(t, d.transaction(large.ID).Published(), "values given without a word about the transaction are judged with it")
		d.mustPut(owner, customers.Put{Who: customers.Who{ID: id}, Values: map[string]string{"id_number": "1"}})
		require.True(t, d.transaction(large.ID).Published())
	})
}

func TestWhatATransaction_demanded_that_is_gone_keeps_nobody_waiting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		id := d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "1"}, Type: sender, Values: adaSender()})
		large, small := d.withhold(owner.Account), d.withhold(owner.Account)
		d.business.mu.Lock()
		d.business.demands = func(about *anchor.Transaction) map[string]anchor.Field {
			if about.ID != large.ID {
				return nil
			}
			return map[string]anchor.Field{"id_number": {Description: "number of the passport"}}
		}
		d.business.mu.Unlock()
		named := with(large, sender, nil)
		named.ID = id
		d.mustPut(owner, named)
		require.Equal(t, anchor.CustomerNeedsInfo, d.mustGet(owner, customers.Query{Who: customers.Who{ID: id}}).Status)
		d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "2"}, TransactionID: large.ID, Type: sender, Values: adaSender()})

		named.TransactionID = small.ID
		d.mustPut(owner, named)
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(owner, customers.Query{Who: customers.Who{ID: id}}).Status)
		require.Equal(t, id, d.transaction(small.ID).SenderID.String)
	})
}

func TestADecision_of_an_operator_lets_the_waiting_transaction_follow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		deal := d.withhold(owner.Account)
		d.business.answer(verdict(anchor.CustomerProcessing, ""))
		one, two := d.mustPut(owner, with(deal, sender, adaSender())), d.mustPut(owner, with(deal, receiver, adaReceiver()))
		d.decide(one, sender, anchor.CustomerAccepted)
		require.False(t, d.transaction(deal.ID).Published())
		d.decide(two, receiver, anchor.CustomerAccepted)
		require.True(t, d.transaction(deal.ID).Published())
	})
}

func TestRequests_about_both_people_at_once_give_the_memo_out_once(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		deal := d.withhold(owner.Account)
		group, ctx := errgroup.WithContext(t.Context())
		ids := make([]string, 8)
		for i := range ids {
			group.Go(func() error {
				p := with(deal, sender, adaSender())
				if i%2 == 1 {
					p = with(deal, receiver, adaReceiver())
				}
				id, err := d.Put(ctx, owner, p)
				if tolerable(err) != nil {
					return fmt.Errorf("request %d: %w", i, err)
				}
				ids[i] = id
				return nil
			})
		}
		require.NoError(t, group.Wait())
		done := d.transaction(deal.ID)
		require.True(t, done.Published())
		published := 0
		events, err := d.db.History(t.Context(), store.SubjectTransaction, deal.ID)
		require.NoError(t, err)
		for _, event := range events {
			if event.Kind == string(anchor.CausePublished) {
				published++
			}
		}
		require.Equal(t, 1, published)
		for i, id := range ids {
			if id != "" {
				require.Equal(t, []string{done.SenderID.String, done.ReceiverID.String}[i%2], id)
			}
		}
	})
}

func TestSides_that_cannot_be_named_are_refused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner, stranger := plain(account()), plain(account())
		deal, foreign := d.withhold(owner.Account), d.withhold(stranger.Account)
		theirs := d.register(stranger)
		for name, c := range map[string]struct {
			put  customers.Put
			code anchor.Code
		}{
			"no type":                        {with(deal, "", adaSender()), anchor.CodeInvalid},
			"a type that nobody wants":       {with(deal, "wizard", adaSender()), anchor.CodeInvalid},
			"a transaction of somebody else": {with(foreign, sender, adaSender()), anchor.CodeNotFound},
			"an unknown transaction":         {customers.Put{TransactionID: store.NewID(), Type: sender, Values: adaSender()}, anchor.CodeNotFound},
			"a customer of somebody else":    {customers.Put{Who: customers.Who{ID: theirs}, TransactionID: deal.ID, Type: sender}, anchor.CodeNotFound},
			"an id that is none":             {customers.Put{TransactionID: "\x00", Type: sender}, anchor.CodeInvalid},
		} {
			_, err := d.Put(t.Context(), owner, c.put)
			require.Equal(t, c.code, anchor.CodeOf(err), "%s: %v", name, err)
			_, err = d.Get(t.Context(), owner, customers.Query{Who: c.put.Who, TransactionID: c.put.TransactionID, Type: c.put.Type})
			require.Equal(t, c.code, anchor.CodeOf(err), "%s: %v", name, err)
		}
		require.Equal(t, deal, d.transaction(deal.ID))
	})
}

func TestACustomer_who_was_deleted_leaves_its_side_to_another(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		deal := d.withhold(owner.Account)
		named := with(deal, sender, adaSender())
		named.Memo = "1"
		gone := d.mustPut(owner, named)
		require.NoError(t, d.Delete(t.Context(), owner, customers.Delete{Memo: "1"}))
		require.Empty(t, d.mustGet(owner, of(deal, sender)).ID)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(deal.ID).Status)
		next := d.mustPut(owner, with(deal, sender, adaSender()))
		require.NotEqual(t, gone, next)
		require.Equal(t, next, d.transaction(deal.ID).SenderID.String)
	})
}
