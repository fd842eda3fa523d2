package simulated_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// always has one fault on every occasion.
func always(f simulated.Fault) func(simulated.Call) simulated.Fault {
	return func(simulated.Call) simulated.Fault { return f }
}

// first has one fault the first time that something is done with a payout.
func first(f simulated.Fault) func(simulated.Call) simulated.Fault {
	return func(c simulated.Call) simulated.Fault {
		if c.Number > 0 {
			return ""
		}
		return f
	}
}

// liar is a bank that misbehaves, and its ledger.
func liar(t *testing.T, o simulated.Options) (anchor.Rail, simulated.Bank) {
	t.Helper()
	o.File = filepath.Join(t.TempDir(), "bank.jsonl")
	return rail(t, o), simulated.Bank(o.File)
}

func requirePaid(t *testing.T, b simulated.Bank, key anchor.PayoutKey, times int) {
	t.Helper()
	paid, err := b.Paid(key)
	require.NoError(t, err)
	require.Equal(t, times, paid)
}

func TestTheLedgerIsTrueWhateverTheBankAnswers(t *testing.T) {
	t.Parallel()
	for fault, want := range map[simulated.Fault]struct {
		kind   anchor.OutcomeKind
		failed bool // with an error
		paid   int
	}{
		simulated.FaultRefused:     {kind: anchor.OutcomeFailed},
		simulated.FaultNotSent:     {kind: anchor.OutcomeNotSent},
		simulated.FaultErrorBefore: {failed: true},
		simulated.FaultErrorAfter:  {failed: true, paid: 1},
		simulated.FaultLostBefore:  {failed: true},
		simulated.FaultLostAfter:   {failed: true, paid: 1},
		simulated.FaultNonsense:    {paid: 1},
		simulated.FaultForgotten:   {failed: true, paid: 1},
		simulated.FaultReturned:    {kind: anchor.OutcomeDelivered, paid: 1},
		simulated.FaultEndless:     {kind: anchor.OutcomeDelivered, paid: 1},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			r, b := liar(t, simulated.Options{Misbehave: always(fault), FaultFor: 50 * time.Millisecond})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			o, err := r.ExecuteOutgoing(ctx, payout("a"))
			require.Equal(t, want.failed, err != nil, "%v", err)
			require.Equal(t, want.kind, o.Kind())
			requirePaid(t, b, payout("a").Key, want.paid)
		})
	}
}

func TestNoFaultMakesAResendAnotherPayment(t *testing.T) {
	t.Parallel()
	for _, fault := range simulated.FaultsOf(simulated.MethodExecute) {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			r, b := liar(t, simulated.Options{Misbehave: first(fault), FaultFor: time.Millisecond})
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				_, _ = r.ExecuteOutgoing(ctx, payout("a"))
				cancel()
			}
			payments, err := b.Payments()
			require.NoError(t, err)
			require.Len(t, payments, 1)
		})
	}
}

func TestWhatAPollAnswersMayBeALie(t *testing.T) {
	t.Parallel()
	for fault, want := range map[simulated.Fault]struct {
		paid, unknown anchor.OutcomeKind
		silent        bool
	}{
		"":                            {paid: anchor.OutcomeAccepted, unknown: anchor.OutcomeNotKnown},
		simulated.FaultAnswerMissing:  {silent: true},
		simulated.FaultAnswerNonsense: {},
		simulated.FaultAnswerNotKnown: {paid: anchor.OutcomeNotKnown, unknown: anchor.OutcomeNotKnown},
		simulated.FaultAnswerOpposite: {paid: anchor.OutcomeFailed, unknown: anchor.OutcomeNotKnown},
		// Never of a payout that the bank does not know: nobody could tell that from the truth.
		simulated.FaultAnswerDelivered: {paid: anchor.OutcomeDelivered, unknown: anchor.OutcomeNotKnown},
	} {
		t.Run("with "+string(fault), func(t *testing.T) {
			t.Parallel()
			r, _ := liar(t, simulated.Options{Outcome: simulated.OutcomeAccepted, After: time.Hour, Misbehave: always(fault)})
			_, err := r.ExecuteOutgoing(t.Context(), payout("paid"))
			require.NoError(t, err)
			answers, err := r.PollOutgoing(t.Context(), []anchor.Payout{payout("paid"), payout("unknown")})
			require.NoError(t, err)
			require.Equal(t, want.paid, answers[payout("paid").Key].Kind())
			require.Equal(t, want.unknown, answers[payout("unknown").Key].Kind())
			require.Equal(t, want.silent, len(answers) == 0)
		})
	}
}

func TestAPollMayComeToNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulated.Fault{simulated.FaultPollError, simulated.FaultPollLost} {
		r, _ := liar(t, simulated.Options{Misbehave: always(fault)})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		answers, err := r.PollOutgoing(ctx, []anchor.Payout{payout("a")})
		require.Error(t, err)
		require.Empty(t, answers)
	}
}

func TestAnEndlessCallDoesNotHeedItsContext(t *testing.T) {
	t.Parallel()
	for fault, call := range map[simulated.Fault]func(context.Context, anchor.Rail){
		simulated.FaultEndless:     func(ctx context.Context, r anchor.Rail) { _, _ = r.ExecuteOutgoing(ctx, payout("a")) },
		simulated.FaultPollEndless: func(ctx context.Context, r anchor.Rail) { _, _ = r.PollOutgoing(ctx, nil) },
	} {
		file := filepath.Join(t.TempDir(), "bank.jsonl")
		synctest.Test(t, func(t *testing.T) {
			r := rail(t, simulated.Options{File: file, Misbehave: always(fault), FaultFor: time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			call(ctx, r)
			require.Equal(t, time.Hour, time.Since(began))
		})
	}
}

func TestAForgottenPayoutIsRememberedAfterAWhile(t *testing.T) {
	t.Parallel()
	clock := newClock()
	r, b := liar(t, simulated.Options{Misbehave: always(simulated.FaultForgotten), FaultFor: time.Minute, Now: clock.now})
	_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.Error(t, err)
	requirePaid(t, b, payout("a").Key, 1)
	require.Equal(t, anchor.OutcomeNotKnown, ask(t, r, "a").Kind())
	clock.pass(time.Minute)
	require.Equal(t, anchor.OutcomeDelivered, ask(t, r, "a").Kind())
}

func TestMoneyThatComesBackIsToldOnceWithoutBeingAsked(t *testing.T) {
	t.Parallel()
	clock := newClock()
	r, b := liar(t, simulated.Options{Misbehave: always(simulated.FaultReturned), FaultFor: time.Minute, Now: clock.now})
	o, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, o.Kind())
	require.Equal(t, anchor.OutcomeDelivered, ask(t, r, "a").Kind())
	clock.pass(time.Minute)
	require.Equal(t, anchor.OutcomeReturned, ask(t, r, "a").Kind(), "asked about it")
	for _, told := range []int{1, 0} {
		answers, err := r.PollOutgoing(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, answers, told)
	}
	requirePaid(t, b, payout("a").Key, 1)
	kept, err := b.PaidTransactions()
	require.NoError(t, err)
	require.Empty(t, kept)
}

func TestABankMaySpeakOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	r, _ := liar(t, simulated.Options{Misbehave: always(simulated.FaultPollStrangers)})
	_, err := r.ExecuteOutgoing(t.Context(), payout("old"))
	require.NoError(t, err)
	answers, err := r.PollOutgoing(t.Context(), []anchor.Payout{payout("new")})
	require.NoError(t, err)
	require.Len(t, answers, 3, "what was asked, the old one again, and one that nobody made")
	require.Equal(t, anchor.OutcomeDelivered, answers[payout("old").Key].Kind())
}

func TestABankWithoutKeysPaysAgainAndSaysThatItCannotBeReliedOn(t *testing.T) {
	t.Parallel()
	r, b := liar(t, simulated.Options{PaysAgain: true})
	require.Zero(t, r.SameKeySafeFor)
	require.Zero(t, r.NotKnownFinalAfter)
	for range 2 {
		_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
		require.NoError(t, err)
	}
	requirePaid(t, b, payout("a").Key, 2)
	kept, err := b.PaidTransactions()
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 2}, kept)
}

