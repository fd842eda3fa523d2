package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// batchHeldUs is when members of a batch are next looked at while it is being written: the batch is taken up again, never they
// alone. It is so far ahead that it does not come, and near enough to be counted with.
const batchHeldUs = 9_000_000_000_000_000 // in the year 2255

// BatchTerms say who makes and takes over batches of a rail. Of Claim, Lease is how long the batch is held, Limit how many
// members it has at most; limits on calls have no say.
type BatchTerms struct {
	Claim ClaimTerms
	// CutOff decides on what there is, by the database's clock, whether a batch is to be made, and of what was ready when.
	CutOff func(BatchOutlook) (at time.Time, due bool)
}

// TakenBatch is what TakeBatch came to. Without Batch there is nothing to hand over; Parked may have something all the same.
type TakenBatch struct {
	Batch  Batch // leased to this process; its ID is empty if there is none
	Parked []Parked
}

// TakeBatch takes the batch of a rail that is to be handed over now: the one that is being written, if it is due and nobody has
// it, else a new one, made of what is ready. A rail has one batch that is being written; until that is handed over there is no
// other. Row, attempts, frozen requests and payouts are committed together when it returns, so that the rail may be called. Each
// payout is judged as ClaimReady does; members stay with the batch, and are given to nobody else. From a database that is
// marked as restored nothing is taken: a *RestoredError.
func (db *DB) TakeBatch(ctx context.Context, terms BatchTerms) (taken TakenBatch, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.beginClaim(ctx); err != nil {
			return err
		}
		if err := tx.Restored(ctx); err != nil {
			return err
		}
		taken = TakenBatch{}
		o, err := outlook(ctx, tx.q, terms.Claim.Rail, terms.Claim.Limit)
		if err != nil {
			return err
		}
		o.NowUs = tx.now
		if o.Paused {
			return nil
		}
		if o.Writing {
			taken.Batch, err = tx.takeOver(ctx, o.Last, terms.Claim)
			return err
		}
		at, due := terms.CutOff(o)
		if !due {
			return nil
		}
		taken, err = tx.makeBatch(ctx, terms.Claim, o.Last.Number+1, at)
		return err
	})
	if err != nil {
		return TakenBatch{}, fmt.Errorf("take a batch of rail %s: %w", terms.Claim.Rail, err)
	}
	return taken, nil
}

// takeOver leases a batch that was made before, by this process or one that died.
func (tx *Tx) takeOver(ctx context.Context, b Batch, terms ClaimTerms) (Batch, error) {
	if b.NextUs > tx.now || b.LeaseUntilUs > tx.now {
		return Batch{}, nil
	}
	until := tx.now + terms.Lease.Microseconds()
	err := one(tx.q.LeaseBatch(ctx, sqlgen.LeaseBatchParams{
		Version: b.Version, LeaseOwner: terms.Owner, LeaseUntilUs: until, Fence: b.Fence, NowUs: tx.now, ID: b.ID,
	}))
	if err != nil {
		return Batch{}, fmt.Errorf("lease batch %s: %w", b.ID, err)
	}
	b.Version, b.Fence, b.LeaseOwner, b.LeaseUntilUs = b.Version+1, b.Fence+1, terms.Owner, until
	return b, nil
}

