package payouts_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// ledgerBank keeps what it paid beyond the life of any database, and answers truly by key.
type ledgerBank struct {
	bank
	mu   sync.Mutex
	paid map[anchor.PayoutKey]string // the transaction
}

func newLedgerBank() *ledgerBank {
	b := &ledgerBank{paid: map[anchor.PayoutKey]string{}}
	b.poll = func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		answers := map[anchor.PayoutKey]anchor.Outcome{}
		for _, p := range open {
			answers[p.Key] = anchor.NotKnown()
			if _, known := b.paid[p.Key]; known {
				answers[p.Key] = anchor.Delivered("paid")
			}
		}
		return answers, nil
	}
	b.execute = func(_ context.Context, p anchor.Payout, _ int) (anchor.Outcome, error) { return b.pay(p), nil }
	return b
}

func (b *ledgerBank) pay(p anchor.Payout) anchor.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paid[p.Key] = p.TransactionID
	return anchor.Delivered("paid")
}

func (b *ledgerBank) times(transaction string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.paid {
		if id == transaction {
			n++
		}
	}
	return n
}

func sure(db *store.DB, b *ledgerBank) *payouts.Service {
	rail := anchor.Rail{Rails: b, NotKnownFinalAfter: time.Microsecond, SameKeySafeFor: time.Hour}
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail, "other": rail}, slog.New(slog.DiscardHandler), atOnce())
}

func copyOf(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	pool, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = pool.ExecContext(t.Context(), "VACUUM INTO ?", to)
	require.NoError(t, err)
	require.NoError(t, pool.Close())
	return to
}

func TestAPayoutThatTheWorldMadeUnderItsSecondKey_is_not_made_again_under_its_first_after_a_restore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "world.db")
	db := storetest.Open(t, "sqlite:"+path)
	w := payoutstest.New(t, db)
	id := w.Funded(1)[0]
	older := copyOf(t, path)

	b := newLedgerBank()
	b.execute = func(_ context.Context, p anchor.Payout, times int) (anchor.Outcome, error) {
		if p.Key == anchor.NewPayoutKey(id, 1, 1) && times == 1 {
			w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "0043"})
			return anchor.NotSent("the bank is closed for maintenance"), nil
		}
		return b.pay(p), nil
	}
	execute(t, sure(db, b))
	require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	require.Equal(t, 1, b.times(id))

	restored := storetest.Open(t, "sqlite:"+older)
	mark(t, restored)
	clearMark(t, restored)
	s := sure(restored, b)
	for range 3 {
		execute(t, s)
		pollOnce(t, s)
	}
	require.Equal(t, 1, b.times(id), "the bank's own ledger")
	list, err := restored.PayoutsOf(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, anchor.PayoutUnknown, list[0].State, "an operator decides")
	answers, err := restored.AnswersOf(t.Context(), list[0].ID)
	require.NoError(t, err)
	require.Contains(t, answers[0].Why, string(anchor.NewPayoutKey(id, 1, 2)), "and is told what the rail knows")
}

func TestWhile_a_rail_cannot_be_asked_about_later_keys_nothing_of_a_restored_copy_is_sent_and_other_news_count(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ids := restored(t, db, 2)
		b := newLedgerBank()
		b.paid[anchor.NewPayoutKey(ids[0], 1, 1)] = ids[0]
		answer, down := b.poll, true
		b.poll = func(open []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			first := anchor.NewPayoutKey(open[0].TransactionID, 1, 1)
			if down && open[0].Key != first {
				return nil, errBank
			}
			return answer(open)
		}
		s := sure(db, b)
		for range 3 {
			execute(t, s)
			pollOnce(t, s)
		}
		require.Equal(t, anchor.PayoutDelivered, w.Payout(ids[0]).State)
		require.Equal(t, anchor.PayoutUnknown, w.Payout(ids[1]).State)
		require.Zero(t, b.times(ids[1]))
		down = false
		for range 3 {
			pollOnce(t, s)
			execute(t, s)
		}
		require.Equal(t, 1, b.times(ids[1]))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(ids[1]).Status)
	})
}

