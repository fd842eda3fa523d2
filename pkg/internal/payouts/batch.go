package payouts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// dueBatches lists the rails for which a batch is to be made or handed over now, and tells how long it is until there is more;
// at most maxLook, and more than that where nothing is known to come.
func (s *Service) dueBatches(ctx context.Context) (due []string, wait time.Duration, err error) {
	wait = maxLook + 1
	for name, rail := range s.rails {
		if rail.Batch == nil {
			continue
		}
		now, at, ok, err := s.nextBatch(ctx, name)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case !ok:
		case !at.After(now):
			due = append(due, name)
		default:
			wait = min(wait, at.Sub(now), maxLook)
		}
	}
	return due, wait, nil
}

// NextBatch is when the next batch of a rail will be made or handed over, by the database's clock, as far as can be told now; ok is
// false where nothing is ready, it is paused, or the rail takes no batches.
func (s *Service) NextBatch(ctx context.Context, rail string) (at time.Time, ok bool, err error) {
	if s.rails[rail].Batch == nil {
		return time.Time{}, false, nil
	}
	_, at, ok, err = s.nextBatch(ctx, rail)
	return at, ok, err
}

func (s *Service) nextBatch(ctx context.Context, name string) (now, at time.Time, ok bool, err error) {
	rail := s.rails[name]
	o, err := s.db.LookAtBatches(ctx, name, rail.BatchMost)
	if err != nil {
		return now, at, false, err
	}
	at, ok = store.NextBatch(o, rail.Calendar, rail.BatchMost, rail.BatchEvery)
	return store.At(o.NowUs), at, ok, nil
}

// passBatches is one pass of Execute for a rail that takes batches: one batch after the other, until none is due or one could not
// be handed over, which comes again later, before any other. It returns whether there was anything to do.
func (s *Service) passBatches(soft, hard context.Context, name string) (worked bool, err error) {
	record, end := outliving(hard, lastWords)
	defer end()
	for soft.Err() == nil && s.left.by(name) == 0 { // a call that was left behind may still be at the batch
		taken, deadline, err := s.takeBatch(hard, name)
		if err != nil {
			return worked, err
		}
		s.parked(hard, taken.Parked)
		worked = worked || len(taken.Parked) > 0
		if taken.Batch.ID == "" {
			if len(taken.Parked) == 0 {
				return worked, nil
			}
			continue
		}
		worked = true
		if !s.handOver(hard, record, deadline, taken.Batch) {
			return worked, nil
		}
	}
	return worked, nil
}

// takeBatch takes the batch that is due. The deadline of its call counts from before the lease.
func (s *Service) takeBatch(hard context.Context, name string) (store.TakenBatch, time.Time, error) {
	window, cancel := context.WithTimeout(hard, s.BatchTimeout)
	defer cancel()
	deadline, _ := window.Deadline()
	rail := s.rails[name]
	terms := store.BatchTerms{
		Claim: s.terms(actorExecute, name, store.BatchMost(rail.BatchMost)),
		CutOff: func(o store.BatchOutlook) (time.Time, bool) {
			return store.CutOffOf(o, rail.Calendar, rail.BatchMost, rail.BatchEvery)
		},
	}
	terms.Claim.Lease = 2 * s.BatchTimeout
	taken, err := s.db.TakeBatch(window, terms)
	return taken, deadline, err
}

// handedOver is what a call of ExecuteBatch came to.
type handedOver struct {
	taken anchor.BatchTaken
	why   string // it was not, or perhaps it was; empty: it was
	left  bool   // the call goes on
}

