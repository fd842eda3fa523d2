package transactions_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// clerk accepts everybody who has a name, except Mallory.
type clerk struct{}

func (clerk) Get(_ context.Context, g anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	return anchor.CustomerRequirements{Type: g.Type, Fields: map[string]anchor.Field{"first_name": {Description: "name"}}}, nil
}

func (clerk) Put(_ context.Context, p anchor.CustomerPut) (anchor.Verdict, error) {
	if p.Customer.Value("first_name") == "Mallory" {
		return anchor.Verdict{Type: p.Type, Status: anchor.CustomerRejected, Message: "no"}, nil
	}
	return anchor.Verdict{Type: p.Type, Status: anchor.CustomerAccepted}, nil
}

func (clerk) Delete(context.Context, anchor.CustomerDelete) error { return nil }

// withPeople is a world whose business asks for both customers of every transaction.
func withPeople(t testing.TB, db *store.DB) (world, *customers.Service) {
	t.Helper()
	people := customers.New(db, clerk{}, nil)
	w := newWorld(t, db, func(d *transactions.Deps) { d.Customers = people })
	w.receiver.info = anchor.Info{
		SenderTypes:   map[string]anchor.CustomerType{"sep31-sender": {Description: "sender"}},
		ReceiverTypes: map[string]anchor.CustomerType{"sep31-receiver": {Description: "receiver"}},
	}
	return w, people
}

// register registers a person as a user of an account and gives the id.
func register(t testing.TB, people *customers.Service, account, memo, customerType, name string) string {
	t.Helper()
	who := anchor.SendingAnchor{Account: account, MemoType: "id", Memo: memo}
	put := customers.Put{Type: customerType, Values: map[string]string{"first_name": name, "last_name": "Doe", "email_address": "x@y.example"}}
	id, err := people.Put(t.Context(), who, put)
	require.NoError(t, err)
	return id
}

func between(sender, receiver string) transactions.Request {
	r := hundred()
	r.SenderID, r.ReceiverID = sender, receiver
	return r
}

func TestCreate_takes_accepted_customers_of_any_session_of_the_account(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, people := withPeople(t, db)
		sender := register(t, people, sending, "1", "sep31-sender", "Alice")
		recipient := register(t, people, sending, "2", "sep31-receiver", "Bob")
		var asked anchor.PostRequest
		w.receiver.post = func(p anchor.PostRequest) (anchor.Acceptance, error) { asked = p; return anchor.Acceptance{}, nil }

		who, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: sending, MemoType: "id", Memo: "1"})
		require.NoError(t, err)
		created, err := w.service.Create(t.Context(), who, between(sender, recipient))
		require.NoError(t, err)
		require.Equal(t, "Alice", asked.Sender.Value("first_name"))
		require.Equal(t, anchor.CustomerAccepted, asked.Receiver.Status())
		row, err := w.db.TransactionByID(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, sender, row.SenderID.String)
		require.Equal(t, "sep31-sender", row.SenderType)
		require.Equal(t, recipient, row.ReceiverID.String)
		require.Equal(t, "sep31-receiver", row.ReceiverType)
	})
}

func TestCreate_refuses_customers_that_may_not_take_part(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, people := withPeople(t, db)
		sender := register(t, people, sending, "1", "sep31-sender", "Alice")
		recipient := register(t, people, sending, "2", "sep31-receiver", "Bob")
		rejected := register(t, people, sending, "3", "sep31-receiver", "Mallory")
		foreign := register(t, people, stranger, "1", "sep31-receiver", "Carol")
		deleted := register(t, people, sending, "4", "sep31-receiver", "Dave")
		require.NoError(t, people.Delete(t.Context(), anchor.SendingAnchor{Account: sending, MemoType: "id", Memo: "4"}, customers.Delete{Account: sending}))
		for name, row := range map[string]struct {
			sender, receiver string
			code             anchor.Code
			needs, says      string
		}{
			"no sender":           {"", recipient, anchor.CodeCustomerInfoNeeded, "sep31-sender", ""},
			"no receiver":         {sender, "", anchor.CodeCustomerInfoNeeded, "sep31-receiver", ""},
			"a rejected receiver": {sender, rejected, anchor.CodeCustomerInfoNeeded, "sep31-receiver", ""},
			"a foreign receiver":  {sender, foreign, anchor.CodeInvalid, "", "receiver_id"},
			"a foreign sender":    {foreign, recipient, anchor.CodeInvalid, "", "sender_id"},
			"an unknown sender":   {store.NewID(), recipient, anchor.CodeInvalid, "", "sender_id"},
			"a deleted receiver":  {sender, deleted, anchor.CodeInvalid, "", "receiver_id"},
		} {
			_, err := w.service.Create(t.Context(), w.admit(t, sending), between(row.sender, row.receiver))
			require.Equal(t, row.code, anchor.CodeOf(err), "%s: %v", name, err)
			require.Equal(t, row.needs, anchor.ProblemOf(err).Type, name)
			require.ErrorContains(t, err, row.says, name)
		}
		require.Zero(t, w.count(t))
	})
}
