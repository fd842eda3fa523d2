package store

import (
	"context"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// The states of a callback. A dead one was given up; those behind it go on.
const (
	CallbackPending   = "pending"
	CallbackDelivered = "delivered"
	CallbackDead      = "dead"
)

// Callback is a row of callbacks: one message about one event for one subscriber.
type Callback struct{ sqlgen.Callback }

// CallbackPlace is a place in the order in which callbacks become due; the zero value is before all of them.
type CallbackPlace struct {
	NextUs int64
	ID     string
}

// Before tells whether p comes before other.
func (p CallbackPlace) Before(other CallbackPlace) bool {
	return p.NextUs < other.NextUs || p.NextUs == other.NextUs && p.ID < other.ID
}

// DueCallback is a callback that may be claimed, with the address it would go to.
type DueCallback struct {
	CallbackPlace
	URL string
}

// CallbackClaim is a callback that only its holder sends until the lease has run out, with the address that its sending
// anchor has registered last.
type CallbackClaim struct {
	Callback
	URL string
}

// CallbackResult is what became of a claim: delivered, dead, or pending again after Wait.
type CallbackResult struct {
	Claim    CallbackClaim
	State    string
	Attempts int64
	Wait     time.Duration // CallbackPending only
	Answer   string        // for operators; never what the receiver wrote
}

// DueCallbacks reads, from a place on, what may be claimed at present: of each subject and subscriber the oldest that is
// pending, once its time has come. It also returns the database's time, up to which it looked.
func (db *DB) DueCallbacks(ctx context.Context, after CallbackPlace, limit int) (list []DueCallback, now int64, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, at int64) error {
		now = at
		rows, err := q.DueCallbacks(ctx, sqlgen.DueCallbacksParams{NowUs: at, AfterUs: after.NextUs, AfterID: after.ID, MaxRows: int32(limit)})
		for _, row := range rows {
			list = append(list, DueCallback{CallbackPlace{row.NextUs, row.ID}, row.CallbackUrl})
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("callbacks that are due: %w", err)
	}
	return list, now, nil
}

// NextCallback tells how long it takes until a callback may become due that was not yet at a time of the database, such as the
// one that DueCallbacks returned; zero if that has come meanwhile. ok is false if none waits for its time.
func (db *DB) NextCallback(ctx context.Context, looked int64) (wait time.Duration, ok bool, err error) {
	err = db.look(ctx, func(q *sqlgen.Queries, now int64) error {
		rows, err := q.NextCallback(ctx, looked)
		if ok = len(rows) > 0; ok {
			wait = max(0, time.Duration(rows[0]-now)*time.Microsecond)
		}
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("next callback: %w", err)
	}
	return wait, ok, nil
}

// look reads by the database's clock, without a place in the queue of the writers.
func (db *DB) look(ctx context.Context, f func(q *sqlgen.Queries, now int64) error) error {
	raw, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = raw.Rollback() }() // it wrote nothing
	now, err := db.engine.clock(ctx, raw)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	return f(db.q.WithTx(raw), now)
}

// CallbacksOf lists all callbacks about a subject, oldest first.
func (db *DB) CallbacksOf(ctx context.Context, kind SubjectKind, id string) ([]Callback, error) {
	rows, err := db.q.CallbacksOfSubject(ctx, sqlgen.CallbacksOfSubjectParams{SubjectKind: string(kind), SubjectID: id})
	if err != nil {
		return nil, fmt.Errorf("callbacks of %s %s: %w", kind, id, err)
	}
	list := make([]Callback, len(rows))
	for i, row := range rows {
		list[i] = Callback{row}
	}
	return list, nil
}
