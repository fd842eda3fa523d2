package anchortest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/money"
)

// The rules of receivers, as they are reported.
const (
	stableInfo   = "Info asks for the same every time"
	described    = "Info describes what it asks for"
	noStranger   = "a stranger is not admitted"
	admitsFriend = "whom it admits it admits with whatever memo"
	acceptsGood  = "a good request is accepted again and again"
	possible     = "what it accepts can be carried out"
	absence      = "absent people, fields and values do no harm"
	oddRequests  = oddValues
	manyAtOnce   = "several requests at once are decided like one"
	contextEnds  = endsInTime
)

const friend = "GDW6AUTBXTOC7FIKUO5BOO3OGLK4SF7ZPOBLMQHMZDI45J2Z6VXRB5NR"

// receiver keeps every rule, except for what a test changes of it.
type receiver struct {
	info  func() anchor.Info
	valid func(anchor.SendingAnchor) (bool, error)
	post  func(context.Context, anchor.PostRequest) (anchor.Acceptance, error)
	patch func(context.Context, anchor.PatchRequest) error
}

func goodReceiver() *receiver {
	return &receiver{
		info: func() anchor.Info {
			return anchor.Info{
				SenderTypes:   map[string]anchor.CustomerType{"sep31-sender": {Description: "who sends"}},
				ReceiverTypes: map[string]anchor.CustomerType{"sep31-receiver": {Description: "who receives"}},
				Fields:        map[string]anchor.Field{"account": {Description: "of the recipient"}},
			}
		},
		valid: func(who anchor.SendingAnchor) (bool, error) { return who.Account == friend, nil },
		post: func(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
			switch {
			case p.Sender.Status() == anchor.CustomerRejected:
				return anchor.Acceptance{}, anchor.CustomerInfoNeeded("sep31-sender")
			case p.Fields["account"] == "":
				return anchor.Acceptance{}, anchor.TransactionInfoNeeded(map[string]anchor.Field{"account": {Description: "is missing"}})
			}
			return anchor.Acceptance{}, nil
		},
		patch: func(context.Context, anchor.PatchRequest) error { return nil },
	}
}

func (r *receiver) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) {
	return r.info(), nil
}

func (r *receiver) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	return r.valid(who)
}

func (r *receiver) ProcessPostRequest(ctx context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	return r.post(ctx, p)
}

func (r *receiver) ProcessPatchRequest(ctx context.Context, p anchor.PatchRequest) error {
	return r.patch(ctx, p)
}

func receiverOptions() anchortest.ReceiverOptions {
	return anchortest.ReceiverOptions{Admitted: anchor.SendingAnchor{Account: friend}, Timeout: 200 * time.Millisecond}
}

func TestCheckReceiver_finds_nothing_wrong_with_a_receiver_that_keeps_the_rules(t *testing.T) {
	t.Parallel()
	anchortest.CheckReceiver(t, goodReceiver(), receiverOptions())
}

// The declared integration, as every anchor has it.
func TestCheckReceiver_finds_nothing_wrong_with_the_declared_receiver(t *testing.T) {
	t.Parallel()
	const yaml = `
rails: [{name: bank, kind: simulated}]
funding_methods: [{name: SEPA, rail: bank}]
transaction_fields:
  - {name: routing_number, description: of the bank}
  - {name: purpose, description: what for, choices: [gift, rent], optional: true}
`
	var declared anchor.Receiver
	anchortest.Start(t, anchortest.Options{
		YAML: yaml, Settings: map[string]string{"ANCHOR_SENDING_ANCHORS": friend},
		Setup: func(_ context.Context, h anchor.Host) (anchor.Business, error) {
			declared = h.Default.Receiver
			return anchor.Business{}, nil
		},
	})
	anchortest.CheckReceiver(t, declared, anchortest.ReceiverOptions{Admitted: anchor.SendingAnchor{Account: friend}})
}