// handOver hands a batch over and records that. Whatever goes wrong, the batch stays as it is and comes again.
func (s *Service) handOver(hard, record context.Context, deadline time.Time, b store.Batch) bool {
	members, err := s.db.BatchMembers(hard, b)
	if err != nil {
		s.delay(record, b, err.Error())
		return false
	}
	order := anchor.Batch{Name: b.Name(), Rail: b.Rail, Number: b.Number, CutOff: store.At(b.CutOffUs), Payouts: members}
	h := askUntil(s, hard, b.Rail, deadline, func(ctx context.Context) handedOver {
		return s.executeBatch(ctx, order)
	}, func(h handedOver) { s.lateBatch(b, h) }, handedOver{why: "the rail did not answer in time", left: true})
	if h.why == "" {
		if err := s.recordBatch(record, b, h.taken); err != nil {
			h.why = "it was handed over, and that could not be recorded: " + err.Error()
		}
	}
	switch {
	case h.why == "":
		return true
	case h.left: // whoever still writes it is not disturbed while the lease holds
		s.log.ErrorContext(hard, "a batch was not handed over in time; it comes again when its lease is over", "rail", b.Rail, "batch", b.Name())
	default:
		s.delay(record, b, h.why)
	}
	return false
}

// executeBatch calls the rail; whatever goes wrong, the batch may have been handed over.
func (s *Service) executeBatch(ctx context.Context, order anchor.Batch) (h handedOver) {
	defer func() {
		if value := recover(); value != nil {
			s.panicked(ctx, order.Rail, value)
			h = handedOver{why: "the rail panicked"}
		}
	}()
	if over(ctx) { // the process was stopped for a while: somebody else may have the batch by now
		return handedOver{why: "the time for calling the rail was over before it began"}
	}
	taken, err := s.rails[order.Rail].Batch.ExecuteBatch(ctx, order)
	if err != nil {
		return handedOver{why: "the rail failed: " + withoutPeople(err.Error(), order.Payouts...)}
	}
	return handedOver{taken: taken}
}

// lateBatch records what a call brought that was given up. That a batch was handed over is true however late it is said.
func (s *Service) lateBatch(b store.Batch, h handedOver) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Lease)
	defer cancel()
	if h.why != "" {
		s.delay(ctx, b, h.why)
		return
	}
	if err := s.recordBatch(ctx, b, h.taken); err != nil {
		s.log.ErrorContext(ctx, "that a batch was handed over could not be recorded; it comes again", "batch", b.Name(), "error", err)
	}
}

// delay lets a batch wait that was not handed over, as far as is known.
func (s *Service) delay(ctx context.Context, b store.Batch, why string) {
	why = cut(anchor.CleanText(why), 500)
	s.log.ErrorContext(ctx, "a batch was not handed over; it comes again, and no other of its rail before it",
		"rail", b.Rail, "batch", b.Name(), "payouts", b.Payouts, "tries", b.Tries+1, "reason", why)
	if err := s.db.DelayBatch(ctx, b, why, s.RetryWait.After(b.Tries, spread())); err != nil {
		s.log.ErrorContext(ctx, "a batch could not be given back; it comes again when its lease is over", "batch", b.Name(), "error", err)
	}
}

// recordBatch records that every member was accepted, some at a time, and in the end that the batch is written. It may be done
// again from the beginning: members that were answered meanwhile are left alone.
func (s *Service) recordBatch(ctx context.Context, b store.Batch, taken anchor.BatchTaken) error {
	id := cut(anchor.CleanText(taken.ExternalID), 500)
	if id == "" {
		id = b.Name()
	}
	keys, err := s.db.UnansweredOfBatch(ctx, b.ID)
	if err != nil {
		return err
	}
	for group := range slices.Chunk(keys, settleMost) {
		answers := make([]answer, len(group))
		for i, key := range group {
			answers[i] = answer{key: key, outcome: anchor.Accepted(id), source: SourceExecute, actor: actorExecute, why: "in batch " + b.Name()}
		}
		if err := s.settleGroup(ctx, answers); err != nil {
			return err
		}
	}
	return s.db.FinishBatch(ctx, b.ID, id)
}

// errInBatch is what an operator is told who resolves a payout too early.
func errInBatch(payoutID string) error {
	return anchor.RefuseAs(anchor.CodeConflict,
		fmt.Sprintf("payout %s is in a batch that is being handed over: wait until that is done; nothing says yet what the bank has got", payoutID))
}
