package payouts_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestExecute_pays_every_ready_payout_once_oldest_first(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(20)
		b := &bank{}
		o := atOnce()
		o.Concurrency = 1
		s := service(db, b, o)
		require.True(t, execute(t, s))
		require.False(t, execute(t, s))

		sent := b.sent()
		require.Len(t, sent, len(ids))
		for i, id := range ids {
			require.Equal(t, id, sent[i].TransactionID)
			tr := w.Transaction(id)
			require.Equal(t, anchor.StatusCompleted, tr.Status)
			require.Equal(t, "bank-"+string(sent[i].Key), tr.ExternalID)
			require.Equal(t, anchor.PayoutDelivered, w.Payout(id).State)
			answers := w.Answers(id)
			require.Len(t, answers, 1)
			require.True(t, answers[0].Used)
			w.RequireBooks(id)
		}
	})
}

func TestExecute_tells_the_rail_everything_it_needs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{}
		execute(t, service(db, b, atOnce()))
		statuses := func(of string) map[string]anchor.CustomerStatus {
			return map[string]anchor.CustomerStatus{of: anchor.CustomerAccepted}
		}
		require.Equal(t, anchor.Payout{
			Key: anchor.NewPayoutKey(id, 1, 1), TransactionID: id, Amount: payoutstest.Amount, Asset: "iso4217:USD", FundingMethod: "SEPA",
			Sender: &anchor.Customer{
				ID: w.Sender.ID, Version: w.Sender.Version, Type: payoutstest.SenderType, Statuses: statuses(payoutstest.SenderType),
				Values: map[string]string{"first_name": "Ada", "last_name": "Lovelace"},
			},
			Receiver: &anchor.Customer{
				ID: w.Receiver.ID, Version: w.Receiver.Version, Type: payoutstest.ReceiverType, Statuses: statuses(payoutstest.ReceiverType),
				Values: map[string]string{"first_name": "Alan", "bank_account_number": "0042"},
			},
			Fields: map[string]string{"routing_number": "021000021"},
		}, b.sent()[0])
	})
}

func TestExecute_commits_the_attempt_before_the_rail_is_called(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &bank{}
		b.execute = func(ctx context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) {
			payout := w.Payout(id)
			require.Equal(t, anchor.PayoutSending, payout.State)
			attempts := w.Attempts(id)
			require.Len(t, attempts, 1)
			require.Equal(t, string(p.Key), attempts[0].Key)
			require.NotContains(t, attempts[0].SealedRequest, "Lovelace")
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.True(t, deadline.Before(store.At(payout.LeaseUntilUs)), "the call ends before the lease")
			return anchor.Delivered(""), nil
		}
		execute(t, service(db, b, atOnce()))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}
