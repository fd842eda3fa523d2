package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const readClock = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"

// begin begins a database transaction and tells the database's time at its beginning. What its later takes is sent with the
// commit, in the same round trip.
func (e *postgresEngine) begin(ctx context.Context, db *sql.DB) (begun, error) {
	var h handed
	tx, err := db.BeginTx(context.WithValue(ctx, handedKey{}, &h), nil)
	return begun{tx: tx, now: h.now, later: later{tx, &h}}, err
}

// handed is what passes between a transaction and its connection besides what database/sql lets through.
type handed struct {
	now  int64     // read with BEGIN
	last pgx.Batch // to be run with COMMIT
}

type handedKey struct{}

// later is a transaction whose writes wait for the commit: for those that nothing in the transaction reads or decides on.
type later struct {
	*sql.Tx
	h *handed
}

// ExecContext never fails; what is wrong with the statement makes the commit fail.
func (l later) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	l.h.last.Queue(query, args...)
	return driver.RowsAffected(1), nil
}

// clockConnector makes connections that read the clock in the round trip of BEGIN: nearly every transaction needs the time.
type clockConnector struct{ driver.Connector }

// Connect opens a connection (driver.Connector).
func (c clockConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	of, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection to Postgres is a %T", conn), conn.Close())
	}
	return clockConn{of}, nil
}

// clockConn is a connection of pgx but for how it begins what begin asks for.
type clockConn struct{ *stdlib.Conn }

// BeginTx begins as pgx does, and reads the clock besides where begin has called it (driver.ConnBeginTx).
func (c clockConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	h, ok := ctx.Value(handedKey{}).(*handed)
	if !ok {
		return c.Conn.BeginTx(ctx, o)
	}
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	var both pgx.Batch
	both.Queue("BEGIN")
	both.Queue(readClock).QueryRow(func(row pgx.Row) error { return row.Scan(&h.now) })
	if err := conn.SendBatch(ctx, &both).Close(); err != nil {
		return nil, errors.Join(err, abandon(ctx, conn))
	}
	return clockTx{ctx, conn, h}, nil
}

// abandon closes a connection unless it is as good as new: nobody may find a transaction open on it.
func abandon(ctx context.Context, conn *pgx.Conn) error {
	if conn.PgConn().TxStatus() == 'I' && !conn.IsClosed() {
		return nil
	}
	return conn.Close(ctx)
}

// clockTx is an open transaction of a clockConn; it ends as one of pgx does.
type clockTx struct {
	ctx  context.Context
	conn *pgx.Conn
	h    *handed
}

// Commit is an error where Postgres has rolled back instead (driver.Tx). The first statement that fails takes the others and
// the commit with it: the connection is then closed, and with it the transaction.
func (tx clockTx) Commit() error {
	tx.h.last.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() == "ROLLBACK" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	err := tx.conn.SendBatch(tx.ctx, &tx.h.last).Close()
	if err != nil {
		_ = abandon(tx.ctx, tx.conn) // the error that counts is there already
	}
	return err
}

// Rollback takes everything back (driver.Tx).
func (tx clockTx) Rollback() error {
	_, err := tx.conn.Exec(tx.ctx, "ROLLBACK")
	if err != nil {
		_ = abandon(tx.ctx, tx.conn) // the error that counts is there already
	}
	return err
}
