package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// PayoutCount is how many payouts by a rail stand in one way. Those that are over are not counted: there is no end of them.
type PayoutCount struct {
	State    anchor.PayoutState
	WaitsFor anchor.WaitsFor // of those that wait
	Rail     string
	Number   int64
}

// RailAge is the oldest payout of a kind by a rail, as UTC microseconds.
type RailAge struct {
	Rail     string
	OldestUs int64
}

// RailUsage is a row of rail_usage: what a rail was given on a day.
type RailUsage struct{ sqlgen.RailUsage }

// PayoutFigures are what there is to count of payouts that are not over. Everything is read by an index.
type PayoutFigures struct {
	NowUs int64 // by the database's clock
	Open  []PayoutCount
	// Unpaid ended without paying, were the last of their transaction, and leave it to be paid out; by rail.
	Unpaid []PayoutCount
	// Ready is when the oldest payout that is ready became due; Unknown when the oldest one of unknown outcome was last sent.
	Ready, Unknown []RailAge
	Contradictions int64
	Switches       []Switch
	Writing        []Batch // batches of which it is not known yet that they were handed over
	DeadCallbacks  int64
}

// PayoutFigures counts.
func (db *DB) PayoutFigures(ctx context.Context) (f PayoutFigures, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		f.NowUs = now
		c := counting{ctx: ctx, q: q}
		c.ready(&f)
		c.underWay(&f)
		c.waiting(&f)
		c.unpaid(&f)
		c.rest(&f)
		return errors.Join(c.errs...)
	})
	if err != nil {
		return PayoutFigures{}, fmt.Errorf("count payouts: %w", err)
	}
	return f, nil
}

// counting is one run of PayoutFigures.
type counting struct {
	ctx  context.Context
	q    *sqlgen.Queries
	errs []error
}

func (c *counting) note(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *counting) ready(f *PayoutFigures) {
	rows, err := c.q.CountReadyPayouts(c.ctx)
	c.note(err)
	for _, row := range rows {
		f.Open = append(f.Open, PayoutCount{State: anchor.PayoutReady, Rail: row.Rail, Number: row.Number})
		f.Ready = append(f.Ready, RailAge{row.Rail, row.OldestUs})
	}
}

func (c *counting) underWay(f *PayoutFigures) {
	rows, err := c.q.CountPayoutsUnderWay(c.ctx)
	c.note(err)
	for _, row := range rows {
		f.Open = append(f.Open, PayoutCount{State: row.State, Rail: row.Rail, Number: row.Number})
	}
	ages, err := c.q.OldestUnknownPayouts(c.ctx)
	c.note(err)
	for _, row := range ages {
		f.Unknown = append(f.Unknown, RailAge{row.Rail, row.OldestUs})
	}
}

func (c *counting) waiting(f *PayoutFigures) {
	rows, err := c.q.CountWaitingPayouts(c.ctx)
	c.note(err)
	for _, row := range rows {
		f.Open = append(f.Open, PayoutCount{State: anchor.PayoutWaiting, WaitsFor: row.WaitsFor, Rail: row.Rail, Number: row.Number})
	}
}

func (c *counting) unpaid(f *PayoutFigures) {
	rows, err := c.q.CountUnpaidPayouts(c.ctx)
	c.note(err)
	for _, row := range rows {
		f.Unpaid = append(f.Unpaid, PayoutCount{Rail: row.Rail, Number: row.Number})
	}
}

func (c *counting) rest(f *PayoutFigures) {
	var err error
	f.Contradictions, err = c.q.CountContradictions(c.ctx)
	c.note(err)
	f.DeadCallbacks, err = c.q.CountDeadCallbacks(c.ctx)
	c.note(err)
	switches, err := c.q.Switches(c.ctx)
	c.note(err)
	for _, row := range switches {
		f.Switches = append(f.Switches, Switch{row})
	}
	batches, err := c.q.BatchesBeingWritten(c.ctx)
	c.note(err)
	f.Writing = batchesOf(batches)
}

// PayoutsBeingSent counts the payouts of a rail that a process has claimed and whose answer is not recorded yet.
func (db *DB) PayoutsBeingSent(ctx context.Context, rail string) (int64, error) {
	n, err := db.q.CountSendingOf(ctx, rail)
	if err != nil {
		return 0, fmt.Errorf("count what rail %s is sending: %w", rail, err)
	}
	return n, nil
}

// RailUsageSince lists what rails were given on a day and later ones, as 2026-11-23, each in its calendar's time zone.
func (db *DB) RailUsageSince(ctx context.Context, day string) ([]RailUsage, error) {
	rows, err := db.q.RailUsageSince(ctx, day)
	if err != nil {
		return nil, fmt.Errorf("what rails were given since %s: %w", day, err)
	}
	list := make([]RailUsage, len(rows))
	for i, row := range rows {
		list[i] = RailUsage{row}
	}
	return list, nil
}

// Contradiction is a transaction with what contradicts what.
type Contradiction struct{ TransactionID, Text string }

// Contradictions lists transactions with a contradiction, the newest first.
func (db *DB) Contradictions(ctx context.Context, most int) ([]Contradiction, error) {
	rows, err := db.q.ListContradictions(ctx, int32(min(most, listedMost)))
	if err != nil {
		return nil, fmt.Errorf("list contradictions: %w", err)
	}
	list := make([]Contradiction, len(rows))
	for i, row := range rows {
		list[i] = Contradiction{row.ID, row.Conflict}
	}
	return list, nil
}

// ListBatches lists the batches of a rail, or of all (empty): those that are being written first, then the newest.
func (db *DB) ListBatches(ctx context.Context, rail string, most int) ([]Batch, error) {
	rows, err := db.q.ListBatches(ctx, sqlgen.ListBatchesParams{Rail: rail, Most: listedAtMost(most)})
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	return batchesOf(rows), nil
}

// BatchByID reads one batch; ErrNotFound if there is none.
func (db *DB) BatchByID(ctx context.Context, id string) (Batch, error) {
	row, err := db.q.ListedBatchByID(ctx, id)
	return found(Batch{row}, err, "batch %s", id)
}

func batchesOf(rows []sqlgen.PayoutBatch) []Batch {
	list := make([]Batch, len(rows))
	for i, row := range rows {
		list[i] = Batch{row}
	}
	return list
}
