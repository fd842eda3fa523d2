package anchortest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// The rules of rails, as they are reported.
const (
	declares   = "what it declares makes sense"
	paysOnce   = "a payout is made once"
	again      = "a key that is sent again is the same payout"
	cutOff     = "a call that was cut off is paid once"
	endsInTime = "a call ends when its context does"
	byKey      = "answers are by key"
	unheardOf  = "it invents nothing about keys that were never sent"
	nothing    = "to be asked about nothing is no error"
	several    = "several payouts at once are each paid once"
	oddValues  = "odd values do no harm"
	itsWord    = "what was said stays"
	audit      = "nobody is paid twice"
)

// memoryBank keeps every rule, except for what a test changes of it.
type memoryBank struct {
	mu   sync.Mutex
	paid map[anchor.PayoutKey]int
	list []anchor.PayoutKey

	execute func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error)
	poll    func(ctx context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error)
}

func newMemoryBank() *memoryBank { return &memoryBank{paid: map[anchor.PayoutKey]int{}} }

// pay pays a key once.
func (b *memoryBank) pay(key anchor.PayoutKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.paid[key] == 0 {
		b.list = append(b.list, key)
		b.paid[key] = 1
	}
}

// payAgain pays a key whether or not it was paid.
func (b *memoryBank) payAgain(key anchor.PayoutKey) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paid[key]++
	if b.paid[key] == 1 {
		b.list = append(b.list, key)
	}
	return b.paid[key]
}

func (b *memoryBank) times(key anchor.PayoutKey) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paid[key]
}

func (b *memoryBank) asked(_ context.Context, key anchor.PayoutKey) (int, error) {
	return b.times(key), nil
}

func reference(key anchor.PayoutKey) string { return "REF-" + string(key[:8]) }

func (b *memoryBank) ExecuteOutgoing(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	if b.execute != nil {
		return b.execute(ctx, b, p)
	}
	return b.properly(ctx, p)
}

func (b *memoryBank) properly(ctx context.Context, p anchor.Payout) (anchor.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return anchor.Outcome{}, err
	}
	b.pay(p.Key)
	return anchor.Delivered(reference(p.Key)), nil
}

func (b *memoryBank) PollOutgoing(ctx context.Context, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	if b.poll != nil {
		return b.poll(ctx, b, open)
	}
	return b.truth(open), nil
}

func (b *memoryBank) truth(open []anchor.Payout) map[anchor.PayoutKey]anchor.Outcome {
	answers := map[anchor.PayoutKey]anchor.Outcome{}
	for _, p := range open {
		answers[p.Key] = anchor.NotKnown()
		if b.times(p.Key) > 0 {
			answers[p.Key] = anchor.Delivered(reference(p.Key))
		}
	}
	return answers
}

// rail is the bank with a declaration that it keeps.
func (b *memoryBank) rail() anchor.Rail {
	return anchor.Rail{Rails: b, NotKnownFinalAfter: time.Millisecond, SameKeySafeFor: time.Hour}
}

func TestCheckRails_finds_nothing_wrong_with_a_bank_that_keeps_the_rules(t *testing.T) {
	t.Parallel()
	b := newMemoryBank()
	anchortest.CheckRails(t, b.rail(), anchortest.RailOptions{Paid: b.asked, Settle: time.Second})
}

func TestCheckRails_finds_nothing_wrong_with_the_simulated_bank(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]simulated.Options{
		"at once":      {},
		"slow":         {After: 5 * time.Millisecond},
		"in the end":   {Outcome: simulated.OutcomeAccepted, After: 50 * time.Millisecond},
		"without keys": {PaysAgain: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.File = filepath.Join(t.TempDir(), "bank.jsonl")
			rail, err := simulated.New(o)
			require.NoError(t, err)
			anchortest.CheckRails(t, rail, anchortest.RailOptions{Paid: asking(simulated.Bank(o.File)), Settle: 2 * time.Second})
		})
	}
}

func TestCheckRails_finds_the_lies_of_the_simulated_bank(t *testing.T) {
	t.Parallel()
	for fault, broken := range map[simulated.Fault]string{
		simulated.FaultErrorAfter:     paysOnce,
		simulated.FaultNonsense:       paysOnce,
		simulated.FaultAnswerOpposite: paysOnce,
		simulated.FaultAnswerNotKnown: itsWord,
		simulated.FaultAnswerMissing:  unheardOf,
		simulated.FaultPollError:      nothing,
		simulated.FaultPollStrangers:  nothing,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "bank.jsonl")
			rail, err := simulated.New(simulated.Options{File: file, Misbehave: func(simulated.Call) simulated.Fault { return fault }})
			require.NoError(t, err)
			rail.NotKnownFinalAfter = time.Millisecond
			r := record(t)
			anchortest.CheckRails(r, rail, anchortest.RailOptions{Paid: asking(simulated.Bank(file))})
			require.Contains(t, r.broken(), broken, r.text())
		})
	}
}

