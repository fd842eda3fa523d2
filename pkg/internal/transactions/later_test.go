package transactions_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// later is a world whose business asks for a payer and a payee, who may be registered after the request.
func later(d *transactions.Deps) {
	d.Options.KYCAfterPost = true
	d.Customers = customers.New(d.DB, clerk{}, nil)
}

func (w world) asksKYC() {
	w.receiver.info = anchor.Info{
		SenderTypes: map[string]anchor.CustomerType{"payer": {}}, ReceiverTypes: map[string]anchor.CustomerType{"payee": {}},
	}
}

// person registers a customer with a status for a type.
func (w world) person(t testing.TB, memo, customerType string, status anchor.CustomerStatus) string {
	t.Helper()
	id := register(t, customers.New(w.db, clerk{}, nil), sending, memo, customerType, "Ada")
	w.judge(t, id, customerType, status)
	return id
}

func (w world) judge(t testing.TB, id, customerType string, status anchor.CustomerStatus) {
	t.Helper()
	verdict := anchor.Verdict{Type: customerType, Status: status}
	require.NoError(t, customers.New(w.db, clerk{}, nil).SetStatus(t.Context(), id, verdict, "test"))
}

func TestCreate_withholds_account_and_memo_until_the_customers_are_known(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		r := keyed("later")
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		require.Equal(t, transactions.Created{ID: created.ID}, created)
		got, err := w.service.Get(t.Context(), w.admit(t, sending), created.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.StatusPendingReceiver, got.Status)
		require.Empty(t, got.StellarAccountID+got.StellarMemoType+got.StellarMemo)
		again, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		require.Equal(t, created, again)
	}, later)
}

func TestCreate_gives_the_memo_out_at_once_where_both_customers_are_accepted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		r := hundred()
		r.SenderID = w.person(t, "1", "payer", anchor.CustomerAccepted)
		r.ReceiverID = w.person(t, "2", "payee", anchor.CustomerAccepted)
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		require.NotEmpty(t, created.StellarMemo)
	}, later)
}

func TestCreate_waits_for_a_customer_who_is_still_being_looked_at(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		r := hundred()
		r.SenderID = w.person(t, "1", "payer", anchor.CustomerAccepted)
		r.ReceiverID = w.person(t, "2", "payee", anchor.CustomerProcessing)
		created, err := w.service.Create(t.Context(), w.admit(t, sending), r)
		require.NoError(t, err)
		require.Empty(t, created.StellarMemo)
		w.judge(t, r.ReceiverID, "payee", anchor.CustomerAccepted)
		got, err := w.service.Get(t.Context(), w.admit(t, sending), created.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.StatusPendingSender, got.Status)
		require.NotEmpty(t, got.StellarMemo)
	}, later)
}

func TestNoVerdictIsMissedThatIsRecordedWhileATransactionIsAgreed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		for _, memo := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
			r := hundred()
			r.SenderID = w.person(t, "1"+memo, "payer", anchor.CustomerAccepted)
			r.ReceiverID = w.person(t, "2"+memo, "payee", anchor.CustomerProcessing)
			var created transactions.Created
			var err error
			var both sync.WaitGroup
			both.Go(func() { created, err = w.service.Create(t.Context(), w.admit(t, sending), r) })
			both.Go(func() { w.judge(t, r.ReceiverID, "payee", anchor.CustomerAccepted) })
			both.Wait()
			require.NoError(t, err)
			row, err := w.db.TransactionByID(t.Context(), created.ID)
			require.NoError(t, err)
			require.Equal(t, anchor.StatusPendingSender, row.Status)
		}
	}, later)
}

func TestManyRequestsForACustomerWhoIsBeingLookedAtDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		r := hundred()
		r.SenderID = w.person(t, "1", "payer", anchor.CustomerAccepted)
		r.ReceiverID = w.person(t, "2", "payee", anchor.CustomerProcessing)
		var all sync.WaitGroup
		errs := make([]error, 24)
		for i := range errs {
			all.Go(func() { _, errs[i] = w.service.Create(t.Context(), w.admit(t, sending), r) })
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}, later)
}

func TestCreate_wants_the_customers_named_where_their_types_do_not_tell_them_apart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		one := map[string]anchor.CustomerType{"person": {}}
		w.receiver.info = anchor.Info{SenderTypes: one, ReceiverTypes: one}
		_, err := w.service.Create(t.Context(), w.admit(t, sending), hundred())
		requireCode(t, anchor.CodeCustomerInfoNeeded, err)
		require.Equal(t, "person", anchor.ProblemOf(err).Type)
	}, later)
}

func TestCreate_without_customers_is_refused_where_KYC_comes_first(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		w.asksKYC()
		_, err := w.service.Create(t.Context(), w.admit(t, sending), hundred())
		requireCode(t, anchor.CodeCustomerInfoNeeded, err)
		require.Equal(t, "payer", anchor.ProblemOf(err).Type)
	})
}

func TestCreate_gives_text_memos_when_told_to(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w world) {
		created := w.create(t)
		require.Equal(t, "text", created.StellarMemoType)
		require.Len(t, created.StellarMemo, 26)
	}, func(d *transactions.Deps) { d.Options.MemoType = "text" })
}