// makeBatch claims what was ready at the cut-off.
func (tx *Tx) makeBatch(ctx context.Context, terms ClaimTerms, number int64, cutOff time.Time) (TakenBatch, error) {
	terms.Limits.CallsPerSecond, terms.Limits.InFlight = 0, 0
	c := claiming{tx: tx, terms: terms, now: tx.now}
	if len(terms.Limits.PerDay) > 0 {
		if _, err := tx.lockPace(ctx, terms.Rail); err != nil {
			return TakenBatch{}, err
		}
		if err := c.readUsage(ctx); err != nil {
			return TakenBatch{}, err
		}
	}
	list, err := tx.due(ctx, cutOff.UnixMicro(), terms.Rail, terms.Limit)
	if err != nil || len(list) == 0 {
		return TakenBatch{}, err
	}
	c.leaveOldBatches(list)
	if err := c.judgeAll(ctx, list); err != nil {
		return TakenBatch{}, err
	}
	b := batchOf(c.claimed.Claims, terms.Rail, number, cutOff, tx.now, terms)
	if b.ID != "" {
		if err := tx.insertBatch(ctx, b); err != nil {
			return TakenBatch{}, err
		}
		c.holdMembers(b)
	}
	if err := c.write(ctx); err != nil {
		return TakenBatch{}, err
	}
	if err := c.park(ctx); err != nil {
		return TakenBatch{}, err
	}
	return TakenBatch{Batch: b, Parked: c.claimed.Parked}, tx.assignBatch(ctx, b.ID, c.claimed.Claims)
}

// leaveOldBatches gives up attempts that certainly were not sent and are in a batch of before: a key is in one batch only, for
// ever, so that they are tried under another one.
func (c *claiming) leaveOldBatches(list []due) {
	for i, d := range list {
		if !d.hasAttempt || d.attempt.BatchID == "" || d.attempt.State != anchor.AttemptNotSent || d.attempt.Sends > 0 {
			continue
		}
		given := d.attempt
		given.State = anchor.AttemptFailed
		c.moved = append(c.moved, AttemptMove{d.attempt, given})
		list[i].attempt = given
	}
}

// judgeAll judges each payout by itself, as a claim for single sending does.
func (c *claiming) judgeAll(ctx context.Context, list []due) (err error) {
	if c.refused, err = c.tx.refusals(ctx, list); err != nil {
		return err
	}
	customers, err := c.tx.customersOfClaims(ctx, list)
	if err != nil {
		return err
	}
	for _, d := range list {
		if d.mayHaveLeft() && d.attempt.BatchID != "" { // nothing makes such a payout ready; were it, it is not sent again
			if err := c.toOperator(d, "it may have been handed over in an earlier batch"); err != nil {
				return err
			}
			continue
		}
		if err := c.judge(d, customers); err != nil {
			return err
		}
	}
	return nil
}

// batchOf is the batch of these claims, held by whoever makes it; its zero value if there are none.
func batchOf(claims []Claim, rail string, number int64, cutOff time.Time, now int64, terms ClaimTerms) Batch {
	if len(claims) == 0 {
		return Batch{}
	}
	slices.SortFunc(claims, func(x, y Claim) int { return strings.Compare(x.Payout.ID, y.Payout.ID) })
	members := make([]Attempt, len(claims))
	for i, c := range claims {
		members[i] = c.Attempt
	}
	return Batch{sqlgen.PayoutBatch{
		ID: NewID(), Rail: rail, Number: number, Version: 1, State: BatchWriting, CutOffUs: cutOff.UnixMicro(), Payouts: int64(len(claims)),
		Hash: batchHash(members), NextUs: now, LeaseOwner: terms.Owner, LeaseUntilUs: now + terms.Lease.Microseconds(), Fence: 1,
		CreatedUs: now, UpdatedUs: now,
	}}
}

func (tx *Tx) insertBatch(ctx context.Context, b Batch) error {
	err := one(tx.q.InsertBatch(ctx, sqlgen.InsertBatchParams{
		ID: b.ID, Rail: b.Rail, Number: b.Number, CutOffUs: b.CutOffUs, Payouts: b.Payouts, Hash: b.Hash, NowUs: b.CreatedUs,
		LeaseOwner: b.LeaseOwner, LeaseUntilUs: b.LeaseUntilUs,
	}))
	if err != nil {
		return fmt.Errorf("insert batch %d of rail %s: %w", b.Number, b.Rail, err)
	}
	return nil
}