func TestWhatWasRefusedWasNotPaid(t *testing.T) {
	t.Parallel()
	r, b := liar(t, simulated.Options{Outcome: simulated.OutcomeFailing})
	_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	requirePaid(t, b, payout("a").Key, 0)
	kept, err := b.PaidTransactions()
	require.NoError(t, err)
	require.Empty(t, kept)
}

func TestABankThatNobodyPaidByHasPaidNobody(t *testing.T) {
	t.Parallel()
	requirePaid(t, simulated.Bank(filepath.Join(t.TempDir(), "bank.jsonl")), payout("a").Key, 0)
}

func TestSeededFaultsComeInTheirSharesAndAlikeEachTime(t *testing.T) {
	t.Parallel()
	shares := map[simulated.Fault]float64{simulated.FaultRefused: 0.1, simulated.FaultErrorAfter: 0.2, simulated.FaultPollError: 0.5}
	misbehave, same, other := simulated.Seeded(1, shares), simulated.Seeded(1, shares), simulated.Seeded(2, shares)
	drawn, differ := map[simulated.Fault]int{}, 0
	const calls = 5000
	for i := range calls {
		c := simulated.Call{Method: simulated.MethodExecute, Payout: payout(fmt.Sprint(i)), Number: i % 3}
		f := misbehave(c)
		require.Equal(t, f, same(c))
		if f != other(c) {
			differ++
		}
		drawn[f]++
	}
	require.Positive(t, differ)
	require.InDelta(t, 0.1, float64(drawn[simulated.FaultRefused])/calls, 0.02)
	require.InDelta(t, 0.2, float64(drawn[simulated.FaultErrorAfter])/calls, 0.02)
	require.InDelta(t, 0.7, float64(drawn[""])/calls, 0.02)
	require.Empty(t, simulated.FaultsOf("no method"))
}

func TestAFaultThatIsNotPossibleIsNone(t *testing.T) {
	t.Parallel()
	r, b := liar(t, simulated.Options{Misbehave: always(simulated.FaultPollError)})
	o, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, o.Kind())
	requirePaid(t, b, payout("a").Key, 1)
}

func TestWhoeverDecidesAboutFaultsMayLookIntoTheLedger(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	r := rail(t, simulated.Options{File: file, Misbehave: func(c simulated.Call) simulated.Fault {
		_, err := simulated.Bank(file).Payments()
		if err != nil || c.Method == simulated.MethodAnswer {
			return simulated.FaultAnswerMissing
		}
		return ""
	}})
	_, err := r.ExecuteOutgoing(t.Context(), payout("a"))
	require.NoError(t, err)
	answers, err := r.PollOutgoing(t.Context(), []anchor.Payout{payout("a")})
	require.NoError(t, err)
	require.Empty(t, answers)
}

// A process that is stopped while it holds the lock must not keep others longer than they have time.
func TestACallEndsInTimeWhileSomebodyElseHoldsTheLedger(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	holder, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(int(holder.Fd()), unix.LOCK_EX))
	r := rail(t, simulated.Options{File: file})

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var kinds [4]anchor.OutcomeKind
	var calls sync.WaitGroup
	for i := range kinds {
		calls.Go(func() {
			o, _ := r.ExecuteOutgoing(ctx, payout(fmt.Sprint(i))) // an error is of no kind
			kinds[i] = o.Kind()
		})
	}
	calls.Wait()
	for _, kind := range kinds {
		require.Equal(t, anchor.OutcomeNotSent, kind)
	}
	_, err = r.PollOutgoing(ctx, []anchor.Payout{payout("a")})
	require.Error(t, err)

	require.NoError(t, holder.Close())
	o, err := r.ExecuteOutgoing(t.Context(), payout("0"))
	require.NoError(t, err)
	require.Equal(t, anchor.OutcomeDelivered, o.Kind())
}

func ask(t *testing.T, r anchor.Rail, id string) anchor.Outcome {
	t.Helper()
	answers, err := r.PollOutgoing(t.Context(), []anchor.Payout{payout(id)})
	require.NoError(t, err)
	return answers[payout(id).Key]
}

// clock is one that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
