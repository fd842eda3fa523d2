package payouts_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
)

// needing asks for something once and delivers after that.
func needing(needs ...anchor.Need) func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
	asked := false
	return func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
		if asked {
			return anchor.Delivered("x"), nil
		}
		asked = true
		return anchor.NeedsInfo(needs...), nil
	}
}

var (
	badAccount = anchor.Need{Of: anchor.PartyReceiver, Field: "bank_account_number", Problem: "no such account"}
	badRouting = anchor.Need{Of: anchor.PartyTransaction, Field: "routing_number", Problem: "unknown bank", Description: "the bank's number"}
)

func TestA_rail_that_needs_customer_data_gets_them_under_a_new_key(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = needing(badAccount)
		execute(t, s)
		tr, p := w.Transaction(id), w.Payout(id)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, tr.Status)
		require.Equal(t, "receiver's bank_account_number: no such account", tr.StatusMessage)
		require.Equal(t, anchor.PayoutWaiting, p.State)
		require.Equal(t, anchor.WaitsForKYC, p.WaitsFor)
		require.Zero(t, tr.Held(), "the payout is still to be made")
		statuses, err := w.DB.StatusesOfCustomer(t.Context(), w.Receiver.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.CustomerNeedsInfo, statuses[payoutstest.ReceiverType].Status)
		require.False(t, execute(t, s))

		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "4711"})
		require.Equal(t, anchor.StatusPendingReceiver, w.Transaction(id).Status)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Empty(t, w.Transaction(id).StatusMessage)
		sent := b.sent()
		require.Len(t, sent, 2)
		require.NotEqual(t, sent[0].Key, sent[1].Key)
		require.Equal(t, "4711", sent[1].Receiver.Value("bank_account_number"))
		require.Len(t, w.Attempts(id), 2)
		w.RequireBooks(id)
	})
}

func TestA_rail_that_needs_transaction_fields_gets_them_under_a_new_key(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = needing(badRouting)
		execute(t, s)
		tr := w.Transaction(id)
		require.Equal(t, anchor.StatusPendingTransactionInfoUpdate, tr.Status)
		require.Equal(t, "routing_number: unknown bank", tr.RequiredMessage)
		required, err := tr.Required()
		require.NoError(t, err)
		require.Equal(t, map[string]anchor.Field{"routing_number": {Description: "the bank's number"}}, required)
		require.Equal(t, anchor.WaitsForInfo, w.Payout(id).WaitsFor)

		w.Give(id, map[string]string{"routing_number": "1"})
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		require.Equal(t, "1", b.sent()[1].Fields["routing_number"])
		w.RequireBooks(id)
	})
}

func TestNeeds_of_both_kinds_are_worked_off_one_after_the_other(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = needing(badAccount, badRouting)
		execute(t, s)
		require.Equal(t, anchor.StatusPendingTransactionInfoUpdate, w.Transaction(id).Status)
		require.Equal(t, anchor.WaitsForInfo, w.Payout(id).WaitsFor)
		w.Give(id, map[string]string{"routing_number": "1"})
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, w.Transaction(id).Status)
		require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "4711"})
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestNeeds_of_older_data_than_the_present_make_the_payout_ready_again(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		ask := needing(badAccount)
		b.execute = func(ctx context.Context, p anchor.Payout, times int) (anchor.Outcome, error) {
			if p.Receiver.Value("bank_account_number") == "0042" { // new data arrive while the bank looks at the old
				w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "4711"})
			}
			return ask(ctx, p, times)
		}
		for execute(t, s) { // what becomes ready during the last claim of a pass is the next one's
		}
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status, "nobody had to be asked")
		require.Len(t, b.sent(), 2)
		w.RequireBooks(id)
	})
}

func TestNeeds_after_the_rail_had_accepted_take_the_transaction_back(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.Accepted("x"))
		execute(t, s)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "4711"})
		b.poll = says(anchor.NeedsInfo(badAccount))
		pollOnce(t, s)
		require.Equal(t, anchor.StatusPendingReceiver, w.Transaction(id).Status, "newer data are there already")
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
		b.execute = nil
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestNeeds_that_nobody_can_be_asked_for_are_a_failure(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		b.execute = always(anchor.NeedsInfo(anchor.Need{Of: "bank", Field: "mood"}))
		execute(t, s)
		require.Equal(t, anchor.PayoutFailed, w.Payout(id).State)
		require.Contains(t, w.Answers(id)[0].Needs, "mood")
		w.RequireBooks(id)
	})
}

func TestA_payout_whose_customer_is_not_accepted_any_more_is_not_sent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *payoutstest.World, id string, b *bank, s *payouts.Service) {
		// judged behind the back of the payout, as a claim may find it
		require.NoError(t, judgeAlone(t, w, anchor.CustomerNeedsInfo))
		execute(t, s)
		require.Empty(t, b.sent())
		require.Equal(t, anchor.WaitsForKYC, w.Payout(id).WaitsFor)
		require.Equal(t, anchor.StatusPendingCustomerInfoUpdate, w.Transaction(id).Status)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, nil)
		execute(t, s)
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}
