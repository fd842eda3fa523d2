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

func TestNobody_takes_the_place_of_somebody_who_stands_on_a_side(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		deal := d.withhold(owner.Account)
		there := d.mustPut(owner, with(deal, sender, adaSender()))
		other := d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "5"}, Type: sender, Values: adaSender()})
		for range 2 {
			named := with(deal, sender, nil)
			named.ID = other
			_, err := d.Put(t.Context(), owner, named)
			require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "%v", err)
			require.Equal(t, there, d.transaction(deal.ID).SenderID.String)
			d.mustPut(owner, with(deal, receiver, adaReceiver()))
			require.True(t, d.transaction(deal.ID).Published(), "and once more after the memo was given out")
		}
		late := with(deal, sender, map[string]string{"last_name": "Byron"})
		late.Memo = "6"
		_, err := d.Put(t.Context(), owner, late)
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "%v", err)
		require.Empty(t, d.mustGet(owner, customers.Query{Who: customers.Who{Memo: "6"}}).ID)
		require.Equal(t, there, d.mustPut(owner, with(deal, sender, nil)), "the one who is there is always meant")
	})
}

func TestAToken_of_one_user_cannot_change_another_user_who_stands_on_a_side(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		seven, eight := withMemo(owner, "7"), withMemo(owner, "8")
		theirs := d.mustPut(eight, customers.Put{Type: receiver, Values: adaReceiver()})
		paid := d.fund(d.agree(d.asset(), owner, theirs, 77))
		for _, id := range []string{"", theirs} {
			evil := with(paid, receiver, map[string]string{"bank_account_number": "EVIL"})
			evil.ID = id
			_, err := d.Put(t.Context(), seven, evil)
			require.Equal(t, anchor.CodeNotFound, anchor.CodeOf(err), "%v", err)
		}
		row, err := d.db.CustomerByID(t.Context(), theirs)
		require.NoError(t, err)
		values, err := d.db.CustomerValues(t.Context(), row)
		require.NoError(t, err)
		require.Equal(t, adaReceiver()["bank_account_number"], values["bank_account_number"])
		require.Equal(t, theirs, d.mustPut(eight, with(paid, receiver, map[string]string{"city": "Berlin"})), "the user itself may")
		require.Equal(t, theirs, d.mustPut(plain(owner), with(paid, receiver, map[string]string{"city": "Paris"})), "and the account")
	})
}

// demandOf has the business demand a passport's number for one transaction only.
func (d *desk) demandOf(id string) {
	d.business.mu.Lock()
	defer d.business.mu.Unlock()
	d.business.demands = func(about *anchor.Transaction) map[string]anchor.Field {
		if about.ID != id {
			return nil
		}
		return map[string]anchor.Field{"id_number": {Description: "number of the passport"}}
	}
}

// demanding is a transaction with a demand of its own, whose receiver has met it.
func (d *desk) demanding(owner anchor.SendingAnchor) store.Transaction {
	deal := d.withhold(owner.Account)
	d.demandOf(deal.ID)
	values := adaReceiver()
	values["id_number"] = "2"
	d.mustPut(owner, with(deal, receiver, values))
	return deal
}

func TestWhatATransaction_demands_counts_however_its_customer_came_to_be_accepted(t *testing.T) {
	t.Parallel()
	registered := customers.Put{Who: customers.Who{Memo: "1"}, Type: sender, Values: adaSender()}
	naming := func(deal store.Transaction, id string) customers.Put {
		named := with(deal, sender, nil)
		named.ID = id
		return named
	}
	for name, accept := range map[string]func(*testing.T, *desk, anchor.SendingAnchor) store.Transaction{
		"named with the request": func(t *testing.T, d *desk, owner anchor.SendingAnchor) store.Transaction {
			id := d.mustPut(owner, registered)
			deal := d.withhold(owner.Account)
			d.tx(func(ctx context.Context, tx *store.Tx) error {
				row, err := tx.LockTransaction(ctx, deal.ID)
				if err != nil {
					return err
				}
				_, err = tx.Involve(ctx, row, store.SideSender, id, sender, "test")
				return err
			})
			d.demandOf(deal.ID)
			values := adaReceiver()
			values["id_number"] = "2"
			d.mustPut(owner, with(deal, receiver, values))
			return deal
		},
		"behind many others": func(t *testing.T, d *desk, owner anchor.SendingAnchor) store.Transaction {
			id := d.mustPut(owner, registered)
			for range 12 {
				d.mustPut(owner, naming(d.withhold(owner.Account), id))
			}
			deal := d.demanding(owner)
			d.mustPut(owner, naming(deal, id))
			d.mustPut(owner, customers.Put{Who: customers.Who{ID: id}, Values: map[string]string{"city": "Berlin"}})
			return deal
		},
		"decided later": func(t *testing.T, d *desk, owner anchor.SendingAnchor) store.Transaction {
			d.business.answer(verdict(anchor.CustomerProcessing, ""))
			id := d.mustPut(owner, registered)
			d.business.answer(nil)
			deal := d.demanding(owner)
			d.mustPut(owner, naming(deal, id))
			d.decide(id, sender, anchor.CustomerAccepted)
			return deal
		},
		"judged while it was named": func(t *testing.T, d *desk, owner anchor.SendingAnchor) store.Transaction {
			id := d.mustPut(owner, registered)
			deal := d.demanding(owner)
			var both errgroup.Group
			both.Go(func() error {
				_, err := d.Put(context.WithoutCancel(t.Context()), owner, naming(deal, id))
				return tolerable(err)
			})
			both.Go(func() error {
				for _, city := range []string{"Berlin", "Rome", "Paris", "Oslo"} {
					put := customers.Put{Who: customers.Who{ID: id}, Values: map[string]string{"city": city}}
					if _, err := d.Put(context.WithoutCancel(t.Context()), owner, put); tolerable(err) != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, both.Wait())
			return deal
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, d *desk) {
				owner := plain(account())
				deal := accept(t, d, owner)
				require.NoError(t, d.Sweep(t.Context()))
				require.False(t, d.transaction(deal.ID).Published())
				d.mustPut(owner, with(deal, sender, map[string]string{"id_number": "1"}))
				require.True(t, d.transaction(deal.ID).Published())
			})
		})
	}
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

func TestWhatATransaction_demands_keeps_nobody_waiting_elsewhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := plain(account())
		id := d.mustPut(owner, customers.Put{Who: customers.Who{Memo: "1"}, Type: sender, Values: adaSender()})
		large, small := d.demanding(owner), d.withhold(owner.Account)
		named := with(large, sender, nil)
		named.ID = id
		d.mustPut(owner, named)
		require.Equal(t, anchor.CustomerNeedsInfo, d.mustGet(owner, of(large, sender)).Status)
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(owner, customers.Query{Who: customers.Who{ID: id}}).Status)

		named.TransactionID = small.ID
		d.mustPut(owner, named)
		d.mustPut(owner, with(small, receiver, adaReceiver()))
		require.True(t, d.transaction(small.ID).Published())
		require.False(t, d.transaction(large.ID).Published())
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
