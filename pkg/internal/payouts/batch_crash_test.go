package payouts_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/rails/csvfile"
)

func TestA_process_that_dies_with_a_batch_leaves_what_another_completes(t *testing.T) {
	t.Parallel()
	const members = 70 // more than are answered in one database transaction
	for name, die := range map[string]func(t *testing.T, db *store.DB, s *payouts.Service, b *fileBank){
		"before it is handed over": func(t *testing.T, db *store.DB, _ *payouts.Service, _ *fileBank) {
			deadBatch(t, db, members)
		},
		"twice before it is handed over": func(t *testing.T, db *store.DB, _ *payouts.Service, _ *fileBank) {
			first := deadBatch(t, db, members)
			require.Equal(t, first.ID, deadBatch(t, db, members).ID)
		},
		"before that is recorded": func(t *testing.T, db *store.DB, _ *payouts.Service, b *fileBank) {
			_, err := b.ExecuteBatch(t.Context(), orderOf(t, db, deadBatch(t, db, members)))
			require.NoError(t, err)
		},
		"while that is being recorded": func(t *testing.T, db *store.DB, s *payouts.Service, b *fileBank) {
			made := deadBatch(t, db, members)
			order := orderOf(t, db, made)
			_, err := b.ExecuteBatch(t.Context(), order)
			require.NoError(t, err)
			for _, p := range order.Payouts[:64] {
				require.NoError(t, s.Report(t.Context(), p.Key, anchor.Accepted("file "+order.Name), ""))
			}
			require.Equal(t, order, orderOf(t, db, made), "what was answered changes nothing of what is handed over")
		},
		"when only the batch itself is not recorded": func(t *testing.T, db *store.DB, s *payouts.Service, b *fileBank) {
			order := orderOf(t, db, deadBatch(t, db, members))
			_, err := b.ExecuteBatch(t.Context(), order)
			require.NoError(t, err)
			for _, p := range order.Payouts {
				require.NoError(t, s.Report(t.Context(), p.Key, anchor.Accepted("file "+order.Name), ""))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				ids := w.Funded(members + 2)
				b := &fileBank{}
				s := batching(db, b.atOnceRail(members), atOnce())
				die(t, db, s, b)
				execute(t, s)
				paid := b.requireContract(t)
				require.Len(t, b.taken(), 2)
				for _, id := range ids {
					require.Equal(t, 1, paid[id])
					require.Len(t, w.Answers(id), 1, "it was answered once")
				}
				requireStates(t, w, ids, anchor.PayoutAccepted)
			})
		})
	}
}

func TestWhat_the_bank_said_while_a_batch_was_being_recorded_stands(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		b := &fileBank{}
		s := batching(db, b.atOnceRail(10), atOnce())
		order := orderOf(t, db, deadBatch(t, db, 10))
		require.NoError(t, s.Report(t.Context(), order.Payouts[0].Key, anchor.Delivered("early"), ""))
		err := s.Report(t.Context(), order.Payouts[1].Key, anchor.Failed("no account"), "")
		require.Equal(t, anchor.CodeConflict, anchor.CodeOf(err), "the file may come again, with it: %v", err)
		execute(t, s)
		require.NoError(t, s.Report(t.Context(), order.Payouts[1].Key, anchor.Failed("no account"), ""))
		b.requireContract(t)
		require.Len(t, b.taken()[0].Payouts, 3, "the batch stays what it was")
		requireStates(t, w, ids[:1], anchor.PayoutDelivered)
		requireStates(t, w, ids[1:2], anchor.PayoutFailed)
		requireStates(t, w, ids[2:], anchor.PayoutAccepted)
		for _, id := range ids {
			require.Empty(t, w.Transaction(id).Conflict)
		}
	})
}

func TestWhoever_lost_a_batch_cannot_delay_it_and_is_believed_that_it_was_handed_over(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(1)
		slow := deadBatch(t, db, 10)
		present := deadBatch(t, db, 10)
		require.Greater(t, present.Fence, slow.Fence)
		require.NoError(t, db.DelayBatch(t.Context(), slow, "too late", time.Hour))
		require.Empty(t, batches(t, db)[0].LastError)
		require.NoError(t, db.FinishBatch(t.Context(), slow.ID, "x"))
		require.Equal(t, store.BatchWritten, batches(t, db)[0].State)
		require.NoError(t, db.DelayBatch(t.Context(), present, "too late", time.Hour))
		require.Equal(t, store.BatchWritten, batches(t, db)[0].State)
	})
}

