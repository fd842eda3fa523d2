package store

import (
	"context"
	"database/sql"
	"errors"
)

// mostCompiled bounds the statements that are kept: each takes memory for as long as the database is open.
const mostCompiled = 128

// compiled keeps the statements of many rows compiled on SQLite, where parsing them takes as long as running them; pgx does
// so by itself. It is used by whoever has the turn to write, and by nobody else. A nil one keeps nothing.
type compiled struct {
	db     *sql.DB // the one connection that writes
	by     map[string]*sql.Stmt
	wanted []string // texts that were asked for and are not compiled yet: that takes the connection when it is free
}

func newCompiled(db *sql.DB) *compiled { return &compiled{db: db, by: map[string]*sql.Stmt{}} }

// of is the statement of that text, or nil where it has to be parsed this time.
func (c *compiled) of(text string) *sql.Stmt {
	if c == nil {
		return nil
	}
	s, known := c.by[text]
	if !known && len(c.by) < mostCompiled {
		c.by[text] = nil
		c.wanted = append(c.wanted, text)
	}
	return s
}

// catchUp compiles what was asked for, after a transaction. What fails is parsed each time, as before, or asked for again.
func (c *compiled) catchUp(ctx context.Context) {
	if c == nil {
		return
	}
	for _, text := range c.wanted {
		s, err := c.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does
		if err != nil {
			delete(c.by, text)
			continue
		}
		c.by[text] = s
	}
	c.wanted = nil
}

func (c *compiled) close() error {
	if c == nil {
		return nil
	}
	var errs []error
	for _, s := range c.by {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// execMany runs a statement of many rows.
func (tx *Tx) execMany(ctx context.Context, text string, args []any) (sql.Result, error) {
	if s := tx.db.many.of(text); s != nil {
		return tx.tx.StmtContext(ctx, s).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction's end does
	}
	return tx.tx.ExecContext(ctx, text, args...)
}

// queryMany runs a statement of many rows that reads. The same statement must not run again before the rows are closed.
func (tx *Tx) queryMany(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if s := tx.db.many.of(text); s != nil {
		return tx.tx.StmtContext(ctx, s).QueryContext(ctx, args...) //nolint:sqlclosecheck // the transaction's end does
	}
	return tx.tx.QueryContext(ctx, text, args...)
}
