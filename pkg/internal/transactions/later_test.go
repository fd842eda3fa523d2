package transactions_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// knowing finds customers in the database, as the customers' own service does.
type knowing struct{ db *store.DB }

func (k knowing) ForTransaction(ctx context.Context, owner, id, customerType string) (*anchor.Customer, error) {
	p, err := k.db.PersonOf(ctx, owner, id)
	if err != nil {
		return nil, anchor.RefuseAs(anchor.CodeNotFound, "customer not found")
	}
	c := &anchor.Customer{ID: p.ID, Version: p.Version, Type: customerType, Statuses: map[string]anchor.CustomerStatus{}}
	for name, status := range p.Statuses {
		c.Statuses[name] = status.Status
	}
	return c, nil
}

func later(d *transactions.Deps) {
	d.Options.KYCAfterPost = true
	d.Customers = knowing{d.DB}
}

func (w world) asksKYC() {
	w.receiver.info = anchor.Info{
		SenderTypes: map[string]anchor.CustomerType{"payer": {}}, ReceiverTypes: map[string]anchor.CustomerType{"payee": {}},
	}
}

// person registers a customer with a status for a type.
func (w world) person(t testing.TB, memo, customerType string, status anchor.CustomerStatus) string {
	t.Helper()
	var id string
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.CreateCustomer(ctx, store.Owner{Account: sending, MemoType: "id", Memo: memo}, "test")
		if err != nil {
			return err
		}
		id = c.ID
		_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerGave, Actor: "test", Statuses: map[string]store.DecidedStatus{customerType: {Status: status}},
		})
		return err
	}))
	return id
}

func (w world) judge(t testing.TB, id, customerType string, status anchor.CustomerStatus) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		open, err := tx.LockOpenTransactionsOf(ctx, id)
		if err != nil {
			return err
		}
		c, err := tx.LockCustomerAfter(ctx, open, id)
		if err != nil {
			return err
		}
		_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
			Cause: store.CustomerJudged, Actor: "test", Statuses: map[string]store.DecidedStatus{customerType: {Status: status}},
		})
		if err != nil {
			return err
		}
		for _, transaction := range open {
			if _, err := tx.Reconsider(ctx, transaction, "test", "judged"); err != nil {
				return err
			}
		}
		return nil
	}))
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