func TestAn_attempt_that_certainly_was_not_sent_does_not_go_into_another_batch_under_its_key(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		b := &fileBank{}
		made := deadBatch(t, db, 10)
		_, err := b.ExecuteBatch(t.Context(), orderOf(t, db, made))
		require.NoError(t, err)
		require.NoError(t, db.FinishBatch(t.Context(), made.ID, "x"))
		unsend(t, db, id, w.Attempts(id)[0])
		execute(t, batching(db, b.atOnceRail(10), atOnce()))
		b.requireContract(t)
		require.Len(t, b.taken(), 2)
		attempts := w.Attempts(id)
		require.Len(t, attempts, 2)
		require.Equal(t, anchor.AttemptFailed, attempts[0].State)
		require.Equal(t, made.ID, attempts[0].BatchID)
		w.RequireBooks(id)
	})
}

// unsend writes what nothing in the program writes: that a member of a batch was not sent after all.
func unsend(t *testing.T, db *store.DB, id string, a store.Attempt) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		after := a
		after.State, after.Sends = anchor.AttemptNotSent, 0
		return tx.MoveAttempts(ctx, []store.AttemptMove{{Before: a, After: after}})
	}))
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockTransaction(ctx, id); err != nil {
			return err
		}
		p, _, err := tx.LivePayout(ctx, id)
		if err != nil {
			return err
		}
		before := p.State
		p.State, p.NextUs = anchor.PayoutReady, 0
		_, err = tx.MovePayout(ctx, p, before, anchor.Change{Cause: anchor.CauseNoted, Actor: "test"})
		return err
	}))
}

func TestTwo_workers_at_once_make_one_batch_after_the_other(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(30)
		b := &fileBank{}
		var workers sync.WaitGroup
		for range 3 {
			s := batching(db, b.atOnceRail(4), atOnce())
			workers.Go(func() {
				for {
					if worked, err := s.Execute(t.Context(), t.Context()); err != nil || !worked {
						return
					}
				}
			})
		}
		workers.Wait()
		execute(t, batching(db, b.atOnceRail(4), atOnce()))
		paid := b.requireContract(t)
		for _, id := range ids {
			require.Equal(t, 1, paid[id])
		}
		requireStates(t, w, ids, anchor.PayoutAccepted)
	})
}

func TestA_restored_database_hands_nothing_over_and_then_the_same_batch_under_the_same_name(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		b := &fileBank{}
		s := batching(db, b.atOnceRail(2), atOnce())
		made := deadBatch(t, db, 2)
		_, err := b.ExecuteBatch(t.Context(), orderOf(t, db, made)) // in the world that was lost
		require.NoError(t, err)
		mark(t, db)
		_, err = s.Execute(t.Context(), t.Context())
		var why *store.RestoredError
		require.ErrorAs(t, err, &why)
		require.Equal(t, 1, b.calls)
		n, _, err := db.UnderLease(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "whoever handed it over is dead")
		clearMark(t, db)
		execute(t, s)
		require.Len(t, b.taken(), 1)
		require.Equal(t, 2, b.calls)
		requireStates(t, w, ids[:2], anchor.PayoutAccepted)
		requireStates(t, w, ids[2:], anchor.PayoutUnknown) // it may be in a batch of which the copy knows nothing: the bank is asked
		execute(t, s)
		b.requireContract(t)
	})
}

func TestAnother_batch_under_a_number_that_the_lost_world_used_has_another_name(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(2)
		one := deadBatch(t, db, 1)
		require.NoError(t, db.FinishBatch(t.Context(), one.ID, "x"))
		two := deadBatch(t, db, 1)
		two.Number = one.Number
		require.NotEqual(t, one.Name(), two.Name())
	})
}

