package anchor_test

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// screening decides about people. They are looked at by a screening service, which takes its time.
type screening struct {
	submit func(customerID string, version int64) // tells the service, which calls decided later
}

func (screening) Get(context.Context, anchor.CustomerGet) (anchor.CustomerRequirements, error) {
	return anchor.CustomerRequirements{Type: "sep31-sender", Fields: map[string]anchor.Field{
		"first_name": {Type: anchor.FieldString, Description: "given name"},
		"last_name":  {Type: anchor.FieldString, Description: "family name"},
	}}, nil
}

// Put is called once everything that Get demands was given, and again after every change. It may be called again for what it
// has decided before, so submitting somebody twice must be harmless.
func (s screening) Put(_ context.Context, p anchor.CustomerPut) (anchor.Verdict, error) {
	s.submit(p.Customer.ID, p.Customer.Version)
	return anchor.Verdict{Type: "sep31-sender", Status: anchor.CustomerProcessing, Message: "we look at it within a day"}, nil
}

func (screening) Delete(context.Context, anchor.CustomerDelete) error { return nil }

// decided is what the screening service calls when it has an opinion. It names the version that it has seen: an opinion about
// values that were changed meanwhile is refused. A payout that waits for the person moves on by itself.
func decided(ctx context.Context, operations anchor.Operations, customerID string, version int64, clear bool) error {
	verdict := anchor.Verdict{Type: "sep31-sender", Version: version, Status: anchor.CustomerAccepted}
	if !clear {
		verdict.Status, verdict.Message = anchor.CustomerRejected, "we cannot serve this person"
	}
	return operations.SetCustomerStatus(ctx, customerID, verdict)
}

// A decision about a customer that takes its time: Put answers that it is under way, and the business speaks first once it
// is made, by Host.Anchor.
func ExampleCustomerIntegration() {
	ctx := context.Background()
	var operations anchor.Operations = printer{} // in earnest: Host.Anchor
	customers := screening{submit: func(id string, version int64) { fmt.Println("submitted", id, "in version", version) }}

	ana := &anchor.Customer{ID: "c-1", Version: 2, Values: map[string]string{"first_name": "Ana", "last_name": "Souza"}}
	verdict, err := customers.Put(ctx, anchor.CustomerPut{Customer: ana})
	fmt.Println(verdict.Status, err)

	fmt.Println(decided(ctx, operations, "c-1", 2, true))
	// Output:
	// submitted c-1 in version 2
	// PROCESSING <nil>
	// c-1 is ACCEPTED
	// <nil>
}

// printer is an anchor that prints what it is told.
type printer struct{}

func (printer) Transaction(_ context.Context, id string) (anchor.Transaction, error) {
	return anchor.Transaction{ID: id, Status: anchor.StatusPendingExternal}, nil
}

func (printer) SetCustomerStatus(_ context.Context, customerID string, v anchor.Verdict) error {
	fmt.Println(customerID, "is", v.Status)
	return nil
}

func (printer) ReportPayout(_ context.Context, _ anchor.PayoutKey, o anchor.Outcome) error {
	fmt.Println("the payout is", o.Kind(), o.ExternalID()+o.Why())
	return nil
}
