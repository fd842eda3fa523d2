package anchortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// Sender is a sending anchor with an account on the network and something to send. It knows of the receiving anchor what its
// stellar.toml tells, logs in by SEP-10 and speaks to it over HTTP alone. It is safe for concurrent use.
type Sender struct {
	Account Account

	world     *world
	client    *sender.Sender
	callbacks *sender.Callbacks
	people    atomic.Uint64
}

// Transfer is what a sending anchor asks for (SEP-31 "POST Transactions").
type Transfer struct {
	Amount               string            // decimal, of the anchor's asset
	SenderID, ReceiverID string            // of Register
	FundingMethod        string            // empty: FundingMethod
	Fields               map[string]string // transaction fields
	Key                  string            // Idempotency-Key; empty: a new one
}

// What a sender has to send, and how often it looks whether something has come about.
const (
	balance   = "1000000"
	lookEvery = 10 * time.Millisecond
)

// NewSender makes a sending anchor whose account is funded and holds a million of the anchor's asset; zero: a new account.
// It ends with the test. The anchor's business decides whether it is admitted (Receiver.ValidSendingAnchor); the built-in
// settings admit everybody.
func (a *Anchor) NewSender(ctx context.Context, account Account) (*Sender, error) {
	account, err := account.orNew()
	if err != nil {
		return nil, err
	}
	key, err := keypair.ParseFull(account.Seed)
	if err != nil {
		return nil, errors.New("the sender's seed cannot be read")
	}
	issuer, err := keypair.ParseFull(a.Issuer.Seed)
	if err != nil {
		return nil, errors.New("the issuer's seed cannot be read")
	}
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	s := &Sender{Account: account, world: a.world}
	s.client, err = sender.New(ctx, sender.Options{
		Home: a.HomeURL, Horizon: a.HorizonURL, Passphrase: a.Passphrase, Account: key, AssetCode: AssetCode, PollEvery: lookEvery,
		CallbackURL: func(id string) string { return "http://" + listener.Addr().String() + "/" + id },
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if s.callbacks, err = sender.NewCallbacks(s.client.SigningKey()); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: s.callbacks, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends by Close
	a.world.onStop(server.Close)
	return s, s.client.SetUp(ctx, issuer, balance)
}

// Register makes a new person known to the anchor with SEP-9 values (SEP-12 "PUT Customer") and returns the customer's id
// there, once the anchor has accepted the person for the type; while the anchor is still looking it waits, as long as ctx
// lasts.
func (s *Sender) Register(ctx context.Context, customerType string, values map[string]string) (string, error) {
	return s.client.Register(ctx, sender.Person{Memo: s.people.Add(1), Type: customerType, Fields: values})
}

// RegisterPeople registers somebody who sends and somebody who receives, with the types and fields of the built-in settings.
func (s *Sender) RegisterPeople(ctx context.Context) (senderID, receiverID string, err error) {
	senderID, err = s.Register(ctx, SenderType, map[string]string{
		"first_name": "Ana", "last_name": "Souza", "email_address": "ana@example.com",
	})
	if err != nil {
		return "", "", err
	}
	receiverID, err = s.Register(ctx, ReceiverType, map[string]string{
		"first_name": "Bruno", "last_name": "Lima", "bank_account_number": "000123456", "bank_number": "341",
	})
	return senderID, receiverID, err
}

// Send carries a transfer from its agreement to its end, and returns the transaction as it then is. The transaction may
// have ended otherwise than well: look at its status.
func (s *Sender) Send(ctx context.Context, t Transfer) (anchor.Transaction, error) {
	agreed, err := s.Agree(ctx, t)
	if err != nil {
		return agreed, err
	}
	if err := s.Pay(ctx, agreed, t.Amount); err != nil {
		return agreed, err
	}
	return s.Await(ctx, agreed.ID, anchor.StatusCompleted, anchor.StatusRefunded, anchor.StatusExpired, anchor.StatusError)
}

// Agree opens a transaction, asks for its callbacks, and returns it once the anchor has said where to pay. A refusal is an
// error that has the anchor's answer in it.
func (s *Sender) Agree(ctx context.Context, t Transfer) (anchor.Transaction, error) {
	if t.FundingMethod == "" {
		t.FundingMethod = FundingMethod
	}
	if t.Key == "" {
		t.Key = uuid.NewString()
	}
	state, err := s.client.Agree(ctx, sender.Transfer{
		Key: t.Key, Amount: t.Amount, SenderID: t.SenderID, ReceiverID: t.ReceiverID, FundingMethod: t.FundingMethod, Fields: t.Fields,
	})
	if err != nil {
		return anchor.Transaction{ID: state.ID}, err
	}
	return s.world.Operations.Transaction(ctx, state.ID)
}

// Pay pays an agreed transaction on the network, with the memo that it was given. The amount, decimal, need not be the
// agreed one.
func (s *Sender) Pay(ctx context.Context, agreed anchor.Transaction, amount string) error {
	return s.client.Pay(ctx, sender.State{
		ID: agreed.ID, Account: agreed.StellarAccountID, MemoType: agreed.StellarMemoType, Memo: agreed.StellarMemo,
	}, amount)
}

// Await waits until a transaction has one of the statuses, as long as ctx lasts, and returns it as it then is.
func (s *Sender) Await(ctx context.Context, transactionID string, statuses ...anchor.Status) (anchor.Transaction, error) {
	var last anchor.Transaction
	for {
		t, err := s.world.Operations.Transaction(ctx, transactionID)
		switch {
		case err != nil && ctx.Err() == nil:
			return last, err
		case err == nil && slices.Contains(statuses, t.Status):
			return t, nil
		case err == nil:
			last = t
		}
		if err := pause(ctx, lookEvery); err != nil {
			return last, fmt.Errorf("transaction %s is %s and not %s: %w", transactionID, last.Status, listed(statuses), err)
		}
	}
}

// Callbacks are the statuses that the anchor's signed callbacks told of a transaction so far, in order.
func (s *Sender) Callbacks(transactionID string) []anchor.Status {
	var statuses []anchor.Status
	for _, text := range s.callbacks.Statuses(transactionID) {
		statuses = append(statuses, anchor.Status(text))
	}
	return statuses
}

func listed(statuses []anchor.Status) string {
	text := ""
	for i, s := range statuses {
		if i > 0 {
			text += " or "
		}
		text += strconv.Quote(string(s))
	}
	return text
}

// pause waits; the error is that of the context, if it ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
