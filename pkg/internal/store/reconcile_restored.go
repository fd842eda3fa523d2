package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// RestoredError says that the database is marked as a copy that is older than the world: nothing is sent from it (I14).
type RestoredError struct {
	Why string // when it was marked, by whom and why
}

func (e *RestoredError) Error() string {
	return "this database was restored from an older copy (" + e.Why + "): it sends nothing until 'anchor reconcile --after-restore' has run"
}

// Names in meta: the mark itself, and the time before which a transaction must have been agreed for a new attempt of its payout to be
// asked about before it is sent.
const (
	metaRestored  = "restored"
	metaAskBefore = "ask_before_us"
)

// Restored is a *RestoredError where the database is marked as restored.
func (db *DB) Restored(ctx context.Context) error {
	why, err := db.Meta(ctx, metaRestored)
	if err != nil || why == "" {
		return err
	}
	return &RestoredError{why}
}

// Restored is a *RestoredError where the database is marked as restored. Whoever takes units in order to send them asks this in
// the Tx that does so.
func (tx *Tx) Restored(ctx context.Context) error {
	why, err := tx.q.MetaValue(ctx, metaRestored)
	if err != nil {
		return fmt.Errorf("read meta %s: %w", metaRestored, err)
	}
	if why == "" {
		return nil
	}
	return &RestoredError{why}
}

// MarkRestored marks the database as an older copy: from the commit on nothing is claimed for sending, and what was claimed before
// is committed and seen by DB.UnderLease. One that is marked keeps its first mark. Nothing must be written to payouts before it in
// this Tx.
func (tx *Tx) MarkRestored(ctx context.Context, actor, reason string) error {
	why, err := tx.q.MetaValue(ctx, metaRestored)
	if err != nil {
		return fmt.Errorf("read meta %s: %w", metaRestored, err)
	}
	if why != "" {
		return nil
	}
	if err := tx.HoldClaims(ctx); err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	mark := fmt.Sprintf("marked %s by %s: %s", At(now).Format(time.RFC3339), actor, reason)
	if err := tx.setMeta(ctx, metaRestored, anchor.CleanText(mark)); err != nil {
		return err
	}
	return tx.databaseEvent(ctx, "", "restored", actor, reason)
}

// ClearRestored ends the mark. From here on a new attempt at a payout of a transaction that was agreed before this moment is asked
// about at its rail before it is sent: the world may have made that attempt after the copy was taken.
func (tx *Tx) ClearRestored(ctx context.Context, actor, reason string) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if err := tx.setMeta(ctx, metaRestored, ""); err != nil {
		return err
	}
	if err := tx.setMeta(ctx, metaAskBefore, strconv.FormatInt(now, 10)); err != nil {
		return err
	}
	tx.Wake(TopicReady)
	tx.Wake(TopicRefunds)
	return tx.databaseEvent(ctx, "restored", "", actor, reason)
}

// MayBeOlder tells whether the world may know more of a payout than these books, an older copy: its transaction was agreed before the
// mark was ended, and nothing was written since about its latest attempt; the zero Attempt stands for none.
func (tx *Tx) MayBeOlder(ctx context.Context, t Transaction, latest Attempt) (bool, error) {
	before, err := tx.askBefore(ctx)
	return due{t: t, askBeforeUs: before}.mayBeOlder(latest.UpdatedUs), err
}

// askBefore is the time before which a transaction must have been agreed for the world to know more of it than these books.
func (tx *Tx) askBefore(ctx context.Context) (us int64, err error) {
	text, err := tx.q.MetaValue(ctx, metaAskBefore)
	if err != nil {
		return 0, fmt.Errorf("read meta %s: %w", metaAskBefore, err)
	}
	if us, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, fmt.Errorf("meta %s: %w", metaAskBefore, err)
	}
	return us, nil
}

// databaseEvent appends to the history of the database itself.
func (tx *Tx) databaseEvent(ctx context.Context, from, to, actor, reason string) error {
	const id = "database"
	last, err := tx.q.EventsOfSubjectNumber(ctx, sqlgen.EventsOfSubjectNumberParams{SubjectKind: string(SubjectDatabase), SubjectID: id})
	if err != nil {
		return fmt.Errorf("history of the database: %w", err)
	}
	return tx.event(ctx, SubjectDatabase, id, last+1, from, to, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason})
}

// UnderLease counts payouts that somebody may be sending now, by leases that have not run out, and tells until when the last one
// holds.
func (db *DB) UnderLease(ctx context.Context) (n int64, until time.Time, err error) {
	now, err := db.Clock(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	row, err := db.q.PayoutsUnderLease(ctx, now.UnixMicro())
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("payouts that are being sent: %w", err)
	}
	return row.Number, At(row.UntilUs), nil
}
