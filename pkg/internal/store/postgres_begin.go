package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const readClock = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"

// clockKey is under which begin hands down where the time is to be put: database/sql lets nothing else through to a driver.
type clockKey struct{}

// begin begins a database transaction and tells the database's time at its beginning.
func (e *postgresEngine) begin(ctx context.Context, db *sql.DB) (tx *sql.Tx, now int64, err error) {
	tx, err = db.BeginTx(context.WithValue(ctx, clockKey{}, &now), nil)
	return tx, now, err
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
	now, ok := ctx.Value(clockKey{}).(*int64)
	if !ok {
		return c.Conn.BeginTx(ctx, o)
	}
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	var both pgx.Batch
	both.Queue("BEGIN")
	both.Queue(readClock).QueryRow(func(row pgx.Row) error { return row.Scan(now) })
	if err := conn.SendBatch(ctx, &both).Close(); err != nil {
		return nil, errors.Join(err, abandon(ctx, conn))
	}
	return clockTx{ctx, conn}, nil
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
}

// Commit is an error where Postgres has rolled back instead (driver.Tx).
func (tx clockTx) Commit() error {
	tag, err := tx.conn.Exec(tx.ctx, "COMMIT")
	if err != nil {
		_ = abandon(tx.ctx, tx.conn) // the error that counts is there already
		return err
	}
	if tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// Rollback takes everything back (driver.Tx).
func (tx clockTx) Rollback() error {
	_, err := tx.conn.Exec(tx.ctx, "ROLLBACK")
	if err != nil {
		_ = abandon(tx.ctx, tx.conn) // the error that counts is there already
	}
	return err
}