func TestAPayoutOfARestoredCopy_goes_by_no_other_rail_before_its_own_was_asked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.FundedBy(1, func(_ *store.Transaction, p *store.Payout) {
			p.State, p.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForOperator
		})[0]
		b := newLedgerBank()
		b.paid[anchor.NewPayoutKey(id, 1, 1)] = id // an operator had released it in what the copy does not know
		mark(t, db)
		clearMark(t, db)
		s := sure(db, b)
		_, err := s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ada", Reason: "try the other bank", Rail: "other"})
		for range 3 {
			execute(t, s)
			pollOnce(t, s)
		}
		require.Equal(t, 1, b.times(id), "the bank's own ledger")
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err))
		_, err = s.Retry(t.Context(), payouts.RetryRequest{TransactionID: id, Actor: "operator:ada", Reason: "ask it first"})
		require.NoError(t, err)
		for range 3 {
			execute(t, s)
			pollOnce(t, s)
		}
		require.Equal(t, 1, b.times(id), "the bank's own ledger")
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
	})
}

// held is a database whose next commit waits until it is let go.
type heldDB struct {
	*store.DB
	at, goOn chan struct{}
}

func holding(t *testing.T, url string) heldDB {
	t.Helper()
	h := heldDB{at: make(chan struct{}), goOn: make(chan struct{})}
	var first sync.Once
	db, err := store.Open(t.Context(), store.Options{URL: url, Keys: storetest.Keys(t), Unsafe: true, AtCommit: func(done bool) {
		if !done {
			first.Do(func() {
				close(h.at)
				<-h.goOn
			})
		}
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	h.DB = db
	return h
}

// requireWaits checks that something has not ended until what it must wait for is let go.
func requireWaits(t *testing.T, h heldDB, ended <-chan error, begun <-chan error) {
	t.Helper()
	timer := time.NewTimer(300 * time.Millisecond)
	defer timer.Stop()
	early := false
	var err error
	select {
	case err = <-ended:
		early = true
	case <-timer.C:
	}
	close(h.goOn)
	require.NoError(t, <-begun)
	if !early {
		err = <-ended
	}
	require.NoError(t, err)
	require.False(t, early, "it ended while a claim that had begun before was not committed")
}

func TestMarkingARestoredCopy_waits_for_claims_that_had_begun(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, url)
	payoutstest.New(t, db).Funded(1)
	h := holding(t, url)
	begun, marked := make(chan error, 1), make(chan error, 1)
	terms := dead()
	terms.Lease = time.Minute
	go func() {
		_, err := h.ClaimReady(context.Background(), terms)
		begun <- err
	}()
	<-h.at
	go func() {
		marked <- db.Tx(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.MarkRestored(ctx, "operator:ada", "backup") })
	}()
	requireWaits(t, h, marked, begun)
}

func TestAPauseOrAMark_waits_for_a_batch_that_is_being_taken_over(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(context.Context, *store.Tx) error{
		"a pause": func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.SetSwitch(ctx, store.SwitchRail, payoutstest.Rail, true, "operator:ada", "why")
			return err
		},
		"a mark": func(ctx context.Context, tx *store.Tx) error { return tx.MarkRestored(ctx, "operator:ada", "backup") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.PostgresURL(t)
			db := storetest.Open(t, url)
			payoutstest.New(t, db).Funded(1)
			deadBatch(t, db, 10)
			h := holding(t, url)
			begun, stopped := make(chan error, 1), make(chan error, 1)
			terms := dead()
			terms.Lease = time.Minute
			go func() {
				taken, err := h.TakeBatch(context.Background(), store.BatchTerms{Claim: terms})
				if err == nil && taken.Batch.ID == "" {
					err = errBank
				}
				begun <- err
			}()
			<-h.at
			go func() { stopped <- db.Tx(context.Background(), stop) }()
			requireWaits(t, h, stopped, begun)
		})
	}
}
