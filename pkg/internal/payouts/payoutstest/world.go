// Package payoutstest sets up what payouts need: an asset, two customers and funded transactions. It promises rows as the
// other packages write them; it must never be imported outside tests.
package payoutstest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// What every transaction of a World is about: 100 units received, 1 of them fee, 99 paid out in two decimals.
const (
	Account      = "GDQP2KPQGKIHYJGXNUIYOMHARUARCA7DJT5FO2FFOOKY3B2WSQHG4W37"
	Issuer       = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	Sending      = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	Rail         = "bank"
	SenderType   = "sep31-sender"
	ReceiverType = "sep31-receiver"
	Credited     = 1_000_000_000 // 100.0000000
	Amount       = "99.00"
	Actor        = "test"
)

// World is a database in which transactions can be funded.
type World struct {
	t                testing.TB
	DB               *store.DB
	Sender, Receiver store.Customer // accepted
	asset            store.Asset
	made             int
}

// New registers an asset and two accepted customers.
func New(t testing.TB, db *store.DB) *World {
	w := &World{t: t, DB: db}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AddReceivingAccount(ctx, Account, 1); err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.Enabled, a.Sep31Enabled, a.FeePercent = "USDC", Issuer, 2, Account, true, true, "1"
		var err error
		w.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: Actor})
		return err
	}))
	w.Sender = w.Customer("1", SenderType, map[string]string{"first_name": "Ada", "last_name": "Lovelace"})
	w.Receiver = w.Customer("2", ReceiverType, map[string]string{"first_name": "Alan", "bank_account_number": "0042"})
	return w
}

// Customer registers a customer that is accepted for a type.
func (w *World) Customer(memo, customerType string, values map[string]string) store.Customer {
	var c store.Customer
	require.NoError(w.t, w.DB.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		if c, err = tx.CreateCustomer(ctx, store.Owner{Account: Sending, MemoType: "id", Memo: memo}, Actor); err != nil {
			return err
		}
		c, err = tx.AdvanceCustomer(ctx, c, given(customerType, anchor.CustomerAccepted, values))
		return err
	}))
	return c
}

func given(customerType string, status anchor.CustomerStatus, values map[string]string) store.CustomerChange {
	change := store.CustomerChange{
		Cause: store.CustomerGave, Actor: Actor, Values: map[string]store.CustomerValue{},
		Statuses: map[string]store.DecidedStatus{customerType: {Status: status}},
	}
	for name, value := range values {
		change.Values[name] = store.CustomerValue{Data: []byte(value)}
	}
	return change
}

// Judge gives a customer a status, and values where there are some, and lets its transactions follow, as SEP-12 PUT does.
func (w *World) Judge(c store.Customer, customerType string, status anchor.CustomerStatus, values map[string]string) {
	require.NoError(w.t, w.DB.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.LockOpenTransactionsOf(ctx, c.ID)
		if err != nil {
			return err
		}
		now, err := tx.LockCustomerAfter(ctx, list, c.ID)
		if err != nil {
			return err
		}
		if _, err := tx.AdvanceCustomer(ctx, now, given(customerType, status, values)); err != nil {
			return err
		}
		for _, t := range list {
			if _, err := tx.Reconsider(ctx, t, Actor, "judged"); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Give answers what a payout asked of the transaction itself, as PATCH does.
func (w *World) Give(id string, fields map[string]string) {
	require.NoError(w.t, w.DB.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		if err := w.DB.SealFields(&t, fields); err != nil {
			return err
		}
		if t, err = tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseTransactionInfoGiven, Actor: Actor}); err != nil {
			return err
		}
		_, err = tx.Reconsider(ctx, t, Actor, "given")
		return err
	}))
}

// Funded makes n funded transactions, each with a payout that is ready, and returns their ids.
func (w *World) Funded(n int) []string {
	return w.FundedBy(n, func(*store.Transaction, *store.Payout) {})
}

// FundedBy is Funded with a say in the rows before they are written.
func (w *World) FundedBy(n int, change func(*store.Transaction, *store.Payout)) []string {
	ids := make([]string, 0, n)
	for len(ids) < n {
		some := min(n-len(ids), 100)
		var made []string
		require.NoError(w.t, w.DB.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			made = made[:0]
			for i := range some {
				id, err := w.fund(ctx, tx, w.made+i+1, change)
				if err != nil {
					return err
				}
				made = append(made, id)
			}
			return nil
		}))
		w.made += some
		ids = append(ids, made...)
	}
	return ids
}

