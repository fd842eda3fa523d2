package payouts_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// disk is the room that a database has left: while it is full no answer can be written down. To the engine it is another
// connection's doing: the database itself refuses, as one whose disk is full refuses.
type disk struct {
	t    *testing.T
	pool *sql.DB
	fill []string
	free []string
}

// eachDisk runs a test on every engine, with a hand on the disk.
func eachDisk(t *testing.T, test func(t *testing.T, db *store.DB, d disk)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "anchor.db")
		db := storetest.Open(t, "sqlite:"+path)
		test(t, db, disk{
			t: t, pool: pool(t, "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"),
			fill: []string{`CREATE TRIGGER full_disk BEFORE INSERT ON attempt_answers BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END`},
			free: []string{`DROP TRIGGER full_disk`},
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		db := storetest.Open(t, url)
		test(t, db, disk{
			t: t, pool: pool(t, "pgx", url),
			fill: []string{
				`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
				`CREATE TRIGGER full_disk BEFORE INSERT ON attempt_answers FOR EACH ROW EXECUTE FUNCTION full_disk()`,
			},
			free: []string{`DROP TRIGGER full_disk ON attempt_answers`, `DROP FUNCTION full_disk`},
		})
	})
}

func pool(t *testing.T, driver, address string) *sql.DB {
	t.Helper()
	p, err := sql.Open(driver, address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func (d disk) do(statements []string) {
	d.t.Helper()
	for _, s := range statements {
		_, err := d.pool.ExecContext(d.t.Context(), s)
		require.NoError(d.t, err)
	}
}

// fills leaves no room, empties makes room again.
func (d disk) fills()   { d.t.Helper(); d.do(d.fill) }
func (d disk) empties() { d.t.Helper(); d.do(d.free) }

// refuseAnswersAbout has the database refuse the answers about some transactions only.
func (d disk) refuseAnswersAbout(w *payoutstest.World, ids []string) {
	d.t.Helper()
	var payouts []string
	for _, id := range ids {
		payouts = append(payouts, "'"+w.Payout(id).ID+"'")
	}
	about := " WHEN (NEW.payout_id IN (" + strings.Join(payouts, ", ") + ")) "
	last := len(d.fill) - 1
	some := append([]string(nil), d.fill...)
	if last == 0 {
		some[last] = strings.Replace(some[last], " BEGIN", about+"BEGIN", 1)
	} else {
		some[last] = strings.Replace(some[last], " EXECUTE", about+"EXECUTE", 1)
	}
	d.do(some)
}

// journal is a log that tells when a text is first in it.
type journal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	wanted string
	seen   chan struct{}
}

func await(text string) *journal { return &journal{wanted: text, seen: make(chan struct{})} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := strings.Contains(j.text.String(), j.wanted)
	j.text.Write(p)
	if !before && strings.Contains(j.text.String(), j.wanted) {
		close(j.seen)
	}
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// overFullDisk is a service whose leases are short enough for the tests to see them end.
func overFullDisk(db *store.DB, b *bank, lease time.Duration, log *journal) *payouts.Service {
	o := atOnce()
	o.Lease = lease
	rail := anchor.Rail{Rails: b, NotKnownFinalAfter: time.Hour, SameKeySafeFor: 2 * time.Hour}
	return payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: rail}, slog.New(slog.NewTextHandler(log, nil)), o)
}

func TestAnswers_that_find_the_disk_full_are_written_down_once_it_has_room_and_nobody_is_asked_again(t *testing.T) {
	t.Parallel()
	eachDisk(t, func(t *testing.T, db *store.DB, d disk) {
		w := payoutstest.New(t, db)
		ids := w.Funded(6)
		c := openCounter(t, db, nil)
		log := await("answers are stored one by one")
		s := overFullDisk(db, c.bank, time.Minute, log)
		d.fills()
		passed := make(chan error, 1)
		go func() {
			_, err := s.Execute(t.Context(), t.Context())
			passed <- err
		}()
		<-log.seen
		require.Equal(t, anchor.PayoutSending, w.Payout(ids[0]).State, "it is not forgotten meanwhile")
		d.empties()
		require.NoError(t, <-passed)
		require.Zero(t, s.Counts().Mislaid)
		require.Empty(t, c.asked)
		require.Len(t, c.sent(), len(ids))
		for _, id := range ids {
			require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
			require.Equal(t, 1, c.paid(t, id))
			w.RequireBooks(id)
		}
	})
}

func TestAnswers_that_find_the_disk_full_for_too_long_are_counted_logged_and_asked_for_again(t *testing.T) {
	t.Parallel()
	eachDisk(t, func(t *testing.T, db *store.DB, d disk) {
		w := payoutstest.New(t, db)
		ids := w.Funded(3)
		c := openCounter(t, db, nil)
		log := await("an answer of a rail could not be stored")
		s := overFullDisk(db, c.bank, 3*time.Second, log)
		d.fills()
		execute(t, s)
		require.EqualValues(t, len(ids), s.Counts().Mislaid)
		for _, sent := range c.sent() {
			require.Contains(t, log.String(), string(sent.Key))
		}
		require.Regexp(t, "disk is full|No space left on device", log.String(), "an operator reads why")
		require.NotContains(t, log.String(), oldAccount)

		_, err := s.Poll(t.Context(), t.Context())
		require.Error(t, err, "the role that asks says it too, and is not ready by its health")
		d.empties()
		require.Eventually(t, func() bool { // the lease of what the failed question had claimed ends by the database's clock
			pollOnce(t, s)
			return w.Transaction(ids[0]).Status == anchor.StatusCompleted && w.Transaction(ids[1]).Status == anchor.StatusCompleted &&
				w.Transaction(ids[2]).Status == anchor.StatusCompleted
		}, 30*time.Second, 50*time.Millisecond)
		execute(t, s)
		require.Len(t, c.sent(), len(ids), "nothing was sent again")
		for _, id := range ids {
			require.Equal(t, 1, c.paid(t, id))
			w.RequireBooks(id)
		}
	})
}

func TestA_disk_that_is_full_before_an_attempt_is_written_down_keeps_the_rail_from_being_called(t *testing.T) {
	t.Parallel()
	eachDisk(t, func(t *testing.T, db *store.DB, d disk) {
		for i, s := range d.fill {
			d.fill[i] = strings.ReplaceAll(s, "attempt_answers", "payout_attempts")
		}
		for i, s := range d.free {
			d.free[i] = strings.ReplaceAll(s, "attempt_answers", "payout_attempts")
		}
		w := payoutstest.New(t, db)
		id := w.Funded(1)[0]
		c := openCounter(t, db, nil)
		s := overFullDisk(db, c.bank, time.Minute, await("-"))
		d.fills()
		_, err := s.Execute(t.Context(), t.Context())
		require.ErrorContains(t, err, "claim ready payouts")
		require.Empty(t, c.sent())
		require.Equal(t, anchor.PayoutReady, w.Payout(id).State)
		d.empties()
		execute(t, s)
		require.Equal(t, 1, c.paid(t, id))
		require.Equal(t, anchor.StatusCompleted, w.Transaction(id).Status)
		w.RequireBooks(id)
	})
}

func TestAn_answer_that_the_database_does_not_take_delays_no_other(t *testing.T) {
	t.Parallel()
	eachDisk(t, func(t *testing.T, db *store.DB, d disk) {
		w := payoutstest.New(t, db)
		bad, good := w.Funded(3), w.Funded(20)
		d.refuseAnswersAbout(w, bad)
		c := openCounter(t, db, first(simulated.FaultErrorAfter)) // with an error there is an answer to store
		s := overFullDisk(db, c.bank, time.Minute, await("-"))
		soft, stop := context.WithCancel(t.Context())
		passed := make(chan error, 1)
		go func() {
			_, err := s.Execute(soft, soft)
			passed <- err
		}()
		require.Eventually(t, func() bool {
			for _, id := range good {
				if w.Payout(id).State != anchor.PayoutUnknown {
					return false
				}
			}
			return true
		}, 20*time.Second, 25*time.Millisecond, "far less than the lease for which the others are tried")
		stop()
		require.NoError(t, <-passed)
		for _, id := range append(bad, good...) {
			require.LessOrEqual(t, c.paid(t, id), 1)
			w.RequireBooks(id)
		}
	})
}