func asking(b simulated.Bank) func(context.Context, anchor.PayoutKey) (int, error) {
	return func(_ context.Context, key anchor.PayoutKey) (int, error) { return b.Paid(key) }
}

func TestCheckRails_names_the_rule_that_a_rail_breaks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil  func(b *memoryBank, r *anchor.Rail)
		broken []string // all of these, perhaps others
	}{
		"one that is declared in negative times": {func(_ *memoryBank, r *anchor.Rail) { r.NotKnownFinalAfter = -time.Second }, []string{declares}},
		"one whose keys are safe for too short":  {func(_ *memoryBank, r *anchor.Rail) { r.NotKnownFinalAfter = 2 * time.Hour }, []string{declares}},
		"one that pays nobody": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(context.Context, *memoryBank, anchor.Payout) (anchor.Outcome, error) {
				return anchor.Failed("no"), nil
			}
		}, []string{paysOnce}},
		"one that only fails": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(context.Context, *memoryBank, anchor.Payout) (anchor.Outcome, error) {
				return anchor.Outcome{}, errors.New("down")
			}
		}, []string{paysOnce}},
		"one that says delivered and pays nobody": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(_ context.Context, _ *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				return anchor.Delivered(reference(p.Key)), nil
			}
			b.poll = func(_ context.Context, _ *memoryBank, _ []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				return nil, nil
			}
		}, []string{paysOnce, audit}},
		"one that never says how it ended": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(_ context.Context, _ *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				b.pay(p.Key)
				return anchor.Accepted(reference(p.Key)), nil
			}
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				for key, o := range answers {
					if o.Kind() == anchor.OutcomeDelivered {
						answers[key] = anchor.Accepted(o.ExternalID())
					}
				}
				return answers, nil
			}
		}, []string{paysOnce}},
		"one that pays a key each time it comes": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(_ context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				b.payAgain(p.Key)
				return anchor.Delivered(""), nil
			}
		}, []string{again, cutOff, audit}},
		"one that has a new reference for each sending": {func(b *memoryBank, _ *anchor.Rail) {
			n := 0
			b.execute = func(_ context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				b.mu.Lock()
				defer b.mu.Unlock()
				n++
				b.paid[p.Key] = 1
				return anchor.Delivered(fmt.Sprint(n)), nil
			}
			b.poll = withoutReferences
		}, []string{again}},
		"one that calls a resend a failure": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if b.times(p.Key) > 0 {
					return anchor.Failed("duplicate key"), nil
				}
				return b.properly(ctx, p)
			}
		}, []string{again, audit}},
		"one that pays after it said for good that it knows nothing": {func(b *memoryBank, _ *anchor.Rail) {
			var late sync.Map
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if ctx.Err() != nil {
					late.Store(p.Key, true)
					return anchor.Outcome{}, ctx.Err()
				}
				return b.properly(ctx, p)
			}
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				for _, p := range open {
					if _, queued := late.Load(p.Key); queued {
						b.pay(p.Key)
					}
				}
				return answers, nil
			}
		}, []string{itsWord}},
		"one that says NotSent of what it has sent": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if over(ctx) {
					b.pay(p.Key)
					return anchor.NotSent("there was no time"), nil
				}
				return b.properly(ctx, p)
			}
			b.poll = func(context.Context, *memoryBank, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				return nil, nil
			}
		}, []string{audit}},
		"one that is deaf to its context": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if ctx.Err() != nil {
					<-t.Context().Done()
				}
				return b.properly(ctx, p)
			}
		}, []string{cutOff, endsInTime}},
		"one that matches answers by position": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				var known []anchor.Outcome
				for _, p := range open {
					if o := b.truth([]anchor.Payout{p})[p.Key]; o.Kind() != anchor.OutcomeNotKnown {
						known = append(known, anchor.Delivered(""))
					}
				}
				answers := map[anchor.PayoutKey]anchor.Outcome{}
				for i, p := range open {
					answers[p.Key] = anchor.NotKnown()
					if i < len(known) {
						answers[p.Key] = known[i]
					}
				}
				return answers, nil
			}
		}, []string{byKey}},
		"one that calls unknown keys failed": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = answering(func(o anchor.Outcome) anchor.Outcome {
				if o.Kind() == anchor.OutcomeNotKnown {
					return anchor.Failed("no such payment")
				}
				return o
			})
		}, []string{byKey, unheardOf}},
		"one that declares NotKnown final and never says it": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				maps.DeleteFunc(answers, func(_ anchor.PayoutKey, o anchor.Outcome) bool { return o.Kind() == anchor.OutcomeNotKnown })
				return answers, nil
			}
		}, []string{unheardOf}},
		"one that pays when it is asked": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				for _, p := range open {
					b.pay(p.Key)
				}
				return answers, nil
			}
		}, []string{unheardOf, audit}},
		"one that cannot bear unknown keys": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				for _, p := range open {
					if b.times(p.Key) == 0 {
						return nil, errors.New("404")
					}
				}
				return b.truth(open), nil
			}
		}, []string{unheardOf}},
		"one that answers about other keys": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				answers["somebody else's"] = anchor.Delivered("")
				return answers, nil
			}
		}, []string{paysOnce, nothing}},
		"one that cannot bear to be asked nothing": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				_ = open[0]
				return b.truth(open), nil
			}
		}, []string{nothing}},
		"one that mixes up what comes at once": {func(b *memoryBank, _ *anchor.Rail) {
			var calls sync.WaitGroup
			busy := make(chan struct{}, 1)
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				select {
				case busy <- struct{}{}:
				default:
					return anchor.Failed("busy"), nil
				}
				calls.Go(func() {
					timer := time.NewTimer(30 * time.Millisecond)
					defer timer.Stop()
					select {
					case <-timer.C:
					case <-ctx.Done():
					}
				})
				calls.Wait()
				<-busy
				return b.properly(ctx, p)
			}
		}, []string{several}},
		"one that needs a receiver": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				_ = p.Receiver.Values["bank_number"][:3]
				return b.properly(ctx, p)
			}
		}, []string{oddValues}},
		"one that changes what it is given": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if p.Receiver != nil && p.Receiver.Values != nil {
					p.Receiver.Values["iban"] = "DE00"
				}
				return b.properly(ctx, p)
			}
		}, []string{paysOnce}},
		"one that repeats personal values in errors": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if ctx.Err() != nil {
					return anchor.Outcome{}, fmt.Errorf("no answer about %s", p.Receiver.Value("bank_account_number"))
				}
				return b.properly(ctx, p)
			}
		}, []string{cutOff}},
		"one that forgets what it has delivered": {func(b *memoryBank, _ *anchor.Rail) {
			b.poll = answering(func(anchor.Outcome) anchor.Outcome { return anchor.NotKnown() })
		}, []string{itsWord}},
		"one that turns delivered into failed": {func(b *memoryBank, _ *anchor.Rail) {
			var asked atomic.Int64
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := b.truth(open)
				if asked.Add(1) > 15 && len(open) > 10 {
					for key, o := range answers {
						if o.Kind() == anchor.OutcomeDelivered {
							answers[key] = anchor.Failed("reversed")
						}
					}
				}
				return answers, nil
			}
		}, []string{itsWord, audit}},
		"one that turns failed into delivered": {func(b *memoryBank, _ *anchor.Rail) {
			b.execute = func(ctx context.Context, b *memoryBank, p anchor.Payout) (anchor.Outcome, error) {
				if over(ctx) {
					b.pay(p.Key)
					return anchor.Failed("timeout"), nil
				}
				return b.properly(ctx, p)
			}
		}, []string{cutOff, audit}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newMemoryBank()
			rail := b.rail()
			test.spoil(b, &rail)
			r := record(t)
			anchortest.CheckRails(r, rail, anchortest.RailOptions{Paid: b.asked, Settle: 50 * time.Millisecond, Timeout: time.Second})
			found := r.broken()
			for _, rule := range test.broken {
				require.Contains(t, found, rule, r.text())
			}
		})
	}
}

// answering polls truthfully, and changes each answer.
func answering(change func(anchor.Outcome) anchor.Outcome) func(context.Context, *memoryBank, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
		answers := b.truth(open)
		for key, o := range answers {
			answers[key] = change(o)
		}
		return answers, nil
	}
}

func withoutReferences(ctx context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return answering(func(o anchor.Outcome) anchor.Outcome {
		if o.Kind() == anchor.OutcomeDelivered {
			return anchor.Delivered("")
		}
		return o
	})(ctx, b, open)
}

func over(ctx context.Context) bool { return ctx.Err() != nil }
