package csvfile_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a rail with its folders.
type place struct {
	t                *testing.T
	rail             anchor.Rail
	folder, answered string
	log              *lines
	clock            time.Time
}

// lines is a log that is looked at.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newPlace(t *testing.T, columns ...string) *place {
	t.Helper()
	p := &place{t: t, folder: t.TempDir(), answered: t.TempDir(), log: &lines{}, clock: time.Now()}
	p.rail = p.reopen(columns...)
	return p
}

// reopen is the rail of another process.
func (p *place) reopen(columns ...string) anchor.Rail {
	p.t.Helper()
	rail, err := csvfile.New(csvfile.Options{
		Directory: p.folder, Answers: p.answered, Columns: columns,
		Log: slog.New(slog.NewTextHandler(p.log, nil)), Now: func() time.Time { return p.clock },
	})
	require.NoError(p.t, err)
	return rail
}

func (p *place) handOver(b anchor.Batch) error {
	_, err := p.rail.Batch.ExecuteBatch(p.t.Context(), b)
	return err
}

// files are the names of what the bank sees.
func (p *place) files() []string {
	p.t.Helper()
	list, err := filepath.Glob(filepath.Join(p.folder, "[^.]*"))
	require.NoError(p.t, err)
	for i, path := range list {
		list[i] = filepath.Base(path)
	}
	return list
}

func (p *place) content(name string) string {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.folder, name))
	require.NoError(p.t, err)
	return string(raw)
}

// answer adds to a file of the bank.
func (p *place) answer(file, text string) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.answered, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(p.t, err)
	_, err = f.WriteString(text)
	require.NoError(p.t, err)
	require.NoError(p.t, f.Close())
}

// poll asks about keys and gives the kinds of the outcomes.
func (p *place) poll(keys ...anchor.PayoutKey) map[anchor.PayoutKey]anchor.OutcomeKind {
	p.t.Helper()
	kinds := map[anchor.PayoutKey]anchor.OutcomeKind{}
	for key, outcome := range p.outcomes(keys...) {
		kinds[key] = outcome.Kind()
	}
	return kinds
}

func (p *place) outcomes(keys ...anchor.PayoutKey) map[anchor.PayoutKey]anchor.Outcome {
	p.t.Helper()
	open := make([]anchor.Payout, len(keys))
	for i, key := range keys {
		open[i] = anchor.Payout{Key: key}
	}
	outcomes, err := p.rail.PollOutgoing(p.t.Context(), open)
	require.NoError(p.t, err)
	return outcomes
}

// batch is a batch of n payouts.
func batch(name string, n int) anchor.Batch {
	b := anchor.Batch{Name: name, Rail: "bank", Number: 1}
	for i := range n {
		b.Payouts = append(b.Payouts, anchor.Payout{
			Key: anchor.NewPayoutKey(name, int64(i), 1), TransactionID: fmt.Sprintf("tr-%d", i), Amount: "12.34", Asset: "iso4217:USD",
			FundingMethod: "bank_account", Sender: &anchor.Customer{Values: map[string]string{"first_name": "Ana"}},
			Receiver: &anchor.Customer{Values: map[string]string{"bank_account_number": "000123"}}, Fields: map[string]string{"purpose": "rent"},
		})
	}
	return b
}

// ended is a context that is over.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