// Over the rail of CSV files: what counts is what is in the folder.
func TestOver_CSV_files_each_payout_is_in_one_file_whatever_dies(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		folder := t.TempDir()
		rail, err := csvfile.New(csvfile.Options{Directory: folder, Columns: []string{"receiver.bank_account_number"}})
		require.NoError(t, err)
		rail.BatchMost, rail.BatchEvery = 10, time.Nanosecond
		w := payoutstest.New(t, db)
		ids := w.Funded(25)
		made := deadBatch(t, db, 10)
		order := orderOf(t, db, made)
		_, err = rail.Batch.ExecuteBatch(t.Context(), order)
		require.NoError(t, err)
		whole := readFile(t, filepath.Join(folder, order.Name+".csv"))
		require.NoError(t, os.Remove(filepath.Join(folder, order.Name+".csv"))) // the bank was quick
		execute(t, batching(db, rail, atOnce()))
		requireStates(t, w, ids, anchor.PayoutAccepted)
		files, err := filepath.Glob(filepath.Join(folder, "*.csv"))
		require.NoError(t, err)
		require.Len(t, files, 2, "the first was not written again")
		for _, file := range files {
			whole += readFile(t, file)
		}
		for _, id := range ids {
			require.Equal(t, 1, strings.Count(whole, id))
		}
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

// batchRun is one history of processes that die with batches at the worst moments, before a bank that fails at random.
type batchRun struct {
	t    *testing.T
	w    *payoutstest.World
	b    *fileBank
	s    *payouts.Service
	draw func(n int) int
	ids  []string
}

func newBatchRun(t *testing.T, w *payoutstest.World, draw func(n int) int) *batchRun {
	fail := func(context.Context, int) error {
		if draw(3) == 0 {
			return errBank
		}
		return nil
	}
	r := &batchRun{t: t, w: w, b: &fileBank{before: fail, after: fail}, draw: draw}
	r.s = batching(w.DB, r.b.atOnceRail(2), atOnce())
	return r
}

func (r *batchRun) step() {
	switch r.draw(6) {
	case 0:
		r.ids = append(r.ids, r.w.Funded(1+r.draw(3))...)
	case 1:
		execute(r.t, r.s)
	case 2: // dies before it calls the rail
		deadBatch(r.t, r.w.DB, 2)
	case 3: // dies before it records
		if b := deadBatch(r.t, r.w.DB, 2); b.ID != "" {
			_, _ = r.b.ExecuteBatch(r.t.Context(), orderOf(r.t, r.w.DB, b)) // dead anyway
		}
	case 4: // dies while it records
		if b := deadBatch(r.t, r.w.DB, 2); b.ID != "" {
			order := orderOf(r.t, r.w.DB, b)
			if taken, err := r.b.ExecuteBatch(r.t.Context(), order); err == nil {
				require.NoError(r.t, r.s.Report(r.t.Context(), order.Payouts[0].Key, anchor.Accepted(taken.ExternalID), ""))
			}
		}
	case 5:
		r.b.poll = says([]anchor.Outcome{{}, anchor.NotKnown(), anchor.NotSent("x"), anchor.Delivered("x")}[r.draw(4)])
		pollOnce(r.t, r.s)
	}
}

func (r *batchRun) end() {
	r.b.before, r.b.after = nil, nil
	execute(r.t, r.s)
	r.b.poll = says(anchor.Delivered("x"))
	pollOnce(r.t, r.s)
	paid := r.b.requireContract(r.t)
	for _, id := range r.ids {
		require.Equal(r.t, 1, paid[id])
		require.Len(r.t, r.w.Attempts(id), 1)
	}
	requireStates(r.t, r.w, r.ids, anchor.PayoutDelivered)
}

func TestWhatever_dies_with_batches_each_payout_is_handed_over_once(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		w := payoutstest.New(t, storetest.SQLite(t))
		rapid.Check(t, func(rt *rapid.T) {
			r := newBatchRun(t, w, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") })
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				r.step()
			}
			r.end()
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		w := payoutstest.New(t, storetest.Postgres(t))
		for seed := range uint64(8) {
			r := newBatchRun(t, w, rand.New(rand.NewPCG(seed, 5)).IntN)
			for range 12 {
				r.step()
			}
			r.end()
		}
	})
}
func TestAMemberOfABatchThatIsStillHandedOver_is_not_made_again_on_the_word_of_a_report(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		ids := w.Funded(2)
		b := &fileBank{before: func(_ context.Context, n int) error {
			if n == 1 {
				return errBank
			}
			return nil
		}}
		s := batching(db, b.atOnceRail(10), atOnce())
		execute(t, s)
		require.Empty(t, b.taken())
		key := anchor.NewPayoutKey(ids[0], 1, 1)
		_ = s.Report(t.Context(), key, anchor.Failed("the account is closed"), "")
		_, _ = s.Retry(t.Context(), payouts.RetryRequest{TransactionID: ids[0], Actor: "operator:ada", Reason: "again"})
		for range 3 {
			execute(t, s)
		}
		paid := b.requireContract(t)
		require.Equal(t, map[string]int{ids[0]: 1, ids[1]: 1}, paid, "files that each payout is in")
	})
}
