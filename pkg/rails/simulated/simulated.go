package simulated

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Outcome is what the bank does with every payout that it has not seen before.
type Outcome string

// The outcomes: paid at once, paid after a while, refused.
const (
	OutcomeDelivered Outcome = "delivered"
	OutcomeAccepted  Outcome = "accepted"
	OutcomeFailing   Outcome = "failing"
)

// What may be relied on: the bank knows of a payout as soon as it has answered, and forgets none.
const (
	notKnownFinalAfter = time.Second
	sameKeySafeFor     = 365 * 24 * time.Hour
)

// Options are how the bank behaves.
type Options struct {
	File    string           // its ledger; processes that name the same file are the same bank
	Outcome Outcome          // empty: OutcomeDelivered
	After   time.Duration    // OutcomeAccepted: until it is delivered; otherwise how long a payout takes to be answered
	Now     func() time.Time // nil: this host's clock
}

// New opens a bank as a rail. The file is made when the first payout comes.
func New(o Options) (anchor.Rail, error) {
	switch o.Outcome {
	case "":
		o.Outcome = OutcomeDelivered
	case OutcomeDelivered, OutcomeAccepted, OutcomeFailing:
	default:
		return anchor.Rail{}, fmt.Errorf("a simulated bank cannot be %q: its outcome is delivered, accepted or failing", o.Outcome)
	}
	if o.File == "" {
		return anchor.Rail{}, errors.New("a simulated bank needs a file for its ledger")
	}
	o.Now = clockOr(o.Now)
	b := &bank{Options: o, ledger: openLedger(o.File)}
	return anchor.Rail{Rails: b, NotKnownFinalAfter: notKnownFinalAfter, SameKeySafeFor: sameKeySafeFor}, nil
}

// bank is safe for concurrent use.
type bank struct {
	Options
	ledger *ledger
}

// errOtherPayout is a client's mistake that a bank must not pay for.
var errOtherPayout = errors.New("the key came before with another payout")

// ExecuteOutgoing pays a key once and answers it alike ever after.
func (b *bank) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	if !b.reached(ctx) {
		return anchor.NotSent("the call was given up before the bank was reached"), nil
	}
	var line Payment
	err := b.ledger.with(func(f *os.File) error {
		known, ok := b.ledger.find(p.Key)
		if !ok {
			line = b.decide(p)
			return b.ledger.append(f, line)
		}
		line = known
		if known.TransactionID != p.TransactionID || known.Amount != p.Amount || known.Asset != p.Asset {
			return errOtherPayout
		}
		return nil
	})
	if errors.Is(err, errUnusable) {
		return anchor.NotSent(err.Error()), nil
	}
	if err != nil {
		return anchor.Outcome{}, err
	}
	return b.outcome(line), nil
}

// reached passes the time that a bank takes to answer; false if the call was given up meanwhile.
func (b *bank) reached(ctx context.Context) bool {
	if b.Outcome != OutcomeAccepted && b.After > 0 {
		timer := time.NewTimer(b.After)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// decide is what the bank does with a payout that it has not seen before.
func (b *bank) decide(p anchor.Payout) Payment {
	now := b.Now().UTC()
	line := Payment{
		Key: p.Key, TransactionID: p.TransactionID, Amount: p.Amount, Asset: p.Asset, ExternalID: externalID(p.Key), At: now, DeliveredAt: now,
	}
	switch b.Outcome {
	case OutcomeFailing:
		line.Refused, line.DeliveredAt = true, time.Time{}
	case OutcomeAccepted:
		line.DeliveredAt = now.Add(b.After)
	case OutcomeDelivered: // now
	}
	return line
}

// externalID is the bank's own reference.
func externalID(key anchor.PayoutKey) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("SIM-%X", sum[:6])
}

func (b *bank) outcome(line Payment) anchor.Outcome {
	switch {
	case line.Refused:
		return anchor.Failed("the simulated bank refuses every payout")
	case line.DeliveredAt.After(b.Now()):
		return anchor.Accepted(line.ExternalID)
	}
	return anchor.Delivered(line.ExternalID)
}

// PollOutgoing answers every key, those that the bank does not know included.
func (b *bank) PollOutgoing(_ context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	answers := make(map[anchor.PayoutKey]anchor.Outcome, len(open))
	err := b.ledger.with(func(*os.File) error {
		for _, p := range open {
			if line, known := b.ledger.find(p.Key); known {
				answers[p.Key] = b.outcome(line)
			} else {
				answers[p.Key] = anchor.NotKnown()
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// Bank names a bank by its file: for those who want to ask it who was paid.
type Bank string

// Payments lists everything that the bank was asked to pay, in order, refused ones included.
func (b Bank) Payments() ([]Payment, error) {
	l := openLedger(string(b))
	var list []Payment
	err := l.with(func(*os.File) error {
		list = append(list, l.payments...)
		return nil
	})
	return list, err
}
