package simulated

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync"
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

	// Misbehave says what goes wrong with a call; empty: nothing. It is called from several goroutines. For tests: see
	// Seeded. nil: nothing ever goes wrong.
	Misbehave func(Call) Fault
	// FaultFor is how long it takes until a fault that lasts is over; zero: one second.
	FaultFor time.Duration
	// PaysAgain makes a bank that knows no keys: whatever is sent again is paid again. Nothing can be relied on then, and
	// the rail that New returns declares nothing.
	PaysAgain bool
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
	if o.FaultFor == 0 {
		o.FaultFor = time.Second
	}
	o.Now = clockOr(o.Now)
	b := &bank{Options: o, ledger: openLedger(o.File), calls: map[counted]int{}, told: map[anchor.PayoutKey]bool{}}
	if o.PaysAgain {
		return anchor.Rail{Rails: b}, nil
	}
	return anchor.Rail{Rails: b, NotKnownFinalAfter: notKnownFinalAfter, SameKeySafeFor: sameKeySafeFor}, nil
}

// bank is safe for concurrent use.
type bank struct {
	Options
	ledger *ledger

	mu    sync.Mutex
	calls map[counted]int
	told  map[anchor.PayoutKey]bool // of whose return a poll has told
}

// The errors of a bank; none says whether money has left.
var (
	errOtherPayout = errors.New("the key came before with another payout") // a client's mistake that a bank must not pay for
	errInternal    = errors.New("the simulated bank has an internal error")
	errNoAnswer    = errors.New("the simulated bank does not answer")
)

// ExecuteOutgoing pays a key once and answers it alike ever after, unless it is to misbehave.
func (b *bank) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	if !b.reached(ctx) {
		return anchor.NotSent("the call was given up before the bank was reached"), nil
	}
	fault := b.fault(MethodExecute, p)
	switch fault {
	case FaultNotSent:
		return anchor.NotSent("the simulated bank has no time"), nil
	case FaultErrorBefore:
		return anchor.Outcome{}, errInternal
	case FaultLostBefore:
		<-ctx.Done()
		return anchor.Outcome{}, errNoAnswer
	default:
	}
	line, err := b.pay(ctx, p, fault)
	if errors.Is(err, errUnusable) {
		return anchor.NotSent(err.Error()), nil
	}
	if err != nil {
		return anchor.Outcome{}, err
	}
	return b.answerPaid(ctx, line, fault)
}

// reached passes the time that a bank takes to answer; false if the call was given up meanwhile.
func (b *bank) reached(ctx context.Context) bool {
	if b.Outcome == OutcomeAccepted {
		return ctx.Err() == nil
	}
	return pass(ctx, b.After)
}

// pay writes a payout into the ledger unless its key is there, and returns its line.
func (b *bank) pay(ctx context.Context, p anchor.Payout, fault Fault) (line Payment, err error) {
	err = b.ledger.with(ctx, func(f *os.File) error {
		known, ok := b.ledger.find(p.Key)
		switch {
		case !ok, b.PaysAgain:
			line = b.decide(p, fault)
			return b.ledger.append(f, line)
		case known.TransactionID != p.TransactionID || known.Amount != p.Amount || known.Asset != p.Asset:
			return errOtherPayout
		}
		line = known
		return nil
	})
	return line, err
}

// decide is what the bank does with a payout that it has not seen before.
func (b *bank) decide(p anchor.Payout, fault Fault) Payment {
	now := b.Now().UTC()
	line := Payment{
		Key: p.Key, TransactionID: p.TransactionID, Amount: p.Amount, Asset: p.Asset, ExternalID: externalID(p.Key), At: now, DeliveredAt: now,
	}
	if b.Outcome == OutcomeFailing || fault == FaultRefused {
		line.Refused, line.DeliveredAt = true, time.Time{}
		return line
	}
	if b.Outcome == OutcomeAccepted {
		line.DeliveredAt = now.Add(b.After)
	}
	switch fault {
	case FaultForgotten:
		line.KnownAt = now.Add(b.FaultFor)
	case FaultReturned:
		line.ReturnedAt = line.DeliveredAt.Add(b.FaultFor)
	default:
	}
	return line
}

// externalID is the bank's own reference.
func externalID(key anchor.PayoutKey) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("SIM-%X", sum[:6])
}

// answerPaid answers a call after its payout is in the ledger.
func (b *bank) answerPaid(ctx context.Context, line Payment, fault Fault) (anchor.Outcome, error) {
	switch fault {
	case FaultErrorAfter, FaultForgotten:
		return anchor.Outcome{}, errInternal
	case FaultLostAfter:
		<-ctx.Done()
		return anchor.Outcome{}, errNoAnswer
	case FaultNonsense:
		return anchor.Outcome{}, nil
	case FaultEndless:
		pass(context.WithoutCancel(ctx), b.FaultFor)
	default:
	}
	return b.outcome(line), nil
}

func (b *bank) outcome(line Payment) anchor.Outcome {
	now := b.Now()
	switch {
	case line.Refused:
		return anchor.Failed("the simulated bank refuses the payout")
	case line.returned(now):
		return anchor.Returned("the simulated bank got the money back")
	case line.DeliveredAt.After(now):
		return anchor.Accepted(line.ExternalID)
	}
	return anchor.Delivered(line.ExternalID)
}

func (p Payment) returned(now time.Time) bool {
	return !p.ReturnedAt.IsZero() && !p.ReturnedAt.After(now)
}
