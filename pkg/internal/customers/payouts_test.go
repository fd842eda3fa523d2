package customers_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// paid is a funded transaction of a receiver who was accepted, its payout ready.
func (d *desk) paid() (who anchor.SendingAnchor, id string, deal store.Transaction) {
	d.Helper()
	who = plain(account())
	id = d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
	deal = d.fund(d.agree(d.asset(), who.Account, id, 1))
	require.Equal(d, anchor.PayoutReady, d.payout(deal.ID).State)
	return who, id, deal
}

func TestAPayout_does_not_leave_by_a_bank_account_that_was_changed_and_not_judged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who, _, deal := d.paid()
		d.business.answer(down)
		_, err := d.Put(t.Context(), who, customers.Put{Values: map[string]string{"bank_account_number": "MULE"}})
		require.ErrorIs(t, err, errDown)
		p := d.payout(deal.ID)
		require.Equal(t, anchor.PayoutWaiting, p.State)
		require.Equal(t, anchor.WaitsForKYC, p.WaitsFor)
		d.business.answer(nil)
		d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": "MULE"}})
		require.Equal(t, anchor.PayoutReady, d.payout(deal.ID).State)
	})
}

func TestWhatARailNeeds_is_asked_of_the_customer_and_its_answer_frees_the_payout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who, id, deal := d.paid()
		d.tx(func(ctx context.Context, tx *store.Tx) error {
			locked, err := tx.LockTransaction(ctx, deal.ID)
			if err != nil {
				return err
			}
			before, err := tx.CustomerVersion(ctx, id)
			if err != nil {
				return err
			}
			err = tx.NeedCustomerInfo(ctx, id, receiver, []anchor.Need{
				{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "no such account"},
				{Of: anchor.PartyReceiver, Field: "clabe_number", Description: "CLABE", Choices: []string{"1", "2"}},
			}, "execute-outgoing")
			if err != nil {
				return err
			}
			after, err := tx.CustomerVersion(ctx, id)
			require.Greater(t, after, before)
			if err != nil {
				return err
			}
			_, err = tx.Reconsider(ctx, locked, "execute-outgoing", "the rail needs information")
			return err
		})
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(deal.ID).Status)
		v := d.mustGet(who, customers.Query{Type: receiver, TransactionID: deal.ID})
		require.Equal(t, anchor.CustomerNeedsInfo, v.Status)
		require.Equal(t, anchor.Field{Type: anchor.FieldString, Description: "CLABE", Choices: []string{"1", "2"}}, v.Fields["clabe_number"])
		require.Contains(t, v.Fields, "bank_account_number")
		require.NotContains(t, v.Provided, "clabe_number")
		require.Equal(t, "no such account", v.Provided["bank_account_number"].Error)

		asked := d.transaction(deal.ID)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, asked.Status)
		d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": "2"}})
		require.Equal(t, asked, d.transaction(deal.ID), "one of two: nothing moves, and nobody is called back")
		d.mustPut(who, customers.Put{Values: map[string]string{"clabe_number": "1"}})
		require.Equal(t, anchor.StatusPendingReceiver, d.transaction(deal.ID).Status)
		require.Equal(t, anchor.PayoutReady, d.payout(deal.ID).State)
	})
}

func TestAnOperator_decides_and_payouts_follow_at_once(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(verdict(anchor.CustomerProcessing, "under review"))
		id := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		deal := d.fund(d.agree(d.asset(), who.Account, id, 1))
		require.Equal(t, anchor.PayoutWaiting, d.payout(deal.ID).State)

		list, err := d.db.Customers(t.Context(), store.CustomerFilter{Status: anchor.CustomerProcessing})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, id, list[0].ID)

		accept := anchor.Verdict{Type: receiver, Status: anchor.CustomerAccepted}
		require.NoError(t, d.SetStatus(t.Context(), id, accept, "operator:eve"))
		require.Equal(t, anchor.PayoutReady, d.payout(deal.ID).State)
		events := d.history(id)
		require.Equal(t, "operator:eve", events[len(events)-1].Actor)
		require.Equal(t, string(anchor.CustomerAccepted), events[len(events)-1].ToStatus)

		require.NoError(t, d.SetStatus(t.Context(), id, accept, "operator:eve"))
		require.Equal(t, events, d.history(id), "the same decision again changes nothing")

		require.NoError(t, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerRejected, Message: "no"}, "operator:eve"))
		require.Equal(t, anchor.PayoutWaiting, d.payout(deal.ID).State)
	})
}

func TestAnOperator_does_not_accept_what_was_changed_since_it_was_looked_at(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		d.business.answer(verdict(anchor.CustomerProcessing, "under review"))
		id := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		deal := d.fund(d.agree(d.asset(), who.Account, id, 1))
		seen := func() int64 {
			list, err := d.db.Customers(t.Context(), store.CustomerFilter{Status: anchor.CustomerProcessing})
			require.NoError(t, err)
			require.Len(t, list, 1)
			return list[0].Version
		}
		before := seen()
		d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": "of somebody else"}})

		err := d.SetStatus(t.Context(), id, anchor.Verdict{Type: receiver, Version: before, Status: anchor.CustomerAccepted}, "operator:eve")
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		require.Equal(t, anchor.PayoutWaiting, d.payout(deal.ID).State)

		now := anchor.Verdict{Type: receiver, Version: seen(), Status: anchor.CustomerAccepted}
		require.NoError(t, d.SetStatus(t.Context(), id, now, "operator:eve"))
		require.Equal(t, anchor.PayoutReady, d.payout(deal.ID).State)
		require.NoError(t, d.SetStatus(t.Context(), id, now, "operator:eve"), "the same decision again changes nothing")
	})
}

func TestAnOperator_who_accepts_takes_back_what_a_rail_asked_for(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		d.tx(func(ctx context.Context, tx *store.Tx) error {
			return tx.NeedCustomerInfo(ctx, id, receiver, []anchor.Need{{Field: "clabe_number", Problem: "missing"}}, "execute-outgoing")
		})
		require.NoError(t, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerAccepted}, "operator:eve"))
		d.mustPut(who, customers.Put{Values: map[string]string{"bank_account_number": "2"}})
		require.Equal(t, anchor.CustomerAccepted, d.mustGet(who, customers.Query{}).Status)
	})
}

func TestDecisions_that_make_no_sense_are_refused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.register(who)
		d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		accept := anchor.Verdict{Status: anchor.CustomerAccepted, Type: sender}
		d.requireCode(anchor.CodeNotFound, d.SetStatus(t.Context(), store.NewID(), accept, "operator:eve"))
		d.requireCode(anchor.CodeInvalid, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerAccepted}, "operator:eve"))
		d.requireCode(anchor.CodeInvalid, d.SetStatus(t.Context(), id, anchor.Verdict{Status: "APPROVED", Type: sender}, "operator:eve"))
		d.requireCode(anchor.CodeInvalid, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerRejected, Type: sender}, "operator:eve"))
		d.requireCode(anchor.CodeInvalid, d.SetStatus(t.Context(), id, anchor.Verdict{Status: anchor.CustomerAccepted, Type: "wizard"}, "operator:eve"))
		d.requireCode(anchor.CodeInternal, d.SetStatus(t.Context(), id, accept, ""))
	})
}
