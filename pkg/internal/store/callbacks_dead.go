package store

import (
	"context"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// SubjectCallback is the subject of the events of a callback that was given up and is to be sent after all.
const SubjectCallback SubjectKind = "callback"

// ListedCallback is a callback as operators see it.
type ListedCallback struct {
	Callback
	OwnerAccount string // of the sending anchor that is told
	// Superseded tells that something later about the same subject was taken: what was given up is old news.
	Superseded bool
}

// DeadCallbacks lists callbacks that were given up, the last first. most is at most 10 000; 0: 100.
func (db *DB) DeadCallbacks(ctx context.Context, most int) ([]ListedCallback, error) {
	rows, err := db.q.ListDeadCallbacks(ctx, listedAtMost(most))
	if err != nil {
		return nil, fmt.Errorf("list callbacks that were given up: %w", err)
	}
	list := make([]ListedCallback, len(rows))
	for i, row := range rows {
		list[i] = ListedCallback{Callback{row.Callback}, row.OwnerAccount, row.Superseded}
	}
	return list, nil
}

// PendingCallbacks lists callbacks that nobody has taken yet, in the order in which they become due.
func (db *DB) PendingCallbacks(ctx context.Context, most int) ([]ListedCallback, error) {
	rows, err := db.q.ListPendingCallbacks(ctx, listedAtMost(most))
	if err != nil {
		return nil, fmt.Errorf("list callbacks that are to be sent: %w", err)
	}
	list := make([]ListedCallback, len(rows))
	for i, row := range rows {
		list[i] = ListedCallback{Callback: Callback{row.Callback}, OwnerAccount: row.OwnerAccount}
	}
	return list, nil
}

// listedAtMost is how many rows a list has at most; 100 where nothing was asked for.
func listedAtMost(most int) int32 {
	if most <= 0 {
		return 100
	}
	return int32(min(most, listedMost))
}

// CallbackByID reads one callback; ErrNotFound if there is none.
func (db *DB) CallbackByID(ctx context.Context, id string) (Callback, error) {
	row, err := db.q.CallbackByID(ctx, id)
	return found(Callback{row}, err, "callback %s", id)
}

// DeadCallbacksOf lists the ids of all callbacks to a sending anchor that were given up, the oldest first.
func (db *DB) DeadCallbacksOf(ctx context.Context, account string) ([]string, error) {
	ids, err := db.q.DeadCallbacksOfAccount(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("callbacks to %s that were given up: %w", account, err)
	}
	return ids, nil
}

// Revival is what ReviveCallback found.
type Revival string

// The ways in which ReviveCallback ends.
const (
	Revived          Revival = "revived"
	RevivalNotDead   Revival = "not dead"   // nothing to do
	RevivalLate      Revival = "superseded" // something later about the same subject was taken: it stays dead
	RevivalOvertaken Revival = "overtaken"  // something later is being delivered at this moment
)

// ReviveCallback makes a callback that was given up pending again, with its event, unless that would tell its subscriber of
// things in another order than they happened (invariant I11). Whatever is pending behind it waits for it.
func (tx *Tx) ReviveCallback(ctx context.Context, c Callback, actor, reason string) (Revival, error) {
	all, err := tx.lockCallbacksOf(ctx, c)
	if err != nil {
		return "", fmt.Errorf("callbacks of %s %s: %w", c.SubjectKind, c.SubjectID, err)
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return "", err
	}
	how := revival(c.ID, all, now)
	if how != Revived {
		return how, nil
	}
	for _, is := range all {
		if is.ID == c.ID {
			c = is
		}
	}
	if err := one(tx.q.ReviveCallback(ctx, sqlgen.ReviveCallbackParams{NowUs: now, ID: c.ID, Fence: c.Fence})); err != nil {
		return "", fmt.Errorf("callback %s: %w", c.ID, err)
	}
	tx.Wake(TopicCallbacks)
	noted := anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason}
	return Revived, tx.event(ctx, SubjectCallback, c.ID, c.Fence+1, CallbackDead, CallbackPending, noted)
}

// revival decides about a callback by all that its subscriber is told of the same subject.
func revival(id string, all []Callback, now int64) Revival {
	seq := int64(-1)
	for _, c := range all {
		if c.ID == id && c.State == CallbackDead {
			seq = c.Seq
		}
	}
	if seq < 0 {
		return RevivalNotDead
	}
	how := Revived
	for _, c := range all {
		switch {
		case c.Seq <= seq:
		case c.State == CallbackDelivered:
			return RevivalLate
		case c.State == CallbackPending && c.LeaseUntilUs > now:
			how = RevivalOvertaken
		}
	}
	return how
}

// lockCallbacksOf locks what the subscriber of a callback is told of its subject.
func (tx *Tx) lockCallbacksOf(ctx context.Context, c Callback) ([]Callback, error) {
	return scanRows(ctx, tx.tx, `SELECT c.* FROM callbacks c WHERE c.subject_kind = $1 AND c.subject_id = $2 AND c.subscriber = $3
		ORDER BY c.id`+tx.db.engine.forUpdate(), []any{c.SubjectKind, c.SubjectID, c.Subscriber},
		func(row *Callback) []any { return columnsOf(&row.Callback) })
}
