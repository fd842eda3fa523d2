package simulated_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// payInto makes the test binary pay the same hundred payouts into a file: another process of the same bank.
const payInto = "SIMULATED_TEST_PAY_INTO"

func TestMain(m *testing.M) {
	if file := os.Getenv(payInto); file != "" {
		if err := payHundred(context.Background(), file, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// payHundred pays and tells of each payout that was confirmed.
func payHundred(ctx context.Context, file string, tell io.Writer) error {
	rail, err := simulated.New(simulated.Options{File: file})
	if err != nil {
		return err
	}
	for i := range 100 {
		o, err := rail.ExecuteOutgoing(ctx, payout(fmt.Sprint(i)))
		if err != nil || o.Kind() != anchor.OutcomeDelivered {
			return fmt.Errorf("payout %d: %s, %w", i, o.Kind(), err)
		}
		fmt.Fprintln(tell, i)
	}
	return nil
}

func payout(id string) anchor.Payout {
	return anchor.Payout{Key: anchor.NewPayoutKey(id, 1, 1), TransactionID: id, Amount: "12.30", Asset: "iso4217:USD"}
}

func rail(t *testing.T, o simulated.Options) anchor.Rail {
	t.Helper()
	if o.File == "" {
		o.File = filepath.Join(t.TempDir(), "bank.jsonl")
	}
	r, err := simulated.New(o)
	require.NoError(t, err)
	return r
}

func TestTheSameKeyIsPaidOnceAndAnsweredAlike(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	r := rail(t, simulated.Options{File: file})
	for range 3 {
		o, err := r.ExecuteOutgoing(t.Context(), payout("a"))
		require.NoError(t, err)
		require.Equal(t, anchor.OutcomeDelivered, o.Kind())
		require.Regexp(t, "^SIM-[0-9A-F]{12}$", o.ExternalID())
	}
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Len(t, payments, 1)
	require.Equal(t, "12.30", payments[0].Amount)
}

func TestAKeyThatComesWithAnotherPayoutIsAnErrorAndPaysNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	r := rail(t, simulated.Options{File: file})
	_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	other := payout("a")
	other.Amount = "12.31"
	o, err := r.ExecuteOutgoing(t.Context(), other)
	require.Error(t, err)
	require.Equal(t, anchor.OutcomeUnknown, o.Kind())
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Len(t, payments, 1)
}

func TestAcceptedPayoutsAreDeliveredLater(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := rail(t, simulated.Options{Outcome: simulated.OutcomeAccepted, After: time.Minute, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	o, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeAccepted, o.Kind())
	poll := func() anchor.OutcomeKind {
		answers, err := r.PollOutgoing(t.Context(), []anchor.Payout{payout("a")})
		require.NoError(t, err)
		return answers[payout("a").Key].Kind()
	}
	require.Equal(t, anchor.OutcomeAccepted, poll())
	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	require.Equal(t, anchor.OutcomeDelivered, poll())
}

func TestAFailingBankRefusesEveryPayoutForGood(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	r := rail(t, simulated.Options{File: file, Outcome: simulated.OutcomeFailing})
	o, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeFailed, o.Kind())

	o, err = rail(t, simulated.Options{File: file}).ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeFailed, o.Kind(), "also when the bank's mood has changed")
}

func TestABankSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	answers, err := rail(t, simulated.Options{}).PollOutgoing(t.Context(), []anchor.Payout{payout("a")})
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotKnown, answers[payout("a").Key].Kind())
}

func TestNothingIsPaidForACallThatWasGivenUp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o, err := rail(t, simulated.Options{File: file}).ExecuteOutgoing(ctx, payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, o.Kind())
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Empty(t, payments)
}

func TestABankWithoutItsFileHasNotSentAnything(t *testing.T) {
	t.Parallel()
	o, err := rail(t, simulated.Options{File: filepath.Join(t.TempDir(), "no", "such", "folder")}).ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeNotSent, o.Kind())
}

func TestALineThatAKilledProcessLeftHalfWrittenIsNoPayment(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	r := rail(t, simulated.Options{File: file})
	_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"key":"torn`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = r.ExecuteOutgoing(t.Context(), payout("b"))
	require.NoError(t, err)
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Len(t, payments, 2)
}

func TestSeveralProcessesShareOneBank(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	self, err := os.Executable()
	require.NoError(t, err)
	var others []*exec.Cmd
	for range 3 {
		other := exec.CommandContext(t.Context(), self)
		other.Env = append(os.Environ(), payInto+"="+file)
		other.Stderr = os.Stderr
		require.NoError(t, other.Start())
		others = append(others, other)
	}
	require.NoError(t, payHundred(t.Context(), file, io.Discard))
	for _, other := range others {
		require.NoError(t, other.Wait())
	}
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Len(t, payments, 100)
	paid := map[string]int{}
	for _, p := range payments {
		paid[p.TransactionID]++
	}
	require.Len(t, paid, 100)
}

func TestAProcessThatIsKilledLeavesEveryConfirmedPayoutAndNoneTwice(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	self, err := os.Executable()
	require.NoError(t, err)
	confirmed := map[string]bool{}
	for kill := range 20 {
		victim := exec.CommandContext(t.Context(), self)
		victim.Env = append(os.Environ(), payInto+"="+file)
		out, err := victim.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, victim.Start())
		said := bufio.NewScanner(out)
		for said.Scan() {
			confirmed[said.Text()] = true
			if len(confirmed) > 5*kill { // somewhere within the next payout
				_ = victim.Process.Kill()
			}
		}
		_ = victim.Wait() // killed
	}
	require.NoError(t, payHundred(t.Context(), file, io.Discard))
	payments, err := simulated.Bank(file).Payments()
	require.NoError(t, err)
	require.Len(t, payments, 100)
	paid, err := simulated.Bank(file).PaidTransactions()
	require.NoError(t, err)
	for id := range confirmed {
		require.Equal(t, 1, paid[id])
	}
}

func TestABankOfUnknownMoodIsRefused(t *testing.T) {
	t.Parallel()
	_, err := simulated.New(simulated.Options{File: "x", Outcome: "generous"})
	require.ErrorContains(t, err, "delivered, accepted or failing")
	_, err = simulated.New(simulated.Options{})
	require.ErrorContains(t, err, "needs a file")
}

func BenchmarkExecute(b *testing.B) {
	r, err := simulated.New(simulated.Options{File: filepath.Join(b.TempDir(), "bank.jsonl")})
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		n++
		if _, err := r.ExecuteOutgoing(b.Context(), payout(fmt.Sprint(n))); err != nil {
			b.Fatal(err)
		}
	}
}
