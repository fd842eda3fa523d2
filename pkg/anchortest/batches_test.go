package anchortest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

// The rules of rails that take batches, as they are reported; the others are those of rails.
const (
	batchOnce  = "a batch is handed over once"
	sameBatch  = "the same batch again has no other effect"
	cutBatch   = "a batch whose call was cut off is handed over once"
	twoAtOnce  = "the same batch from two at once is handed over once"
	batchAudit = "nothing is handed over twice"
)

// batchBank keeps every rule about batches, except for what a test changes of it.
type batchBank struct {
	memoryBank
	names   map[string]bool
	checked chan struct{} // closed when the check is over
	hand    func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error)
}

func newBatchBank() *batchBank {
	return &batchBank{memoryBank: memoryBank{paid: map[anchor.PayoutKey]int{}}, names: map[string]bool{}, checked: make(chan struct{})}
}

func (b *batchBank) ExecuteBatch(ctx context.Context, batch anchor.Batch) (anchor.BatchTaken, error) {
	if b.hand != nil {
		return b.hand(ctx, b, batch)
	}
	return b.takeProperly(ctx, batch)
}

func (b *batchBank) takeProperly(ctx context.Context, batch anchor.Batch) (anchor.BatchTaken, error) {
	if err := ctx.Err(); err != nil {
		return anchor.BatchTaken{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.names[batch.Name] {
		b.names[batch.Name] = true
		for _, p := range batch.Payouts {
			b.paid[p.Key]++
		}
	}
	return anchor.BatchTaken{ExternalID: batch.Name}, nil
}

func (b *batchBank) batchRail() anchor.Rail {
	return anchor.Rail{Rails: b, Batch: b, NotKnownFinalAfter: time.Millisecond, SameKeySafeFor: time.Hour}
}

func TestCheckBatchRails_finds_nothing_wrong_with_a_bank_that_keeps_the_rules(t *testing.T) {
	t.Parallel()
	b := newBatchBank()
	anchortest.CheckBatchRails(t, b.batchRail(), anchortest.BatchOptions{HandedOver: b.asked})
}

func TestCheckBatchRails_finds_nothing_wrong_with_the_rail_of_CSV_files(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"that stay": false, "that the bank takes away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, away := t.TempDir(), t.TempDir()
			rail, err := csvfile.New(csvfile.Options{
				Directory: folder, Answers: t.TempDir(), Columns: []string{"sender.first_name", "receiver.bank_account_number", "fields.purpose"},
			})
			require.NoError(t, err)
			anchortest.CheckBatchRails(t, rail, anchortest.BatchOptions{HandedOver: func(_ context.Context, key anchor.PayoutKey) (int, error) {
				if !taken {
					return countIn(folder, key)
				}
				if err := takeAway(folder, away); err != nil {
					return 0, err
				}
				return countIn(away, key)
			}})
		})
	}
}

// takeAway moves files as a bank does. One that came twice keeps both.
func takeAway(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.csv"))
	if err != nil {
		return err
	}
	for _, file := range files {
		place := filepath.Join(to, filepath.Base(file))
		for n := 0; ; n++ {
			if _, err := os.Stat(place); errors.Is(err, os.ErrNotExist) {
				break
			}
			place = fmt.Sprintf("%s.%d.csv", place, n)
		}
		if err := os.Rename(file, place); err != nil {
			return err
		}
	}
	return nil
}

// countIn counts the lines of a folder's files that begin with a key.
func countIn(folder string, key anchor.PayoutKey) (int, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.csv"))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		n += strings.Count(string(raw), "\n"+string(key)+",")
	}
	return n, nil
}