func TestCheckReceiver_names_the_rule_that_a_receiver_breaks(t *testing.T) {
	t.Parallel()
	refusing := func(err error) func(*receiver) {
		return func(r *receiver) {
			r.post = func(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
				if p.Sender == nil {
					return anchor.Acceptance{}, err
				}
				return anchor.Acceptance{}, nil
			}
		}
	}
	accepting := func(a anchor.Acceptance) func(*receiver) {
		return func(r *receiver) {
			r.post = func(context.Context, anchor.PostRequest) (anchor.Acceptance, error) { return a, nil }
		}
	}
	for name, test := range map[string]struct {
		spoil  func(*receiver)
		broken string
	}{
		"one that asks for something else each time": {func(r *receiver) {
			var n atomic.Int64
			good := r.info
			r.info = func() anchor.Info {
				info := good()
				info.Fields[fmt.Sprint("field", n.Add(1))] = anchor.Field{Description: "another"}
				return info
			}
		}, stableInfo},
		"one that describes no field": {func(r *receiver) {
			r.info = func() anchor.Info { return anchor.Info{Fields: map[string]anchor.Field{"account": {}}} }
		}, described},
		"one that describes no type": {func(r *receiver) {
			r.info = func() anchor.Info {
				return anchor.Info{SenderTypes: map[string]anchor.CustomerType{"sep31-sender": {}}}
			}
		}, described},
		"one that admits strangers": {func(r *receiver) {
			r.valid = func(anchor.SendingAnchor) (bool, error) { return true, nil }
		}, noStranger},
		"one to whom a stranger is an error": {func(r *receiver) {
			r.valid = func(who anchor.SendingAnchor) (bool, error) {
				if who.Account != friend {
					return false, errors.New("no rows")
				}
				return true, nil
			}
		}, noStranger},
		"one that admits nobody with a memo": {func(r *receiver) {
			r.valid = func(who anchor.SendingAnchor) (bool, error) { return who == anchor.SendingAnchor{Account: friend}, nil }
		}, admitsFriend},
		"one that accepts a request only once": {func(r *receiver) {
			var seen sync.Map
			r.post = func(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
				if _, before := seen.LoadOrStore(p.ID, true); before {
					return anchor.Acceptance{}, anchor.Refuse("there is such a transaction")
				}
				return anchor.Acceptance{}, nil
			}
		}, acceptsGood},
		"one that refuses what its business says is good": {func(r *receiver) {
			r.post = func(context.Context, anchor.PostRequest) (anchor.Acceptance, error) {
				return anchor.Acceptance{}, anchor.Refuse("no")
			}
		}, acceptsGood},
		"one that names a type that is unheard of": {accepting(anchor.Acceptance{SenderType: "sep31-large-sender"}), possible},
		"one whose fee leaves nothing":             {accepting(anchor.Acceptance{Fee: &anchor.Fee{Total: amount(t, "100")}}), possible},
		"one whose fee does not add up": {accepting(anchor.Acceptance{Fee: &anchor.Fee{
			Total: amount(t, "2"), Details: []anchor.FeePart{{Name: "service", Amount: amount(t, "1")}},
		}}), possible},
		"one that needs a sender": {func(r *receiver) {
			r.post = func(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
				_ = p.Sender.Values["first_name"]
				return anchor.Acceptance{}, nil
			}
		}, absence},
		"one that refuses with an error of its own":    {refusing(errors.New("sender missing")), absence},
		"one that needs a type that is unheard of":     {refusing(anchor.CustomerInfoNeeded("sep31-large-sender")), absence},
		"one that needs a field that is unheard of":    {refusing(anchor.TransactionInfoNeeded(map[string]anchor.Field{"iban": {Description: "x"}})), absence},
		"one that needs a field without describing it": {refusing(anchor.TransactionInfoNeeded(map[string]anchor.Field{"account": {}})), absence},
		"one that needs fields without naming any":     {refusing(anchor.TransactionInfoNeeded(nil)), absence},
		"one that cannot bear updates of what it has not": {func(r *receiver) {
			r.patch = func(_ context.Context, p anchor.PatchRequest) error { return unknownFields(p.Fields) }
		}, absence},
		"one that panics at short values": {func(r *receiver) {
			r.patch = func(_ context.Context, p anchor.PatchRequest) error {
				if account, given := p.Fields["account"]; given {
					_ = account[:4]
				}
				return nil
			}
		}, oddRequests},
		"one that repeats values in refusals": {func(r *receiver) {
			r.patch = func(_ context.Context, p anchor.PatchRequest) error {
				return anchor.Refusef("%s is no account", p.Fields["account"])
			}
		}, oddRequests},
		"one that changes what it is given": {func(r *receiver) {
			r.post = func(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
				if p.Fields != nil {
					p.Fields["account"] = "normal"
				}
				return anchor.Acceptance{}, nil
			}
		}, acceptsGood},
		"one that decides otherwise under load": {func(r *receiver) {
			busy := make(chan struct{}, 1)
			r.post = func(ctx context.Context, _ anchor.PostRequest) (anchor.Acceptance, error) {
				select {
				case busy <- struct{}{}:
				default:
					return anchor.Acceptance{}, anchor.RefuseAs(anchor.CodeUnavailable, "busy")
				}
				defer func() { <-busy }()
				timer := time.NewTimer(10 * time.Millisecond)
				defer timer.Stop()
				select {
				case <-timer.C:
				case <-ctx.Done():
				}
				return anchor.Acceptance{}, nil
			}
		}, manyAtOnce},
		"one that is deaf to its context": {func(r *receiver) {
			r.post = func(ctx context.Context, _ anchor.PostRequest) (anchor.Acceptance, error) {
				if ctx.Err() != nil {
					<-t.Context().Done()
				}
				return anchor.Acceptance{}, nil
			}
		}, contextEnds},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := goodReceiver()
			test.spoil(r)
			found := record(t)
			o := receiverOptions()
			if test.broken == acceptsGood {
				o.Request = func() anchor.PostRequest {
					return anchor.PostRequest{ID: "the same", Amount: amount(t, "100"), Fields: map[string]string{"account": "123456"}}
				}
			}
			anchortest.CheckReceiver(found, r, o)
			require.Contains(t, found.broken(), test.broken, found.text())
		})
	}
}

func unknownFields(fields map[string]string) error {
	for name := range fields {
		if name != "account" {
			return fmt.Errorf("no column %s", name)
		}
	}
	return nil
}

func amount(t *testing.T, text string) money.Amount {
	t.Helper()
	a, err := money.Parse(text, money.StellarDecimals)
	require.NoError(t, err)
	return a
}
