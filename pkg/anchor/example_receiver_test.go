package anchor_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// remittances decides about transactions. It is a value: nothing in it changes, so any number of requests may be decided at
// once, and deciding twice is deciding the same.
type remittances struct {
	partners []string // accounts of the sending anchors with an agreement
}

func (remittances) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) {
	return anchor.Info{
		SenderTypes:   map[string]anchor.CustomerType{"sep31-sender": {Description: "the person who sends the money"}},
		ReceiverTypes: map[string]anchor.CustomerType{"sep31-receiver": {Description: "the person who receives the money"}},
		Fields:        map[string]anchor.Field{"purpose": {Description: "what the money is for", Choices: []string{"family", "rent"}}},
	}, nil
}

func (r remittances) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	return slices.Contains(r.partners, who.Account), nil
}

// ProcessPostRequest refuses by functions only: any other error is a 500. Customers may be nil, and can be asked all the same.
func (remittances) ProcessPostRequest(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	if p.Receiver.Status() != anchor.CustomerAccepted {
		return anchor.Acceptance{}, anchor.CustomerInfoNeeded("sep31-receiver")
	}
	if p.Fields["purpose"] == "rent" && p.Sender.Value("address_country_code") == "" {
		return anchor.Acceptance{}, anchor.Refuse("rent is only sent for people whose country is known")
	}
	return anchor.Acceptance{}, nil
}

func (remittances) ProcessPatchRequest(context.Context, anchor.PatchRequest) error { return nil }

// A receiver says what is asked of sending anchors, who they are, and which transactions are accepted.
func ExampleReceiver() {
	var receiver anchor.Receiver = remittances{partners: []string{"GDW6AUTBXTOC7FIKUO5BOO3OGLK4SF7ZPOBLMQHMZDI45J2Z6VXRB5NR"}}
	ctx := context.Background()

	known, err := receiver.ValidSendingAnchor(ctx, anchor.SendingAnchor{Account: "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"})
	fmt.Println(known, err)

	_, err = receiver.ProcessPostRequest(ctx, anchor.PostRequest{Fields: map[string]string{"purpose": "family"}})
	fmt.Println(anchor.ProblemOf(err).Code, anchor.ProblemOf(err).Type)

	bruno := &anchor.Customer{Type: "sep31-receiver", Statuses: map[string]anchor.CustomerStatus{"sep31-receiver": anchor.CustomerAccepted}}
	_, err = receiver.ProcessPostRequest(ctx, anchor.PostRequest{Receiver: bruno, Fields: map[string]string{"purpose": "rent"}})
	fmt.Println(anchor.ProblemOf(err).Code, anchor.ProblemOf(err).Text)

	_, err = receiver.ProcessPostRequest(ctx, anchor.PostRequest{Receiver: bruno, Fields: map[string]string{"purpose": "family"}})
	fmt.Println(err)
	// Output:
	// false <nil>
	// customer_info_needed sep31-receiver
	// invalid rent is only sent for people whose country is known
	// <nil>
}
