package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/sender"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// deal is a transaction that was agreed, and what is to be paid for it.
type deal struct {
	sender.State
	amount string
}

// agreeSome agrees transactions of a kind, each of another amount.
func (w *world) agreeSome(ctx context.Context, a *sendingAnchor, kind string, count int) []deal {
	w.Helper()
	deals := make([]deal, count)
	for i := range deals {
		amount := fmt.Sprint(30 + i)
		state, err := a.Agree(ctx, a.of(fmt.Sprintf("%s %d", kind, i), amount))
		require.NoError(w, err)
		deals[i] = deal{state, amount}
	}
	return deals
}

func (w *world) paySome(ctx context.Context, a *sendingAnchor, deals []deal) {
	w.Helper()
	for _, d := range deals {
		require.NoError(w, a.Pay(ctx, d.State, d.amount))
	}
}

func (w *world) followSome(ctx context.Context, a *sendingAnchor, deals []deal) {
	w.Helper()
	states := make([]sender.State, len(deals))
	for i, d := range deals {
		states[i] = d.State
	}
	w.followEach(ctx, a, states)
}

// awaitPayouts waits until so many payouts are in a state.
func (w *world) awaitPayouts(state string, count int) {
	w.Helper()
	w.await(fmt.Sprintf("%d payouts are %s", count, state), func() bool {
		return w.db.number("SELECT COUNT(*) FROM payouts WHERE state = $1", state) == int64(count)
	})
}

// backup is a copy of the database as it once was.
type backup struct{ from, at string }

// backUp copies the database. No role may run.
func (w *world) backUp() backup {
	w.Helper()
	if w.engine == "postgres" {
		b := backup{from: w.database, at: pgtest.URL(w.T)}
		w.replace(b.at, b.from)
		return b
	}
	path := strings.TrimPrefix(w.database, "sqlite:")
	b := backup{from: path, at: path + ".copy"}
	pool, err := sql.Open("sqlite", path)
	require.NoError(w, err)
	_, err = pool.ExecContext(w.Context(), "VACUUM INTO $1", b.at)
	require.NoError(w, err)
	require.NoError(w, pool.Close())
	return b
}

// restore puts a copy in the place of the database. No role may run.
func (w *world) restore(b backup) {
	w.Helper()
	if w.engine == "postgres" {
		w.replace(b.from, b.at)
		return
	}
	require.NoError(w, w.db.pool.Close())
	for _, rest := range []string{"-wal", "-shm"} {
		require.NoError(w, os.RemoveAll(b.from+rest))
	}
	require.NoError(w, os.Rename(b.at, b.from))
	w.db = openDatabase(w.T, w.database)
}

// replace makes one Postgres database a copy of another one, to which nobody may be connected.
func (w *world) replace(copied, original string) {
	w.Helper()
	require.NoError(w, w.db.pool.Close())
	pool, err := sql.Open("pgx", os.Getenv(pgtest.Variable))
	require.NoError(w, err)
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + nameOf(w.T, copied) + " WITH (FORCE)",
		"CREATE DATABASE " + nameOf(w.T, copied) + " TEMPLATE " + nameOf(w.T, original),
	} {
		_, err := pool.ExecContext(w.Context(), statement)
		require.NoError(w, err, statement)
	}
	require.NoError(w, pool.Close())
	w.db = openDatabase(w.T, w.database)
}

func nameOf(t *testing.T, database string) string {
	t.Helper()
	address, err := url.Parse(database)
	require.NoError(t, err)
	return strings.TrimPrefix(address.Path, "/")
}

func (w *world) books() []simulated.Payment {
	w.Helper()
	booked, err := w.bank.Payments()
	require.NoError(w, err)
	return booked
}

func TestADatabase_restored_from_a_copy_taken_in_the_middle_pays_nobody_twice(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		const each = 3
		w := newWorld(t, engine, plan{})
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()

		// What the copy has: paid out, taken on by the bank, ready to be sent, agreed and not paid for.
		serve, watch, execute, poll := w.start(roleServe), w.start(roleWatch), w.start(roleExecute), w.start(rolePoll)
		a := w.sendingAnchors(ctx, 1)[0]
		done := w.agreeSome(ctx, a, "paid out", each)
		w.paySome(ctx, a, done)
		w.followSome(ctx, a, done)
		poll.stop()
		accepted := w.agreeSome(ctx, a, "accepted", each)
		w.paySome(ctx, a, accepted)
		w.awaitPayouts("accepted", each)
		execute.stop()
		ready := w.agreeSome(ctx, a, "ready", each)
		w.paySome(ctx, a, ready)
		w.awaitPayouts("ready", each)
		unpaid := w.agreeSome(ctx, a, "agreed", each)
		serve.stop()
		watch.stop()
		copied := w.backUp()

		// What the copy does not have: the rest of all that, and transactions that were agreed since.
		roles := w.startAll()
		later := w.agreeSome(ctx, a, "agreed later", each)
		w.paySome(ctx, a, append(unpaid, later...))
		for _, deals := range [][]deal{accepted, ready, unpaid, later} {
			w.followSome(ctx, a, deals)
		}
		stopAll(roles)
		before := w.books()
		require.Len(t, before, 5*each)

		w.restore(copied)
		require.EqualValues(t, each, w.db.number("SELECT COUNT(*) FROM payouts WHERE state = 'delivered'"), "an older world")
		w.must("reconcile", "--mark-restored", "--reason", "the machine was lost")
		refused := w.command(roleExecute)
		require.NotZero(t, refused.code)
		require.Contains(t, refused.out+refused.errors, "the machine was lost")
		require.Equal(t, before, w.books(), "nothing is sent from a marked database")

		w.must("reconcile", "--after-restore")
		roles = w.startAll()
		for _, deals := range [][]deal{accepted, ready, unpaid} {
			w.followSome(ctx, a, deals)
		}
		w.await("the payments for what the copy never knew are seen", func() bool {
			return w.db.number("SELECT COUNT(*) FROM payments WHERE state = 'open' AND judgement = 'unmatched'") == each
		})
		for _, d := range append(ready, unpaid...) {
			require.Zero(t, w.db.number(`SELECT COUNT(*) FROM attempt_answers s JOIN payouts p ON p.id = s.payout_id
				WHERE p.transaction_id = $1 AND s.source = 'execute'`, d.ID), "the bank was asked, not told to pay: it may forget a key")
		}
		fresh := w.agreeSome(ctx, a, "agreed after the restore", each)
		w.paySome(ctx, a, fresh)
		w.followSome(ctx, a, fresh)
		stopAll(roles)

		require.Equal(t, before, w.books()[:len(before)])
		paid, err := w.bank.PaidTransactions()
		require.NoError(t, err)
		require.Len(t, paid, 6*each)
		for transaction, times := range paid {
			require.Equal(t, 1, times, transaction)
		}
		for _, f := range neverSo() {
			require.Empty(t, w.db.texts(f.query), f.what)
		}
		w.requireDiscretion()
		require.Zero(t, w.command("reconcile").code)
	})
}
