package anchortest_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// A business runs the contract against its own rail, with the test system of its bank. Here the bank is a file, which can be
// asked who was paid how often.
func ExampleCheckRails() {
	// in bank_test.go
	testBank := func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "bank.jsonl")
		rail, err := simulated.New(simulated.Options{File: file, Outcome: simulated.OutcomeAccepted, After: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		anchortest.CheckRails(t, rail, anchortest.RailOptions{
			Paid:   func(_ context.Context, key anchor.PayoutKey) (int, error) { return simulated.Bank(file).Paid(key) },
			Settle: 5 * time.Second,
		})
	}
	_ = testBank
	// Output:
}

// A business runs the contract against its own receiver, with a request that it accepts.
func ExampleCheckReceiver() {
	// in receiver_test.go
	testReceiver := func(t *testing.T, receiver anchor.Receiver) {
		anchortest.CheckReceiver(t, receiver, anchortest.ReceiverOptions{
			Admitted: anchor.SendingAnchor{Account: "GDW6AUTBXTOC7FIKUO5BOO3OGLK4SF7ZPOBLMQHMZDI45J2Z6VXRB5NR"},
			Request: func() anchor.PostRequest {
				return anchor.PostRequest{Fields: map[string]string{"routing_number": "021000021", "account_number": "1234567890"}}
			},
		})
	}
	_ = testReceiver
	// Output:
}

// A whole transfer through a whole anchor: from the sending anchor's login to the bank, in one test. Setup is the function
// that main gives to cli.Main; without it the business is all declared.
func ExampleStart() {
	// in transfer_test.go
	testTransfer := func(t *testing.T) {
		a := anchortest.Start(t, anchortest.Options{})
		sender, err := a.NewSender(t.Context(), anchortest.Account{})
		if err != nil {
			t.Fatal(err)
		}
		from, to, err := sender.RegisterPeople(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done, err := sender.Send(t.Context(), anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
		if err != nil || done.Status != anchor.StatusCompleted {
			t.Fatalf("the transaction is %s (%s): %v", done.Status, done.StatusMessage, err)
		}
		if paid, err := a.Bank.PaidTransactions(); err != nil || paid[done.ID] != 1 {
			t.Fatalf("the bank paid it %d times: %v", paid[done.ID], err)
		}
	}
	_ = testTransfer
	// Output:
}
