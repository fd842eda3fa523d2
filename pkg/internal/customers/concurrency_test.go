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

// tolerable lets pass what a client may be answered while others change the same customer.
func tolerable(err error) error {
	switch anchor.CodeOf(err) {
	case anchor.CodeConflict, anchor.CodeNotFound:
		return nil
	}
	return err
}

func TestPuts_deletions_decisions_and_needs_at_once_fail_nobody_and_lose_no_history(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *desk) {
		who := plain(account())
		first := d.mustPut(who, customers.Put{Type: receiver, Values: adaReceiver()})
		asset := d.asset()
		var deals []store.Transaction
		for memo := range 4 {
			deals = append(deals, d.fund(d.agree(asset, who.Account, first, memo)))
		}
		group, ctx := errgroup.WithContext(t.Context())
		for worker := range 3 {
			group.Go(func() error {
				for i := range 8 {
					values := map[string]string{"bank_account_number": fmt.Sprint(worker, i)}
					if _, err := d.Put(ctx, who, customers.Put{Type: receiver, Values: values}); tolerable(err) != nil {
						return fmt.Errorf("put: %w", err)
					}
				}
				return nil
			})
		}
		group.Go(func() error {
			for i := range 8 {
				status := []anchor.CustomerStatus{anchor.CustomerAccepted, anchor.CustomerProcessing}[i%2]
				if err := d.SetStatus(ctx, first, anchor.Verdict{Type: receiver, Status: status}, "operator:eve"); tolerable(err) != nil {
					return fmt.Errorf("decide: %w", err)
				}
			}
			return nil
		})
		group.Go(func() error {
			for i := range 8 {
				if err := d.need(ctx, deals[i%len(deals)].ID, first); err != nil {
					return fmt.Errorf("need: %w", err)
				}
			}
			return tolerable(d.Delete(ctx, who, customers.Delete{}))
		})
		require.NoError(t, group.Wait())

		for i, event := range d.history(first) {
			require.EqualValues(t, i+1, event.Seq)
		}
		for _, deal := range deals {
			p := d.payout(deal.ID)
			require.Equal(t, anchor.PayoutWaiting, p.State, "its receiver is gone")
			require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, d.transaction(deal.ID).Status)
		}
		d.requireErased(false, first)
	})
}

// need asks for the bank account as the payout engine does: transaction first, then the customer.
func (d *desk) need(ctx context.Context, transactionID, customerID string) error {
	return d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, transactionID)
		if err != nil {
			return err
		}
		needs := []anchor.Need{{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "no such account"}}
		if err := tx.NeedCustomerInfo(ctx, customerID, receiver, needs, "execute-outgoing"); err != nil {
			return err
		}
		_, err = tx.Reconsider(ctx, t, "execute-outgoing", "the rail needs information")
		return err
	})
}
