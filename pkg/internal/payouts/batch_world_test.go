package payouts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// fileBank is a bank that takes batches: the first under a name is what counts, and it notes whatever breaks the contract.
type fileBank struct {
	bank
	// before and after say what goes wrong with the n-th call, counted from 1, before or after the batch was taken; nil: nothing.
	before, after func(ctx context.Context, n int) error

	taking  sync.Mutex
	calls   int
	files   map[string]string // by name
	names   []string          // in the order in which they came first
	last    int64             // the number of the last of them
	in      map[anchor.PayoutKey]string
	batches []anchor.Batch
	faults  []string
	open    string // the name of the batch that is being handed over, and perhaps was not yet
}

func (b *fileBank) ExecuteBatch(ctx context.Context, batch anchor.Batch) (anchor.BatchTaken, error) {
	b.taking.Lock()
	b.calls++
	n := b.calls
	b.taking.Unlock()
	if b.before != nil {
		if err := b.before(ctx, n); err != nil {
			b.note(batch, false)
			return anchor.BatchTaken{}, err
		}
	}
	b.note(batch, true)
	if b.after != nil {
		if err := b.after(ctx, n); err != nil {
			return anchor.BatchTaken{}, err
		}
	}
	return anchor.BatchTaken{ExternalID: "file " + batch.Name}, nil
}

// note takes a batch, if it is taken, and looks whether it is as it must be.
func (b *fileBank) note(batch anchor.Batch, taken bool) {
	b.taking.Lock()
	defer b.taking.Unlock()
	raw, err := json.Marshal(batch)
	if err != nil {
		b.fault("%v", err)
	}
	if b.open != "" && b.open != batch.Name {
		b.fault("%s came before %s was handed over", batch.Name, b.open)
	}
	b.open = batch.Name
	if b.files == nil {
		b.files, b.in = map[string]string{}, map[anchor.PayoutKey]string{}
	}
	if before, known := b.files[batch.Name]; known && before != string(raw) {
		b.fault("%s came again with other bytes", batch.Name)
	}
	if !slices.Contains(b.names, batch.Name) {
		if b.last != 0 && batch.Number != b.last+1 {
			b.fault("%s comes after number %d", batch.Name, b.last)
		}
		b.names, b.last = append(b.names, batch.Name), batch.Number
	}
	b.files[batch.Name] = string(raw)
	if !taken {
		return
	}
	b.open = ""
	if !slices.ContainsFunc(b.batches, func(x anchor.Batch) bool { return x.Name == batch.Name }) {
		b.batches = append(b.batches, batch)
	}
	for _, p := range batch.Payouts {
		if in, known := b.in[p.Key]; known && in != batch.Name {
			b.fault("key %s is in %s and in %s", p.Key, in, batch.Name)
		}
		b.in[p.Key] = batch.Name
	}
}

func (b *fileBank) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// taken are the batches that the bank has, the first of each name.
func (b *fileBank) taken() []anchor.Batch {
	b.taking.Lock()
	defer b.taking.Unlock()
	return slices.Clone(b.batches)
}

// requireContract checks that nothing broke the contract, and gives how often each transaction is in a file.
func (b *fileBank) requireContract(t *testing.T) map[string]int {
	t.Helper()
	b.taking.Lock()
	defer b.taking.Unlock()
	require.Empty(t, b.faults)
	paid := map[string]int{}
	for _, batch := range b.batches {
		for _, p := range batch.Payouts {
			paid[p.TransactionID]++
		}
	}
	return paid
}

// atOnceRail makes batches as soon as there is something for one.
func (b *fileBank) atOnceRail(most int) anchor.Rail {
	return anchor.Rail{Rails: b, Batch: b, BatchMost: most, BatchEvery: time.Nanosecond}
}

func batching(db *store.DB, rail anchor.Rail, o payouts.Options) *payouts.Service {
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, slog.New(slog.DiscardHandler), o)
}

// deadBatch is a batch of at most so many that a process made, or took over, which died then: its lease is over at once.
func deadBatch(t *testing.T, db *store.DB, most int) store.Batch {
	t.Helper()
	terms := dead()
	terms.Limit = most
	taken, err := db.TakeBatch(t.Context(), store.BatchTerms{Claim: terms, CutOff: func(o store.BatchOutlook) (time.Time, bool) {
		return store.At(o.NowUs), o.Ready > 0
	}})
	require.NoError(t, err)
	return taken.Batch
}

// orderOf is what the rail is given for a batch.
func orderOf(t *testing.T, db *store.DB, b store.Batch) anchor.Batch {
	t.Helper()
	members, err := db.BatchMembers(t.Context(), b)
	require.NoError(t, err)
	return anchor.Batch{Name: b.Name(), Rail: b.Rail, Number: b.Number, CutOff: store.At(b.CutOffUs), Payouts: members}
}

func batches(t *testing.T, db *store.DB) []store.Batch {
	t.Helper()
	list, err := db.ListBatches(t.Context(), payoutstest.Rail, 1000)
	require.NoError(t, err)
	return list
}

// requireStates checks the states of payouts and their attempts.
func requireStates(t *testing.T, w *payoutstest.World, ids []string, payout anchor.PayoutState) {
	t.Helper()
	for _, id := range ids {
		require.Equal(t, payout, w.Payout(id).State, "payout of %s", id)
		w.RequireBooks(id)
	}
}
