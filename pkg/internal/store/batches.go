package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// The states of a batch.
const (
	BatchWriting = "writing" // made, and perhaps handed over
	BatchWritten = "written" // handed over
)

// Batch is a row of payout_batches: payouts that a rail is given together. Its members are attempts, for ever, in the order of
// their payouts' ids.
type Batch struct{ sqlgen.PayoutBatch }

// Name is what the rail knows the batch by: the rail's name, the number and eight hex digits of the hash of the members. The
// number alone could come twice: a database that was restored from an older copy counts on from the copy, and what the world
// handed over under the next number was another batch.
func (b Batch) Name() string { return batchName(b.Rail, b.Number, b.Hash) }

func batchName(rail string, number int64, hash string) string {
	return fmt.Sprintf("%s-%d-%.8s", strings.Map(fitForFile, rail), number, hash)
}

func fitForFile(r rune) rune {
	if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return r
	}
	return '_'
}

// batchHash is over the members' keys and frozen requests, in their order.
func batchHash(members []Attempt) string {
	sum := sha256.New()
	for _, a := range members {
		_, _ = fmt.Fprintf(sum, "%s %s\n", a.Key, a.RequestHash) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// BatchMembers reads the requests of a batch as they were frozen, in their order, and checks that they are what the batch was
// made of: whatever is handed over again is byte for byte what it was. They are personal data.
func (db *DB) BatchMembers(ctx context.Context, b Batch) (members []anchor.Payout, err error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("members of batch %s: %w", b.ID, err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var all []Attempt
	scanned, err := scanRows(ctx, tx, batchMembers, []any{b.ID}, func(m *batchMember) []any {
		return append(columnsOf(&m.attempt.PayoutAttempt), &m.t.ID, &m.t.KeyID, &m.t.SealedKey)
	})
	if err != nil {
		return nil, fmt.Errorf("members of batch %s: %w", b.ID, err)
	}
	slices.SortFunc(scanned, func(x, y batchMember) int { return strings.Compare(x.attempt.PayoutID, y.attempt.PayoutID) })
	for _, m := range scanned {
		request, err := db.openRequest(m.t, m.attempt)
		if err != nil {
			return nil, fmt.Errorf("batch %s: %w", b.ID, err)
		}
		request.ExternalID = "" // what was answered since does not change what is handed over
		members, all = append(members, request), append(all, m.attempt)
	}
	if hash := batchHash(all); hash != b.Hash || int64(len(all)) != b.Payouts {
		return nil, fmt.Errorf("batch %s: its members are not those that it was made of", b.ID)
	}
	return members, nil
}

// batchMember is an attempt with what opens its request.
type batchMember struct {
	attempt Attempt
	t       Transaction // its data key only
}

const batchMembers = `SELECT a.*, t.id, t.key_id, t.sealed_key
	FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN transactions t ON t.id = p.transaction_id
	WHERE a.batch_id = $1 AND a.batch_id <> ''`

// UnansweredOfBatch lists the keys of the members of a batch that are still being sent, in their order.
func (db *DB) UnansweredOfBatch(ctx context.Context, id string) ([]anchor.PayoutKey, error) {
	rows, err := db.q.MembersOfBatch(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("members of batch %s: %w", id, err)
	}
	slices.SortFunc(rows, func(x, y sqlgen.MembersOfBatchRow) int { return strings.Compare(x.PayoutID, y.PayoutID) })
	var keys []anchor.PayoutKey
	for _, row := range rows {
		if row.State == anchor.AttemptSending && row.PayoutState == anchor.PayoutSending {
			keys = append(keys, anchor.PayoutKey(row.Key))
		}
	}
	return keys, nil
}

// DelayBatch gives a batch back that could not be handed over, or that perhaps was, for a while. It says why, without personal
// data. One that was taken over by somebody else, or written, is left alone.
func (db *DB) DelayBatch(ctx context.Context, b Batch, why string, wait time.Duration) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.q.DelayBatch(ctx, sqlgen.DelayBatchParams{LastError: why, NextUs: tx.now + wait.Microseconds(), NowUs: tx.now, ID: b.ID, Fence: b.Fence})
		return err
	})
	if err != nil {
		return fmt.Errorf("delay batch %s: %w", b.ID, err)
	}
	return nil
}

// FinishBatch records that a batch was handed over; its members must have been answered. It may be repeated.
func (db *DB) FinishBatch(ctx context.Context, id, externalID string) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.q.FinishBatch(ctx, sqlgen.FinishBatchParams{ExternalID: externalID, NowUs: tx.now, ID: id})
		tx.Wake(TopicReady) // the next batch of the rail has waited for it
		return err
	})
	if err != nil {
		return fmt.Errorf("finish batch %s: %w", id, err)
	}
	return nil
}

// BatchOutlook is what a rail that takes batches has before it. Times are UTC microseconds of the database's clock.
type BatchOutlook struct {
	NowUs    int64
	Paused   bool  // by an operator: nothing is made, and nothing handed over
	Writing  bool  // the last batch is not handed over yet
	Last     Batch // the last batch; its zero value: there was none
	Ready    int   // payouts that are ready, counted up to one batch
	OldestUs int64 // since when the first of them is
}

// LookAtBatches tells what there is to hand over by a rail, without taking it: at most counts of what is ready.
func (db *DB) LookAtBatches(ctx context.Context, rail string, most int) (o BatchOutlook, err error) {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return o, fmt.Errorf("batches of rail %s: %w", rail, err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	q := sqlgen.New(tx)
	if o, err = outlook(ctx, q, rail, most); err != nil {
		return o, err
	}
	if o.NowUs, err = db.engine.clock(ctx, tx); err != nil {
		return o, fmt.Errorf("batches of rail %s: %w", rail, err)
	}
	return o, nil
}

func outlook(ctx context.Context, q *sqlgen.Queries, rail string, most int) (o BatchOutlook, err error) {
	last, err := q.LastBatch(ctx, rail)
	o.Last, err = found(Batch{last}, err, "last batch of rail %s", rail)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return o, err
	}
	o.Writing = o.Last.State == BatchWriting
	row, err := q.ReadyForBatch(ctx, sqlgen.ReadyForBatchParams{Rail: rail, Most: int32(min(BatchMost(most), 1<<20))})
	if err != nil {
		return o, fmt.Errorf("what is ready for a batch of rail %s: %w", rail, err)
	}
	o.Ready, o.OldestUs = int(row.Number), row.OldestUs
	if o.Paused, err = q.RailPaused(ctx, rail); err != nil {
		return o, fmt.Errorf("whether rail %s is paused: %w", rail, err)
	}
	return o, nil
}
