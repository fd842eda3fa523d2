package payouts_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

const (
	oldAccount = "0042" // of payoutstest
	newAccount = "4711"
)

// moveAccount gives the receiver another bank account, accepted at once.
func moveAccount(w *payoutstest.World) {
	w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": newAccount})
}

func bytesOf(t *testing.T, p anchor.Payout) string {
	t.Helper()
	raw, err := json.Marshal(p)
	require.NoError(t, err)
	return string(raw)
}

func TestA_bank_account_that_is_changed_while_an_attempt_is_unknown_changes_nothing_about_its_resend(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		c := openCounter(t, db, first(simulated.FaultErrorBefore))
		id := w.Funded(1)[0]
		execute(t, c.s)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(id).State)
		moveAccount(w)
		c.work(t)
		sent := c.sent()
		require.Len(t, sent, 2)
		require.Equal(t, bytesOf(t, sent[0]), bytesOf(t, sent[1]))
		require.Equal(t, oldAccount, sent[1].Receiver.Value("bank_account_number"))
		require.Len(t, w.Attempts(id), 1)
		require.Equal(t, 1, c.paid(t, id))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestAfter_a_definitive_failure_the_next_payout_has_the_account_of_today_and_a_new_key(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		c := openCounter(t, db, first(simulated.FaultErrorBefore))
		id := w.Funded(1)[0]
		execute(t, c.s)
		moveAccount(w)
		require.NoError(t, c.s.Resolve(t.Context(), w.Payout(id).ID, anchor.Failed(""), "not in the statement", "operator:ann"))
		c.work(t)
		require.Len(t, c.sent(), 1, "nobody has asked for another one")

		_, err := c.s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ann", Reason: "new account"})
		require.NoError(t, err)
		c.work(t) // the first sending of the new key fails too: it is resent as well
		sent := c.sent()
		require.Len(t, sent, 3)
		require.Equal(t, anchor.NewPayoutKey(id, 2, 1), sent[1].Key)
		require.NotEqual(t, sent[0].Key, sent[1].Key)
		require.Equal(t, newAccount, sent[1].Receiver.Value("bank_account_number"))
		require.Equal(t, bytesOf(t, sent[1]), bytesOf(t, sent[2]))
		require.Equal(t, 1, c.paid(t, id))
		w.RequireBooks(id)
	})
}

func TestA_resend_that_waited_for_KYC_is_the_first_one_byte_for_byte(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		c := openCounter(t, db, first(simulated.FaultErrorBefore))
		id := w.Funded(1)[0]
		execute(t, c.s)
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerProcessing, map[string]string{"bank_account_number": newAccount})
		c.work(t)
		require.Len(t, c.sent(), 1, "not while somebody looks into the receiver")
		w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, nil)
		c.work(t)
		sent := c.sent()
		require.Len(t, sent, 2)
		require.Equal(t, bytesOf(t, sent[0]), bytesOf(t, sent[1]))
		require.Equal(t, 1, c.paid(t, id))
		w.RequireBooks(id)
	})
}