// holdMembers has the members wait for their batch: no lease of theirs runs out, and nobody asks about them.
func (c *claiming) holdMembers(b Batch) {
	reason := "in batch " + b.Name()
	for i, move := range c.payouts {
		if move.After.State != anchor.PayoutSending {
			continue
		}
		after := &c.payouts[i].After
		after.LeaseOwner, after.LeaseUntilUs, after.NextUs = "", 0, batchHeldUs
		c.payouts[i].Change = c.noted(reason)
	}
}

// assignBatch writes which batch the attempts are in.
func (tx *Tx) assignBatch(ctx context.Context, id string, claims []Claim) error {
	n, err := tx.setwise(ctx, assignBatch(), len(claims), []any{id}, func(i int) []any { return []any{claims[i].Attempt.Key} })
	if err := exactly(len(claims), n, err); err != nil {
		return fmt.Errorf("put %d attempts into batch %s: %w", len(claims), id, err)
	}
	return nil
}

func assignBatch() statement {
	return statement{
		head: "UPDATE payout_attempts SET batch_id = $1 WHERE batch_id = '' AND key IN (",
		row:  "?", tail: ")",
	}
}

// What a rail gets that says nothing of its batches.
const (
	batchMost  = 1000
	batchEvery = time.Minute
)

// BatchMost is how many payouts are in a batch of a rail that says so many: zero or less is as anchor.Rail says.
func BatchMost(most int) int {
	if most <= 0 {
		return batchMost
	}
	return most
}

func everyOf(every time.Duration) time.Duration {
	if every <= 0 {
		return batchEvery
	}
	return every
}

// CutOffOf decides as a rail says: a batch is made of what was ready at the last cut-off that has passed, also after the rail has
// closed on the day of the cut-off; where it has no cut-offs, when the first payout has waited for every, or a whole batch is
// ready. It is pure.
func CutOffOf(o BatchOutlook, calendar anchor.Calendar, most int, every time.Duration) (at time.Time, due bool) {
	if o.Paused || o.Ready == 0 || o.OldestUs > o.NowUs {
		return time.Time{}, false
	}
	now := At(o.NowUs)
	opening, ever := calendar.Opening(now)
	open := ever && opening.Equal(now)
	if len(calendar.CutOffs) == 0 {
		return now, open && (o.Ready >= BatchMost(most) || o.OldestUs+everyOf(every).Microseconds() <= o.NowUs)
	}
	passed, ok := lastCutOff(calendar, At(o.OldestUs), now)
	return passed, ok && (open || calendar.Day(passed) == calendar.Day(now))
}

// lastCutOff is the last cut-off from since to now, both included.
func lastCutOff(calendar anchor.Calendar, since, now time.Time) (last time.Time, ok bool) {
	for at := since.Add(-time.Microsecond); ; {
		next, ever := calendar.CutOff(at)
		if !ever || next.After(now) {
			return last, ok
		}
		last, ok, at = next, true, next
	}
}

// NextBatch is when a batch of a rail will be made of what is ready, or the one that is being written comes again, if nothing else
// happens; ok is false where there is nothing, or no such time. It is pure.
func NextBatch(o BatchOutlook, calendar anchor.Calendar, most int, every time.Duration) (at time.Time, ok bool) {
	if o.Paused {
		return time.Time{}, false
	}
	if o.Writing {
		return At(max(o.Last.NextUs, o.Last.LeaseUntilUs, o.NowUs)), true
	}
	if o.Ready == 0 {
		return time.Time{}, false
	}
	if _, due := CutOffOf(o, calendar, most, every); due {
		return At(o.NowUs), true
	}
	now, oldest := At(o.NowUs), At(o.OldestUs)
	if len(calendar.CutOffs) > 0 {
		if _, missed := lastCutOff(calendar, oldest, now); missed {
			return calendar.Opening(now)
		}
		return calendar.CutOff(latest(oldest.Add(-time.Microsecond), now))
	}
	wait := oldest
	if o.Ready < BatchMost(most) {
		wait = oldest.Add(everyOf(every))
	}
	return calendar.Opening(latest(wait, now))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