func TestCheckBatchRails_names_the_rule_that_a_rail_breaks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil  func(b *batchBank, r *anchor.Rail)
		broken []string // all of these, perhaps others
	}{
		"one with batches of less than nothing": {func(_ *batchBank, r *anchor.Rail) { r.BatchMost = -1 }, []string{declares}},
		"one with cut-offs that never come": {func(_ *batchBank, r *anchor.Rail) {
			r.Calendar = anchor.Calendar{CutOffs: []anchor.ClockTime{600}, Days: []time.Weekday{9}}
		}, []string{declares}},
		"one that takes nothing": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(context.Context, *batchBank, anchor.Batch) (anchor.BatchTaken, error) {
				return anchor.BatchTaken{}, errors.New("down")
			}
		}, []string{batchOnce}},
		"one that says it took what it did not": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(context.Context, *batchBank, anchor.Batch) (anchor.BatchTaken, error) {
				return anchor.BatchTaken{}, nil
			}
		}, []string{batchOnce, batchAudit, itsWord}},
		"one that forgets the last of a batch": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				batch.Payouts = batch.Payouts[:len(batch.Payouts)-1]
				return b.takeProperly(ctx, batch)
			}
		}, []string{batchOnce, batchAudit}},
		"one that takes a batch each time it comes": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				batch.Name += fmt.Sprint(time.Now().UnixNano())
				return b.takeProperly(ctx, batch)
			}
		}, []string{sameBatch, twoAtOnce, batchAudit}},
		"one that refuses what it knows": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				b.mu.Lock()
				known := b.names[batch.Name]
				b.mu.Unlock()
				if known {
					return anchor.BatchTaken{}, errors.New("duplicate file")
				}
				return b.takeProperly(ctx, batch)
			}
		}, []string{sameBatch}},
		"one that goes on after it was cut off, under another name": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				if ctx.Err() != nil {
					late := batch
					late.Name += "-late"
					_, _ = b.takeProperly(context.WithoutCancel(ctx), late)
					return anchor.BatchTaken{}, ctx.Err()
				}
				return b.takeProperly(ctx, batch)
			}
		}, []string{cutBatch, endsInTime, batchAudit}},
		"one that looks and then writes": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				b.mu.Lock()
				known := b.names[batch.Name]
				b.mu.Unlock()
				if known {
					return anchor.BatchTaken{}, nil
				}
				waitABit(ctx)
				b.mu.Lock()
				delete(b.names, batch.Name)
				b.mu.Unlock()
				return b.takeProperly(ctx, batch)
			}
		}, []string{twoAtOnce}},
		"one that never ends": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				if ctx.Err() != nil {
					<-b.checked
				}
				return b.takeProperly(ctx, batch)
			}
		}, []string{endsInTime}},
		"one that panics": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(context.Context, *batchBank, anchor.Batch) (anchor.BatchTaken, error) { panic("no paper") }
		}, []string{batchOnce}},
		"one that changes what it is given": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				taken, err := b.takeProperly(ctx, batch)
				batch.Payouts[0].Receiver.Values["bank_account_number"] = "***"
				return taken, err
			}
		}, []string{batchOnce}},
		"one that chokes on absent people": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				for _, p := range batch.Payouts {
					_ = p.Receiver.Values["x"] // panics without a receiver
				}
				return b.takeProperly(ctx, batch)
			}
		}, []string{oddValues}},
		"one that refuses a batch for a value in it": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(ctx context.Context, b *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				for _, p := range batch.Payouts {
					if p.Receiver.Value("bank_account_number") == "" {
						return anchor.BatchTaken{}, errors.New("an account is missing")
					}
				}
				return b.takeProperly(ctx, batch)
			}
		}, []string{oddValues}},
		"one that repeats people in errors": {func(b *batchBank, _ *anchor.Rail) {
			b.hand = func(_ context.Context, _ *batchBank, batch anchor.Batch) (anchor.BatchTaken, error) {
				return anchor.BatchTaken{}, errors.New("cannot pay " + batch.Payouts[0].Receiver.Value("bank_account_number"))
			}
		}, []string{batchOnce}},
		"one that answers by position": {func(b *batchBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, _ *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := map[anchor.PayoutKey]anchor.Outcome{}
				for i, p := range open {
					answers[p.Key] = []anchor.Outcome{anchor.Delivered(""), anchor.NotKnown()}[i%2]
				}
				return answers, nil
			}
		}, []string{byKey}},
		"one that invents": {func(b *batchBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, _ *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := map[anchor.PayoutKey]anchor.Outcome{}
				for _, p := range open {
					answers[p.Key] = anchor.Failed("no")
				}
				return answers, nil
			}
		}, []string{byKey, unheardOf}},
		"one that fails when it is asked about nothing": {func(b *batchBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				if len(open) == 0 {
					return nil, errors.New("nothing to ask")
				}
				return b.truth(open), nil
			}
		}, []string{nothing}},
		"one that says that a member was not sent": {func(b *batchBank, _ *anchor.Rail) {
			b.poll = func(_ context.Context, b *memoryBank, open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
				answers := map[anchor.PayoutKey]anchor.Outcome{}
				for _, p := range open {
					if b.times(p.Key) > 0 {
						answers[p.Key] = anchor.NotSent("not yet")
					}
				}
				return answers, nil
			}
		}, []string{batchOnce, itsWord}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBatchBank()
			rail := b.batchRail()
			test.spoil(b, &rail)
			r := record(t)
			anchortest.CheckBatchRails(r, rail, anchortest.BatchOptions{HandedOver: b.asked, Timeout: 2 * time.Second})
			close(b.checked)
			for _, rule := range test.broken {
				require.Contains(t, r.broken(), rule, r.text())
			}
		})
	}
}

// waitABit lets another call come in between.
func waitABit(ctx context.Context) {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func TestCheckBatchRails_needs_a_rail_that_takes_batches(t *testing.T) {
	t.Parallel()
	r := record(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		anchortest.CheckBatchRails(r, anchor.Rail{Rails: newMemoryBank()}, anchortest.BatchOptions{})
	}()
	<-done
	require.Contains(t, r.text(), "takes no batches")
}