// Agreed is a transaction as it is agreed on, not stored yet, without customers and memo.
func (w *World) Agreed() store.Transaction {
	var t store.Transaction
	t.ID, t.OwnerAccount, t.AssetID, t.AssetCode, t.AssetIssuer = store.NewID(), Sending, w.asset.ID, "USDC", Issuer
	t.Decimals, t.FeePercent, t.FundingMethod, t.ReceivingAccount = 2, "1", "SEPA", Account
	t.ExpectedUnits, t.FeeUnits, t.OutUnits, t.OutDecimals, t.OutAsset = Credited, Credited/100, 9900, 2, "iso4217:USD"
	return t
}

func (w *World) fund(ctx context.Context, tx *store.Tx, number int, change func(*store.Transaction, *store.Payout)) (string, error) {
	t := w.Agreed()
	t.Publish("id", fmt.Sprint(number))
	t.TakePart(w.Sender.ID, SenderType, w.Receiver.ID, ReceiverType)
	if err := w.DB.SealFields(&t, map[string]string{"routing_number": "021000021"}); err != nil {
		return "", err
	}
	var p store.Payout
	p.Number, p.State, p.Rail = 1, anchor.PayoutReady, Rail
	p.DebitUnits, p.AmountUnits, p.AmountDecimals, p.AmountAsset = Credited, t.OutUnits, t.OutDecimals, t.OutAsset
	change(&t, &p)
	t, err := tx.CreateTransaction(ctx, t, anchor.Change{Cause: anchor.CauseCreated, Actor: Actor})
	if err != nil {
		return "", err
	}
	t.CreditedUnits = Credited
	noted := anchor.Change{Cause: anchor.CauseFunded, Actor: Actor}
	if _, err := tx.CreatePayout(ctx, &t, p, noted); err != nil {
		return "", err
	}
	_, err = tx.Advance(ctx, t, noted)
	return t.ID, err
}

// Transaction reads a transaction.
func (w *World) Transaction(id string) store.Transaction {
	t, err := w.DB.TransactionByID(w.t.Context(), id)
	require.NoError(w.t, err)
	return t
}

// Payout reads the latest payout of a transaction.
func (w *World) Payout(id string) store.Payout {
	list, err := w.DB.PayoutsOf(w.t.Context(), id)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, list)
	return list[len(list)-1]
}

// Attempts reads the attempts of the latest payout of a transaction.
func (w *World) Attempts(id string) []store.Attempt {
	list, err := w.DB.AttemptsOf(w.t.Context(), w.Payout(id).ID)
	require.NoError(w.t, err)
	return list
}

// Answers reads what was said of the latest payout of a transaction.
func (w *World) Answers(id string) []store.AttemptAnswer {
	list, err := w.DB.AnswersOf(w.t.Context(), w.Payout(id).ID)
	require.NoError(w.t, err)
	return list
}

// RequireBooks checks I4 and I5 for a transaction: what is credited is paid out, refunded or held, payouts that have not
// given their units back are what payout_units says, and at most one attempt of each payout is not failed.
func (w *World) RequireBooks(id string) {
	t := w.Transaction(id)
	payouts, err := w.DB.PayoutsOf(w.t.Context(), id)
	require.NoError(w.t, err)
	var taken int64
	for _, p := range payouts {
		switch p.State {
		case anchor.PayoutFailed, anchor.PayoutCancelled, anchor.PayoutReturned:
		default:
			taken += p.DebitUnits
		}
		w.requireAttempts(t, p)
	}
	require.Equal(w.t, taken, t.PayoutUnits, "payouts of transaction %s", id)
	require.GreaterOrEqual(w.t, t.Held(), int64(0))
	require.Equal(w.t, t.CreditedUnits, t.PayoutUnits+t.RefundUnits+t.Held())
	if t.Status == anchor.StatusCompleted {
		require.Equal(w.t, anchor.PayoutDelivered, payouts[len(payouts)-1].State)
	}
}

func (w *World) requireAttempts(t store.Transaction, p store.Payout) {
	attempts, err := w.DB.AttemptsOf(w.t.Context(), p.ID)
	require.NoError(w.t, err)
	live := 0
	for i, a := range attempts {
		require.Equal(w.t, int64(i+1), a.Number)
		require.Equal(w.t, string(anchor.NewPayoutKey(t.ID, p.Number, a.Number)), a.Key)
		if a.Live() {
			live++
		}
	}
	require.LessOrEqual(w.t, live, 1, "attempts of payout %s that are not failed", p.ID)
}
