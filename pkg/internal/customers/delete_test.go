package customers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func (d *desk) requireGone(who anchor.SendingAnchor, id string) {
	d.Helper()
	require.Empty(d, d.mustGet(who, customers.Query{}).ID)
	_, err := d.Get(d.Context(), who, customers.Query{Who: customers.Who{ID: id}})
	d.requireCode(anchor.CodeNotFound, err)
	_, err = d.Put(d.Context(), who, customers.Put{Who: customers.Who{ID: id}, Values: adaSender()})
	d.requireCode(anchor.CodeNotFound, err)
	_, err = d.ForTransaction(d.Context(), who.Account, id, sender)
	d.requireCode(anchor.CodeNotFound, err)
	d.requireCode(anchor.CodeNotFound, d.Delete(d.Context(), who, customers.Delete{}))
	d.requireCode(anchor.CodeNotFound, d.SetStatus(d.Context(), id, anchor.Verdict{Type: sender, Status: anchor.CustomerAccepted}, "operator:eve"))
}

func (d *desk) requireErased(want bool, id string) {
	d.Helper()
	left, err := d.db.CustomersToErase(d.Context(), "", 100)
	require.NoError(d, err)
	fields, err := d.db.FieldsOfCustomer(d.Context(), id)
	require.NoError(d, err)
	if !want {
		require.Contains(d, left, id)
		require.NotEmpty(d, fields)
		return
	}
	require.NotContains(d, left, id)
	require.Empty(d, fields)
}

func TestDeletion_hides_and_erases_a_customer_and_the_next_one_of_the_user_is_another(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := withMemo(account(), "1")
		id := d.register(who)
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{Account: who.Account}))
		d.requireGone(who, id)
		d.requireErased(true, id)
		require.Equal(t, []string{id}, d.business.deleted)

		next := d.register(who)
		require.NotEqual(t, id, next)
		require.NoError(t, d.Delete(t.Context(), plain(who.Account), customers.Delete{Memo: "1"}), "by the account and the memo in the body")
		d.requireGone(who, next)
	})
}

func TestDeletion_leaves_nothing_that_opens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who, id, deal := d.paid()
		row, err := d.db.CustomerByID(t.Context(), id)
		require.NoError(t, err)
		fields, err := d.db.FieldsOfCustomer(t.Context(), id)
		require.NoError(t, err)
		d.deliver(deal.ID)
		sealed := d.transaction(deal.ID)
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
		d.requireErased(true, id)

		_, err = d.db.OpenCustomerFields(row, fields)
		require.NoError(t, err, "whoever keeps an old copy of the key can open; the database does not have it any more")
		row.SealedKey, row.KeyID = "", ""
		_, err = d.db.OpenCustomerFields(row, fields)
		require.ErrorIs(t, err, store.ErrNotFound)
		after := d.transaction(deal.ID)
		require.Empty(t, after.SealedKey)
		require.Empty(t, after.SealedFields)
		require.Equal(t, anchor.StatusCompleted, after.Status)
		require.Equal(t, sealed.Version+1, after.Version)
		kept, err := d.db.OpenFields(after)
		require.NoError(t, err)
		require.Nil(t, kept)
	})
}

func TestDeletion_waits_for_open_transactions_but_hides_at_once_and_stops_their_payouts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who, id, deal := d.paid()
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
		d.requireGone(who, id)
		d.requireErased(false, id)
		require.Equal(t, anchor.PayoutWaiting, d.payout(deal.ID).State)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(deal.ID).Status)
		require.NoError(t, d.Sweep(t.Context()))
		d.requireErased(false, id)

		d.tx(func(ctx context.Context, tx *store.Tx) error { // an operator gives the money back
			row, err := tx.LockTransaction(ctx, deal.ID)
			if err != nil {
				return err
			}
			p, _, err := tx.LivePayout(ctx, deal.ID)
			if err != nil {
				return err
			}
			before := p.State
			p.State, p.WaitsFor = anchor.PayoutCancelled, anchor.WaitsForNothing
			if _, err := tx.EndPayout(ctx, &row, p, before, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"}); err != nil {
				return err
			}
			row.RefundUnits = row.CreditedUnits
			_, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CauseRefunded, Actor: "test"})
			return err
		})
		require.NoError(t, d.Sweep(t.Context()))
		d.requireErased(true, id)
	})
}

func TestARetention_keeps_the_sealed_data_of_funded_transactions_for_a_while(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, customers.Retain(time.Hour))
		idle := plain(account())
		id := d.register(idle)
		require.NoError(t, d.Delete(t.Context(), idle, customers.Delete{}))
		d.requireErased(true, id)

		who, funded, deal := d.paid()
		d.deliver(deal.ID)
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
		d.requireGone(who, funded)
		require.NoError(t, d.Sweep(t.Context()))
		d.requireErased(false, funded)
		require.NoError(t, customers.New(db, d.business, nil).Sweep(t.Context()), "once it is over")
		d.requireErased(true, funded)
	})
}

func TestADeletion_that_the_business_was_not_told_of_is_not_done(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		id := d.register(who)
		down := errors.New("down")
		d.business.delete = func(anchor.CustomerDelete) error { return down }
		require.ErrorIs(t, d.Delete(t.Context(), who, customers.Delete{}), down)
		require.Equal(t, id, d.mustGet(who, customers.Query{}).ID)
		d.business.delete = nil
		require.NoError(t, d.Delete(t.Context(), who, customers.Delete{}))
		d.requireGone(who, id)
	})
}

func TestADelete_that_names_nobody_or_somebody_else_finds_nothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		owner := account()
		d.register(withMemo(owner, "1"))
		for name, c := range map[string]struct {
			who  anchor.SendingAnchor
			what customers.Delete
			code anchor.Code
		}{
			"an account without customers": {plain(account()), customers.Delete{}, anchor.CodeNotFound},
			"somebody else's account":      {plain(account()), customers.Delete{Account: owner}, anchor.CodeNotFound},
			"another user":                 {plain(owner), customers.Delete{Memo: "2"}, anchor.CodeNotFound},
			"the account itself":           {plain(owner), customers.Delete{}, anchor.CodeNotFound},
			"an account that is none":      {plain(owner), customers.Delete{Account: "files"}, anchor.CodeInvalid},
		} {
			err := d.Delete(t.Context(), c.who, c.what)
			require.Equal(t, c.code, anchor.CodeOf(err), "%s: %v", name, err)
		}
		require.Empty(t, d.business.deleted)
	})
}
